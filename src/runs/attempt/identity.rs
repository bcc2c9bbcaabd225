//! Which process is meant: its number alone is another's sooner or later.

use std::fs;
use std::io;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// A process of one boot of one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pub boot_id: String,
    pub pid: i32,
    /// In clock ticks since the boot.
    pub start_time: u64,
}

/// What became of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    Here,
    /// Ended, or its number belongs to another by now.
    Gone,
    /// The machine was started anew since.
    OtherBoot,
}

impl ProcessId {
    pub fn current() -> io::Result<Self> {
        Self::of(rustix::process::getpid().as_raw_nonzero().get())
    }

    /// Of a process that runs now.
    pub fn of(pid: i32) -> io::Result<Self> {
        let stat = stat(pid)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Self {
            boot_id: boot_id()?,
            pid,
            start_time: stat.start_time,
        })
    }

    pub fn presence(&self) -> io::Result<Presence> {
        if boot_id()? != self.boot_id {
            return Ok(Presence::OtherBoot);
        }
        let is_it = |stat: &Stat| stat.start_time == self.start_time && !stat.is_dead;
        Ok(match stat(self.pid)? {
            Some(stat) if is_it(&stat) => Presence::Here,
            _ => Presence::Gone,
        })
    }

    /// False where it is gone. The process is held while its start is compared, so that no other one
    /// with the same number is hit.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(false);
        };
        let held = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(held) => held,
            Err(rustix::io::Errno::SRCH) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        };
        if self.presence()? != Presence::Here {
            return Ok(false);
        }
        match pidfd_send_signal(&held, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }
}

pub(crate) fn boot_id() -> io::Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(id.trim().to_owned())
}

/// Of a line of ancestors.
const DEEPEST: usize = 1_000;

/// A process with its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) pid: i32,
    pub(crate) group: i32,
}

/// All that descend from a process, the process itself left out.
pub(crate) fn descendants(ancestor: i32) -> io::Result<Vec<Member>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // Gone while we looked: no descendant any more.
        if let Some(stat) = stat(pid).ok().flatten().filter(|stat| !stat.is_dead) {
            let group = stat.group;
            all.push((Member { pid, group }, stat.parent));
        }
    }
    let mut found: Vec<Member> = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        let children = all.iter().filter(|(_, of)| *of == parent);
        let children: Vec<Member> = children.map(|(member, _)| *member).collect();
        parents.extend(children.iter().map(|member| member.pid));
        found.extend(children);
    }
    Ok(found)
}

/// A process, its parent, and so on; whoever is asked for and gone has none.
pub(crate) fn ancestors(pid: i32) -> impl Iterator<Item = i32> {
    let parent = |pid: &i32| stat(*pid).ok().flatten().map(|stat| stat.parent);
    let line = std::iter::successors(Some(pid), parent);
    // Processes come and go meanwhile: it must end whatever is read.
    line.take_while(|pid| *pid > 1).take(DEEPEST)
}

/// Of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: i32,
    group: i32,
    start_time: u64,
    /// A zombie, which only waits to be asked how it ended.
    is_dead: bool,
}

fn stat(pid: i32) -> io::Result<Option<Stat>> {
    match fs::read(format!("/proc/{pid}/stat")) {
        Ok(bytes) => Ok(parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // The process ended between the opening and the reading.
        Err(error) if error.raw_os_error() == Some(3) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `PID (NAME) STATE PARENT …`, where a name may hold blanks and brackets.
fn parse(stat: &str) -> Option<Stat> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let start_time = fields.nth(16)?.parse().ok()?;
    Some(Stat {
        parent,
        group,
        start_time,
        is_dead: matches!(state, "Z" | "X" | "x"),
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn names_with_brackets_do_not_shift_the_fields() {
        let rest = "S 7 5 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 8192";
        let expected = |is_dead| Stat {
            parent: 7,
            group: 5,
            start_time: 4711,
            is_dead,
        };
        assert_eq!(parse(&format!("12 (a) b) {rest}")), Some(expected(false)));
        let dead = rest.replacen('S', "Z", 1);
        assert_eq!(parse(&format!("12 (sh) {dead}")), Some(expected(true)));
        assert_eq!(parse("12 (sh"), None);
        assert_eq!(parse("12 (sh) S 7"), None);
    }

    #[test]
    fn another_start_or_boot_is_another_process() {
        let own = ProcessId::current().unwrap();
        assert_eq!(own.presence().unwrap(), Presence::Here);
        let later = ProcessId {
            start_time: own.start_time + 1,
            ..own.clone()
        };
        assert_eq!(later.presence().unwrap(), Presence::Gone);
        assert!(!later.signal(Signal::KILL).unwrap());
        let before = ProcessId {
            boot_id: "another".to_owned(),
            ..own
        };
        assert_eq!(before.presence().unwrap(), Presence::OtherBoot);
        assert!(!before.signal(Signal::KILL).unwrap());
    }

    #[test]
    fn a_child_is_found_signalled_and_gone() {
        let mut child = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id() as i32;
        let id = ProcessId::of(pid).unwrap();
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut found = descendants(own).unwrap().into_iter();
        assert!(found.any(|member| member.pid == pid));
        assert!(id.signal(Signal::TERM).unwrap());
        child.wait().unwrap();
        assert_eq!(id.presence().unwrap(), Presence::Gone);
    }
}
