//! What the image pane asks for, and how it looks in every state.

use ratatui::buffer::Buffer;
use semihv_domain::{
    Caption, Case, CaseId, FailureKind, ImageId, Modality, Region, RegionId, Shape, SourceId,
};
use semihv_terminal::ColourDepth;

use super::*;
use crate::graphics::tests::{canvas, scan};
use crate::graphics::{NoFiles, prepare};
use crate::theme::Theme;

pub(super) fn region(id: i64, label: &str) -> Region {
    Region {
        id: RegionId(id),
        image: ImageId(1),
        label: label.to_owned(),
        shape: Shape::Ellipse {
            cx: 100.0 + id as f64 * 30.0,
            cy: 90.0,
            rx: 20.0,
            ry: 15.0,
        },
        slice: None,
        author: "two radiologists".to_owned(),
        written: None,
    }
}

pub(super) fn image(id: i64, state: ImageState) -> Image {
    Image {
        id: ImageId(id),
        case: CaseId(7),
        key: format!("img-{id}"),
        location: format!("images/ct-017-{id}.png"),
        state,
        modality: None,
        plane: None,
        captions: vec![Caption {
            text: "Axial CT of the chest: solid nodule in the right upper lobe, 8 mm, with a \
                   spiculated margin and a tag to the pleura"
                .to_owned(),
            language: "en".to_owned(),
        }],
        regions: Vec::new(),
    }
}

pub(super) fn readable() -> ImageState {
    ImageState::Readable {
        width: 256,
        height: 192,
    }
}

pub(super) fn shared(images: Vec<Image>) -> Shared {
    let case = Case {
        id: CaseId(7),
        source: SourceId(1),
        source_name: "demo".to_owned(),
        key: "ct-017".to_owned(),
        title: "Nodule".to_owned(),
        patient: None,
        modality: Modality::parse("CT"),
        body_part: None,
        year: None,
        language: "en".to_owned(),
        licence: None,
        sections: Vec::new(),
    };
    let detail = CaseDetail {
        case,
        images,
        questions: Vec::new(),
        tags: Vec::new(),
        notes: Vec::new(),
    };
    let mut shared = Shared {
        case: Load::Ready(Box::new(detail)),
        ..Shared::default()
    };
    shared.selection.case = Some(CaseId(7));
    shared
}

fn three_images() -> Shared {
    let mut first = image(1, readable());
    first.regions = vec![region(1, "nodule"), region(2, "pleural tag")];
    shared(vec![first, image(2, readable()), image(3, readable())])
}

/// A pane that was laid out and told of the terminal.
fn pane(shared: &mut Shared, columns: u16, rows: u16) -> (State, Vec<Effect>) {
    let mut state = State::default();
    update(&mut state, Msg::Graphics(Protocol::Halfblocks), shared);
    let effects = update(&mut state, Msg::Resized { columns, rows }, shared);
    (state, effects)
}

fn asked(effects: &[Effect]) -> (Ticket, PictureRequest) {
    match effects {
        [Effect::Draw(ticket, request)] => (*ticket, request.clone()),
        other => panic!("one picture is asked for, not {other:?}"),
    }
}

fn answer(state: &mut State, effects: &[Effect]) {
    let (ticket, request) = asked(effects);
    let canvas = canvas(Protocol::Halfblocks, ColourDepth::True);
    let picture = prepare(&scan(10), &request, &canvas, &NoFiles).map(Arc::new);
    assert!(drawn(state, ticket, &picture));
}

#[test]
fn the_first_picture_is_asked_for_once_the_room_is_known() {
    let mut shared = three_images();
    let (mut state, effects) = pane(&mut shared, 60, 20);
    let (_, request) = asked(&effects);
    assert_eq!(request.image, ImageId(1));
    // Two rows belong to the caption and the regions.
    assert_eq!((request.columns, request.rows), (60, 18));
    assert_eq!(request.regions.len(), 2);
    assert_eq!(refresh(&mut state, &shared), []);
}

