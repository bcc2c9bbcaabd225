//! What is damaged, missing, stale or failing: it is said, and what is left answers.

use std::fs;
use std::path::PathBuf;

use semihv_domain::{Failure, FailureKind, JobState, Pool, Retrieved};

use super::tests::{filled, image_of, keys, retrieve, vectors};
use crate::tests::{Bench, import, index};
use crate::*;

fn asked(text: &str, image: Option<QueryImage>) -> RetrieveSpec {
    RetrieveSpec {
        text: text.to_owned(),
        image,
        ..RetrieveSpec::default()
    }
}

#[track_caller]
fn says(found: &Retrieved, remark: &str) {
    let is_said = found.remarks.iter().any(|it| it.contains(remark));
    assert!(is_said, "{remark}: {:?}", found.remarks);
}

/// The files of the words with this ending.
fn words_files(bench: &Bench, ending: &str) -> Vec<PathBuf> {
    let root = bench.folder.path().join("ws/.semihv/index/v2");
    let paths = fs::read_dir(root)
        .unwrap()
        .flatten()
        .map(|file| file.path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == ending))
        .collect()
}

#[test]
fn lost_words_leave_the_vectors_and_are_written_anew() {
    for ending in ["pos", "idx", "term", "store", "fast", "fieldnorm"] {
        let bench = Bench::new();
        drop(filled(&bench));
        let files = words_files(&bench, ending);
        assert!(!files.is_empty(), "{ending}");
        for file in files {
            fs::remove_file(file).unwrap();
        }
        let engine = bench.open();
        let spec = asked("solid nodule", Some(image_of(&engine, "c")));
        let found = retrieve(&engine, spec.clone()).unwrap();
        assert!(!found.hits.is_empty(), "{ending}");
        says(&found, "`semihv index");
        drop(engine);
        let engine = bench.open();
        index(&engine);
        let found = retrieve(&engine, spec).unwrap();
        assert!(found.remarks.is_empty(), "{ending}: {:?}", found.remarks);
        assert!(found.hits.iter().any(|hit| hit.words.is_some()), "{ending}");
    }
}

#[test]
fn a_flipped_byte_of_the_words_is_no_end_and_is_mended() {
    let bench = Bench::new();
    drop(filled(&bench));
    for ending in ["idx", "term", "fieldnorm", "store"] {
        let file = words_files(&bench, ending).remove(0);
        let whole = fs::read(&file).unwrap();
        for at in [0, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            fs::write(&file, &bytes).unwrap();
            let engine = bench.open();
            let spec = asked("solid nodule", Some(image_of(&engine, "c")));
            let found = retrieve(&engine, spec).unwrap();
            assert!(!found.hits.is_empty(), "{file:?} {at}");
            drop(engine);
            if !file.exists() {
                // Seen at once, and set aside.
                let engine = bench.open();
                index(&engine);
                break;
            }
        }
        if file.exists() {
            let engine = bench.open();
            let trouble = engine.report().unwrap().index_trouble;
            let trouble = trouble.unwrap_or_else(|| panic!("{ending} is not named"));
            assert!(trouble.contains("damaged"), "{trouble}");
            let job = engine.run_to_end(JobSpec::Index(Rebuild::Incremental), |_| {});
            let state = format!("{:?}", job.unwrap().state);
            assert!(state.contains("it was damaged"), "{state}");
            assert_eq!(engine.report().unwrap().index_trouble, None);
        }
    }
}

#[test]
fn rows_without_vectors_are_said_until_they_have_some() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = asked("nodule", None);
    assert!(retrieve(&engine, spec.clone()).unwrap().remarks.is_empty());
    let more = bench.write(
        "more/cases.jsonl",
        r#"{"key":"f","title":"Another nodule","sections":[{"heading":"History","text":"Seen."}]}"#,
    );
    import(&engine, "jsonl", &more, "more");
    index(&engine);
    let found = retrieve(&engine, spec.clone()).unwrap();
    says(&found, "the vectors do not hold 1 cases and passages");
    vectors(&engine, Rebuild::Incremental);
    let found = retrieve(&engine, spec).unwrap();
    assert!(found.remarks.is_empty(), "{:?}", found.remarks);
}

#[test]
fn vectors_are_made_by_one_process_at_a_time() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let lock = semihv_workspace::lock(&engine.inner.places.lock("vectors")).unwrap();
    let refused = engine.run_to_end(JobSpec::Vectors(Rebuild::Incremental), |_| {});
    let summary = refused.unwrap_err().summary;
    assert!(summary.contains("is doing this already"), "{summary}");
    drop(lock);
    vectors(&engine, Rebuild::Incremental);
}

