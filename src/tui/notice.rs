//! What a pane shows when it has nothing to show: why, and the key that helps.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use semihv_domain::Failure;

use crate::pen::placeholder;
use crate::shared::{Glyphs, Shared};
use crate::theme::{Role, Theme};

/// Nothing belongs here yet: what would, and what brings it.
pub fn empty(what: &str, help: &str, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    placeholder(
        buffer,
        area,
        &[
            (what, theme.style(Role::Text)),
            ("", theme.style(Role::Text)),
            (help, theme.style(Role::Muted)),
        ],
    );
}

/// On its way. Nothing is drawn until it takes long enough to be noticed.
pub fn loading(what: &str, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(frame) = shared.spinner_frame else {
        return;
    };
    let frames = match shared.glyphs {
        Glyphs::Unicode => ["⠋", "⠙", "⠸", "⠴", "⠦", "⠇"],
        Glyphs::Ascii => ["-", "\\", "|", "/", "-", "|"],
    };
    let sign = frames
        .get(usize::from(frame) % frames.len())
        .copied()
        .unwrap_or_default();
    let text = format!("{sign} {what}");
    placeholder(buffer, area, &[(&text, theme.style(Role::Muted))]);
}

/// It failed: what, why, and what to do.
pub fn failed(failure: &Failure, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let causes: Vec<String> = failure
        .causes
        .iter()
        .map(|cause| format!("because {cause}"))
        .collect();
    let hint = failure
        .hint
        .clone()
        .unwrap_or_else(|| "Space r asks again.".to_owned());
    let mut lines = vec![(failure.summary.as_str(), theme.style(Role::Bad))];
    lines.extend(
        causes
            .iter()
            .map(|cause| (cause.as_str(), theme.style(Role::Text))),
    );
    lines.push(("", theme.style(Role::Text)));
    lines.push((hint.as_str(), theme.style(Role::Muted)));
    placeholder(buffer, area, &lines);
}
