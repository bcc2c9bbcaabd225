//! Opened files that are kept for a while: what is looked at again is not read again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use semihv_domain::Failure;

use crate::engine::locked;

/// What a file looked like when it was read: another look means another file.
type Stamp = Option<(SystemTime, u64)>;

type Entries<T> = VecDeque<(String, Stamp, Arc<T>)>;

/// The newest last; the one used longest ago is forgotten first, and the newest always stays.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    entries: Mutex<Entries<T>>,
    most_bytes: usize,
    held: fn(&T) -> usize,
}

impl<T> Kept<T> {
    pub(crate) fn new(most_bytes: usize, held: fn(&T) -> usize) -> Self {
        Self {
            entries: Mutex::default(),
            most_bytes,
            held,
        }
    }

    /// Kept as if it had been used long ago: it is the first to be forgotten.
    pub(crate) fn warm(
        &self,
        location: &str,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<(), Failure> {
        let is_kept = |kept: &Entries<T>| kept.iter().any(|(known, _, _)| known == location);
        if is_kept(&locked(&self.entries)) {
            return Ok(());
        }
        let stamp = stamp(location);
        let opened = Arc::new(read(location)?);
        let mut kept = locked(&self.entries);
        if !is_kept(&kept) {
            kept.push_front((location.to_owned(), stamp, opened));
            self.shrink(&mut kept);
        }
        Ok(())
    }

    pub(crate) fn open(
        &self,
        location: &str,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<Arc<T>, Failure> {
        let stamp = stamp(location);
        {
            let mut kept = locked(&self.entries);
            let at = kept
                .iter()
                .position(|(known, seen, _)| known == location && *seen == stamp);
            if let Some(entry) = at.and_then(|at| kept.remove(at)) {
                let opened = Arc::clone(&entry.2);
                kept.push_back(entry);
                return Ok(opened);
            }
            // What is about to be read needs the room.
            kept.retain(|(known, _, _)| known != location);
            self.shrink(&mut kept);
        }
        let opened = Arc::new(read(location)?);
        let mut kept = locked(&self.entries);
        kept.push_back((location.to_owned(), stamp, Arc::clone(&opened)));
        self.shrink(&mut kept);
        Ok(opened)
    }

    fn shrink(&self, kept: &mut Entries<T>) {
        let held = |kept: &Entries<T>| -> usize {
            kept.iter().map(|(_, _, opened)| (self.held)(opened)).sum()
        };
        while kept.len() > 1 && held(kept) > self.most_bytes {
            kept.pop_front();
        }
    }
}

/// Of the archive for its members.
fn stamp(location: &str) -> Stamp {
    let outer = location
        .split_once("!/")
        .map_or(location, |(outer, _)| outer);
    let metadata = std::fs::metadata(outer).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
