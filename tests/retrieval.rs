//! The retriever as a person comes to it: from the shell and from the keyboard.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "home/demo.rs"]
mod demo;
mod home;

use std::path::Path;
use std::process::{Output, Stdio};

use home::{Home, complaint, words};
use semihv_engine::{
    Engine, JobSpec, OpenOptions, Rebuild, SettingsFile, UserPlaces, VectorPlan, Writing,
};

#[test]
fn cases_and_guidelines_are_retrieved_from_the_shell() {
    let home = Home::with_demo();
    let demo = home.demo();
    let run = |arguments: &[&str]| {
        let workspace = ["-w", demo.to_str().unwrap()];
        home.run(&[arguments, &workspace].concat())
    };
    let without = run(&["retrieve", "--text", "nodule"]);
    assert!(
        words(&without).contains("run `semihv vectors`"),
        "{}",
        words(&without)
    );
    let made = run(&["vectors"]);
    assert!(words(&made).contains("made anew"), "{}", words(&made));
    let again = run(&["vectors"]);
    assert!(words(&again).contains(" 0 made anew"), "{}", words(&again));
    let graph = run(&["vectors", "--graph-from", "2"]);
    assert!(
        words(&graph).contains("graph for case: "),
        "{}",
        words(&graph)
    );
    let known = run(&["vectors", "--graph-from", "2"]);
    assert!(!words(&known).contains("graph"), "{}", words(&known));
    let found = run(&[
        "retrieve",
        "--image",
        "ct-001",
        "--text",
        "solid nodule",
        "--json",
    ]);
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    let hits = found["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 4, "{found}");
    assert!(hits.iter().any(|hit| hit["pool"] == "guideline"), "{found}");
    assert!(hits.iter().all(|hit| hit["key"] != "ct-001"), "{found}");
    assert_eq!(found["left_out"]["own_case"], 1);
    let batch = home.path().join("queries.jsonl");
    let lines = "{\"id\":\"a\",\"text\":\"stroke\"}\nnonsense\n{\"image\":\"ct-001\"}\n";
    std::fs::write(&batch, lines).unwrap();
    let answers = run(&["retrieve", "--batch", batch.to_str().unwrap(), "--json"]);
    let answers = words(&answers);
    let answers: Vec<serde_json::Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["id"], "a");
    assert!(
        answers[1]["failure"]["summary"].is_string(),
        "{}",
        answers[1]
    );
    assert!(answers[2]["retrieved"]["hits"].as_array().unwrap().len() == 4);
    let nothing = run(&["retrieve"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", complaint(&nothing));
}

/// Runs verbs on the demo; every one must succeed.
struct Shell {
    home: Home,
}

impl Shell {
    fn with_vectors() -> Self {
        let shell = Self {
            home: Home::with_demo(),
        };
        shell.say(&["vectors"]);
        shell
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let demo = self.home.demo();
        let workspace = ["-w", demo.to_str().unwrap()];
        self.home.run(&[arguments, &workspace].concat())
    }

    #[track_caller]
    fn say(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", complaint(&output));
        words(&output)
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let said = self.say(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said).unwrap()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn hits_are_judged_in_the_shell_and_the_judgements_are_written_for_others() {
    let shell = Shell::with_vectors();
    let nothing = shell.run(&["retrieval", "eval"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(complaint(&nothing).contains("nothing was judged"));
    let found = shell.json(&["retrieve", "--text", "solid nodule"]);
    let keys: Vec<&str> = found["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["key"].as_str().unwrap())
        .collect();
    let judge = ["retrieval", "judge", "--text", "solid nodule"];
    let said = shell.say(&[&judge[..], &[keys[0], "--grade", "2"]].concat());
    assert!(said.contains("kept; 1 query is judged"), "{said}");
    shell.say(&[&judge[..], &[keys[1], "--grade", "0", "--exclude"]].concat());
    let again = shell.json(&["retrieve", "--text", "solid nodule"]);
    let hits = again["hits"].as_array().unwrap();
    assert!(hits.iter().all(|hit| hit["key"] != keys[1]), "{again}");
    assert_eq!(again["left_out"]["excluded"], 1);
    let gone = shell.run(&[&judge[..], &["no-such-case", "--grade", "1"]].concat());
    assert_eq!(gone.status.code(), Some(2));
    assert!(complaint(&gone).contains("no-such-case"));
    let out = shell.home.path().join("judged");
    let written = shell.json(&["retrieval", "judged", "--out", out.to_str().unwrap()]);
    assert_eq!(written["queries"], 1);
    let qrels = std::fs::read_to_string(out.join("qrels.txt")).unwrap();
    assert!(
        qrels.contains(keys[0]) && qrels.contains(keys[1]),
        "{qrels}"
    );
    let queries = std::fs::read_to_string(out.join("queries.jsonl")).unwrap();
    assert!(queries.contains("solid nodule"), "{queries}");
    let eval = shell.json(&["retrieval", "eval", "--measure", "MRR"]);
    let pools = eval["report"]["pools"].as_array().unwrap();
    assert!(pools.iter().any(|pool| pool["queries"] == 1), "{eval}");
}

#[test]
fn the_retriever_is_measured_on_published_judgements_from_the_shell() {
    let shell = Shell::with_vectors();
    let queries = shell.file(
        "queries.jsonl",
        "{\"id\":\"q1\",\"text\":\"solid nodule\",\"case\":\"ct-001\"}\n{\"id\":\"q2\"}\n",
    );
    let found = shell.json(&["retrieve", "--text", "solid nodule", "--case", "ct-001"]);
    let key = found["hits"][0]["key"].as_str().unwrap();
    let qrels = shell.file("qrels.tsv", &format!("q1\t{key}\t1\nnonsense\n"));
    let runs = shell.home.path().join("runs");
    let eval = [
        ["retrieval", "eval", &qrels, "--queries", &queries],
        [
            "--measure",
            "Hit@10,MRR",
            "--fit",
            "--runs",
            runs.to_str().unwrap(),
        ],
    ]
    .concat();
    let said = shell.say(&eval);
    for word in [
        "Hit@10",
        "MRR",
        "words",
        "vectors",
        "queries.jsonl:2",
        "qrels.tsv:2",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // One query is no ground for a weight.
    assert!(
        !shell
            .home
            .demo()
            .join(".semihv/retrieval-weights.json")
            .exists()
    );
    let names: Vec<String> = std::fs::read_dir(&runs)
        .unwrap()
        .flatten()
        .map(|file| file.file_name().into_string().unwrap())
        .collect();
    assert!(
        names.iter().any(|name| name.ends_with("-words.run")),
        "{names:?}"
    );
    let eval = shell.json(&eval);
    assert_eq!(eval["remarks"].as_array().unwrap().len(), 2, "{eval}");
    let missing = shell.run(&["retrieval", "eval", "nowhere.tsv", "--queries", &queries]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(complaint(&missing).contains("nowhere.tsv cannot be read"));
}

#[test]
fn features_of_all_pairs_are_written_without_the_cases_to_measure_on() {
    let shell = Shell {
        home: Home::with_demo(),
    };
    let file = shell.home.path().join("f.safetensors");
    let path = file.to_str().unwrap();
    let all = shell.json(&["retrieval", "features", path]);
    let pairs = all["pairs"].as_u64().unwrap();
    assert!(pairs >= 24, "{all}");
    let bytes = std::fs::read(&file).unwrap();
    let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..end]).unwrap();
    assert_eq!(header["text"]["shape"], serde_json::json!([pairs, 640]));
    assert_eq!(header["image"]["shape"], serde_json::json!([pairs, 384]));
    assert_eq!(header["__metadata__"]["text_encoder"], "counted-1");
    let without = shell.file("held-back.txt", "ct-001\nnot-there\n");
    let fewer = shell.json(&["retrieval", "features", path, "--without", &without]);
    assert_eq!(
        fewer["cases"].as_u64().unwrap() + 1,
        all["cases"].as_u64().unwrap()
    );
    let said = shell.say(&["retrieval", "features", path]);
    assert!(said.contains("semihv retrieval train"), "{said}");
}

/// Says what `semihv-torch train-retriever` says, and writes down how it was asked.
const WORKER: &str = r#"#!/bin/sh
out=$5
echo "$@" >> "$out/asked"
[ -f "$out/fail" ] && { echo "the loss is no number" >&2; exit 1; }
echo '{"event":"begin","pairs":20,"held_back":4,"epoch":0,"step":0,"spec":{"epochs":1,"batch":8}}'
echo '{"event":"step","epoch":1,"step":1,"loss":2.5,"temperature":0.07}'
echo '{"event":"epoch","epoch":1,"step":2,"loss":2.25,"recall_at_1":0.5,"recall_at_10":1.0}'
echo '{"event":"done","epoch":1,"step":2,"checkpoint":"x"}'
"#;

#[test]
fn a_retriever_is_trained_by_one_command_that_can_be_given_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let shell = Shell {
        home: Home::with_demo(),
    };
    let worker = shell.file("worker", WORKER);
    std::fs::set_permissions(&worker, std::fs::Permissions::from_mode(0o755)).unwrap();
    let out = shell.home.demo().join("retriever");
    let train = |flags: &[&str]| {
        let fixed = [
            "retrieval",
            "train",
            "-w",
            "demo",
            "--out",
            "demo/retriever",
        ];
        let mut command = shell.home.command(&[&fixed, flags].concat());
        command.env("SEMIHV_TORCH", &worker).output().unwrap()
    };
    let first = train(&["--epochs", "1", "--lr", "0.01", "--seed", "7"]);
    assert!(first.status.success(), "{}", complaint(&first));
    let said = words(&first);
    for word in [
        "pairs of",
        "epoch 1: loss 2.250",
        "50.0 % find an image of their case first",
        "retriever = \"retriever/checkpoint.safetensors\"",
        "semihv vectors",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let asked = std::fs::read_to_string(out.join("asked")).unwrap();
    assert!(asked.starts_with("train-retriever --features /"), "{asked}");
    assert!(
        asked.ends_with("--epochs 1 --lr 0.01 --seed 7\n"),
        "{asked}"
    );
    assert!(out.join("features.safetensors").is_file());
    let again = words(&train(&["--json"]));
    let lines: Vec<serde_json::Value> = again
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[0],
        serde_json::json!({"event": "features", "kept": true})
    );
    assert_eq!(lines[4]["event"], "done", "{again}");
    std::fs::write(out.join("fail"), "").unwrap();
    let failed = train(&[]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(complaint(&failed).contains("because: the loss is no number"));
}

/// The process that does it is the real program's; only the line from which it is used is moved.
#[test]
fn many_vectors_are_compacted_by_a_process_of_their_own() {
    let shell = Shell::with_vectors();
    let home = shell.home.path().to_str().unwrap().to_owned();
    let engine = Engine::open(OpenOptions {
        root: shell.home.demo(),
        user: UserPlaces::from_environment(|name| (name == "HOME").then(|| home.clone())),
        writing: Writing::Allowed,
        flags: SettingsFile::default(),
    });
    let engine = engine.unwrap();
    engine.plan_vectors(VectorPlan {
        compact_alone_from: 1,
        program: Some(env!("CARGO_BIN_EXE_semihv").into()),
        ..VectorPlan::default()
    });
    let job = engine.run_to_end(JobSpec::Vectors(Rebuild::FromNothing), |_| {});
    let job = job.unwrap();
    assert!(job.progress.unit.starts_with("folding new rows"), "{job:?}");
    drop(engine);
    let found = shell.json(&["retrieve", "--text", "solid nodule"]);
    assert_eq!(found["hits"].as_array().unwrap().len(), 4, "{found}");
    assert_eq!(found["vectors"]["search"], "exact");
}

#[test]
fn every_line_of_a_batch_is_answered_under_its_own_id() {
    let shell = Shell::with_vectors();
    let mut lines = b"{\"id\":\"a\",\"text\":\"stroke\"}\n".to_vec();
    lines.extend(b"{\"id\":\"b\",\"text\":5}\n\xff\xfe\n\n");
    lines.extend(b"{\"id\":\"c\",\"case\":\"ct-001\"}\n");
    lines.extend(b"{\"id\":7,\"text\":\"stroke\",\"part\":[0.1,0.1,0.5,0.5]}\n");
    let file = shell.home.path().join("queries.jsonl");
    std::fs::write(&file, lines).unwrap();
    let said = shell.say(&["retrieve", "--batch", file.to_str().unwrap()]);
    let answers: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: Vec<String> = answers.iter().map(|it| it["id"].to_string()).collect();
    assert_eq!(ids, ["\"a\"", "\"b\"", "\"3\"", "\"c\"", "7"]);
    assert_eq!(answers[1]["failure"]["summary"], "line 2 is no query");
    assert_eq!(answers[2]["failure"]["summary"], "line 3 is no query");
    let part = &answers[4]["failure"]["summary"];
    assert_eq!(part, "there is a part and no image that it is of");
    // A case alone is asked by its first image and what is written of it.
    let of_case = &answers[3]["retrieved"];
    assert_eq!(of_case["left_out"]["own_case"], 1, "{of_case}");
    let hits = of_case["hits"].as_array().unwrap();
    let is_both = |hit: &serde_json::Value| hit["dense"].is_object() && hit["words"].is_object();
    assert!(hits.iter().any(is_both), "{of_case}");
    let alone = shell.json(&["retrieve", "--case", "ct-001"]);
    assert_eq!(alone["hits"], of_case["hits"]);
    for most in ["0", "100000"] {
        let refused = shell.run(&["retrieve", "--text", "stroke", "-k", most]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(complaint(&refused).contains("give 1 to 1000"));
    }
}

#[test]
fn the_same_seed_draws_the_same_words_of_the_instruction() {
    let shell = Shell::with_vectors();
    let settings = shell.home.path().join(".config/semihv/config.toml");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    std::fs::write(settings, "[settings]\nquery_instructions = true\n").unwrap();
    let drawn = |seed: &str| {
        let asked = ["retrieve", "--text", "nodule", "--seed", seed];
        shell.json(&asked)["instructions"].to_string()
    };
    let first = drawn("0");
    assert!(first.len() > 20, "{first}");
    assert_eq!(first, drawn("0"));
    let others = ["1", "2", "3", "4", "5", "6", "7", "8"].map(drawn);
    assert!(others.iter().any(|other| *other != first), "{first}");
}

#[test]
fn two_run_files_are_compared_and_an_empty_one_is_refused() {
    let shell = Shell { home: Home::new() };
    let run = |name: &str, text: &str| shell.file(name, text);
    let first = run(
        "a.run",
        "q1 Q0 x 1 2.0 a\nq1 Q0 y 2 1.0 a\nq2 Q0 x 1 1.0 a\n",
    );
    let second = run(
        "b.run",
        "q1 Q0 y 1 2.0 b\nq1 Q0 z 2 1.0 b\nq2 Q0 x 1 1.0 b\n",
    );
    let qrels = run("qrels.txt", "q1 0 x 1\nq2 0 x 1\n");
    let compare = ["retrieval", "compare", &first, &second];
    let said = shell
        .home
        .run(&[&compare[..], &["--qrels", &qrels, "--json"]].concat());
    let said: serde_json::Value = serde_json::from_str(&words(&said)).unwrap();
    assert_eq!(said["topics"][0]["shared"], 1, "{said}");
    assert_eq!(said["measures"][0]["topics"], 2, "{said}");
    let empty = run("empty.run", "no such words\n");
    let refused = shell.home.run(&["retrieval", "compare", &first, &empty]);
    assert_eq!(refused.status.code(), Some(2));
    let why = complaint(&refused);
    assert!(why.contains("holds no ranked row"), "{why}");
}

#[test]
fn who_judged_cases_of_a_query_said_nothing_of_guidelines() {
    let shell = Shell::with_vectors();
    let found = shell.json(&["retrieve", "--text", "solid nodule", "--pool", "case"]);
    let case = found["hits"][0]["key"].as_str().unwrap().to_owned();
    let asked = ["--text", "pneumonia in children", "--pool", "guideline"];
    let found = shell.json(&[&["retrieve"], &asked[..]].concat());
    let guideline = found["hits"][0]["key"].as_str().unwrap().to_owned();
    let judge = |text: &str, key: &str| {
        shell.say(&["retrieval", "judge", "--text", text, key, "--grade", "1"]);
    };
    judge("solid nodule", &case);
    judge("pneumonia in children", &guideline);
    let eval = shell.json(&["retrieval", "eval", "--measure", "MRR"]);
    for pool in eval["report"]["pools"].as_array().unwrap() {
        assert_eq!(pool["queries"], 1, "{eval}");
        assert_eq!(pool["lists"][0]["means"][0], 1.0, "{eval}");
    }
}

#[test]
fn what_was_judged_and_not_found_counts_as_zero_in_its_pool() {
    let shell = Shell::with_vectors();
    let queries = shell.file("queries.jsonl", "{\"id\":1,\"text\":\"solid nodule\"}\n");
    let asked = ["retrieve", "--text", "solid nodule", "--pool", "guideline"];
    let passage = shell.json(&asked)["hits"][0]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let guideline = passage.split_once('#').map_or(&*passage, |(key, _)| key);
    let eval = |qrels: &str| {
        let qrels = shell.file("qrels.tsv", qrels);
        let said = [
            "retrieval",
            "eval",
            &qrels,
            "--queries",
            &queries,
            "--depth",
            "1",
        ];
        shell.json(&[&said[..], &["--measure", "Hit@10"]].concat())
    };
    // A guideline as a whole beside a passage of another one, and a case that is far.
    let said = eval(&format!(
        "1\t{guideline}\t1\n1\tsome-other#3\t0\n1\tmr-001\t1\n"
    ));
    let means = |name: &str| -> Vec<serde_json::Value> {
        let pools = said["report"]["pools"].as_array().unwrap();
        let pool = pools.iter().find(|pool| pool["pool"] == name);
        let pool = pool.unwrap_or_else(|| panic!("{name}: {said}"));
        let lists = pool["lists"].as_array().unwrap();
        lists.iter().map(|list| list["means"][0].clone()).collect()
    };
    assert!(means("guideline").contains(&1.0.into()), "{said}");
    assert_eq!(means("case"), [0.0, 0.0, 0.0], "{said}");
}

/// Names and sizes of all files below, as one text.
fn listing(folder: &Path) -> String {
    let mut lines = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            // A file may be gone by now.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            lines.push(format!("{} {}", entry.path().display(), metadata.len()));
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    lines.sort_unstable();
    lines.join("\n")
}

/// Kills the verb when the folder has changed so often; false: it ended before.
fn killed_at(shell: &Shell, arguments: &[&str], changes: usize) -> bool {
    let demo = shell.home.demo();
    let folder = demo.join(".semihv/vectors");
    let mut before = listing(&folder);
    let mut child = shell
        .home
        .command(&[arguments, &["-w", demo.to_str().unwrap()]].concat())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut seen = 0;
    while seen < changes {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let now = listing(&folder);
        if now != before {
            before = now;
            seen += 1;
        }
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

#[test]
fn a_kill_at_any_change_on_the_disk_leaves_vectors_that_are_searched() {
    let shell = Shell::with_vectors();
    let mut kills = 0;
    for changes in 1..40 {
        if !killed_at(&shell, &["vectors", "--rebuild"], changes) {
            break;
        }
        kills += 1;
        let found = shell.json(&["retrieve", "--image", "ct-001", "--text", "solid nodule"]);
        assert_eq!(found["hits"].as_array().unwrap().len(), 4, "{found}");
    }
    assert!(kills > 5, "{kills} kills");
    let said = shell.say(&["vectors"]);
    assert!(said.contains("62 rows"), "{said}");
    let found = shell.json(&["retrieve", "--image", "ct-001"]);
    assert_eq!(found["vectors"]["rows"], 62, "{found}");
    let whole = shell.run(&["doctor"]);
    assert!(words(&whole).contains("62 rows"), "{}", words(&whole));
}

#[test]
fn vectors_are_made_and_hits_gone_to_from_the_keyboard() {
    let home = Home::with_demo();
    let mut pty = home.open_demo();
    pty.type_text("3");
    pty.wait_for("run `semihv vectors`");
    pty.type_text(" v");
    pty.wait_for("counted-1 exact");
    pty.wait_for("cosine 0.");
    pty.wait_for("left out: its own case");
    pty.type_text("b");
    pty.wait_for("by image ·");
    // A counted value of the candidates becomes the filter, and no hit is gone to.
    pty.type_text("F");
    pty.wait_for("demo-guidelines");
    pty.type_text("\r");
    pty.wait_for("by image · source:demo");
}
