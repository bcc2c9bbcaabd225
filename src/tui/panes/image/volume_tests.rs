//! The pane over a volume: slices, planes, windows, the pointer, and what is asked while a key is
//! held.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use semihv_engine::Edit;
use semihv_imaging::{Cut, Limits, Scan, WindowChoice};
use semihv_terminal::{ColourDepth, Placement};

use super::tests::{image, readable, region, screen, shared};
use super::*;
use crate::graphics::tests::canvas;
use crate::graphics::{Files, NoFiles, prepare};
use crate::keys::Key;

/// A NIfTI volume of 8 x 6 x 40 voxels of 1 x 1 x 2 mm whose values say where they are.
fn volume() -> Scan {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348_i32.to_le_bytes());
    for (at, side) in [3_i16, 8, 6, 40, 1].into_iter().enumerate() {
        put(40 + at * 2, &side.to_le_bytes());
    }
    put(70, &4_i16.to_le_bytes());
    for (at, step) in [1_f32, 1.0, 1.0, 2.0].into_iter().enumerate() {
        put(76 + at * 4, &step.to_le_bytes());
    }
    put(108, &352_f32.to_le_bytes());
    put(344, b"n+1");
    for z in 0..40_i16 {
        for y in 0..6_i16 {
            bytes.extend((0..8_i16).flat_map(|x| (z * 100 + y * 10 + x).to_le_bytes()));
        }
    }
    Scan::open(bytes, None, Limits::default()).unwrap()
}

/// Every image is the same volume.
struct SameScan;

impl Files for SameScan {
    fn scan(&self, _: &str) -> Result<Arc<Scan>, Failure> {
        Ok(Arc::new(volume()))
    }

    fn regions(&self, location: &str) -> Result<Arc<semihv_imaging::RegionFile>, Failure> {
        NoFiles.regions(location)
    }

    fn heat_map(&self, _: &str) -> Result<Arc<semihv_imaging::HeatMap>, Failure> {
        let map = semihv_imaging::HeatMap::of(&volume(), Limits::default());
        Ok(Arc::new(map.unwrap()))
    }

    fn thumbnail(&self, _: &str) -> Result<Arc<semihv_imaging::Raster>, Failure> {
        let grey = ::image::GrayImage::from_pixel(8, 6, ::image::Luma([200]));
        Ok(Arc::new(semihv_imaging::Raster::Grey(grey)))
    }
}

struct Pane {
    state: State,
    shared: Shared,
    scan: Scan,
    protocol: Protocol,
    /// What was asked last.
    request: Option<PictureRequest>,
    /// Wake-ups that were asked for.
    wakes: Vec<Ticket>,
}

impl Pane {
    fn new(protocol: Protocol) -> Self {
        let mut volume_image = image(1, readable());
        volume_image.location = "scans/head.nii.gz".to_owned();
        volume_image.regions = vec![region(1, "nodule")];
        volume_image.regions[0].shape = semihv_domain::Shape::Box {
            x: 1.0,
            y: 1.0,
            width: 1.0,
            height: 1.0,
        };
        let mut pane = Self {
            state: State::default(),
            shared: shared(vec![volume_image]),
            scan: volume(),
            protocol,
            request: None,
            wakes: Vec::new(),
        };
        pane.tell(Msg::Graphics(protocol));
        pane.tell(Msg::Resized {
            columns: 60,
            rows: 20,
        });
        pane
    }

    fn tell(&mut self, msg: Msg) {
        let effects = update(&mut self.state, msg, &mut self.shared);
        self.perform(effects);
    }

    fn look(&mut self, change: Change) {
        self.tell(Msg::Look(change));
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Draw(ticket, request) => {
                    let canvas = canvas(self.protocol, ColourDepth::True);
                    let picture = prepare(&self.scan, &request, &canvas, &SameScan).map(Arc::new);
                    assert!(drawn(&mut self.state, ticket, &picture));
                    self.request = Some(request);
                }
                Effect::Wake(ticket, _) => self.wakes.push(ticket),
                other => panic!("not expected: {other:?}"),
            }
        }
    }

    fn wake(&mut self) {
        let ticket = self.wakes.pop().unwrap();
        let effects = woke(&mut self.state, ticket, &mut self.shared).unwrap();
        self.perform(effects);
    }

    fn place(&self) -> (Cut, u32) {
        let picture = self.state.picture.value().unwrap();
        (picture.look.place.cut, picture.look.place.slice)
    }

    fn text(&self) -> String {
        screen(&self.state, &self.shared, 60, 20)
    }
}