#[test]
fn next_and_previous_stop_at_the_ends() {
    let mut shared = three_images();
    let (mut state, _) = pane(&mut shared, 60, 20);
    assert_eq!(update(&mut state, Msg::Previous, &mut shared), []);
    for expected in [2, 3] {
        let effects = update(&mut state, Msg::Next, &mut shared);
        assert_eq!(asked(&effects).1.image, ImageId(expected));
    }
    assert_eq!(update(&mut state, Msg::Next, &mut shared), []);
    assert_eq!(shared.selection.image, Some(ImageId(3)));
}

#[test]
fn only_the_newest_picture_is_taken() {
    let mut shared = three_images();
    let (mut state, first) = pane(&mut shared, 60, 20);
    let second = update(&mut state, Msg::Next, &mut shared);
    let (stale, _) = asked(&first);
    let failure = Failure::new("picture", FailureKind::Data, "late");
    assert!(!drawn(&mut state, stale, &Err(failure)));
    answer(&mut state, &second);
}

#[test]
fn another_image_never_shows_the_old_picture() {
    let mut shared = three_images();
    let (mut state, effects) = pane(&mut shared, 60, 20);
    answer(&mut state, &effects);
    update(&mut state, Msg::NextRegion, &mut shared);
    assert!(state.picture.value().is_some(), "the same image stays");
    update(&mut state, Msg::Next, &mut shared);
    assert!(state.picture.value().is_none(), "another one does not");
}

#[test]
fn regions_are_marked_one_after_the_other() {
    let mut shared = three_images();
    let (mut state, _) = pane(&mut shared, 60, 20);
    for expected in [Some(0), Some(1), None, Some(0)] {
        let effects = update(&mut state, Msg::NextRegion, &mut shared);
        assert_eq!(shared.selection.region, expected);
        assert_eq!(asked(&effects).1.marked, expected);
    }
}

#[test]
fn hidden_regions_are_not_asked_for_and_come_back_with_the_next() {
    let mut shared = three_images();
    let (mut state, _) = pane(&mut shared, 60, 20);
    let hidden = update(&mut state, Msg::ToggleRegions, &mut shared);
    assert!(asked(&hidden).1.regions.is_empty());
    let next = update(&mut state, Msg::NextRegion, &mut shared);
    assert_eq!(asked(&next).1.regions.len(), 2);
}

#[test]
fn another_protocol_asks_again() {
    let mut shared = three_images();
    let (mut state, effects) = pane(&mut shared, 60, 20);
    answer(&mut state, &effects);
    assert_eq!(
        update(&mut state, Msg::NextGraphics, &mut shared),
        [Effect::NextGraphics]
    );
    let effects = update(&mut state, Msg::Graphics(Protocol::Sixel), &mut shared);
    assert_eq!(asked(&effects).1.image, ImageId(1));
}

#[test]
fn a_missing_file_is_not_asked_for() {
    let mut shared = shared(vec![image(1, ImageState::Missing)]);
    assert_eq!(pane(&mut shared, 60, 20).1, []);
}

#[test]
fn a_case_still_on_its_way_shows_no_other_cases_picture() {
    let mut shared = three_images();
    let (mut state, effects) = pane(&mut shared, 60, 20);
    answer(&mut state, &effects);
    shared.selection.case = Some(CaseId(8));
    shared.case.reload();
    assert_eq!(refresh(&mut state, &shared), []);
    assert!(state.picture.value().is_none());
    assert_eq!(title(&state, &shared), Title::default());
}

#[test]
fn pixels_are_placed_unless_something_covers_them() {
    let mut shared = three_images();
    let (mut state, effects) = pane(&mut shared, 60, 20);
    let (ticket, request) = asked(&effects);
    let canvas = canvas(Protocol::Sixel, ColourDepth::True);
    let picture = prepare(&scan(10), &request, &canvas, &NoFiles).map(Arc::new);
    assert!(drawn(&mut state, ticket, &picture));
    let area = Rect::new(5, 5, 60, 20);
    let placed = placement(&state, &shared, area).unwrap();
    assert_eq!(placed.place.intersection(area), placed.place);
    update(&mut state, Msg::Covered(true), &mut shared);
    assert_eq!(placement(&state, &shared, area), None);
}

