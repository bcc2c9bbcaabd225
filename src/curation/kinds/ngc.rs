//! Guideline summaries of the National Guideline Clearinghouse (AHRQ, closed in July 2018): one XML
//! file a guideline, `Section` > `Field` > `FieldValue`, whose values are escaped HTML.

use std::collections::HashSet;
use std::io::Read;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use semihv_domain::{GuidelineDraft, Imported};

use super::{accept_once, required_files};
use crate::entities::decode_entities;
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::guideline_text::passages;
use crate::html::{self, Block, BlockKind};
use crate::importer::ImportRequest;
use crate::origin::name;
use crate::text::year_in;

/// Real summaries are under 200 KB.
const MAX_FILE_BYTES: u64 = 32 << 20;

/// The same words in every file, about the clearinghouse and not about the guideline.
const BOILERPLATE_SECTION: &str = "Disclaimer";
/// Kept as the guideline's own title, developer, year and licence.
const ATTRIBUTES: [&str; 4] = [
    "Guideline Title",
    "Guideline Developer(s)",
    "Date Released",
    "Copyright Statement",
];

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let files = required_files(
        &origin,
        &["xml"],
        "guideline summary (*.xml)",
        "give the folder summaries, one file of it or an archive",
    )?;
    feed.expect(&origin, &files);
    let mut seen = Seen::default();
    for (number, file) in (1..).zip(&files) {
        let mut bytes = Vec::new();
        feed.open(&origin, file)?
            .take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| ImportError::Read {
                place: origin.place(file),
                source,
            })?;
        match guideline(name::stem(file), &bytes) {
            Ok(guideline) => {
                let row = Imported::Guideline(guideline);
                accept_once(feed, &mut seen, (file, number), row)?;
            }
            Err(reason) => feed.skip(file, None, reason),
        }
    }
    Ok(())
}

/// One field of a summary, its values still HTML.
struct Field {
    section: String,
    name: String,
    values: Vec<String>,
}

fn guideline(key: &str, bytes: &[u8]) -> Result<GuidelineDraft, String> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!(
            "larger than {} MB; no summary is",
            MAX_FILE_BYTES >> 20
        ));
    }
    let xml = std::str::from_utf8(bytes)
        .map_err(|error| format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1))?;
    let fields = fields(xml)?;
    let attribute = |name: &str| {
        let field = fields.iter().find(|field| field.name == name)?;
        let lines: Vec<String> = field.values.iter().map(|value| html::line(value)).collect();
        Some(lines).filter(|lines| lines.iter().any(|line| !line.is_empty()))
    };
    let title = attribute("Guideline Title").ok_or(
        "holds no guideline title: the clearinghouse's empty answer for a number it lacks",
    )?;
    let developers = attribute("Guideline Developer(s)").map(|names| {
        let names: Vec<&str> = names.iter().map(|name| without_kind(name)).collect();
        names.join("; ")
    });
    Ok(GuidelineDraft {
        key: key.to_owned(),
        title: title.join(" "),
        developer: developers,
        year: attribute("Date Released").and_then(|dates| year_in(&dates.join(" "))),
        licence: attribute("Copyright Statement").map(|lines| lines.join(" ")),
        language: "en".to_owned(),
        passages: field_passages(&fields),
    })
}

/// `Department of Defense - Federal Government Agency [U.S.]` without the kind of organisation.
fn without_kind(developer: &str) -> &str {
    developer
        .rsplit_once(" - ")
        .map_or(developer, |(name, _)| name)
}

fn field_passages(fields: &[Field]) -> Vec<semihv_domain::PassageDraft> {
    // Some fields stand in two sections with the same words.
    let mut seen = HashSet::new();
    fields
        .iter()
        .filter(|field| field.section != BOILERPLATE_SECTION)
        .filter(|field| !ATTRIBUTES.contains(&field.name.as_str()))
        .filter(|field| seen.insert((&field.name, &field.values)))
        .flat_map(|field| passages(&[&field.section, &field.name], blocks_of(field)))
        .collect()
}

