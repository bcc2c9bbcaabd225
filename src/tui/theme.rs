//! Themes: what a colour means, never which widget it paints.

use ratatui::style::Style;

/// A meaning. Every theme gives each a style; NO_COLOR and 16 colours have a floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Text,
    Muted,
    Strong,
    Accent,
    Selection,
    /// The selected row of a pane without focus.
    SelectionInactive,
    Border,
    BorderFocused,
    Title,
    Good,
    Warn,
    Bad,
    Info,
    Match,
    KeyPoint,
    Inference,
    Evidence,
    Added,
    Removed,
    Key,
    Modality,
    Region,
    ChartLine,
    ChartLineOther,
}

/// Styles by meaning. Loading, inheritance and colour depths live beside this type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Theme {
    styles: std::collections::BTreeMap<Role, Style>,
}

impl Theme {
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }
}
