//! The hits pane: the few cases and guidelines that the retriever finds for the selection, why
//! each is there, and the way to it.

mod asking;
mod facets;
mod view;

use ratatui::layout::Rect;
use semihv_domain::{
    CaseId, Fusion, HitVerdict, ImageId, Kept, Pool, QuestionId, Retrieved, RetrievedHit,
};
use semihv_engine::{Edit, RetrievalEngine, RetrieveSpec};

use crate::action::Effect;
use crate::keys::Key;
use crate::pane::{Hint, Input, Mouse, MouseKind, Title};
use crate::reader;
use crate::shared::{Load, Shared};
use crate::slot::{Slot, SlotName};
use crate::text_edit::TextEdit;

pub use asking::{forget, refresh, reply};
pub use view::view;

/// What of the selection is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum By {
    /// The image, and what is written of the case and asked.
    #[default]
    Both,
    Image,
    /// The part of the image inside the region that is looked at.
    Region,
    Text,
}

impl By {
    fn next(self, has_region: bool) -> Self {
        match self {
            Self::Both => Self::Image,
            Self::Image if has_region => Self::Region,
            Self::Image | Self::Region => Self::Text,
            Self::Text => Self::Both,
        }
    }

    pub(super) fn said(self) -> &'static str {
        match self {
            Self::Both => "image and text",
            Self::Image => "image",
            Self::Region => "region",
            Self::Text => "text",
        }
    }
}

/// Which pools are looked into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum In {
    #[default]
    Both,
    Cases,
    Guidelines,
}

impl In {
    fn next(self) -> Self {
        match self {
            Self::Both => Self::Cases,
            Self::Cases => Self::Guidelines,
            Self::Guidelines => Self::Both,
        }
    }

    fn pools(self) -> Vec<Pool> {
        match self {
            Self::Both => Pool::ALL.to_vec(),
            Self::Cases => vec![Pool::Case],
            Self::Guidelines => vec![Pool::Guideline],
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Asked {
    text: String,
    filter: String,
    image: Option<ImageId>,
    part: Option<[f32; 4]>,
    case: Option<CaseId>,
    question: Option<QuestionId>,
    by: By,
    pools: Vec<Pool>,
    weight: Option<u8>,
    is_long: bool,
    engine: Option<RetrievalEngine>,
}

/// What is typed into the line at the foot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typing {
    Text,
    Filter,
}

/// A list that others are compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    pub(super) of: String,
    pub(super) places: Vec<(Pool, i64)>,
}

impl Reference {
    /// From 1; none when the row is not in it.
    pub(super) fn rank(&self, hit: &RetrievedHit) -> Option<usize> {
        let at = self.places.iter().position(|it| *it == (hit.pool, hit.row));
        at.map(|at| at + 1)
    }
}

/// The pane's own view state.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) found: Load<Box<Retrieved>>,
    pub(super) cursor: usize,
    /// Typed, and looked for beside the image instead of the case's text.
    pub(super) text: String,
    /// The query language: only rows that match it.
    pub(super) filter: String,
    pub(super) line: Option<(Typing, TextEdit)>,
    pub(super) by: By,
    pub(super) in_pools: In,
    /// Of the vectors beside the words, in twentieths; none: as it is served.
    pub(super) weight: Option<u8>,
    /// More than the few that are handed on.
    pub(super) is_long: bool,
    pub(super) reference: Option<Reference>,
    /// What looking at every vector gave.
    pub(super) probed: Option<String>,
    pub(super) shows_images: bool,
    /// What the candidates are, instead of the hits.
    facets: Option<facets::Facets>,
    /// A grade that was asked for and is not in the hits yet: the next key goes on from it.
    graded: Option<((Pool, i64), Option<i32>)>,
    /// Searched elsewhere than the settings say.
    pub(super) engine: Option<RetrievalEngine>,
    /// What the hits were asked with.
    spec: Option<Box<RetrieveSpec>>,
    asked: Option<Asked>,
    slot: Slot,
    probe: Slot,
    facets_slot: Slot,
}

