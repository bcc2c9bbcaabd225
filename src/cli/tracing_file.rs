//! What semihv tells about itself goes to a file of the workspace, never to the screen.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// A log that grew beyond this begins anew.
const MAX_BYTES: u64 = 8 << 20;

/// Writes events to the file from now on; `SEMIHV_LOG=debug` says more. A file that cannot be
/// written costs the log, not the work.
pub fn log_to(file: &Path) {
    let is_large = std::fs::metadata(file).is_ok_and(|found| found.len() > MAX_BYTES);
    let opened = OpenOptions::new()
        .create(true)
        .write(true)
        .append(!is_large)
        .truncate(is_large)
        .open(file);
    let Ok(file) = opened else { return };
    let filter = EnvFilter::try_from_env("SEMIHV_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // A second workspace in the same process goes on in the first one's log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .try_init();
}
