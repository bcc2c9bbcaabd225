//! The line in which a query is typed: completion under it, errors at their column.

use crossterm::event::KeyCode;
use semihv_domain::Failure;
use semihv_engine::CompletionItem;

use crate::pane::Input;
use crate::text_edit::{TextEdit, Typed};

/// What is wrong with the query, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Characters before the place, where the engine named one.
    pub column: Option<usize>,
    pub message: String,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Another text: its completions are not known yet.
    Changed,
    Kept,
    Closed,
    /// The query is to be asked.
    Apply(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLine {
    edit: TextEdit,
    /// What stood there before Tab put a completion in.
    typed: TextEdit,
    offered: Vec<CompletionItem>,
    chosen: Option<usize>,
    trouble: Option<Trouble>,
}

impl QueryLine {
    pub fn new(filter: &str) -> Self {
        let edit = if filter.is_empty() || filter.ends_with(' ') {
            TextEdit::new(filter)
        } else {
            TextEdit::new(format!("{filter} "))
        };
        Self {
            typed: edit.clone(),
            edit,
            offered: Vec::new(),
            chosen: None,
            trouble: None,
        }
    }

    pub fn text(&self) -> &str {
        self.edit.text()
    }

    pub fn column(&self) -> usize {
        self.edit.column()
    }

    pub fn edit(&self) -> &TextEdit {
        &self.edit
    }

    pub fn offered(&self) -> &[CompletionItem] {
        &self.offered
    }

    pub fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    pub fn offer(&mut self, found: Vec<CompletionItem>) {
        self.offered = found;
        self.chosen = None;
    }

    pub fn refuse(&mut self, failure: &Failure) {
        self.trouble = Some(trouble_of(failure));
    }

    pub fn input(&mut self, input: Input) -> Outcome {
        let key = match input {
            Input::Paste(text) => {
                let line = text.replace(['\n', '\r'], " ");
                return self.after(|edit| edit.insert(&line));
            }
            Input::Key(key) => key,
        };
        match key.code {
            KeyCode::Esc => Outcome::Closed,
            KeyCode::Enter => Outcome::Apply(self.edit.text().trim().to_owned()),
            KeyCode::Tab | KeyCode::Down => self.choose(Direction::Next),
            KeyCode::BackTab | KeyCode::Up => self.choose(Direction::Previous),
            _ => self.after(|edit| edit.key(key)),
        }
    }

    fn after(&mut self, change: impl FnOnce(&mut TextEdit) -> Typed) -> Outcome {
        let typed = change(&mut self.edit);
        if typed == Typed::Ignored {
            return Outcome::Kept;
        }
        if typed == Typed::Changed {
            self.trouble = None;
        }
        self.typed = self.edit.clone();
        self.chosen = None;
        Outcome::Changed
    }

    /// Puts the next offered completion in place of what was typed.
    fn choose(&mut self, direction: Direction) -> Outcome {
        let count = self.offered.len();
        if count == 0 {
            return Outcome::Kept;
        }
        let chosen = match (self.chosen, direction) {
            (None, Direction::Next) => 0,
            (None, Direction::Previous) => count - 1,
            (Some(at), Direction::Next) => (at + 1) % count,
            (Some(at), Direction::Previous) => (at + count - 1) % count,
        };
        if let Some(completion) = self.offered.get(chosen) {
            self.chosen = Some(chosen);
            self.edit = self.typed.clone();
            self.edit
                .replace(completion.from, completion.to, &completion.insert);
            self.trouble = None;
        }
        Outcome::Kept
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Next,
    Previous,
}

/// A query error reaches us as a failure that ends in `(column N)`, counted from 1.
fn trouble_of(failure: &Failure) -> Trouble {
    let place = failure
        .summary
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once(" (column "))
        .and_then(|(message, number)| Some((message, number.parse::<usize>().ok()?)));
    let (message, column) = match place {
        Some((message, number)) => (message, number.checked_sub(1)),
        None => (failure.summary.as_str(), None),
    };
    Trouble {
        column,
        message: message.to_owned(),
        hint: failure.hint.clone(),
    }
}

#[cfg(test)]
mod tests {
    use semihv_domain::{FailureKind, QueryError};

    use super::*;
    use crate::keys::Key;

    fn type_keys(line: &mut QueryLine, keys: &str) -> Outcome {
        let mut last = Outcome::Kept;
        for key in Key::parse_all(keys).unwrap() {
            last = line.input(Input::Key(key));
        }
        last
    }

    fn completion(insert: &str, from: usize, to: usize) -> CompletionItem {
        CompletionItem {
            insert: insert.to_owned(),
            about: String::new(),
            from,
            to,
        }
    }

    #[test]
    fn tab_goes_through_the_completions_in_place() {
        let mut line = QueryLine::new("");
        type_keys(&mut line, "mod");
        line.offer(vec![
            completion("modality:", 0, 3),
            completion("model:", 0, 3),
        ]);
        type_keys(&mut line, "<Tab>");
        assert_eq!(line.text(), "modality:");
        type_keys(&mut line, "<Tab>");
        assert_eq!(line.text(), "model:");
        assert_eq!(
            type_keys(&mut line, "b<Enter>"),
            Outcome::Apply("model:b".to_owned())
        );
    }

    #[test]
    fn an_error_stands_at_its_column() {
        let mut line = QueryLine::new("");
        type_keys(&mut line, "ct (");
        let error = QueryError {
            message: "this parenthesis is never closed".to_owned(),
            column: 3,
            hint: None,
        };
        line.refuse(&Failure::of("search", FailureKind::User, &error));
        let trouble = line.trouble().unwrap();
        assert_eq!(trouble.column, Some(3));
        assert_eq!(trouble.message, "this parenthesis is never closed");
        type_keys(&mut line, "x");
        assert_eq!(line.trouble(), None);
    }

    #[test]
    fn a_pasted_text_stays_on_one_line() {
        let mut line = QueryLine::new("");
        line.input(Input::Paste("a\nb".to_owned()));
        assert_eq!(line.text(), "a b");
    }
}
