//! `show`: a file, or an image of the workspace, printed inline.

use semihv_domain::{Failure, FailureKind};
use semihv_engine::Engine;
use semihv_terminal::Choice;

use crate::output::{Output, VerbError};
use crate::show::{Destination, ShowError, ShowOptions, show as print};

/// `image` is a path, an archive's `ZIP!/inner/path`, or a key of the workspace.
pub(crate) fn show(
    engine: Option<&Engine>,
    (image, graphics, width): (&str, &str, Option<u16>),
    output: &mut Output,
) -> Result<(), VerbError> {
    let graphics: Choice = graphics
        .parse()
        .map_err(|error| Failure::of("show", FailureKind::User, &error))?;
    let bytes = bytes_of(engine, image)?;
    if output.is_json() {
        let said = semihv_imaging::probe(&bytes)
            .map_err(|error| Failure::of("show", FailureKind::Data, &error))?;
        return Ok(output.json(&serde_json::json!({
            "image": image, "format": said.format.to_string(),
            "width": said.width, "height": said.height,
        }))?);
    }
    let options = ShowOptions {
        graphics,
        width,
        destination: Destination::of_stdout(),
    };
    print(&bytes, image, options, output.raw()).map_err(told)?;
    Ok(())
}

/// A reader that went away is no failure of the picture.
fn told(error: ShowError) -> VerbError {
    match error {
        ShowError::Write { source } => source.into(),
        other => Failure::of("show", FailureKind::Data, &other).into(),
    }
}

fn bytes_of(engine: Option<&Engine>, image: &str) -> Result<Vec<u8>, Failure> {
    let is_archived = image.contains("!/");
    if is_archived || std::path::Path::new(image).exists() {
        return semihv_engine::read_file_image(image);
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
    engine.read_image(&found.location)
}
