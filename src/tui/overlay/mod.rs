//! What lies over the panes and takes the keys: choosing, asking, confirming, reading.

pub mod chooser;
pub mod prompt;
pub mod view;

use crossterm::event::KeyCode;

use crate::action::Action;
use crate::keys::Key;
use crate::pane::{Input, Mouse, MouseKind};

pub use chooser::{Choice, Chooser};
pub use prompt::{Prompt, Purpose};

#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// The palette, the help, and every "choose one of these".
    Chooser(Chooser),
    Prompt(Prompt),
    Confirm(Confirm),
    Messages {
        scroll: usize,
    },
    Alerts {
        scroll: usize,
    },
}

/// A question that is answered by `y` or `n`.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    pub question: String,
    pub action: Box<Action>,
}

/// What a key in an overlay leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Stay,
    Close,
    /// Closes and runs a command as it would be typed.
    Run(String),
    /// Closes and goes on with this.
    Act(Box<Action>),
}

impl Overlay {
    pub fn input(&mut self, input: Input) -> Outcome {
        if input == Input::Key(Key::ESC) {
            return Outcome::Close;
        }
        match self {
            Self::Chooser(chooser) => chooser.input(input),
            Self::Prompt(prompt) => prompt.input(input),
            Self::Confirm(confirm) => match input {
                Input::Key(Key {
                    code: KeyCode::Char('y') | KeyCode::Enter,
                    ..
                }) => Outcome::Act(confirm.action.clone()),
                Input::Key(Key {
                    code: KeyCode::Char('n' | 'q'),
                    ..
                }) => Outcome::Close,
                _ => Outcome::Stay,
            },
            Self::Messages { scroll } | Self::Alerts { scroll } => {
                let Input::Key(key) = input else {
                    return Outcome::Stay;
                };
                match key.code {
                    KeyCode::Char('j') | KeyCode::Down => *scroll = scroll.saturating_add(1),
                    KeyCode::Char('k') | KeyCode::Up => *scroll = scroll.saturating_sub(1),
                    _ => return Outcome::Close,
                }
                Outcome::Stay
            }
        }
    }

    /// The wheel moves; a click elsewhere than on a choice closes nothing.
    pub fn mouse(&mut self, mouse: Mouse) -> Outcome {
        let code = match mouse.kind {
            MouseKind::ScrollDown => KeyCode::Down,
            MouseKind::ScrollUp => KeyCode::Up,
            _ => return Outcome::Stay,
        };
        match self {
            Self::Chooser(_) | Self::Messages { .. } | Self::Alerts { .. } => {
                self.input(Input::Key(Key::plain(code)))
            }
            Self::Prompt(_) | Self::Confirm(_) => Outcome::Stay,
        }
    }
}
