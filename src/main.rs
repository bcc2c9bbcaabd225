//! The `semihv` program: reads the command line, then runs one verb or opens the workbench.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use semihv_cli::{Next, OpenArguments};
use semihv_domain::Failure;
use semihv_engine::{Engine, UserPlaces, Writing};
use semihv_tui::{Options, Outcome, Picked};

fn main() -> ExitCode {
    let user = UserPlaces::from_environment(variable);
    let is_interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let outcome = match semihv_cli::run(&user, semihv_tui::keymap_markdown, is_interactive) {
        Next::Exit(code) => return code,
        Next::Workbench { engine } => work(&user, *engine),
        Next::Pick { open } => pick(&user, &open),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            semihv_cli::report_failure(&failure);
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The workbench, and the next one when the user switches to another workspace.
fn work(user: &UserPlaces, mut engine: Engine) -> Result<(), Failure> {
    loop {
        semihv_cli::log_to(&engine.log_file());
        engine.follow_changes();
        let options = Options {
            is_read_only: engine.writing() == Writing::Refused,
            has_mouse: engine.settings().mouse.value,
            reports: engine.log_file().parent().map(std::path::Path::to_owned),
        };
        match semihv_tui::run(Arc::new(engine.clone()), options)? {
            Outcome::Quit => return Ok(()),
            Outcome::OpenWorkspace(root) => {
                engine = semihv_cli::open(user, &root, &OpenArguments::default())?;
            }
        }
    }
}

fn pick(user: &UserPlaces, open: &OpenArguments) -> Result<(), Failure> {
    let settings = semihv_tui::settings_without_workspace(user);
    let engine = match semihv_tui::pick(&settings, &Options::default())? {
        Picked::Quit => return Ok(()),
        Picked::Open(root) => semihv_cli::open(user, &root, open)?,
        Picked::CreateHere => semihv_cli::create_here(user, open)?,
        Picked::Demo => semihv_cli::open_demo(user, &user.demo(), open)?.0,
    };
    work(user, engine)
}
