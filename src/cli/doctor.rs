//! `doctor`: what this terminal, disk and workspace can do, and how to get what is missing.

use std::path::Path;
use std::process::Command;

use semihv_domain::{Failure, FailureKind};
use semihv_engine::{
    Engine, ServerReport, VectorsReport, WorkspaceReport, worker_command, worker_libraries,
};
use serde::Serialize;
use serde_json::Value;

use crate::output::{Output, VerbError, grouped};
use crate::terminal_report::{TerminalReport, terminal_report};

/// Everything in one value, so that `--json` and `--report` say the same.
#[derive(Debug, Serialize)]
struct Report {
    semihv: &'static str,
    system: String,
    terminal: TerminalReport,
    workspace: Option<WorkspaceReport>,
    /// Set when there is no workspace here or it cannot be opened.
    workspace_trouble: Option<String>,
    optional: Vec<OptionalPart>,
}

/// A program that some feature uses when it is there.
#[derive(Debug, Serialize)]
struct OptionalPart {
    name: &'static str,
    used_for: &'static str,
    found: Option<String>,
    how_to_get: &'static str,
}

pub(crate) fn doctor(
    engine: Result<Engine, Failure>,
    file: Option<&Path>,
    output: &mut Output,
) -> Result<(), VerbError> {
    let (workspace, workspace_trouble) = match engine.and_then(|engine| engine.report()) {
        Ok(report) => (Some(report), None),
        Err(failure) => (None, Some(failure.summary)),
    };
    let report = Report {
        semihv: env!("CARGO_PKG_VERSION"),
        system: system(),
        terminal: terminal_report(),
        workspace,
        workspace_trouble,
        optional: optional_parts(),
    };
    let text = lines(&report).join("\n");
    if let Some(file) = file {
        std::fs::write(file, format!("{text}\n")).map_err(|error| {
            Failure::of("doctor", FailureKind::User, &error).with_hint(format!(
                "cannot write {}; give another file",
                file.display()
            ))
        })?;
    }
    if output.is_json() {
        return Ok(output.json(&report)?);
    }
    output.text(&text)?;
    Ok(())
}

fn system() -> String {
    let name = rustix::system::uname();
    let part = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    format!(
        "{} {} {}",
        part(name.sysname()),
        part(name.release()),
        part(name.machine())
    )
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![format!(
        "semihv      {} on {}",
        report.semihv, report.system
    )];
    lines.extend(report.terminal.lines());
    lines.push(String::new());
    match (&report.workspace, &report.workspace_trouble) {
        (Some(workspace), _) => lines.extend(workspace_lines(workspace)),
        (None, Some(trouble)) => lines.push(format!("workspace   {trouble}")),
        (None, None) => {}
    }
    lines.push(String::new());
    for part in &report.optional {
        let state = part
            .found
            .clone()
            .unwrap_or_else(|| format!("missing: {}", part.how_to_get));
        lines.push(format!("{:<11} {state} (for {})", part.name, part.used_for));
    }
    lines
}

fn workspace_lines(workspace: &WorkspaceReport) -> Vec<String> {
    let network = if workspace.is_network {
        ", a network file system"
    } else {
        ""
    };
    let writing = if workspace.is_read_only {
        "read-only"
    } else {
        "writable"
    };
    let index = match (&workspace.index_trouble, workspace.unindexed) {
        (Some(trouble), _) => trouble.clone(),
        (None, 0) => format!("{} documents, up to date", grouped(workspace.documents)),
        (None, behind) => format!(
            "{} documents, {} rows behind: `semihv index`",
            grouped(workspace.documents),
            grouped(behind)
        ),
    };
    let mut lines = vec![
        format!("workspace   {} ({writing})", workspace.root.display()),
        format!(
            "disk        {}{network}, {} MB free",
            workspace.file_system,
            grouped(workspace.free_bytes >> 20)
        ),
        format!(
            "store       SQLite {}, journal {}",
            workspace.sqlite, workspace.journal
        ),
        format!("index       {index}"),
        format!("vectors     {}", vectors_line(&workspace.vectors)),
    ];
    lines.extend(workspace.server.as_ref().map(server_line));
    lines
}

fn vectors_line(vectors: &VectorsReport) -> String {
    let trouble = vectors.trouble.as_deref();
    match (trouble, vectors.encoder.as_deref()) {
        (Some(trouble), None) => trouble.to_owned(),
        (Some(trouble), encoder) => format!("{}, {trouble}", rows_of(vectors.rows, encoder)),
        (None, encoder) => rows_of(vectors.rows, encoder),
    }
}

fn server_line(server: &ServerReport) -> String {
    if let Some(trouble) = &server.trouble {
        return format!("server      {trouble}");
    }
    let searched = if server.is_searched {
        "searched"
    } else {
        "not searched: retrieval_engine is \"local\""
    };
    let rows = rows_of(server.rows, server.encoder.as_deref());
    format!(
        "server      {} at {}, {rows}, {searched}",
        server.collection, server.url
    )
}

fn rows_of(rows: usize, encoder: Option<&str>) -> String {
    let rows = grouped(rows as u64);
    format!("{rows} rows by {}", encoder.unwrap_or("an unknown encoder"))
}

fn optional_parts() -> Vec<OptionalPart> {
    let editor = std::env::var("VISUAL")
        .or_else(|_| std::env::var("EDITOR"))
        .ok();
    vec![
        OptionalPart {
            name: "editor",
            used_for: "writing notes with E",
            found: editor.filter(|name| !name.trim().is_empty()),
            how_to_get: "set EDITOR to a command",
        },
        OptionalPart {
            name: "ssh",
            used_for: "a worker on another host",
            found: version("ssh", "-V"),
            how_to_get: "install openssh-client",
        },
        OptionalPart {
            name: "nvidia-smi",
            used_for: "the GPUs of this machine, in a later version",
            found: version("nvidia-smi", "--version"),
            how_to_get: "comes with the NVIDIA driver",
        },
        OptionalPart {
            name: "tensors",
            used_for: "learned encoders and training a retriever",
            found: worker(),
            how_to_get: "src/torch/fetch-libtorch, then cargo build --release -p semihv-torch; docs/torch.md",
        },
    ]
}

/// What `semihv-torch` says of itself. What a setting starts instead, perhaps on another host, is
/// not started for this.
fn worker() -> Option<String> {
    let command = worker_command("");
    let ran = Command::new(command.first()?)
        .arg("--describe")
        .envs(worker_libraries())
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    let said: Value = serde_json::from_slice(&ran.stdout).ok()?;
    let text = |name: &str| said.get(name).and_then(Value::as_str).unwrap_or("?");
    let processor = match said.get("cuda").filter(|cuda| !cuda.is_null()) {
        Some(_) => "with CUDA",
        None => "without CUDA",
    };
    Some(format!(
        "semihv-torch {}, libtorch {} {processor}, {}",
        text("version"),
        text("torch"),
        text("libtorch"),
    ))
}

/// The first line that a program says of itself.
fn version(program: &str, flag: &str) -> Option<String> {
    let ran = Command::new(program)
        .arg(flag)
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    let said = if ran.stdout.is_empty() {
        ran.stderr
    } else {
        ran.stdout
    };
    let said = String::from_utf8_lossy(&said).into_owned();
    said.lines()
        .find(|line| !line.trim().is_empty())
        .map(|line| line.trim().to_owned())
}
