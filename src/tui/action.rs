//! What can happen to the workbench, and what it asks to be done: both plain data.
//!
//! `Action`s come in (keys through the keymap, replies and events of the engine, the terminal);
//! `Effect`s go out and are performed by `runtime` alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use semihv_domain::{Failure, JobId, Target, UnixSeconds};
use semihv_engine::{AlertSignal, CurvesAsk, Edit, Edited, Event, JobSpec, Query, Reply};

use crate::backend::Settings;
use crate::keys::Key;
use crate::pane::Mouse;
use crate::panes;
use crate::picture::{Export, Picture, PictureRequest};
use crate::slot::Ticket;

/// Everything `update` can be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Key(Key),
    Paste(String),
    /// Position on the screen.
    Mouse(Mouse),
    /// The time; sent before the first other action of a second.
    Clock(UnixSeconds),
    /// What belongs to no single pane: focus, layouts, palette, quitting.
    App(crate::app::Msg),
    Cases(panes::cases::Msg),
    Questions(panes::questions::Msg),
    Image(panes::image::Msg),
    Text(panes::text::Msg),
    Guidelines(panes::guidelines::Msg),
    Hits(panes::hits::Msg),
    Rationales(panes::rationales::Msg),
    Log(panes::log::Msg),
    Curves(panes::curves::Msg),
    Dataset(panes::dataset::Msg),
    Gpus(panes::gpus::Msg),
    Jobs(panes::jobs::Msg),
    Runs(panes::runs::Msg),
    Notes(panes::notes::Msg),
    /// The answer to an [`Effect::Ask`]; stale tickets fall through.
    Reply(Ticket, Result<Reply, Failure>),
    /// The answer to an [`Effect::Draw`].
    Drawn(Ticket, Result<Arc<Picture>, Failure>),
    Engine(Event),
    /// The answer to an [`Effect::Edit`], in the order of the edits.
    Edited(Edit, Result<Edited, Failure>),
    /// The answer to an [`Effect::Start`].
    Started(Result<JobId, Failure>),
    /// The answer to an [`Effect::Copy`]: where the text went.
    Copied(Result<String, Failure>),
    /// The answer to an [`Effect::OpenEditor`].
    EditorClosed {
        target: Target,
        text: Result<String, Failure>,
    },
    /// The answer to an [`Effect::ReadSettings`].
    Settings(Box<Settings>),
    Resize(u16, u16),
    /// A wake-up that was asked for by [`Effect::Wake`].
    Woke(Ticket),
}

/// Everything `update` can ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Answered by [`Action::Reply`] with the same ticket; a newer ticket of the slot cancels it.
    Ask(Ticket, Query),
    /// Decode and fit a picture; answered by [`Action::Drawn`].
    Draw(Ticket, PictureRequest),
    /// Change the store; one after the other, none is ever dropped. Answered by
    /// [`Action::Edited`].
    Edit(Edit),
    Start(JobSpec),
    Cancel(JobId),
    /// OSC 52, tmux's buffer and a file, whichever the terminal takes.
    Copy(String),
    /// Tell the terminal, for a person who looks elsewhere.
    Signal(AlertSignal, String),
    /// Write what is seen as a PNG; answered by [`Action::Copied`].
    Export(Box<Export>),
    /// Write curves as a table and a drawing; answered by [`Action::Copied`].
    SaveCurves(Box<CurvesAsk>),
    /// Leave the screen to `$EDITOR` with this text; the result comes back as a note.
    OpenEditor {
        target: Target,
        text: String,
    },
    /// Read what lies at a location: it is probably looked at next.
    Warm(String),
    /// Ask to be woken; a newer wake-up of the same slot replaces it.
    Wake(Ticket, Duration),
    /// Remember layout, selection and filters (written atomically, at most once a second).
    SaveSession,
    ReadSettings,
    OpenWorkspace(PathBuf),
    /// Ask the terminal what it can show once more, or cycle the graphics protocol.
    NextGraphics,
    Redraw,
    Suspend,
    Quit,
}
