//! `train-retriever` from features to a projection that needs no torch.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use semihv_encoders::Projection;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_semihv-torch");
const PAIRS: usize = 400;
const TEXT: usize = 12;
const IMAGE: usize = 10;

/// Pairs that share four hidden numbers, mixed differently into texts and images.
fn features(path: &Path) {
    let mut state = 1_u64;
    let mut draw = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((state >> 33) as f32 / (1_u64 << 31) as f32) * 2.0 - 1.0
    };
    let mix: Vec<f32> = (0..(TEXT + IMAGE) * 4).map(|_| draw()).collect();
    let (mut text, mut image) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let hidden: Vec<f32> = (0..4).map(|_| draw()).collect();
        let mut mixed = mix.chunks(4).map(|row| {
            let sum: f32 = row.iter().zip(&hidden).map(|(a, b)| a * b).sum();
            sum + 0.05 * draw()
        });
        text.extend(mixed.by_ref().take(TEXT));
        image.extend(mixed);
    }
    let header = serde_json::json!({
        "__metadata__": {"text_encoder": "minilm-1", "image_encoder": "clip-2"},
        "text": {"dtype": "F32", "shape": [PAIRS, TEXT], "data_offsets": [0, PAIRS * TEXT * 4]},
        "image": {"dtype": "F32", "shape": [PAIRS, IMAGE],
                  "data_offsets": [PAIRS * TEXT * 4, PAIRS * (TEXT + IMAGE) * 4]},
        "group": {"dtype": "I64", "shape": [PAIRS],
                  "data_offsets": [PAIRS * (TEXT + IMAGE) * 4, PAIRS * ((TEXT + IMAGE) * 4 + 8)]},
    });
    let header = header.to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(text.iter().chain(&image).flat_map(|it| it.to_le_bytes()));
    // Two pairs a case.
    bytes.extend((0..PAIRS as i64).flat_map(|at| (at / 2).to_le_bytes()));
    fs::write(path, bytes).unwrap();
}

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        features(&folder.path().join("features.safetensors"));
        fs::write(
            folder.path().join("spec.toml"),
            "batch = 32\nlr = 0.02\ndim = 8\nvalidation = 0.2\nseed = 3\nepochs = 1\n",
        )
        .unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn train(&self, out: &str, flags: &[&str]) -> Output {
        Command::new(PROGRAM)
            .args(["train-retriever", "--threads", "1", "--features"])
            .arg(self.path("features.safetensors"))
            .arg("--spec")
            .arg(self.path("spec.toml"))
            .arg("--out")
            .arg(self.path(out))
            .args(flags)
            .output()
            .unwrap()
    }

    #[track_caller]
    fn events(&self, out: &str, flags: &[&str]) -> Vec<Value> {
        let output = self.train(out, flags);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn checkpoint(&self, out: &str) -> PathBuf {
        self.path(out).join("checkpoint.safetensors")
    }
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|it| it["event"] == kind).collect()
}

#[test]
fn it_learns_what_pairs_share_and_the_projection_needs_no_torch() {
    let bench = Bench::new();
    let events = bench.events("out", &["--epochs", "15"]);
    let epochs = of(&events, "epoch");
    assert_eq!(epochs.len(), 15);
    let number = |event: &Value, key: &str| event[key].as_f64().unwrap();
    assert!(number(epochs[14], "loss") < number(epochs[0], "loss") / 2.0);
    assert!(number(epochs[14], "recall_at_10") > 0.8, "{}", epochs[14]);
    assert!(number(epochs[14], "temperature") >= 0.01);
    let begin = of(&events, "begin")[0];
    let count = |key: &str| begin[key].as_u64().unwrap() as usize;
    assert_eq!(count("pairs") + count("held_back"), PAIRS);
    assert!(count("held_back").is_multiple_of(2));

    let projection = Projection::open(&bench.checkpoint("out")).unwrap();
    assert_eq!(projection.dim(), 8);
    assert_eq!(projection.text_encoder, "minilm-1");
    assert_eq!(projection.image_encoder, "clip-2");
    assert_eq!(projection.fingerprint, epochs[14]["fingerprint"]);
    assert_eq!(projection.text(&[0.5; TEXT]).unwrap().len(), 8);
    assert!(projection.image(&[0.5; TEXT]).is_err());
}

#[test]
fn the_same_seed_gives_the_same_bytes_also_in_two_parts() {
    let bench = Bench::new();
    bench.events("once", &["--epochs", "4"]);
    bench.events("again", &["--epochs", "4"]);
    bench.events("parts", &["--epochs", "2"]);
    let resumed = bench.events("parts", &["--epochs", "4"]);
    assert_eq!(of(&resumed, "begin")[0]["epoch"], 2);
    let bytes = |out: &str| fs::read(bench.checkpoint(out)).unwrap();
    assert!(bytes("once") == bytes("again"));
    assert!(bytes("once") == bytes("parts"));
    bench.events("other", &["--epochs", "4", "--seed", "9"]);
    assert!(bytes("once") != bytes("other"));
    // Nothing is left to do.
    let done = bench.events("once", &["--epochs", "4"]);
    assert!(of(&done, "step").is_empty());
}

#[test]
fn a_checkpoint_of_another_training_is_not_overwritten() {
    let bench = Bench::new();
    bench.events("out", &[]);
    let before = fs::read(bench.checkpoint("out")).unwrap();
    let output = bench.train("out", &["--lr", "0.5"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("other values"));
    assert_eq!(fs::read(bench.checkpoint("out")).unwrap(), before);
}

#[test]
fn a_killed_training_leaves_a_whole_checkpoint_and_goes_on() {
    let bench = Bench::new();
    let mut child = Command::new(PROGRAM)
        .args([
            "train-retriever",
            "--threads",
            "1",
            "--epochs",
            "100000",
            "--features",
        ])
        .arg(bench.path("features.safetensors"))
        .arg("--out")
        .arg(bench.path("out"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !bench.checkpoint("out").exists() {
        assert!(std::time::Instant::now() < deadline, "no checkpoint");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let second = Command::new(PROGRAM)
        .args(["train-retriever", "--threads", "1", "--features"])
        .arg(bench.path("features.safetensors"))
        .arg("--out")
        .arg(bench.path("out"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&second.stderr).contains("another training"));
    child.kill().unwrap();
    child.wait().unwrap();
    Projection::open(&bench.checkpoint("out")).unwrap();
}

#[test]
fn wrong_values_and_features_are_named() {
    let bench = Bench::new();
    let said = |output: Output| {
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(bench.train("out", &["--batch", "1"])).contains("batch"));
    assert!(said(bench.train("out", &["--temperature", "0"])).contains("temperature"));
    fs::write(bench.path("spec.toml"), "epoch = 3\n").unwrap();
    assert!(said(bench.train("out", &[])).contains("epoch"));
    fs::write(bench.path("spec.toml"), "").unwrap();
    let path = bench.path("features.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - PAIRS * 8 - 4;
    bytes[at..at + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    assert!(said(bench.train("out", &[])).contains("row 399 of image"));
}

#[test]
fn progress_is_one_object_a_line() {
    let bench = Bench::new();
    let events = bench.events("out", &["--epochs", "2"]);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events {
        *kinds.entry(event["event"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!((kinds["begin"], kinds["epoch"], kinds["done"]), (1, 2, 1));
    let step = of(&events, "step")[0];
    assert!(step["loss"].is_f64() && step["temperature"].is_f64() && step["step"] == 1);
}
