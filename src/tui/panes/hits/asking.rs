//! What the hits are asked with, and what their answers change.

use semihv_domain::{Alpha, Failure, Fusion, ImageId, ImageState, Pool, Retrieved};
use semihv_engine::{Query, QueryImage, Reply, RetrieveSpec, Weighing};

use super::{Asked, By, State, WHOLE};
use crate::action::Effect;
use crate::shared::{HitImage, Load, Shared};
use crate::slot::Ticket;

/// Hits of the long list.
const LONG: usize = 40;

/// Asks when the selection or what is looked for is another than the hits are for.
pub fn refresh(state: &mut State, shared: &Shared) -> Vec<Effect> {
    let has_image = state.by != By::Text;
    let has_text = matches!(state.by, By::Both | By::Text);
    let now = Asked {
        text: state.text.clone(),
        filter: state.filter.clone(),
        image: shown_image(shared).filter(|_| has_image),
        part: part(shared).filter(|_| state.by == By::Region),
        case: shared.selection.case,
        question: shared.selection.question.filter(|_| has_text),
        by: state.by,
        pools: state.in_pools.pools(),
        weight: state.weight,
        is_long: state.is_long,
        engine: state.engine,
    };
    if state.asked.as_ref() == Some(&now) {
        return Vec::new();
    }
    let is_another_query = !state.asked.as_ref().is_some_and(|before| {
        (&before.case, &before.image, &before.text) == (&now.case, &now.image, &now.text)
    });
    if is_another_query {
        state.cursor = 0;
    }
    state.asked = Some(now.clone());
    state.probed = None;
    let reads_case = has_text && now.text.is_empty() && now.case.is_some();
    if now.image.is_none() && now.text.is_empty() && !reads_case {
        state.found = Load::Empty;
        state.facets = None;
        state.slot.drop_answer();
        return Vec::new();
    }
    state.found.reload();
    let spec = Box::new(spec(now, reads_case));
    // The same query is asked again whenever rows change: nobody's choice is taken away by that.
    if state.spec.as_ref() != Some(&spec) {
        state.facets = None;
    }
    state.spec = Some(spec.clone());
    vec![Effect::Ask(state.slot.ask(), Query::Retrieve(spec))]
}

fn spec(now: Asked, reads_case: bool) -> RetrieveSpec {
    let weight = now
        .weight
        .map(|weight| f64::from(weight) / f64::from(WHOLE));
    let alpha = weight.and_then(Alpha::new);
    let mut weighing = Weighing {
        fusion: alpha.map(|alpha| Fusion::Convex { alpha }),
        ..Weighing::default()
    };
    if now.is_long {
        weighing.most = LONG;
    }
    RetrieveSpec {
        text: now.text,
        filter: now.filter,
        image: now.image.map(QueryImage::Stored),
        part: now.part,
        case: now.case,
        question: now.question,
        reads_case,
        pools: now.pools,
        engine: now.engine,
        weighing,
        ..RetrieveSpec::default()
    }
}

/// The same once more, looking at every vector.
pub(super) fn probe(state: &mut State) -> Option<Effect> {
    let spec = state.spec.clone()?;
    let spec = RetrieveSpec {
        exact: true,
        ..*spec
    };
    Some(Effect::Ask(
        state.probe.ask(),
        Query::Retrieve(Box::new(spec)),
    ))
}

/// The selected image of the selected case, else its first.
fn shown_image(shared: &Shared) -> Option<ImageId> {
    let detail = shared.case.value()?;
    if shared.selection.case != Some(detail.case.id) {
        return None;
    }
    let first = detail.images.first().map(|image| image.id);
    shared.selection.image.or(first)
}

/// The region that is looked at, as parts of the image.
pub(super) fn part(shared: &Shared) -> Option<[f32; 4]> {
    let id = shown_image(shared)?;
    let mut images = shared.case.value()?.images.iter();
    let image = images.find(|image| image.id == id)?;
    let region = image.regions.get(shared.selection.region?)?;
    let ImageState::Readable { width, height } = image.state else {
        return None;
    };
    inside(region.shape.bounds(), (f64::from(width), f64::from(height)))
}

