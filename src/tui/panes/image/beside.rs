//! Several images in one picture: side by side, linked, and a strip of small ones below.

use semihv_domain::{CaseId, Image, ImageId, ImageState};
use semihv_imaging::ColourMap;

use super::looking::{Change, Looks};
use super::{Msg, State, regions, shown};
use crate::picture::{Beside, Over, Picture, Thumbnail};
use crate::shared::Shared;

/// More pictures side by side are too small to be judged.
const MOST_BESIDE: usize = 4;
/// Small ones in the strip.
const MOST_SMALL: usize = 8;

/// What is shown with the image that is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Company {
    /// Images beside the one that is looked at.
    beside: usize,
    is_unlinked: bool,
    /// Stays beside while others are looked at, even those of other cases.
    kept: Option<Box<Image>>,
    has_thumbnails: bool,
    /// The colours in which another image lies over the shown one.
    over: Option<ColourMap>,
    /// The case whose first picture was drawn: its small ones may be read now.
    is_ready_for: Option<CaseId>,
    /// Looked at before this one.
    before: Option<ImageId>,
}

impl Company {
    /// One image, two, three, four, and one again.
    fn widen(&mut self) {
        self.beside = (self.beside + 1) % MOST_BESIDE;
    }

    pub(super) fn left(&mut self, image: ImageId) {
        self.before = Some(image);
    }

    pub(super) fn is_several(&self) -> bool {
        self.beside > 0
    }

    /// True the first time for a case with a strip.
    pub(super) fn becomes_ready(&mut self, case: CaseId) -> bool {
        self.is_ready_for.replace(case) != Some(case) && self.has_thumbnails
    }

    /// `3 linked` or `3 not linked`, and whether one is kept; of the `others` that there are.
    pub(super) fn said(&self, others: usize) -> Option<String> {
        let linked = if self.is_unlinked {
            "not linked"
        } else {
            "linked"
        };
        let kept = if self.kept.is_some() {
            " · one kept"
        } else {
            ""
        };
        (others > 0).then(|| format!("{} {linked}{kept}", others + 1))
    }

    /// No colours, hot, viridis, grey, and none again.
    fn recolour(&mut self) {
        self.over = match self.over {
            None => ColourMap::ALL.first().copied(),
            Some(now) => {
                let mut all = ColourMap::ALL.into_iter().skip_while(|map| *map != now);
                all.nth(1)
            }
        };
    }

    pub(super) fn lays_over(&self) -> bool {
        self.over.is_some()
    }

    /// Keeps this image beside all others, or lets it go.
    fn keep(&mut self, image: &Image) {
        let is_kept = self.kept.as_ref().is_some_and(|kept| kept.id == image.id);
        self.kept = (!is_kept).then(|| Box::new(image.clone()));
        if self.kept.is_some() {
            self.beside = self.beside.max(1);
        }
    }
}

pub(super) fn update(state: &mut State, msg: &Msg, shared: &mut Shared) {
    match msg {
        Msg::Beside => state.company.widen(),
        Msg::Link => state.company.is_unlinked = !state.company.is_unlinked,
        Msg::Thumbnails => state.company.has_thumbnails = !state.company.has_thumbnails,
        Msg::Keep => {
            if let Some((image, _)) = shown(shared) {
                state.company.keep(image);
            }
        }
        Msg::Over => state.company.recolour(),
        Msg::Flip => flip(state, shared),
        _ => {}
    }
}

fn is_readable(image: &Image) -> bool {
    matches!(
        image.state,
        ImageState::Unchecked | ImageState::Readable { .. }
    )
}

/// The images of the case, from the shown one on and round to it.
fn following<'a>(shared: &'a Shared, position: usize) -> impl Iterator<Item = &'a Image> {
    let images = shared.case.value().map(|detail| detail.images.as_slice());
    let images: &'a [Image] = images.unwrap_or_default();
    let (before, after) = images.split_at(position.min(images.len()));
    after.iter().skip(1).chain(before)
}

/// The kept one first, then those that follow in the case.
pub(super) fn beside(state: &State, shared: &Shared) -> Vec<Beside> {
    let Some((image, position)) = shown(shared) else {
        return Vec::new();
    };
    let kept = state.company.kept.as_deref().filter(|it| it.id != image.id);
    let kept_id = kept.map(|kept| kept.id);
    let others = following(shared, position).filter(|other| Some(other.id) != kept_id);
    let all = kept.into_iter().chain(others).filter(|it| is_readable(it));
    let hit = shared.hits_of_selection().find(|hit| hit.is_current);
    let hit = hit.filter(|hit| hit.image != image.id).map(|hit| Beside {
        image: hit.image,
        location: hit.location.clone(),
        look: state.looks.known(hit.image),
        regions: Vec::new(),
    });
    let others = all
        .take(state.company.beside)
        .filter(|other| Some(other.id) != hit.as_ref().map(|hit| hit.image))
        .map(|other| Beside {
            image: other.id,
            location: other.location.clone(),
            look: state.looks.known(other.id),
            regions: if state.hides_regions {
                Vec::new()
            } else {
                regions::outlines(state, other)
            },
        });
    hit.clone()
        .into_iter()
        .chain(others)
        .take(MOST_BESIDE - 1)
        .collect()
}

