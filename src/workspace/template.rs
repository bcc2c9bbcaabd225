//! What `semihv init` and `semihv demo` write: the embedded `workspace-template/`.

use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::places::MANIFEST;
use crate::write_atomically;

static TEMPLATE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../workspace-template");

/// The template's folder that only the demo uses.
const DEMO: &str = "demo";

#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("{path} is a workspace already; open it with `semihv {path}`")]
    Exists { path: PathBuf },
    #[error("{path} is a file; give a folder")]
    NotAFolder { path: PathBuf },
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
}

/// Makes `root` a workspace. Files that are there already stay as they are.
pub fn init(root: &Path) -> Result<(), InitError> {
    if root.join(MANIFEST).exists() {
        return Err(InitError::Exists {
            path: root.to_owned(),
        });
    }
    if root.is_file() {
        return Err(InitError::NotAFolder {
            path: root.to_owned(),
        });
    }
    write_files(&TEMPLATE, root, |path| !path.starts_with(DEMO))
}

/// Puts the demo's material into `root/demo` and a manifest that knows it into `root`. What is
/// there already stays, so that a demo is kept over the next start.
pub fn init_demo(root: &Path) -> Result<(), InitError> {
    if root.is_file() {
        return Err(InitError::NotAFolder {
            path: root.to_owned(),
        });
    }
    let manifest = root.join(MANIFEST);
    if !manifest.exists() {
        let text = TEMPLATE
            .get_file("demo/semihv.toml")
            .map(include_dir::File::contents)
            .unwrap_or_default();
        write_atomically(&manifest, text).map_err(|source| InitError::Write {
            path: manifest,
            source,
        })?;
    }
    write_files(&TEMPLATE, root, |path| {
        path != Path::new("demo/semihv.toml")
    })
}

fn write_files(
    folder: &Dir<'_>,
    root: &Path,
    is_wanted: impl Fn(&Path) -> bool + Copy,
) -> Result<(), InitError> {
    for file in folder.files().filter(|file| is_wanted(file.path())) {
        let path = root.join(file.path());
        if !path.exists() {
            write_atomically(&path, file.contents())
                .map_err(|source| InitError::Write { path, source })?;
        }
    }
    folder
        .dirs()
        .try_for_each(|inner| write_files(inner, root, is_wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifest;

    #[test]
    fn a_new_workspace_has_a_manifest_that_reads_and_no_demo() {
        let folder = tempfile::tempdir().unwrap();
        init(folder.path()).unwrap();
        assert_eq!(
            Manifest::read(&folder.path().join(MANIFEST)).unwrap(),
            Manifest::default()
        );
        assert!(!folder.path().join(DEMO).exists());
        assert!(matches!(init(folder.path()), Err(InitError::Exists { .. })));
    }

    /// The template shows every key that exists: uncommented, it must still read.
    #[test]
    fn every_documented_key_of_the_template_is_valid() {
        let template = TEMPLATE
            .get_file(MANIFEST)
            .unwrap()
            .contents_utf8()
            .unwrap();
        let uncommented: String = template
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(code) if code.starts_with('[') || code.contains(" = ") => code,
                _ => line,
            })
            .fold(String::new(), |text, line| text + line + "\n");
        let manifest: Manifest =
            crate::toml_file::parse_toml(Path::new(MANIFEST), &uncommented).unwrap();
        assert!(manifest.source.len() >= 3 && manifest.layout.len() == 1);
        assert!(manifest.settings.theme.is_some() && manifest.workspace.name.is_some());
    }

    #[test]
    fn the_demo_keeps_what_a_person_changed() {
        let folder = tempfile::tempdir().unwrap();
        init_demo(folder.path()).unwrap();
        let manifest = folder.path().join(MANIFEST);
        assert!(
            Manifest::read(&manifest)
                .unwrap()
                .source
                .contains_key("demo")
        );
        std::fs::write(&manifest, "[settings]\ntheme = \"light\"\n").unwrap();
        init_demo(folder.path()).unwrap();
        assert!(
            std::fs::read_to_string(&manifest)
                .unwrap()
                .contains("light")
        );
    }
}
