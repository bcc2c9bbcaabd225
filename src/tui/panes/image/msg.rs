//! What the pane can be told, and the commands of the keymap that tell it.

use semihv_terminal::Protocol;

use super::{Change, Tool};

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// Something else of the same image.
    Look(Change),
    /// The wheel: a slice of a volume, else the next or the previous picture.
    Wheel(i64),
    /// The pointer to a cell of the pane.
    Point(u16, u16),
    /// The pointer one pixel on.
    Nudge(i32, i32),
    /// A drag to a cell: the window follows.
    Drag(u16, u16),
    Cine,
    /// As close as the marked region fills the pane.
    OntoRegion,
    Next,
    Previous,
    ToggleRegions,
    FillRegions,
    NextRegion,
    PreviousRegion,
    Draw(Tool),
    /// Moves or sizes the marked region.
    ChangeRegion,
    EraseRegion,
    /// Asks for another name of the marked region.
    NameRegion,
    /// One image, or up to four side by side.
    Beside,
    /// What is done to one is done to all, or not.
    Link,
    /// This image stays beside the others, or not.
    Keep,
    /// The values of another image in colour over this one.
    Over,
    Thumbnails,
    Histogram,
    /// What is seen, as a file.
    Export,
    /// A pixel of the slice for a pixel of the screen.
    Actual,
    /// The image that was looked at before.
    Flip,
    NextGraphics,
    /// The inside of the pane after a layout.
    Resized {
        columns: u16,
        rows: u16,
    },
    /// An overlay (palette, help, which-key) came over the pane or went.
    Covered(bool),
    /// What pictures are shown with from now on.
    Graphics(Protocol),
}

/// `next` of `image.next`.
pub fn command(name: &str) -> Option<Msg> {
    match name {
        "next" => Some(Msg::Next),
        "previous" => Some(Msg::Previous),
        "regions" => Some(Msg::ToggleRegions),
        "next-region" => Some(Msg::NextRegion),
        "previous-region" => Some(Msg::PreviousRegion),
        "fill" => Some(Msg::FillRegions),
        "draw-box" => Some(Msg::Draw(Tool::Box)),
        "draw-point" => Some(Msg::Draw(Tool::Point)),
        "change-region" => Some(Msg::ChangeRegion),
        "erase-region" => Some(Msg::EraseRegion),
        "name-region" => Some(Msg::NameRegion),
        "graphics" => Some(Msg::NextGraphics),
        "onto-region" => Some(Msg::OntoRegion),
        "beside" => Some(Msg::Beside),
        "link" => Some(Msg::Link),
        "keep" => Some(Msg::Keep),
        "over" => Some(Msg::Over),
        "thumbnails" => Some(Msg::Thumbnails),
        "export" => Some(Msg::Export),
        "histogram" => Some(Msg::Histogram),
        "actual" => Some(Msg::Actual),
        "flip" => Some(Msg::Flip),
        "cine" => Some(Msg::Cine),
        "pointer-left" => Some(Msg::Nudge(-1, 0)),
        "pointer-right" => Some(Msg::Nudge(1, 0)),
        "pointer-up" => Some(Msg::Nudge(0, -1)),
        "pointer-down" => Some(Msg::Nudge(0, 1)),
        name => look_command(name).map(Msg::Look),
    }
}

fn look_command(name: &str) -> Option<Change> {
    let shift = |bright: f32, wide: f32| Change::Shift { bright, wide };
    Some(match name {
        "slice-next" => Change::Slices(1),
        "slice-previous" => Change::Slices(-1),
        "slice-on" => Change::Slices(10),
        "slice-back" => Change::Slices(-10),
        "slice-first" => Change::FirstSlice,
        "slice-last" => Change::LastSlice,
        "plane" => Change::NextCut,
        "volume-next" => Change::Times(1),
        "volume-previous" => Change::Times(-1),
        "window" => Change::NextWindow,
        "window-previous" => Change::PreviousWindow,
        "window-usual" => Change::UsualWindow,
        "brighter" => shift(1.0, 0.0),
        "darker" => shift(-1.0, 0.0),
        "wider" => shift(0.0, 1.0),
        "narrower" => shift(0.0, -1.0),
        "invert" => Change::Invert,
        "closer" => Change::Closer,
        "farther" => Change::Farther,
        "fit" => Change::Fit,
        "pan-left" => Change::Pan(-1, 0),
        "pan-right" => Change::Pan(1, 0),
        "pan-up" => Change::Pan(0, -1),
        "pan-down" => Change::Pan(0, 1),
        "mirror" => Change::Mirror,
        "rotate" => Change::Rotate,
        _ => return None,
    })
}
