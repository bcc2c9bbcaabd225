//! Sampling with tools of a few lines of shell in the place of real ones.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use super::owners;
use super::sampler::{GpuWatch, Tools};
use super::watched::WatchedGpus;

/// A tool of a few lines of shell. Another process writes it: no fork of this one holds it open, which
/// would keep it from being run.
fn fake(name: &str, script: &str) -> (tempfile::TempDir, Tools) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let written = Command::new("sh")
        .args([
            "-c",
            "printf '#!/bin/sh\n%s\n' \"$1\" > \"$0\" && chmod 755 \"$0\"",
        ])
        .arg(&path)
        .arg(script)
        .status();
    assert!(written.unwrap().success());
    let none = folder.path().join("none");
    let tools = match name {
        "nvidia-smi" => Tools {
            nvidia: path,
            rocm: vec![none],
        },
        _ => Tools {
            nvidia: none,
            rocm: vec![path],
        },
    };
    (folder, tools)
}

#[track_caller]
fn until(watch: &mut GpuWatch, is_it: impl Fn(&WatchedGpus) -> bool) -> WatchedGpus {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut watched = WatchedGpus::default();
    loop {
        let news = watch.news(watched.mark());
        watched.take(news);
        if is_it(&watched) {
            return watched;
        }
        assert!(Instant::now() < deadline, "{watched:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

const REPLAY: &str = r#"case "$*" in
*--help-query-gpu*) printf '"index"\n"uuid"\n"utilization.gpu"\n"memory.used"\n' ;;
*--query-compute-apps*) printf 'gpu_uuid, pid, process_name, used_gpu_memory [MiB]\nGPU-1, 7, python3, 512\n' ;;
*) echo $$ > "$(dirname "$0")/pid"; echo "index, uuid, utilization.gpu [%], memory.used [MiB]"
   while :; do printf '0, GPU-0, 98, 71000\n1, GPU-1, 0, 2000\n'; sleep 0.05; done ;;
esac"#;

#[test]
fn a_tool_that_prints_is_followed_and_ends_with_its_watch() {
    let (folder, tools) = fake("nvidia-smi", REPLAY);
    let mut watch = GpuWatch::with_tools(folder.path().join("runs"), tools);
    let watched = until(&mut watch, |it| {
        it.is_complete() && it.gpus().len() == 2 && it.gpus()[1].uses.len() > 3
    });
    let gpus = watched.gpus();
    assert_eq!(gpus[0].figures.use_percent, Some(98));
    assert_eq!(gpus[1].processes[0].pid, 7);
    let pid: i32 = std::fs::read_to_string(folder.path().join("pid"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let id = crate::ProcessId::of(pid).unwrap();
    assert_eq!(id.presence().unwrap(), crate::Presence::Here);
    drop(watch);
    assert_eq!(id.presence().unwrap(), crate::Presence::Gone);
}

#[test]
fn a_tool_that_fails_says_what_to_do() {
    #[track_caller]
    fn check(script: &str, summary: &str, hint: &str) {
        let (folder, tools) = fake("nvidia-smi", script);
        let mut watch = GpuWatch::with_tools(folder.path().join("runs"), tools);
        let watched = until(&mut watch, |it| it.trouble().is_some());
        let trouble = watched.trouble().unwrap();
        assert_eq!(trouble.summary, summary);
        assert!(trouble.hint.contains(hint), "{}", trouble.hint);
        assert!(!trouble.has_no_tool);
    }
    let driver = "echo \"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\"; exit 9";
    check(driver, "the NVIDIA driver is not loaded", "modprobe");
    check(
        "exit 12",
        "the library of the NVIDIA driver is missing",
        "container",
    );
    let lost = "Unable to determine the device handle for GPU0000:09:00.0: GPU is lost.";
    let script = format!("echo '{lost}'; exit 15");
    check(&script, &format!("a GPU is lost: {lost}"), "reset");
    check(
        "echo odd; exit 3",
        "nvidia-smi ended with 3: odd",
        "by hand",
    );
    check("echo odd", "what nvidia-smi says cannot be read", "version");
}

#[test]
fn rocm_is_asked_where_there_is_no_nvidia_and_none_is_said() {
    let (folder, tools) = fake(
        "rocm-smi",
        r#"echo '{"card0": {"GPU use (%)": "7"}, "system": {}}'"#,
    );
    let mut watch = GpuWatch::with_tools(folder.path().join("runs"), tools);
    let watched = until(&mut watch, WatchedGpus::is_complete);
    assert_eq!(watched.gpus()[0].figures.use_percent, Some(7));
    assert_eq!(watched.tool(), Some(semihv_domain::GpuTool::RocmSmi));
    let none = Tools {
        nvidia: PathBuf::from("/nowhere/nvidia-smi"),
        rocm: vec![PathBuf::from("/nowhere/rocm-smi")],
    };
    let mut watch = GpuWatch::with_tools(folder.path().join("runs"), none);
    let watched = until(&mut watch, |it| it.trouble().is_some());
    assert!(watched.trouble().unwrap().has_no_tool);
}

#[test]
fn a_process_belongs_to_the_run_that_it_descends_from() {
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = child.id() as i32;
    let own = std::process::id() as i32;
    let live = [(own, "tune-3f9a".to_owned())].into();
    let owner = |pid, name, live| owners::owner(pid, name, live);
    let run = Some("tune-3f9a".to_owned());
    assert_eq!(owner(pid, "sleep", &live), run);
    assert_eq!(owner(pid, "/usr/bin/sleep 1000", &live), run);
    // The same number in another space of numbers.
    assert_eq!(owner(pid, "python3", &live), None);
    assert_eq!(owner(pid, "", &live), None);
    assert_eq!(owner(1, "init", &live), None);
    let another = [(pid + 1, "r".to_owned())].into();
    assert_eq!(owners::owner(pid, "sleep", &another), None);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(owner(pid, "sleep", &live), None);
}
