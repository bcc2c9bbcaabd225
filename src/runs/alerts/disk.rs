//! How much room a disk has left.

use std::io;
use std::path::Path;

use super::{AlertCause, Finding};

/// Below both a run may soon end for want of room.
const LEAST_PART: f64 = 0.05;
const LEAST_BYTES: u64 = 20_000_000_000;

/// Bytes of a disk, as programs of its user may fill it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskRoom {
    pub total: u64,
    pub free: u64,
}

/// Asks the file system in which `path` lies.
pub fn disk_room(path: &Path) -> io::Result<DiskRoom> {
    let found = rustix::fs::statvfs(path)?;
    Ok(DiskRoom {
        total: found.f_blocks.saturating_mul(found.f_frsize),
        free: found.f_bavail.saturating_mul(found.f_frsize),
    })
}

impl DiskRoom {
    /// Where it is almost full.
    pub fn finding(self) -> Option<Finding> {
        let part = self.free as f64 / self.total.max(1) as f64;
        let is_short = self.total > 0 && part < LEAST_PART && self.free < LEAST_BYTES;
        let words = format!(
            "disk almost full: {:.1} GB free, {:.1} %",
            self.free as f64 / 1e9,
            part * 100.0
        );
        is_short.then(|| Finding::new(AlertCause::DiskAlmostFull, words))
    }
}
