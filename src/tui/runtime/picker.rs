//! The first screen when no workspace was found: the known ones, a new one, the demo.

use std::path::PathBuf;

use crossterm::event::{self, Event, KeyCode};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::Failure;

use super::screen::{Screen, report_panics};
use super::{Options, RunError};
use crate::backend::Settings;
use crate::keys::Key;
use crate::pen::Pen;
use crate::state::{Start, State};
use crate::theme::{Depth, Role, Theme};

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picked {
    Open(PathBuf),
    /// Make a workspace in the current folder.
    CreateHere,
    Demo,
    Quit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Picker {
    /// Words, explanation, outcome.
    choices: Vec<(String, String, Picked)>,
    cursor: usize,
}

impl Picker {
    fn new(workspaces: &[(String, PathBuf)]) -> Self {
        let known = workspaces.iter().map(|(name, path)| {
            let place = path.display().to_string();
            (name.clone(), place, Picked::Open(path.clone()))
        });
        let more = [
            (
                "Create a workspace here".to_owned(),
                "semihv init .".to_owned(),
                Picked::CreateHere,
            ),
            (
                "Look at the demo".to_owned(),
                "drawn phantoms, no network needed".to_owned(),
                Picked::Demo,
            ),
        ];
        Self {
            choices: known.chain(more).collect(),
            cursor: 0,
        }
    }

    /// The outcome, once a key decides.
    fn key(&mut self, key: Key) -> Option<Picked> {
        let last = self.choices.len().saturating_sub(1);
        match key.code {
            KeyCode::Char('j') | KeyCode::Down => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Char('k') | KeyCode::Up => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Enter => {
                let chosen = self.choices.get(self.cursor);
                return chosen.map(|(_, _, picked)| picked.clone());
            }
            KeyCode::Char('q') | KeyCode::Esc => return Some(Picked::Quit),
            _ => {}
        }
        None
    }

    fn view(&self, theme: &Theme, buffer: &mut Buffer) {
        let screen = *buffer.area();
        let area = Rect {
            x: screen.width / 10,
            y: screen.height / 6,
            width: screen.width - screen.width / 10,
            height: screen.height - screen.height / 6,
        };
        Pen::new(buffer, area, 0).text("semihv", theme.style(Role::Title));
        Pen::new(buffer, area, 1).text(
            "There is no workspace here or above. Choose one:",
            theme.style(Role::Muted),
        );
        let rows = usize::from(area.height.saturating_sub(5)).max(1);
        let first = (self.cursor + 1).saturating_sub(rows);
        let shown = self.choices.iter().zip(0..).skip(first).take(rows);
        for (line, ((words, place, _), at)) in (3..).zip(shown) {
            let role = if at == self.cursor {
                Role::Selection
            } else {
                Role::Text
            };
            let mut pen = Pen::new(buffer, area, line);
            pen.column(words, 28, theme.style(role));
            pen.skip(2).text(place, theme.style(Role::Muted));
        }
        let last = area.height.saturating_sub(1);
        Pen::new(buffer, area, last)
            .text("Enter", theme.style(Role::Key))
            .text(" open  ", theme.style(Role::Muted))
            .text("q", theme.style(Role::Key))
            .text(" leave", theme.style(Role::Muted));
    }
}

/// Asks which workspace to open.
pub fn pick(settings: &Settings, options: &Options) -> Result<Picked, Failure> {
    let terminal = |source| RunError::Terminal { source }.told();
    let mut picker = Picker::new(&settings.workspaces);
    let size = crossterm::terminal::size().unwrap_or((80, 24));
    let state = State::new(&Start {
        settings: settings.clone(),
        size,
        depth: Depth::of_environment(|name| std::env::var(name).ok()),
        is_light: None,
        is_read_only: false,
    });
    report_panics(options.reports.clone());
    let mut screen = Screen::take(size, false).map_err(terminal)?;
    loop {
        screen
            .draw(|buffer| picker.view(&state.look.theme, buffer), Vec::new)
            .map_err(terminal)?;
        match event::read().map_err(terminal)? {
            Event::Key(key) => {
                if let Some(picked) = Key::from_event(key).and_then(|key| picker.key(key)) {
                    return Ok(picked);
                }
            }
            Event::Resize(columns, rows) => {
                screen.forget((columns, rows));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{pane_text, theme};

    fn picker() -> Picker {
        Picker::new(&[("lungs".to_owned(), PathBuf::from("/data/lungs"))])
    }

    fn type_keys(keys: &str) -> Option<Picked> {
        let mut picker = picker();
        let keys = Key::parse_all(keys).unwrap();
        keys.into_iter().find_map(|key| picker.key(key))
    }

    #[test]
    fn a_known_workspace_is_opened() {
        assert_eq!(
            type_keys("<Enter>"),
            Some(Picked::Open(PathBuf::from("/data/lungs")))
        );
    }

    #[test]
    fn creating_and_the_demo_stand_below() {
        assert_eq!(type_keys("j<Enter>"), Some(Picked::CreateHere));
        assert_eq!(type_keys("jjjj<Enter>"), Some(Picked::Demo));
        assert_eq!(type_keys("q"), Some(Picked::Quit));
    }

    #[test]
    fn the_screen_at_80x24() {
        let area = Rect::new(0, 0, 80, 24);
        let text = pane_text(area, |_, _, buffer| picker().view(&theme(), buffer));
        insta::assert_snapshot!("picker_80x24", text);
    }

    #[test]
    fn any_size_is_drawn() {
        for (columns, rows) in [(1, 1), (2, 5), (30, 3)] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
            picker().view(&theme(), &mut buffer);
        }
    }
}
