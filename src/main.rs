//! The `semihv` program: reads the command line, then runs one verb or opens the workbench.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use semihv_cli::{Next, OpenArguments};
use semihv_domain::Failure;
use semihv_engine::{Engine, UserPlaces};
use semihv_tui::{Choice, Outcome};

fn main() -> ExitCode {
    let user = UserPlaces::from_environment(|name| std::env::var(name).ok());
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

/// The workbench, and the next one when the user switches to another workspace.
fn work(user: &UserPlaces, mut engine: Engine) -> Result<(), Failure> {
    loop {
        semihv_cli::log_to(&engine.log_file());
        match semihv_tui::run(Arc::new(engine.clone()))? {
            Outcome::Quit => return Ok(()),
            Outcome::OpenWorkspace(root) => {
                engine = semihv_cli::open(user, &root, &OpenArguments::default())?;
            }
        }
    }
}

fn pick(user: &UserPlaces, open: &OpenArguments) -> Result<(), Failure> {
    let known = semihv_engine::known_workspaces(&user.known_workspaces());
    let engine = match semihv_tui::pick(known)? {
        Choice::Nothing => return Ok(()),
        Choice::Open(root) => semihv_cli::open(user, &root, open)?,
        Choice::CreateHere => semihv_cli::create_here(user, open)?,
        Choice::Demo => semihv_cli::open_demo(user, &user.demo(), open)?.0,
    };
    work(user, engine)
}
