//! GPUs as the real program shows them, here and over a real OpenSSH server. No GPU is there: a
//! stand-in prints figures in the layout of nvidia-smi, and whatever is seen here is such a replay.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod home;
#[path = "home/sshd.rs"]
mod sshd;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use home::{Home, complaint, words};
use serde_json::Value;
use sshd::Sshd;

const PATIENCE: Duration = Duration::from_mins(1);

const RECIPES: &str = r#"
[recipe.long]
command = ["sh", "-c", "echo $$ > pid; exec sleep 1000"]
"#;

/// A workspace on a machine whose nvidia-smi is the stand-in.
struct Machine {
    home: Home,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { home: Home::new() };
        let made = machine
            .home
            .run(&["init", machine.root().to_str().unwrap()]);
        assert!(made.status.success(), "{}", complaint(&made));
        let manifest = machine.root().join("semihv.toml");
        let before = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, format!("{before}\n{RECIPES}")).unwrap();
        let tools = machine.home.path().join("bin");
        fs::create_dir(&tools).unwrap();
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parts/fake-nvidia-smi");
        symlink(fake, tools.join("nvidia-smi")).unwrap();
        machine
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("ws")
    }

    fn path(&self) -> String {
        let before = std::env::var("PATH").unwrap();
        format!("{}:{before}", self.home.path().join("bin").display())
    }

    fn ticks(&self) -> PathBuf {
        self.home.path().join("ticks")
    }

    /// With these variables for the stand-in.
    fn gpus(&self, arguments: &[&str], fake: &[(&str, &str)]) -> Output {
        let root = self.root();
        let root = root.to_str().unwrap();
        let mut command = self
            .home
            .command(&[&["gpus", "-w", root], arguments].concat());
        command.env("PATH", self.path());
        command.envs(fake.iter().copied());
        command.output().unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str], fake: &[(&str, &str)]) -> Value {
        let said = self.gpus(&[arguments, &["--json"]].concat(), fake);
        assert!(said.status.success(), "{}", complaint(&said));
        serde_json::from_str(&words(&said)).unwrap()
    }

    /// The process that samples, as soon as it does.
    fn sampler(&self) -> Option<(i32, usize)> {
        let text = fs::read_to_string(self.ticks()).ok()?;
        let (pid, ticks) = text.split_once(' ')?;
        Some((pid.parse().ok()?, ticks.len()))
    }

    /// A server, and a host of that name whose semihv has this environment.
    fn host(&self, fake: &str) -> Sshd {
        let sshd = Sshd::start(&self.home.path().join("s"));
        let home = self.home.path();
        fs::create_dir_all(home.join("there")).unwrap();
        let script = format!(
            "#!/bin/sh\nunset XDG_DATA_HOME\nexport HOME='{}' PATH='{}' {fake}\nexec '{}' \"$@\"\n",
            home.join("there").display(),
            self.path(),
            env!("CARGO_BIN_EXE_semihv"),
        );
        let agent = home.join("agent");
        fs::write(&agent, script).unwrap();
        fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
        let settings = home.join(".config/semihv/config.toml");
        fs::create_dir_all(settings.parent().unwrap()).unwrap();
        let config = home.join("s/ssh_config");
        let text = format!(
            "[host.far]\ncommand = [\"ssh\", \"-F\", \"{}\", \"loop\"]\nprogram = \"{}\"\n",
            config.display(),
            agent.display(),
        );
        fs::write(settings, text).unwrap();
        sshd
    }
}

#[track_caller]
fn until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn is_gone(pid: i32) -> Option<()> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    matches!(state, None | Some('Z' | 'X')).then_some(())
}

#[test]
fn replayed_gpus_are_listed_for_people_and_programs() {
    let machine = Machine::new();
    let said = machine.gpus(&[], &[("FAKE_SMI_STILL", "1"), ("FAKE_SMI_MIG", "1")]);
    let expected = "this machine  nvidia-smi
  0  Replayed H100 80GB          98 %    71/80 GB    678/700 W   64 °C   1980 MHz  P0
  1  Replayed H100 80GB           - %     2/80 GB     90/700 W   40 °C    345 MHz  P0   MIG
";
    let lines = words(&said);
    assert!(lines.starts_with(expected), "{lines}{}", complaint(&said));
    let machine = machine.json(&[], &[("FAKE_SMI_GPUS", "3")]);
    assert_eq!(machine["tool"], "nvidia-smi");
    let gpus = machine["gpus"].as_array().unwrap();
    let figure = |gpu: usize, name: &str| gpus[gpu][name].as_u64().unwrap();
    assert_eq!(gpus.len(), 3);
    assert_eq!(figure(0, "use_percent"), 98);
    assert_eq!(figure(0, "memory_used_mib"), 72_704);
    assert_eq!((figure(2, "index"), figure(2, "use_percent")), (2, 0));
}

