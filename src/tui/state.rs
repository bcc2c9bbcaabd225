//! Everything the workbench knows: plain data, changed by `update` alone.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::layout::Rect;
use semihv_domain::Failure;
use semihv_engine::{AlertSignal, Edit};

use crate::backend::Settings;
use crate::keymap::Keymap;
use crate::keys::Key;
use crate::layout::{Areas, Border, Layouts, areas};
use crate::overlay::Overlay;
use crate::pane::PaneKind;
use crate::panes::Panes;
use crate::shared::{Glyphs, Shared};
use crate::slot::{Slot, SlotName};
use crate::theme::{Depth, Theme, Themes};

/// Remembered for `messages`.
const MOST_TOASTS: usize = 100;
/// Remembered for `undo`.
const MOST_UNDO: usize = 200;

#[derive(Debug, Clone)]
pub struct State {
    pub shared: Shared,
    pub panes: Panes,
    pub layouts: Layouts,
    pub overlay: Option<Overlay>,
    pub keymap: Arc<Keymap>,
    pub look: Look,
    /// How the terminal tells of alerts.
    pub signal: AlertSignal,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Keys of a sequence that is not finished.
    pub pending: Vec<Key>,
    pub is_which_key_shown: bool,
    /// Newest last.
    pub toasts: VecDeque<Toast>,
    pub is_toast_shown: bool,
    /// What takes the last changes back, newest last.
    pub undo: Vec<Edit>,
    /// Name and folder.
    pub workspaces: Vec<(String, PathBuf)>,
    pub(crate) dragged: Option<Border>,
    pub(crate) slots: Slots,
    /// Tags in use, most used first, as they were last told.
    pub(crate) tags: Vec<String>,
    /// What undo asked for and the store has not answered.
    pub(crate) undoing: VecDeque<Edit>,
    /// What the panes show changed under them.
    pub(crate) is_refresh_due: bool,
    /// Where the keys go back to when the note is done.
    pub(crate) note_from: Option<PaneKind>,
    /// Counts what was said, so that each toast gets its time.
    pub(crate) toasts_said: u64,
}

/// How things look, and what it was chosen from.
#[derive(Debug, Clone)]
pub struct Look {
    pub themes: Arc<Themes>,
    pub theme: Arc<Theme>,
    /// What a person asked for; `None` follows the terminal's background.
    pub chosen: Option<String>,
    pub depth: Depth,
    pub is_light: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Plain,
    Bad,
}

/// Something said in the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub tone: Tone,
    pub text: String,
    pub hint: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Slots {
    pub(crate) overview: Slot,
    pub(crate) case: Slot,
    pub(crate) question: Slot,
    pub(crate) tags: Slot,
    pub(crate) alerts: Slot,
    pub(crate) toast: Slot,
    pub(crate) which_key: Slot,
}

/// What is known before the first frame.
#[derive(Debug, Clone, Default)]
pub struct Start {
    pub settings: Settings,
    pub size: (u16, u16),
    pub depth: Depth,
    pub is_light: Option<bool>,
    pub is_read_only: bool,
}

impl State {
    /// The state before anything was asked; [`crate::update::opening`] asks.
    pub fn new(start: &Start) -> Self {
        let themes = Arc::new(Themes::built_in());
        let mut state = Self {
            shared: Shared {
                is_read_only: start.is_read_only,
                ..Shared::default()
            },
            panes: Panes::default(),
            layouts: Layouts::default(),
            overlay: None,
            keymap: Arc::new(Keymap::built_in()),
            look: Look {
                theme: Arc::new(Theme::default()),
                themes,
                chosen: None,
                depth: start.depth,
                is_light: start.is_light,
            },
            signal: AlertSignal::default(),
            size: start.size,
            pending: Vec::new(),
            is_which_key_shown: false,
            toasts: VecDeque::new(),
            is_toast_shown: false,
            undo: Vec::new(),
            workspaces: Vec::new(),
            dragged: None,
            slots: Slots {
                overview: Slot::new(SlotName::Overview),
                case: Slot::new(SlotName::Case),
                question: Slot::new(SlotName::Question),
                tags: Slot::new(SlotName::Tags),
                alerts: Slot::new(SlotName::Alerts),
                toast: Slot::new(SlotName::Toast),
                which_key: Slot::new(SlotName::WhichKey),
            },
            tags: Vec::new(),
            undoing: VecDeque::new(),
            is_refresh_due: false,
            note_from: None,
            toasts_said: 0,
        };
        state.apply(&start.settings);
        for layout in &start.settings.layouts {
            state.layouts.add(layout.clone());
        }
        if let Some(layout) = &start.settings.layout {
            state.show_layout(layout);
        }
        state.shared.focus = state.layouts.focus();
        state
    }

