//! A manifest is read or refused with its place; never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semihv_workspace::{Manifest, UserFile, read_toml};

fuzz_target!(|bytes: &[u8]| {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let path = folder.path().join("semihv.toml");
    if std::fs::write(&path, bytes).is_ok() {
        let said = read_toml::<Manifest>(&path).map_err(|error| error.to_string());
        if let Err(said) = said {
            // The folder's own name is ours; what is quoted of the text is not.
            assert!(!said.contains('\u{1b}'), "{said:?}");
        }
        let _ = read_toml::<UserFile>(&path);
    }
});