#[test]
fn a_process_on_a_gpu_is_known_as_its_run_and_another_is_not() {
    let machine = Machine::new();
    let root = machine.root();
    let root = root.to_str().unwrap();
    let started = machine.home.run(&["run", "long", "-w", root, "--json"]);
    assert!(started.status.success(), "{}", complaint(&started));
    let started: Value = serde_json::from_str(&words(&started)).unwrap();
    let pid = until("the run's process", || {
        let text = fs::read_to_string(machine.root().join("pid")).ok()?;
        text.trim().parse::<i32>().ok()
    });
    // The shell becomes the program in its place.
    until("sleep", || {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        (name.trim() == "sleep").then_some(())
    });
    let mut other = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .unwrap();
    let list = machine.home.path().join("processes");
    let text = format!(
        "0 {pid} sleep 512\n0 {} sleep 256\n1 {pid} python3 128\n",
        other.id()
    );
    fs::write(&list, text).unwrap();
    let seen = machine.json(&[], &[("FAKE_SMI_PROCESSES", list.to_str().unwrap())]);
    other.kill().unwrap();
    other.wait().unwrap();
    machine
        .home
        .run(&["cancel", started["run"].as_str().unwrap(), "-w", root]);
    let first = seen["gpus"][0]["processes"].as_array().unwrap();
    assert_eq!(first[0]["run"], started["run"], "{seen}");
    assert_eq!(
        (&first[1]["run"], &first[1]["memory_mib"]),
        (&Value::Null, &256.into())
    );
    // The number of a run's process under another name is another's.
    assert_eq!(seen["gpus"][1]["processes"][0]["run"], Value::Null);
}

#[test]
fn why_there_are_no_figures_is_said_with_what_to_do() {
    #[track_caller]
    fn check(fail: &str, summary: &str, hint: &str) {
        let machine = Machine::new();
        let said = machine.gpus(&[], &[("FAKE_SMI_FAIL", fail)]);
        assert!(!said.status.success(), "{fail}");
        let complaint = complaint(&said);
        assert!(
            complaint.contains(summary) && complaint.contains(hint),
            "{complaint}"
        );
    }
    check("driver", "the NVIDIA driver is not loaded", "modprobe");
    check(
        "missing-lib",
        "the library of the NVIDIA driver is missing",
        "install",
    );
    check("lost", "a GPU is lost", "reset");
    let machine = Machine::new();
    let tools = machine.home.path().join("bin");
    fs::remove_file(tools.join("nvidia-smi")).unwrap();
    // Alone: the machine that tests may have one.
    let said = machine.gpus(&[], &[("PATH", tools.to_str().unwrap())]);
    assert!(!said.status.success());
    assert!(
        complaint(&said).contains("no GPU tool was found"),
        "{}",
        complaint(&said)
    );
}

#[test]
fn replayed_gpus_of_a_host_come_over_ssh_and_their_tool_ends_with_the_agent() {
    let machine = Machine::new();
    let ticks = machine.ticks();
    let fake = format!(
        "FAKE_SMI_GPUS=8 FAKE_SMI_MIG=1 FAKE_SMI_TICKS='{}'",
        ticks.display()
    );
    let sshd = machine.host(&fake);
    let seen = machine.json(&["--host", "far"], &[]);
    let gpus = seen["gpus"].as_array().unwrap();
    assert_eq!((&seen["host"], gpus.len()), (&"far".into(), 8));
    assert_eq!(gpus[0]["use_percent"], 98);
    assert_eq!(
        (&gpus[7]["is_mig"], &gpus[7]["use_percent"]),
        (&true.into(), &Value::Null)
    );
    let (pid, _) = machine.sampler().unwrap();
    until("the tool on the host ends", || is_gone(pid));
    drop(sshd);
    let said = machine.gpus(&["--host", "far"], &[]);
    assert!(!said.status.success());
    assert!(
        complaint(&said).contains("far cannot be asked"),
        "{}",
        complaint(&said)
    );
    let unknown = machine.gpus(&["--host", "nowhere"], &[]);
    assert!(
        complaint(&unknown).contains("there is no host \"nowhere\""),
        "{}",
        complaint(&unknown)
    );
}

#[test]
fn the_pane_shows_a_replay_and_sends_nothing_while_nothing_changes() {
    let machine = Machine::new();
    let ticks = machine.ticks();
    let mut pty = machine
        .home
        .program()
        .arg(machine.root())
        .env("PATH", machine.path())
        .env("FAKE_SMI_STILL", "1")
        .env("FAKE_SMI_GPUS", "1")
        // A divided GPU tells no use, whose course would grow.
        .env("FAKE_SMI_MIG", "1")
        .env("FAKE_SMI_TICKS", ticks.display().to_string())
        .size(160, 48)
        .start();
    pty.wait_for("cases");
    assert_eq!(machine.sampler(), None, "nobody looks at GPUs");
    pty.type_text("4");
    pty.wait_for("1 GPU, Replayed H100 80GB");
    pty.wait_for("MIG 2/0");
    // Alone on the screen: nothing beside it tells the time.
    pty.type_text("\t\t\tz");
    pty.wait_until("the pane alone", |screen| {
        screen.contains("Replayed") && !screen.contains("dataset")
    });
    let samples = || machine.sampler().map_or(0, |(_, samples)| samples);
    let begun = samples();
    until("some samples", || (samples() > begun + 2).then_some(()));
    let before = pty.raw().len();
    let begun = samples();
    until("more samples", || (samples() > begun + 2).then_some(()));
    assert_eq!(pty.raw().len() - before, 0, "bytes sent");
    let (pid, _) = machine.sampler().unwrap();
    pty.type_text("q");
    pty.wait_for_end();
    until("the tool ends with the workbench", || is_gone(pid));
}
