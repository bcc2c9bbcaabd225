//! A real OpenSSH server on the loopback.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::home::complaint;

/// The real server, in a folder of its own, for as long as this lives.
pub(crate) struct Sshd {
    folder: PathBuf,
}

impl Sshd {
    pub(crate) fn start(folder: &Path) -> Self {
        let sshd = Self {
            folder: folder.to_owned(),
        };
        sshd.tell("start");
        sshd
    }

    pub(crate) fn tell(&self, what: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts/sshd-loopback");
        let told = Command::new("bash")
            .arg(script)
            .args([what, "--dir"])
            .arg(&self.folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(told.status.success(), "{what}: {}", complaint(&told));
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.tell("stop");
    }
}