#[test]
fn the_title_says_where_one_is() {
    let mut shared = three_images();
    let (mut state, _) = pane(&mut shared, 60, 20);
    update(&mut state, Msg::Next, &mut shared);
    assert_eq!(
        title(&state, &shared).right,
        "ct-017 · 2 of 3 · CT · halfblocks"
    );
}

#[test]
fn commands_are_known_by_name() {
    for name in ["next", "previous", "regions", "next-region", "graphics"] {
        assert!(command(name).is_some(), "{name}");
    }
    assert_eq!(command("zoom"), None);
}

#[test]
fn every_hint_is_a_command() {
    let shared = three_images();
    for hint in hints(&State::default(), &shared) {
        let name = hint.command.strip_prefix("image.").unwrap();
        assert!(command(name).is_some(), "{name}");
    }
}

pub(super) fn screen(state: &State, shared: &Shared, columns: u16, rows: u16) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    view(state, shared, &Theme::default(), buffer.area, &mut buffer);
    buffer
        .content
        .chunks(usize::from(columns))
        .map(|row| {
            let row: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            row.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[track_caller]
fn snapshot(
    name: &str,
    prepare_state: impl Fn(&mut State, &mut Shared, Vec<Effect>),
    start: Shared,
) {
    for (columns, rows) in [(80, 24), (160, 50)] {
        let mut shared = start.clone();
        let (mut state, effects) = pane(&mut shared, columns, rows);
        prepare_state(&mut state, &mut shared, effects);
        let shown = screen(&state, &shared, columns, rows);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), shown);
    }
}

#[test]
fn an_empty_pane_says_what_belongs_here() {
    snapshot("empty", |_, _, _| {}, Shared::default());
}

#[test]
fn a_picture_on_its_way_is_announced_after_a_moment() {
    let wait = |_: &mut State, shared: &mut Shared, _| shared.spinner_frame = Some(1);
    snapshot("loading", wait, three_images());
}

#[test]
fn a_loaded_picture_fills_the_pane() {
    let load = |state: &mut State, shared: &mut Shared, effects: Vec<Effect>| {
        answer(state, &effects);
        let effects = update(state, Msg::NextRegion, shared);
        answer(state, &effects);
    };
    snapshot("loaded", load, three_images());
}

#[test]
fn a_missing_picture_says_which_file() {
    snapshot(
        "missing",
        |_, _, _| {},
        shared(vec![image(1, ImageState::Missing)]),
    );
}

#[test]
fn a_picture_that_failed_says_why_and_what_to_do() {
    let fail = |state: &mut State, _: &mut Shared, effects: Vec<Effect>| {
        let (ticket, _) = asked(&effects);
        let mut failure = Failure::new(
            "picture",
            FailureKind::Data,
            "the PNG file is damaged or cut off; fetch it again from its source",
        );
        failure.causes = vec!["unexpected end of file\x1b[31m".to_owned()];
        drawn(state, ticket, &Err(failure));
    };
    snapshot("failed", fail, three_images());
}

#[test]
fn no_size_is_too_small() {
    let mut shared = three_images();
    for columns in 0..12 {
        for rows in 0..9 {
            let (mut state, effects) = pane(&mut shared, columns, rows);
            if !effects.is_empty() {
                answer(&mut state, &effects);
            }
            screen(&state, &shared, columns.max(1), rows);
        }
    }
}

#[test]
fn the_pictures_beside_the_one_that_is_shown_are_read_ahead_once() {
    let mut shared = three_images();
    let (mut state, effects) = pane(&mut shared, 60, 20);
    assert_eq!(neighbours(&mut state, &shared), []);
    answer(&mut state, &effects);
    let next = Effect::Warm("images/ct-017-2.png".to_owned());
    assert_eq!(neighbours(&mut state, &shared), [next]);
    assert_eq!(neighbours(&mut state, &shared), []);
}
