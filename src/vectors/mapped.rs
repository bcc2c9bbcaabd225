//! Files seen as memory.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// The bytes of a file that nobody changes.
#[derive(Debug)]
pub(crate) struct Mapped(Option<Mmap>);

impl Mapped {
    #[expect(unsafe_code, reason = "mapping a file")]
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self(None));
        }
        // SAFETY: files of a generation are written once, under a lock, before their manifest names
        // them, and are only ever removed as a whole afterwards, which leaves the mapping intact.
        // Whoever cuts one short by hand breaks that promise, as with any mapped file.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self(Some(map)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}
