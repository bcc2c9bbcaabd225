//! A worker of a few lines of Python that misbehaves on purpose.

use std::time::Duration;

use super::*;

/// What every fake begins with: `ok(value)` answers the line that was read last.
const PREFIX: &str = r#"
import base64, json, struct, sys, time
def read():
    global ask
    line = sys.stdin.readline()
    if not line: sys.exit(0)
    ask = json.loads(line)
def ok(value): print(json.dumps({"id": ask["id"], "ok": value}), flush=True)
WELCOME = {"v": 1, "version": "0", "torch": "0", "cuda": None, "threads": 1, "host": "h",
           "pid": 1, "caps": ["embed"]}
MODEL = {"name": "m", "kind": "clip", "dim": 2, "context": 8, "normalised": False,
         "picture": {"side": 2, "resize": "squash", "crop": "centre-down",
                     "interpolation": "bicubic", "mean": [0, 0, 0], "std": [1, 1, 1]},
         "fingerprint": {"weights": "w", "tokenizer": "t", "preprocess": "p"}}
def vectors(): 
    count = len(ask.get("texts", [])) + len(ask.get("pictures", []))
    data = b"".join(struct.pack("<2f", i, 0.5) for i in range(count))
    return {"dim": 2, "data_b64_f32": base64.b64encode(data).decode()}
"#;

fn patience() -> Patience {
    Patience {
        hello: Duration::from_secs(20),
        open: Duration::from_secs(20),
        embed: Duration::from_secs(20),
        each: Duration::ZERO,
    }
}

fn fake(script: &str, patience: Patience) -> Result<Worker, WorkerError> {
    let script = format!("{PREFIX}\n{script}");
    let command = ["python3", "-u", "-c", &script].map(str::to_owned);
    Worker::start(&command, "tests", patience)
}

const POLITE: &str = "
read(); ok(WELCOME)
read(); ok(MODEL)
";

fn opened(then: &str, patience: Patience) -> (Worker, OpenedModel) {
    let mut worker = fake(&format!("{POLITE}{then}"), patience).unwrap();
    let model = worker.open("somewhere").unwrap();
    (worker, model)
}

#[test]
fn texts_and_pictures_become_vectors() {
    let (mut worker, model) = opened("while True: read(); ok(vectors())", patience());
    assert_eq!(worker.welcome().host, "h");
    let vectors = worker.embed_texts(&model, &["a", "b"]).unwrap();
    assert_eq!(vectors, [[0.0, 0.5], [1.0, 0.5]]);
    let vectors = worker.embed_pictures(&model, &[vec![7; 12]]).unwrap();
    assert_eq!(vectors, [[0.0, 0.5]]);
}

#[test]
fn many_texts_are_split_over_lines() {
    let then = "
while True:
    read()
    assert len(json.dumps(ask)) <= 1 << 20
    ok(vectors())";
    let (mut worker, model) = opened(then, patience());
    let long = "\u{1}".repeat(60_000);
    let texts = vec![long.as_str(); 9];
    let vectors = worker.embed_texts(&model, &texts).unwrap();
    assert_eq!(vectors.len(), 9);
    assert_eq!(vectors.iter().filter(|it| it[0] == 0.0).count(), 5);
}

#[test]
fn a_text_beyond_a_line_is_refused_and_the_worker_stays() {
    let (mut worker, model) = opened("while True: read(); ok(vectors())", patience());
    let long = "a".repeat(LONGEST_LINE);
    let error = worker.embed_texts(&model, &[&long]).unwrap_err();
    assert!(matches!(error, WorkerError::TooBig { .. }));
    let error = worker.embed_pictures(&model, &[vec![0; 5]]).unwrap_err();
    assert!(matches!(error, WorkerError::Picture { expected: 12, .. }));
    assert_eq!(worker.embed_texts(&model, &["a"]).unwrap().len(), 1);
}

