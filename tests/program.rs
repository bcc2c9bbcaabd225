//! The real program on a pseudo-terminal: what a person does on a first day, and what must survive.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "home/demo.rs"]
mod demo;
mod home;

use std::process::{Command, Output};

use home::{Home, complaint, words};
use semihv_testkit::Answers;

#[test]
fn without_a_terminal_the_demo_says_what_it_made_and_keeps_it() {
    let home = Home::new();
    let dir = home.demo();
    let first = home.run(&["demo", "--dir", dir.to_str().unwrap()]);
    assert!(first.status.success(), "{}", complaint(&first));
    let said = words(&first);
    for word in [
        "cases",
        "questions",
        "answers",
        "guidelines",
        "index",
        "timings",
        "(made)",
    ] {
        assert!(said.contains(word), "{said}");
    }
    let again = home.run(&["demo", "--dir", dir.to_str().unwrap(), "--json"]);
    let summary: serde_json::Value = serde_json::from_str(words(&again).trim()).unwrap();
    assert_eq!(summary["was_kept"], true);
    assert!(summary["overview"]["cases"].as_u64().unwrap() >= 24);
    assert!(summary["overview"]["questions"].as_u64().unwrap() >= 60);
    assert_eq!(summary["overview"]["unindexed"], 0);
}

#[test]
fn a_wrong_answer_is_reached_and_compared_from_the_keyboard() {
    let home = Home::with_demo();
    let mut pty = home.open_demo();
    pty.type_text("2");
    pty.wait_for("rationales");
    pty.type_text("/");
    pty.type_text("wrong model:basalt-1b type:closed\r");
    pty.wait_for("1 of 2");
    pty.wait_for("✗");
    pty.type_text("j");
    pty.wait_for("basalt-1b");
    pty.type_text(":quit\r");
    assert_eq!(pty.wait_for_end(), 0);
}

#[test]
fn a_second_workbench_sees_the_first_ones_tag() {
    let home = Home::with_demo();
    let mut first = home.open_demo();
    let mut second = home.open_demo();
    first.type_text("t");
    first.wait_for("Tag");
    first.type_text("laterality\r");
    first.wait_for("#laterality");
    second.wait_for("#laterality");
    for pty in [&mut first, &mut second] {
        pty.type_text(":quit\r");
        assert_eq!(pty.wait_for_end(), 0);
    }
}

#[test]
fn a_note_that_was_being_typed_survives_a_kill() {
    let home = Home::with_demo();
    let mut pty = home.open_demo();
    pty.type_text("n");
    pty.type_text("the left is the right");
    pty.wait_for("the left is the right");
    let kept = || {
        let store = rusqlite::Connection::open(home.demo().join(".semihv/store.db")).unwrap();
        store
            .query_row("SELECT text FROM drafts", [], |row| row.get::<_, String>(0))
            .unwrap_or_default()
    };
    pty.wait_until("the draft on disk", |_| kept() == "the left is the right");
    pty.kill();
    let mut again = home.open_demo();
    again.type_text("n");
    again.wait_for("the left is the right");
}

#[test]
fn a_killed_import_is_continued_and_doubles_nothing() {
    let home = Home::new();
    let workspace = home.path().join("ws");
    assert!(home.run(&["init", "ws"]).status.success());
    let set = home.path().join("cases.jsonl");
    let row = |n| format!("{{\"key\":\"c{n}\",\"title\":\"case {n}\",\"sections\":[]}}");
    let rows: Vec<String> = (0..60_000).map(row).collect();
    std::fs::write(&set, rows.join("\n")).unwrap();
    let arguments = ["import", "jsonl", "cases.jsonl", "-w", "ws", "--json"];
    let mut import = home
        .command(&arguments)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Killed as soon as whole batches are on disk.
    let stored = || -> i64 {
        rusqlite::Connection::open(workspace.join(".semihv/store.db"))
            .and_then(|store| store.query_row("SELECT COUNT(*) FROM cases", [], |row| row.get(0)))
            .unwrap_or(0)
    };
    while stored() == 0 && import.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    let before = stored();
    assert!(
        before > 0 && before < 60_000,
        "{before} rows: the kill came too late to show anything"
    );
    let jobs = words(&home.run(&["jobs", "-w", "ws"]));
    assert!(jobs.contains("interrupted"), "{jobs}");
    let again = home.run(&arguments);
    assert!(again.status.success(), "{}", complaint(&again));
    assert_eq!(stored(), 60_000);
    let sources = words(&home.run(&["sources", "-w", "ws", "--json"]));
    let source: serde_json::Value = serde_json::from_str(sources.trim()).unwrap();
    assert_eq!(
        (&source["cases"], &source["is_complete"]),
        (&60_000.into(), &true.into())
    );
}

