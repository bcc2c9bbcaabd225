//! Where things lie: in a workspace, and in the user's own folders.

use std::path::{Path, PathBuf};

/// The file that makes a folder a workspace.
pub const MANIFEST: &str = "semihv.toml";

/// The paths of one workspace. Nothing outside this type joins them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    root: PathBuf,
}

impl Places {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn manifest(&self) -> PathBuf {
        self.root.join(MANIFEST)
    }

    /// Everything that semihv itself writes.
    pub fn hidden(&self) -> PathBuf {
        self.root.join(".semihv")
    }

    pub fn store(&self) -> PathBuf {
        self.hidden().join("store.db")
    }

    pub fn index(&self) -> PathBuf {
        self.hidden().join("index")
    }

    /// What was read of the figures of logs, which can be read again.
    pub fn figures(&self) -> PathBuf {
        self.hidden().join("figures")
    }

    pub fn vectors(&self) -> PathBuf {
        self.hidden().join("vectors")
    }

    /// Weights of words and vectors that were fitted on judgements.
    pub fn weights(&self) -> PathBuf {
        self.hidden().join("retrieval-weights.json")
    }

    /// What people judged of what was retrieved.
    pub fn retrieval_judgements(&self) -> PathBuf {
        self.root.join("judgements").join("retrieval.jsonl")
    }

    /// Pictures that people saved.
    pub fn exports(&self) -> PathBuf {
        self.root.join("exports")
    }

    /// What was told of runs.
    pub fn alerts(&self) -> PathBuf {
        self.hidden().join("alerts.jsonl")
    }

    pub fn session(&self) -> PathBuf {
        self.hidden().join("session.json")
    }

    pub fn log(&self) -> PathBuf {
        self.hidden().join("semihv.log")
    }

    pub fn crash_report(&self) -> PathBuf {
        self.hidden().join("crash.txt")
    }

    pub fn lock(&self, name: &str) -> PathBuf {
        self.hidden().join(format!("{name}.lock"))
    }

    /// Runs that were launched: theirs to keep, so they do not lie among what can be made again.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// Where `import --copy` puts pictures.
    pub fn copied_images(&self, source: &str) -> PathBuf {
        self.hidden().join("images").join(source)
    }

    /// A path of the manifest: relative ones start at the workspace.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        if path.is_absolute() {
            path.to_owned()
        } else {
            self.root.join(path)
        }
    }
}

/// The nearest folder at or above `start` that holds a manifest.
pub fn find_workspace(start: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(start).ok()?;
    start
        .ancestors()
        .find(|folder| folder.join(MANIFEST).exists())
        .map(Path::to_owned)
}

/// The folders of a user, from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPlaces {
    config: PathBuf,
    state: PathBuf,
    data: PathBuf,
}

impl UserPlaces {
    /// Follows the XDG base directories; `variable` reads the environment.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let home = PathBuf::from(variable("HOME").unwrap_or_else(|| ".".to_owned()));
        let folder = |name: &str, fallback: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .unwrap_or_else(|| home.join(fallback))
                .join("semihv")
        };
        Self {
            config: folder("XDG_CONFIG_HOME", ".config"),
            state: folder("XDG_STATE_HOME", ".local/state"),
            data: folder("XDG_DATA_HOME", ".local/share"),
        }
    }

    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The user's own themes, which win over the embedded ones.
    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }

    pub fn known_workspaces(&self) -> PathBuf {
        self.state.join("workspaces.json")
    }

    /// What was copied last, for terminals without a clipboard.
    pub fn copied_text(&self) -> PathBuf {
        self.state.join("copied.txt")
    }

    /// Workspaces of `semihv watch`.
    pub fn watched(&self) -> PathBuf {
        self.data.join("watched")
    }

    pub fn demo(&self) -> PathBuf {
        self.data.join("demo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_workspace_upward_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(folder.path().join(MANIFEST), "").unwrap();
        assert_eq!(find_workspace(&inner), Some(folder.path().to_owned()));
    }

    #[test]
    fn xdg_folders_win_over_the_home_folder() {
        let places = UserPlaces::from_environment(|name| match name {
            "HOME" => Some("/home/ana".to_owned()),
            "XDG_STATE_HOME" => Some("/var/state".to_owned()),
            _ => None,
        });
        assert_eq!(
            places.settings(),
            Path::new("/home/ana/.config/semihv/config.toml")
        );
        assert_eq!(
            places.known_workspaces(),
            Path::new("/var/state/semihv/workspaces.json")
        );
    }
}
