//! The index on a server, as a person comes to it: Qdrant's own engine behind a small front of ours.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says aloud what is missing"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const KEY: &str = "sesame";

/// `None` where it is not installed; in CI that is a failure.
fn python() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder =
        std::env::var_os("SEMIHV_PEERS").map_or_else(|| root.join("target/peers"), PathBuf::from);
    let python = folder.join("venv/bin/python");
    let asked = Command::new(&python)
        .args(["-c", "import qdrant_edge, qdrant_client"])
        .output();
    if asked.is_ok_and(|asked| asked.status.success()) {
        return Some(python);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "missing: qdrant_edge in {}; tests/run installs it",
        python.display()
    );
    eprintln!("NOT TESTED: qdrant_edge is missing; tests/run installs it");
    None
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(python: &Path, folder: &Path) -> Self {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/peers/qdrant_edge_server.py"
        );
        let mut child = Command::new(python)
            .args([script, folder.to_str().unwrap(), "0"])
            .env("QDRANT_KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let port = line
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("no port but {line:?}"));
        Self { child, port }
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Home(tempfile::TempDir);

impl Home {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// In a workspace.
    fn run(&self, workspace: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_semihv"));
        let workspace = self.path(workspace);
        command
            .args(arguments)
            .args(["-w", workspace.to_str().unwrap()])
            .env("HOME", self.0.path())
            .env("SEMIHV_TEST_KEY", KEY)
            .env("USER", "ana")
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    }

