//! The workspaces a user has opened, newest first: what the picker shows.

use std::io;
use std::path::{Path, PathBuf};

use semihv_domain::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::places::MANIFEST;
use crate::write_atomically;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownWorkspace {
    pub path: PathBuf,
    pub opened: UnixSeconds,
}

/// Reads the list; an unreadable one counts as empty, since it only saves typing.
pub fn known_workspaces(list: &Path) -> Vec<KnownWorkspace> {
    let Ok(text) = std::fs::read_to_string(list) else {
        return Vec::new();
    };
    let known: Vec<KnownWorkspace> = serde_json::from_str(&text).unwrap_or_default();
    known
        .into_iter()
        .filter(|workspace| workspace.path.join(MANIFEST).exists())
        .collect()
}

/// Puts `root` first. Keeps the newest fifty.
pub fn remember_workspace(list: &Path, root: &Path, now: UnixSeconds) -> io::Result<()> {
    let mut known = known_workspaces(list);
    known.retain(|workspace| workspace.path != root);
    known.insert(
        0,
        KnownWorkspace {
            path: root.to_owned(),
            opened: now,
        },
    );
    known.truncate(50);
    let text = serde_json::to_vec_pretty(&known).map_err(io::Error::other)?;
    write_atomically(list, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_opened_stands_first_and_vanished_ones_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("workspaces.json");
        for name in ["a", "b", "gone"] {
            let root = folder.path().join(name);
            std::fs::create_dir(&root).unwrap();
            std::fs::write(root.join(MANIFEST), "").unwrap();
            remember_workspace(&list, &root, 1).unwrap();
        }
        remember_workspace(&list, &folder.path().join("a"), 2).unwrap();
        std::fs::remove_dir_all(folder.path().join("gone")).unwrap();
        let names: Vec<_> = known_workspaces(&list)
            .iter()
            .map(|known| known.path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a", "b"]);
    }
}
