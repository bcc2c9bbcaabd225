//! Runs on another machine, by a real OpenSSH server on the loopback: launched, followed over a link
//! that breaks, and never guessed about.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod home;
#[path = "home/sshd.rs"]
mod sshd;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use home::{Home, complaint, words};
use serde_json::Value;
use sshd::Sshd;

const PATIENCE: Duration = Duration::from_mins(1);

const RECIPES: &str = r#"
[recipe.say]
command = ["sh", "-c", "pwd; echo there; exit {code}"]
host = "far"
parameters = { code = 0 }

[recipe.long]
command = ["sh", "-c", "echo begun; exec sleep 1000"]
host = "far"

[recipe.count]
command = ["sh", "-c", "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo \"line $i of a log that is followed\"; [ $((i % 100)) -ne 0 ] || sleep 0.1; done"]
host = "far"

[recipe.unlucky]
command = ["sh", "-c", "echo attempt $SEMIHV_ATTEMPT; [ $SEMIHV_ATTEMPT = 2 ] && exit 0; echo '[Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=2, OpType=ALLREDUCE, Timeout(ms)=8000) ran for 8097 milliseconds'; exit 1"]
host = "far"
retries = 1

[recipe.lost]
command = ["true"]
host = "nowhere"

[recipe.checked]
command = ["true"]
checks = [["false"]]
host = "far"
"#;

/// A workspace here, and a home on the other machine.
struct Two {
    home: Home,
    /// Dropped first: it may not outlive its folder.
    sshd: Option<Sshd>,
}

