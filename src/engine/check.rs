//! Looks at pictures, so that missing and unreadable ones are flagged before
//! somebody stares at an empty pane.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use semihv_domain::{Failure, FailureKind, ImageId, ImageState, JobProgress};
use semihv_imaging::{Cut, Limits, Place, probe};

use crate::Engine;
use crate::engine::locked;
use crate::failures::OrFail;
use crate::jobs::{Ending, Progress};

const THREADS: usize = 4;

/// How much of a picture is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Enough to know its size: quick, but a file that was cut off passes.
    Header,
    /// Every pixel.
    Whole,
}

pub(crate) fn run(
    engine: &Engine,
    source: &str,
    progress: &mut Progress,
) -> Result<Ending, Failure> {
    let all = engine.with_store(|store| store.all_images(source).or_fail("check"))?;
    let bad = check(engine, source, &all, (Depth::Whole, progress))?;
    if progress.is_cancelled() {
        return Ok(Ending::Cancelled);
    }
    let summary = format!(
        "{} pictures looked at, {bad} missing or unreadable",
        all.len()
    );
    Ok(Ending::Done { summary })
}

/// Returns how many are missing or unreadable. Stops early when cancelled; what was seen is kept.
pub(crate) fn check(
    engine: &Engine,
    source: &str,
    images: &[(ImageId, String)],
    (depth, progress): (Depth, &mut Progress),
) -> Result<usize, Failure> {
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(Vec::with_capacity(images.len()));
    let cancel = progress.cancel_flag();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    while !cancel.load(Ordering::Relaxed) {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some((id, location)) = images.get(at) else {
                            break;
                        };
                        let state = look(engine, location, depth);
                        locked(&seen).push((*id, state));
                    }
                })
            })
            .collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    progress.say(JobProgress {
        done: images.len() as u64,
        total: Some(images.len() as u64),
        unit: "pictures".to_owned(),
        ..JobProgress::default()
    });
    let seen = locked(&seen);
    engine.with_store(|store| store.set_image_states(source, &seen).or_fail("check"))?;
    let is_bad =
        |state: &ImageState| matches!(state, ImageState::Missing | ImageState::Unreadable { .. });
    Ok(seen.iter().filter(|(_, state)| is_bad(state)).count())
}

fn look(engine: &Engine, location: &str, depth: Depth) -> ImageState {
    let path = engine.resolve_location(location);
    if !location.contains("!/") && !path.exists() {
        return ImageState::Missing;
    }
    match size(&path.to_string_lossy(), depth) {
        Ok((width, height)) => ImageState::Readable { width, height },
        Err(failure) => ImageState::Unreadable {
            reason: failure.summary,
        },
    }
}

fn size(location: &str, depth: Depth) -> Result<(u32, u32), Failure> {
    if depth == Depth::Header && !Path::new(location).is_dir() {
        let bytes = crate::read_file_image(location)?;
        if let Ok(header) = probe(&bytes) {
            return Ok((header.width, header.height));
        }
    }
    let scan = crate::read_scan(location)?;
    let cut = Cut::Stored;
    let slices = match depth {
        Depth::Header => 0,
        Depth::Whole => scan.geometry.slices(cut),
    };
    for slice in 0..slices {
        let place = Place {
            cut,
            slice,
            time: 0,
        };
        scan.slice(place, Limits::default())
            .map_err(|error| Failure::of("check", FailureKind::Data, &error))?;
    }
    let [width, height, _] = scan.geometry.extent;
    Ok((width, height))
}