/// The kept one, else the next of the case, is laid over the shown one.
pub(super) fn over(state: &State, shared: &Shared) -> Option<Over> {
    let map = state.company.over?;
    let (image, position) = shown(shared)?;
    let kept = state.company.kept.as_deref().filter(|it| it.id != image.id);
    let all = kept.into_iter().chain(following(shared, position));
    let other = all.into_iter().find(|other| is_readable(other))?;
    Some(Over {
        location: other.location.clone(),
        name: other.key.clone(),
        map,
    })
}

/// The names of the images in the picture, column by column.
pub(super) fn names(state: &State, shared: &Shared, picture: &Picture) -> Vec<String> {
    let Some((image, _)) = shown(shared) else {
        return Vec::new();
    };
    let images = shared.case.value().map(|detail| detail.images.as_slice());
    let name = |id: ImageId| -> String {
        let all = images.unwrap_or_default().iter();
        let mut all = all.chain(state.company.kept.as_deref());
        let found = all.find(|it| it.id == id).map(|it| it.key.clone());
        let hit = || shared.hits_of_selection().find(|hit| hit.image == id);
        found
            .or_else(|| hit().map(|hit| hit.name.clone()))
            .unwrap_or_default()
    };
    let others = picture.request.beside.iter().map(|it| name(it.image));
    let names: Vec<String> = std::iter::once(image.key.clone()).chain(others).collect();
    let across = usize::from(picture.grid.0.max(1));
    let column = |at: usize| {
        let names = names.iter().skip(at).step_by(across);
        names.cloned().collect::<Vec<_>>().join(" / ")
    };
    (0..across).map(column).collect()
}

/// Small pictures of the case around the shown one, once that was drawn.
pub(super) fn thumbnails(state: &State, shared: &Shared) -> Vec<Thumbnail> {
    let hits = shared.hits_of_selection().count();
    if hits > 1 {
        let current = shared.hits_of_selection().position(|hit| hit.is_current);
        let around = current.unwrap_or_default().saturating_sub(MOST_SMALL / 2);
        let first = around.min(hits.saturating_sub(MOST_SMALL));
        let shown = shared.hits_of_selection().skip(first).take(MOST_SMALL);
        let small = shown.map(|hit| Thumbnail {
            location: hit.location.clone(),
            is_shown: hit.is_current,
        });
        return small.collect();
    }
    let company = &state.company;
    let (Some((image, position)), Some(detail)) = (shown(shared), shared.case.value()) else {
        return Vec::new();
    };
    let is_ready = company.has_thumbnails && company.is_ready_for == Some(detail.case.id);
    if !is_ready || detail.images.len() < 2 {
        return Vec::new();
    }
    let most = detail.images.len().saturating_sub(MOST_SMALL);
    let first = position.saturating_sub(MOST_SMALL / 2).min(most);
    let around = detail.images.iter().skip(first).take(MOST_SMALL);
    around
        .map(|other| Thumbnail {
            location: other.location.clone(),
            is_shown: other.id == image.id,
        })
        .collect()
}

/// What was done to the shown image is done to those beside it; slices meet in the patient where
/// both scans say where they lie. True when something else is to be seen of one.
pub(super) fn follow(
    (looks, company): (&mut Looks, &Company),
    (image, picture): (ImageId, &Picture),
    change: Change,
) -> bool {
    if company.is_unlinked {
        return false;
    }
    let mut is_changed = false;
    for other in &picture.beside {
        let now = (other.look, &other.seen);
        is_changed |= looks.change(other.image, now, change);
        let main = looks.known(image).unwrap_or(picture.look).place;
        let theirs = looks.known(other.image).unwrap_or(other.look).place;
        let is_along = matches!(
            change,
            Change::Slices(_) | Change::ToSlice(_) | Change::FirstSlice | Change::LastSlice
        );
        if !is_along || main.cut != theirs.cut {
            continue;
        }
        let middle = picture.seen.geometry.middle(main.cut, main.slice);
        let at = middle.and_then(|at| other.seen.geometry.slice_at(main.cut, at));
        if let Some(slice) = at {
            is_changed |= looks.change(other.image, now, Change::ToSlice(slice));
        }
    }
    is_changed
}

/// The image that was looked at before, in the place and the window of this one: two pictures of
/// one thing are told apart by what changes.
fn flip(state: &mut State, shared: &mut Shared) {
    let Some((image, _)) = shown(shared) else {
        return;
    };
    let images = shared.case.value().map(|detail| detail.images.as_slice());
    let images = images.unwrap_or_default();
    let before = images.iter().find(|it| Some(it.id) == state.company.before);
    let other = before.or_else(|| images.iter().find(|it| it.id != image.id));
    let Some(other) = other.map(|other| other.id) else {
        return;
    };
    let now = state.shown_picture(shared).map(|picture| picture.look);
    if let (Some(now), false) = (now, state.company.is_unlinked) {
        state.looks.take_frame(other, now);
    }
    shared.selection.image = Some(other);
    shared.selection.region = None;
}
