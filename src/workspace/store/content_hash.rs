//! Tells whether a row differs from what is stored, without comparing its fields.

use std::hash::Hasher;

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

/// Equal drafts have equal hashes in every version of semihv on every machine.
pub(super) fn content_hash(draft: &impl Serialize) -> Result<i64, serde_json::Error> {
    struct Hashing(Xxh3);
    impl std::io::Write for Hashing {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut hashing = Hashing(Xxh3::new());
    serde_json::to_writer(&mut hashing, draft)?;
    Ok(hashing.0.finish() as i64)
}
