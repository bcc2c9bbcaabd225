//! Drawing of the image pane: the picture, below it one line of caption and one of regions; or
//! words that say why there is no picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::{Failure, Image, ImageState, Region, printable_line};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{State, beside, readout, shown};
use crate::picture::Regions;
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Below this many rows the caption goes before the picture does.
const ROWS_FOR_CAPTION: u16 = 4;
const ROWS_FOR_REGIONS: u16 = 6;
const ROWS_FOR_NAMES: u16 = 8;
/// More names of regions find no room in a line.
const MOST_NAMES: usize = 12;
/// Below this many columns the picture needs them all.
const COLUMNS_FOR_SIDES: u16 = 24;
/// What keys do while something is drawn.
const DRAWING_ENDS: &str = "Enter keeps it · Esc leaves it";
const DRAWING_KEYS: &str = "hjkl move · HJKL size · f fine steps";
/// How the names of files end that hold more than eight bits.
const SCANS: [&str; 7] = [".dcm", ".nii", ".nii.gz", ".hdr", ".img", ".npy", ".ima"];

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
pub(super) fn picture_area(state: &State, shared: &Shared, image: &Image, area: Rect) -> Rect {
    let footer = Footer::of(state, image, area.height).rows();
    // Above several pictures stand their names.
    let is_several = state.company.is_several() || shared.hits_of_selection().next().is_some();
    let names = u16::from(is_several && area.height >= ROWS_FOR_NAMES);
    let height = area.height - footer - names;
    // A column at either side for the letters of the patient's sides.
    let margin = u16::from(is_scan(state, image) && area.width >= COLUMNS_FOR_SIDES);
    Rect {
        x: area.x + margin,
        y: area.y + names,
        width: area.width - 2 * margin,
        height,
    }
}

/// The lines below the picture.
struct Footer {
    has_look: bool,
    has_histogram: bool,
    has_caption: bool,
    has_regions: bool,
}

impl Footer {
    fn of(state: &State, image: &Image, rows: u16) -> Self {
        Self {
            has_look: rows >= ROWS_FOR_CAPTION
                && (is_scan(state, image)
                    || state.pointer.is_some()
                    || state.drawing.is_some()
                    || state.company.lays_over()),
            has_histogram: rows >= ROWS_FOR_NAMES && state.has_histogram,
            has_caption: rows >= ROWS_FOR_CAPTION,
            has_regions: rows >= ROWS_FOR_REGIONS && !image.regions.is_empty(),
        }
    }

    fn rows(&self) -> u16 {
        [
            self.has_look,
            self.has_histogram,
            self.has_caption,
            self.has_regions,
        ]
        .into_iter()
        .map(u16::from)
        .sum()
    }
}