#[test]
fn an_older_generation_is_named() {
    let bench = Bench::new();
    let engine = filled(&bench);
    vectors(&engine, Rebuild::FromNothing);
    drop(engine);
    let folder = bench.folder.path().join("ws/.semihv/vectors");
    let generations = fs::read_dir(&folder).unwrap().flatten();
    let newest = generations
        .map(|it| it.path())
        .filter(|path| path.is_dir())
        .max()
        .unwrap();
    for file in fs::read_dir(newest).unwrap().flatten() {
        fs::write(file.path(), b"x").unwrap();
    }
    let engine = bench.open();
    let found = retrieve(&engine, asked("nodule", None)).unwrap();
    says(&found, "the vectors are damaged");
    vectors(&engine, Rebuild::Incremental);
    let found = retrieve(&engine, asked("nodule", None)).unwrap();
    assert!(found.remarks.is_empty(), "{:?}", found.remarks);
}

/// Says of one text that it is no number.
const FAILING: &str = r#"
import base64, json, struct, sys
for line in sys.stdin:
    ask = json.loads(line)
    if ask["op"] == "hello":
        ok = {"v": 1, "version": "0", "torch": "0", "cuda": None, "threads": 1, "host": "h",
              "pid": 1, "caps": ["embed"]}
    elif ask["op"] == "open":
        ok = {"name": "words", "kind": "k", "dim": 2, "context": 8, "normalised": False,
              "picture": None,
              "fingerprint": {"weights": "w", "tokenizer": "t", "preprocess": "p"}}
    else:
        count = len(ask.get("texts", []))
        first = float("nan") if ask["texts"][0] == "broken" else 3.0
        row = struct.pack("<2f", first, 4.0) * count
        ok = {"dim": 2, "data_b64_f32": base64.b64encode(row).decode()}
    print(json.dumps({"id": ask["id"], "ok": ok}), flush=True)
"#;

#[test]
fn a_query_that_the_encoder_cannot_embed_is_answered_by_words() {
    let bench = Bench::new();
    drop(filled(&bench));
    let worker = bench.write("worker.py", FAILING);
    let command = format!("python3 -u {}", worker.display());
    let settings = format!("[settings]\nencoder_command = {command:?}\nencoder = \"words\"\n");
    bench.write(".config/semihv/config.toml", &settings);
    let more = bench.write(
        "more/cases.jsonl",
        r#"{"key":"f","title":"A broken wrist","sections":[{"heading":"History","text":"Seen."}]}"#,
    );
    let engine = bench.open();
    import(&engine, "jsonl", &more, "more");
    index(&engine);
    vectors(&engine, Rebuild::Incremental);
    let found = retrieve(&engine, asked("wrist", None)).unwrap();
    assert!(
        found.vectors.is_some() && found.remarks.is_empty(),
        "{found:?}"
    );
    let found = retrieve(&engine, asked("broken", None)).unwrap();
    assert!(found.vectors.is_none());
    assert!(keys(&found).contains(&"f"), "{found:?}");
    says(
        &found,
        "by words alone, words with pictures by counted-1 made no vector",
    );
    // Perhaps it is back the next time.
    assert_eq!(engine.inner.searches.len(), 1);
}

#[test]
fn an_encoder_that_makes_nothing_takes_no_vectors_away() {
    let bench = Bench::new();
    drop(filled(&bench));
    let worker = bench.write("worker.py", &FAILING.replace("broken", "a"));
    let command = format!("python3 -u {}", worker.display());
    let settings = format!("[settings]\nencoder_command = {command:?}\nencoder = \"words\"\n");
    let path = bench.write(".config/semihv/config.toml", &settings);
    let engine = bench.open();
    for rebuild in [Rebuild::Incremental, Rebuild::FromNothing] {
        let failure = engine.run_to_end(JobSpec::Vectors(rebuild), |_| {});
        let summary = failure.unwrap_err().summary;
        assert!(summary.contains("vectors that are no numbers"), "{summary}");
    }
    drop(engine);
    fs::remove_file(path).unwrap();
    let found = retrieve(&bench.open(), asked("nodule", None)).unwrap();
    assert!(found.vectors.is_some(), "{found:?}");
    assert!(found.remarks.is_empty(), "{:?}", found.remarks);
}

