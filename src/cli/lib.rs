//! The verbs: definitions, human lines and JSON lines, exit codes.
//!
//! Deliberately absent: the workbench. `main` opens it when [`run`] says so.

mod alerts;
mod args;
mod doctor;
mod generate;
mod gpus;
mod import;
mod metrics;
mod output;
mod region_verb;
mod regions;
mod retrieval;
mod retrieval_args;
mod retrieval_compare;
mod retrieval_train;
mod retrieve;
mod runs;
mod search;
mod show;
mod show_verb;
mod terminal_report;
mod tracing_file;
mod verbs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use semihv_domain::{Failure, FailureKind};
use semihv_engine::{
    DemoSummary, Engine, LaunchSpec, OpenOptions, SettingsFile, UserPlaces, Writing, find_workspace,
};

pub use args::{Arguments, OpenArguments};
pub use output::report_failure;
pub use tracing_file::log_to;

use args::Verb;
use output::{Output, VerbError, exit_code};
use retrieval_args::RetrievalVerb;

/// What is left to do after the command line was read.
pub enum Next {
    /// The verb is done.
    Exit(ExitCode),
    /// Open the workbench.
    Workbench { engine: Box<Engine> },
    /// No workspace was named or found: let the user choose one.
    Pick { open: OpenArguments },
}

/// Reads the arguments and runs the verb. `is_interactive` is true when both ends are a terminal.
pub fn run(user: &UserPlaces, keys_markdown: fn() -> String, is_interactive: bool) -> Next {
    semihv_engine::log_panics_of_the_index();
    let arguments = args::with_exclusions_spelt_out(std::env::args_os().collect());
    let arguments = Arguments::parse_from(arguments);
    let json = wants_json(&arguments);
    let session = Session {
        user,
        keys_markdown,
        is_interactive,
    };
    match session.perform(arguments) {
        Ok(next) => next,
        Err(VerbError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Next::Exit(ExitCode::SUCCESS)
        }
        Err(VerbError::Output(error)) => {
            report_failure(&Failure::of("output", FailureKind::Config, &error));
            Next::Exit(ExitCode::FAILURE)
        }
        Err(VerbError::Ended(code)) => Next::Exit(ExitCode::from(u8::try_from(code).unwrap_or(1))),
        Err(VerbError::Failure(failure)) => {
            if json {
                let _ = Output::new(true).json(&serde_json::json!({ "error": failure }));
            }
            report_failure(&failure);
            Next::Exit(ExitCode::from(exit_code(&failure)))
        }
    }
}

/// Runs, their logs and figures, and where they run.
fn on_runs(engine: &Engine, verb: &Verb, output: &mut Output) -> Result<(), VerbError> {
    match verb {
        Verb::Metrics(asked) => metrics::metrics(engine, asked, output),
        Verb::Log(asked) => verbs::log(engine, asked, output),
        Verb::Run {
            recipe,
            parameters,
            after,
            after_any,
            dry_run,
            wait,
            ..
        } => {
            let spec = LaunchSpec {
                recipe: recipe.clone(),
                given: parameters.clone(),
                after: runs::after(after, after_any),
            };
            runs::run(engine, &spec, (*dry_run, *wait), output)
        }
        Verb::Runs { run, .. } => runs::runs(engine, run.as_deref(), output),
        Verb::Alerts { all, seen, .. } => alerts::alerts(engine, (*all, *seen), output),
        Verb::Gpus { host, watch, .. } => gpus::gpus(engine, host.as_deref(), *watch, output),
        Verb::Hosts { place, .. } => runs::hosts(engine, place.as_deref(), output),
        Verb::Cancel { run, grace, .. } => runs::cancel(engine, run, *grace, output),
        Verb::Resume { run, wait, .. } => runs::resume(engine, run, *wait, output),
        _ => Ok(()),
    }
}

fn wants_json(arguments: &Arguments) -> bool {
    match &arguments.verb {
        None
        | Some(
            Verb::Init { .. }
            | Verb::Generate { .. }
            | Verb::VectorsAlone { .. }
            | Verb::Supervise { .. }
            | Verb::Agent,
        ) => false,
        Some(Verb::Demo { json, .. } | Verb::Workspaces { json }) => *json,
        Some(verb) => verb.common().is_some_and(|common| common.json),
    }
}

/// Opens the workspace in `root` with what flags say.
pub fn open(user: &UserPlaces, root: &Path, flags: &OpenArguments) -> Result<Engine, Failure> {
    let engine = Engine::open(open_options(user, root, flags)?)?;
    engine.continue_demo_run();
    Ok(engine)
}

