//! Drawing of the image pane: the picture, below it one line of caption and one of regions; or
//! words that say why there is no picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::{Failure, Image, ImageState, printable_line};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{State, shown};
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Below this many rows the caption goes before the picture does.
const ROWS_FOR_CAPTION: u16 = 4;
const ROWS_FOR_REGIONS: u16 = 6;

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    let page = Page {
        shared,
        theme,
        area,
    };
    match &shared.case {
        Load::Empty => page.words(
            &[
                (Role::Strong, "No case is selected"),
                (Role::Muted, "Choose one among the cases or questions."),
            ],
            buffer,
        ),
        Load::Failed(failure) => page.failure(failure, buffer),
        Load::Loading { stale: None } => page.loading("the case", buffer),
        Load::Ready(detail)
        | Load::Loading {
            stale: Some(detail),
        } => match shown(shared) {
            Some((image, _)) => page.image(state, image, &detail.case.language, buffer),
            None if detail.images.is_empty() && shared.selection.case == Some(detail.case.id) => {
                page.words(
                    &[
                        (Role::Strong, "This case has no picture"),
                        (Role::Muted, "Its source lists none."),
                    ],
                    buffer,
                );
            }
            None => page.loading("the case", buffer),
        },
    }
}

/// What is left for the picture inside of the pane.
pub(super) fn picture_area(image: &Image, area: Rect) -> Rect {
    Rect {
        height: area.height - footer_rows(image, area.height),
        ..area
    }
}

fn footer_rows(image: &Image, rows: u16) -> u16 {
    let caption = u16::from(rows >= ROWS_FOR_CAPTION);
    let regions = u16::from(rows >= ROWS_FOR_REGIONS && !image.regions.is_empty());
    caption + regions
}

/// In the case's language where there is one, else the first.
pub(super) fn caption<'a>(image: &'a Image, language: &str) -> Option<&'a str> {
    let captions = &image.captions;
    let own = captions.iter().find(|caption| caption.language == language);
    own.or(captions.first())
        .map(|caption| caption.text.as_str())
        .filter(|text| !text.trim().is_empty())
}

struct Page<'a> {
    shared: &'a Shared,
    theme: &'a Theme,
    area: Rect,
}

