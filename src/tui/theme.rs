//! Themes: what a colour means, never which widget it paints.
//!
//! Four themes are embedded; a person's files add to them or replace single meanings. Every role
//! has a floor for sixteen colours and for none at all, where bold, reverse and underline carry
//! the meaning.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

/// A meaning. Every theme gives each a style; NO_COLOR and 16 colours have a floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

impl Role {
    pub const ALL: [Self; 24] = [
        Self::Text,
        Self::Muted,
        Self::Strong,
        Self::Accent,
        Self::Selection,
        Self::SelectionInactive,
        Self::Border,
        Self::BorderFocused,
        Self::Title,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Info,
        Self::Match,
        Self::KeyPoint,
        Self::Inference,
        Self::Evidence,
        Self::Added,
        Self::Removed,
        Self::Key,
        Self::Modality,
        Self::Region,
        Self::ChartLine,
        Self::ChartLineOther,
    ];

    /// The meaning in the terminal's own sixteen colours, readable on dark and on light.
    fn in_sixteen(self) -> Style {
        let plain = Style::new();
        match self {
            Self::Text => plain,
            Self::Muted | Self::Border => plain.fg(Color::DarkGray),
            Self::Strong | Self::Title => plain.add_modifier(Modifier::BOLD),
            Self::Accent | Self::BorderFocused | Self::Key | Self::Info | Self::ChartLine => {
                plain.fg(Color::Cyan)
            }
            Self::Selection => plain.add_modifier(Modifier::REVERSED),
            Self::SelectionInactive => plain.add_modifier(Modifier::UNDERLINED),
            Self::Good => plain.fg(Color::Green),
            Self::Added => plain.fg(Color::Green).add_modifier(Modifier::UNDERLINED),
            Self::Warn | Self::Region | Self::Evidence => plain.fg(Color::Yellow),
            Self::Match => plain.fg(Color::Yellow).add_modifier(Modifier::UNDERLINED),
            Self::Bad | Self::KeyPoint => plain.fg(Color::Red),
            Self::Removed => plain.fg(Color::Red).add_modifier(Modifier::CROSSED_OUT),
            Self::Inference => plain.fg(Color::Blue),
            Self::Modality => plain.fg(Color::Cyan),
            Self::ChartLineOther => plain.fg(Color::Magenta),
        }
    }

    /// The meaning without any colour.
    fn in_none(self) -> Style {
        let modifier = match self {
            Self::Selection => Modifier::REVERSED,
            Self::SelectionInactive | Self::Match | Self::Added => Modifier::UNDERLINED,
            Self::Strong | Self::Title | Self::BorderFocused | Self::Key | Self::Bad => {
                Modifier::BOLD
            }
            Self::Removed => Modifier::CROSSED_OUT,
            Self::Muted | Self::Border => Modifier::DIM,
            _ => Modifier::empty(),
        };
        Style::new().add_modifier(modifier)
    }
}

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    #[default]
    Truecolour,
    Indexed,
    Sixteen,
    /// NO_COLOR, or a terminal without colours.
    Monochrome,
}

impl Depth {
    /// Decided from the environment alone; a terminal that says nothing gets sixteen colours.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let is_off = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        if is_off || term.is_empty() || term == "dumb" || term.starts_with("vt") {
            return Self::Monochrome;
        }
        let colours = variable("COLORTERM").unwrap_or_default();
        let knows_all = [
            "xterm-kitty",
            "xterm-ghostty",
            "alacritty",
            "foot",
            "wezterm",
        ];
        if matches!(colours.as_str(), "truecolor" | "24bit")
            || term.ends_with("-direct")
            || knows_all.iter().any(|name| term.starts_with(name))
        {
            Self::Truecolour
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }
}

/// Styles by meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Theme {
    name: String,
    styles: BTreeMap<Role, Style>,
    depth: Depth,
}

