//! Runs that a real Slurm cluster on the loopback starts: waited for, ended by it, begun again by it,
//! and never guessed about. Its GPUs are pretended.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod home;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use home::{Home, complaint, words};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(2);

const RECIPES: &str = r#"
[recipe.say]
command = ["sh", "-c", "pwd; echo $SLURM_JOB_PARTITION $CUDA_VISIBLE_DEVICES; echo there; exit {code}"]
host = "cluster"
parameters = { code = 0 }
job = { gpus = 2, cpus = 1, memory = "1G", time = "5" }

[recipe.long]
command = ["sh", "-c", "echo begun; exec sleep 1000"]
host = "cluster"

[recipe.held]
command = ["true"]
host = "cluster"
job = { sbatch = ["--hold"] }

[recipe.tasks]
command = ["sh", "-c", "echo task $SLURM_ARRAY_TASK_ID; exit $SLURM_ARRAY_TASK_ID"]
host = "cluster"
job = { array = "0-2%2" }

[recipe.again]
command = ["sh", "-c", "echo attempt $SEMIHV_ATTEMPT; [ $SEMIHV_ATTEMPT = 2 ] && exit 0; exec sleep 1000"]
host = "cluster"
job = { requeue = true }

[recipe.unlucky]
command = ["sh", "-c", "echo attempt $SEMIHV_ATTEMPT; [ $SEMIHV_ATTEMPT = 2 ] && exit 0; echo '[Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=2, OpType=ALLREDUCE, Timeout(ms)=8000) ran for 8097 milliseconds'; exit 1"]
host = "cluster"
retries = 1

[recipe.warned]
command = ["sh", "-c", "trap 'echo saved; exit 0' TERM; echo begun; while :; do sleep 0.2; done"]
host = "cluster"
job = { partition = "short", warn_seconds = 20 }

[recipe.overdue]
command = ["sh", "-c", "trap '' TERM; echo begun; while :; do sleep 0.2; done"]
host = "cluster"
job = { partition = "short", warn_seconds = 0 }

[recipe.nowhere]
command = ["true"]
host = "cluster"
job = { partition = "nowhere" }

[recipe.misspelt]
command = ["true"]
host = "cluster"
job = { time = "soon" }

[recipe.homeless]
command = ["true"]
job = { gpus = 1 }
"#;

#[track_caller]
fn script(name: &str, arguments: &[&str], folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/parts")
        .join(name);
    let told = Command::new("bash")
        .arg(script)
        .args(arguments)
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(told.status.success(), "{arguments:?}: {}", complaint(&told));
}

/// The real cluster, in a folder of its own, for as long as this lives.
struct Cluster {
    folder: PathBuf,
}

impl Cluster {
    fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Unix sockets have short names.
        let name = format!("semihv-slurm-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let cluster = Self { folder };
        script(
            "slurm-loopback",
            &["start", "--forget-after", "20"],
            &cluster.folder,
        );
        cluster
    }

    /// The one that most tests share; the last of them stops it.
    fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| {
            SHARED.clear_poison();
            poisoned.into_inner()
        });
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Arc::new(Self::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    #[track_caller]
    fn tell(&self, arguments: &[&str]) {
        script("slurm-loopback", arguments, &self.folder);
    }

    fn config(&self) -> PathBuf {
        self.folder.join("slurm.conf")
    }

    #[track_caller]
    fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let said = Command::new(program)
            .args(arguments)
            .env("SLURM_CONF", self.config())
            .output()
            .unwrap();
        assert!(said.status.success(), "{program}: {}", complaint(&said));
        words(&said)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A second panic would hide the first.
        if thread::panicking() {
            let _ = std::panic::catch_unwind(|| self.tell(&["stop"]));
        } else {
            self.tell(&["stop"]);
        }
    }
}

/// A workspace on the login node of a cluster.
struct Login {
    home: Home,
    cluster: Arc<Cluster>,
}