#[test]
fn death_in_a_batch_is_said_with_its_last_words() {
    let then = "read(); print('out of luck', file=sys.stderr); import os; os.kill(os.getpid(), 9)";
    let (mut worker, model) = opened(then, patience());
    let error = worker.embed_texts(&model, &["a"]).unwrap_err();
    assert!(error.is_retriable());
    let words = error.to_string();
    assert!(
        words.contains("embed") && words.contains("signal: 9"),
        "{words}"
    );
    assert!(words.contains("out of luck"), "{words}");
    let error = worker.embed_texts(&model, &["a"]).unwrap_err();
    assert!(matches!(error, WorkerError::Stopped));
}

#[test]
fn a_slow_worker_is_stopped() {
    let mut hasty = patience();
    hasty.embed = Duration::from_millis(100);
    let (mut worker, model) = opened("read(); time.sleep(600)", hasty);
    let begin = Instant::now();
    let error = worker.embed_texts(&model, &["a"]).unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(error.is_retriable());
    assert!(error.to_string().contains("within 0.1 s"), "{error}");
}

#[test]
fn a_worker_that_does_not_read_is_stopped_too() {
    let mut hasty = patience();
    hasty.embed = Duration::from_millis(100);
    let (mut worker, model) = opened("time.sleep(600)", hasty);
    let long = "a".repeat(LONGEST_LINE / 2);
    let error = worker.embed_texts(&model, &[&long]).unwrap_err();
    assert!(matches!(error, WorkerError::Slow { .. }));
}

#[test]
fn another_version_is_refused_with_both_numbers() {
    let error = fake("read(); WELCOME['v'] = 7; ok(WELCOME)", patience()).unwrap_err();
    assert!(!error.is_retriable());
    let words = error.to_string();
    assert!(
        words.contains("version 7") && words.contains("this is 1"),
        "{words}"
    );
}

#[test]
fn a_garbage_line_is_shown() {
    let error = fake("read(); print('Last login: yesterday')", patience()).unwrap_err();
    assert!(
        error.to_string().contains("Last login: yesterday"),
        "{error}"
    );
}

#[test]
fn a_line_without_end_takes_no_memory() {
    let script = "read()\nwhile True: sys.stdout.write('x' * 65536)\n";
    let mut hasty = patience();
    hasty.hello = Duration::from_secs(2);
    let error = fake(script, hasty).unwrap_err();
    assert!(matches!(error, WorkerError::Slow { .. }), "{error}");
    let error = fake("read(); print('x' * (1 << 20) + 'x')", patience()).unwrap_err();
    assert!(matches!(error, WorkerError::LineTooLong), "{error}");
}

#[test]
fn a_refusal_keeps_its_words_and_the_worker() {
    let then = r#"
read()
print(json.dumps({"id": ask["id"], "err": {"code": "bad-input", "msg": "no", "retriable": False}}))
while True: read(); ok(vectors())"#;
    let (mut worker, model) = opened(then, patience());
    let error = worker.embed_texts(&model, &["a"]).unwrap_err();
    assert_eq!(error.to_string(), "no");
    assert_eq!(worker.embed_texts(&model, &["a"]).unwrap().len(), 1);
}

#[test]
fn too_few_vectors_are_an_error() {
    let (mut worker, model) = opened("read(); ask['texts'].pop(); ok(vectors())", patience());
    let error = worker.embed_texts(&model, &["a", "b"]).unwrap_err();
    assert!(matches!(error, WorkerError::Vectors(_)));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let command = ["semihv-no-such-program".to_owned()];
    let error = Worker::start(&command, "tests", patience()).unwrap_err();
    assert!(error.to_string().contains("semihv-no-such-program"));
    let error = Worker::start(&[], "tests", patience()).unwrap_err();
    assert!(matches!(error, WorkerError::NoCommand));
}

#[test]
fn a_named_libtorch_is_looked_for_before_what_was_set() {
    #[track_caller]
    fn check(before: Option<&str>, expected: &str) {
        assert_eq!(
            with_library("/opt/torch".into(), before.map(Into::into)),
            expected
        );
    }
    check(None, "/opt/torch/lib");
    check(Some(""), "/opt/torch/lib");
    check(Some("/a:/b"), "/opt/torch/lib:/a:/b");
}