/// A box in pixels as parts of an image, cut where it lies outside.
fn inside(
    (x, y, wide, high): (f64, f64, f64, f64),
    (across, down): (f64, f64),
) -> Option<[f32; 4]> {
    let along = |from: f64, length: f64, whole: f64| {
        let start = (from / whole.max(1.0)).clamp(0.0, 1.0);
        let end = ((from + length) / whole.max(1.0)).clamp(0.0, 1.0);
        (end > start).then_some((start as f32, (end - start) as f32))
    };
    let ((left, width), (top, height)) = (along(x, wide, across)?, along(y, high, down)?);
    Some([left, top, width, height])
}

/// The rows, the index, the vectors or judgements changed: the next refresh asks again.
pub fn forget(state: &mut State) {
    state.asked = None;
}

pub fn reply(
    state: &mut State,
    ticket: Ticket,
    reply: &Result<Reply, Failure>,
    shared: &mut Shared,
) -> Option<Vec<Effect>> {
    if state.probe.accepts(ticket) {
        state.probed = match (reply, state.found.value()) {
            (Ok(Reply::Retrieved(exact)), Some(found)) => Some(agreement(found, exact)),
            (Err(failure), _) => Some(failure.summary.clone()),
            _ => None,
        };
        return Some(Vec::new());
    }
    if state.facets_slot.accepts(ticket) {
        if let Some(facets) = &mut state.facets {
            super::facets::reply(facets, reply);
        }
        return Some(Vec::new());
    }
    if !state.slot.accepts(ticket) {
        return None;
    }
    state.graded = None;
    match reply {
        Ok(Reply::Retrieved(found)) => state.found = Load::Ready(found.clone()),
        Ok(_) => {}
        Err(failure) => state.found = Load::Failed(failure.clone()),
    }
    state.cursor = state.cursor.min(state.hits().len().saturating_sub(1));
    show_images(state, shared);
    Some(Vec::new())
}

/// How many hits of both lists are the same.
fn agreement(found: &Retrieved, exact: &Retrieved) -> String {
    let is_exact = |found: &Retrieved| {
        let used = found.vectors.as_ref();
        used.is_none_or(|used| used.search.ends_with("exact"))
    };
    if is_exact(found) {
        return "every vector was looked at already: the search is exact".to_owned();
    }
    let places = |found: &Retrieved| -> Vec<(Pool, i64)> {
        found.hits.iter().map(|hit| (hit.pool, hit.row)).collect()
    };
    let (here, there) = (places(found), places(exact));
    let same = here.iter().filter(|place| there.contains(place)).count();
    format!(
        "looking at every vector gives {same} of these {}",
        here.len()
    )
}

/// The image pane shows them beside the selected one.
pub(super) fn show_images(state: &State, shared: &mut Shared) {
    shared.hit_images.clear();
    if !state.shows_images {
        return;
    }
    for (at, hit) in state.hits().iter().enumerate() {
        if let (Some(image), Some(location)) = (hit.image, &hit.location) {
            shared.hit_images.push(HitImage {
                image,
                location: location.clone(),
                name: hit.key.clone(),
                of: state.asked.as_ref().and_then(|asked| asked.case),
                is_current: at == state.cursor,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_part_of_its_image() {
        let check = |bounds, expected| assert_eq!(inside(bounds, (200.0, 100.0)), expected);
        check((50.0, 50.0, 100.0, 25.0), Some([0.25, 0.5, 0.5, 0.25]));
        check((-50.0, 50.0, 100.0, 100.0), Some([0.0, 0.5, 0.25, 0.5]));
        check((10.0, 10.0, 0.0, 5.0), None);
        check((300.0, 10.0, 5.0, 5.0), None);
    }
}
