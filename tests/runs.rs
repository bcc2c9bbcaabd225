//! Runs of the real program: they outlive whoever started them, and say truly how they ended.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "home/demo.rs"]
mod demo;
mod home;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use home::{Home, complaint, words};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

const RECIPES: &str = r#"
[recipe.say]
command = ["sh", "-c", "echo {word}; exit {code}"]
[recipe.say.parameters]
word = "hello"
code = { default = 0, min = 0, max = 9, help = "how it ends" }

[recipe.long]
command = ["sh", "-c", "echo $$ > pid; echo begun; exec sleep 1000"]

[recipe.stubborn]
command = ["sh", "-c", "trap '' TERM; echo begun; while :; do sleep 0.1; done"]

[recipe.daemon]
command = ["sh", "-c", "setsid sh -c 'echo $$ > pid; exec sleep 1000' & sleep 0.3; exit 4"]

[recipe.missing]
command = ["no-such-program"]

[recipe.checked]
command = ["touch", "started"]
checks = [["true"], ["sh", "-c", "echo the disk is full >&2; exit 1"]]

[recipe.steps]
command = ["sh", "-c", "echo from $1; touch out-2; exit 1", "sh"]
checkpoints = "out-*"
resume = ["{checkpoint}"]

[recipe.variables]
command = ["sh", "-c", "echo [$SECRET] [$WANTED] [$SET] $SEMIHV_ATTEMPT"]
inherits = ["WANTED"]
sets = { SET = "{word}" }
parameters = { word = "filled" }

[recipe.unlucky]
command = ["sh", "-c", "[ $SEMIHV_ATTEMPT = 2 ] && exit 0; echo '[Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=2, OpType=ALLREDUCE, NumelIn=4, NumelOut=4, Timeout(ms)=8000) ran for 8097 milliseconds before timing out.'; exit 1"]
retries = 2

[recipe.wrong]
command = ["sh", "-c", "echo 'ValueError: no'; exit 1"]
retries = 2

[recipe.memory]
command = ["sh", "-c", "echo 'step 1 loss 2'; echo 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has' >&2; exit 1"]

[recipe.big]
command = ["sh", "-c", "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo line $i of a log that fills the disk || exit 5; done"]

[recipe.far]
command = ["true"]
host = "gpu01"
"#;

/// A workspace with these recipes.
struct Shell {
    home: Home,
}

impl Shell {
    fn new() -> Self {
        let shell = Self { home: Home::new() };
        let made = shell.home.run(&["init", shell.root().to_str().unwrap()]);
        assert!(made.status.success(), "{}", complaint(&made));
        let manifest = shell.root().join("semihv.toml");
        let before = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, format!("{before}\n{RECIPES}")).unwrap();
        shell
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("ws")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let root = self.root();
        let workspace = ["-w", root.to_str().unwrap()];
        let mut command = self.home.command(&[arguments, &workspace].concat());
        command.env("SECRET", "s3cret").env("WANTED", "wanted");
        command.output().unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        assert!(said.status.success(), "{}", complaint(&said));
        serde_json::from_str(&words(&said)).unwrap()
    }

    /// A script with the runs on a disk of 1 MB of their own, which nobody else sees.
    fn on_a_small_disk(&self, script: &str) -> Output {
        fs::create_dir(self.root().join("runs")).unwrap();
        let own = std::process::Command::new("id").arg("-u").output().unwrap();
        let flags = if words(&own).trim() == "0" {
            "-m"
        } else {
            "-Urm"
        };
        let script = format!("mount -t tmpfs -o size=1m small $WS/runs && {script}");
        std::process::Command::new("unshare")
            .args([flags, "sh", "-c", &script])
            .env("HOME", self.home.path())
            .env("WS", self.root())
            .env("SEMIHV", env!("CARGO_BIN_EXE_semihv"))
            .output()
            .unwrap()
    }

    /// Starts it; its name and the folder of its attempt.
    fn start(&self, recipe: &str) -> (String, PathBuf) {
        let started = self.json(&["run", recipe]);
        let name = started["run"].as_str().unwrap().to_owned();
        (name, started["folder"].as_str().unwrap().into())
    }

    #[track_caller]
    fn wait_for(&self, run: &str, state: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.json(&["runs", run]);
            if view["state"] == state {
                return view;
            }
            assert!(Instant::now() < deadline, "{state}: {view}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[track_caller]
fn text_of(path: &Path) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text.trim().to_owned();
        }
        assert!(Instant::now() < deadline, "{}", path.display());
        thread::sleep(Duration::from_millis(20));
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .map_or("", |(_, after)| after.trim_start());
    !state.is_empty() && !state.starts_with('Z')
}