impl Default for State {
    fn default() -> Self {
        Self {
            found: Load::Empty,
            cursor: 0,
            text: String::new(),
            filter: String::new(),
            line: None,
            by: By::default(),
            in_pools: In::default(),
            weight: None,
            is_long: false,
            reference: None,
            probed: None,
            shows_images: false,
            facets: None,
            graded: None,
            engine: None,
            spec: None,
            asked: None,
            slot: Slot::new(SlotName::Hits),
            probe: Slot::new(SlotName::HitsProbe),
            facets_slot: Slot::new(SlotName::HitsFacets),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Read(reader::Msg),
    /// A hit was clicked.
    Hit(usize),
    /// To the case, or to the passage.
    Open,
    /// By image and text, by the image, by its region, by the text.
    NextBy,
    /// Cases and guidelines, cases, guidelines.
    NextPools,
    /// A line for the query language.
    Filter,
    /// Counts what the candidates are, or goes back to the hits.
    Facets,
    /// As the settings say, here, on the server.
    NextEngine,
    /// More weight for the vectors by so many twentieths; less for words.
    Weigh(i8),
    /// The weight that is served.
    Unweigh,
    /// The few, or many more.
    Longer,
    /// Looks at every vector and says how far that agrees.
    Probe,
    /// Keeps this list to compare others with it, or lets it go.
    Compare,
    /// Not judged, relevant, more so, most, not relevant.
    Grade,
    Pin,
    Exclude,
    /// Takes all exclusions of this query back.
    Readmit,
    /// The images of the hits beside the selected one.
    Images,
    /// Back to what the selection says.
    Back,
}

pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "open" => Msg::Open,
        "by" => Msg::NextBy,
        "pools" => Msg::NextPools,
        "filter" => Msg::Filter,
        "facets" => Msg::Facets,
        "engine" => Msg::NextEngine,
        "words" => Msg::Weigh(-1),
        "vectors" => Msg::Weigh(1),
        "served" => Msg::Unweigh,
        "longer" => Msg::Longer,
        "probe" => Msg::Probe,
        "compare" => Msg::Compare,
        "grade" => Msg::Grade,
        "pin" => Msg::Pin,
        "exclude" => Msg::Exclude,
        "readmit" => Msg::Readmit,
        "images" => Msg::Images,
        "back" => Msg::Back,
        name => return reader::command(name).map(Msg::Read),
    })
}

impl State {
    pub(super) fn hits(&self) -> &[RetrievedHit] {
        self.found
            .value()
            .map_or(&[], |found| found.hits.as_slice())
    }

    /// The one under the cursor; none while candidates are counted in its place.
    pub(crate) fn current(&self) -> Option<&RetrievedHit> {
        self.hits()
            .get(self.cursor)
            .filter(|_| self.facets.is_none())
    }

    fn move_cursor(&mut self, msg: reader::Msg) {
        let last = self.hits().len().saturating_sub(1);
        self.cursor = moved_to(msg, self.cursor, last);
    }
}

/// Where a cursor goes in a list.
fn moved_to(msg: reader::Msg, cursor: usize, last: usize) -> usize {
    let to = match msg {
        reader::Msg::Down => cursor + 1,
        reader::Msg::Up => cursor.saturating_sub(1),
        reader::Msg::PageDown | reader::Msg::Bottom => last,
        reader::Msg::PageUp | reader::Msg::Top => 0,
        reader::Msg::Find | reader::Msg::NextMatch | reader::Msg::PreviousMatch => cursor,
    };
    to.min(last)
}

pub fn update(state: &mut State, msg: Msg, shared: &mut Shared) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Read(reader::Msg::Find) => {
            state.line = Some((Typing::Text, TextEdit::new(state.text.clone())));
        }
        Msg::Filter => state.line = Some((Typing::Filter, TextEdit::new(state.filter.clone()))),
        Msg::Read(msg) => match &mut state.facets {
            Some(facets) => facets.move_cursor(msg),
            None => state.move_cursor(msg),
        },
        Msg::Facets => effects.extend(facets::toggle(state)),
        Msg::NextEngine => state.engine = next_engine(state.engine),
        Msg::Hit(at) => state.cursor = at.min(state.hits().len().saturating_sub(1)),
        Msg::NextBy => state.by = state.by.next(asking::part(shared).is_some()),
        Msg::NextPools => state.in_pools = state.in_pools.next(),
        Msg::Weigh(by) => state.weigh(by),
        Msg::Unweigh => state.weight = None,
        Msg::Longer => state.is_long = !state.is_long,
        Msg::Probe => effects.extend(asking::probe(state)),
        Msg::Compare => state.compare(),
        Msg::Images => state.shows_images = !state.shows_images,
        Msg::Grade | Msg::Pin | Msg::Exclude => effects.extend(state.judge(&msg)),
        Msg::Readmit => effects.extend(state.readmit()),
        Msg::Back if state.facets.is_some() => state.facets = None,
        Msg::Back => state.back(),
        Msg::Open => match state.facets.take() {
            Some(facets) => state.narrow(&facets),
            None => open(state, shared),
        },
    }
    asking::show_images(state, shared);
    effects.extend(refresh(state, shared));
    effects
}

