//! A recipe's values in one line, with the exact command that they make.

use std::collections::BTreeMap;

use semihv_domain::{Failure, FailureKind};
use semihv_engine::{LaunchSpec, RecipeView};

use crate::job_line;
use crate::keys::Key;
use crate::pane::Input;
use crate::shared::Load;
use crate::text_edit::TextEdit;

#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) recipe: String,
    /// Which of the recipes, and how many there are.
    pub(super) at: usize,
    pub(super) line: TextEdit,
    /// What was typed for the other recipes: going to one and back loses nothing.
    typed: BTreeMap<String, String>,
    /// The command and what to know before.
    pub(super) planned: Load<(String, Vec<String>)>,
    /// Enter was pressed before the plan came.
    pub(super) is_waiting: bool,
}

pub(super) enum Typed {
    Nothing,
    Changed,
    Left,
    Launch(LaunchSpec),
}

impl Form {
    pub(super) fn new(recipes: &[RecipeView], at: usize) -> Self {
        let recipe = recipes.get(at);
        let values = recipe.map(|recipe| recipe.values.iter().map(|it| quoted(it)));
        let line: Vec<String> = values.into_iter().flatten().collect();
        Self {
            recipe: recipe.map(|recipe| recipe.name.clone()).unwrap_or_default(),
            at,
            line: TextEdit::new(line.join(" ")),
            typed: BTreeMap::new(),
            planned: Load::Empty,
            is_waiting: false,
        }
    }

    pub(super) fn spec(&self) -> Result<LaunchSpec, Failure> {
        let given = job_line::words(self.line.text())
            .map_err(|error| Failure::of("run", FailureKind::User, &error))?;
        Ok(LaunchSpec {
            recipe: self.recipe.clone(),
            given,
            ..LaunchSpec::default()
        })
    }

    fn go_to(&mut self, recipes: &[RecipeView], at: usize) {
        let mut typed = std::mem::take(&mut self.typed);
        typed.insert(self.recipe.clone(), self.line.text().to_owned());
        *self = Self::new(recipes, at);
        if let Some(before) = typed.get(&self.recipe) {
            self.line = TextEdit::new(before.clone());
        }
        self.typed = typed;
    }

    /// What is wanted, once it is known to be right; what is refused says why above the line.
    pub(super) fn launched(&mut self) -> Option<LaunchSpec> {
        let is_ready = matches!(self.planned, Load::Ready(_));
        if matches!(self.planned, Load::Failed(_)) {
            self.is_waiting = false;
        }
        (is_ready && self.is_waiting)
            .then(|| self.spec().ok())
            .flatten()
    }

    pub(super) fn typed(&mut self, input: Input, recipes: &[RecipeView]) -> Typed {
        let before = self.line.text().to_owned();
        match input {
            Input::Key(Key::ESC) => return Typed::Left,
            Input::Key(Key::ENTER) => {
                self.is_waiting = true;
                return self.launched().map_or(Typed::Nothing, Typed::Launch);
            }
            Input::Key(key @ (Key::UP | Key::DOWN)) => {
                let count = recipes.len().max(1);
                let by = if key == Key::UP { count - 1 } else { 1 };
                self.go_to(recipes, (self.at + by) % count);
                return Typed::Changed;
            }
            Input::Key(key) => {
                self.line.key(key);
            }
            Input::Paste(text) => {
                self.line.insert(&text.replace('\n', " "));
            }
        }
        self.is_waiting = false;
        if self.line.text() == before {
            Typed::Nothing
        } else {
            Typed::Changed
        }
    }
}

/// As the line's words are read.
fn quoted(value: &str) -> String {
    let is_plain = |it: char| !it.is_whitespace() && !"\"'\\".contains(it);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}