#[test]
fn guidelines_alone_are_found_for_an_image_and_not_by_its_own_case() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = RetrieveSpec {
        pools: vec![Pool::Guideline],
        ..asked("", Some(image_of(&engine, "d")))
    };
    let found = retrieve(&engine, spec).unwrap();
    assert!(!found.hits.is_empty(), "{found:?}");
    assert_eq!((found.left_out.own_case, found.missing_guidelines), (0, 0));
    says(&found, "nearest cases");
    let filtered = RetrieveSpec {
        filter: "source:set".to_owned(),
        ..asked("", Some(image_of(&engine, "d")))
    };
    let found = retrieve(&engine, filtered).unwrap();
    assert_eq!(found.missing_guidelines, 1);
    says(&found, "none passes the filter");
}

#[test]
fn a_store_that_was_removed_is_no_search_that_found_nothing() {
    let bench = Bench::new();
    drop(filled(&bench));
    for ending in ["", "-wal", "-shm"] {
        let store = bench
            .folder
            .path()
            .join(format!("ws/.semihv/store.db{ending}"));
        let _ = fs::remove_file(store);
    }
    let engine = bench.open();
    let found = retrieve(&engine, asked("nodule", None)).unwrap();
    says(&found, "was the store removed?");
}

#[test]
fn rows_that_a_torn_tail_lost_are_counted() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let kept = bench.folder.path().join("ws/.semihv/vectors.json");
    let text = fs::read_to_string(&kept).unwrap();
    assert!(text.contains("\"rows\":8"), "{text}");
    fs::write(&kept, text.replace("\"rows\":8", "\"rows\":9")).unwrap();
    let found = retrieve(&engine, asked("nodule", None)).unwrap();
    says(&found, "the vectors hold 8 rows of 9 that were made");
    vectors(&engine, Rebuild::Incremental);
    let found = retrieve(&engine, asked("a nodule", None)).unwrap();
    assert!(found.remarks.is_empty(), "{:?}", found.remarks);
}

#[test]
fn a_filter_that_only_guidelines_pass_finds_some_for_an_image() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let filtered = RetrieveSpec {
        filter: "source:corpus".to_owned(),
        ..asked("", Some(image_of(&engine, "d")))
    };
    let found = retrieve(&engine, filtered).unwrap();
    assert!(!found.hits.is_empty(), "{found:?}");
    assert!(found.hits.iter().all(|hit| hit.pool == Pool::Guideline));
    assert_eq!(found.missing_guidelines, 0);
}

#[test]
fn a_file_whose_case_cannot_be_told_is_said() {
    let bench = Bench::new();
    drop(filled(&bench));
    fs::remove_dir_all(bench.folder.path().join("ws/.semihv/vectors")).unwrap();
    let engine = bench.open();
    let file = bench.folder.path().join("set/a.png");
    let image = QueryImage::File(file.to_string_lossy().into_owned());
    let found = retrieve(&engine, asked("nodule", Some(image))).unwrap();
    says(&found, "its own case may be among the hits");
}

/// A plan whose other process is a script.
fn scripted(bench: &Bench, script: &str) -> VectorPlan {
    let path = bench.write("other.sh", &format!("#!/bin/sh\n{script}\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
    VectorPlan {
        compact_alone_from: 1,
        program: Some(path),
        ..VectorPlan::default()
    }
}

fn rows_found(engine: &Engine) -> usize {
    let spec = RetrieveSpec {
        image: Some(image_of(engine, "c")),
        ..RetrieveSpec::default()
    };
    retrieve(engine, spec).unwrap().vectors.unwrap().rows
}

#[test]
fn rows_that_cannot_be_compacted_are_found_and_the_reason_is_said() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let error = Failure::new("vectors", FailureKind::Config, "no room");
    let error = serde_json::to_string(&error).unwrap();
    let script = format!("echo '{{\"error\":{error}}}'; exit 3");
    engine.plan_vectors(scripted(&bench, &script));
    let failed = engine.run_to_end(JobSpec::Vectors(Rebuild::FromNothing), |_| {});
    let summary = failed.unwrap_err().summary;
    assert_eq!(summary, "the vectors cannot be compacted: no room");
    assert_eq!(rows_found(&engine), 8);
}

#[test]
fn a_compaction_is_cancelled_at_once() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let step = r#"{"step":{"step":"copying","done":1,"of":2}}"#;
    // Said again and again: progress is not told more often than it can be read.
    let script = format!("while echo '{step}'; do sleep 0.05; done");
    engine.plan_vectors(scripted(&bench, &script));
    let job = engine.run_to_end(JobSpec::Vectors(Rebuild::FromNothing), |job| {
        if job.progress.unit.ends_with("copying") {
            engine.cancel(job.id);
        }
    });
    assert!(matches!(job.unwrap().state, JobState::Cancelled));
    assert_eq!(rows_found(&engine), 8);
}
