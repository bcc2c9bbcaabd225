//! The GPUs of this machine and of the hosts, watched for as long as somebody asks: here by a sampler
//! of this process, there by the one that the host's agent holds.

use std::collections::BTreeMap;
use std::sync::{Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use semihv_domain::{Failure, FailureKind, Gpu, GpuProcess, GpuTool};
use semihv_runs::{GpuNews, GpuTrouble, GpuWatch, WatchedGpus};
use serde::Serialize;

use super::agent::AgentAsk;
use crate::Engine;
use crate::engine::{Inner, locked};

/// As often as there is something new.
const LOOK: Duration = Duration::from_secs(2);
/// Until everything was told once.
const FIRST: Duration = Duration::from_millis(300);
/// A host that is silent is asked less and less often.
const LOOK_AT_SILENT: Duration = Duration::from_secs(30);
/// Nobody asked for so long: no host is asked.
const LEASE: Duration = Duration::from_secs(8);

/// The GPUs of one machine as they are known here.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct HostGpus {
    /// None: this machine.
    pub host: Option<String>,
    pub tool: Option<GpuTool>,
    pub gpus: Vec<Gpu>,
    /// Of which the tool does not say where they compute.
    pub processes: Vec<GpuProcess>,
    /// When it answered last, in milliseconds since 1970; none: not yet.
    pub seen_at: Option<i64>,
    /// Why no figures come.
    pub trouble: Option<GpuTrouble>,
    /// Why the machine cannot be asked; what is shown of it is as it was then.
    pub silent: Option<String>,
    /// Everything was told once.
    #[serde(skip)]
    pub is_complete: bool,
}

impl HostGpus {
    /// There is something to see, or a reason why there is not.
    pub fn is_settled(&self) -> bool {
        self.is_complete || self.silent.is_some()
    }

    /// Why it cannot be asked, to be said beside its name.
    pub fn silence(&self) -> Option<&str> {
        let why = self.silent.as_deref()?;
        let name = self.host.as_deref().unwrap_or_default();
        Some(why.strip_prefix(name).unwrap_or(why).trim_start())
    }

    /// A machine that has no GPU to show, which is nobody's fault.
    pub fn has_no_tool(&self) -> bool {
        self.trouble.as_ref().is_some_and(|it| it.has_no_tool)
    }

    /// Why nothing can be shown of it.
    pub fn failure(&self) -> Option<Failure> {
        let name = self.host.as_deref().unwrap_or("this machine");
        if let Some(why) = &self.silent {
            let failure = Failure::new("gpus", FailureKind::Network, why);
            return Some(failure.with_hint("`semihv hosts` says which hosts can be asked"));
        }
        let trouble = self.trouble.as_ref()?;
        let summary = format!("{name}: {}", trouble.summary);
        Some(Failure::new("gpus", FailureKind::Config, summary).with_hint(&trouble.hint))
    }
}

/// What is watched, and until when.
#[derive(Debug, Default)]
pub(crate) struct KeptGpus {
    local: Mutex<Option<(GpuWatch, WatchedGpus)>>,
    hosts: Mutex<BTreeMap<String, Watching>>,
    wanted_until: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Watching {
    watched: WatchedGpus,
    seen_at: Option<i64>,
    silent: Option<String>,
    /// A thread asks it.
    is_followed: bool,
}

impl Watching {
    fn view(&self, host: &str) -> HostGpus {
        HostGpus {
            host: Some(host.to_owned()),
            seen_at: self.seen_at,
            silent: self.silent.clone(),
            ..view(&self.watched)
        }
    }
}

fn view(watched: &WatchedGpus) -> HostGpus {
    HostGpus {
        tool: watched.tool(),
        gpus: watched.gpus(),
        processes: watched.processes_anywhere(),
        trouble: watched.trouble().cloned(),
        is_complete: watched.is_complete(),
        ..HostGpus::default()
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Engine {
    /// The GPUs of this machine, then those of the hosts of the user's settings, as they are known
    /// now. Asking has them watched for a while: right after the first time little is known.
    pub fn gpus(&self) -> Result<Vec<HostGpus>, Failure> {
        let mut machines = vec![self.gpus_here()];
        for host in self.host_names()? {
            machines.push(self.gpus_of(&host)?);
        }
        Ok(machines)
    }

    /// The GPUs of one host.
    pub fn gpus_of(&self, host: &str) -> Result<HostGpus, Failure> {
        self.host_entry(host)?;
        *locked(&self.inner.gpus.wanted_until) = Some(Instant::now() + LEASE);
        let mut hosts = locked(&self.inner.gpus.hosts);
        let watching = hosts.entry(host.to_owned()).or_default();
        if !watching.is_followed {
            watching.is_followed = true;
            let (engine, name) = (std::sync::Arc::downgrade(&self.inner), host.to_owned());
            let named = thread::Builder::new().name("gpus".to_owned());
            if let Err(error) = named.spawn(move || follow(&engine, &name)) {
                watching.is_followed = false;
                watching.silent = Some(error.to_string());
            }
        }
        Ok(watching.view(host))
    }

    pub(crate) fn gpus_here(&self) -> HostGpus {
        let mut local = locked(&self.inner.gpus.local);
        let (watch, watched) = local.get_or_insert_with(|| {
            let runs = self.local_runs().root().to_owned();
            (GpuWatch::new(runs), WatchedGpus::default())
        });
        watched.take(watch.news(watched.mark()));
        HostGpus {
            seen_at: Some(now()),
            ..view(watched)
        }
    }

    /// One answer of a host; how long to wait for the next one. None where nobody wants it.
    fn look_at_gpus(&self, host: &str, silent: &mut u32) -> Option<Duration> {
        let mark = {
            let mut hosts = locked(&self.inner.gpus.hosts);
            let watching = hosts.entry(host.to_owned()).or_default();
            let until = *locked(&self.inner.gpus.wanted_until);
            if until.is_none_or(|until| until < Instant::now()) {
                // Under the lock under which another thread would be started.
                watching.is_followed = false;
                return None;
            }
            watching.watched.mark()
        };
        let ask = || AgentAsk::Gpus { since: mark };
        let asked = self.ask_host(host, |channel| channel.ask::<GpuNews>(ask()));
        let mut hosts = locked(&self.inner.gpus.hosts);
        let watching = hosts.entry(host.to_owned()).or_default();
        match asked {
            Ok(news) => {
                watching.watched.take(news);
                watching.seen_at = Some(now());
                watching.silent = None;
                *silent = 0;
                let is_complete = watching.watched.is_complete();
                Some(if is_complete { LOOK } else { FIRST })
            }
            Err(failure) => {
                watching.silent = Some(failure.summary);
                *silent += 1;
                Some((LOOK * *silent).min(LOOK_AT_SILENT))
            }
        }
    }
}

/// For as long as the workspace is open and somebody asks.
fn follow(inner: &Weak<Inner>, host: &str) {
    let mut silent = 0;
    while let Some(inner) = inner.upgrade() {
        let engine = Engine { inner };
        let Some(pause) = engine.look_at_gpus(host, &mut silent) else {
            return;
        };
        drop(engine);
        thread::sleep(pause);
    }
}
