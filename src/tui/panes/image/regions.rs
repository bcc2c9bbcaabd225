//! Regions of the shown image: which is marked, how they are drawn, drawing new ones.

use semihv_domain::{Image, Region, RegionSlice};
use semihv_engine::Edit;

use super::drawing::{Drawing, Drawn, Tool};
use super::looking::Change;
use super::{State, look, readout, refresh, shown};
use crate::action::Effect;
use crate::pane::Input;
use crate::picture::Outline;
use crate::shared::Shared;

/// What a region is called until somebody names it.
const UNNAMED: &str = "region";

/// One after the other, and after the last one none in particular.
pub(super) fn next(shared: &Shared) -> Option<usize> {
    let (image, _) = shown(shared)?;
    let next = shared.selection.region.map_or(0, |region| region + 1);
    (next < image.regions.len()).then_some(next)
}

/// One before the other, and before the first one none in particular.
pub(super) fn previous(shared: &Shared) -> Option<usize> {
    let (image, _) = shown(shared)?;
    let now = shared.selection.region.unwrap_or(image.regions.len());
    now.checked_sub(1)
}

/// Marks a region and goes to the slice that shows most of it, unless it is on this one.
pub(super) fn mark(state: &mut State, shared: &mut Shared, region: Option<usize>) -> Vec<Effect> {
    state.hides_regions = false;
    shared.selection.region = region;
    let seen = state.seen(shared).zip(region);
    let region = seen.and_then(|(seen, region)| seen.regions.each.get(region));
    let home = region
        .filter(|region| region.bounds.is_none())
        .and_then(|region| region.home);
    home.map_or_else(Vec::new, |slice| {
        look(state, shared, Change::ToSlice(slice))
    })
}

/// As close as the marked region, or the first one, fills about half of the pane.
pub(super) fn onto(state: &mut State, shared: &mut Shared) -> Vec<Effect> {
    if shared.selection.region.is_none() {
        shared.selection.region = next(shared);
    }
    let region = shared.selection.region;
    let shape = state.seen(shared).zip(region).and_then(|(seen, region)| {
        let region = seen.regions.each.get(region)?;
        region.bounds.clone()
    });
    let (Some(shape), Some(picture)) = (shape, state.picture.value()) else {
        return mark(state, shared, region);
    };
    let Some(change) = readout::onto(&shape, &picture.framing) else {
        return Vec::new();
    };
    state.hides_regions = false;
    look(state, shared, change)
}

/// All regions, in colours where they have several names; the one that is drawn comes last, and in
/// the place of the one that is changed.
pub(super) fn outlines(state: &State, image: &Image) -> Vec<Outline> {
    let mut names: Vec<&str> = Vec::new();
    for region in &image.regions {
        if !names.contains(&region.label.as_str()) {
            names.push(&region.label);
        }
    }
    let tint = |label: &str| {
        let at = names.iter().position(|name| *name == label);
        at.filter(|_| names.len() > 1).map(|at| (at % 256) as u8)
    };
    let drawing = state.drawing.as_ref().filter(|it| it.image == image.id);
    let changed = drawing.and_then(Drawing::changed).map(|region| region.id);
    let drawn = drawing.map(Drawing::outline);
    let kept = image.regions.iter().map(|region| match &drawn {
        Some(drawn) if changed == Some(region.id) => drawn.clone(),
        _ => Outline {
            shape: region.shape.clone(),
            slice: region.slice,
            tint: tint(&region.label),
        },
    });
    let new = drawn.clone().filter(|_| changed.is_none());
    kept.chain(new).collect()
}

/// The region that is looked at: the one that is drawn, else the marked one.
pub(super) fn marked(state: &State, image: &Image, shared: &Shared) -> Option<usize> {
    let Some(drawing) = state.drawing.as_ref().filter(|it| it.image == image.id) else {
        return shared
            .selection
            .region
            .filter(|region| *region < image.regions.len());
    };
    let changed = drawing.changed().map(|region| region.id);
    let all = image.regions.iter();
    let place = all.clone().position(|region| changed == Some(region.id));
    Some(place.unwrap_or(all.len()))
}

/// A box or a point at the pointer.
pub(super) fn begin(state: &mut State, shared: &Shared, tool: Tool) -> Result<(), &'static str> {
    let (Some((image, _)), Some(picture)) = (shown(shared), state.shown_picture(shared)) else {
        return Err("no picture is shown that could be drawn on");
    };
    let place = picture.look.place;
    let slice = (picture.seen.slices > 1).then_some(RegionSlice {
        cut: place.cut,
        slice: place.slice,
    });
    let label = state.last_label.clone();
    let of = (image.id, slice, label.unwrap_or_else(|| UNNAMED.to_owned()));
    state.drawing = Some(Drawing::new(tool, of, state.pointer, &picture.framing));
    state.hides_regions = false;
    Ok(())
}

/// The marked region, if a person drew it.
fn own(shared: &Shared) -> Result<&Region, &'static str> {
    let marked = shown(shared).zip(shared.selection.region);
    let marked = marked.and_then(|((image, _), region)| image.regions.get(region));
    let Some(region) = marked else {
        return Err("no region is marked");
    };
    if region.written.is_none() {
        return Err("this region is its source's; draw one of your own beside it");
    }
    Ok(region)
}

/// Why nothing happens, for the footer.
pub(super) fn change(state: &mut State, shared: &Shared) -> Result<(), &'static str> {
    let region = own(shared)?;
    if matches!(region.shape, semihv_domain::Shape::Mask { .. }) {
        return Err("the shape of this region lies in its file; erase it, or name it anew");
    }
    state.drawing = Some(Drawing::of(region));
    state.hides_regions = false;
    Ok(())
}

pub(crate) fn erase(shared: &Shared) -> Result<Edit, &'static str> {
    let region = own(shared)?.id;
    Ok(Edit::EraseRegion { region })
}

/// The region to be named anew, and its name.
pub(crate) fn named(shared: &Shared) -> Result<(semihv_domain::RegionId, String), &'static str> {
    let region = own(shared)?;
    Ok((region.id, region.label.clone()))
}

/// A key while something is drawn.
pub(super) fn typed(state: &mut State, input: Input, shared: &mut Shared) -> Vec<Effect> {
    let Input::Key(key) = input else {
        return Vec::new();
    };
    let Some(framing) = state.picture.value().map(|picture| picture.framing) else {
        state.drawing = None;
        return Vec::new();
    };
    let Some(drawing) = &mut state.drawing else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    match drawing.key(key, &framing) {
        Drawn::Goes => effects = super::hurry(state),
        Drawn::Leave => state.drawing = None,
        Drawn::Keep(edit) => {
            let place = shown(shared).map(|(image, _)| image.regions.len());
            if let Edit::DrawRegion { .. } = edit {
                shared.selection.region = place;
            }
            state.sent = state.drawing.take();
            effects.push(Effect::Edit(edit));
        }
    }
    effects.extend(refresh(state, shared));
    effects
}

/// Names of the regions of the shown case, for completion.
pub(crate) fn known_labels(shared: &Shared) -> Vec<String> {
    let images = shared.case.value().map(|detail| detail.images.as_slice());
    let regions = images.unwrap_or_default().iter().flat_map(|it| &it.regions);
    let mut labels: Vec<String> = regions.map(|region| region.label.clone()).collect();
    labels.sort();
    labels.dedup();
    labels
}
