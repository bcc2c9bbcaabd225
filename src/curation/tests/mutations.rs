//! Random damage to valid input: an importer ends with rows, skips or an error, never with a panic.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::fs;

use proptest::prelude::*;
use semihv_curation::{ImportRequest, importer, read_lines};

const LINES: &str = r#"{"key":"ct-001","title":"A nodule","modality":"CT","year":2023,"sections":[{"heading":"History","text":"Cough é."}],"images":[{"key":"a","path":"images/ct-001.png","captions":[{"text":"A nodule.","language":"en"}],"regions":[{"label":"n","shape":"polygon","points":[[1,2],[3,4.5]]}]}],"questions":[{"key":"q1","text":"Is it?","kind":"closed","options":["yes","no"],"gold":"yes","image":"a"}]}
{"key":2,"title":null,"images":null,"questions":[{"text":"结节在哪里?","gold":3}]}
"#;
const TABLE: &str = "key,title,modality,image,question,answer,options\n1,\"a, \"\"b\"\"\",CT,i.png,Why?,so,x|y\n2,b,,,,,\n";
const ANSWERS: &str = r#"{"n": 1, "rows": [{"qid": 1, "model": "m", "prediction": "x", "correct": true}, {"case_id": "c", "question": "q", "model": "m", "predicted": "y", "is_correct": false}]}"#;
const XML: &str = r#"<Version><Section Name="S"><Field Name="Guideline Title"><FieldValue Value="&lt;p&gt;T&lt;/p&gt;"/></Field><Field Name="F"><FieldValue Value="&lt;p&gt;&lt;strong&gt;H&lt;/strong&gt;&lt;/p&gt;&lt;ol start=&quot;2&quot;&gt;&lt;li&gt;a &amp;ge; b&lt;/li&gt;&lt;/ol&gt;"/></Field></Section></Version>"#;
const MARKDOWN: &str = "# T\nYear: 2020\n\n## A\ntext\n```\n# code\n```\n- item\n1. item\n";
const GUIDELINES: &str = r##"{"id":1,"title":"T","source":"s","clean_text":"# T\n\n## H\n\nText é. More.\n\n- item","year":2020}
{"id":2,"title":"U","text":"Body.\n\n1.2 Heading\n\nMore body."}
"##;
const PLAIN: &str = "Title\n=====\n\nScope\n\nA text of some lines that is part-\ned. And more.\n\nRIGHTS\n\nNone.\n";
const YAML: &str = "nc: 2\nnames: ['a, b', \"c\"]\n";
const YAML_LINES: &str = "names: # two\n  0: a\n  '1': b\n  - c\n";
const LABELS: &str = "0 0.5 0.5 0.5 0.5 0.9\n1 0 0 1 0 1 1\n";
const DATA_SET: &str =
    r#"{"labels":{"0":"background","a":1,"b":[1,2]},"channel_names":{"0":"CT"}}"#;
const NAMES: &str = "0 background\n1 a\n2: b\n";
/// The head of a picture of 8 x 8 pixels.
const BITMAP: &[u8] = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x08\0\0\0\x08\0\0\0\x01\0\x18\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[derive(Debug, Clone)]
enum Damage {
    Set(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Repeat(usize),
}

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, Damage)>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(&b"{}[]\",:\\<>&;|#\n\r\0-."[..])
    ];
    let one = prop_oneof![
        byte.clone().prop_map(Damage::Set),
        prop::collection::vec(byte, 1..5).prop_map(Damage::Insert),
        (1_usize..30).prop_map(Damage::Remove),
        (1_usize..60).prop_map(Damage::Repeat),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), one), 0..8)
}

fn damaged(text: &str, damage: Vec<(prop::sample::Index, Damage)>) -> Vec<u8> {
    damaged_bytes(text.as_bytes(), damage)
}

fn damaged_bytes(bytes: &[u8], damage: Vec<(prop::sample::Index, Damage)>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, how) in damage {
        if bytes.is_empty() {
            break;
        }
        let at = place.index(bytes.len());
        let end = |length: usize| (at + length).min(bytes.len());
        match how {
            Damage::Set(byte) => bytes[at] = byte,
            Damage::Insert(new) => drop(bytes.splice(at..at, new)),
            Damage::Remove(length) => drop(bytes.drain(at..end(length))),
            Damage::Repeat(length) => {
                let again = bytes[at..end(length)].to_vec();
                drop(bytes.splice(at..at, again));
            }
        }
    }
    bytes
}

fn import(kind: &str, file: &str, bytes: &[u8]) -> usize {
    import_all(kind, &[(file, bytes)])
}

