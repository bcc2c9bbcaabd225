//! A workspace of nothing but logs, for `semihv watch FILE`: it lies among semihv's own files, one
//! for each set of logs, so that figures once read stay read.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use semihv_domain::{Failure, FailureKind};
use semihv_workspace::{
    About, LayoutEntry, LogEntry, MANIFEST, Manifest, SettingsFile, UserPlaces, write_atomically,
};

/// Makes it where it is not there; returns its folder.
///
/// # Errors
/// A log that is not there, or no file; a home that cannot be written.
pub fn watched_workspace(user: &UserPlaces, logs: &[PathBuf]) -> Result<PathBuf, Failure> {
    let mut log = BTreeMap::new();
    let mut hash = DefaultHasher::new();
    for path in logs {
        let found = path
            .canonicalize()
            .map_err(|error| unreadable(path, &error))?;
        if !found.is_file() {
            let summary = format!("{} is not a file", path.display());
            return Err(Failure::new("watch", FailureKind::User, summary)
                .with_hint("name the log itself, or open its workspace with `semihv FOLDER`"));
        }
        found.hash(&mut hash);
        log.insert(
            name_of(&found, &log),
            LogEntry {
                path: found,
                figures: BTreeMap::new(),
            },
        );
    }
    let row = |pane: &str| vec![pane.to_owned()];
    let layout = LayoutEntry {
        rows: vec![row("curves"), row("log")],
        heights: vec![1, 1],
    };
    let names: Vec<String> = log.keys().cloned().collect();
    let manifest = Manifest {
        workspace: About {
            name: Some(names.join(" ")),
            description: None,
        },
        log,
        layout: BTreeMap::from([("watch".to_owned(), layout)]),
        settings: SettingsFile {
            layout: Some("watch".to_owned()),
            ..SettingsFile::default()
        },
        ..Manifest::default()
    };
    let folder = user.watched().join(format!("{:016x}", hash.finish()));
    let unwritable = |error: &dyn std::fmt::Display| {
        let summary = format!("{} cannot be written: {error}", folder.display());
        Failure::new("watch", FailureKind::Config, summary)
    };
    let path = folder.join(MANIFEST);
    // It may have been edited: how other figures are found, say.
    if path.exists() {
        return Ok(folder);
    }
    let text = toml::to_string(&manifest).map_err(|error| unwritable(&error))?;
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&error))?;
    write_atomically(&path, text.as_bytes()).map_err(|error| unwritable(&error))?;
    Ok(folder)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let summary = format!("{} cannot be read: {error}", path.display());
    Failure::new("watch", FailureKind::User, summary)
}

/// The file's name; with its folder's where two have the same.
fn name_of(path: &Path, known: &BTreeMap<String, LogEntry>) -> String {
    let part = |part: Option<&std::ffi::OsStr>| {
        let text = part.unwrap_or_default().to_string_lossy();
        let is_plain = |it: char| it.is_alphanumeric() || "-_.".contains(it);
        text.chars()
            .map(|it| if is_plain(it) { it } else { '_' })
            .collect::<String>()
    };
    let name = part(path.file_name());
    if !known.contains_key(&name) {
        return name;
    }
    let longer = format!("{}_{name}", part(path.parent().and_then(Path::file_name)));
    if !known.contains_key(&longer) {
        return longer;
    }
    format!("{longer}_{}", known.len() + 1)
}
