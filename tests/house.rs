//! The rules of the house, each a test: crate edges, file shapes, words.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Which crates of ours a crate may name; `src/README.md` says why.
const EDGES: [(&str, &[&str]); 16] = [
    ("domain", &[]),
    ("terminal", &["domain"]),
    ("workspace", &["domain"]),
    ("imaging", &["domain"]),
    ("curation", &["domain", "workspace", "imaging"]),
    ("encoders", &["domain", "imaging"]),
    ("retrieval", &["domain", "workspace"]),
    ("vectors", &["domain"]),
    ("remote", &["retrieval", "vectors"]),
    ("evaluation", &["domain", "workspace"]),
    ("runs", &["domain", "workspace"]),
    (
        "engine",
        &[
            "domain",
            "workspace",
            "imaging",
            "curation",
            "encoders",
            "retrieval",
            "vectors",
            "remote",
            "evaluation",
            "runs",
        ],
    ),
    ("cli", &["domain", "engine", "imaging", "terminal"]),
    ("tui", &["domain", "engine", "imaging", "terminal"]),
    ("testkit", &["domain", "workspace"]),
    ("torch", &["domain", "encoders"]),
];

#[test]
fn crates_name_only_the_crates_they_may() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = EDGES
        .iter()
        .map(|(name, edges)| (*name, edges.iter().copied().collect()))
        .collect();
    for (name, allowed) in &allowed {
        let manifest =
            fs::read_to_string(root().join("src").join(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let dependencies = manifest["dependencies"].as_table().unwrap();
        for named in dependencies
            .keys()
            .filter_map(|key| key.strip_prefix("semihv-"))
        {
            assert!(
                allowed.contains(named),
                "src/{name} must not name semihv-{named}"
            );
        }
    }
}

#[test]
fn every_crate_has_its_edges_written_down() {
    for folder in fs::read_dir(root().join("src")).unwrap().flatten() {
        let name = folder.file_name().into_string().unwrap();
        if folder.path().join("Cargo.toml").exists() {
            assert!(
                EDGES.iter().any(|(known, _)| *known == name),
                "no edges for src/{name}"
            );
        }
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn all_rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        rust_files(&root().join(folder), &mut files);
    }
    assert!(files.len() > 50);
    files
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    for path in all_rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        let is_test = path.to_string_lossy().contains("tests");
        let lines = text.lines().count();
        assert!(
            lines <= 620 || is_test,
            "{} has {lines} lines",
            path.display()
        );
        assert!(
            text.starts_with("//!") || is_test,
            "{} has no module doc",
            path.display()
        );
    }
}

#[test]
fn only_the_tensor_crate_names_tch() {
    for path in all_rust_files() {
        if path.starts_with(root().join("src/torch")) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let import = ["use ", "tch"].concat();
        assert!(!text.contains(&format!("{import}::")), "{}", path.display());
    }
}

#[test]
fn one_file_of_the_workbench_spawns() {
    let mut files = Vec::new();
    rust_files(&root().join("src/tui"), &mut files);
    for path in files {
        let name = path.to_string_lossy().into_owned();
        if name.contains("runtime") || name.contains("test") || name.contains("examples") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert!(!code.contains("spawn("), "{name} spawns");
        assert!(!code.contains("Instant::now()"), "{name} reads a clock");
    }
}

#[test]
fn the_changelog_begins_with_what_is_unreleased() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let first = text.lines().find(|line| line.starts_with("## ")).unwrap();
    assert_eq!(first, "## Unreleased");
}

/// The project speaks of itself alone.
#[test]
fn no_file_names_a_machine() {
    let mut names = all_rust_files();
    for name in [
        "README.md",
        "CHANGELOG.md",
        "src/README.md",
        ".ci/run",
        "tests/run",
    ] {
        names.push(root().join(name));
    }
    let forbidden = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["/tmp/", "wt"].concat(),
    ];
    for path in names {
        let text = fs::read_to_string(&path).unwrap();
        for word in &forbidden {
            assert!(
                !text.contains(word.as_str()),
                "{} names {word}",
                path.display()
            );
        }
    }
}