    /// Takes over a person's settings; what has an error is told and the old one stays.
    pub fn apply(&mut self, settings: &Settings) {
        let mut themes = Themes::built_in();
        for text in &settings.themes {
            if let Err(error) = themes.add(text) {
                self.say_error(&error);
            }
        }
        self.look.themes = Arc::new(themes);
        let (keymap, errors) = Keymap::built_in().with(&settings.keys);
        for error in &errors {
            self.say_error(error);
        }
        self.keymap = Arc::new(keymap);
        self.shared.glyphs = if settings.is_ascii {
            Glyphs::Ascii
        } else {
            Glyphs::Unicode
        };
        self.signal = settings.alert;
        self.workspaces.clone_from(&settings.workspaces);
        for trouble in &settings.troubles {
            self.say_failure(trouble);
        }
        self.look.chosen.clone_from(&settings.theme);
        self.paint();
    }

    /// Makes the theme from what was chosen and what the terminal can show.
    pub fn paint(&mut self) {
        let fallback = Themes::name_for(self.look.is_light);
        let name = self.look.chosen.as_deref().unwrap_or(fallback).to_owned();
        match self.look.themes.theme(&name) {
            Ok(theme) => self.look.theme = Arc::new(theme.reduced(self.look.depth)),
            Err(error) => {
                self.say_error(&error);
                self.look.chosen = None;
                if let Ok(theme) = self.look.themes.theme(fallback) {
                    self.look.theme = Arc::new(theme.reduced(self.look.depth));
                }
            }
        }
    }

    pub fn screen(&self) -> Rect {
        Rect::new(0, 0, self.size.0, self.size.1)
    }

    /// How the screen is divided now.
    pub fn areas(&self) -> Areas {
        areas(&self.layouts, self.screen())
    }

    pub fn focus(&self) -> PaneKind {
        self.layouts.focus()
    }

    /// False when there is no layout of this name.
    pub fn show_layout(&mut self, name: &str) -> bool {
        match self.layouts.position(name) {
            Some(at) => self.layouts.show(at),
            None => false,
        }
    }

    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.toast(Toast {
            tone,
            text: text.into(),
            hint: None,
        });
    }

    pub fn say_failure(&mut self, failure: &Failure) {
        let cause = failure.causes.last();
        let text = match cause {
            Some(cause) => format!("{}: {cause}", failure.summary),
            None => failure.summary.clone(),
        };
        self.toast(Toast {
            tone: Tone::Bad,
            text,
            hint: failure.hint.clone(),
        });
    }

    fn say_error(&mut self, error: &dyn std::error::Error) {
        self.say(Tone::Bad, error.to_string());
    }

    fn toast(&mut self, toast: Toast) {
        if self.toasts.len() >= MOST_TOASTS {
            self.toasts.pop_front();
        }
        self.toasts.push_back(toast);
        self.toasts_said += 1;
        self.is_toast_shown = true;
    }

    pub fn remember_undo(&mut self, undo: Edit) {
        if self.undo.len() >= MOST_UNDO {
            self.undo.remove(0);
        }
        self.undo.push(undo);
    }
}
