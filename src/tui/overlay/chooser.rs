//! A list to choose a command from by typing parts of it: the palette, the help, layouts, themes.

use crossterm::event::KeyCode;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::Outcome;
use crate::pane::Input;
use crate::text_edit::{TextEdit, Typed};

/// A name that matches stands above all descriptions that do.
const NAME_FIRST: u32 = 1 << 16;

/// A command with the words that describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is run. One that ends in a blank waits for more to be typed.
    pub command: String,
    pub words: String,
    pub keys: String,
}

/// Whether what was typed may be a command that is not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freedom {
    /// `import medpix2 /data` is run as it stands.
    AnyCommand,
    ListedOnly,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chooser {
    pub title: &'static str,
    pub edit: TextEdit,
    choices: Vec<Choice>,
    /// Positions of the matching choices, best first.
    found: Vec<usize>,
    pub cursor: usize,
    freedom: Freedom,
    pub trouble: Option<String>,
}

impl Chooser {
    pub fn new(title: &'static str, choices: Vec<Choice>, freedom: Freedom) -> Self {
        Self {
            title,
            edit: TextEdit::default(),
            found: (0..choices.len()).collect(),
            choices,
            cursor: 0,
            freedom,
            trouble: None,
        }
    }

    /// The matching choices, best first.
    pub fn found(&self) -> impl ExactSizeIterator<Item = &Choice> {
        static NONE: Choice = Choice {
            command: String::new(),
            words: String::new(),
            keys: String::new(),
        };
        self.found
            .iter()
            .map(|at| self.choices.get(*at).unwrap_or(&NONE))
    }

    fn chosen(&self) -> Option<&Choice> {
        let at = self.found.get(self.cursor)?;
        self.choices.get(*at)
    }

    pub fn input(&mut self, input: Input) -> Outcome {
        let key = match input {
            Input::Paste(text) => {
                self.edit.insert(&text.replace(['\n', '\r'], " "));
                self.search();
                return Outcome::Stay;
            }
            Input::Key(key) => key,
        };
        let last = self.found.len().saturating_sub(1);
        match key.code {
            KeyCode::Enter => return self.enter(),
            KeyCode::Down => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Up => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::PageDown => self.cursor = (self.cursor + 10).min(last),
            KeyCode::PageUp => self.cursor = self.cursor.saturating_sub(10),
            KeyCode::Tab => self.take(),
            KeyCode::Backspace if self.edit.is_empty() => return Outcome::Close,
            _ => {
                if self.edit.key(key) == Typed::Changed {
                    self.search();
                }
            }
        }
        Outcome::Stay
    }

    /// Puts the choice into the line, to be completed by hand.
    fn take(&mut self) {
        if let Some(choice) = self.chosen() {
            self.edit = TextEdit::new(choice.command.clone());
            self.search();
        }
    }

    fn enter(&mut self) -> Outcome {
        let typed = self.edit.text().trim();
        let has_argument = typed.contains(' ');
        if self.freedom == Freedom::AnyCommand && has_argument {
            return Outcome::Run(typed.to_owned());
        }
        match self.chosen() {
            Some(choice) if choice.command.ends_with(' ') => {
                self.take();
                Outcome::Stay
            }
            Some(choice) => Outcome::Run(choice.command.clone()),
            None if self.freedom == Freedom::AnyCommand && !typed.is_empty() => {
                Outcome::Run(typed.to_owned())
            }
            None => Outcome::Stay,
        }
    }

    fn search(&mut self) {
        self.trouble = None;
        self.cursor = 0;
        let pattern = Pattern::parse(
            self.edit.text().trim(),
            CaseMatching::Ignore,
            Normalization::Smart,
        );
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut letters = Vec::new();
        let mut ranked: Vec<(u32, usize)> = self
            .choices
            .iter()
            .enumerate()
            .filter_map(|(at, choice)| {
                let name = Utf32Str::new(&choice.command, &mut letters);
                if let Some(score) = pattern.score(name, &mut matcher) {
                    return Some((score.saturating_add(NAME_FIRST), at));
                }
                let text = format!("{} {}", choice.command, choice.words);
                let score = pattern.score(Utf32Str::new(&text, &mut letters), &mut matcher)?;
                Some((score, at))
            })
            .collect();
        ranked.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
        self.found = ranked.into_iter().map(|(_, at)| at).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Key;

    fn chooser(freedom: Freedom) -> Chooser {
        let choice = |command: &str, words: &str| Choice {
            command: command.to_owned(),
            words: words.to_owned(),
            keys: String::new(),
        };
        let choices = vec![
            choice("quit", "Leave"),
            choice("theme light", "Light theme"),
            choice("import ", "Import KIND PATH"),
        ];
        Chooser::new("commands", choices, freedom)
    }

    #[track_caller]
    fn check(freedom: Freedom, keys: &str, expected: Outcome) {
        let mut chooser = chooser(freedom);
        let mut outcome = Outcome::Stay;
        for key in Key::parse_all(keys).unwrap() {
            outcome = chooser.input(Input::Key(key));
        }
        assert_eq!(outcome, expected);
    }

    #[test]
    fn some_letters_find_the_command() {
        check(
            Freedom::AnyCommand,
            "thlig<Enter>",
            Outcome::Run("theme light".to_owned()),
        );
    }

    #[test]
    fn a_command_with_arguments_runs_as_typed() {
        let line = "import medpix2 /data";
        let keys = line.replace(' ', "<Space>") + "<Enter>";
        check(Freedom::AnyCommand, &keys, Outcome::Run(line.to_owned()));
    }

    #[test]
    fn a_choice_that_needs_more_is_put_into_the_line() {
        let mut chooser = chooser(Freedom::AnyCommand);
        for key in Key::parse_all("imp<Enter>").unwrap() {
            chooser.input(Input::Key(key));
        }
        assert_eq!(chooser.edit.text(), "import ");
    }

    #[test]
    fn what_is_not_listed_is_not_run() {
        check(Freedom::ListedOnly, "zzz<Enter>", Outcome::Stay);
    }
}
