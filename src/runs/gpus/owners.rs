//! Which run a process belongs to: the one whose supervisor, or whose command, it descends from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::attempt::{ancestors, live_processes};
use crate::folder::{attempts, runs};

/// Processes of live runs in a folder of runs: their numbers, with the run. A number is that of
/// this boot's process with the start that the run's journal says.
pub(super) fn live_runs(root: &Path) -> BTreeMap<i32, String> {
    let mut found = BTreeMap::new();
    for run in runs(root).unwrap_or_default() {
        let attempts = attempts(&root.join(&run)).unwrap_or_default();
        let Some((_, newest)) = attempts.into_iter().next_back() else {
            continue;
        };
        for pid in live_processes(&newest).unwrap_or_default() {
            found.insert(pid, run.clone());
        }
    }
    found
}

/// The run of a process that a GPU tool calls `name`. A tool in a container may count processes
/// otherwise than this machine: one that is called something else here is another.
pub(super) fn owner(pid: i32, name: &str, live: &BTreeMap<i32, String>) -> Option<String> {
    if live.is_empty() || !is_called(pid, name) {
        return None;
    }
    let mut line = ancestors(pid);
    line.find_map(|ancestor| live.get(&ancestor).cloned())
}

fn is_called(pid: i32, name: &str) -> bool {
    let last = |text: &str| text.rsplit('/').next().unwrap_or(text).trim().to_owned();
    // A tool gives words along with the program's name, or cuts it.
    let first = name.split_whitespace().next().unwrap_or_default();
    let (whole, first) = (last(name), last(first));
    if first.is_empty() {
        return false;
    }
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = command.split(|byte| *byte == 0).next().unwrap_or_default();
    let command = String::from_utf8_lossy(command).into_owned();
    let program = fs::read_link(format!("/proc/{pid}/exe")).ok();
    let program = program.map(|it| it.to_string_lossy().into_owned());
    let names = [Some(command), program];
    let mut names = names.into_iter().flatten().map(|it| last(&it));
    names.any(|it| it == whole || it == first)
}