impl Login {
    fn new(cluster: Arc<Cluster>) -> Self {
        let login = Self {
            home: Home::new(),
            cluster,
        };
        let made = login.home.run(&["init", login.root().to_str().unwrap()]);
        assert!(made.status.success(), "{}", complaint(&made));
        let manifest = login.root().join("semihv.toml");
        let before = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, format!("{before}\n{RECIPES}")).unwrap();
        login.settings("[host.cluster]\nscheduler = \"slurm\"\n");
        login
    }

    fn settings(&self, text: &str) {
        let path = self.home.path().join(".config/semihv/config.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("ws")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let root = self.root();
        let arguments = [arguments, &["-w", root.to_str().unwrap()]].concat();
        self.home
            .command(&arguments)
            .env("SLURM_CONF", self.cluster.config())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        assert!(said.status.success(), "{}", complaint(&said));
        serde_json::from_str(&words(&said)).unwrap()
    }

    #[track_caller]
    fn launch(&self, arguments: &[&str]) -> (String, String) {
        let view = self.json(&[&["run"], arguments].concat());
        let said = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let job = said(&view["job"]["job"]);
        assert!(!job.is_empty(), "{view}");
        (said(&view["run"]), job)
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], expected: &str) {
        let said = self.run(&[&["run"], arguments].concat());
        assert!(!said.status.success(), "{}", words(&said));
        assert!(complaint(&said).contains(expected), "{}", complaint(&said));
    }

    #[track_caller]
    fn wait_until(&self, run: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.json(&["runs", run]);
            if is_it(&view) {
                return view;
            }
            assert!(Instant::now() < deadline, "{view}");
            thread::sleep(Duration::from_millis(200));
        }
    }

    #[track_caller]
    fn wait_for(&self, run: &str, state: &str) -> Value {
        self.wait_until(run, |view| view["state"] == state)
    }

    /// What a run printed, here and where it ran.
    #[track_caller]
    fn logs(&self, run: &str, attempt: u32) -> (String, String) {
        let log = format!("{run}/attempt-{attempt}/log");
        let there = self.home.path().join(".local/share/semihv/runs").join(&log);
        let here = self.root().join("runs").join(log);
        (
            fs::read_to_string(here).unwrap(),
            fs::read_to_string(there).unwrap(),
        )
    }
}

#[test]
fn a_job_succeeds_or_fails_with_its_code_and_its_log_is_here() {
    let login = Login::new(Cluster::shared());
    let said = login.run(&["run", "say", "code=0", "--wait"]);
    assert!(said.status.success(), "{}", complaint(&said));
    let expected = format!("{}\ngpu 0,1\nthere\n", login.root().display());
    assert!(words(&said).contains(&expected), "{}", words(&said));
    let view = login.json(&["runs", "say"]);
    assert_eq!(
        (&view["state"], &view["job"]["partition"]),
        (&"succeeded".into(), &"gpu".into()),
        "{view}"
    );
    let (here, there) = login.logs(view["run"].as_str().unwrap(), 1);
    assert_eq!((here.as_str(), there.as_str()), (&*expected, &*expected));
    let failed = login.run(&["run", "say", "code=4", "--wait"]);
    assert_eq!(failed.status.code(), Some(4), "{}", complaint(&failed));
    let hosts = words(&login.run(&["hosts"]));
    assert!(hosts.contains("Slurm"), "{hosts}");
}

#[test]
fn what_cannot_be_a_job_is_refused_and_was_never_a_run() {
    let login = Login::new(Cluster::shared());
    login.refused(&["nowhere"], "invalid partition specified: nowhere");
    login.refused(&["misspelt"], "the job's time \"soon\" is none");
    login.refused(&["homeless"], "this machine has no scheduler");
    let listed = words(&login.run(&["runs"]));
    assert!(listed.starts_with("no runs yet"), "{listed}");
}

#[test]
fn a_job_is_cancelled_while_it_waits_and_while_it_runs_and_is_resumed() {
    let login = Login::new(Cluster::shared());
    let (held, _) = login.launch(&["held"]);
    let view = login.json(&["runs", &held]);
    assert_eq!(
        (&view["state"], &view["why"]),
        (&"queued".into(), &"in Slurm (JobHeldUser)".into()),
        "{view}"
    );
    let view = login.json(&["cancel", &held]);
    assert_eq!(
        (&view["state"], &view["by"]),
        (&"cancelled".into(), &"ana".into()),
        "{view}"
    );
    let (run, job) = login.launch(&["long"]);
    login.wait_for(&run, "running");
    let view = login.json(&["cancel", &run]);
    assert_eq!(
        (&view["state"], &view["by"]),
        (&"cancelled".into(), &"ana".into()),
        "{view}"
    );
    let resumed = login.json(&["resume", &run]);
    assert_eq!(resumed["attempt"], 2, "{resumed}");
    assert_ne!(resumed["job"]["job"], job.as_str(), "{resumed}");
    login.wait_for(&run, "running");
    // Behind our back.
    let job = resumed["job"]["job"].as_str().unwrap();
    login.cluster.ask("scancel", &[job]);
    let view = login.wait_for(&run, "cancelled");
    assert_eq!(view["by"], "somebody, in Slurm", "{view}");
}

#[test]
fn a_time_limit_is_told_before_it_ends_the_job() {
    let login = Login::new(Cluster::shared());
    let (overdue, _) = login.launch(&["overdue"]);
    let (warned, _) = login.launch(&["warned"]);
    login.wait_for(&warned, "time-limit");
    let printed = login.logs(&warned, 1).0;
    assert!(
        printed.starts_with("begun\n") && printed.ends_with("saved\n"),
        "{printed}"
    );
    let view = login.wait_for(&overdue, "time-limit");
    assert_eq!(view["ending"]["cause"], "time-limit", "{view}");
}