impl Page<'_> {
    fn image(&self, state: &State, image: &Image, language: &str, buffer: &mut Buffer) {
        let upper = Page {
            area: picture_area(image, self.area),
            ..*self
        };
        upper.picture(state, image, buffer);
        let mut row = upper.area.bottom();
        if row < self.area.bottom() {
            self.caption_line(image, language, row, buffer);
            row += 1;
        }
        if row < self.area.bottom() {
            self.region_line(state, image, row, buffer);
        }
    }

    fn picture(&self, state: &State, image: &Image, buffer: &mut Buffer) {
        let location = printable_line(&image.location);
        match &image.state {
            ImageState::Missing => self.words(
                &[
                    (Role::Warn, "The picture's file is missing"),
                    (Role::Text, &location),
                    (Role::Muted, "Put it back and import its source again."),
                ],
                buffer,
            ),
            ImageState::Unreadable { reason } => self.words(
                &[
                    (Role::Bad, "The picture cannot be read"),
                    (Role::Text, &printable_line(reason)),
                    (Role::Muted, &location),
                ],
                buffer,
            ),
            ImageState::Unchecked | ImageState::Readable { .. } => {
                self.prepared(state, image, buffer);
            }
        }
    }

    fn prepared(&self, state: &State, image: &Image, buffer: &mut Buffer) {
        match &state.picture {
            Load::Failed(failure) => self.failure(failure, buffer),
            Load::Ready(picture)
            | Load::Loading {
                stale: Some(picture),
            } => {
                let is_hidden = state.is_covered && picture.lies_over_text();
                if is_hidden || !picture.draw(self.area, buffer) {
                    let key = printable_line(&image.key);
                    let rows = [
                        (Role::Strong, &*key),
                        (Role::Muted, picture.description.as_str()),
                    ];
                    self.words(&rows, buffer);
                }
            }
            Load::Empty | Load::Loading { stale: None } => self.loading("the picture", buffer),
        }
    }

    /// `img-2 · Axial CT with a nodule in the right upper lobe`.
    fn caption_line(&self, image: &Image, language: &str, row: u16, buffer: &mut Buffer) {
        let width = usize::from(self.area.width.saturating_sub(2));
        let key = self.shortened(&printable_line(&image.key), width);
        let left = self.area.x + 1;
        self.put((left, row), &key, Role::Strong, buffer);
        let Some(caption) = caption(image, language) else {
            return;
        };
        let used = key.width() + 3;
        if used < width {
            let caption = self.shortened(&printable_line(caption), width - used);
            let after = left + key.width() as u16;
            self.put((after, row), " · ", Role::Muted, buffer);
            self.put((after + 3, row), &caption, Role::Text, buffer);
        }
    }

    /// `2 of 3 regions · nodule · by a radiologist`.
    fn region_line(&self, state: &State, image: &Image, row: u16, buffer: &mut Buffer) {
        let count = image.regions.len();
        let counted = |shown: &str| {
            let noun = if count == 1 { "region" } else { "regions" };
            format!("{shown}{count} {noun}")
        };
        let marked = self
            .shared
            .selection
            .region
            .and_then(|region| Some((region, image.regions.get(region)?)));
        let text = match marked {
            _ if state.hides_regions => counted("") + " · hidden",
            Some((position, region)) => format!(
                "{} · {} · by {}",
                counted(&format!("{} of ", position + 1)),
                region.label,
                region.author
            ),
            None => {
                let labels: Vec<&str> = image
                    .regions
                    .iter()
                    .map(|region| region.label.as_str())
                    .take(8)
                    .collect();
                format!("{} · {}", counted(""), labels.join(", "))
            }
        };
        let width = usize::from(self.area.width.saturating_sub(2));
        let text = self.shortened(&printable_line(&text), width);
        let role = if state.hides_regions {
            Role::Muted
        } else {
            Role::Region
        };
        self.put((self.area.x + 1, row), &text, role, buffer);
    }

    fn failure(&self, failure: &Failure, buffer: &mut Buffer) {
        let cause = failure.causes.first().map(|cause| printable_line(cause));
        let hint = failure.hint.as_deref().map(printable_line);
        let summary = sentence(&printable_line(&failure.summary));
        let mut rows = vec![(Role::Bad, summary.as_str())];
        rows.extend(cause.as_deref().map(|cause| (Role::Text, cause)));
        rows.extend(hint.as_deref().map(|hint| (Role::Muted, hint)));
        self.words(&rows, buffer);
    }

    /// Nothing for the first moment: a word that flashes by is noise.
    fn loading(&self, what: &str, buffer: &mut Buffer) {
        if self.shared.spinner_frame.is_some() {
            let text = match self.shared.glyphs {
                Glyphs::Unicode => format!("reading {what} …"),
                Glyphs::Ascii => format!("reading {what} ..."),
            };
            self.words(&[(Role::Muted, text.as_str())], buffer);
        }
    }

    /// Lines in the middle of the area, long ones over several rows.
    fn words(&self, rows: &[(Role, &str)], buffer: &mut Buffer) {
        let width = usize::from(self.area.width.saturating_sub(4));
        if width == 0 {
            return;
        }
        let lines: Vec<(Role, String)> = rows
            .iter()
            .flat_map(|&(role, text)| {
                wrapped(text, width)
                    .into_iter()
                    .map(move |line| (role, line))
            })
            .collect();
        let height = usize::from(self.area.height);
        let top = self.area.y + (height.saturating_sub(lines.len()) / 2) as u16;
        for (row, (role, line)) in (top..self.area.bottom()).zip(&lines) {
            let left = (usize::from(self.area.width).saturating_sub(line.width()) / 2) as u16;
            self.put((self.area.x + left, row), line, *role, buffer);
        }
    }

    fn put(&self, (x, y): (u16, u16), text: &str, role: Role, buffer: &mut Buffer) {
        let room = self.area.right().saturating_sub(x);
        let style: Style = self.theme.style(role);
        buffer.set_stringn(x, y, text, usize::from(room), style);
    }

    fn shortened(&self, text: &str, width: usize) -> String {
        if text.width() <= width {
            return text.to_owned();
        }
        let end = match self.shared.glyphs {
            Glyphs::Unicode => "…",
            Glyphs::Ascii => "...",
        };
        let mut kept = prefix(text, width.saturating_sub(end.width())).to_owned();
        kept.push_str(end);
        kept
    }
}

/// Errors begin in lower case so that they can be joined; a line on the screen does not.
fn sentence(said: &str) -> String {
    let mut characters = said.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// The longest beginning of `text` that is not wider than `width`.
fn prefix(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        used += character.width().unwrap_or(0);
        (used > width).then_some(at)
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Breaks at blanks, and inside of words that are wider than a line.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word;
        loop {
            let Some(line) = lines.last_mut() else {
                return lines;
            };
            let gap = usize::from(!line.is_empty());
            if line.width() + gap + word.width() <= width {
                line.push_str(if gap == 1 { " " } else { "" });
                line.push_str(word);
                break;
            }
            if line.is_empty() {
                let head = prefix(word, width);
                if head.is_empty() {
                    break;
                }
                line.push_str(head);
                word = word.get(head.len()..).unwrap_or_default();
            }
            lines.push(String::new());
        }
    }
    lines
}
