//! `show`: a file, or an image of the workspace, printed inline or written as PNG.

use std::path::Path;

use semihv_domain::{Failure, FailureKind, Image, printable_line};
use semihv_engine::{Engine, read_scan};
use semihv_imaging::{
    ColourMap, Extent, HeatMap, LegendLine, Limits, Look, Place, Plane, Raster, Scan, Slice,
    contact_sheet, describe, framing, heated, overlaid, png, short, shown, with_legend,
};
use semihv_terminal::Choice;

use crate::args::LookArguments;
use crate::output::{Output, VerbError};
use crate::regions::{Here, Named, drawn, of_file, of_image, on_slice};
use crate::show::{Destination, ShowError, ShowOptions, Shown, show as print};

/// Pixels of a slice's side on a sheet.
const SHEET_SIDE: u32 = 256;
/// Slices in a row of a sheet.
const SHEET_ACROSS: u32 = 5;
/// The colour of graphics that lie in the file itself.
const OVERLAY: [u8; 3] = [255, 214, 10];
/// Room for a picture that is written to a file.
const FILE_ROOM: Extent = Extent {
    width: 2048,
    height: 2048,
};

/// What was asked for. `image` is a path, an archive's `ZIP!/inner/path`, a folder, or a key of the
/// workspace.
pub(crate) struct Asked<'a> {
    pub image: &'a str,
    pub graphics: &'a str,
    pub width: Option<u16>,
    pub look: &'a LookArguments,
}

pub(crate) fn show(
    engine: Option<&Engine>,
    asked: &Asked<'_>,
    output: &mut Output,
) -> Result<(), VerbError> {
    let graphics: Choice = asked
        .graphics
        .parse()
        .map_err(|error| Failure::of("show", FailureKind::User, &error))?;
    let (scan, known) = opened(engine, asked)?;
    let look = look(&scan, asked.look)?;
    let over = Over::asked(engine, asked.look, (&scan, look.place))?;
    let refused = |error| Failure::of("show", FailureKind::Data, &error);
    let slice = scan.slice(look.place, Limits::default()).map_err(refused)?;
    let described = describe(&scan, look.place, &slice, look.window);
    let said_over = over.as_ref().map(|over| format!(" · {}", over.said()));
    let description = described + &said_over.unwrap_or_default();
    let regions = on_slice(&known, (&scan, look.place), &slice)?;
    let to_draw = ToDraw {
        seen: (&scan, &slice, &look),
        over: over.as_ref(),
        regions: &regions,
        asked: asked.look,
    };
    let picture = |room: Extent| to_draw.picture(room);
    // What is seen comes before what is not.
    let (here, elsewhere): (Vec<_>, Vec<_>) = regions.iter().partition(|it| it.is_here());
    let lines: Vec<String> = here
        .iter()
        .chain(&elsewhere)
        .map(|region| region.said(&scan))
        .collect();
    if let Some(path) = &asked.look.out {
        let drawn = picture(FILE_ROOM)?;
        let drawn = if asked.look.legend {
            with_legend(drawn, &legend(asked.image, &description, (&here, &scan)))
        } else {
            drawn
        };
        write(path, drawn)?;
    }
    if output.is_json() {
        let mut said = said(asked, (&scan, &look), &description, &regions);
        said["over"] = over.as_ref().map_or(serde_json::Value::Null, Over::json);
        return Ok(output.json(&said)?);
    }
    if let Some(path) = &asked.look.out {
        output.line(&format!("{}: {description}", path.display()))?;
        return said_lines(&lines, output);
    }
    let options = ShowOptions {
        graphics,
        width: asked.width,
        destination: Destination::of_stdout(),
    };
    let shown = Shown {
        name: asked.image,
        description: &description,
        picture: &picture,
    };
    print(&shown, options, output.raw()).map_err(told)?;
    said_lines(&lines, output)
}

/// A slice and what is drawn over it.
struct ToDraw<'a> {
    seen: (&'a Scan, &'a Slice, &'a Look),
    over: Option<&'a Over>,
    regions: &'a [Here<'a>],
    asked: &'a LookArguments,
}

impl ToDraw<'_> {
    fn picture(&self, room: Extent) -> Result<Raster, Failure> {
        let (scan, slice, look) = self.seen;
        if let Some(most) = self.asked.sheet {
            let layout = (most.max(1), SHEET_ACROSS, SHEET_SIDE);
            let sheet = contact_sheet(scan, look, layout, Limits::default());
            return sheet
                .map(|(raster, _)| raster)
                .map_err(|error| Failure::of("show", FailureKind::Data, &error));
        }
        let framing = framing(scan, &slice.pixels, look, room);
        let raster = shown(scan, slice.clone(), look, &framing, framing.shown);
        let raster = match self.over {
            Some(over) => heated(raster, &over.values, &framing, (over.map, over.range)),
            None => raster,
        };
        let overlays = scan.overlays(look.place).into_iter();
        let raster = overlays
            .filter(|_| self.asked.regions.is_some())
            .fold(raster, |raster, overlay| {
                overlaid(raster, &overlay, &framing, OVERLAY)
            });
        Ok(drawn(raster, self.regions, &framing))
    }
}

