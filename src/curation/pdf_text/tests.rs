//! PDF files written here, whole and damaged.

use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::html::BlockKind;

/// A page of lines: size, place from the left, height, text.
type Page<'a> = &'a [(u32, u32, u32, &'a str)];

pub(crate) fn written(pages: &[Page<'_>]) -> Vec<u8> {
    let mut objects: Vec<String> = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        String::new(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    let mut kids = String::new();
    for page in pages {
        let mut content = String::from("BT\n");
        for (size, x, y, text) in *page {
            writeln!(content, "/F {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj").unwrap();
        }
        content.push_str("ET");
        let number = objects.len() + 1;
        write!(kids, "{number} 0 R ").unwrap();
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >> /Contents {} 0 R >>",
            number + 1
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len());
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(file.len());
        write!(file, "{} 0 obj\n{object}\nendobj\n", at + 1).unwrap();
    }
    let table = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).unwrap();
    for place in &places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    write!(
        file,
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        places.len() + 1
    )
    .unwrap();
    file.into_bytes()
}

const GUIDELINE: Page<'_> = &[
    (24, 60, 780, "Nodules of the lung"),
    (16, 60, 740, "Follow-up"),
    (
        10,
        60,
        720,
        "Solid nodules of less than six millimetres need no fol-",
    ),
    (10, 60, 708, "low-up in people at low risk."),
    (10, 60, 680, "Another paragraph stands further below."),
    (16, 60, 640, "Evidence"),
    (
        10,
        60,
        620,
        "It is of moderate quality in all of the studies.",
    ),
    (10, 290, 30, "7"),
];

fn shown(text: &PdfText) -> Vec<String> {
    let said = |block: &Block| match block.kind {
        BlockKind::Heading(level) => format!("{level}: {}", block.text),
        BlockKind::Text => block.text.clone(),
    };
    text.blocks.iter().map(said).collect()
}

#[test]
fn larger_lines_are_headings_and_parted_words_are_joined() {
    let read = read(written(&[GUIDELINE])).unwrap();
    assert_eq!(read.title.as_deref(), Some("Nodules of the lung"));
    assert_eq!(
        shown(&read),
        [
            "1: Follow-up",
            "Solid nodules of less than six millimetres need no follow-up in people at low risk.",
            "Another paragraph stands further below.",
            "1: Evidence",
            "It is of moderate quality in all of the studies.",
        ]
    );
}

#[test]
fn without_headings_passages_stand_under_their_page() {
    let texts = ["one", "two", "three"]
        .map(|number| format!("Nothing on page {number} is larger than anything else."));
    let pages: Vec<Vec<(u32, u32, u32, &str)>> = texts
        .iter()
        .map(|text| {
            vec![
                (10, 60, 800, "A journal of nowhere"),
                (10, 60, 700, text.as_str()),
                (10, 60, 30, "Page 3 of 9"),
            ]
        })
        .collect();
    let pages: Vec<Page<'_>> = pages.iter().map(Vec::as_slice).collect();
    assert_eq!(
        shown(&read(written(&pages)).unwrap()),
        [
            "1: Page 1",
            "Nothing on page one is larger than anything else.",
            "1: Page 2",
            "Nothing on page two is larger than anything else.",
            "1: Page 3",
            "Nothing on page three is larger than anything else.",
        ]
    );
}

#[test]
fn words_that_are_only_placed_apart_are_words() {
    let page: Page<'_> = &[
        (10, 60, 700, "Placed"),
        (10, 96, 700, "apart but on one line"),
    ];
    let read = read(written(&[page])).unwrap();
    assert!(
        shown(&read).contains(&"Placed apart but on one line".to_owned()),
        "{:?}",
        shown(&read)
    );
}

#[test]
fn a_title_may_have_two_lines_and_ends_before_a_heading_of_its_size() {
    let page: Page<'_> = &[
        (20, 60, 780, "Care of small nodules"),
        (20, 60, 758, "in the lung"),
        (20, 60, 700, "Scope"),
        (
            10,
            60,
            680,
            "All adults who have a small nodule that was found by chance.",
        ),
    ];
    let read = read(written(&[page])).unwrap();
    assert_eq!(
        read.title.as_deref(),
        Some("Care of small nodules in the lung")
    );
    assert_eq!(
        shown(&read)[..2],
        [
            "1: Scope",
            "All adults who have a small nodule that was found by chance."
        ]
    );
}

#[test]
fn files_without_text_say_what_to_do() {
    let said = |bytes: Vec<u8>| read(bytes).err().unwrap().to_string();
    assert!(said(written(&[&[(9, 9, 9, "3")]])).contains("a scan; recognise its letters"));
    assert!(said(b"no pdf".to_vec()).contains("is no PDF file"));
    assert!(said(Vec::new()).contains("is no PDF file"));
}

#[test]
fn a_file_that_breaks_or_never_ends_costs_only_itself() {
    let slow = within(Duration::from_millis(20), |_| {
        std::thread::park_timeout(Duration::from_secs(5));
        Ok(())
    });
    assert!(matches!(slow, Err(ReadPdfError::TooSlow)));
    let broken = within(MAX_TIME, |_| -> Result<(), _> { panic!("on purpose") });
    assert!(matches!(broken, Err(ReadPdfError::Broken)));
}

#[test]
fn a_title_that_is_a_file_name_is_none() {
    assert_eq!(
        written_title(b"\xfe\xff\0C\0a\0r\0e"),
        Some("Care".to_owned())
    );
    assert_eq!(written_title(b"Microsoft Word - final3.doc"), None);
    assert_eq!(written_title(b"(anonymous)"), None);
    assert_eq!(written_title(b"\xff"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn damaged_files_end_in_text_or_an_error(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..3), 1..24)
    ) {
        let mut bytes = written(&[GUIDELINE, GUIDELINE]);
        for (place, byte, how) in damage {
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.drain(at..(at + 9).min(bytes.len() - 1))),
            }
        }
        let _ = read(bytes);
    }
}