/// As [`semihv_engine::demo`], with what flags say. The demo's unfinished run goes on for as long
/// as this process lives.
pub fn open_demo(
    user: &UserPlaces,
    root: &Path,
    flags: &OpenArguments,
) -> Result<(Engine, DemoSummary), Failure> {
    let (engine, summary) = semihv_engine::demo(open_options(user, root, flags)?)?;
    engine.continue_demo_run();
    Ok((engine, summary))
}

/// Makes the current folder a workspace and opens it.
pub fn create_here(user: &UserPlaces, flags: &OpenArguments) -> Result<Engine, Failure> {
    let here = Path::new(".");
    semihv_engine::init(here).map_err(|error| Failure::of("init", FailureKind::User, &error))?;
    open(user, here, flags)
}

fn open_options(
    user: &UserPlaces,
    root: &Path,
    flags: &OpenArguments,
) -> Result<OpenOptions, Failure> {
    let absolute = std::path::absolute(root)
        .map_err(|error| Failure::of("open", FailureKind::User, &error))?;
    // Symbolic links are followed once, so that one workspace has one name.
    let root = absolute.canonicalize().unwrap_or(absolute);
    let graphics = flags.graphics.as_deref().map(parse_graphics).transpose()?;
    Ok(OpenOptions {
        root,
        user: user.clone(),
        writing: if flags.read_only {
            Writing::Refused
        } else {
            Writing::Allowed
        },
        flags: SettingsFile {
            theme: flags.theme.clone(),
            graphics,
            ascii: flags.ascii.then_some(true),
            mouse: flags.no_mouse.then_some(false),
            ..SettingsFile::default()
        },
    })
}

fn parse_graphics(name: &str) -> Result<semihv_engine::Graphics, Failure> {
    semihv_engine::Graphics::parse(name).ok_or_else(|| {
        let known = semihv_engine::Graphics::NAMES.join(", ");
        Failure::new(
            "open",
            FailureKind::User,
            format!("no graphics protocol {name:?}"),
        )
        .with_hint(format!("one of {known}"))
    })
}

struct Session<'a> {
    user: &'a UserPlaces,
    keys_markdown: fn() -> String,
    is_interactive: bool,
}