#[test]
fn the_terminal_is_restored_after_quitting_and_after_a_signal() {
    let home = Home::with_demo();
    let mut pty = home.open_demo();
    let process = pty.process().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &process])
            .status()
            .unwrap()
            .success()
    );
    pty.wait_for_end();
    let raw = pty.raw();
    let leave = b"\x1b[?1049l";
    assert!(raw.windows(leave.len()).any(|window| window == leave));
}

#[test]
fn a_terminal_that_answers_nothing_still_gets_a_screen() {
    let home = Home::with_demo();
    let mut pty = home
        .program()
        .arg(home.demo())
        .answers(Answers::Mute)
        .start();
    pty.wait_for("ct-001");
    pty.type_text(":quit\r");
    assert_eq!(pty.wait_for_end(), 0);
}

#[test]
fn a_kitty_terminal_gets_its_picture_and_none_is_left_behind() {
    let home = Home::with_demo();
    let mut pty = home
        .program()
        .arg(home.demo())
        .answers(Answers::Kitty)
        .start();
    pty.wait_for("ct-001");
    pty.wait_for_raw(b"\x1b_G");
    pty.type_text(":quit\r");
    assert_eq!(pty.wait_for_end(), 0);
}

#[test]
fn the_smallest_terminal_does_not_break_it() {
    let home = Home::with_demo();
    let mut pty = home.open_demo();
    for (columns, rows) in [(1, 1), (20, 5), (80, 24), (2, 40), (120, 40)] {
        pty.resize(columns, rows);
    }
    pty.wait_for("ct-001");
    pty.type_text(":quit\r");
    assert_eq!(pty.wait_for_end(), 0);
}

#[test]
fn the_verbs_end_with_the_promised_exit_codes() {
    let home = Home::with_demo();
    let demo = home.demo();
    let demo = demo.to_str().unwrap();
    let code = |arguments: &[&str]| home.run(arguments).status.code();
    assert_eq!(code(&["sources", "-w", demo]), Some(0));
    assert_eq!(code(&["search", "nodule", "-w", demo]), Some(0));
    assert_eq!(code(&["search", "modalty:CT", "-w", demo]), Some(2));
    assert_eq!(code(&["import", "medpix", "/nowhere", "-w", demo]), Some(2));
    assert_eq!(code(&["import", "medpix2", demo, "-w", demo]), Some(1));
    assert_eq!(code(&["frobnicate"]), Some(2));
    assert_eq!(code(&["sources", "-w", "/nowhere"]), Some(2));
}

