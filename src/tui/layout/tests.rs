//! Layouts: nothing overlaps, nothing is lost.

use proptest::prelude::*;
use ratatui::layout::Rect;

use super::*;

fn tree() -> Tree {
    built_in().remove(1).tree
}

#[test]
fn every_built_in_layout_holds_each_pane_once_and_together_all() {
    let mut all = std::collections::BTreeSet::new();
    for layout in built_in() {
        let panes = layout.tree.panes();
        let distinct: std::collections::BTreeSet<_> = panes.iter().copied().collect();
        assert_eq!(panes.len(), distinct.len(), "{}", layout.name);
        assert!(panes.contains(&layout.focus), "{}", layout.name);
        all.extend(distinct);
    }
    assert_eq!(all.len(), PaneKind::ALL.len());
}

#[test]
fn a_split_moves_a_pane_that_stands_elsewhere() {
    let mut tree = tree();
    tree.split_at(PaneKind::Questions, Axis::Below, PaneKind::Image);
    assert_eq!(
        tree.panes(),
        [
            PaneKind::Questions,
            PaneKind::Image,
            PaneKind::Rationales,
            PaneKind::Guidelines
        ]
    );
}

#[test]
fn the_last_pane_cannot_be_closed() {
    let mut tree = Tree::Pane(PaneKind::Log);
    tree.remove(PaneKind::Log);
    assert_eq!(tree, Tree::Pane(PaneKind::Log));
}

#[test]
fn making_a_pane_wider_takes_from_its_neighbour() {
    let area = Rect::new(0, 0, 200, 50);
    let mut tree = tree();
    let width = |tree: &Tree, kind| {
        let rects = tree.rects(area);
        rects
            .iter()
            .find(|(known, _)| *known == kind)
            .unwrap()
            .1
            .width
    };
    let before = width(&tree, PaneKind::Image);
    assert!(tree.resize(PaneKind::Image, Resize::Wider));
    assert!(width(&tree, PaneKind::Image) > before);
    assert!(tree.resize(PaneKind::Image, Resize::Narrower));
    assert_eq!(width(&tree, PaneKind::Image), before);
}

#[test]
fn a_dragged_border_lands_under_the_mouse() {
    let area = Rect::new(0, 1, 160, 48);
    let mut tree = tree();
    let border = tree
        .border_at(area, 74, 5)
        .expect("a border between questions and image");
    tree.drag(&border, area, 100, 5);
    let rects = tree.rects(area);
    assert_eq!(rects[0].1.width, 100);
}

#[test]
fn a_small_screen_shows_the_focused_pane_alone() {
    let layouts = Layouts::default();
    let areas = areas(&layouts, Rect::new(0, 0, 80, 24));
    assert_eq!(
        areas.insides(),
        [(PaneKind::Cases, Rect::new(1, 2, 78, 21))]
    );
}

proptest! {
    #[test]
    fn the_parts_cover_the_area_without_overlap(
        width in 0u16..300, height in 0u16..120, share in 0u16..=1000, which in 0usize..5,
    ) {
        let area = Rect::new(0, 1, width, height);
        let mut tree = built_in().remove(which).tree;
        if let Tree::Split { share: own, .. } = &mut tree {
            *own = share;
        }
        let rects = tree.rects(area);
        let covered: u32 = rects.iter().map(|(_, rect)| rect.area()).sum();
        prop_assert_eq!(covered, area.area());
        for (_, rect) in &rects {
            prop_assert_eq!(area.intersection(*rect).area(), rect.area());
        }
    }

    #[test]
    fn every_inside_lies_on_the_screen(width in 1u16..240, height in 1u16..90) {
        let screen = Rect::new(0, 0, width, height);
        for (_, rect) in areas(&Layouts::default(), screen).insides() {
            prop_assert!(rect.right() <= width && rect.bottom() <= height);
        }
    }
}