#[test]
fn tasks_of_an_array_are_runs_with_their_own_logs() {
    let login = Login::new(Cluster::shared());
    let (first, job) = login.launch(&["tasks"]);
    assert!(job.ends_with("_0"), "{job}");
    let base = first.strip_suffix("-0").unwrap().to_owned();
    for (task, state) in [(0, "succeeded"), (1, "failed"), (2, "failed")] {
        let run = format!("{base}-{task}");
        let view = login.wait_for(&run, state);
        assert_eq!(view["attempt"], 1, "{view}");
        let expected = format!("task {task}\n");
        assert_eq!(login.logs(&run, 1), (expected.clone(), expected));
    }
    // One alone, which is no array any more and knows its number all the same.
    let last = format!("{base}-2");
    login.json(&["resume", &last]);
    login.wait_until(&last, |view| {
        view["attempt"] == 2 && view["state"] == "failed"
    });
    assert_eq!(login.logs(&last, 2).0, "task 2\n");
}

#[test]
fn a_run_waits_for_another_in_slurm_and_says_when_that_will_never_be() {
    let login = Login::new(Cluster::shared());
    let (first, job) = login.launch(&["long"]);
    let (waits, second) = login.launch(&["say", "--after", &first]);
    let (any, _) = login.launch(&["say", "--after-any", &first]);
    let shown = login
        .cluster
        .ask("scontrol", &["show", "job", "-o", &second]);
    assert!(
        shown.contains(&format!("Dependency=afterok:{job}")),
        "{shown}"
    );
    let view = login.json(&["runs", &waits]);
    assert_eq!(view["why"], "in Slurm (Dependency)", "{view}");
    login.wait_for(&first, "running");
    login.json(&["cancel", &first]);
    let view = login.wait_for(&waits, "start-failed");
    let why = view["why"].as_str().unwrap();
    assert!(why.contains("DependencyNeverSatisfied"), "{view}");
    login.wait_for(&any, "succeeded");
    login.refused(
        &["say", "--after", &first],
        "cancelled by ana, and this waits for its success",
    );
}

#[test]
fn a_job_that_slurm_begins_again_is_the_next_attempt() {
    let login = Login::new(Cluster::shared());
    let (run, job) = login.launch(&["again"]);
    login.wait_for(&run, "running");
    login.cluster.ask("scontrol", &["requeue", &job]);
    let view = login.wait_for(&run, "queued");
    let why = view["why"].as_str().unwrap();
    assert!(why.starts_with("in Slurm, begun again"), "{view}");
    // Slurm would wait for two minutes.
    let update = format!("JobId={job}");
    login
        .cluster
        .ask("scontrol", &["update", &update, "StartTime=now"]);
    let view = login.wait_for(&run, "succeeded");
    assert_eq!(
        (&view["attempt"], &view["job"]["job"]),
        (&2.into(), &job.as_str().into()),
        "{view}"
    );
    assert_eq!(login.logs(&run, 2).0, "attempt 2\n");
    assert!(login.logs(&run, 1).0.starts_with("attempt 1\n"));
}

#[test]
fn another_try_is_made_inside_the_same_job() {
    let login = Login::new(Cluster::shared());
    let (run, job) = login.launch(&["unlucky"]);
    let view = login.wait_for(&run, "succeeded");
    assert_eq!(
        (&view["attempt"], &view["job"]["job"]),
        (&2.into(), &job.as_str().into()),
        "{view}"
    );
}

#[test]
fn a_job_that_slurm_has_forgotten_stays_as_it_ended() {
    let login = Login::new(Cluster::shared());
    let (failed, job) = login.launch(&["say", "code=3"]);
    login.wait_for(&failed, "failed");
    // What this host said last is lost here, as is what Slurm knew.
    let last = login.root().join("runs").join(&failed);
    fs::remove_file(last.join("attempt-1/last.json")).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while login
        .cluster
        .ask("squeue", &["-h", "-t", "all", "-o", "%i"])
        .lines()
        .any(|line| line == job)
    {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(500));
    }
    let view = login.json(&["runs", &failed]);
    assert_eq!(
        (&view["state"], &view["code"]),
        (&"failed".into(), &3.into()),
        "{view}"
    );
}