impl Session<'_> {
    fn perform(&self, arguments: Arguments) -> Result<Next, VerbError> {
        let Some(verb) = arguments.verb else {
            return self.open_workbench(arguments.folder, arguments.open);
        };
        match verb {
            Verb::Demo { dir, json, open } => self.demo(dir, json, &open),
            Verb::Watch { logs, open } => {
                let root = semihv_engine::watched_workspace(self.user, &logs)?;
                self.open_workbench(Some(root), open)
            }
            verb => {
                self.run_verb(verb)?;
                Ok(Next::Exit(ExitCode::SUCCESS))
            }
        }
    }

    fn open_workbench(
        &self,
        folder: Option<PathBuf>,
        open: OpenArguments,
    ) -> Result<Next, VerbError> {
        let found = match &folder {
            Some(folder) if folder.join(semihv_engine::MANIFEST).exists() => Some(folder.clone()),
            Some(folder) => {
                let summary = format!("{} is no workspace", folder.display());
                return Err(Failure::new("open", FailureKind::User, summary)
                    .with_hint(format!(
                        "make it one with `semihv init {}`",
                        folder.display()
                    ))
                    .into());
            }
            None => find_workspace(Path::new(".")),
        };
        let Some(root) = found else {
            if self.is_interactive {
                return Ok(Next::Pick { open });
            }
            return Err(no_workspace().into());
        };
        let engine = self::open(self.user, &root, &open)?;
        if self.is_interactive {
            return Ok(Next::Workbench {
                engine: Box::new(engine),
            });
        }
        Err(
            Failure::new("open", FailureKind::User, "the workbench needs a terminal")
                .with_hint("run it in a terminal, or use a verb: `semihv --help` lists them")
                .into(),
        )
    }

    fn demo(
        &self,
        dir: Option<PathBuf>,
        json: bool,
        open: &OpenArguments,
    ) -> Result<Next, VerbError> {
        let root = dir.unwrap_or_else(|| self.user.demo());
        let (engine, summary) = open_demo(self.user, &root, open)?;
        if self.is_interactive && !json {
            return Ok(Next::Workbench {
                engine: Box::new(engine),
            });
        }
        let mut output = Output::new(json);
        verbs::print_demo(&summary, &mut output)?;
        output.finish()?;
        Ok(Next::Exit(ExitCode::SUCCESS))
    }

    fn run_verb(&self, verb: Verb) -> Result<(), VerbError> {
        let mut output = Output::new(verb.common().is_some_and(|common| common.json));
        match &verb {
            Verb::Init { folder } => verbs::init(folder, &mut output)?,
            Verb::Generate { what, shell } => {
                generate::generate(*what, *shell, self.keys_markdown, &mut output)?;
            }
            Verb::Retrieval(RetrievalVerb::Compare(arguments)) => {
                retrieval_compare::compare(arguments, &mut output)?;
            }
            Verb::VectorsAlone { folder, graph } => {
                import::vectors_alone(folder, graph.as_deref())?;
            }
            Verb::Supervise { attempt } => return runs::supervise(attempt),
            Verb::Agent => {
                let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
                semihv_engine::agent(input, output)?;
            }
            Verb::Workspaces { json } => {
                output = Output::new(*json);
                verbs::workspaces(self.user, &mut output)?;
            }
            Verb::Doctor { report, common } => {
                let engine = self.engine_of(common.workspace.as_deref());
                doctor::doctor(engine, report.as_deref(), &mut output)?;
            }
            Verb::Show {
                image,
                graphics,
                width,
                look,
                common,
            } => {
                let engine = self.engine_of(common.workspace.as_deref()).ok();
                let asked = show_verb::Asked {
                    image,
                    graphics,
                    width: *width,
                    look,
                };
                show_verb::show(engine.as_ref(), &asked, &mut output)?;
            }
            verb => self.run_on_workspace(verb, &mut output)?,
        }
        Ok(output.finish()?)
    }

    fn run_on_workspace(&self, verb: &Verb, output: &mut Output) -> Result<(), VerbError> {
        let folder = verb.common().and_then(|common| common.workspace.clone());
        let engine = match self.engine_of(folder.as_deref()) {
            Err(failure) if verb.is_of_runs() => {
                self.engine_without_manifest(folder.as_deref(), failure)?
            }
            engine => engine?,
        };
        match verb {
            Verb::Import(arguments) => import::import(&engine, arguments, output),
            Verb::Index { rebuild, .. } => import::index(&engine, *rebuild, output),
            Verb::Vectors {
                rebuild,
                graph_from,
                push,
                ..
            } => import::vectors(&engine, (*rebuild, *graph_from, *push), output),
            Verb::Retrieve(arguments) => retrieve::retrieve(&engine, arguments, output),
            Verb::Retrieval(verb) => retrieval::retrieval(&engine, verb, output),
            Verb::Check { source, .. } => import::check(&engine, source, output),
            Verb::Search(arguments) => search::search(&engine, arguments, output),
            Verb::Skipped { source, limit, .. } => {
                verbs::skipped(&engine, source.as_deref(), *limit, output)
            }
            Verb::Sources { .. } => verbs::sources(&engine, output),
            Verb::Case { key, .. } => verbs::case(&engine, key, output),
            Verb::Tag {
                tag,
                query,
                kind,
                remove,
                ..
            } => verbs::tag(&engine, (tag, query, *kind, *remove), output),
            Verb::Note { key, text, .. } => verbs::note(&engine, key, text, output),
            Verb::Regions(asked) => region_verb::regions(&engine, asked, output),
            Verb::Jobs { .. } => verbs::jobs(&engine, output),
            Verb::Config { .. } => verbs::config(&engine, output),
            verb => on_runs(&engine, verb, output),
        }
    }

    /// Says what is wrong with it and goes on.
    fn engine_without_manifest(
        &self,
        folder: Option<&Path>,
        failure: Failure,
    ) -> Result<Engine, Failure> {
        let root = match folder {
            Some(folder) => folder.to_owned(),
            None => find_workspace(Path::new(".")).ok_or_else(no_workspace)?,
        };
        if failure.kind != FailureKind::Config || !root.join(semihv_engine::MANIFEST).exists() {
            return Err(failure);
        }
        let options = open_options(self.user, &root, &OpenArguments::default())?;
        let engine = Engine::open_without_manifest(options)?;
        report_failure(&failure);
        Ok(engine)
    }

    fn engine_of(&self, folder: Option<&Path>) -> Result<Engine, Failure> {
        let root = match folder {
            Some(folder) => folder.to_owned(),
            None => find_workspace(Path::new(".")).ok_or_else(no_workspace)?,
        };
        if !root.join(semihv_engine::MANIFEST).exists() {
            let summary = format!("{} is no workspace", root.display());
            return Err(Failure::new("open", FailureKind::User, summary)
                .with_hint(format!("make it one with `semihv init {}`", root.display())));
        }
        open(self.user, &root, &OpenArguments::default())
    }
}

fn no_workspace() -> Failure {
    Failure::new(
        "open",
        FailureKind::User,
        "no workspace here or in any folder above",
    )
    .with_hint("make one with `semihv init DIR`, or look at `semihv demo`")
}
