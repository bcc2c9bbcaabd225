//! A picture printed into a plain shell.
//!
//! viuer prints the pixels, but only along paths that cannot block: its own queries wait for
//! ever on a terminal that answers nothing, so they are reached only when this terminal has
//! just answered ours. It sends source pixels, so the picture is scaled down before.

use std::io::{self, IsTerminal, Write};

use semihv_domain::{Failure, printable_line};
use semihv_imaging::{Extent, Ground, Raster, density, fit, fitted, resize};
use semihv_terminal::{
    AskError, Capabilities, CellSize, Choice, ColourDepth, Detection, Evidence, Protocol,
    WindowSize, detect,
};

/// Where the picture goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Somebody looks at it.
    Terminal,
    /// A file or a pipe: words are printed.
    Text,
}

impl Destination {
    pub(crate) fn of_stdout() -> Self {
        if io::stdout().is_terminal() {
            Self::Terminal
        } else {
            Self::Text
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShowOptions {
    pub graphics: Choice,
    /// Columns to be covered; none: as many as the window has.
    pub width: Option<u16>,
    pub destination: Destination,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ShowError {
    #[error("{}", failure.summary)]
    Picture { failure: Failure },
    #[error("the picture cannot be printed")]
    Print { source: viuer::ViuError },
    #[error("nothing can be written")]
    Write { source: io::Error },
}

/// What is shown: words, and a picture for as much room as there is.
pub(crate) struct Shown<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub picture: &'a dyn Fn(Extent) -> Result<Raster, Failure>,
}

/// Prints a picture, or what can be said of it.
pub(crate) fn show(
    shown: &Shown<'_>,
    options: ShowOptions,
    out: &mut dyn Write,
) -> Result<(), ShowError> {
    let name = printable_line(shown.name).into_owned();
    let description = shown.description;
    let write = |source| ShowError::Write { source };
    if options.destination == Destination::Text {
        return writeln!(out, "{name}: {description}").map_err(write);
    }
    let seen = Seen::of(detect(options.graphics), options.graphics);
    let room = Room::of(options.width, seen.window, seen.capabilities.cell);
    let raster =
        || (shown.picture)(room.extent()).map_err(|failure| ShowError::Picture { failure });
    if let Some(remark) = &seen.remark {
        writeln!(out, "{remark}").map_err(write)?;
    }
    match seen.way {
        Way::Words => {}
        Way::Characters => print_characters(raster()?, room, &seen.capabilities, out)?,
        Way::Viuer(printer) => {
            // viuer writes to the terminal itself: what we said has to be there first.
            out.flush().map_err(write)?;
            print_with_viuer(raster()?, room, printer, seen.capabilities.colours)?;
        }
    }
    writeln!(out, "{name}: {description}").map_err(write)
}

/// How viuer prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Printer {
    Kitty,
    Iterm2,
    Blocks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Viuer(Printer),
    Characters,
    Words,
}

/// What was found out, and what is done about it.
struct Seen {
    capabilities: Capabilities,
    window: WindowSize,
    way: Way,
    /// Said when the user's wish cannot be met.
    remark: Option<String>,
}

impl Seen {
    fn of(detection: Result<Detection, AskError>, choice: Choice) -> Self {
        match detection {
            Ok(Detection {
                capabilities,
                evidence,
                is_settled,
                ..
            }) => {
                let (way, remark) = way(&capabilities, &evidence, is_settled, choice);
                Self {
                    window: evidence.window,
                    capabilities,
                    way,
                    remark,
                }
            }
            Err(error) => Self {
                capabilities: Capabilities::plain(Protocol::Halfblocks, ColourDepth::Ansi256),
                window: WindowSize::default(),
                way: Way::Viuer(Printer::Blocks),
                remark: Some(error.to_string()),
            },
        }
    }
}

/// The way to print. viuer asks for kitty's support by itself, so kitty is left to it only when
/// the very same query has just been answered; and it knows neither tmux nor sixel.
fn way(
    capabilities: &Capabilities,
    evidence: &Evidence,
    is_settled: bool,
    choice: Choice,
) -> (Way, Option<String>) {
    let has_answered = is_settled && evidence.replies.kitty_graphics;
    let blocks = if capabilities.colours == ColourDepth::None {
        Way::Characters
    } else {
        Way::Viuer(Printer::Blocks)
    };
    match capabilities.protocol {
        Protocol::Kitty(_) if capabilities.tmux.is_none() && has_answered => {
            (Way::Viuer(Printer::Kitty), None)
        }
        Protocol::Kitty(_) if choice == Choice::Kitty => {
            let remark = "the terminal did not answer the kitty query; drawn with characters";
            (blocks, Some(remark.to_owned()))
        }
        Protocol::Iterm2 if capabilities.tmux.is_none() => (Way::Viuer(Printer::Iterm2), None),
        Protocol::Sixel if choice == Choice::Sixel => {
            let remark = "sixel is shown in the workbench only; drawn with characters";
            (blocks, Some(remark.to_owned()))
        }
        Protocol::Kitty(_) | Protocol::Iterm2 | Protocol::Sixel | Protocol::Halfblocks => {
            (blocks, None)
        }
        Protocol::Ascii => (Way::Characters, None),
        Protocol::None => (Way::Words, None),
    }
}

/// Cells that may be covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    columns: u16,
    rows: u16,
    cell: CellSize,
}

impl Room {
    /// Two rows are left for the line below and the prompt.
    fn of(width: Option<u16>, window: WindowSize, cell: CellSize) -> Self {
        let known = |length: u16, otherwise: u16| if length == 0 { otherwise } else { length };
        let columns = known(window.columns, 80);
        Self {
            columns: width.unwrap_or(columns).clamp(1, columns),
            rows: known(window.rows, 24).saturating_sub(2).max(1),
            cell,
        }
    }

