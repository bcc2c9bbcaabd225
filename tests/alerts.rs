//! Alerts as the real program tells them: a run whose loss is no number any more is seen in the
//! workbench, heard as a bell, given to a command, and told once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod home;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use home::{Home, complaint, words};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for a file, so that a test says when the loss turns.
const RECIPES: &str = r#"
[recipe.turns]
command = ["sh", "-c", "echo '{{\"step\": 1, \"loss\": 1.5}}'; until [ -e turn ]; do sleep 0.1; done; echo '{{\"step\": 2, \"loss\": NaN}}'; exec sleep 1000"]

[recipe.memory]
command = ["sh", "-c", "echo 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has' >&2; exit 1"]
"#;

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
        command.output().unwrap()
    }

    fn said(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert!(said.status.success(), "{}", complaint(&said));
        words(&said)
    }

    /// The user's settings name a command that writes down its arguments.
    fn has_command(&self) -> PathBuf {
        let told = self.home.path().join("told");
        let script = self.home.path().join("tell");
        fs::write(
            &script,
            format!("#!/bin/sh\nprintf '%s|' \"$@\" >> '{}'\n", told.display()),
        )
        .unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let folder = self.home.path().join("config/semihv");
        fs::create_dir_all(&folder).unwrap();
        let settings = format!(
            "[settings]\nalert_command = [\"{}\", \"{{cause}}\", \"{{words}}; $(x)\"]\n",
            script.display()
        );
        fs::write(folder.join("config.toml"), settings).unwrap();
        told
    }

    /// Ends what a test left running.
    fn cancel(&self, run: &str) {
        let ended = self.run(&["cancel", run, "--grace", "1"]);
        assert!(ended.status.success(), "{}", complaint(&ended));
    }
}

#[track_caller]
fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let due = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < due, "waited for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn bells(raw: &[u8]) -> usize {
    raw.split(|byte| *byte == 7).count() - 1
}

#[test]
fn a_loss_that_is_no_number_is_shown_rung_and_given_to_a_command_once() {
    let shell = Shell::new();
    let told = shell.has_command();
    shell.said(&["run", "turns"]);
    let root = shell.root();
    let mut pty = shell.home.program().arg(&root).size(120, 40).start();
    pty.wait_for("4 train");
    pty.wait_for("No questions yet.");
    pty.type_text("4");
    pty.wait_for("1 running");
    let before = bells(&pty.raw());
    fs::write(root.join("turn"), "").unwrap();
    pty.wait_for("loss is NaN at step 2");
    pty.wait_for("! 1 alert");
    wait("a bell", || bells(&pty.raw()) > before);
    let said = || fs::read_to_string(&told).unwrap_or_default();
    wait("the command", || !said().is_empty());
    let expected = "not-finite|loss is NaN at step 2; $(x)|";
    assert_eq!(said(), expected);
    // Looking at the list is seeing it.
    pty.type_text(" a");
    pty.wait_for("line 2, just now");
    pty.wait_until_gone("! 1 alert ");
    pty.type_text("q");
    pty.kill();

    assert!(shell.said(&["alerts"]).contains("no alerts"));
    let all = shell.said(&["alerts", "--all", "--json"]);
    let alert: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(alert["cause"], "not-finite");
    assert_eq!((&alert["step"], &alert["line"]), (&2.into(), &2.into()));
    assert_eq!(alert["is_seen"], true);
    assert_eq!(said(), expected, "told once");
    shell.cancel("turns");
}

#[test]
fn a_shell_hears_of_an_end_once_and_a_workspace_names_no_command() {
    let shell = Shell::new();
    let manifest = shell.root().join("semihv.toml");
    let before = fs::read_to_string(&manifest).unwrap();
    let told = shell.root().join("evil");
    let evil = format!(
        "[settings]\nalert_command = [\"touch\", \"{}\"]\n",
        told.display()
    );
    fs::write(&manifest, before.replace("[settings]\n", &evil)).unwrap();
    shell.run(&["run", "memory", "--wait"]);
    let said = shell.said(&["alerts"]);
    assert!(said.contains("out of GPU memory on GPU 1"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(shell.said(&["alerts", "--seen"]), said);
    assert_eq!(shell.said(&["alerts"]).trim(), "no alerts");
    let of_run = shell.said(&["runs", "memory"]);
    assert!(of_run.contains("alert    out of GPU memory"), "{of_run}");
    assert!(!told.exists());
}