#[test]
fn a_volume_begins_in_the_middle_and_ends_at_its_ends() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    assert_eq!(pane.place(), (Cut::Axial, 20));
    pane.look(Change::Slices(1));
    assert_eq!(pane.place(), (Cut::Axial, 21));
    pane.look(Change::LastSlice);
    pane.look(Change::Slices(10));
    assert_eq!(pane.place(), (Cut::Axial, 39));
    pane.look(Change::FirstSlice);
    pane.look(Change::Slices(-1));
    assert_eq!(pane.place(), (Cut::Axial, 0));
    assert!(pane.text().contains("axial 1/40"), "{}", pane.text());
}

#[test]
fn planes_follow_each_other_with_the_patients_sides() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    let mut seen = Vec::new();
    for _ in 0..3 {
        pane.look(Change::NextCut);
        seen.push(pane.place());
    }
    let expected = [(Cut::Coronal, 3), (Cut::Sagittal, 4), (Cut::Axial, 20)];
    assert_eq!(seen, expected);
    let sides: String = pane
        .text()
        .lines()
        .flat_map(|line| line.chars().next().into_iter().chain(line.chars().nth(59)))
        .filter(char::is_ascii_uppercase)
        .collect();
    assert_eq!(sides, "ARLP");
}

#[test]
fn windows_go_round_and_a_step_makes_one_of_its_own() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    let window = |pane: &Pane| pane.state.picture.value().unwrap().look.window;
    pane.look(Change::NextWindow);
    assert_eq!(window(&pane), WindowChoice::Percentile);
    pane.look(Change::NextWindow);
    assert_eq!(window(&pane), WindowChoice::Full);
    // 20 slices below: 2000 to 2057.
    assert!(pane.text().contains("W 57 L 2028 full"), "{}", pane.text());
    pane.look(Change::Shift {
        bright: 1.0,
        wide: 0.0,
    });
    let WindowChoice::Given(shifted) = window(&pane) else {
        panic!("a window of its own");
    };
    assert!((shifted.centre - 2022.8).abs() < 0.1, "{shifted}");
    pane.look(Change::UsualWindow);
    assert_eq!(window(&pane), WindowChoice::Auto);
}

#[test]
fn the_pointer_says_the_value_and_the_place() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    pane.tell(Msg::Nudge(1, 1));
    // Columns are stored from right to left already; rows from the back: y is counted from there.
    assert!(pane.text().contains("x 5 y 4: 2015"), "{}", pane.text());
    assert!(pane.text().contains("mm"), "{}", pane.text());
    for _ in 0..20 {
        pane.tell(Msg::Nudge(1, -1));
    }
    assert!(pane.text().contains("x 7 y 0: 2057"), "{}", pane.text());
}

#[test]
fn a_marked_region_is_measured_and_can_be_come_closer_to() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    pane.tell(Msg::NextRegion);
    assert!(
        pane.text().contains("nodule · 1 mm2 · mean"),
        "{}",
        pane.text()
    );
    pane.tell(Msg::OntoRegion);
    let look = pane.state.picture.value().unwrap().look;
    assert!(look.zoom > 1.0, "{look:?}");
    pane.look(Change::Fit);
    assert!(!pane.state.picture.value().unwrap().look.is_changed());
}

#[test]
fn a_held_key_asks_for_drafts_and_its_rest_for_the_whole() {
    let mut pane = Pane::new(Protocol::Kitty(Placement::Direct));
    assert!(!pane.request.as_ref().unwrap().is_draft);
    pane.look(Change::Slices(1));
    pane.look(Change::Slices(1));
    assert!(pane.request.as_ref().unwrap().is_draft);
    pane.wake();
    let request = pane.request.clone().unwrap();
    assert!(!request.is_draft);
    assert_eq!(request.look.unwrap().place.slice, 22);
}

