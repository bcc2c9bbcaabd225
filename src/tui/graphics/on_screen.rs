//! What the terminal still holds of our pictures, so that it is removed in time.
//!
//! Cells forget a picture when they are written again; kitty's pictures do not. After each frame
//! this is told which picture the frame shows and answers with the bytes that make it so.

use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::drawing::Kind;
use super::kitty::{ImageNumber, Wrap};
use crate::picture::Picture;

/// A picture and the cells it covers in this frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    pub picture: Arc<Picture>,
    pub place: Rect,
}

/// The pictures that the terminal keeps for us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnScreen {
    direct: Option<(ImageNumber, Position)>,
    placeholders: Option<(ImageNumber, Wrap)>,
    /// The screen was cleared: what the terminal still holds is not known.
    is_doubtful: bool,
}

impl OnScreen {
    /// The bytes to be written after the frame, inside the same synchronized update. Empty for
    /// every frame that changes no picture.
    pub fn after_draw(&mut self, placement: Option<&Placement>) -> Vec<u8> {
        let mut bytes = Vec::new();
        match placement.map(|placement| (&*placement.picture.drawing.0, placement.place)) {
            Some((Kind::Direct { number, sequence }, place)) => {
                self.drop_placeholders(&mut bytes);
                self.show_direct(*number, sequence, place.as_position(), &mut bytes);
            }
            Some((
                Kind::Placeholders {
                    number,
                    sequence,
                    wrap,
                    ..
                },
                _,
            )) => {
                self.drop_direct(&mut bytes);
                self.keep_placeholders(*number, sequence, *wrap, &mut bytes);
            }
            Some(_) => {
                self.drop_direct(&mut bytes);
                self.drop_placeholders(&mut bytes);
            }
            // Placeholders went with their cells; the terminal keeps the picture for the moment
            // when nothing covers it any more.
            None => self.drop_direct(&mut bytes),
        }
        bytes
    }

    /// The screen was cleared or given back: what lay over it is gone.
    pub fn screen_was_cleared(&mut self) {
        self.direct = None;
        self.is_doubtful = true;
    }

    /// Removes everything, before the terminal is given back.
    pub fn leave(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.drop_direct(&mut bytes);
        self.drop_placeholders(&mut bytes);
        bytes
    }

    fn show_direct(
        &mut self,
        number: ImageNumber,
        sequence: &[u8],
        at: Position,
        bytes: &mut Vec<u8>,
    ) {
        if self.direct == Some((number, at)) {
            return;
        }
        self.drop_direct(bytes);
        // Save the cursor, go to the corner, show, and come back.
        bytes.extend_from_slice(format!("\x1b7\x1b[{};{}H", at.y + 1, at.x + 1).as_bytes());
        bytes.extend_from_slice(sequence);
        bytes.extend_from_slice(b"\x1b8");
        self.direct = Some((number, at));
    }

    /// The picture that placeholder cells name is sent once.
    fn keep_placeholders(
        &mut self,
        number: ImageNumber,
        sequence: &[u8],
        wrap: Wrap,
        bytes: &mut Vec<u8>,
    ) {
        let is_kept = self.placeholders.is_some_and(|(kept, _)| kept == number);
        if is_kept && !self.is_doubtful {
            return;
        }
        if !is_kept {
            self.drop_placeholders(bytes);
        }
        bytes.extend_from_slice(sequence);
        self.placeholders = Some((number, wrap));
        self.is_doubtful = false;
    }

    fn drop_direct(&mut self, bytes: &mut Vec<u8>) {
        if let Some((number, _)) = self.direct.take() {
            bytes.extend(number.deletion(Wrap::Plain));
        }
    }

    fn drop_placeholders(&mut self, bytes: &mut Vec<u8>) {
        if let Some((number, wrap)) = self.placeholders.take() {
            bytes.extend(number.deletion(wrap));
        }
    }
}

#[cfg(test)]
mod tests {
    use semihv_terminal::{ColourDepth, Placement as KittyPlacement, Protocol};

    use super::*;
    use crate::graphics::prepare::tests::prepared;

