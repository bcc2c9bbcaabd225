//! The panes: one folder each, all over one shared selection. See `pane.rs` for the contract.
//!
//! The set is closed, so everything here is a `match`; the macro only spares writing it ten times.

pub mod cases;
pub mod curves;
pub mod dataset;
pub mod gpus;
pub mod guidelines;
pub mod hits;
pub mod image;
pub mod jobs;
pub mod log;
pub mod notes;
pub mod questions;
pub mod rationales;
pub mod runs;
pub mod text;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::Failure;
use semihv_engine::Reply;

use crate::action::{Action, Effect};
use crate::pane::{Hint, Input, Mouse, PaneKind, Title};
use crate::picture::Picture;
use crate::shared::Shared;
use crate::slot::Ticket;
use crate::theme::Theme;

/// Every pane's own view state.
#[derive(Debug, Clone, Default)]
pub struct Panes {
    pub cases: cases::State,
    pub questions: questions::State,
    pub image: image::State,
    pub text: text::State,
    pub guidelines: guidelines::State,
    pub hits: hits::State,
    pub rationales: rationales::State,
    pub log: log::State,
    pub curves: curves::State,
    pub dataset: dataset::State,
    pub gpus: gpus::State,
    pub jobs: jobs::State,
    pub runs: runs::State,
    pub notes: notes::State,
}

/// Runs an expression with a pane's state and its module.
macro_rules! in_pane {
    ([$($borrow:tt)+] $panes:expr, $kind:expr, |$state:ident, $pane:ident| $body:expr) => {
        match $kind {
            PaneKind::Cases => {
                use cases as $pane;
                let $state = $($borrow)+ $panes.cases;
                $body
            }
            PaneKind::Questions => {
                use questions as $pane;
                let $state = $($borrow)+ $panes.questions;
                $body
            }
            PaneKind::Image => {
                use image as $pane;
                let $state = $($borrow)+ $panes.image;
                $body
            }
            PaneKind::Text => {
                use text as $pane;
                let $state = $($borrow)+ $panes.text;
                $body
            }
            PaneKind::Guidelines => {
                use guidelines as $pane;
                let $state = $($borrow)+ $panes.guidelines;
                $body
            }
            PaneKind::Hits => {
                use hits as $pane;
                let $state = $($borrow)+ $panes.hits;
                $body
            }
            PaneKind::Rationales => {
                use rationales as $pane;
                let $state = $($borrow)+ $panes.rationales;
                $body
            }
            PaneKind::Log => {
                use log as $pane;
                let $state = $($borrow)+ $panes.log;
                $body
            }
            PaneKind::Curves => {
                use curves as $pane;
                let $state = $($borrow)+ $panes.curves;
                $body
            }
            PaneKind::Dataset => {
                use dataset as $pane;
                let $state = $($borrow)+ $panes.dataset;
                $body
            }
            PaneKind::Gpus => {
                use gpus as $pane;
                let $state = $($borrow)+ $panes.gpus;
                $body
            }
            PaneKind::Jobs => {
                use jobs as $pane;
                let $state = $($borrow)+ $panes.jobs;
                $body
            }
            PaneKind::Runs => {
                use runs as $pane;
                let $state = $($borrow)+ $panes.runs;
                $body
            }
            PaneKind::Notes => {
                use notes as $pane;
                let $state = $($borrow)+ $panes.notes;
                $body
            }
        }
    };
}

impl Panes {
    pub fn refresh(&mut self, kind: PaneKind, shared: &Shared) -> Vec<Effect> {
        in_pane!([&mut] self, kind, |state, pane| pane::refresh(state, shared))
    }

    /// Keeps what is scrolled within what there is, now that the layout is known.
    pub fn fit(&mut self, kind: PaneKind, shared: &Shared, inside: Rect) {
        match kind {
            PaneKind::Text => text::fit(&mut self.text, shared, inside),
            PaneKind::Guidelines => guidelines::fit(&mut self.guidelines, shared, inside),
            PaneKind::Rationales => rationales::fit(&mut self.rationales, shared, inside),
            PaneKind::Log => log::fit(&mut self.log, shared, inside),
            PaneKind::Curves => curves::fit(&mut self.curves, shared, inside),
            PaneKind::Dataset => dataset::fit(&mut self.dataset, shared, inside),
            PaneKind::Cases
            | PaneKind::Questions
            | PaneKind::Image
            | PaneKind::Hits
            | PaneKind::Gpus
            | PaneKind::Jobs
            | PaneKind::Runs
            | PaneKind::Notes => {}
        }
    }

    /// What was asked for once may be another by now: the next refresh asks again.
    pub fn forget(&mut self) {
        guidelines::forget(&mut self.guidelines);
        hits::forget(&mut self.hits);
        log::forget(&mut self.log);
        curves::forget(&mut self.curves);
        dataset::forget(&mut self.dataset);
    }

