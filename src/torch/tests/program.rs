//! The program itself: described, served over stdio and a socket, stopped.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use semihv_encoders::worker::{Patience, Worker, WorkerError};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_semihv-torch");

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

fn stdio() -> Vec<String> {
    [PROGRAM, "serve", "--stdio", "--threads", "1"]
        .map(str::to_owned)
        .to_vec()
}

fn start() -> Worker {
    Worker::start(&stdio(), "tests", Patience::default()).unwrap()
}

#[test]
fn it_describes_itself() {
    let output = Command::new(PROGRAM)
        .args(["--describe", "--threads", "1"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["protocol"], 1);
    assert_eq!(said["threads"], 1);
    assert!(said["torch"].as_str().unwrap().starts_with("2."));
    assert!(said["caps"].as_array().unwrap().contains(&"embed".into()));
}

#[test]
fn a_cuda_library_of_another_version_is_said_and_not_fatal() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lib")).unwrap();
    std::fs::write(folder.path().join("lib/libtorch_cuda.so"), "no library").unwrap();
    let version = folder.path().join("version.py");
    let describe = || {
        let mut command = Command::new(PROGRAM);
        command
            .arg("--describe")
            .env("SEMIHV_TORCH_CUDA", folder.path());
        let said: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        assert_eq!(said["cuda"], Value::Null);
        said["notes"][0].as_str().unwrap().to_owned()
    };
    std::fs::write(&version, "__version__ = '1.2.3+cu1'\n").unwrap();
    assert!(describe().contains("PyTorch 1.2.3"));
    let same = format!("__version__ = '{}+cu130'\n", "2.13.0");
    std::fs::write(&version, same).unwrap();
    assert!(describe().contains("computing on the CPU"));
}

#[test]
fn wrong_words_on_the_command_line_are_refused() {
    for arguments in [
        &["serve"][..],
        &["--threads", "0", "--describe"],
        &["nonsense"],
    ] {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn the_client_embeds_texts_and_pictures() {
    let mut worker = start();
    assert_eq!(worker.welcome().threads, 1);
    let model = worker.open(data("siglip").to_str().unwrap()).unwrap();
    let vectors = worker.embed_texts(&model, &["mass", "effusion"]).unwrap();
    assert_eq!((vectors.len(), vectors[0].len()), (2, model.dim));
    assert_ne!(vectors[0], vectors[1]);
    let pictures = vec![vec![1; 16 * 16 * 3], vec![200; 16 * 16 * 3]];
    assert_eq!(worker.embed_pictures(&model, &pictures).unwrap().len(), 2);
}

#[test]
fn more_texts_than_fit_in_a_line_come_back_in_order() {
    let mut worker = start();
    let model = worker.open(data("bert").to_str().unwrap()).unwrap();
    let texts: Vec<String> = (0..600)
        .map(|at| format!("{} {}", at, "word ".repeat(at)))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all = worker.embed_texts(&model, &texts).unwrap();
    for at in [0, 1, 299, 599] {
        let alone = worker.embed_texts(&model, &texts[at..=at]).unwrap();
        for (a, b) in all[at].iter().zip(&alone[0]) {
            assert!((a - b).abs() < 1e-4);
        }
    }
}

#[test]
fn a_refusal_leaves_the_worker_running() {
    let mut worker = start();
    let error = worker.open("/nowhere").unwrap_err();
    assert!(matches!(error, WorkerError::Refused(_)), "{error}");
    assert!(error.to_string().contains("/nowhere"));
    worker.open(data("clip").to_str().unwrap()).unwrap();
}

#[test]
fn a_long_line_is_refused_and_the_next_is_answered() {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--stdio", "--threads", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let block = vec![b'x'; 1 << 20];
    for _ in 0..8 {
        stdin.write_all(&block).unwrap();
    }
    stdin
        .write_all(b"\n{\"id\":1,\"op\":\"hello\",\"v\":1,\"client\":\"t\"}\n")
        .unwrap();
    assert!(lines.next().unwrap().unwrap().contains("line-too-long"));
    assert!(lines.next().unwrap().unwrap().contains("\"ok\""));
    // The end of its input is its end.
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// Waits for `ready`, and says what it waited for when it does not come.
#[track_caller]
fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !ready() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_socket_is_for_its_owner_and_for_several_clients() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.sock");
    let serve = || {
        Command::new(PROGRAM)
            .args(["serve", "--threads", "1", "--socket"])
            .arg(&path)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut child = serve();
    until("the socket", || UnixStream::connect(&path).is_ok());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for client in 0..3 {
        let mut stream = UnixStream::connect(&path).unwrap();
        writeln!(
            stream,
            r#"{{"id":{client},"op":"hello","v":1,"client":"t"}}"#
        )
        .unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        assert!(line.contains(&format!("\"id\":{client},\"ok\"")), "{line}");
    }
    // A second worker does not take it away; one after a death does.
    let second = serve().wait_with_output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use"));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut third = serve();
    until("the socket again", || UnixStream::connect(&path).is_ok());
    third.kill().unwrap();
    third.wait().unwrap();
}