fn kill(pid: &str) {
    let killed = std::process::Command::new("kill")
        .args(["-9", pid])
        .status();
    assert!(killed.unwrap().success());
}

/// Of the last event of that name.
fn event(attempt: &Path, name: &str) -> Option<Value> {
    let journal = fs::read_to_string(attempt.join("events.jsonl")).unwrap();
    let lines = journal.lines().rev();
    let mut events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.find(|event| event["event"] == name)
}

#[test]
fn a_recipe_is_shown_run_and_ends_as_its_command_does() {
    let shell = Shell::new();
    let said = shell.run(&["run", "say", "word=肺 it's", "--dry-run"]);
    assert!(
        words(&said).starts_with(r"$ sh -c 'echo 肺 it'\''s; exit 0'"),
        "{}",
        words(&said)
    );
    assert!(!shell.root().join("runs").exists());
    let said = shell.run(&["run", "say", "word=there", "code=3", "--wait"]);
    assert_eq!(said.status.code(), Some(3), "{}", complaint(&said));
    assert!(words(&said).contains("\nthere\n"), "{}", words(&said));
    assert!(words(&said).contains("failed (3)"), "{}", words(&said));
    let view = shell.json(&["runs", "say"]);
    assert_eq!(
        (&view["state"], &view["code"]),
        (&"failed".into(), &3.into())
    );
    assert_eq!(view["command"][2], "echo there; exit 3");
    let record = fs::read_to_string(Path::new(view["folder"].as_str().unwrap()).join("start.toml"));
    let record = record.unwrap();
    for word in ["config_hash", "word = \"there\"", "code = 3"] {
        assert!(record.contains(word), "{word}: {record}");
    }
    let log = words(&shell.run(&["log", view["run"].as_str().unwrap()]));
    assert_eq!(log, "there\n");
    for (given, why) in [
        ("code=10", "9 or less"),
        ("code=x", "takes a whole number"),
        ("cod=1", "it has code, word"),
    ] {
        let refused = shell.run(&["run", "say", given]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(complaint(&refused).contains(why), "{}", complaint(&refused));
    }
    let unknown = shell.run(&["run", "saying"]);
    assert!(
        complaint(&unknown).contains("semihv.toml has"),
        "{}",
        complaint(&unknown)
    );
}

#[test]
fn a_run_outlives_who_started_it_and_is_cancelled_by_another() {
    let shell = Shell::new();
    let (run, attempt) = shell.start("long");
    assert_eq!(text_of(&attempt.join("log")), "begun");
    let pid = text_of(&shell.root().join("pid"));
    let session = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(3).unwrap().to_owned()
    };
    // No terminal that closes can reach it.
    assert_ne!(session(&pid), session("self"));
    shell.wait_for(&run, "running");
    let again = shell.home.run(&["supervise", attempt.to_str().unwrap()]);
    assert!(
        complaint(&again).contains("supervised already"),
        "{}",
        complaint(&again)
    );
    let early = shell.run(&["resume", &run]);
    assert!(
        complaint(&early).contains("cancel it first"),
        "{}",
        complaint(&early)
    );
    let view = shell.json(&["cancel", &run]);
    assert_eq!(
        (&view["state"], &view["by"]),
        (&"cancelled".into(), &"ana".into())
    );
    assert!(!is_alive(&pid));
    let late = shell.run(&["cancel", &run]);
    assert!(
        complaint(&late).contains("not running: cancelled by ana"),
        "{}",
        complaint(&late)
    );
    let again = shell.home.run(&["supervise", attempt.to_str().unwrap()]);
    assert!(
        complaint(&again).contains("started already"),
        "{}",
        complaint(&again)
    );
}