fn blocks_of(field: &Field) -> Vec<Block> {
    let blocks: Vec<Block> = match field.values.as_slice() {
        [one] => html::blocks(one),
        picked => picked
            .iter()
            .flat_map(|value| html::blocks(value))
            .map(|block| Block {
                kind: BlockKind::Text,
                text: format!("- {}", block.text),
            })
            .collect(),
    };
    match blocks.as_slice() {
        [only] if says_nothing(&only.text) => Vec::new(),
        _ => blocks,
    }
}

/// What the form's editors wrote into fields they could not fill.
fn says_nothing(text: &str) -> bool {
    let folded = text.trim_end_matches('.').to_lowercase();
    matches!(
        folded.as_str(),
        "not stated"
            | "not applicable"
            | "none provided"
            | "none available"
            | "none stated"
            | "none"
            | "n/a"
    )
}

fn fields(xml: &str) -> Result<Vec<Field>, String> {
    let mut reader = Reader::from_str(xml);
    let mut fields: Vec<Field> = Vec::new();
    let mut section = String::new();
    let malformed = |at: u64, why: &dyn std::fmt::Display| {
        format!("not well-formed XML at byte {}: {why}", at + 1)
    };
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|error| malformed(at, &error))?;
        let (Event::Start(tag) | Event::Empty(tag)) = event else {
            if matches!(event, Event::Eof) {
                return Ok(fields);
            }
            continue;
        };
        let attribute = |name: &str| attribute(&tag, name).map_err(|error| malformed(at, &error));
        match tag.name().as_ref() {
            "Section" => section = attribute("Name")?,
            "Field" => fields.push(Field {
                section: section.clone(),
                name: attribute("Name")?,
                values: Vec::new(),
            }),
            "FieldValue" => {
                let value = attribute("Value")?;
                if let Some(field) = fields.last_mut() {
                    field.values.push(value);
                }
            }
            _ => {}
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<String, quick_xml::Error> {
    let found = tag.try_get_attribute(name)?;
    // Character references are decoded here; entities of the HTML inside are decoded with it.
    Ok(found.map_or_else(String::new, |found| decode_entities(&found.value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = r#"<Version><Section Name="General">
        <Field Name="Guideline Title"><FieldValue Value="&lt;div&gt;Care &amp;amp; cure.&lt;/div&gt;"/></Field>
        <Field Name="Target Population"><FieldValue Value="&lt;p&gt;&lt;strong&gt;Adults&lt;/strong&gt;&lt;/p&gt;&#xD;&#xA;&lt;p&gt;All &amp;ge; 18&lt;/p&gt;"/></Field>
        <Field Name="Cost Analysis"><FieldValue Value="&lt;p&gt;Not stated&lt;/p&gt;"/></Field>
        <Field Name="Users"><FieldValue Value="Nurses"/><FieldValue Value="Physicians"/></Field>
        <Field Name="Guideline Developer(s)"><FieldValue Value="Agency A - State Agency"/></Field>
        <Field Name="Date Released"><FieldValue Value="2003 (revised 2013)"/></Field>
      </Section></Version>"#;

    #[test]
    fn a_summary_becomes_a_guideline() {
        let read = guideline("ngc-1", SUMMARY.as_bytes()).unwrap();
        assert_eq!(read.title, "Care & cure.");
        assert_eq!(read.developer.as_deref(), Some("Agency A"));
        assert_eq!(read.year, Some(2013));
        let passages: Vec<(String, &str)> = read
            .passages
            .iter()
            .map(|passage| (passage.headings.join(" > "), passage.text.as_str()))
            .collect();
        assert_eq!(
            passages,
            [
                (
                    "General > Target Population > Adults".to_owned(),
                    "All ≥ 18"
                ),
                ("General > Users".to_owned(), "- Nurses\n- Physicians"),
            ]
        );
    }

    #[test]
    fn a_file_without_title_or_shape_is_a_reason() {
        assert!(
            guideline("x", b"<Version/>")
                .unwrap_err()
                .contains("no guideline title")
        );
        assert!(
            guideline("x", b"<a><b></a>")
                .unwrap_err()
                .contains("not well-formed")
        );
        assert!(guideline("x", b"\xff").unwrap_err().contains("UTF-8"));
    }
}
