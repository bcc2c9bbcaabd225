//! The GPUs of a machine as an asker knows them: the fold over the news it was told.

use std::collections::BTreeMap;

use semihv_domain::{Gpu, GpuInstance, GpuProcess, GpuTool};

use super::book::{GpuMark, GpuNews, GpuNewsOf, KEPT};
use super::trouble::GpuTrouble;

/// What a machine may tell of itself, whoever it is.
const MOST_GPUS: usize = 1_024;
const MOST_OF_EACH: usize = 4_096;

/// Starts empty: nothing was heard.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WatchedGpus {
    mark: Option<GpuMark>,
    tool: Option<GpuTool>,
    trouble: Option<GpuTrouble>,
    gpus: BTreeMap<u32, Gpu>,
    processes: Option<Vec<GpuProcess>>,
    instances: Vec<GpuInstance>,
}

impl WatchedGpus {
    /// From where the next news are wanted.
    pub fn mark(&self) -> Option<GpuMark> {
        self.mark
    }

    pub fn tool(&self) -> Option<GpuTool> {
        self.tool
    }

    pub fn trouble(&self) -> Option<&GpuTrouble> {
        self.trouble.as_ref()
    }

    /// All that is shown at once was told: the figures, and who computes.
    pub fn is_complete(&self) -> bool {
        self.trouble.is_some() || !self.gpus.is_empty() && self.processes.is_some()
    }

    pub fn take(&mut self, news: GpuNews) {
        if news.is_whole {
            *self = Self::default();
        }
        self.mark = Some(news.mark);
        self.tool = news.tool;
        self.trouble = news.trouble;
        for of in news.gpus {
            let is_known = self.gpus.contains_key(&of.index);
            if is_known || self.gpus.len() < MOST_GPUS {
                told(self.gpus.entry(of.index).or_default(), of);
            }
        }
        if let Some(mut processes) = news.processes {
            processes.truncate(MOST_OF_EACH);
            self.processes = Some(processes);
        }
        if let Some(mut instances) = news.instances {
            instances.truncate(MOST_OF_EACH);
            self.instances = instances;
        }
    }

    /// By their index, each with who computes on it.
    pub fn gpus(&self) -> Vec<Gpu> {
        let all = self.gpus.values().map(|gpu| {
            let index = gpu.card.index;
            let processes = self.processes.iter().flatten();
            let processes = processes.filter(|it| it.gpu == Some(index)).cloned();
            let instances = self.instances.iter().filter(|it| it.gpu == index).cloned();
            Gpu {
                processes: processes.collect(),
                instances: instances.collect(),
                ..gpu.clone()
            }
        });
        all.collect()
    }

    /// Those of which it is not said where they compute.
    pub fn processes_anywhere(&self) -> Vec<GpuProcess> {
        let processes = self.processes.iter().flatten();
        processes.filter(|it| it.gpu.is_none()).cloned().collect()
    }
}

fn told(gpu: &mut Gpu, of: GpuNewsOf) {
    gpu.card.index = of.index;
    if let Some(card) = of.card {
        gpu.card = card;
        gpu.card.index = of.index;
    }
    if let Some(figures) = of.figures {
        gpu.figures = figures;
    }
    gpu.uses.extend(of.uses);
    let excess = gpu.uses.len().saturating_sub(KEPT);
    gpu.uses.drain(..excess);
    gpu.idle_seconds = of.idle_seconds;
}
