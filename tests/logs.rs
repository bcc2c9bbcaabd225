//! Logs and figures by the real program: without a workspace, while they grow, in a shell.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod home;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use home::{Home, complaint, words};
use serde_json::Value;

/// A run that diverges, with a warning and an error.
fn written(home: &Home) -> PathBuf {
    let path = home.path().join("train.jsonl");
    let mut text = String::new();
    for step in 1..=3000_u32 {
        let loss = match step {
            2500 => "NaN".to_owned(),
            step => format!("{:.4}", 1.0 + 3.0 / f64::from(step)),
        };
        let moment = 1_700_000_000 + step;
        text.push_str(&format!(
            "{{\"ts\": {moment}, \"step\": {step}, \"loss\": {loss}, \"lr\": 1e-05}}\n"
        ));
        match step {
            1000 => text.push_str("UserWarning: the loader is slow\n"),
            2600 => text.push_str("RuntimeError: the loss is no number\n"),
            _ => {}
        }
    }
    fs::write(&path, text).unwrap();
    path
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// A workspace that names the log.
fn workspace(home: &Home, log: &Path) -> PathBuf {
    let root = home.path().join("ws");
    let root_text = root.display().to_string();
    assert!(home.run(&["init", &root_text]).status.success());
    append(
        &root.join("semihv.toml"),
        &format!("\n[log.tune]\npath = \"{}\"\n", log.display()),
    );
    root
}

fn on(home: &Home, root: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = home.command(arguments);
    command.arg("-w").arg(root);
    command.output().unwrap()
}

#[test]
fn a_log_without_a_workspace_is_searched_followed_and_drawn() {
    let home = Home::new();
    let path = written(&home);
    let mut pty = home.program().arg("watch").arg(&path).size(120, 40).start();
    pty.wait_for("loss 1 of 2");
    pty.wait_for("3 002 lines");
    // The curves have the keys: the first value that is no number, and its line.
    pty.type_text("e");
    pty.wait_for("at 2 500");
    pty.type_text("\r");
    pty.wait_for("2501");
    pty.type_text("e");
    pty.wait_for("✗ RuntimeError: the loss is no number");
    pty.type_text("/slow\r");
    pty.wait_for("UserWarning: the loader is slow");
    pty.type_text("\x1b");
    pty.wait_until_gone("/slow");
    pty.type_text("L");
    pty.wait_for("warnings and errors");
    pty.wait_until_gone("\"step\"");
    pty.type_text("\x1b");
    pty.wait_until_gone("warnings and errors");
    pty.type_text("G");
    pty.wait_for("following");
    append(
        &path,
        "{\"step\": 3001, \"loss\": 0.5, \"lr\": 1e-05}\nsomething new\n",
    );
    pty.wait_for("something new");
    pty.wait_for("0.5000");
}

#[test]
fn curves_are_saved_as_a_table_and_a_drawing() {
    let home = Home::new();
    let path = written(&home);
    let mut pty = home.program().arg("watch").arg(&path).size(120, 40).start();
    pty.wait_for("loss 1 of 2");
    pty.wait_for("first nan at 2 500");
    pty.type_text("vE");
    pty.wait_for(".csv and ");
    let watched = home.path().join("data/semihv/watched");
    let folder = fs::read_dir(watched).unwrap().next().unwrap().unwrap();
    let exports = folder.path().join("exports");
    drop(pty);
    // What a person wrote into the manifest stays when the log is watched again.
    let manifest = folder.path().join("semihv.toml");
    append(&manifest, "\n# mine\n");
    let again = home.program().arg("watch").arg(&path).start();
    again.wait_for("loss 1 of 2");
    assert!(fs::read_to_string(manifest).unwrap().contains("# mine"));
    let mut names: Vec<String> = fs::read_dir(exports)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["train.jsonl-loss-1.csv", "train.jsonl-loss-1.svg"]);
}

#[test]
fn figures_are_listed_printed_and_drawn_in_a_shell() {
    let home = Home::new();
    let path = written(&home);
    let root = workspace(&home, &path);
    let listed = words(&on(&home, &root, &["metrics", "tune"]));
    assert!(listed.contains("points  first nan at step 2"), "{listed}");
    let json = words(&on(&home, &root, &["metrics", "tune", "--json"]));
    let loss: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&loss["metric"], &loss["points"]),
        (&"loss".into(), &3000.into())
    );
    assert_eq!(loss["first_not_finite"], 2500);

    let table = words(&on(
        &home,
        &root,
        &["metrics", "tune", "-m", "loss", "--csv"],
    ));
    assert_eq!(table.lines().count(), 3001);
    assert!(table.contains("\ntune,loss,2500,NaN,2501\n"), "{table}");
    let drawing = home.path().join("loss.svg");
    let asked = [
        "metrics",
        "tune",
        "--by-time",
        "--svg",
        drawing.to_str().unwrap(),
    ];
    assert!(on(&home, &root, &asked).status.success());
    let drawing = fs::read_to_string(drawing).unwrap();
    assert_eq!(drawing.matches("<polyline").count(), 2);
    assert_eq!(
        drawing.matches("<circle").count(),
        1,
        "the value that is no number"
    );

    let unknown = on(&home, &root, &["metrics", "tune", "-m", "los"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        complaint(&unknown).contains("there are: loss, lr"),
        "{}",
        complaint(&unknown)
    );
    let nowhere = on(&home, &root, &["metrics", "tuna"]);
    assert!(complaint(&nowhere).contains("no log and no run called tuna"));
}

#[test]
fn lines_are_found_in_a_shell() {
    let home = Home::new();
    let path = written(&home);
    let root = workspace(&home, &path);
    let errors = words(&on(&home, &root, &["log", "tune", "--errors"]));
    assert_eq!(errors, "RuntimeError: the loss is no number\n");
    let found = words(&on(
        &home,
        &root,
        &["logs", "tune", "-n", "2", "--grep", "step\": 1\\d\\d,"],
    ));
    let steps: Vec<bool> = found
        .lines()
        .map(|line| line.contains("\"step\": 19"))
        .collect();
    assert_eq!(steps, [true, true], "{found}");
    let broken = on(&home, &root, &["log", "tune", "--grep", "("]);
    assert!(
        complaint(&broken).contains("is no regular expression"),
        "{}",
        complaint(&broken)
    );
}

#[test]
fn what_cannot_be_watched_says_so() {
    let home = Home::new();
    let missing = home.run(&["watch", "no-such.log"]);
    assert!(
        complaint(&missing).contains("no-such.log cannot be read"),
        "{}",
        complaint(&missing)
    );
    let folder = home.run(&["watch", "."]);
    assert!(
        complaint(&folder).contains("is not a file"),
        "{}",
        complaint(&folder)
    );
}