impl Theme {
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The theme as a terminal with fewer colours can show it.
    pub fn reduced(&self, depth: Depth) -> Self {
        let styles = Role::ALL
            .into_iter()
            .map(|role| {
                let style = match depth {
                    Depth::Truecolour => self.style(role),
                    Depth::Indexed => indexed(self.style(role)),
                    Depth::Sixteen => role.in_sixteen(),
                    Depth::Monochrome => role.in_none(),
                };
                (role, style)
            })
            .collect();
        Self {
            name: self.name.clone(),
            styles,
            depth,
        }
    }

    /// A role's style in the colour that something has in a picture, where the terminal has it.
    pub fn inked(&self, role: Role, [red, green, blue]: [u8; 3]) -> Style {
        let style = self.style(role);
        match self.depth {
            Depth::Truecolour => style.fg(Color::Rgb(red, green, blue)),
            Depth::Indexed => indexed(style.fg(Color::Rgb(red, green, blue))),
            Depth::Sixteen | Depth::Monochrome => style,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    #[error("theme: {0}")]
    Toml(String),
    #[error("theme `{theme}` has no name for the colour `{colour}` and it is not like #a1b2c3")]
    Colour { theme: String, colour: String },
    #[error("theme `{theme}` inherits `{parent}`, which does not exist or inherits it in turn")]
    Parent { theme: String, parent: String },
    #[error("there is no theme `{name}`; there are: {known}")]
    Unknown { name: String, known: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    name: String,
    inherits: Option<String>,
    background: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    styles: BTreeMap<Role, StyleRow>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StyleRow {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
    strike: bool,
}

/// All themes that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Themes {
    files: Vec<ThemeFile>,
}

impl Themes {
    /// The embedded ones. A test holds that they are sound.
    pub fn built_in() -> Self {
        let files = [
            include_str!("../../themes/dark.toml"),
            include_str!("../../themes/light.toml"),
            include_str!("../../themes/high-contrast.toml"),
            include_str!("../../themes/colour-blind.toml"),
        ]
        .iter()
        .filter_map(|text| toml::from_str(text).ok())
        .collect();
        Self { files }
    }

    /// Adds a person's theme; one of the same name is replaced, and may inherit what it replaces.
    pub fn add(&mut self, text: &str) -> Result<(), ThemeError> {
        let mut file: ThemeFile =
            toml::from_str(text).map_err(|error| ThemeError::Toml(error.to_string()))?;
        let old = self.files.iter().position(|known| known.name == file.name);
        if let Some(replaced) = old.and_then(|at| self.files.get(at))
            && file.inherits.as_ref() == Some(&file.name)
        {
            file = over(replaced, &file);
            file.inherits.clone_from(&replaced.inherits);
        }
        let mut candidate = self.clone();
        match old {
            Some(at) => candidate
                .files
                .splice(at..=at, [file.clone()])
                .for_each(drop),
            None => candidate.files.push(file.clone()),
        }
        candidate.theme(&file.name)?;
        *self = candidate;
        Ok(())
    }

    pub fn names(&self) -> Vec<&str> {
        self.files.iter().map(|file| file.name.as_str()).collect()
    }

    pub fn theme(&self, name: &str) -> Result<Theme, ThemeError> {
        let file = self.flattened(name)?;
        let mut styles = BTreeMap::new();
        for (role, row) in &file.styles {
            styles.insert(*role, style_of(&file, row)?);
        }
        Ok(Theme {
            name: name.to_owned(),
            styles,
            depth: Depth::Truecolour,
        })
    }

    /// The theme for a terminal whose background is known, or not.
    pub fn name_for(is_light: Option<bool>) -> &'static str {
        if is_light == Some(true) {
            "light"
        } else {
            "dark"
        }
    }

    fn find(&self, name: &str) -> Option<&ThemeFile> {
        self.files.iter().find(|file| file.name == name)
    }

    fn flattened(&self, name: &str) -> Result<ThemeFile, ThemeError> {
        let mut file = self
            .find(name)
            .cloned()
            .ok_or_else(|| ThemeError::Unknown {
                name: name.to_owned(),
                known: self.names().join(", "),
            })?;
        for _ in 0..=self.files.len() {
            let Some(parent) = file.inherits.clone() else {
                return Ok(file);
            };
            let base = self.find(&parent).ok_or_else(|| ThemeError::Parent {
                theme: name.to_owned(),
                parent: parent.clone(),
            })?;
            let inherits = base.inherits.clone();
            file = over(base, &file);
            file.inherits = inherits;
        }
        Err(ThemeError::Parent {
            theme: name.to_owned(),
            parent: file.inherits.unwrap_or_default(),
        })
    }

    /// Text's and the marks' contrast is measured against this.
    #[cfg(test)]
    fn background(&self, name: &str) -> Option<Color> {
        let file = self.flattened(name).ok()?;
        colour_of(&file, file.background.as_deref()?).ok()
    }
}

fn over(base: &ThemeFile, child: &ThemeFile) -> ThemeFile {
    let mut merged = child.clone();
    merged.background = child.background.clone().or_else(|| base.background.clone());
    for (name, colour) in &base.palette {
        merged
            .palette
            .entry(name.clone())
            .or_insert_with(|| colour.clone());
    }
    for (role, row) in &base.styles {
        merged.styles.entry(*role).or_insert_with(|| row.clone());
    }
    merged
}

fn style_of(file: &ThemeFile, row: &StyleRow) -> Result<Style, ThemeError> {
    let mut style = Style::new();
    if let Some(name) = &row.fg {
        style = style.fg(colour_of(file, name)?);
    }
    if let Some(name) = &row.bg {
        style = style.bg(colour_of(file, name)?);
    }
    for (is_on, modifier) in [
        (row.bold, Modifier::BOLD),
        (row.dim, Modifier::DIM),
        (row.italic, Modifier::ITALIC),
        (row.underline, Modifier::UNDERLINED),
        (row.reverse, Modifier::REVERSED),
        (row.strike, Modifier::CROSSED_OUT),
    ] {
        if is_on {
            style = style.add_modifier(modifier);
        }
    }
    Ok(style)
}

fn colour_of(file: &ThemeFile, name: &str) -> Result<Color, ThemeError> {
    let text = file.palette.get(name).map_or(name, String::as_str);
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
    digits
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .map(|value| Color::Rgb((value >> 16) as u8, (value >> 8) as u8, value as u8))
        .ok_or_else(|| ThemeError::Colour {
            theme: file.name.clone(),
            colour: text.to_owned(),
        })
}

fn indexed(mut style: Style) -> Style {
    style.fg = style.fg.map(nearest_index);
    style.bg = style.bg.map(nearest_index);
    style
}

/// The levels of a channel in xterm's cube.
const STEPS: [i32; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of xterm's 6x6x6 cube and its 24 greys.
fn nearest_index(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else {
        return colour;
    };
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let distance = |x: i32, y: i32, z: i32| (x - r).pow(2) + (y - g).pow(2) + (z - b).pow(2);
    let step = |value: i32| {
        STEPS
            .iter()
            .enumerate()
            .min_by_key(|(_, known)| (**known - value).abs())
            .map_or((0, 0), |(at, known)| (at as i32, *known))
    };
    let ((ri, rv), (gi, gv), (bi, bv)) = (step(r), step(g), step(b));
    let cube = (distance(rv, gv, bv), 16 + 36 * ri + 6 * gi + bi);
    let grey_at = (((r + g + b) / 3 - 8 + 5) / 10).clamp(0, 23);
    let grey_value = 8 + 10 * grey_at;
    let grey = (distance(grey_value, grey_value, grey_value), 232 + grey_at);
    let (_, index) = cube.min(grey);
    Color::Indexed(u8::try_from(index).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["dark", "light", "high-contrast", "colour-blind"];

    fn luminance(colour: Color) -> f64 {
        let Color::Rgb(r, g, b) = colour else {
            panic!("{colour:?} is no truecolour");
        };
        let [r, g, b] = [r, g, b].map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.03928 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(one: Color, other: Color) -> f64 {
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_theme_gives_every_meaning_a_style() {
        let themes = Themes::built_in();
        assert_eq!(themes.names(), NAMES);
        for name in NAMES {
            let theme = themes.theme(name).unwrap();
            for role in Role::ALL {
                assert!(theme.styles.contains_key(&role), "{name}: {role:?}");
            }
        }
    }

    #[test]
    fn all_text_has_a_contrast_of_four_and_a_half() {
        let themes = Themes::built_in();
        for name in NAMES {
            let theme = themes.theme(name).unwrap();
            let ground = themes.background(name).unwrap();
            for role in Role::ALL.into_iter().filter(|role| *role != Role::Border) {
                let style = theme.style(role);
                let found = contrast(style.fg.unwrap(), style.bg.unwrap_or(ground));
                assert!(found >= 4.5, "{name}: {role:?} has {found:.2}");
            }
        }
    }

    #[test]
    fn marks_stay_readable_on_the_selected_row() {
        let themes = Themes::built_in();
        for name in NAMES {
            let theme = themes.theme(name).unwrap();
            let selected = theme.style(Role::Selection).bg.unwrap();
            for role in [Role::Text, Role::Good, Role::Warn, Role::Bad, Role::Accent] {
                let found = contrast(theme.style(role).fg.unwrap(), selected);
                assert!(found >= 4.0, "{name}: {role:?} has {found:.2}");
            }
        }
    }

    #[test]
    fn without_colour_the_meanings_that_need_a_sign_still_differ() {
        let theme = Themes::built_in()
            .theme("dark")
            .unwrap()
            .reduced(Depth::Monochrome);
        for role in Role::ALL {
            assert_eq!((theme.style(role).fg, theme.style(role).bg), (None, None));
        }
        let distinct = [
            Role::Text,
            Role::Selection,
            Role::SelectionInactive,
            Role::Strong,
        ];
        for (at, one) in distinct.iter().enumerate() {
            for other in distinct.iter().skip(at + 1) {
                assert_ne!(theme.style(*one), theme.style(*other));
            }
        }
    }

    #[test]
    fn sixteen_colours_use_the_terminals_own() {
        let theme = Themes::built_in()
            .theme("light")
            .unwrap()
            .reduced(Depth::Sixteen);
        for role in Role::ALL {
            assert!(!matches!(
                theme.style(role).fg,
                Some(Color::Rgb(..) | Color::Indexed(_))
            ));
        }
    }

    #[test]
    fn the_nearest_of_256_is_found() {
        assert_eq!(nearest_index(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(
            nearest_index(Color::Rgb(128, 128, 128)),
            Color::Indexed(244)
        );
    }

    #[test]
    fn a_persons_theme_may_replace_single_meanings() {
        let mut themes = Themes::built_in();
        themes
            .add("name = \"dark\"\ninherits = \"dark\"\n[palette]\naccent = \"#ff0000\"")
            .unwrap();
        let theme = themes.theme("dark").unwrap();
        assert_eq!(theme.style(Role::Accent).fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(
            theme.style(Role::Good).fg,
            Some(Color::Rgb(0x8f, 0xc9, 0x8a))
        );
    }

    #[test]
    fn a_circle_of_themes_is_refused_and_nothing_changes() {
        let mut themes = Themes::built_in();
        themes.add("name = \"a\"\ninherits = \"dark\"").unwrap();
        let before = themes.clone();
        let trouble = themes.add("name = \"dark\"\ninherits = \"a\"");
        assert!(matches!(trouble, Err(ThemeError::Parent { .. })));
        assert_eq!(themes, before);
    }

    #[test]
    fn colours_follow_what_the_environment_says() {
        #[track_caller]
        fn check(variables: &[(&str, &str)], expected: Depth) {
            let found = Depth::of_environment(|name| {
                let value = variables.iter().find(|(known, _)| *known == name);
                value.map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(found, expected);
        }
        check(&[("TERM", "xterm-256color")], Depth::Indexed);
        check(
            &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")],
            Depth::Truecolour,
        );
        check(
            &[("TERM", "xterm-256color"), ("NO_COLOR", "1")],
            Depth::Monochrome,
        );
        check(
            &[("TERM", "xterm-256color"), ("NO_COLOR", "")],
            Depth::Indexed,
        );
        check(&[("TERM", "xterm-kitty")], Depth::Truecolour);
        check(&[("TERM", "linux")], Depth::Sixteen);
        check(&[], Depth::Monochrome);
    }
}