    #[track_caller]
    fn done(&self, workspace: &str, arguments: &[&str]) -> String {
        let output = self.run(workspace, arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn found(&self, workspace: &str, arguments: &[&str]) -> Value {
        let arguments = [&["retrieve", "--json"], arguments].concat();
        serde_json::from_str(&self.done(workspace, &arguments)).unwrap()
    }

    fn settings(&self, port: u16) {
        let folder = self.path(".config/semihv");
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "[settings]\nretrieval_engine = \"qdrant\"\nqdrant_url = \"http://127.0.0.1:{port}\"\n\
             qdrant_key_env = \"SEMIHV_TEST_KEY\"\n"
        );
        std::fs::write(folder.join("config.toml"), text).unwrap();
    }
}

/// Pool, key, source and what was said of each hit, without the numbers of rows.
fn hits(found: &Value) -> Vec<(String, String, String)> {
    let hits = found["hits"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    hits.map(|hit| (text(&hit["pool"]), text(&hit["key"]), text(&hit["source"])))
        .collect()
}

fn remarks(found: &Value) -> String {
    found["remarks"].to_string()
}

#[track_caller]
fn near(one: &Value, other: &Value) {
    for (one, other) in one["hits"]
        .as_array()
        .unwrap()
        .iter()
        .zip(other["hits"].as_array().unwrap())
    {
        for place in [
            "/score",
            "/dense/score",
            "/words/score",
            "/parts/image_image",
            "/parts/text_text",
        ] {
            let number = |hit: &Value| hit.pointer(place).and_then(Value::as_f64).unwrap_or(-1.0);
            let (left, right) = (number(one), number(other));
            // Parts are kept in half precision.
            let tolerance = 2e-3 * left.abs().max(1.0);
            assert!(
                (left - right).abs() < tolerance,
                "{place}: {left} and {right} of {}",
                one["key"]
            );
        }
    }
}

const QUERIES: [&[&str]; 4] = [
    &["--image", "ct-001", "--text", "solid nodule", "-k", "8"],
    &["--image", "ct-001"],
    &[
        "--text",
        "stroke",
        "--filter",
        "modality:CT OR modality:MR",
        "-k",
        "6",
    ],
    &["--text", "pneumonia in children", "--pool", "guideline"],
];

#[test]
fn a_server_finds_what_is_found_here() {
    let Some(python) = python() else { return };
    let home = Home(tempfile::tempdir().unwrap());
    let folder = home.path("qdrant");
    std::fs::create_dir(&folder).unwrap();
    let mut server = Server::start(&python, &folder);
    let demo = home.path("demo");
    let made = Command::new(env!("CARGO_BIN_EXE_semihv"))
        .args(["demo", "--dir", demo.to_str().unwrap()])
        .env("HOME", home.0.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success());
    home.done("demo", &["vectors"]);
    let here: Vec<Value> = QUERIES.map(|query| home.found("demo", query)).into();

    home.settings(server.port);
    let before = home.found("demo", QUERIES[0]);
    assert!(
        remarks(&before).contains("semihv vectors --push"),
        "{}",
        remarks(&before)
    );
    assert_eq!(hits(&before), hits(&here[0]));

    let missing = home.done("demo", &["doctor"]);
    assert!(
        missing.contains("server      there is no index"),
        "{missing}"
    );
    let said = home.done("demo", &["vectors", "--push"]);
    assert!(said.contains("generation 1 is served"), "{said}");
    let doctor = home.done("demo", &["doctor"]);
    assert!(doctor.contains("rows by counted-1, searched"), "{doctor}");
    for (query, here) in QUERIES.iter().zip(&here) {
        let there = home.found("demo", query);
        assert_eq!(there["vectors"]["search"], "qdrant", "{there}");
        assert_eq!(hits(&there), hits(here), "{query:?}");
        assert_eq!(there["left_out"], here["left_out"]);
        near(&there, here);
        let here = home.found("demo", &[*query, &["--engine", "local"]].concat());
        assert_eq!(here["vectors"]["search"], "exact");
    }

    server.stop();
    let gone = home.done("demo", &["doctor"]);
    assert!(
        gone.contains("server      ") && !gone.contains(", searched"),
        "{gone}"
    );
    let without = home.found("demo", QUERIES[0]);
    assert!(
        remarks(&without).contains("searched on this machine"),
        "{}",
        remarks(&without)
    );
    assert_eq!(hits(&without), hits(&here[0]));
}

/// Three cases with a picture each.
fn write_set(folder: &Path, name: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let mut lines = String::new();
    for (at, title) in ["Nodule of the lung", "Fracture of the wrist", "Stroke"]
        .into_iter()
        .enumerate()
    {
        let picture = image::GrayImage::from_fn(96, 96, |x, y| {
            let wave = (f64::from(x * (at as u32 + 1)) / 9.0).sin() * f64::from(y);
            image::Luma([(128.0 + wave) as u8])
        });
        picture.save(folder.join(format!("{at}.png"))).unwrap();
        let row = serde_json::json!({
            "key": format!("{name}{at}"),
            "title": title,
            "patient": format!("p{}", at / 2),
            "sections": [{"heading": "History", "text": format!("Seen for {title} ({name}).")}],
            "images": [{"key": "i", "path": format!("{at}.png")}],
        });
        lines.push_str(&format!("{row}\n"));
    }
    std::fs::write(folder.join("cases.jsonl"), lines).unwrap();
}

/// Two people with the same set and guidelines; the second has another set before it.
fn two_people(home: &Home) {
    for name in ["set", "extra"] {
        write_set(&home.path(name), name);
    }
    std::fs::create_dir(home.path("corpus")).unwrap();
    let text = "# Wrists\n\n## Casts\n\nA fracture of the wrist is put into a cast.\n";
    std::fs::write(home.path("corpus/wrist.md"), text).unwrap();
    let import = |workspace: &str, kind: &str, path: &str, source: &str| {
        let path = home.path(path);
        home.done(
            workspace,
            &["import", kind, path.to_str().unwrap(), "--as", source],
        );
    };
    for workspace in ["ada", "ben"] {
        let path = home.path(workspace);
        let made = Command::new(env!("CARGO_BIN_EXE_semihv"))
            .args(["init", path.to_str().unwrap()])
            .env("HOME", home.0.path())
            .output()
            .unwrap();
        assert!(made.status.success());
        if workspace == "ben" {
            import(workspace, "jsonl", "extra/cases.jsonl", "extra");
        }
        import(workspace, "jsonl", "set/cases.jsonl", "set");
        import(workspace, "markdown", "corpus", "corpus");
    }
}

#[test]
fn somebody_whose_rows_have_other_numbers_searches_the_same_index() {
    let Some(python) = python() else { return };
    let home = Home(tempfile::tempdir().unwrap());
    let folder = home.path("qdrant");
    std::fs::create_dir(&folder).unwrap();
    let server = Server::start(&python, &folder);
    home.settings(server.port);
    two_people(&home);
    let picture = home.path("set/1.png");
    let picture = picture.to_str().unwrap();
    home.done("ada", &["vectors", "--push"]);
    let asked = ["--image", picture, "--text", "wrist", "-k", "3"];
    let ada = home.found("ada", &asked);
    let ben = home.found("ben", &asked);
    assert_eq!(ben["vectors"]["search"], "qdrant", "{ben}");
    assert_eq!(hits(&ben), hits(&ada));
    near(&ben, &ada);
    let row_of_case = |found: &Value| {
        let mut hits = found["hits"].as_array().unwrap().iter();
        hits.find(|hit| hit["pool"] == "case").unwrap()["row"].clone()
    };
    assert_ne!(row_of_case(&ada), row_of_case(&ben));
    // The query's own patient is known by what the source calls it.
    let of_case = home.found("ben", &["--image", "set0/i", "-k", "6"]);
    let found = hits(&of_case);
    assert!(
        found
            .iter()
            .all(|(_, key, _)| key != "set0" && key != "set1"),
        "{found:?}"
    );
    assert!(found.iter().any(|(_, key, _)| key == "set2"), "{found:?}");

    // What only the other has is left out, and said.
    home.done("ben", &["vectors", "--push"]);
    let ada = home.found("ada", &["--image", picture, "-k", "6"]);
    assert!(
        remarks(&ada).contains("not in this workspace"),
        "{}",
        remarks(&ada)
    );
    drop(server);
}