    fn placement(shade: u8, protocol: Protocol, x: u16) -> Placement {
        let picture = Arc::new(prepared(shade, protocol, ColourDepth::True));
        let place = Rect::new(x, 2, picture.columns, picture.rows);
        Placement { picture, place }
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    const DIRECT: Protocol = Protocol::Kitty(KittyPlacement::Direct);
    const PLACED: Protocol = Protocol::Kitty(KittyPlacement::Placeholders);

    #[test]
    fn a_picture_is_sent_once_while_nothing_changes() {
        let mut screen = OnScreen::default();
        let shown = placement(10, DIRECT, 4);
        let sent = text(&screen.after_draw(Some(&shown)));
        assert!(sent.starts_with("\x1b7\x1b[3;5H\x1b_Ga=T,f=100,i="));
        assert!(sent.ends_with("\x1b\\\x1b8"));
        assert!(screen.after_draw(Some(&shown)).is_empty());
    }

    #[test]
    fn a_picture_that_moves_or_changes_replaces_the_old_one() {
        let mut screen = OnScreen::default();
        screen.after_draw(Some(&placement(10, DIRECT, 4)));
        let moved = text(&screen.after_draw(Some(&placement(10, DIRECT, 5))));
        assert!(moved.starts_with("\x1b_Ga=d,d=I,i="));
        assert!(moved.contains("\x1b[3;6H"));
        let changed = text(&screen.after_draw(Some(&placement(20, DIRECT, 5))));
        assert!(changed.starts_with("\x1b_Ga=d,d=I,i="));
    }

    #[test]
    fn a_covered_picture_is_taken_away_and_sent_again() {
        let mut screen = OnScreen::default();
        let shown = placement(10, DIRECT, 4);
        screen.after_draw(Some(&shown));
        assert!(text(&screen.after_draw(None)).starts_with("\x1b_Ga=d,d=I,i="));
        assert!(screen.after_draw(None).is_empty());
        assert!(!screen.after_draw(Some(&shown)).is_empty());
    }

    #[test]
    fn a_cleared_screen_shows_the_picture_again() {
        let mut screen = OnScreen::default();
        let shown = placement(10, DIRECT, 4);
        screen.after_draw(Some(&shown));
        screen.screen_was_cleared();
        assert!(text(&screen.after_draw(Some(&shown))).contains("a=T"));
    }

    #[test]
    fn placeholders_are_sent_once_and_forgotten_only_for_another_picture() {
        let mut screen = OnScreen::default();
        let first = placement(10, PLACED, 4);
        assert!(text(&screen.after_draw(Some(&first))).starts_with("\x1b_Ga=T,f=100,i="));
        assert!(screen.after_draw(None).is_empty());
        assert!(screen.after_draw(Some(&first)).is_empty());
        let second = placement(20, PLACED, 4);
        let other = text(&screen.after_draw(Some(&second)));
        assert!(other.starts_with("\x1b_Ga=d,d=I,i=") && other.contains("a=T"));
    }

    #[test]
    fn a_cleared_screen_gets_its_placeholders_picture_again() {
        let mut screen = OnScreen::default();
        let shown = placement(10, PLACED, 4);
        screen.after_draw(Some(&shown));
        screen.screen_was_cleared();
        assert!(text(&screen.after_draw(Some(&shown))).starts_with("\x1b_Ga=T"));
        assert!(screen.after_draw(Some(&shown)).is_empty());
    }

    #[test]
    fn nothing_is_left_behind() {
        for protocol in [DIRECT, PLACED] {
            let mut screen = OnScreen::default();
            screen.after_draw(Some(&placement(10, protocol, 4)));
            assert!(text(&screen.leave()).starts_with("\x1b_Ga=d,d=I,i="));
            assert!(screen.leave().is_empty());
        }
    }

    #[test]
    fn half_blocks_need_nothing_after_the_frame() {
        let mut screen = OnScreen::default();
        let shown = placement(10, Protocol::Halfblocks, 4);
        assert!(screen.after_draw(Some(&shown)).is_empty());
        assert!(screen.leave().is_empty());
    }
}
