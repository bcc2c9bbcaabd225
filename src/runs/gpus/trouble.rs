//! Why no GPU is seen, in words, and what to do about it.

use serde::{Deserialize, Serialize};

use super::csv::said;

/// Of what a tool said.
const LONGEST: usize = 300;

/// Plain data: it comes from hosts, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuTrouble {
    pub summary: String,
    pub hint: String,
    /// There is nothing on this machine that could be watched; it is no failure of anything.
    #[serde(default)]
    pub has_no_tool: bool,
}

impl GpuTrouble {
    fn new(summary: impl Into<String>, hint: &str) -> Self {
        Self {
            summary: summary.into(),
            hint: hint.to_owned(),
            has_no_tool: false,
        }
    }

    pub(super) fn no_tool() -> Self {
        Self {
            has_no_tool: true,
            ..Self::new(
                "no GPU tool was found",
                "nvidia-smi or rocm-smi must be on the PATH of the machine whose GPUs are to be seen",
            )
        }
    }

    pub(super) fn silent(tool: &str) -> Self {
        Self::new(
            format!("{tool} does not answer"),
            "the driver may hang: see `dmesg` there; a restart of the machine may be needed",
        )
    }

    pub(super) fn cannot_start(tool: &str, error: &std::io::Error) -> Self {
        Self::new(
            format!("{tool} cannot be started: {error}"),
            "see that it may be run by you there",
        )
    }

    /// How it ended, by the codes that the manual of `nvidia-smi` lists, and what it said last.
    pub(super) fn ended(tool: &str, code: Option<i32>, last: &str) -> Self {
        let last = said(last).map(|it| it.chars().take(LONGEST).collect::<String>());
        match (code, last) {
            (Some(9), _) => Self::new(
                "the NVIDIA driver is not loaded",
                "load it there (`modprobe nvidia`), or have it installed for the kernel that runs",
            ),
            (Some(12), _) => Self::new(
                "the library of the NVIDIA driver is missing",
                "install the user part of the driver there; a container must be given the GPUs",
            ),
            (Some(15), last) => Self::new(
                format!("a GPU is lost: {}", last.unwrap_or_default()),
                "it fell off its bus: a reset or a restart of the machine brings it back",
            ),
            (code, last) => {
                let how = code.map_or("was ended".to_owned(), |code| format!("ended with {code}"));
                let last = last.map(|last| format!(": {last}")).unwrap_or_default();
                Self::new(
                    format!("{tool} {how}{last}"),
                    "run it by hand there to see what is wrong",
                )
            }
        }
    }

    pub(super) fn unreadable(tool: &str) -> Self {
        Self::new(
            format!("what {tool} says cannot be read"),
            "this version of it is not known; `semihv doctor --report` and its output help to mend that",
        )
    }
}
