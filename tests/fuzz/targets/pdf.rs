//! PDF files as guidelines: any bytes are passages or a reason, in bounded memory. The reading may
//! break on its own thread, which the import survives; nothing else may.
#![no_main]

use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use semihv_curation::{ImportRequest, importer};

static FIRST: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    FIRST.call_once(|| {
        // libFuzzer's own, which ends the process at any panic.
        let fatal = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() != Some("pdf") {
                fatal(panic);
            }
        }));
    });
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let path = folder.path().join("x.pdf");
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    let mut sink = (Vec::new(), Vec::new());
    if let Ok(importer) = importer("pdf") {
        let _ = importer.read(&ImportRequest::of(path), &mut sink);
    }
});
