//! What the terminal is told beside the frames: texts that are copied, and that something is wrong.

use semihv_engine::AlertSignal;

use super::Workbench;
use crate::action::Action;
use crate::runtime::clipboard::{self, Between};
use crate::runtime::signal;

impl Workbench {
    pub(super) fn copy(&mut self, text: String) {
        let between = Between::of_environment(|name| std::env::var(name).ok());
        let sequence = clipboard::sequence(&text, between);
        if let Some(Err(error)) = sequence.as_ref().map(|bytes| self.screen.write(bytes)) {
            return self.lost(&error);
        }
        self.tell(move |backend| {
            let characters = text.chars().count();
            let is_in_tmux = between == Between::Tmux && clipboard::load_tmux_buffer(&text);
            let kept = backend.keep_copied(&text);
            let mut places = Vec::new();
            if sequence.is_some() {
                places.push("the terminal's clipboard".to_owned());
            }
            if is_in_tmux {
                places.push("tmux".to_owned());
            }
            places.extend(kept.as_ref().ok().cloned());
            Action::Copied(match (places.is_empty(), kept) {
                (true, Err(failure)) => Err(failure),
                _ => Ok(format!(
                    "{characters} characters copied to {}",
                    places.join(", ")
                )),
            })
        });
    }

    pub(super) fn signal(&mut self, signal: AlertSignal, words: &str) {
        let between = Between::of_environment(|name| std::env::var(name).ok());
        if let Err(error) = self.screen.write(&signal::sequence(signal, words, between)) {
            self.lost(&error);
        }
    }
}
