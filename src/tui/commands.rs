//! Commands by name: what the keymap, the palette and a person's files all speak.
//!
//! A pane's command is `pane.word`; the others are plain words, some with arguments, and the jobs
//! have the same words as on the command line.

use std::path::PathBuf;

use semihv_domain::{Tag, Target};
use semihv_engine::{JobSpec, Rebuild};

use crate::action::Action;
use crate::app::{Msg, Tagging};
use crate::job_line::{self, JobLineError};
use crate::layout::{Axis, Resize};
use crate::pane::PaneKind;
use crate::panes;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("there is no command `{0}`")]
    Unknown(String),
    #[error("`{command}` needs {what}")]
    Argument { command: String, what: &'static str },
    #[error(transparent)]
    Job(#[from] JobLineError),
}

/// The action of a command that needs nothing from the state.
pub fn resolve(line: &str) -> Option<Action> {
    parse(line, &[]).ok()
}

/// Reads a command. `targets` is what `tag NAME` and `untag NAME` apply to.
pub fn parse(line: &str, targets: &[Target]) -> Result<Action, CommandError> {
    let line = line.trim();
    let (name, argument) = line.split_once(' ').unwrap_or((line, ""));
    let argument = argument.trim();
    if let Some((pane, word)) = name.split_once('.') {
        let unknown = || CommandError::Unknown(name.to_owned());
        return panes::command(pane, word).ok_or_else(unknown);
    }
    if matches!(name, "import" | "semihv")
        || (matches!(name, "index" | "vectors") && !argument.is_empty())
    {
        return Ok(Action::App(Msg::Start(job_line::parse(line)?)));
    }
    let msg = match argument {
        "" => plain(name),
        _ => with_argument(name, argument, targets)?,
    };
    msg.map(Action::App)
        .ok_or_else(|| CommandError::Unknown(line.to_owned()))
}

fn plain(name: &str) -> Option<Msg> {
    Some(match name {
        "quit" => Msg::Quit,
        "suspend" => Msg::Suspend,
        "redraw" => Msg::Redraw,
        "escape" => Msg::Escape,
        "palette" => Msg::Palette,
        "help" => Msg::Help,
        "messages" => Msg::Messages,
        "alerts" => Msg::Alerts,
        "focus-next" => Msg::FocusNext,
        "focus-previous" => Msg::FocusPrevious,
        "panes" => Msg::Panes,
        "layouts" => Msg::Layouts,
        "layout-save" => Msg::AskLayoutName,
        "layout-reset" => Msg::LayoutReset,
        "maximise" => Msg::Maximise,
        "split-right" => Msg::AskSplit(Axis::Right),
        "split-below" => Msg::AskSplit(Axis::Below),
        "close" => Msg::Close,
        "next" => Msg::Next,
        "previous" => Msg::Previous,
        "tag" => Msg::AskTag(Tagging::Add),
        "untag" => Msg::AskTag(Tagging::Remove),
        "note" => Msg::Note,
        "undo" => Msg::Undo,
        "copy" => Msg::Copy,
        "themes" => Msg::Themes,
        "graphics" => Msg::Graphics,
        "ascii" => Msg::Ascii,
        "reload" => Msg::Reload,
        "index" => Msg::Start(JobSpec::Index(Rebuild::Incremental)),
        "vectors" => Msg::Start(JobSpec::Vectors(Rebuild::Incremental)),
        "measure" => Msg::Start(JobSpec::Measure),
        "push" => Msg::Start(JobSpec::Push),
        "index-anew" => Msg::IndexAnew,
        "workspaces" => Msg::Workspaces,
        _ => return None,
    })
}

fn with_argument(
    name: &str,
    argument: &str,
    targets: &[Target],
) -> Result<Option<Msg>, CommandError> {
    let wrong = |what| CommandError::Argument {
        command: name.to_owned(),
        what,
    };
    let pane = || pane_named(argument).ok_or_else(|| wrong("the name of a pane"));
    let tag = |tagging| {
        let tag = Tag::parse(argument).ok_or_else(|| wrong("a tag of 1 to 40 letters"))?;
        Ok::<_, CommandError>(Msg::Tag {
            tagging,
            targets: targets.to_vec(),
            tag,
        })
    };
    Ok(Some(match name {
        "layout" => Msg::Layout(argument.to_owned()),
        "layout-number" => {
            let number = argument.parse().ok().filter(|number| *number > 0);
            Msg::LayoutNumber(number.ok_or_else(|| wrong("a number from 1"))?)
        }
        "layout-save" => Msg::LayoutSave(argument.chars().take(24).collect()),
        "pane" => Msg::Focus(pane()?),
        "split-right" => Msg::Split(Axis::Right, pane()?),
        "split-below" => Msg::Split(Axis::Below, pane()?),
        "resize" => Msg::Resize(match argument {
            "wider" => Resize::Wider,
            "narrower" => Resize::Narrower,
            "taller" => Resize::Taller,
            "shorter" => Resize::Shorter,
            _ => return Err(wrong("wider, narrower, taller or shorter")),
        }),
        "theme" => Msg::Theme(argument.to_owned()),
        "tag" => tag(Tagging::Add)?,
        "untag" => tag(Tagging::Remove)?,
        "workspace" => Msg::OpenWorkspace(PathBuf::from(argument)),
        _ => return Ok(None),
    }))
}

fn pane_named(name: &str) -> Option<PaneKind> {
    PaneKind::ALL.into_iter().find(|kind| kind.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_the_words_of_the_command_line() {
        assert!(matches!(
            resolve("import vqa-rad /data/rad --as rad"),
            Some(Action::App(Msg::Start(JobSpec::Import(_))))
        ));
        let error = parse("import vqa-rad", &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "import needs a kind and a path: import medpix2 /data/medpix"
        );
    }

    #[test]
    fn an_argument_that_is_wrong_says_what_is_wanted() {
        let error = parse("pane lungs", &[]).unwrap_err();
        assert_eq!(error.to_string(), "`pane` needs the name of a pane");
        assert_eq!(resolve("quit now"), None);
    }
}