#[test]
fn a_slice_on_the_way_is_shown_while_the_last_is_awaited() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    let step = |pane: &mut Pane| {
        let msg = Msg::Look(Change::Slices(1));
        let effects = update(&mut pane.state, msg, &mut pane.shared);
        let found = effects.into_iter().find_map(|effect| match effect {
            Effect::Draw(ticket, request) => Some((ticket, request)),
            _ => None,
        });
        found.unwrap()
    };
    let (first, request) = step(&mut pane);
    step(&mut pane);
    let canvas = canvas(Protocol::Halfblocks, ColourDepth::True);
    let picture = prepare(&pane.scan, &request, &canvas, &NoFiles).map(Arc::new);
    assert!(drawn(&mut pane.state, first, &picture));
    assert_eq!(pane.place().1, 21);
    assert!(pane.state.slot.is_waiting());
}

#[test]
fn slices_run_by_themselves_and_turn_at_the_end() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    pane.look(Change::LastSlice);
    pane.look(Change::Slices(-1));
    pane.wakes.clear();
    pane.tell(Msg::Cine);
    let mut seen = Vec::new();
    for _ in 0..4 {
        // The tick is the first that was asked for; rests follow it.
        let ticket = pane.wakes.remove(0);
        pane.wakes.clear();
        let effects = woke(&mut pane.state, ticket, &mut pane.shared).unwrap();
        pane.perform(effects);
        seen.push(pane.place().1);
    }
    assert_eq!(seen, [39, 39, 38, 37]);
    pane.tell(Msg::Cine);
    assert_eq!(pane.state.cine, None);
}

#[test]
fn another_image_is_looked_at_anew_and_this_one_as_it_was() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    pane.look(Change::Closer);
    pane.look(Change::Invert);
    let kept = pane.state.looks.known(semihv_domain::ImageId(1)).unwrap();
    assert!(kept.is_inverted && kept.zoom > 1.0);
    assert_eq!(pane.state.looks.known(semihv_domain::ImageId(2)), None);
    assert!(pane.text().contains("inverted · x1.5"), "{}", pane.text());
}

#[test]
fn a_click_asks_for_a_value_beside_the_window_and_a_second_one_takes_it_away() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    pane.tell(Msg::Point(30, 8));
    let text = pane.text();
    assert!(text.contains(" y ") && text.contains(": 20"), "{text}");
    assert!(text.contains("W 57"), "{text}");
    pane.tell(Msg::Point(30, 8));
    assert!(pane.text().contains("axial 21/40"), "{}", pane.text());
}

/// Told in the whole pane: what is drawn is asked for as a picture, and stored as an edit.
fn typed_keys(pane: &mut Pane, keys: &[Key]) -> Vec<Edit> {
    let mut edits = Vec::new();
    for key in keys {
        let effects = typed(&mut pane.state, Input::Key(*key), &mut pane.shared);
        let (stored, others): (Vec<_>, Vec<_>) = effects
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Edit(_)));
        edits.extend(stored.into_iter().filter_map(|effect| match effect {
            Effect::Edit(edit) => Some(edit),
            _ => None,
        }));
        pane.perform(others);
    }
    edits
}

fn draw(pane: &mut Pane, tool: Tool) {
    let effects = draw_region(&mut pane.state, &pane.shared, tool).unwrap();
    pane.perform(effects);
}

fn letters(keys: &str) -> Vec<Key> {
    keys.chars()
        .map(|key| Key::plain(crossterm::event::KeyCode::Char(key)))
        .collect()
}

#[test]
fn a_box_is_drawn_on_its_slice_and_kept() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    draw(&mut pane, Tool::Box);
    assert!(is_typing(&pane.state));
    assert!(pane.text().contains("Enter keeps it"), "{}", pane.text());
    let edits = typed_keys(&mut pane, &letters("fhhLLJ"));
    assert_eq!(edits, []);
    let request = pane.request.clone().unwrap();
    assert_eq!((request.regions.len(), request.marked), (2, Some(1)));
    let edits = typed_keys(&mut pane, &[Key::ENTER]);
    let [Edit::DrawRegion { image, region }] = edits.as_slice() else {
        panic!("one region is stored, not {edits:?}");
    };
    assert_eq!(*image, ImageId(1));
    let slice = semihv_domain::RegionSlice {
        cut: Cut::Axial,
        slice: 20,
    };
    assert_eq!(
        (region.slice, region.label.as_str()),
        (Some(slice), "region")
    );
    let (x, _, width, height) = region.shape.bounds();
    assert_eq!((x, width, height), (1.0, 4.0, 2.0));
    assert!(!is_typing(&pane.state));
    // It will be the last of the image's regions, and is marked when it comes.
    assert_eq!(pane.shared.selection.region, Some(1));
}

