//! The seam to the terminal graphics: what is asked of them before, during and after a frame.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::KeyEvent;
use semihv_domain::{Failure, FailureKind};
use semihv_imaging::{HeatMap, Raster, RegionFile, Scan};
use semihv_terminal::{Capabilities, Choice, ColourDepth, Evidence, Protocol, decide, detect};

use crate::action::Action;
use crate::backend::Backend;
use crate::graphics::{self, Canvas, Files, Inks, LateReplies, OnScreen, prepare};
use crate::pane::PaneKind;
use crate::panes::image;
use crate::picture::{Export, Picture, PictureRequest};
use crate::state::State;
use crate::theme::Depth;

/// Fits a slice into cells; called away from the drawing thread.
pub(super) type Prepare =
    Arc<dyn Fn(&Scan, &PictureRequest, &dyn Files) -> Result<Picture, Failure> + Send + Sync>;

/// Writes what is seen; says where.
pub(super) type Exporter =
    Arc<dyn Fn(&dyn Backend, &Export) -> Result<String, Failure> + Send + Sync>;

/// What is assumed of a link of which nobody says what it carries.
const USUAL_KBIT: u64 = 4_000;
const BYTES_OF_A_KBIT: f64 = 125.0;

/// What the terminal can show, and what it holds of ours.
pub(super) struct Pictures {
    capabilities: Capabilities,
    on_screen: OnScreen,
    late: LateReplies,
    choice: Choice,
    /// What the link to the terminal carries in a second; none: there is no link.
    link_kbit: Option<u64>,
    /// What the terminal said so far; answers may still come.
    evidence: Option<Evidence>,
}

impl Pictures {
    /// Asks the terminal, before anything else reads its input.
    pub(super) fn detect(wanted: Option<&str>, link_kbit: u64) -> Self {
        // The settings were checked when they were read; an unknown word means: ask.
        let choice = wanted
            .and_then(|name| name.parse().ok())
            .unwrap_or(Choice::Auto);
        let (capabilities, is_settled, evidence) = match detect(choice) {
            Ok(detection) => (
                detection.capabilities,
                detection.is_settled,
                Some(detection.evidence),
            ),
            Err(error) => {
                tracing::warn!(%error, "the terminal was not asked what it can show");
                let plain = Capabilities::plain(Protocol::Halfblocks, ColourDepth::Ansi16);
                (plain, true, None)
            }
        };
        tracing::info!(protocol = %capabilities.protocol, why = %capabilities.why, "graphics");
        Self {
            capabilities,
            on_screen: OnScreen::default(),
            late: LateReplies::new(is_settled, Instant::now()),
            choice,
            link_kbit: link(link_kbit, std::env::var_os("SSH_CONNECTION").is_some()),
            evidence,
        }
    }

    /// Whether the terminal's background is light; `None` when it did not say.
    pub(super) fn is_light(&self) -> Option<bool> {
        self.capabilities.is_light()
    }

    pub(super) fn depth(&self) -> Depth {
        match self.capabilities.colours {
            ColourDepth::True => Depth::Truecolour,
            ColourDepth::Ansi256 => Depth::Indexed,
            ColourDepth::Ansi16 => Depth::Sixteen,
            ColourDepth::None => Depth::Monochrome,
        }
    }

    /// What the image pane has to know.
    pub(super) fn told(&self) -> Action {
        Action::Image(image::Msg::Graphics(self.capabilities.protocol))
    }

    /// False for a key that is a piece of a late answer of the terminal.
    pub(super) fn admits(&mut self, key: &KeyEvent, now: Instant) -> bool {
        self.late.admits(key, now)
    }

    /// True when a late answer changed what the terminal is known to show.
    pub(super) fn learned(&mut self) -> bool {
        let (Some(late), Some(evidence)) = (self.late.learned(), &mut self.evidence) else {
            return false;
        };
        let is_news = evidence.learn(&late);
        if is_news {
            self.capabilities = decide(evidence, self.choice);
        }
        is_news
    }

    pub(super) fn prepare(&self, state: &State) -> Prepare {
        let canvas = Canvas {
            capabilities: self.capabilities.clone(),
            inks: Inks::of(&state.look.theme),
        };
        Arc::new(move |scan, request, files| prepare(scan, request, &canvas, files))
    }

    /// Draws what is seen once more, in full, for a file.
    pub(super) fn exporter(state: &State) -> Exporter {
        let inks = Inks::of(&state.look.theme);
        Arc::new(move |backend, export| {
            let scan = backend.open_scan(&export.request.location)?;
            let picture = graphics::exported(&scan, export, inks, &OfBackend(backend))?;
            let said = |error| Failure::of("export", FailureKind::Internal, &error);
            let bytes = semihv_imaging::png(&picture.to_dynamic()).map_err(said)?;
            let place = backend.keep_picture(&export.name, &bytes)?;
            Ok(format!("saved as {place}"))
        })
    }

    /// Goes on to the next way of showing pictures.
    pub(super) fn next(&mut self) {
        self.capabilities = self.capabilities.with_next_protocol();
    }

    /// How long a link takes for an answer's picture. Pictures that come faster than the link
    /// carries them would queue up, and the last one would be seen long after the last key.
    pub(super) fn pause_after(&self, answer: &Action) -> Duration {
        match (answer, self.link_kbit) {
            (Action::Drawn(_, Ok(picture)), Some(kbit)) => {
                let bytes_a_second = kbit as f64 * BYTES_OF_A_KBIT;
                Duration::from_secs_f64(picture.wire_bytes() as f64 / bytes_a_second)
            }
            _ => Duration::ZERO,
        }
    }

    /// The bytes that follow the cells of a frame.
    pub(super) fn after_draw(&mut self, state: &State) -> Vec<u8> {
        let inside = state
            .areas()
            .insides()
            .into_iter()
            .find(|(kind, _)| *kind == PaneKind::Image);
        let placement =
            inside.and_then(|(_, area)| image::placement(&state.panes.image, &state.shared, area));
        self.on_screen.after_draw(placement.as_ref())
    }

    pub(super) fn screen_was_cleared(&mut self) {
        self.on_screen.screen_was_cleared();
    }

    /// The bytes that remove everything of ours.
    pub(super) fn leave(&mut self) -> Vec<u8> {
        self.on_screen.leave()
    }
}

/// What a link carries: as it was set, else as is usual over SSH.
fn link(set: u64, is_remote: bool) -> Option<u64> {
    match set {
        0 => is_remote.then_some(USUAL_KBIT),
        set => Some(set),
    }
}

/// What pictures need comes from the backend.
pub(super) struct OfBackend<'a>(pub(super) &'a dyn Backend);

impl Files for OfBackend<'_> {
    fn scan(&self, location: &str) -> Result<Arc<Scan>, Failure> {
        self.0.open_scan(location)
    }

    fn regions(&self, location: &str) -> Result<Arc<RegionFile>, Failure> {
        self.0.open_regions(location)
    }

    fn heat_map(&self, location: &str) -> Result<Arc<HeatMap>, Failure> {
        self.0.open_heat_map(location)
    }

    fn thumbnail(&self, location: &str) -> Result<Arc<Raster>, Failure> {
        self.0.thumbnail(location)
    }
}
