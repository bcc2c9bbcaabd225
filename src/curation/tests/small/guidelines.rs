//! Guidelines from JSON lines, plain text and PDF files.

use std::io::Write;

use semihv_curation::ImportRequest;
use semihv_domain::{GuidelineDraft, Imported};

use crate::given::{Read, folder, import, reasons, try_import};

fn guidelines(read: &Read) -> Vec<&GuidelineDraft> {
    read.0
        .iter()
        .filter_map(|row| match row {
            Imported::Guideline(guideline) => Some(guideline),
            _ => None,
        })
        .collect()
}

const LINES: &str = r##"{"id":"a","source":"x","title":"Nodules","clean_text":"# Nodules\n\n## Follow-up\n\nWait a year.\n\nAll rights reserved.","url":"u"}
not json
["a"]
{"id":"b","title":"Masses","text":"Biopsy.","overview":null}
{"id":"a","title":"Again","text":"Other."}
{"id":"c","title":"Copied","text":"biopsy."}
{"id":"d","title":"Empty"}
"##;

#[test]
fn lines_become_guidelines_and_bad_ones_are_skipped_with_their_reason() {
    let folder = folder(&[("g.jsonl", LINES.as_bytes())]);
    let read = import("guidelines-jsonl", folder.path());
    let found: Vec<String> = guidelines(&read)
        .iter()
        .map(|guideline| format!("{} {}", guideline.key, guideline.passages.len()))
        .collect();
    assert_eq!(found, ["a 1", "b 1"]);
    assert_eq!(
        reasons(&read),
        [
            "g.jsonl:2: expected ident (column 2)",
            "g.jsonl:3: not a JSON object",
            "g.jsonl:5: the guideline `a` came already in row 1",
            "g.jsonl:6: all of `Copied` stands word for word in others",
            "g.jsonl:7: holds no text: neither `clean_text` nor `text` says anything",
        ]
    );
}

#[test]
fn compressed_lines_are_the_same_lines() {
    let plain = folder(&[("g.jsonl", LINES.as_bytes())]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(LINES.as_bytes()).unwrap();
    let packed = folder(&[("g.jsonl.gz", &encoder.finish().unwrap())]);
    assert_eq!(
        import("guidelines-jsonl", &packed.path().join("g.jsonl.gz")).0,
        import("guidelines-jsonl", plain.path()).0
    );
}

#[test]
fn words_that_stand_in_two_guidelines_are_kept_once_and_said() {
    let repeated = "The same disclaimer stands below every guideline of this group.";
    let file =
        |title: &str| format!("{title}\n\nScope\n\nOnly in {title}.\n\nRights\n\n{repeated}\n");
    let (first, second) = (file("One"), file("Two"));
    let folder = folder(&[
        ("a/1.txt", first.as_bytes()),
        ("a/2.txt", second.as_bytes()),
        ("b.txt", b"T\n\xff"),
    ]);
    let read = import("text", folder.path());
    let found: Vec<(&str, usize)> = guidelines(&read)
        .iter()
        .map(|guideline| (guideline.key.as_str(), guideline.passages.len()))
        .collect();
    assert_eq!(found, [("a/1", 2), ("a/2", 1)]);
    assert_eq!(
        reasons(&read),
        [
            "a/2.txt:2: `Two`: 1 passage stands word for word in another place and was not kept again",
            "b.txt: invalid UTF-8 at byte 3",
        ]
    );
}

#[test]
fn a_long_text_is_cut_with_places_that_lead_back_to_it() {
    let text: Vec<String> = (0..90)
        .map(|number| format!("Sentence {number} has some more words than it would need."))
        .collect();
    let text = format!("Title\n\n{}\n", text.join(" "));
    let folder = folder(&[("a.txt", text.as_bytes())]);
    let read = import("text", folder.path());
    let passages = &guidelines(&read)[0].passages;
    assert!(passages.len() > 3);
    let section = text.split_once("\n\n").unwrap().1;
    let mut covered = 0;
    for passage in passages {
        let start = passage.start.unwrap() as usize;
        assert_eq!(
            section.get(start..start + passage.text.len()),
            Some(passage.text.as_str())
        );
        assert!(start <= covered && passage.text.split_whitespace().count() <= 240);
        covered = start + passage.text.len();
    }
    assert_eq!(covered, section.trim_end().len());
}

#[test]
fn pdf_files_that_are_none_are_skipped_and_cost_no_other() {
    let folder = folder(&[("a.pdf", b"%PDF-1.7 nothing"), ("b.pdf", b"")]);
    let read = import("pdf", folder.path());
    let damaged = "is no PDF file, or damaged beyond reading; download it again";
    assert_eq!(
        reasons(&read),
        [format!("a.pdf: {damaged}"), format!("b.pdf: {damaged}")]
    );
}

#[test]
fn a_folder_without_guidelines_says_what_was_expected() {
    let folder = folder(&[("x.xyz", b"x")]);
    for (kind, expected) in [
        ("guidelines-jsonl", "no file called *.jsonl or *.ndjson in "),
        ("text", "no guideline called *.txt in "),
        ("pdf", "no guideline called *.pdf in "),
    ] {
        let said = try_import(kind, &ImportRequest::of(folder.path()))
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with(expected) && said.contains("; give "),
            "{said}"
        );
    }
}