#[test]
fn what_does_not_listen_is_killed_and_two_who_cancel_agree() {
    let shell = Shell::new();
    let (run, attempt) = shell.start("stubborn");
    assert_eq!(text_of(&attempt.join("log")), "begun");
    thread::scope(|scope| {
        let patient = scope.spawn(|| shell.json(&["cancel", &run, "--grace", "600"]));
        let hasty = shell.json(&["cancel", &run, "--grace", "1"]);
        let patient = patient.join().unwrap();
        assert_eq!(
            (&hasty["state"], &patient["state"]),
            (&"cancelled".into(), &"cancelled".into())
        );
    });
    assert_eq!(event(&attempt, "signalled").unwrap()["signal"], "SIGKILL");
}

#[test]
fn what_leaves_the_command_behind_is_waited_for_and_ended_too() {
    let shell = Shell::new();
    let (run, attempt) = shell.start("daemon");
    let pid = text_of(&shell.root().join("pid"));
    let deadline = Instant::now() + PATIENCE;
    while event(&attempt, "left-behind").is_none() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(50));
    }
    assert!(is_alive(&pid));
    shell.wait_for(&run, "running");
    let view = shell.json(&["cancel", &run]);
    assert_eq!(view["state"], "cancelled");
    assert!(!is_alive(&pid));
}

#[test]
fn without_its_supervisor_a_run_goes_on_and_its_end_is_not_guessed() {
    let shell = Shell::new();
    let (run, attempt) = shell.start("long");
    let pid = text_of(&shell.root().join("pid"));
    let supervisor = event(&attempt, "supervised").unwrap()["supervisor"]["pid"].to_string();
    kill(&supervisor);
    shell.wait_for(&run, "running-unsupervised");
    assert!(is_alive(&pid));
    // It can still be ended; only how it ended is not known.
    shell.run(&["cancel", &run, "--grace", "1"]);
    let deadline = Instant::now() + PATIENCE;
    while is_alive(&pid) {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(20));
    }
    shell.wait_for(&run, "lost");
    // A record of another boot tells that the machine was started anew.
    let journal = attempt.join("events.jsonl");
    let view = shell.json(&["runs", &run]);
    assert_eq!(view["trouble"], Value::Null);
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replacen("\"seq\":1", "\"seq\":9", 1)).unwrap();
    let view = shell.json(&["runs", &run]);
    assert_eq!(view["trouble"], "1 lines of its journal are damaged");
}

