//! What can be told to a list.

#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Down,
    Up,
    Top,
    Bottom,
    PageDown,
    PageUp,
    /// Moves the view; the cursor stays in it.
    ScrollDown,
    ScrollUp,
    /// A row was clicked, counted from the first visible one.
    Visible(usize),
    Search,
    Clear,
    Mark,
    Range,
    Open,
}

/// The command's word after the pane's name.
pub fn command(name: &str) -> Option<Msg> {
    Some(match name {
        "down" => Msg::Down,
        "up" => Msg::Up,
        "top" => Msg::Top,
        "bottom" => Msg::Bottom,
        "page-down" => Msg::PageDown,
        "page-up" => Msg::PageUp,
        "search" => Msg::Search,
        "clear" => Msg::Clear,
        "mark" => Msg::Mark,
        "range" => Msg::Range,
        "open" => Msg::Open,
        _ => return None,
    })
}