#[test]
fn a_drawing_that_does_not_reach_the_disk_comes_back() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    draw(&mut pane, Tool::Box);
    let drawing = pane.state.drawing.clone();
    typed_keys(&mut pane, &[Key::ENTER]);
    assert!(!is_typing(&pane.state));
    region_edited(&mut pane.state, false);
    assert_eq!(pane.state.drawing, drawing);
    typed_keys(&mut pane, &[Key::ENTER]);
    region_edited(&mut pane.state, true);
    assert!(!is_typing(&pane.state));
}

#[test]
fn escape_leaves_a_drawing_and_nothing_is_stored() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    draw(&mut pane, Tool::Point);
    assert_eq!(typed_keys(&mut pane, &[Key::ESC]), []);
    assert!(!is_typing(&pane.state));
    assert_eq!(pane.request.clone().unwrap().regions.len(), 1);
}

#[test]
fn a_region_of_a_source_is_not_changed_and_a_persons_is() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    pane.tell(Msg::NextRegion);
    let refused = change_region(&mut pane.state, &pane.shared);
    assert!(refused.unwrap_err().contains("its source's"));
    let Load::Ready(detail) = &mut pane.shared.case else {
        panic!("the case is there");
    };
    detail.images[0].regions[0].written = Some(7);
    let effects = change_region(&mut pane.state, &pane.shared).unwrap();
    pane.perform(effects);
    let edits = typed_keys(&mut pane, &[letters("fl"), vec![Key::ENTER]].concat());
    let [Edit::PutRegion { region }] = edits.as_slice() else {
        panic!("the region is changed, not {edits:?}");
    };
    assert_eq!(region.shape.bounds(), (2.0, 1.0, 1.0, 1.0));
    assert_eq!((region.written, region.label.as_str()), (Some(7), "nodule"));
}

#[test]
fn a_region_on_another_slice_is_gone_to() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    let Load::Ready(detail) = &mut pane.shared.case else {
        panic!("the case is there");
    };
    detail.images[0].regions[0].slice = Some(semihv_domain::RegionSlice {
        cut: Cut::Axial,
        slice: 31,
    });
    let effects = refresh(&mut pane.state, &pane.shared);
    pane.perform(effects);
    let seen = pane.state.picture.value().unwrap().seen.clone();
    assert_eq!(seen.regions.each[0].bounds, None);
    assert_eq!(seen.regions.slices, [31]);
    pane.tell(Msg::NextRegion);
    assert_eq!(pane.place(), (Cut::Axial, 31));
    assert!(
        pane.text().contains("1 of 1 region · nodule · 1 mm2"),
        "{}",
        pane.text()
    );
}

/// A case of three volumes.
fn three_volumes() -> Pane {
    let mut pane = Pane::new(Protocol::Halfblocks);
    let Load::Ready(detail) = &mut pane.shared.case else {
        panic!("the case is there");
    };
    for id in [2, 3] {
        let mut other = detail.images[0].clone();
        (other.id, other.key) = (ImageId(id), format!("img-{id}"));
        other.regions.clear();
        detail.images.push(other);
    }
    pane
}

fn slices(pane: &Pane) -> Vec<u32> {
    let picture = pane.state.picture.value().unwrap();
    let beside = picture.beside.iter().map(|other| other.look.place.slice);
    std::iter::once(picture.look.place.slice)
        .chain(beside)
        .collect()
}

#[test]
fn images_side_by_side_go_through_their_slices_together_until_they_are_let_go() {
    let mut pane = three_volumes();
    pane.tell(Msg::Beside);
    pane.tell(Msg::Beside);
    assert_eq!(slices(&pane), [20, 20, 20]);
    let text = pane.text();
    assert!(
        text.contains("img-1 / img-3") && text.contains("img-2"),
        "{text}"
    );
    pane.look(Change::Slices(5));
    pane.look(Change::NextWindow);
    assert_eq!(slices(&pane), [25, 25, 25]);
    let picture = pane.state.picture.value().unwrap();
    assert!(
        picture
            .beside
            .iter()
            .all(|it| it.look.window == picture.look.window)
    );
    pane.tell(Msg::Link);
    pane.look(Change::LastSlice);
    assert_eq!(slices(&pane), [39, 25, 25]);
    assert!(
        title(&pane.state, &pane.shared)
            .right
            .contains("3 not linked")
    );
    // After four comes one.
    pane.tell(Msg::Beside);
    pane.tell(Msg::Beside);
    assert_eq!(slices(&pane), [39]);
}

