//! Where the peers that are no part of this repository are installed.

use std::path::PathBuf;

/// The Python of the peers. In CI a missing peer fails; elsewhere it is said.
pub(crate) fn python(module: &str) -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let folder =
        std::env::var_os("SEMIHV_PEERS").map_or_else(|| root.join("target/peers"), PathBuf::from);
    let python = folder.join("venv/bin/python");
    let mut asked = std::process::Command::new(&python);
    let asked = asked.args(["-c", &format!("import {module}")]).output();
    if asked.is_ok_and(|asked| asked.status.success()) {
        return Some(python);
    }
    missing(&format!("{module} in {}", python.display()))
}

pub(crate) fn script(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers")).join(name)
}

#[track_caller]
pub(crate) fn missing<T>(what: &str) -> Option<T> {
    assert!(
        std::env::var_os("CI").is_none(),
        "missing: {what}; tests/run installs it"
    );
    eprintln!("NOT TESTED: {what} is missing; tests/run installs it");
    None
}
