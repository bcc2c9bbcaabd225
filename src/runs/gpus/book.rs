//! What is known of the GPUs of one machine, with what changed since somebody asked last.

use std::collections::{BTreeMap, VecDeque};

use semihv_domain::{GpuCard, GpuFigures, GpuInstance, GpuProcess, GpuTool};
use serde::{Deserialize, Serialize};

use super::trouble::GpuTrouble;

/// Ten minutes, a sample every two seconds.
pub(super) const KEPT: usize = 300;
/// More memory than a driver takes for itself: somebody has it.
const HELD_MIB: u64 = 512;
/// A tool that says nothing for so long hangs; a GPU of which it says nothing is lost.
const SILENT_MS: i64 = 20_000;

/// Where an asker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuMark {
    /// Another sampler counts anew.
    pub sampler: u64,
    pub serial: u64,
}

/// What changed since a mark; all there is where the mark was another sampler's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuNews {
    pub mark: GpuMark,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_whole: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<GpuTool>,
    /// Why no figures come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<GpuTrouble>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<GpuNewsOf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<Vec<GpuProcess>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<Vec<GpuInstance>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuNewsOf {
    pub index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<GpuCard>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<GpuFigures>,
    /// Of the samples since, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Option<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<u64>,
}

/// Times are milliseconds of a clock that nobody sets.
#[derive(Debug, Default)]
pub(super) struct Book {
    sampler: u64,
    serial: u64,
    tool: Option<GpuTool>,
    trouble: Option<GpuTrouble>,
    gpus: BTreeMap<u32, Kept>,
    /// As they were told, by the uuid of their GPU.
    named_processes: Vec<(String, GpuProcess)>,
    named_instances: Vec<(String, GpuInstance)>,
    processes: Dated<Vec<GpuProcess>>,
    instances: Dated<Vec<GpuInstance>>,
    /// The last sample; before the first one, when the tool was started.
    heard_at: i64,
}

/// A value with the number of the sample at which it became another.
#[derive(Debug, Default)]
struct Dated<T> {
    value: T,
    at: u64,
}

impl<T: PartialEq + Clone> Dated<T> {
    fn set(&mut self, value: T, serial: &mut u64) {
        if self.value != value || self.at == 0 {
            *serial += 1;
            self.at = *serial;
            self.value = value;
        }
    }

    fn since(&self, serial: u64) -> Option<T> {
        (self.at > serial).then(|| self.value.clone())
    }
}

#[derive(Debug, Default)]
struct Kept {
    card: Dated<GpuCard>,
    figures: Dated<GpuFigures>,
    /// With the numbers of their samples.
    uses: VecDeque<(u64, Option<u8>)>,
    idle_since: Option<i64>,
    heard_at: i64,
}

/// Since when a GPU that somebody holds has not been used: the fold over its samples.
pub(super) fn still_idle(
    since: Option<i64>,
    (is_held, use_percent): (bool, Option<u8>),
    now: i64,
) -> Option<i64> {
    // What does not tell its use is not called idle.
    (is_held && use_percent == Some(0)).then(|| since.unwrap_or(now))
}

impl Book {
    pub(super) fn new(sampler: u64, now: i64) -> Self {
        Self {
            sampler,
            heard_at: now,
            ..Self::default()
        }
    }

    pub(super) fn start(&mut self, tool: GpuTool, now: i64) {
        self.tool = Some(tool);
        self.heard_at = now;
        // What was wrong is, until a row comes.
    }

    pub(super) fn fail(&mut self, trouble: GpuTrouble) {
        self.trouble = Some(trouble);
    }

    /// A sample of one GPU.
    pub(super) fn take(&mut self, card: GpuCard, figures: GpuFigures, now: i64) {
        self.heard_at = now;
        self.trouble = None;
        let index = card.index;
        let is_named = |process: &GpuProcess| process.gpu == Some(index);
        let is_held = figures.memory_used_mib.is_some_and(|it| it >= HELD_MIB)
            || self.processes.value.iter().any(is_named);
        let kept = self.gpus.entry(index).or_default();
        self.serial += 1;
        kept.heard_at = now;
        kept.uses.push_back((self.serial, figures.use_percent));
        if kept.uses.len() > KEPT {
            kept.uses.pop_front();
        }
        kept.idle_since = still_idle(kept.idle_since, (is_held, figures.use_percent), now);
        let is_another = kept.card.value.uuid != card.uuid;
        kept.card.set(card, &mut self.serial);
        kept.figures.set(figures, &mut self.serial);
        if is_another && self.processes.at > 0 {
            self.place();
        }
    }