#[test]
fn a_kept_image_stays_beside_and_flipping_goes_back_to_the_one_before() {
    let mut pane = three_volumes();
    pane.tell(Msg::Keep);
    pane.tell(Msg::Next);
    pane.tell(Msg::Next);
    let beside: Vec<ImageId> = pane
        .request
        .clone()
        .unwrap()
        .beside
        .iter()
        .map(|it| it.image)
        .collect();
    assert_eq!(beside, [ImageId(1)]);
    assert_eq!(pane.shared.selection.image, Some(ImageId(3)));
    pane.tell(Msg::Flip);
    assert_eq!(pane.shared.selection.image, Some(ImageId(2)));
    pane.tell(Msg::Flip);
    assert_eq!(pane.shared.selection.image, Some(ImageId(3)));
}

#[test]
fn a_click_beside_the_image_is_no_pixel_of_it_and_one_on_it_is() {
    let mut pane = three_volumes();
    pane.tell(Msg::Beside);
    pane.tell(Msg::Point(50, 8));
    assert_eq!(pane.state.pointer, None);
    let picture = Arc::clone(pane.state.picture.value().unwrap());
    let across = picture.inset.left + picture.inset.width / 2.0;
    let down = picture.inset.top + picture.inset.height / 2.0;
    let column = (across * f64::from(picture.columns)) as u16 + 1;
    pane.tell(Msg::Point(
        column,
        (down * f64::from(picture.rows)) as u16 + 1,
    ));
    assert!(pane.state.pointer.is_some());
}

#[test]
fn small_pictures_come_after_the_large_one() {
    let mut pane = three_volumes();
    pane.tell(Msg::Thumbnails);
    assert_eq!(pane.request.clone().unwrap().thumbnails, []);
    let effects = neighbours(&mut pane.state, &pane.shared);
    pane.perform(effects);
    let asked = pane.request.clone().unwrap().thumbnails;
    let shown: Vec<bool> = asked.iter().map(|it| it.is_shown).collect();
    assert_eq!(shown, [true, false, false]);
}

/// Cells of the picture in which red is far above green and blue.
fn red_cells(pane: &Pane) -> usize {
    let picture = pane.state.picture.value().unwrap();
    let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 20));
    picture.draw(buffer.area, &mut buffer);
    let is_red = |colour: Color| matches!(colour, Color::Rgb(red, green, _) if red > green.saturating_add(60));
    let cells = buffer.content.iter();
    cells
        .filter(|cell| is_red(cell.fg) || is_red(cell.bg))
        .count()
}

#[test]
fn another_image_lies_over_this_one_in_colours_that_go_round() {
    let mut pane = three_volumes();
    let map = |pane: &Pane| {
        let over = pane.request.clone().unwrap().over;
        over.map(|over| (over.name, over.map.name()))
    };
    assert_eq!((map(&pane), red_cells(&pane)), (None, 0));
    pane.tell(Msg::Over);
    assert_eq!(map(&pane), Some(("img-2".to_owned(), "hot")));
    assert!(red_cells(&pane) > 2, "{}", red_cells(&pane));
    let text = pane.text();
    assert!(text.contains("img-2 hot from 0 to"), "{text}");
    pane.tell(Msg::Nudge(1, 0));
    assert!(pane.text().contains("over it"), "{}", pane.text());
    pane.tell(Msg::Over);
    assert_eq!(map(&pane).unwrap().1, "viridis");
    pane.tell(Msg::Over);
    pane.tell(Msg::Over);
    assert_eq!(map(&pane), None);
}

#[test]
fn a_single_image_says_that_there_is_none_to_lay_over_it() {
    let mut pane = Pane::new(Protocol::Halfblocks);
    pane.tell(Msg::Over);
    let text = pane.text();
    assert!(text.contains("no other picture"), "{text}");
}