fn import_all(kind: &str, files: &[(&str, &[u8])]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    for (file, bytes) in files {
        fs::write(folder.path().join(file), bytes).unwrap();
    }
    let mut sink = (Vec::new(), Vec::new());
    let request = ImportRequest {
        model: Some("m".to_owned()),
        ..ImportRequest::of(folder.path())
    };
    let _outcome = importer(kind).unwrap().read(&request, &mut sink);
    sink.0.len() + sink.1.len()
}

#[test]
fn undamaged_input_is_taken_whole() {
    assert_eq!(import("jsonl", "x.jsonl", LINES.as_bytes()), 4);
    assert_eq!(import("csv", "x.csv", TABLE.as_bytes()), 3);
    assert_eq!(import("predictions", "x.json", ANSWERS.as_bytes()), 2);
    assert_eq!(import("ngc", "x.xml", XML.as_bytes()), 1);
    assert_eq!(import("markdown", "x.md", MARKDOWN.as_bytes()), 1);
    assert_eq!(
        import("guidelines-jsonl", "x.jsonl", GUIDELINES.as_bytes()),
        2
    );
    assert_eq!(import("text", "x.txt", PLAIN.as_bytes()), 1);
    let labelled: [(&str, &[u8]); 2] = [("a.bmp", BITMAP), ("a.txt", LABELS.as_bytes())];
    assert_eq!(import_all("yolo", &labelled), 1);
}

proptest! {
    #[test]
    fn damaged_lines(damage in damage()) {
        let bytes = damaged(LINES, damage);
        let mut sink = (Vec::new(), Vec::new());
        read_lines(&bytes[..], std::path::Path::new("/"), &mut sink).unwrap();
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        prop_assert!(sink.0.len() + sink.1.len() >= lines.count(), "every line is a row or a skip");
    }

    #[test]
    fn damaged_guidelines_of_other_forms(damage in damage(), is_text: bool) {
        if is_text {
            prop_assert!(import("text", "x.txt", &damaged(PLAIN, damage)) >= 1);
        } else {
            import("guidelines-jsonl", "x.jsonl", &damaged(GUIDELINES, damage));
        }
    }

    #[test]
    fn damaged_tables(damage in damage()) {
        import("csv", "x.csv", &damaged(TABLE, damage));
    }

    #[test]
    fn damaged_answers(damage in damage()) {
        let bytes = damaged(ANSWERS, damage);
        import("predictions", "x.json", &bytes);
        import("predictions", "x.jsonl", &bytes);
    }

    #[test]
    fn damaged_guidelines(damage in damage()) {
        import("ngc", "x.xml", &damaged(XML, damage.clone()));
        import("markdown", "x.md", &damaged(MARKDOWN, damage));
    }

    #[test]
    fn damaged_labels_cost_no_image(damage in damage()) {
        for yaml in [YAML, YAML_LINES] {
            let files: [(&str, &[u8]); 5] = [
                ("a.bmp", BITMAP),
                ("b.bmp", &damaged_bytes(BITMAP, damage.clone())),
                ("a.txt", &damaged(LABELS, damage.clone())),
                ("b.txt", LABELS.as_bytes()),
                ("data.yaml", &damaged(yaml, damage.clone())),
            ];
            prop_assert!(import_all("yolo", &files) >= 2);
        }
        let files: [(&str, &[u8]); 4] = [
            ("a.png", b"x"),
            ("a_mask.png", b"x"),
            ("dataset.json", &damaged(DATA_SET, damage.clone())),
            ("labels.txt", &damaged(NAMES, damage)),
        ];
        prop_assert!(import_all("masks", &files) >= 1);
    }

    #[test]
    fn damaged_archives(damage in damage(), kind in 0..3) {
        let bytes = match kind {
            0 => zip_of(LINES),
            1 => tar_of(LINES),
            _ => gzip_of(&tar_of(LINES)),
        };
        let mut text = bytes;
        for (place, how) in damage {
            let at = place.index(text.len());
            match how {
                Damage::Set(byte) => text[at] = byte,
                Damage::Remove(_) => text.truncate(at.max(1)),
                Damage::Insert(_) | Damage::Repeat(_) => {}
            }
        }
        import("jsonl", "x.bin", &text);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, &text).unwrap();
        let mut sink = (Vec::new(), Vec::new());
        let _outcome = importer("jsonl").unwrap().read(&ImportRequest::of(path), &mut sink);
    }
}

fn zip_of(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer
        .start_file("a.jsonl", zip::write::SimpleFileOptions::default())
        .unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

fn tar_of(text: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    builder
        .append_data(&mut header, "a.jsonl", text.as_bytes())
        .unwrap();
    builder.into_inner().unwrap()
}

fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
