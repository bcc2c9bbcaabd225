//! Where the real files lie, and what is known of them.

use std::path::PathBuf;

/// The folder named by `SEMIHV_DATA`, or `../shared/data` beside the repository. It must be there
/// in CI.
pub(crate) fn data() -> Option<PathBuf> {
    let beside = || {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(3)
            .map(|above| above.join("shared/data"))
    };
    let found = std::env::var_os("SEMIHV_DATA")
        .map(PathBuf::from)
        .or_else(beside)
        .filter(|folder| folder.is_dir());
    if found.is_none() {
        assert!(
            std::env::var("CI").is_err(),
            "the real pictures must be there in CI; set SEMIHV_DATA"
        );
        println!("not run on real pictures: SEMIHV_DATA is not set");
    }
    found
}

/// What `tests/golden/scans.py` found.
pub(crate) fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("../../tests/golden/scans.json")).unwrap()
}

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}