    /// Processes and instances, each by the uuid of its GPU; what was not told stays as it was.
    pub(super) fn take_around(
        &mut self,
        processes: Option<Vec<(String, GpuProcess)>>,
        instances: Option<Vec<(String, GpuInstance)>>,
    ) {
        if let Some(found) = processes {
            self.named_processes = found;
        }
        if let Some(found) = instances {
            self.named_instances = found;
        }
        self.place();
    }

    pub(super) fn set_processes(&mut self, processes: Vec<GpuProcess>) {
        self.processes.set(processes, &mut self.serial);
    }

    fn place(&mut self) {
        let processes = self.named_processes.iter();
        let processes = processes.map(|(uuid, process)| GpuProcess {
            gpu: self.index_of(uuid),
            ..process.clone()
        });
        let processes = processes.collect();
        let instances = self.named_instances.iter().filter_map(|(uuid, instance)| {
            let gpu = self.index_of(uuid)?;
            Some(GpuInstance {
                gpu,
                ..instance.clone()
            })
        });
        let instances = instances.collect();
        self.processes.set(processes, &mut self.serial);
        self.instances.set(instances, &mut self.serial);
    }

    fn index_of(&self, uuid: &str) -> Option<u32> {
        let mut gpus = self.gpus.iter();
        let is_it = |kept: &Kept| kept.card.value.uuid.as_deref() == Some(uuid);
        gpus.find(|(_, kept)| is_it(kept)).map(|(index, _)| *index)
    }

    /// Some GPU is divided.
    pub(super) fn has_mig(&self) -> bool {
        let mut gpus = self.gpus.values();
        gpus.any(|kept| kept.card.value.is_mig == Some(true))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gpus.is_empty()
    }

    pub(super) fn news(&self, since: Option<GpuMark>, now: i64) -> GpuNews {
        let is_own = |mark: &GpuMark| mark.sampler == self.sampler && mark.serial <= self.serial;
        let known = since.filter(is_own);
        let serial = known.map_or(0, |mark| mark.serial);
        let of = |(index, kept): (&u32, &Kept)| self.news_of(*index, kept, (serial, now));
        let gpus = self.gpus.iter().filter_map(of).collect();
        let is_silent = self.trouble.is_none() && now - self.heard_at > SILENT_MS;
        let tool = self.tool.filter(|_| is_silent);
        let silence = tool.map(|tool| GpuTrouble::silent(tool.name()));
        GpuNews {
            mark: GpuMark {
                sampler: self.sampler,
                serial: self.serial,
            },
            is_whole: known.is_none(),
            tool: self.tool,
            trouble: self.trouble.clone().or(silence),
            gpus,
            processes: self.processes.since(serial),
            instances: self.instances.since(serial),
        }
    }

    fn news_of(&self, index: u32, kept: &Kept, (serial, now): (u64, i64)) -> Option<GpuNewsOf> {
        // The others are told of and this one is not any more.
        let is_lost = self.heard_at - kept.heard_at > SILENT_MS;
        let lost = || GpuFigures {
            is_lost: true,
            ..GpuFigures::default()
        };
        let new = kept.uses.iter().filter(|(at, _)| *at > serial);
        let uses: Vec<Option<u8>> = new.map(|(_, use_percent)| *use_percent).collect();
        let figures = if is_lost {
            Some(lost())
        } else {
            kept.figures.since(serial)
        };
        let card = kept.card.since(serial);
        if uses.is_empty() && figures.is_none() && card.is_none() {
            return None;
        }
        let idle = kept
            .idle_since
            .map(|since| (now - since).max(0) as u64 / 1_000);
        Some(GpuNewsOf {
            index,
            card,
            figures,
            uses,
            idle_seconds: idle.filter(|_| !is_lost),
        })
    }
}