#[test]
fn what_cannot_start_says_why_and_checks_come_first() {
    let shell = Shell::new();
    let missing = shell.run(&["run", "missing"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        complaint(&missing).contains("no-such-program"),
        "{}",
        complaint(&missing)
    );
    let view = shell.json(&["runs", "missing"]);
    assert_eq!(view["state"], "start-failed", "{view}");
    let checked = shell.run(&["run", "checked"]);
    let why = complaint(&checked);
    assert!(
        why.contains("the disk is full") && why.contains("nothing was started"),
        "{why}"
    );
    assert!(!shell.root().join("started").exists());
    assert!(shell.run(&["runs", "checked"]).status.code() == Some(2));
    let far = shell.run(&["run", "far"]);
    assert!(
        complaint(&far).contains("add [host.gpu01]"),
        "{}",
        complaint(&far)
    );
}

#[test]
fn a_run_is_resumed_from_its_latest_checkpoint_as_its_next_attempt() {
    let shell = Shell::new();
    fs::write(shell.root().join("out-1"), "").unwrap();
    let first = shell.run(&["run", "steps", "--wait"]);
    assert!(words(&first).contains("\nfrom\n"), "{}", words(&first));
    let view = shell.json(&["runs", "steps"]);
    let run = view["run"].as_str().unwrap();
    for number in [2, 3] {
        let again = shell.run(&["resume", run, "--wait"]);
        assert_eq!(again.status.code(), Some(1), "{}", complaint(&again));
        let latest = shell.root().join("out-2");
        let expected = format!("\nfrom {}\n", latest.display());
        assert!(words(&again).contains(&expected), "{}", words(&again));
        let view = shell.json(&["runs", run]);
        assert_eq!(
            (&view["attempt"], &view["run"]),
            (&number.into(), &run.into())
        );
        assert_eq!(view["command"].as_array().unwrap().len(), 5, "{view}");
    }
    // Checkpoints that are gone are not gone on from.
    for name in ["out-1", "out-2"] {
        fs::remove_file(shell.root().join(name)).unwrap();
    }
    let again = words(&shell.run(&["resume", run]));
    assert!(again.contains("there is no checkpoint"), "{again}");
    let view = shell.json(&["runs", run]);
    assert_eq!(view["command"].as_array().unwrap().len(), 4, "{view}");
}

#[test]
fn no_variable_that_was_not_named_reaches_the_command_or_the_record() {
    let shell = Shell::new();
    let said = words(&shell.run(&["run", "variables", "--wait"]));
    assert!(said.contains("\n[] [wanted] [filled] 1\n"), "{said}");
    let view = shell.json(&["runs", "variables"]);
    let record = Path::new(view["folder"].as_str().unwrap()).join("start.toml");
    let record = fs::read_to_string(record).unwrap();
    assert!(
        record.contains("WANTED") && !record.contains("wanted"),
        "{record}"
    );
}

#[test]
fn a_run_that_failed_says_why_by_a_line_of_its_log() {
    let shell = Shell::new();
    let said = shell.run(&["run", "memory", "--wait"]);
    let expected = "failed (1): out of GPU memory on GPU 1, 2.00 GiB more were wanted";
    assert!(words(&said).contains(expected), "{}", words(&said));
    let view = shell.json(&["runs", "memory"]);
    assert_eq!(view["ending"]["cause"], "cuda-out-of-memory", "{view}");
    assert_eq!(view["ending"]["line"], 1, "{view}");
}

#[test]
fn all_runs_are_listed_and_unclear_names_are_asked_back() {
    let shell = Shell::new();
    assert!(words(&shell.run(&["runs"])).contains("no runs yet"));
    for _ in 0..2 {
        assert!(shell.run(&["run", "say", "--wait"]).status.success());
    }
    let listed = words(&shell.run(&["runs"]));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.lines().all(|line| line.starts_with('✓')), "{listed}");
    let unclear = shell.run(&["runs", "say"]);
    assert!(
        complaint(&unclear).contains("give more of its name"),
        "{}",
        complaint(&unclear)
    );
}

#[test]
fn a_recipe_is_launched_watched_and_cancelled_from_the_keyboard() {
    let home = Home::with_demo();
    let manifest = home.demo().join("semihv.toml");
    let before = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{before}\n{RECIPES}")).unwrap();
    let mut pty = home.open_demo();
    pty.type_text("4");
    pty.wait_for("No run was launched here yet");
    pty.type_text("r");
    pty.wait_for("Launch big");
    pty.type_text("\x1b[B\x1b[B");
    pty.wait_for("Launch daemon");
    pty.type_text("\x1b[B\x1b[B");
    pty.wait_for("Launch long");
    pty.wait_for("exec sleep 1000");
    pty.type_text("\r");
    pty.wait_for("long launched");
    pty.wait_for("1 running");
    // Its log is the one that is shown.
    pty.wait_for("begun");
    pty.type_text("x");
    pty.wait_for("x again asks it to end");
    pty.type_text("x");
    pty.wait_for("cancelled by");
    let root = home.demo();
    let listed = home.run(&["runs", "-w", root.to_str().unwrap()]);
    assert!(
        words(&listed).contains("cancelled by ana"),
        "{}",
        words(&listed)
    );
}

#[test]
fn a_full_disk_loses_neither_the_end_nor_the_reason() {
    let shell = Shell::new();
    let ran = shell.on_a_small_disk(
        "$SEMIHV run big --wait -w $WS >/dev/null; echo $?; $SEMIHV runs big --json -w $WS",
    );
    let said = words(&ran);
    let (code, view) = said.split_once('\n').unwrap();
    assert_eq!(code, "5", "{said}{}", complaint(&ran));
    let view: Value = serde_json::from_str(view).unwrap();
    assert_eq!(
        (&view["state"], &view["code"]),
        (&"failed".into(), &5.into())
    );
    assert_eq!(view["ending"]["cause"], "disk-full", "{view}");
}