fn next_engine(engine: Option<RetrievalEngine>) -> Option<RetrievalEngine> {
    match engine {
        None => Some(RetrievalEngine::Local),
        Some(RetrievalEngine::Local) => Some(RetrievalEngine::Qdrant),
        Some(RetrievalEngine::Qdrant) => None,
    }
}

/// Twentieths of the whole weight.
const WHOLE: u8 = 20;

impl State {
    /// From the weight that is served, where that is one; else from half and half.
    fn weigh(&mut self, by: i8) {
        let served = self.found.value().and_then(|found| {
            found.fusions.values().find_map(|fusion| match fusion {
                Fusion::Convex { alpha } => Some(alpha.get()),
                Fusion::ReciprocalRank { .. } => None,
            })
        });
        let served = served.unwrap_or(0.5) * f64::from(WHOLE);
        let now = self.weight.unwrap_or(served.round() as u8);
        self.weight = Some(now.saturating_add_signed(by).min(WHOLE));
    }

    fn compare(&mut self) {
        if self.reference.take().is_some() {
            return;
        }
        let places: Vec<(Pool, i64)> = self.hits().iter().map(|hit| (hit.pool, hit.row)).collect();
        if !places.is_empty() {
            self.reference = Some(Reference {
                of: self.asked_for(),
                places,
            });
        }
    }

    /// `image and text · a nodule · 0.35 vectors`.
    pub(super) fn asked_for(&self) -> String {
        let mut parts = vec![format!("by {}", self.by.said())];
        match self.in_pools {
            In::Both => {}
            In::Cases => parts.push("cases".to_owned()),
            In::Guidelines => parts.push("guidelines".to_owned()),
        }
        parts.extend(
            [&self.text, &self.filter]
                .into_iter()
                .filter(|it| !it.is_empty())
                .cloned(),
        );
        parts.extend(self.engine.map(|engine| match engine {
            RetrievalEngine::Local => "searched here".to_owned(),
            // What answers when it is silent is said by the remark and by what was used.
            RetrievalEngine::Qdrant => "asked of the server".to_owned(),
        }));
        if let Some(weight) = self.weight {
            let part = f64::from(weight) / f64::from(WHOLE);
            parts.push(format!("{part:.2} vectors"));
        }
        parts.join(" · ")
    }

    fn back(&mut self) {
        self.text.clear();
        self.filter.clear();
        self.weight = None;
        self.engine = None;
    }

    fn narrow(&mut self, facets: &facets::Facets) {
        if let Some(term) = facets.chosen() {
            self.filter = facets::narrowed(&self.filter, &term);
        }
    }

    fn judge(&mut self, msg: &Msg) -> Option<Effect> {
        let hit = self.current()?;
        let place = (hit.pool, hit.row);
        let verdict = match msg {
            Msg::Grade => {
                let before = self.graded.filter(|(of, _)| *of == place);
                let grade = match before.map_or(hit.grade, |(_, grade)| grade) {
                    None => Some(1),
                    Some(0) => None,
                    Some(HitVerdict::HIGHEST) => Some(0),
                    Some(grade) => Some(grade + 1),
                };
                self.graded = Some((place, grade));
                HitVerdict::Grade { grade }
            }
            Msg::Pin => HitVerdict::Pin {
                on: hit.kept != Kept::Pinned,
            },
            _ => HitVerdict::Exclude { on: true },
        };
        self.said_of_hit(place, verdict)
    }

    fn said_of_hit(&self, (pool, row): (Pool, i64), verdict: HitVerdict) -> Option<Effect> {
        let spec = self.spec.clone()?;
        Some(Effect::Edit(Edit::Judge {
            spec,
            pool,
            row,
            verdict,
        }))
    }

    fn readmit(&self) -> Vec<Effect> {
        let excluded = self.found.value().map(|found| found.excluded.as_slice());
        let rows = excluded.unwrap_or_default().iter();
        let back = HitVerdict::Exclude { on: false };
        rows.filter_map(|place| self.said_of_hit(*place, back))
            .collect()
    }
}

