//! Published layouts from a file whose first byte chooses the kind: tables, answers, guidelines,
//! archives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semihv_curation::{ImportRequest, importer};

const KINDS: [(&str, &str); 12] = [
    ("csv", "x.csv"),
    ("predictions", "x.json"),
    ("predictions", "x.jsonl"),
    ("ngc", "x.xml"),
    ("markdown", "x.md"),
    ("vqa-med", "x.zip"),
    ("coco", "x.json"),
    ("nih-boxes", "BBox_List_2017.csv"),
    ("covid-chestxray", "metadata.csv"),
    ("jsonl", "x.tar.gz"),
    ("yolo", "x.tar"),
    ("masks", "x.tar"),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let (kind, name) = KINDS[usize::from(*first) % KINDS.len()];
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let path = folder.path().join(name);
    if std::fs::write(&path, rest).is_err() {
        return;
    }
    let request = ImportRequest {
        model: Some("m".to_owned()),
        ..ImportRequest::of(path)
    };
    let mut sink = (Vec::new(), Vec::new());
    if let Ok(importer) = importer(kind) {
        let _ = importer.read(&request, &mut sink);
    }
});
