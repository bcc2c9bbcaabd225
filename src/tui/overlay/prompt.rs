//! One line that is asked for, with completions where they are known.

use crossterm::event::KeyCode;
use semihv_domain::{RegionId, Tag, Target};

use super::Outcome;
use crate::action::Action;
use crate::app::{Msg, Tagging};
use crate::pane::Input;
use crate::text_edit::{TextEdit, Typed};

/// Completions shown at once.
pub const OFFERED: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Tag {
        tagging: Tagging,
        targets: Vec<Target>,
    },
    LayoutName,
    RegionName(RegionId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub purpose: Purpose,
    pub question: String,
    pub edit: TextEdit,
    known: Vec<String>,
    pub chosen: Option<usize>,
    pub trouble: Option<String>,
}

impl Prompt {
    pub fn new(purpose: Purpose, question: String) -> Self {
        Self {
            purpose,
            question,
            edit: TextEdit::default(),
            known: Vec::new(),
            chosen: None,
            trouble: None,
        }
    }

    /// Words that may be completed to, best first.
    pub fn know(&mut self, words: Vec<String>) {
        self.known = words;
    }

    /// The known words that hold what is typed.
    pub fn offered(&self) -> Vec<&str> {
        let typed = self.edit.text().trim().to_lowercase();
        let holds = |word: &&String| self.chosen.is_some() || word.contains(&typed);
        let words = self.known.iter().filter(holds);
        words.take(OFFERED).map(String::as_str).collect()
    }

    pub fn input(&mut self, input: Input) -> Outcome {
        let key = match input {
            Input::Paste(text) => {
                self.edit.insert(text.trim());
                return Outcome::Stay;
            }
            Input::Key(key) => key,
        };
        match key.code {
            KeyCode::Enter => return self.enter(),
            KeyCode::Tab | KeyCode::Down => self.choose(self.chosen.map_or(0, |at| at + 1)),
            KeyCode::BackTab | KeyCode::Up => {
                self.choose(self.chosen.map_or(0, |at| at.saturating_sub(1)));
            }
            _ => {
                if self.edit.key(key) == Typed::Changed {
                    self.chosen = None;
                    self.trouble = None;
                }
            }
        }
        Outcome::Stay
    }

    fn choose(&mut self, at: usize) {
        if self.chosen.is_none() {
            let narrowed: Vec<String> = self.offered().into_iter().map(str::to_owned).collect();
            if narrowed.is_empty() {
                return;
            }
            self.known = narrowed;
        }
        let at = at % self.known.len().max(1);
        if let Some(word) = self.known.get(at) {
            self.edit = TextEdit::new(word.clone());
            self.chosen = Some(at);
        }
    }

    fn enter(&mut self) -> Outcome {
        let text = self.edit.text().trim();
        match &self.purpose {
            Purpose::Tag { tagging, targets } => {
                let Some(tag) = Tag::parse(text) else {
                    let rule = "a tag has 1 to 40 letters, digits, - _ / or .";
                    self.trouble = Some(rule.to_owned());
                    return Outcome::Stay;
                };
                Outcome::Act(Box::new(Action::App(Msg::Tag {
                    tagging: *tagging,
                    targets: targets.clone(),
                    tag,
                })))
            }
            Purpose::LayoutName if text.is_empty() => {
                self.trouble = Some("a layout needs a name".to_owned());
                Outcome::Stay
            }
            // It keeps the name that it has.
            Purpose::RegionName(_) if text.is_empty() => Outcome::Close,
            Purpose::RegionName(region) => Outcome::Act(Box::new(Action::App(Msg::NameRegion {
                region: *region,
                label: text.to_owned(),
            }))),
            Purpose::LayoutName => {
                let name = text.chars().take(24).collect();
                Outcome::Act(Box::new(Action::App(Msg::LayoutSave(name))))
            }
        }
    }
}