    /// Hands an answer to the pane that waits for it; `None` when it is stale.
    pub fn reply(
        &mut self,
        ticket: Ticket,
        reply: &Result<Reply, Failure>,
        shared: &mut Shared,
    ) -> Option<Vec<Effect>> {
        PaneKind::ALL.into_iter().find_map(|kind| {
            in_pane!([&mut] self, kind, |state, pane| pane::reply(state, ticket, reply, shared))
        })
    }

    pub fn drawn(
        &mut self,
        ticket: Ticket,
        outcome: &Result<Arc<Picture>, Failure>,
        shared: &Shared,
    ) -> Option<Vec<Effect>> {
        image::drawn(&mut self.image, ticket, outcome)
            .then(|| image::neighbours(&mut self.image, shared))
    }

    pub fn mouse(
        &self,
        kind: PaneKind,
        shared: &Shared,
        mouse: Mouse,
        inside: Rect,
    ) -> Option<Action> {
        match kind {
            PaneKind::Cases => cases::mouse(&self.cases, shared, mouse, inside).map(Action::Cases),
            PaneKind::Questions => {
                questions::mouse(&self.questions, shared, mouse, inside).map(Action::Questions)
            }
            PaneKind::Image => image::mouse(&self.image, shared, mouse, inside).map(Action::Image),
            PaneKind::Text => text::mouse(&self.text, shared, mouse, inside).map(Action::Text),
            PaneKind::Guidelines => {
                guidelines::mouse(&self.guidelines, shared, mouse, inside).map(Action::Guidelines)
            }
            PaneKind::Rationales => {
                rationales::mouse(&self.rationales, shared, mouse, inside).map(Action::Rationales)
            }
            PaneKind::Hits => hits::mouse(&self.hits, shared, mouse, inside).map(Action::Hits),
            PaneKind::Log => log::mouse(&self.log, shared, mouse, inside).map(Action::Log),
            PaneKind::Curves => {
                curves::mouse(&self.curves, shared, mouse, inside).map(Action::Curves)
            }
            PaneKind::Dataset => {
                dataset::mouse(&self.dataset, shared, mouse, inside).map(Action::Dataset)
            }
            PaneKind::Gpus => gpus::mouse(&self.gpus, shared, mouse, inside).map(Action::Gpus),
            PaneKind::Jobs => jobs::mouse(&self.jobs, shared, mouse, inside).map(Action::Jobs),
            PaneKind::Runs => runs::mouse(&self.runs, shared, mouse, inside).map(Action::Runs),
            PaneKind::Notes => notes::mouse(&self.notes, shared, mouse, inside).map(Action::Notes),
        }
    }

    pub fn is_typing(&self, kind: PaneKind) -> bool {
        in_pane!([&] self, kind, |state, pane| pane::is_typing(state))
    }

    pub fn typed(&mut self, kind: PaneKind, input: Input, shared: &mut Shared) -> Vec<Effect> {
        in_pane!([&mut] self, kind, |state, pane| pane::typed(state, input, shared))
    }

    pub fn title(&self, kind: PaneKind, shared: &Shared) -> Title {
        in_pane!([&] self, kind, |state, pane| pane::title(state, shared))
    }

    pub fn hints(&self, kind: PaneKind, shared: &Shared) -> Vec<Hint> {
        in_pane!([&] self, kind, |state, pane| pane::hints(state, shared))
    }

    pub fn copy(&self, kind: PaneKind, shared: &Shared) -> Option<String> {
        in_pane!([&] self, kind, |state, pane| pane::copy(state, shared))
    }

    /// Draws the inside of a pane's border.
    pub fn view(
        &self,
        kind: PaneKind,
        shared: &Shared,
        theme: &Theme,
        (area, buffer): (Rect, &mut Buffer),
    ) {
        in_pane!([&] self, kind, |state, pane| pane::view(state, shared, theme, area, buffer));
    }
}

/// The action of a pane's command: `questions.top`.
pub fn command(pane: &str, rest: &str) -> Option<Action> {
    Some(match pane {
        "cases" => Action::Cases(cases::command(rest)?),
        "questions" => Action::Questions(questions::command(rest)?),
        "image" => Action::Image(image::command(rest)?),
        "text" => Action::Text(text::command(rest)?),
        "guidelines" => Action::Guidelines(guidelines::command(rest)?),
        "hits" => Action::Hits(hits::command(rest)?),
        "rationales" => Action::Rationales(rationales::command(rest)?),
        "log" => Action::Log(log::command(rest)?),
        "curves" => Action::Curves(curves::command(rest)?),
        "dataset" => Action::Dataset(dataset::command(rest)?),
        "gpus" => Action::Gpus(gpus::command(rest)?),
        "jobs" => Action::Jobs(jobs::command(rest)?),
        "runs" => Action::Runs(runs::command(rest)?),
        "notes" => Action::Notes(notes::command(rest)?),
        _ => return None,
    })
}