    fn extent(self) -> Extent {
        Extent {
            width: u32::from(self.columns) * u32::from(self.cell.width),
            height: u32::from(self.rows) * u32::from(self.cell.height),
        }
    }

    /// The whole cells that a picture covers.
    fn covered(self, raster: &Raster) -> (u32, u32) {
        let stored = Extent {
            width: raster.width(),
            height: raster.height(),
        };
        let shown = fitted(stored, self.extent());
        let cells = |length: u32, cell: u16, limit: u16| {
            let cell = u32::from(cell);
            ((length + cell / 2) / cell).clamp(1, u32::from(limit))
        };
        (
            cells(shown.width, self.cell.width, self.columns),
            cells(shown.height, self.cell.height, self.rows),
        )
    }
}

fn print_with_viuer(
    raster: Raster,
    room: Room,
    printer: Printer,
    colours: ColourDepth,
) -> Result<(), ShowError> {
    let (columns, rows) = room.covered(&raster);
    let raster = match printer {
        Printer::Kitty | Printer::Iterm2 => fit(raster, room.extent()),
        Printer::Blocks => resize(
            raster,
            Extent {
                width: columns,
                height: rows * 2,
            },
        ),
    };
    let config = viuer::Config {
        transparent: false,
        absolute_offset: false,
        width: Some(columns),
        height: Some(rows),
        truecolor: colours == ColourDepth::True,
        use_kitty: printer == Printer::Kitty,
        use_iterm: printer == Printer::Iterm2,
        ..viuer::Config::default()
    };
    viuer::print(&raster.to_dynamic(), &config)
        .map(|_| ())
        .map_err(|source| ShowError::Print { source })
}

fn print_characters(
    raster: Raster,
    room: Room,
    capabilities: &Capabilities,
    out: &mut dyn Write,
) -> Result<(), ShowError> {
    let ground = match capabilities.is_light() {
        Some(true) => Ground::Light,
        Some(false) | None => Ground::Dark,
    };
    let (width, height) = room.covered(&raster);
    let raster = resize(raster, Extent { width, height });
    for y in 0..height {
        let line: String = (0..width)
            .map(|x| density(raster.rgb(x, y), ground))
            .collect();
        writeln!(out, "{}", line.trim_end()).map_err(|source| ShowError::Write { source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};
    use semihv_domain::FailureKind;
    use semihv_terminal::{Placement, Replies, Tmux};

    use super::*;

    const KITTY: Protocol = Protocol::Kitty(Placement::Direct);

    fn evidence(kitty_graphics: bool) -> Evidence {
        Evidence {
            replies: Replies {
                kitty_graphics,
                ..Replies::default()
            },
            ..Evidence::default()
        }
    }

    fn capabilities(protocol: Protocol) -> Capabilities {
        Capabilities::plain(protocol, ColourDepth::True)
    }

    #[track_caller]
    fn check(protocol: Protocol, choice: Choice, has_answered: bool, expected: Way) {
        let found = way(
            &capabilities(protocol),
            &evidence(has_answered),
            true,
            choice,
        );
        assert_eq!(found.0, expected);
    }

    #[test]
    fn a_pipe_gets_words() {
        let options = ShowOptions {
            graphics: Choice::Auto,
            width: None,
            destination: Destination::Text,
        };
        let shown = Shown {
            name: "a\x1b[31m.png",
            description: "64 x 64",
            picture: &|_| Err(Failure::new("show", FailureKind::Data, "nobody asked")),
        };
        let mut out = Vec::new();
        show(&shown, options, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a·[31m.png: 64 x 64\n");
    }

    #[test]
    fn kitty_is_left_to_viuer_only_after_it_has_answered() {
        check(KITTY, Choice::Auto, true, Way::Viuer(Printer::Kitty));
        check(KITTY, Choice::Kitty, false, Way::Viuer(Printer::Blocks));
    }

    #[test]
    fn inside_tmux_characters_are_drawn() {
        let capabilities = Capabilities {
            tmux: Some(Tmux {
                passes_graphics: true,
            }),
            ..capabilities(KITTY)
        };
        let (way, _) = way(&capabilities, &evidence(true), true, Choice::Auto);
        assert_eq!(way, Way::Viuer(Printer::Blocks));
    }

    #[test]
    fn a_wish_that_cannot_be_met_is_said() {
        let seen = capabilities(Protocol::Sixel);
        let (_, remark) = way(&seen, &evidence(false), true, Choice::Sixel);
        assert!(
            remark
                .unwrap()
                .starts_with("sixel is shown in the workbench only")
        );
    }

    #[test]
    fn without_colours_characters_are_drawn() {
        let plain = Capabilities::plain(Protocol::Halfblocks, ColourDepth::None);
        let (found, _) = way(&plain, &evidence(false), true, Choice::Auto);
        assert_eq!(found, Way::Characters);
    }

    #[test]
    fn characters_keep_the_shape_and_the_light() {
        let grey = GrayImage::from_fn(64, 64, |x, _| Luma([if x < 32 { 0 } else { 255 }]));
        let room = Room {
            columns: 8,
            rows: 20,
            cell: CellSize::GUESS,
        };
        let mut out = Vec::new();
        let plain = capabilities(Protocol::Ascii);
        print_characters(Raster::Grey(grey), room, &plain, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "    @@@@\n".repeat(4));
    }

    #[test]
    fn the_room_is_never_wider_than_the_window() {
        let window = WindowSize {
            columns: 100,
            rows: 1,
            ..WindowSize::default()
        };
        let room = Room::of(Some(400), window, CellSize::GUESS);
        assert_eq!((room.columns, room.rows), (100, 1));
        let room = Room::of(None, WindowSize::default(), CellSize::GUESS);
        assert_eq!((room.columns, room.rows), (80, 22));
    }
}
