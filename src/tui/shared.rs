//! What all panes see: the selection and what was loaded for it.

use semihv_domain::{CaseId, Failure, ImageId, PassageId, QuestionId, Target, UnixSeconds};
use semihv_engine::{CaseDetail, KnownAlert, Overview, QuestionDetail};
use serde::{Deserialize, Serialize};

use crate::pane::PaneKind;

/// The one selection that the panes share: moving in one pane moves the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    pub case: Option<CaseId>,
    pub question: Option<QuestionId>,
    pub image: Option<ImageId>,
    pub passage: Option<PassageId>,
    /// Index into the image's regions of the one looked at.
    pub region: Option<usize>,
    /// A followed log, by name.
    pub run: Option<String>,
    /// The line of a log that a pane points at.
    #[serde(skip)]
    pub line: Option<LinkedLine>,
    /// Models compared side by side, in order; empty means the first ones by name.
    pub models: Vec<String>,
}

/// A line of a run's log, from 0, under the cursor of a pane: its figures stand there too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedLine {
    pub run: String,
    pub line: u64,
    pub by: PaneKind,
}

/// The image of a hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitImage {
    pub image: ImageId,
    pub location: String,
    pub name: String,
    /// The case it was found for.
    pub of: Option<CaseId>,
    /// It is under the cursor.
    pub is_current: bool,
}

/// A loaded value. While a newer one is on its way the old one stays on screen.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Load<T> {
    /// Nothing is selected, so nothing was asked.
    #[default]
    Empty,
    /// Asked for the first time: `stale` is what was shown before.
    Loading {
        stale: Option<T>,
    },
    Ready(T),
    Failed(Failure),
}

impl<T> Load<T> {
    /// What can be shown now.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Ready(value) | Self::Loading { stale: Some(value) } => Some(value),
            Self::Empty | Self::Loading { stale: None } | Self::Failed(_) => None,
        }
    }

    /// Marks the value as being replaced.
    pub fn reload(&mut self) {
        let old = std::mem::replace(self, Self::Empty);
        *self = match old {
            Self::Ready(value) => Self::Loading { stale: Some(value) },
            Self::Loading { stale } => Self::Loading { stale },
            Self::Empty | Self::Failed(_) => Self::Loading { stale: None },
        };
    }

    pub fn settle(&mut self, outcome: Result<T, Failure>) {
        *self = match outcome {
            Ok(value) => Self::Ready(value),
            Err(failure) => Self::Failed(failure),
        };
    }
}

/// How signs are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    #[default]
    Unicode,
    /// `--ascii`: every sign has a twin that any terminal shows.
    Ascii,
}

/// The list that leads: `]` and `[` walk in it from any pane, and notes are about its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leading {
    #[default]
    Cases,
    Questions,
}

/// Read by every pane; a pane writes the selection alone, all else is written by `update`.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    pub selection: Selection,
    pub leading: Leading,
    /// The pane that has the keys.
    pub focus: PaneKind,
    pub overview: Overview,
    /// The case of the selection, loaded once for all panes.
    pub case: Load<Box<CaseDetail>>,
    /// The question of the selection with all answers, loaded once for all panes.
    pub question: Load<Box<QuestionDetail>>,
    /// Images of the hits, to be shown beside the selected one; empty when they are not wanted.
    pub hit_images: Vec<HitImage>,
    pub glyphs: Glyphs,
    /// What was told of runs, oldest first.
    pub alerts: Vec<KnownAlert>,
    pub is_read_only: bool,
    /// The time of the last event, for "8 s ago"; drawing never reads a clock.
    pub now: UnixSeconds,
    /// A spinner may show: something has been awaited for more than 200 ms.
    pub spinner_frame: Option<u8>,
}

impl Shared {
    /// The images of the hits that were found for the selection.
    pub fn hits_of_selection(&self) -> impl Iterator<Item = &HitImage> {
        let case = self.selection.case;
        self.hit_images.iter().filter(move |hit| hit.of == case)
    }

    /// What a tag or a note is about when no pane says otherwise.
    pub fn target(&self) -> Option<Target> {
        let case = self.selection.case.map(Target::Case);
        let question = self.selection.question.map(Target::Question);
        match self.leading {
            Leading::Cases => case.or(question),
            Leading::Questions => question.or(case),
        }
    }
}
