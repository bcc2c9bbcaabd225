//! Guidelines written as Markdown: `# Title`, then `Developer:`, `Year:`, `Licence:`, `Language:`
//! lines if known, then headings and paragraphs.

use std::io::BufRead;

use semihv_domain::{GuidelineDraft, Imported};

use super::{accept_once, required_files};
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::guideline_text::passages;
use crate::html::{Block, BlockKind};
use crate::importer::ImportRequest;
use crate::origin::name;
use crate::rows::Lines;
use crate::text::{meaningful, year_in};

const MAX_FILE_BYTES: u64 = 32 << 20;

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let files = required_files(
        &origin,
        &["md", "markdown"],
        "guideline called *.md",
        "give such a file, or a folder or archive of them",
    )?;
    feed.expect(&origin, &files);
    let mut seen = Seen::default();
    for (number, file) in (1..).zip(&files) {
        if name::stem(file).eq_ignore_ascii_case("readme") {
            feed.skip(
                file,
                None,
                "a README describes its folder and is no guideline",
            );
            continue;
        }
        let read = document(feed.open(&origin, file)?).map_err(|source| ImportError::Read {
            place: origin.place(file),
            source,
        })?;
        let folder = name::folder(file);
        let key = name::join(folder, name::stem(file)).unwrap_or_default();
        match read.and_then(|document| guideline(key, document)) {
            Ok(guideline) => {
                let row = Imported::Guideline(guideline);
                accept_once(feed, &mut seen, (file, number), row)?;
            }
            Err((line, reason)) => feed.skip(file, line, reason),
        }
    }
    Ok(())
}

type Fault = (Option<u64>, String);

/// Reads the lines of one file; blank ones as empty texts, because they part paragraphs.
fn document(reader: impl BufRead) -> std::io::Result<Result<Vec<String>, Fault>> {
    let mut lines = Lines::new(reader.take(MAX_FILE_BYTES));
    let mut document = Vec::new();
    let mut next = 1;
    while let Some(row) = lines.next()? {
        match row.content.text() {
            Ok(text) => {
                if row.number > next {
                    document.push(String::new());
                }
                document.push(text.to_owned());
                next = row.number + 1;
            }
            Err(reason) => return Ok(Err((Some(row.number), reason))),
        }
    }
    Ok(Ok(document))
}

fn guideline(key: String, lines: Vec<String>) -> Result<GuidelineDraft, Fault> {
    let mut lines = lines.into_iter().skip_while(String::is_empty).peekable();
    let first = lines.next().unwrap_or_default();
    let Some(title) = first.strip_prefix("# ").and_then(meaningful) else {
        return Err((Some(1), "does not begin with `# Title`".to_owned()));
    };
    let mut draft = GuidelineDraft {
        key,
        title: title.to_owned(),
        developer: None,
        year: None,
        licence: None,
        language: "en".to_owned(),
        passages: Vec::new(),
    };
    while let Some(line) = lines.next_if(|line| line.is_empty() || is_attribute(line)) {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = meaningful(value).map(str::to_owned);
        match name.trim().to_lowercase().as_str() {
            "developer" => draft.developer = value,
            "year" => draft.year = value.as_deref().and_then(year_in),
            "licence" | "license" => draft.licence = value,
            _ => draft.language = value.map_or_else(|| "en".to_owned(), |tag| tag.to_lowercase()),
        }
    }
    draft.passages = passages(&[], blocks(lines));
    if draft.passages.is_empty() {
        return Err((None, "holds no text below its title".to_owned()));
    }
    Ok(draft)
}

fn is_attribute(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        let name = name.trim().to_lowercase();
        ["developer", "year", "licence", "license", "language"].contains(&name.as_str())
    })
}

/// Headings, and paragraphs with their lines joined; list items are paragraphs of their own.
fn blocks(lines: impl Iterator<Item = String>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut paragraph = String::new();
    let mut is_code = false;
    for line in lines {
        let trimmed = line.trim();
        let is_fence = trimmed.starts_with("```");
        is_code ^= is_fence;
        let level = heading_level(trimmed).filter(|_| !is_code);
        if trimmed.is_empty() || is_fence || level.is_some() || is_listed(trimmed) {
            end_paragraph(&mut blocks, &mut paragraph);
        }
        if let Some(level) = level {
            blocks.push(Block {
                kind: BlockKind::Heading(level),
                text: trimmed.trim_matches('#').trim().to_owned(),
            });
        } else if !trimmed.is_empty() && !is_fence {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(if is_listed(trimmed) {
                line.trim_end()
            } else {
                trimmed
            });
        }
    }
    end_paragraph(&mut blocks, &mut paragraph);
    blocks
}

fn end_paragraph(blocks: &mut Vec<Block>, paragraph: &mut String) {
    if !paragraph.is_empty() {
        blocks.push(Block {
            kind: BlockKind::Text,
            text: std::mem::take(paragraph),
        });
    }
}

fn heading_level(line: &str) -> Option<u8> {
    let hashes = line.bytes().take_while(|&byte| byte == b'#').count();
    let is_heading = line.as_bytes().get(hashes) == Some(&b' ') && (1..=6).contains(&hashes);
    u8::try_from(hashes).ok().filter(|_| is_heading)
}

fn is_listed(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
        || (number.len() < line.len() && number.starts_with(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GuidelineDraft, Fault> {
        guideline("g".to_owned(), document(text.as_bytes()).unwrap()?)
    }

    #[test]
    fn a_document_becomes_passages_under_their_headings() {
        let read = read(
            "# Nodules\nDeveloper: A group\nYear: 2021\n\nLead: in\ntwo lines.\n\n## Follow-up\n### Small\n- a\n- b\n",
        )
        .unwrap();
        assert_eq!(read.title, "Nodules");
        assert_eq!(read.developer.as_deref(), Some("A group"));
        assert_eq!(read.year, Some(2021));
        let passages: Vec<(String, &str)> = read
            .passages
            .iter()
            .map(|passage| (passage.headings.join(" > "), passage.text.as_str()))
            .collect();
        assert_eq!(
            passages,
            [
                (String::new(), "Lead: in two lines."),
                ("Follow-up > Small".to_owned(), "- a\n- b")
            ]
        );
    }

    #[test]
    fn a_document_without_title_or_text_is_a_reason() {
        assert_eq!(read("text").unwrap_err().1, "does not begin with `# Title`");
        assert_eq!(
            read("# T\nYear: 2020").unwrap_err().1,
            "holds no text below its title"
        );
    }
}
