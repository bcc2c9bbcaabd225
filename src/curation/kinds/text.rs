//! Guidelines as plain text, one a file: the first line is the title unless it is a sentence.

use semihv_domain::GuidelineDraft;

use super::guidelines_jsonl::take;
use super::{required_files, whole_text};
use crate::error::Stop;
use crate::feed::{Feed, Seen};
use crate::guideline_text::overlapping_passages;
use crate::importer::ImportRequest;
use crate::origin::name;
use crate::plain_text;
use crate::repeats::Repeats;
use crate::text::meaningful;

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let files = required_files(
        &origin,
        &["txt", "text"],
        "guideline called *.txt",
        "give such a file, or a folder or archive of them",
    )?;
    feed.expect(&origin, &files);
    let mut seen = Seen::default();
    let mut repeats = Repeats::default();
    for (number, file) in (1..).zip(&files) {
        let read = whole_text(feed, &origin, file).and_then(|text| guideline(file, &text));
        match read {
            Ok(guideline) => take(feed, (&mut seen, &mut repeats), (file, number), guideline)?,
            Err(reason) => feed.skip(file, None, reason),
        }
    }
    Ok(())
}

fn guideline(file: &str, text: &str) -> Result<GuidelineDraft, String> {
    if text.contains('\0') {
        return Err("holds zero bytes: not plain text".to_owned());
    }
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let (first, below) = plain_text::title(&lines);
    let passages = overlapping_passages(plain_text::blocks(below));
    if passages.is_empty() {
        return Err("holds no text below its title".to_owned());
    }
    Ok(draft(file, first.and_then(meaningful), passages))
}

/// What a file without attributes of its own says of its guideline.
pub(super) fn draft(
    file: &str,
    title: Option<&str>,
    passages: Vec<semihv_domain::PassageDraft>,
) -> GuidelineDraft {
    let stem = name::stem(file);
    GuidelineDraft {
        key: name::join(name::folder(file), stem).unwrap_or_else(|| stem.to_owned()),
        title: title.unwrap_or(stem).to_owned(),
        developer: None,
        year: None,
        licence: None,
        language: "en".to_owned(),
        passages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_path_and_called_by_its_first_line() {
        let read = guideline("a/b.txt", "\u{feff}Nodules\n\nScope\n-----\nAll.\n").unwrap();
        assert_eq!((read.key.as_str(), read.title.as_str()), ("a/b", "Nodules"));
        assert_eq!(read.passages[0].headings, ["Scope"]);
        let read = guideline("b.txt", "A sentence is no title.\n").unwrap();
        assert_eq!((read.title.as_str(), read.passages.len()), ("b", 1));
    }

    #[test]
    fn a_file_without_text_is_a_reason() {
        assert_eq!(
            guideline("a.txt", "T\n").unwrap_err(),
            "holds no text below its title"
        );
        assert!(
            guideline("a.txt", "T\n\0")
                .unwrap_err()
                .contains("not plain text")
        );
    }
}