#[test]
fn a_query_error_points_at_its_column_in_the_shell() {
    let home = Home::with_demo();
    let demo = home.demo();
    let output = home.run(&["search", "lung modalty:CT", "-w", demo.to_str().unwrap()]);
    let said = complaint(&output);
    assert!(
        said.contains("column 6") && said.contains("modality"),
        "{said}"
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let home = Home::with_demo();
    let script = format!(
        "{} skipped -w {} | head -c 1; {} search 'a' -n 500 --json -w {} | head -c 1; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_semihv"),
        home.demo().display(),
        env!("CARGO_BIN_EXE_semihv"),
        home.demo().display()
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
}

#[test]
fn settings_say_where_they_come_from() {
    let home = Home::with_demo();
    let config = home.path().join(".config/semihv");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(
        config.join("config.toml"),
        "[settings]\ntheme = \"light\"\n",
    )
    .unwrap();
    let output = home.run(&["config", "-w", home.demo().to_str().unwrap()]);
    let said = words(&output);
    let theme = said.lines().find(|line| line.starts_with("theme")).unwrap();
    assert!(
        theme.contains("light") && theme.contains("user file"),
        "{said}"
    );
}

#[test]
fn a_broken_manifest_is_named_with_its_line_and_the_nearest_key() {
    let home = Home::with_demo();
    let manifest = home.demo().join("semihv.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}\n[settings]\nthme = \"dark\"\n")).unwrap();
    let output = home.run(&["sources", "-w", home.demo().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = complaint(&output);
    assert!(
        said.contains("did you mean `theme`?") && said.contains("semihv.toml:"),
        "{said}"
    );
}

#[test]
fn a_manifest_that_is_a_folder_is_said() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().join("ws/semihv.toml")).unwrap();
    let output = home.run(&["sources", "-w", "ws"]);
    assert!(
        complaint(&output).contains("is a folder"),
        "{}",
        complaint(&output)
    );
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let home = Home::with_demo();
    let store = rusqlite::Connection::open(home.demo().join(".semihv/store.db")).unwrap();
    store.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let output = home.run(&["sources", "-w", home.demo().to_str().unwrap()]);
    assert!(
        complaint(&output).contains("newer semihv"),
        "{}",
        complaint(&output)
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn no_escape_sequence_of_the_data_reaches_the_terminal() {
    let home = Home::new();
    assert!(home.run(&["init", "ws"]).status.success());
    let evil = "{\"key\":\"e1\",\"title\":\"\\u001b]0;owned\\u0007title\",\"sections\":[{\"heading\":\"H\",\
        \"text\":\"\\u001b[2Jgone\"}]}\n";
    std::fs::write(home.path().join("evil.jsonl"), evil).unwrap();
    assert!(
        home.run(&["import", "jsonl", "evil.jsonl", "-w", "ws"])
            .status
            .success()
    );
    for arguments in [
        vec!["case", "e1", "-w", "ws"],
        vec!["search", "title", "-w", "ws"],
    ] {
        let said = home.run(&arguments).stdout;
        assert!(!said.contains(&0x1b), "{}", String::from_utf8_lossy(&said));
    }
    let mut pty = home.program().arg("ws").start();
    pty.wait_for("questions");
    pty.type_text("1");
    pty.wait_for("owned");
    let raw = pty.raw();
    for hostile in [&b"\x1b]0;owned"[..], b"\x1b[2Jgone"] {
        assert!(!raw.windows(hostile.len()).any(|window| window == hostile));
    }
}

#[test]
fn it_works_inside_tmux() {
    let home = Home::with_demo();
    let socket = format!("semihv-test-{}", std::process::id());
    let tmux = |arguments: &[&str]| {
        let output = Command::new("tmux")
            .args(["-L", &socket, "-f", "/dev/null"])
            .args(arguments)
            .env("HOME", home.path())
            .env_remove("TMUX")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let command = format!("{} {}", env!("CARGO_BIN_EXE_semihv"), home.demo().display());
    tmux(&["new-session", "-d", "-x", "120", "-y", "40", &command]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut screen = String::new();
    while !screen.contains('▀') && std::time::Instant::now() < deadline {
        screen = tmux(&["capture-pane", "-p"]);
        std::thread::yield_now();
    }
    tmux(&["kill-server"]);
    assert!(
        screen.contains("ct-001") && screen.contains("▀"),
        "{screen}"
    );
}

/// Runs a script with mounts of its own, as root or in a user namespace.
fn with_own_mounts(home: &Home, script: &str) -> Output {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = Command::new("unshare");
    command.arg(if is_root { "-m" } else { "-rm" });
    let script = script.replace("SEMIHV", env!("CARGO_BIN_EXE_semihv"));
    command
        .args(["bash", "-c", &script])
        .env("HOME", home.path())
        .current_dir(home.path())
        .output()
        .unwrap()
}

#[test]
fn a_full_disk_is_said_and_what_was_stored_stays() {
    let home = Home::new();
    let rows: Vec<String> = (0..40_000)
        .map(|n| {
            format!(
                "{{\"key\":\"c{n}\",\"title\":\"{}\",\"sections\":[]}}",
                "x".repeat(200)
            )
        })
        .collect();
    std::fs::write(home.path().join("cases.jsonl"), rows.join("\n")).unwrap();
    let script = "mkdir disk && mount -t tmpfs -o size=6m none disk && SEMIHV init disk/ws \
        && { SEMIHV import jsonl cases.jsonl -w disk/ws; echo \"code $?\"; \
        SEMIHV sources -w disk/ws --json; }";
    let output = with_own_mounts(&home, script);
    let (said, complained) = (words(&output), complaint(&output));
    assert!(said.contains("code 1"), "{said} {complained}");
    assert!(
        complained.contains("the disk is full; free some space"),
        "{complained}"
    );
    let sources = said
        .lines()
        .find(|line| line.contains("is_complete"))
        .unwrap();
    let source: serde_json::Value = serde_json::from_str(sources).unwrap();
    assert_eq!(source["is_complete"], false, "{said}");
}

#[test]
fn a_disk_that_cannot_be_written_opens_read_only() {
    let home = Home::with_demo();
    let script = "mount --bind demo demo && mount -o remount,bind,ro demo \
        && SEMIHV search nodule -w demo && SEMIHV doctor -w demo \
        && ! SEMIHV note ct-001 hello -w demo";
    let output = with_own_mounts(&home, script);
    let (said, complained) = (words(&output), complaint(&output));
    assert!(output.status.success(), "{said} {complained}");
    assert!(said.contains("read-only"), "{said}");
    assert!(complained.contains("open read-only"), "{complained}");
}

#[test]
fn damaged_input_is_named_and_stops_nothing_else() {
    let home = Home::new();
    assert!(home.run(&["init", "ws"]).status.success());
    let folder = home.path().join("set");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("bad.png"),
        b"\x89PNG\r\n\x1a\n and then nothing",
    )
    .unwrap();
    let mut lines = b"{\"key\":\"a\",\"title\":\"one\",\"sections\":[],\"images\":[{\"key\":\"i\",\"path\":\"bad.png\"}]}\n".to_vec();
    lines.extend_from_slice(b"{\"key\":\"\xff\xfe\"}\n");
    lines.extend_from_slice(b"{\"key\":\"long\",\"title\":\"");
    lines.resize(lines.len() + (50 << 20), b'x');
    lines.extend_from_slice(b"\"}\n{\"key\":\"b\",\"title\":\"two\",\"sections\":[]}\n");
    std::fs::write(folder.join("cases.jsonl"), lines).unwrap();
    let import = home.run(&[
        "import",
        "jsonl",
        "set/cases.jsonl",
        "-w",
        "ws",
        "--as",
        "set",
    ]);
    assert!(import.status.success(), "{}", complaint(&import));
    let sources = words(&home.run(&["sources", "-w", "ws", "--json"]));
    let source: serde_json::Value = serde_json::from_str(sources.trim()).unwrap();
    assert_eq!(
        (&source["cases"], &source["skipped"]),
        (&2.into(), &2.into()),
        "{sources}"
    );
    assert_eq!(source["missing_images"], 1, "{sources}");
    let skipped = words(&home.run(&["skipped", "set", "-w", "ws"]));
    assert!(
        skipped.contains(":2") && skipped.contains(":3"),
        "{skipped}"
    );
    std::fs::write(home.path().join("cut.zip"), b"PK\x03\x04 and then nothing").unwrap();
    let cut = home.run(&["import", "vqa-med", "cut.zip", "-w", "ws"]);
    assert_eq!(cut.status.code(), Some(1));
    assert!(
        complaint(&cut).contains("damaged or incomplete"),
        "{}",
        complaint(&cut)
    );
}

#[test]
fn regions_are_drawn_said_and_erased_from_the_shell() {
    let home = Home::with_demo();
    let demo = home.demo();
    let run = |arguments: &[&str]| {
        let workspace = ["--workspace", demo.to_str().unwrap()];
        home.run(&[arguments, &workspace].concat())
    };
    let drawn = run(&[
        "regions",
        "ct-001",
        "--box",
        "10,12,30,20",
        "--label",
        "cyst",
    ]);
    assert!(drawn.status.success(), "{}", complaint(&drawn));
    let said = words(&drawn);
    assert!(
        said.contains("cyst: box 30 x 20 at 10, 12, drawn by ana"),
        "{said}"
    );
    let id = said.lines().find(|line| line.contains("cyst")).unwrap();
    let id = id.split_whitespace().next().unwrap().to_owned();
    let png = home.path().join("seen.png");
    let out = png.to_str().unwrap();
    let shown = run(&["show", "ct-001", "--regions", "--out", out, "--legend"]);
    assert!(words(&shown).contains("cyst: 600 px"), "{}", words(&shown));
    // A picture of the same shape is a mask of it.
    let plain = home.path().join("plain.png");
    run(&["show", "ct-001", "--out", plain.to_str().unwrap()]);
    let added = run(&["regions", "ct-001", "--file", plain.to_str().unwrap()]);
    assert!(
        words(&added).contains("plain.png, drawn by ana"),
        "{}",
        words(&added)
    );
    let legend = run(&["regions", "ct-001", "--file", out]);
    assert!(
        complaint(&legend).contains("the scan has"),
        "{}",
        complaint(&legend)
    );
    let named = run(&["regions", "ct-001", "--name", &id, "--label", "cyst, large"]);
    assert!(
        words(&named).contains("cyst, large: box"),
        "{}",
        words(&named)
    );
    let erased = run(&["regions", "ct-001", "--erase", &id]);
    assert!(erased.status.success() && !words(&erased).contains("cyst"));
    let gone = run(&["regions", "ct-001", "--erase", &id]);
    assert_eq!(gone.status.code(), Some(2), "{}", complaint(&gone));
    assert!(
        complaint(&gone).contains("no region"),
        "{}",
        complaint(&gone)
    );
}

#[test]
fn a_box_is_drawn_named_and_undone_from_the_keyboard() {
    let home = Home::with_demo();
    let mut pty = home.open_demo();
    pty.type_text("1");
    pty.wait_for("▀▀▀▀▀▀");
    pty.type_text(":image.draw-box\r");
    pty.wait_for("Enter keeps it");
    pty.type_text("llL\r");
    pty.wait_for("Saved as");
    // On disk before it has a name.
    let regions = || {
        let listed = home.command(&["regions", "ct-001", "--json"]);
        let mut listed = listed;
        listed.arg("--workspace").arg(home.demo());
        words(&listed.output().unwrap())
    };
    assert!(regions().contains("\"author\":\"ana\""), "{}", regions());
    pty.type_text("cavity\r");
    pty.wait_for("named `cavity`");
    assert!(regions().contains("cavity"), "{}", regions());
    pty.type_text("u");
    pty.wait_for("undone");
    assert!(!regions().contains("cavity"), "{}", regions());
    pty.type_text(":image.export\r");
    pty.wait_for("saved as");
    pty.type_text(":quit\r");
    assert_eq!(pty.wait_for_end(), 0);
    let exports = std::fs::read_dir(home.demo().join("exports")).unwrap();
    assert_eq!(exports.count(), 1);
}

#[test]
fn a_lost_terminal_ends_the_workbench_and_keeps_the_session() {
    let home = Home::with_demo();
    let mut pty = home.open_demo();
    pty.type_text("5");
    pty.wait_for("notes");
    let process = pty.process().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &process])
            .status()
            .unwrap()
            .success()
    );
    pty.wait_for_end();
    let session = std::fs::read_to_string(home.demo().join(".semihv/session.json")).unwrap();
    assert!(session.contains("compare"), "{session}");
    let again = home.program().arg(home.demo()).start();
    again.wait_for("notes");
}