#[test]
fn a_launch_whose_answer_was_lost_is_one_job() {
    let login = Login::new(Cluster::shared());
    let (run, job) = login.launch(&["long"]);
    let attempt = login.home.path().join(".local/share/semihv/runs");
    let attempt = attempt.join(&run).join("attempt-1");
    // As if semihv had been killed before it heard which job it is.
    fs::remove_file(attempt.join("slurm.json")).unwrap();
    let record = fs::read_to_string(attempt.join("start.toml")).unwrap();
    let record: toml::Value = toml::from_str(&record).unwrap();
    let launch = serde_json::json!({"id": 2, "op": "launch", "record": record, "checks": []});
    let mut agent = login
        .home
        .command(&["agent"])
        .env("SLURM_CONF", login.cluster.config())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = format!("{{\"id\":1,\"op\":\"hello\",\"v\":1}}\n{launch}\n");
    std::io::Write::write_all(&mut agent.stdin.take().unwrap(), asked.as_bytes()).unwrap();
    let said = words(&agent.wait_with_output().unwrap());
    let answer: Value = serde_json::from_str(said.lines().nth(1).unwrap()).unwrap();
    assert_eq!(answer["done"]["job"]["job"], job.as_str(), "{said}");
    let name = format!("{run}.1");
    let jobs = login.cluster.ask("squeue", &["-h", "-n", &name]);
    assert_eq!(jobs.lines().count(), 1, "{jobs}");
    login.json(&["cancel", &run]);
}

#[test]
fn a_controller_that_is_down_ends_nothing_and_a_node_that_dies_is_said_to_have() {
    let login = Login::new(Arc::new(Cluster::start()));
    let (run, _) = login.launch(&["long"]);
    let node = login.wait_for(&run, "running")["job"]["nodes"].clone();
    login.cluster.tell(&["ctl-down"]);
    let view = login.json(&["runs", &run]);
    assert_eq!(view["state"], "unreachable", "{view}");
    let trouble = view["trouble"].as_str().unwrap();
    assert!(trouble.contains("Slurm cannot be asked"), "{view}");
    login.refused(&["say"], "Slurm cannot be asked");
    assert_eq!(words(&login.run(&["runs"])).lines().count(), 1);
    login.cluster.tell(&["ctl-up"]);
    login.wait_for(&run, "running");
    login
        .cluster
        .tell(&["node-down", node.as_str().unwrap_or_default()]);
    login.wait_for(&run, "node-failed");
}

#[test]
fn the_runs_pane_says_which_job_a_run_is_and_why_it_waits() {
    let login = Login::new(Cluster::shared());
    let program = login.home.program();
    let program = program
        .env("XDG_CONFIG_HOME", login.home.path().join(".config"))
        .env("XDG_DATA_HOME", login.home.path().join(".local/share"))
        .env("SLURM_CONF", login.cluster.config());
    let mut pty = program.arg(login.root()).size(160, 48).start();
    pty.wait_for("questions");
    pty.type_text("4");
    pty.wait_for("No run was launched here yet");
    login.launch(&["held"]);
    pty.wait_for("queued in Slurm (JobHeldUser)");
    pty.wait_for("in partition gpu");
    pty.type_text("x");
    pty.wait_for("x again asks it to end");
    pty.type_text("x");
    pty.wait_for("cancelled by");
}

#[test]
fn a_cluster_behind_ssh_is_the_same() {
    struct Sshd(PathBuf);
    impl Drop for Sshd {
        fn drop(&mut self) {
            script("sshd-loopback", &["stop"], &self.0);
        }
    }
    let login = Login::new(Cluster::shared());
    let sshd = Sshd(login.home.path().join("s"));
    script("sshd-loopback", &["start"], &sshd.0);
    let agent = login.home.path().join("agent");
    let text = format!(
        "#!/bin/sh\nunset XDG_DATA_HOME\nexport SLURM_CONF='{}'\nHOME='{}' exec '{}' \"$@\"\n",
        login.cluster.config().display(),
        login.home.path().display(),
        env!("CARGO_BIN_EXE_semihv"),
    );
    fs::write(&agent, text).unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
    login.settings(&format!(
        "[host.cluster]\nscheduler = \"slurm\"\ncommand = [\"ssh\", \"-F\", \"{}\", \"loop\"]\nprogram = \"{}\"\n",
        sshd.0.join("ssh_config").display(),
        agent.display(),
    ));
    let said = login.run(&["run", "say", "code=5", "--wait"]);
    assert_eq!(said.status.code(), Some(5), "{}", complaint(&said));
    let view = login.json(&["runs", "say"]);
    let (here, there) = login.logs(view["run"].as_str().unwrap(), 1);
    assert!(here == there && here.ends_with("there\n"), "{here}");
    let (run, _) = login.launch(&["long"]);
    login.wait_for(&run, "running");
    script("sshd-loopback", &["drop"], &sshd.0);
    assert_eq!(login.json(&["cancel", &run])["state"], "cancelled");
}