impl Two {
    fn new() -> Self {
        let home = Home::new();
        // Unix sockets have short names.
        let sshd = Sshd::start(&home.path().join("s"));
        let two = Self {
            home,
            sshd: Some(sshd),
        };
        let made = two.home.run(&["init", two.root().to_str().unwrap()]);
        assert!(made.status.success(), "{}", complaint(&made));
        let manifest = two.root().join("semihv.toml");
        let before = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, format!("{before}\n{RECIPES}")).unwrap();
        fs::create_dir_all(two.there().join("work")).unwrap();
        let there = two.there().display().to_string();
        let program = env!("CARGO_BIN_EXE_semihv");
        let agent =
            format!("#!/bin/sh\nunset XDG_DATA_HOME\nHOME='{there}' exec '{program}' \"$@\"\n");
        two.script("agent", &agent);
        let config = two.home.path().join("s/ssh_config");
        two.settings(&format!(
            "[host.far]\ncommand = [\"ssh\", \"-F\", \"{}\", \"loop\"]\nprogram = \"{}\"\nfolder = \"work\"\n",
            config.display(),
            two.home.path().join("agent").display(),
        ));
        two
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn settings(&self, text: &str) {
        let path = self.home.path().join(".config/semihv/config.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("ws")
    }

    fn there(&self) -> PathBuf {
        self.home.path().join("there")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let root = self.root();
        self.home
            .run(&[arguments, &["-w", root.to_str().unwrap()]].concat())
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        assert!(said.status.success(), "{}", complaint(&said));
        serde_json::from_str(&words(&said)).unwrap()
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

    /// What the run printed, as it lies on the other machine.
    fn log_there(&self, run: &str) -> PathBuf {
        let runs = self.there().join(".local/share/semihv/runs");
        runs.join(run).join("attempt-1/log")
    }

    fn log_here(&self, run: &str) -> PathBuf {
        self.root().join("runs").join(run).join("attempt-1/log")
    }
}

#[test]
fn a_recipe_runs_on_its_host_and_what_it_printed_is_here() {
    let two = Two::new();
    let said = two.run(&["run", "say", "code=4", "--wait"]);
    assert_eq!(said.status.code(), Some(4), "{}", complaint(&said));
    let folder = two.there().join("work");
    let expected = format!("\n{}\nthere\n", folder.display());
    assert!(words(&said).contains(&expected), "{}", words(&said));
    assert!(
        words(&said).contains(" on far  failed (4)"),
        "{}",
        words(&said)
    );
    let view = two.json(&["runs", "say"]);
    assert_eq!(
        (&view["host"], &view["state"]),
        (&"far".into(), &"failed".into())
    );
    let run = view["run"].as_str().unwrap();
    assert!(words(&two.run(&["log", run])).ends_with("there\n"));
    let checked = two.run(&["run", "checked"]);
    assert!(
        complaint(&checked).contains("the check `false` failed"),
        "{}",
        complaint(&checked)
    );
    let listed = words(&two.run(&["runs"]));
    assert_eq!(listed.lines().count(), 1, "{listed}");
    let unknown = two.run(&["run", "lost"]);
    assert!(
        complaint(&unknown).contains("add [host.nowhere]"),
        "{}",
        complaint(&unknown)
    );
}

#[test]
fn a_run_there_is_cancelled_from_here() {
    let two = Two::new();
    let started = two.json(&["run", "long"]);
    let run = started["run"].as_str().unwrap();
    assert_eq!(
        (&started["state"], &started["host"]),
        (&"running".into(), &"far".into())
    );
    let hosts = two.json(&["hosts"]);
    assert_eq!(
        (&hosts["live"], &hosts["name"]),
        (&1.into(), &"far".into()),
        "{hosts}"
    );
    let view = two.json(&["cancel", run]);
    assert_eq!(
        (&view["state"], &view["by"]),
        (&"cancelled".into(), &"ana".into())
    );
    let resumed = two.json(&["resume", run]);
    assert_eq!(
        (&resumed["state"], &resumed["attempt"]),
        (&"running".into(), &2.into())
    );
    assert_eq!(two.json(&["cancel", run])["state"], "cancelled");
}

#[test]
fn a_link_that_breaks_loses_no_line_and_doubles_none() {
    let two = Two::new();
    let root = two.root();
    let followed = two
        .home
        .command(&["run", "count", "--wait", "-w", root.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    let name = loop {
        let runs = fs::read_dir(two.root().join("runs"))
            .into_iter()
            .flatten()
            .flatten();
        let name = runs
            .last()
            .map(|run| run.file_name().into_string().unwrap());
        let has_some = |name: &String| {
            let log = fs::metadata(two.log_here(name));
            log.is_ok_and(|log| log.len() > 2_000)
        };
        if let Some(name) = name.filter(has_some) {
            break name;
        }
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(20));
    };
    let length = || fs::metadata(two.log_here(&name)).unwrap().len();
    for _ in 0..3 {
        let had = length();
        two.sshd.as_ref().unwrap().tell("drop");
        // Over a new connection, or all of it was here already.
        let is_all = || fs::metadata(two.log_there(&name)).unwrap().len() == length();
        while length() == had && !is_all() {
            assert!(Instant::now() < deadline + PATIENCE);
            thread::sleep(Duration::from_millis(20));
        }
    }
    let followed = followed.wait_with_output().unwrap();
    assert!(followed.status.success(), "{}", complaint(&followed));
    let there = fs::read(two.log_there(&name)).unwrap();
    assert_eq!(String::from_utf8_lossy(&there).lines().count(), 3_000);
    assert!(fs::read(two.log_here(&name)).unwrap() == there);
    let printed = words(&followed);
    let lines = printed.lines().filter(|line| line.starts_with("line "));
    assert_eq!(lines.count(), 3_000);
}

#[test]
fn a_host_that_is_silent_is_said_to_be_and_nothing_is_guessed() {
    let mut two = Two::new();
    let started = two.json(&["run", "long"]);
    let run = started["run"].as_str().unwrap().to_owned();
    drop(two.sshd.take());
    let view = two.json(&["runs", &run]);
    assert_eq!(view["state"], "unreachable", "{view}");
    let trouble = view["trouble"].as_str().unwrap();
    assert!(
        trouble.contains("last seen") && trouble.contains("running"),
        "{trouble}"
    );
    let cancel = two.run(&["cancel", &run]);
    assert!(
        complaint(&cancel).contains("far cannot be asked"),
        "{}",
        complaint(&cancel)
    );
    let launch = two.run(&["run", "say"]);
    assert!(
        complaint(&launch).contains("far cannot be asked"),
        "{}",
        complaint(&launch)
    );
    assert!(
        complaint(&launch).contains("hint: see that `ssh"),
        "{}",
        complaint(&launch)
    );
    // Nothing was begun here that could not be begun there.
    assert_eq!(words(&two.run(&["runs"])).lines().count(), 1);
    two.sshd = Some(Sshd::start(&two.home.path().join("s")));
    two.wait_for(&run, "running");
    assert_eq!(two.json(&["cancel", &run])["state"], "cancelled");
}

#[test]
fn a_launch_that_is_asked_twice_is_started_once() {
    let two = Two::new();
    let started = two.json(&["run", "long"]);
    let run = started["run"].as_str().unwrap();
    let record = two
        .root()
        .join("runs")
        .join(run)
        .join("attempt-1/start.toml");
    let record: toml::Value = toml::from_str(&fs::read_to_string(record).unwrap()).unwrap();
    let launch = serde_json::json!({"id": 2, "op": "launch", "record": record, "checks": []});
    let escape = serde_json::json!({"id": 3, "op": "look", "runs": ["../../x", run]});
    let mut agent = Command::new(two.home.path().join("agent"))
        .arg("agent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = agent.stdin.take().unwrap();
    writeln!(
        input,
        "{{\"id\":1,\"op\":\"hello\",\"v\":1}}\n{launch}\n{escape}"
    )
    .unwrap();
    drop(input);
    let said = words(&agent.wait_with_output().unwrap());
    let answers: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers[1]["done"]["state"], "running", "{said}");
    assert_eq!(answers[2]["done"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(fs::read_to_string(two.log_there(run)).unwrap(), "begun\n");
    assert_eq!(two.json(&["cancel", run])["state"], "cancelled");
}

#[test]
fn a_host_without_semihv_gets_it_when_it_is_asked_for() {
    let two = Two::new();
    // What the server does with a command, with another home.
    let there = two.there().display().to_string();
    let shell = two.script(
        "shell",
        &format!("#!/bin/sh\nunset XDG_DATA_HOME\nHOME='{there}' exec sh -c \"$1\"\n"),
    );
    two.settings(&format!(
        "[host.far]\ncommand = [\"{}\"]\n",
        shell.display()
    ));
    let missing = two.run(&["run", "say"]);
    let why = complaint(&missing);
    assert!(
        why.contains("there is no semihv on far") && why.contains("semihv hosts --place far"),
        "{why}"
    );
    let placed = two.run(&["hosts", "--place", "far"]);
    assert!(
        words(&placed).starts_with("✓ far"),
        "{}{}",
        words(&placed),
        complaint(&placed)
    );
    let said = two.run(&["run", "say", "--wait"]);
    assert!(said.status.success(), "{}", complaint(&said));
    assert!(words(&said).contains("succeeded"), "{}", words(&said));
}

#[test]
fn a_run_on_a_host_is_launched_and_followed_from_the_keyboard() {
    let two = Two::new();
    let config = two.home.path().join(".config/semihv/config.toml");
    let program = two
        .home
        .program()
        .env("XDG_CONFIG_HOME", two.home.path().join(".config"));
    assert!(config.exists());
    let mut pty = program.arg(two.root()).start();
    pty.wait_for("questions");
    pty.type_text("4");
    pty.wait_for("No run was launched here yet");
    pty.type_text("r");
    pty.wait_for("Launch checked");
    pty.type_text("\x1b[B\x1b[B");
    pty.wait_for("Launch long");
    pty.wait_for("exec sleep 1000");
    pty.type_text("\r");
    pty.wait_for("on far");
    pty.wait_for("1 running");
    pty.wait_for("begun");
    // The link breaks, and is there again without a key.
    two.sshd.as_ref().unwrap().tell("drop");
    pty.type_text("x");
    pty.wait_for("x again asks it to end");
    pty.type_text("x");
    pty.wait_for("cancelled by");
}

#[test]
fn the_workbench_follows_a_run_on_a_host_that_another_shell_launched() {
    let two = Two::new();
    let program = two
        .home
        .program()
        .env("XDG_CONFIG_HOME", two.home.path().join(".config"));
    let mut pty = program.arg(two.root()).start();
    pty.wait_for("questions");
    pty.type_text("4");
    pty.wait_for("No run was launched here yet");
    let started = two.json(&["run", "count"]);
    assert_eq!(started["state"], "running");
    pty.wait_for("on far");
    pty.wait_for("of a log that is followed");
    pty.wait_for("succeeded");
}

#[test]
fn an_attempt_that_the_host_began_by_itself_has_a_log_of_its_own_here() {
    let two = Two::new();
    let followed = two.run(&["run", "unlucky", "--wait"]);
    assert!(
        followed.status.success(),
        "{}{}",
        words(&followed),
        complaint(&followed)
    );
    let view = two.json(&["runs", "unlucky"]);
    assert_eq!(
        (&view["state"], &view["attempt"]),
        (&"succeeded".into(), &2.into())
    );
    let first = two.log_here(view["run"].as_str().unwrap());
    let first = fs::read_to_string(first).unwrap();
    assert!(
        first.starts_with("attempt 1\n") && !first.contains("attempt 2"),
        "{first}"
    );
    let second = fs::read_to_string(view["log"].as_str().unwrap()).unwrap();
    assert_eq!(second, "attempt 2\n");
}
