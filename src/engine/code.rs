//! Which code a run was started from.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use semihv_runs::GitState;

/// Files that git does not know are kept up to this size, and so many.
const SMALL: u64 = 1 << 20;
const MOST_FILES: usize = 200;
/// A difference beyond this is cut, and ends by saying so.
const LONGEST_DIFFERENCE: u64 = 16 << 20;

/// The state of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) state: GitState,
    /// Names in `state.untracked` start here.
    root: PathBuf,
}

impl Code {
    /// None where the folder is in no repository, or there is no git. What lies in the folder of runs
    /// is no code.
    pub(crate) fn read(folder: &Path, runs: &Path) -> Option<Self> {
        let commit = asked(folder, &["rev-parse", "HEAD"])?;
        let root = PathBuf::from(asked(folder, &["rev-parse", "--show-toplevel"])?);
        let branch = asked(folder, &["symbolic-ref", "--short", "-q", "HEAD"]);
        let changed = asked(folder, &["status", "--porcelain", "--untracked-files=no"])?;
        let unknown = asked(&root, &["ls-files", "--others", "--exclude-standard", "-z"])?;
        let is_small = |name: &&str| {
            let found = fs::symlink_metadata(root.join(name));
            found.is_ok_and(|found| found.is_file() && found.len() <= SMALL)
        };
        let runs = runs.canonicalize().unwrap_or_else(|_| runs.to_owned());
        let unknown = unknown.split('\0').filter(|name| !name.is_empty());
        let unknown = unknown.filter(|name| !root.join(name).starts_with(&runs));
        let (small, others): (Vec<&str>, Vec<&str>) = unknown.partition(is_small);
        let (kept, more) = small.split_at(small.len().min(MOST_FILES));
        Some(Self {
            state: GitState {
                commit,
                branch,
                is_dirty: !changed.is_empty(),
                untracked: kept.iter().map(|name| (*name).to_owned()).collect(),
                not_kept: others.len() + more.len(),
            },
            root,
        })
    }

    /// Puts the difference and the small unknown files beside the run.
    pub(crate) fn keep(&self, folder: &Path, attempt: &Path) -> io::Result<()> {
        if self.state.is_dirty {
            keep_difference(folder, &attempt.join("diff.patch"))?;
        }
        for name in &self.state.untracked {
            let to = attempt.join("untracked").join(name);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            match fs::copy(self.root.join(name), to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                copied => drop(copied?),
            }
        }
        Ok(())
    }
}

fn keep_difference(folder: &Path, path: &Path) -> io::Result<()> {
    let mut git = git(
        folder,
        &["diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD"],
    )
    .stdout(Stdio::piped())
    .spawn()?;
    let mut bytes = Vec::new();
    if let Some(out) = git.stdout.take() {
        out.take(LONGEST_DIFFERENCE).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 == LONGEST_DIFFERENCE {
        let _ = git.kill();
        bytes.extend_from_slice(b"\nsemihv: the difference was longer and is cut here\n");
    }
    git.wait()?;
    fs::write(path, bytes)
}

fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    // What a repository's own settings would start has no place here.
    git.args(["-c", "core.fsmonitor=false", "--no-pager"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    git
}

fn asked(folder: &Path, arguments: &[&str]) -> Option<String> {
    let ran = git(folder, arguments).output().ok()?;
    let said = String::from_utf8_lossy(&ran.stdout).trim_end().to_owned();
    ran.status.success().then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_git(folder: &Path, arguments: &[&str]) {
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let ran = git(folder, &[&who[..], arguments].concat())
            .status()
            .unwrap();
        assert!(ran.success(), "{arguments:?}");
    }

    #[test]
    fn what_was_changed_and_unknown_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        assert_eq!(Code::read(&root, &root.join("runs")), None);
        run_git(&root, &["init", "-q"]);
        fs::write(root.join("train.py"), "lr = 1\n").unwrap();
        run_git(&root, &["add", "."]);
        run_git(&root, &["commit", "-qm", "first"]);
        let clean = Code::read(&root, &root.join("runs")).unwrap().state;
        assert!(!clean.is_dirty && clean.untracked.is_empty(), "{clean:?}");
        fs::write(root.join("train.py"), "lr = 2\n").unwrap();
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join("sub/new file.py"), "x").unwrap();
        fs::write(root.join("big.bin"), vec![0; SMALL as usize + 1]).unwrap();
        let code = Code::read(&root.join("sub"), &root.join("runs")).unwrap();
        assert_eq!(
            (code.state.is_dirty, &code.state.untracked[..]),
            (true, &["sub/new file.py".to_owned()][..])
        );
        assert_eq!(code.state.not_kept, 1);
        fs::create_dir(root.join("runs")).unwrap();
        fs::write(root.join("runs/log"), "x").unwrap();
        assert_eq!(Code::read(&root, &root.join("runs")).unwrap(), code);
        let attempt = tempfile::tempdir().unwrap();
        code.keep(&root, attempt.path()).unwrap();
        let difference = fs::read_to_string(attempt.path().join("diff.patch")).unwrap();
        assert!(difference.contains("+lr = 2"), "{difference}");
        let kept = fs::read_to_string(attempt.path().join("untracked/sub/new file.py")).unwrap();
        assert_eq!(kept, "x");
    }
}