/// Names without their folders, what is shown, and the regions on the slice in their colours.
fn legend(image: &str, description: &str, (here, scan): (&[&Here<'_>], &Scan)) -> Vec<LegendLine> {
    let name = Path::new(image).file_name().unwrap_or_default();
    let plain = |text: String| LegendLine { colour: None, text };
    let regions = here.iter().map(|region| LegendLine {
        colour: Some(region.named.colour),
        text: region.said(scan),
    });
    let head = format!("{}: {description}", name.to_string_lossy());
    std::iter::once(plain(head)).chain(regions).collect()
}

fn said_lines(lines: &[String], output: &mut Output) -> Result<(), VerbError> {
    for line in lines {
        output.line(&format!("  {}", printable_line(line)))?;
    }
    Ok(())
}

fn said(
    asked: &Asked<'_>,
    (scan, look): (&Scan, &Look),
    description: &str,
    regions: &[Here<'_>],
) -> serde_json::Value {
    let regions: Vec<_> = regions.iter().map(Here::json).collect();
    let geometry = &scan.geometry;
    let [columns, rows, slices] = geometry.extent;
    serde_json::json!({
        "image": asked.image, "format": scan.format.to_string(),
        "width": columns, "height": rows, "slices": slices, "volumes": scan.times,
        "modality": scan.modality, "unit": scan.unit, "spacing_mm": geometry.spacing,
        "plane": look.place.cut.name(), "slice": look.place.slice + 1,
        "description": description, "regions": regions, "out": asked.look.out,
    })
}

fn look(scan: &Scan, arguments: &LookArguments) -> Result<Look, Failure> {
    let cut = match arguments.plane {
        None => scan.geometry.natural_cut(),
        Some(cut) => cut,
    };
    let slices = scan.geometry.slices(cut);
    let slice = match arguments.slice {
        None => slices / 2,
        Some(at) if at >= 1 && at <= slices => at - 1,
        Some(at) => {
            let summary = format!("there is no {cut} slice {at}");
            return Err(Failure::new("show", FailureKind::User, summary)
                .with_hint(format!("choose one from 1 to {slices}")));
        }
    };
    Ok(Look {
        place: Place {
            cut,
            slice,
            time: arguments.volume.saturating_sub(1).min(scan.times - 1),
        },
        window: arguments.window,
        is_inverted: arguments.invert,
        ..Look::default()
    })
}

fn write(path: &Path, raster: Raster) -> Result<(), Failure> {
    let bytes = png(&raster.to_dynamic())
        .map_err(|error| Failure::of("show", FailureKind::Internal, &error))?;
    std::fs::write(path, bytes).map_err(|error| {
        Failure::of("show", FailureKind::User, &error)
            .with_hint(format!("{} cannot be written", path.display()))
    })
}

/// A reader that went away is no failure of the picture.
fn told(error: ShowError) -> VerbError {
    match error {
        ShowError::Write { source } => source.into(),
        ShowError::Picture { failure } => failure.into(),
        other @ ShowError::Print { .. } => Failure::of("show", FailureKind::Data, &other).into(),
    }
}

/// What is laid over a slice.
struct Over {
    name: String,
    map: ColourMap,
    range: (f32, f32),
    unit: Option<&'static str>,
    values: Plane,
}

impl Over {
    fn asked(
        engine: Option<&Engine>,
        arguments: &LookArguments,
        (scan, place): (&Scan, Place),
    ) -> Result<Option<Self>, Failure> {
        let Some(name) = &arguments.over else {
            return Ok(None);
        };
        let refused = |error| {
            Failure::of("show", FailureKind::Data, &error)
                .with_hint("--over takes a scan of grey values of the same patient")
        };
        let given = located(engine, name)?;
        let heat = HeatMap::of(&read_scan(&given.location)?, Limits::default()).map_err(refused)?;
        Ok(Some(Self {
            name: name.clone(),
            map: arguments.over_map,
            range: arguments.over_range.unwrap_or(heat.range()),
            unit: heat.unit,
            values: heat.on(&scan.geometry, place).map_err(refused)?,
        }))
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "image": self.name, "map": self.map.name(),
            "low": self.range.0, "high": self.range.1, "unit": self.unit,
        })
    }

    /// `pet.nii.gz over it, hot from 0 to 5.2 SUV`.
    fn said(&self) -> String {
        let Self {
            name, map, unit, ..
        } = self;
        let name = Path::new(name).file_name().unwrap_or_default();
        let (low, high) = (short(self.range.0), short(self.range.1));
        let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
        let name = name.to_string_lossy();
        format!(
            "{} over it, {map} from {low} to {high}{unit}",
            printable_line(&name)
        )
    }
}

/// The scan and, when they are asked for, the regions of a file or those that the workspace knows.
fn opened(engine: Option<&Engine>, asked: &Asked<'_>) -> Result<(Scan, Vec<Named>), Failure> {
    let image = asked.image;
    let given = asked.look.regions.as_deref();
    let of_given = match given {
        None | Some("") => Vec::new(),
        Some(file) => of_file(file)?,
    };
    let located = located(engine, image)?;
    let regions = match located.known {
        Some((engine, found)) if given == Some("") => of_image(engine, &found)?,
        _ => of_given,
    };
    Ok((read_scan(&located.location)?, regions))
}

/// A file, and what the workspace knows of it when it was named by its key.
struct Located<'a> {
    location: String,
    known: Option<(&'a Engine, Image)>,
}

fn located<'a>(engine: Option<&'a Engine>, image: &str) -> Result<Located<'a>, Failure> {
    if image.contains("!/") || Path::new(image).exists() {
        let location = image.to_owned();
        return Ok(Located {
            location,
            known: None,
        });
    }
    let found = match engine {
        Some(engine) => engine.find_image(image)?.map(|found| (engine, found)),
        None => None,
    };
    let Some((engine, found)) = found else {
        let summary = format!("no file {image:?}, and no image of that key in a workspace here");
        return Err(Failure::new("show", FailureKind::User, summary)
            .with_hint("give a path, or `CASE/IMAGE` inside a workspace"));
    };
    Ok(Located {
        location: engine.location_of(&found),
        known: Some((engine, found)),
    })
}