#[test]
fn a_folder_that_cannot_be_written_starts_nothing() {
    let shell = Shell::new();
    // A file where the folder should be stops root too.
    fs::write(shell.root().join("runs"), "").unwrap();
    let refused = shell.run(&["run", "say"]);
    assert_eq!(refused.status.code(), Some(1), "{}", complaint(&refused));
    assert!(
        complaint(&refused).contains("cannot read the runs in"),
        "{}",
        complaint(&refused)
    );
}

#[test]
fn a_run_of_another_boot_is_said_to_have_met_a_reboot() {
    let shell = Shell::new();
    let (run, attempt) = shell.start("long");
    let supervisor = event(&attempt, "supervised").unwrap()["supervisor"]["pid"].to_string();
    let pid = text_of(&shell.root().join("pid"));
    kill(&supervisor);
    kill(&pid);
    // As the journal of a machine that was started anew since would be.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let journal = attempt.join("events.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let other = "00000000-0000-4000-8000-000000000000";
    let lines = text.lines().map(|line| {
        let line = line.replace(boot.trim(), other);
        let (body, _) = line.rsplit_once(",\"crc\":").unwrap();
        format!("{body},\"crc\":\"{:08x}\"}}\n", crc32(body.as_bytes()))
    });
    fs::write(&journal, lines.collect::<String>()).unwrap();
    let view = shell.wait_for(&run, "host-rebooted");
    assert_eq!(view["trouble"], Value::Null);
}