/// Whether there is more to be said than of a photograph: by its name, until it was seen.
fn is_scan(state: &State, image: &Image) -> bool {
    let picture = state.picture.value();
    if let Some(picture) = picture.filter(|picture| picture.request.image == image.id) {
        let is_plain = picture.seen.slices < 2 && picture.seen.window.is_none();
        return !is_plain || picture.look.is_changed();
    }
    let name = image.location.to_lowercase();
    SCANS.iter().any(|end| name.ends_with(end))
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
            area: picture_area(state, self.shared, image, self.area),
            ..*self
        };
        upper.picture(state, image, buffer);
        self.sides(state, image, upper.area, buffer);
        self.names(state, image, upper.area, buffer);
        let footer = Footer::of(state, image, self.area.height);
        let mut row = upper.area.bottom();
        if footer.has_look {
            self.look_line(state, image, row, buffer);
            row += 1;
        }
        if footer.has_histogram {
            self.histogram(state, image, row, buffer);
            row += 1;
        }
        if footer.has_caption {
            self.caption_line(image, language, row, buffer);
            row += 1;
        }
        if footer.has_regions {
            self.region_line(state, image, row, buffer);
        }
    }

    /// Above each column of pictures the names of those in it.
    fn names(&self, state: &State, image: &Image, picture: Rect, buffer: &mut Buffer) {
        let shown = state.picture.value();
        let shown = shown.filter(|shown| shown.request.image == image.id);
        let Some(shown) = shown.filter(|_| picture.y > self.area.y) else {
            return;
        };
        let names = beside::names(state, self.shared, shown);
        let width = picture.width / names.len().max(1) as u16;
        for (at, name) in (0_u16..).zip(&names) {
            let role = if at == 0 { Role::Strong } else { Role::Muted };
            let room = usize::from(width.saturating_sub(1));
            let name = self.shortened(&printable_line(name), room);
            self.put((picture.x + at * width, self.area.y), &name, role, buffer);
        }
    }

    /// The patient's sides: left and right in the middle of the margins, top and bottom at the ends
    /// of the left one.
    fn sides(&self, state: &State, image: &Image, picture: Rect, buffer: &mut Buffer) {
        let Some(shown) = state.picture.value() else {
            return;
        };
        let has_margin = picture.x > self.area.x && picture.height >= 3;
        let is_of_image = shown.request.image == image.id;
        // Several pictures may lie each in its own way.
        let is_alone = shown.beside.is_empty();
        let marks = shown.seen.geometry.marks(shown.look.place.cut);
        let marks = marks.filter(|_| is_alone);
        let Some(marks) = marks.filter(|_| has_margin && is_of_image) else {
            return;
        };
        let [left, right, top, bottom] = shown.look.turn.marks(marks);
        let middle = picture.y + picture.height / 2;
        let (near, far) = (self.area.x, self.area.right().saturating_sub(1));
        for (place, side) in [
            ((near, middle), left),
            ((far, middle), right),
            ((near, picture.y), top),
            ((near, picture.bottom() - 1), bottom),
        ] {
            self.put(place, side.encode_utf8(&mut [0; 4]), Role::Strong, buffer);
        }
    }

    /// `axial 42/96 ··•··▲··•·· W 1500 L -600 lung`; with a pointer, the value under it first.
    fn look_line(&self, state: &State, image: &Image, row: u16, buffer: &mut Buffer) {
        let Some(picture) = state
            .picture
            .value()
            .filter(|shown| shown.request.image == image.id)
        else {
            return;
        };
        let width = usize::from(self.area.width.saturating_sub(2));
        if let Some(drawing) = &state.drawing {
            let measured = readout::measured(picture);
            let measured = measured.map(|it| format!(" · {it}")).unwrap_or_default();
            let said = drawing.said();
            let text = format!("{said} · {DRAWING_ENDS}{measured} · {DRAWING_KEYS}");
            let text = self.shortened(&text, width);
            return self.put((self.area.x + 1, row), &text, Role::Accent, buffer);
        }
        let mut looked = readout::looked(picture);
        // The value that lies over the pointer says more than the ends of all values.
        if state.company.lays_over() && state.pointer.is_none() {
            looked = readout::with_over(looked, picture);
        }
        let right = self.shortened(&printable_line(&looked), width);
        let room = width.saturating_sub(right.width() + 2);
        // The value under the pointer stands where the strip is otherwise.
        let left = match state.pointer {
            Some(pixel) => self.shortened(&readout::pointed(picture, pixel), room),
            None => readout::strip(picture, room, self.shared.glyphs),
        };
        let start = self.area.x + 1;
        let fits = left.width() + right.width() + 2 <= width;
        if fits {
            self.put((start, row), &left, Role::Accent, buffer);
        }
        let end = start + (width - right.width()) as u16;
        self.put((end, row), &right, Role::Text, buffer);
    }

    /// `-1024 ▁▁▂▅█▃▁ 1167 HU`, what lies in the window brighter than what does not.
    fn histogram(&self, state: &State, image: &Image, row: u16, buffer: &mut Buffer) {
        let shown = state.picture.value();
        let shown = shown.filter(|shown| shown.request.image == image.id);
        let width = usize::from(self.area.width.saturating_sub(2));
        let start = self.area.x + 1;
        let found =
            shown.and_then(|picture| readout::histogram(picture, width, self.shared.glyphs));
        let Some(readout::Histogram { low, bars, high }) = found else {
            return self.put((start, row), "no grey values to count", Role::Muted, buffer);
        };
        self.put((start, row), &low, Role::Muted, buffer);
        let mut at = start + low.width() as u16 + 1;
        for (sign, is_shown) in bars {
            let role = if is_shown { Role::Accent } else { Role::Muted };
            self.put((at, row), sign.encode_utf8(&mut [0; 4]), role, buffer);
            at += 1;
        }
        self.put((at + 1, row), &high, Role::Muted, buffer);
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

    /// `2 of 3 regions · nodule · 214 mm2 · by a radiologist`, or the names of all in their colours.
    fn region_line(&self, state: &State, image: &Image, row: u16, buffer: &mut Buffer) {
        let shown = state.picture.value();
        let shown = shown.filter(|picture| picture.request.image == image.id);
        let plain = self.theme.style(Role::Region);
        // What is drawn is said in the line above.
        let marked = self
            .marked_region(image)
            .filter(|_| state.drawing.is_none());
        let spans = match marked {
            _ if state.hides_regions => {
                let text = format!("{} · hidden", counted(image, None));
                vec![(text, self.theme.style(Role::Muted))]
            }
            _ if shown.is_some_and(|picture| picture.seen.regions.trouble.is_some()) => {
                let trouble = shown.and_then(|picture| picture.seen.regions.trouble.as_deref());
                let text = format!("{} · {}", counted(image, None), trouble.unwrap_or_default());
                vec![(text, self.theme.style(Role::Bad))]
            }
            Some((position, region)) => {
                let measured = shown.and_then(|picture| readout::measured(picture));
                let measured = measured.map(|it| format!(" · {it}")).unwrap_or_default();
                let (label, author) = (&region.label, &region.author);
                let counted = counted(image, Some(position));
                vec![(
                    format!("{counted} · {label}{measured} · by {author}"),
                    plain,
                )]
            }
            None => self.named_regions(shown.map(|picture| &picture.seen.regions), image),
        };
        let (mut at, end) = (self.area.x + 1, self.area.right().saturating_sub(1));
        for (text, style) in spans {
            let room = usize::from(end.saturating_sub(at));
            let text = self.shortened(&printable_line(&text), room);
            buffer.set_stringn(at, row, &text, room, style);
            at += text.width() as u16;
        }
    }

    fn marked_region<'a>(&self, image: &'a Image) -> Option<(usize, &'a Region)> {
        let position = self.shared.selection.region?;
        Some((position, image.regions.get(position)?))
    }

    /// `3 regions · liver · tumour`: those that lie on this slice first, each in its colour.
    fn named_regions(&self, seen: Option<&Regions>, image: &Image) -> Vec<(String, Style)> {
        let plain = self.theme.style(Role::Region);
        let mut spans = vec![(counted(image, None), plain)];
        let known = |position: usize| seen.and_then(|seen| seen.each.get(position));
        let is_here = |position: usize| known(position).is_none_or(|one| one.bounds.is_some());
        let labels = image.regions.iter().map(|region| region.label.as_str());
        let (here, elsewhere): (Vec<_>, Vec<_>) = labels
            .enumerate()
            .partition(|(position, _)| is_here(*position));
        let mut told: Vec<&str> = Vec::new();
        for (position, label) in here.into_iter().chain(elsewhere) {
            if told.contains(&label) || told.len() >= MOST_NAMES {
                continue;
            }
            told.push(label);
            let style = match known(position) {
                _ if !is_here(position) => self.theme.style(Role::Muted),
                Some(seen) => self.theme.inked(Role::Region, seen.colour),
                None => plain,
            };
            spans.push((" · ".to_owned(), self.theme.style(Role::Muted)));
            spans.push((label.to_owned(), style));
        }
        spans
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

/// `3 regions`, or `2 of 3 regions`.
fn counted(image: &Image, position: Option<usize>) -> String {
    let count = image.regions.len();
    let noun = if count == 1 { "region" } else { "regions" };
    match position {
        Some(position) => format!("{} of {count} {noun}", position + 1),
        None => format!("{count} {noun}"),
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