/// What was said of a hit, in words.
pub(crate) fn said_of(verdict: HitVerdict) -> String {
    match verdict {
        HitVerdict::Grade { grade: None } => "not judged any more".to_owned(),
        HitVerdict::Grade { grade: Some(0) } => "judged not relevant".to_owned(),
        HitVerdict::Grade { grade: Some(grade) } => {
            format!("judged relevant, {grade} of {}", HitVerdict::HIGHEST)
        }
        HitVerdict::Pin { on: true } => "pinned for this query".to_owned(),
        HitVerdict::Pin { on: false } => "not pinned any more".to_owned(),
        HitVerdict::Exclude { on: true } => "excluded for this query".to_owned(),
        HitVerdict::Exclude { on: false } => "no longer excluded".to_owned(),
    }
}

/// A case becomes the selection, and with it all that is shown of it; the passage of a guideline
/// is opened by whoever dispatches.
fn open(state: &mut State, shared: &mut Shared) {
    let Some(hit) = state.current() else { return };
    if hit.pool == Pool::Case {
        shared.selection.case = Some(CaseId(hit.row));
        shared.selection.image = hit.image;
        shared.selection.question = None;
        shared.selection.region = None;
    }
}

pub fn mouse(state: &State, _shared: &Shared, mouse: Mouse, inside: Rect) -> Option<Msg> {
    match mouse.kind {
        MouseKind::ScrollUp => Some(Msg::Read(reader::Msg::Up)),
        MouseKind::ScrollDown => Some(Msg::Read(reader::Msg::Down)),
        MouseKind::Click => view::hit_at(state, inside, mouse.row).map(Msg::Hit),
        MouseKind::DoubleClick => Some(Msg::Open),
        MouseKind::Drag => None,
    }
}

pub fn is_typing(state: &State) -> bool {
    state.line.is_some()
}

pub fn typed(state: &mut State, input: Input, shared: &mut Shared) -> Vec<Effect> {
    let Some((what, line)) = &mut state.line else {
        return Vec::new();
    };
    match input {
        Input::Key(Key::ENTER) => {
            let typed = line.text().trim().to_owned();
            match what {
                Typing::Filter => state.filter = typed,
                // What was typed is looked for, whatever was before.
                Typing::Text => {
                    state.text = typed;
                    if matches!(state.by, By::Image | By::Region) {
                        state.by = By::Both;
                    }
                }
            }
            state.line = None;
            return refresh(state, shared);
        }
        Input::Key(Key::ESC) => state.line = None,
        Input::Key(key) => {
            line.key(key);
        }
        Input::Paste(text) => {
            line.insert(&text.replace('\n', " "));
        }
    }
    Vec::new()
}

pub fn title(state: &State, _shared: &Shared) -> Title {
    let mut parts = vec![state.asked_for()];
    if let Some(used) = state.found.value().and_then(|found| found.vectors.as_ref()) {
        parts.push(format!("{} {}", used.encoder, used.search));
    }
    Title {
        right: parts.join(" · "),
    }
}

pub fn hints(state: &State, _shared: &Shared) -> Vec<Hint> {
    let hint = |command, text| Hint { command, text };
    if state.facets.is_some() {
        return vec![
            hint("hits.open", "only these"),
            hint("hits.facets", "back to the hits"),
        ];
    }
    let mut hints = Vec::new();
    if !state.hits().is_empty() {
        hints.push(hint("hits.open", "go there"));
        hints.push(hint("hits.grade", "relevant"));
        hints.push(hint("hits.images", "side by side"));
    }
    hints.push(hint("hits.by", "image or text"));
    hints.push(hint("hits.find", "words of your own"));
    let is_fused = state
        .found
        .value()
        .is_some_and(|found| !found.fusions.is_empty());
    match state.weight {
        Some(_) => hints.push(hint("hits.served", "weight as served")),
        None if is_fused => hints.push(hint("hits.vectors", "more vectors")),
        None => {}
    }
    hints.push(hint(
        "hits.longer",
        if state.is_long { "the few" } else { "more" },
    ));
    let is_of_selection = state.text.is_empty()
        && state.filter.is_empty()
        && (state.weight, state.engine) == (None, None);
    if !is_of_selection {
        hints.push(hint("hits.back", "for the selection"));
    }
    hints
}

/// The hit under the cursor.
pub fn copy(state: &State, _shared: &Shared) -> Option<String> {
    let hit = state.current()?;
    Some(format!("{} {}\n{}", hit.key, hit.title, hit.snippet.text))
}

#[cfg(test)]
mod tests;