/// Bit by bit: of a few lines.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[test]
fn the_demo_trains_for_real_and_goes_on_from_its_checkpoint() {
    let home = Home::with_demo();
    let root = home.demo();
    let run = |arguments: &[&str]| {
        let said = home.run(&[arguments, &["-w", root.to_str().unwrap(), "--json"]].concat());
        assert!(said.status.success(), "{}", complaint(&said));
        serde_json::from_str::<Value>(words(&said).lines().last().unwrap()).unwrap()
    };
    let started = run(&["run", "words", "epochs=1000000"]);
    let name = started["run"].as_str().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !root
        .join("demo/words")
        .join(name)
        .join("checkpoint-1000")
        .exists()
    {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(run(&["cancel", name])["state"], "cancelled");
    let log = run(&["log", name]);
    let last = |name: &str| {
        let last = log["last"].as_array().unwrap();
        let figure = last.iter().find(|figure| figure[0] == name).unwrap();
        figure[1]["value"].as_f64().unwrap()
    };
    // Five classes by chance: ln 5 is 1.6, and a fifth is right.
    assert!(last("loss") < 1.0 && last("eval_accuracy") > 0.4, "{log}");
    let resumed = run(&["resume", name]);
    let first = text_of(Path::new(resumed["log"].as_str().unwrap()));
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert!(first["step"].as_u64().unwrap() > 1000, "{first}");
    assert_eq!(run(&["cancel", name])["state"], "cancelled");
}

#[test]
fn a_run_waits_for_another_and_for_its_success_where_that_is_wanted() {
    let shell = Shell::new();
    let (first, _) = shell.start("long");
    let queued = shell.json(&["run", "say", "--after", &first]);
    assert_eq!(queued["state"], "queued", "{queued}");
    assert_eq!(queued["why"], format!("for {first}"));
    // It has printed nothing, which is no failure.
    let log = shell.json(&["log", queued["run"].as_str().unwrap()]);
    assert_eq!(log["lines"], serde_json::json!([]));
    let any = shell.json(&["run", "say", "word=any", "--after-any", &first]);
    let third = shell.json(&[
        "run",
        "say",
        "word=third",
        "--after",
        any["run"].as_str().unwrap(),
    ]);
    let gone = shell.run(&["run", "say", "--after", "nothing-like-it"]);
    assert!(
        complaint(&gone).contains("there is no run"),
        "{}",
        complaint(&gone)
    );
    // What waits can be called off.
    let called_off = shell.json(&["run", "say", "--after", &first]);
    let view = shell.json(&["cancel", called_off["run"].as_str().unwrap()]);
    assert_eq!(view["state"], "cancelled");
    shell.json(&["cancel", &first]);
    let never = shell.wait_for(queued["run"].as_str().unwrap(), "start-failed");
    let why = never["why"].as_str().unwrap();
    assert!(
        why.contains("cancelled by ana, and this waits for its success"),
        "{why}"
    );
    shell.wait_for(any["run"].as_str().unwrap(), "succeeded");
    let waited = shell.run(&["run", "say", "word=late", "--after-any", &first, "--wait"]);
    assert!(
        words(&waited).contains("\nlate\n"),
        "{}",
        complaint(&waited)
    );
    shell.wait_for(third["run"].as_str().unwrap(), "succeeded");
}

#[test]
fn what_the_machines_ended_is_tried_again_and_what_the_code_ended_is_not() {
    let shell = Shell::new();
    let followed = shell.run(&["run", "unlucky", "--wait"]);
    assert!(followed.status.success(), "{}", words(&followed));
    assert!(
        words(&followed).contains("attempt 2"),
        "{}",
        words(&followed)
    );
    let (wrong, _) = shell.start("wrong");
    let (unlucky, first) = shell.start("unlucky");
    let view = shell.wait_for(&unlucky, "queued");
    assert_eq!(
        (&view["attempt"], &view["why"]),
        (&2.into(), &"for another try".into())
    );
    assert!(first.join("exit.json").exists());
    let view = shell.wait_for(&unlucky, "succeeded");
    assert_eq!(view["attempt"], 2);
    let view = shell.wait_for(&wrong, "failed");
    assert_eq!(view["attempt"], 1);
    assert_eq!(view["ending"]["name"], "ValueError");
}

#[test]
fn the_workbench_shows_what_another_shell_launched_and_how_it_ended() {
    let home = Home::with_demo();
    let manifest = home.demo().join("semihv.toml");
    let before = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{before}\n{RECIPES}")).unwrap();
    let mut pty = home.open_demo();
    pty.type_text("4");
    // The folder of runs is made by the first of them.
    pty.wait_for("No run was launched here yet");
    let root = home.demo();
    let started = home.run(&["run", "long", "--json", "-w", root.to_str().unwrap()]);
    let started: Value = serde_json::from_str(&words(&started)).unwrap();
    pty.wait_for("1 running");
    let attempt = Path::new(started["folder"].as_str().unwrap());
    let supervisor = event(attempt, "supervised").unwrap()["supervisor"]["pid"].to_string();
    kill(&supervisor);
    // No file tells of that.
    pty.wait_for("running, unsupervised");
    kill(&text_of(&root.join("pid")));
    pty.wait_for("lost");
}

#[test]
fn an_error_in_the_manifest_keeps_no_run_from_being_ended() {
    let shell = Shell::new();
    let (run, _) = shell.start("long");
    let manifest = shell.root().join("semihv.toml");
    let before = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{before}\nbogus = [\n")).unwrap();
    let listed = shell.run(&["runs"]);
    assert!(words(&listed).contains("running"), "{}", words(&listed));
    assert!(
        complaint(&listed).contains("semihv.toml"),
        "{}",
        complaint(&listed)
    );
    assert_eq!(shell.json(&["cancel", &run])["state"], "cancelled");
    assert_eq!(words(&shell.run(&["log", &run])), "begun\n");
    assert_eq!(shell.run(&["run", "say"]).status.code(), Some(1));
}

#[test]
fn a_run_on_a_full_disk_can_be_ended() {
    let shell = Shell::new();
    let ran = shell.on_a_small_disk(
        "$SEMIHV run long -w $WS >/dev/null; cat /dev/zero > $WS/runs/fill 2>/dev/null; \
         $SEMIHV run say -w $WS >/dev/null; $SEMIHV runs -w $WS | wc -l; \
         $SEMIHV cancel long --json -w $WS",
    );
    let said = words(&ran);
    let (listed, view) = said.split_once('\n').unwrap();
    // A start that was refused is no run.
    assert_eq!(listed.trim(), "1", "{said}{}", complaint(&ran));
    let view: Value = serde_json::from_str(view).unwrap();
    assert_eq!(view["state"], "terminated", "{view}{}", complaint(&ran));
}
