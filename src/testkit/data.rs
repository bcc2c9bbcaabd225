//! Real data in published layouts, kept beside the repository.

use std::path::{Path, PathBuf};

/// The folder of real data: `$SEMIHV_DATA`, else `../shared/data` beside the checkout.
///
/// `None` says that there is none, aloud; in CI that is a failure, since a test that needs a real
/// part and does not find it would pass for nothing.
///
/// # Panics
/// When the data is missing and `CI=true`.
#[expect(clippy::print_stderr, reason = "a test's voice is the test output")]
pub fn real_data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("SEMIHV_DATA").map(PathBuf::from);
    let found = named
        .into_iter()
        .chain([beside])
        .find(|folder| folder.is_dir());
    if found.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CI needs the real data: set SEMIHV_DATA to its folder"
        );
        eprintln!("not run: no real data beside the checkout, and SEMIHV_DATA is not set");
    }
    found.map(|folder| folder.canonicalize().unwrap_or(folder))
}
