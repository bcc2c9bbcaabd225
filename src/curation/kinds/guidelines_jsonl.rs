//! Guidelines as JSON lines, one a line, as the corpus of Meditron has them: `id`, `source`,
//! `title`, `clean_text` or `text`, `url`.

use semihv_domain::{GuidelineDraft, Imported};
use serde::Deserialize;

use super::jsonl::EXTENSIONS;
use super::{accept_once, required_files};
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::guideline_text::overlapping_passages;
use crate::importer::ImportRequest;
use crate::plain_text;
use crate::repeats::Repeats;
use crate::rows::{Lines, parse};
use crate::text::{Scalar, meaningful, year_in};

#[derive(Deserialize)]
struct GuidelineRow {
    #[serde(default, alias = "key")]
    id: Scalar,
    #[serde(default)]
    url: Scalar,
    #[serde(default)]
    title: Scalar,
    #[serde(default, alias = "developer")]
    source: Scalar,
    #[serde(default, alias = "date")]
    year: Scalar,
    #[serde(default, alias = "license")]
    licence: Scalar,
    #[serde(default)]
    language: Scalar,
    #[serde(default)]
    clean_text: Scalar,
    #[serde(default)]
    text: Scalar,
    #[serde(default)]
    raw_text: Scalar,
}

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let files = required_files(
        &origin,
        &EXTENSIONS,
        "file called *.jsonl or *.ndjson",
        "give such a file, its .gz, or a folder or archive of them",
    )?;
    feed.expect(&origin, &files);
    let mut seen = Seen::default();
    let mut repeats = Repeats::default();
    for file in &files {
        let mut lines = Lines::new(feed.open(&origin, file)?);
        while let Some(row) = lines.next().map_err(|source| ImportError::Read {
            place: origin.place(file),
            source,
        })? {
            let place = (file.as_str(), row.number);
            let read = if row.content.is_array() {
                Err("not a JSON object".to_owned())
            } else {
                parse(&row.content).and_then(guideline)
            };
            match read {
                Ok(guideline) => take(feed, (&mut seen, &mut repeats), place, guideline)?,
                Err(reason) => feed.skip(file, Some(row.number), reason),
            }
        }
    }
    Ok(())
}

/// Accepts a guideline without the passages that earlier ones of this import have word for word.
pub(super) fn take(
    feed: &mut Feed<'_>,
    (seen, repeats): (&mut Seen, &mut Repeats),
    (file, line): (&str, u64),
    mut guideline: GuidelineDraft,
) -> Result<(), Stop> {
    let (dropped, fresh) = repeats.drop_from(&mut guideline.passages);
    let said = match dropped {
        0 => None,
        1 => Some("1 passage stands word for word in another place".to_owned()),
        dropped => Some(format!(
            "{dropped} passages stand word for word in other places"
        )),
    };
    if guideline.passages.is_empty() {
        let reason = format!(
            "all of `{}` stands word for word in others",
            guideline.title
        );
        feed.skip(file, Some(line), reason);
        return Ok(());
    }
    let title = guideline.title.clone();
    if !accept_once(feed, seen, (file, line), Imported::Guideline(guideline))? {
        return Ok(());
    }
    repeats.keep(fresh);
    if let Some(said) = said {
        feed.skip(
            file,
            Some(line),
            format!("`{title}`: {said} and was not kept again"),
        );
    }
    Ok(())
}

/// Letters of a text that stand for a title.
const BEGINNING: usize = 100;

/// The first words of a text.
fn beginning(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or_default().trim();
    let Some((end, _)) = line.char_indices().nth(BEGINNING) else {
        return line.to_owned();
    };
    let cut = line.get(..end).unwrap_or(line);
    let whole = cut.rsplit_once(char::is_whitespace);
    format!("{}…", whole.map_or(cut, |(words, _)| words))
}

fn guideline(row: GuidelineRow) -> Result<GuidelineDraft, String> {
    let written = |scalar: &Scalar| meaningful(&scalar.0).map(str::to_owned);
    let body = [&row.clean_text, &row.text, &row.raw_text]
        .into_iter()
        .find_map(|text| meaningful(&text.0))
        .ok_or("holds no text: neither `clean_text` nor `text` says anything")?;
    let lines: Vec<&str> = body.lines().collect();
    let (first, below) = plain_text::title(&lines);
    let (title, lines) = match (written(&row.title), first) {
        // Most texts begin with their title once more.
        (Some(title), Some(first)) if title.eq_ignore_ascii_case(first) => (title, below),
        (Some(title), _) => (title, lines.as_slice()),
        (None, Some(first)) => (first.to_owned(), below),
        // A first line that is too long for a title: its beginning names the text, which stays
        // whole.
        (None, None) => (beginning(body), lines.as_slice()),
    };
    let key = written(&row.id)
        .or_else(|| written(&row.url))
        .ok_or("has neither an `id` nor a `url` to be known by")?;
    let passages = overlapping_passages(plain_text::blocks(lines));
    if passages.is_empty() {
        return Err("holds no text below its title".to_owned());
    }
    Ok(GuidelineDraft {
        key,
        title,
        developer: written(&row.source),
        year: year_in(&row.year.0),
        licence: written(&row.licence),
        language: written(&row.language).unwrap_or_else(|| "en".to_owned()),
        passages,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<GuidelineDraft, String> {
        guideline(serde_json::from_str(line).unwrap())
    }

    #[test]
    fn a_line_becomes_a_guideline() {
        let read = read(
            r##"{"id":12,"source":"who","title":"Nodules","clean_text":"# Nodules\n\nLead.\n\n## Follow-up\n\nWait.","url":"https://x.example/1","year":"2021"}"##,
        )
        .unwrap();
        assert_eq!((read.key.as_str(), read.title.as_str()), ("12", "Nodules"));
        assert_eq!(
            (read.developer.as_deref(), read.year),
            (Some("who"), Some(2021))
        );
        let found: Vec<(String, &str, Option<u32>)> = read
            .passages
            .iter()
            .map(|passage| {
                (
                    passage.headings.join(" > "),
                    passage.text.as_str(),
                    passage.start,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (String::new(), "Lead.", Some(0)),
                ("Follow-up".to_owned(), "Wait.", Some(0))
            ]
        );
    }

    #[test]
    fn lines_without_text_or_name_say_so() {
        for (line, expected) in [
            (
                r#"{"id":1,"title":"t","text":" N/A "}"#,
                "holds no text: neither",
            ),
            (
                r#"{"title":"t","text":"x"}"#,
                "has neither an `id` nor a `url`",
            ),
            (
                r#"{"id":1,"title":"T","text":"T"}"#,
                "holds no text below its title",
            ),
        ] {
            let said = read(line).unwrap_err();
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn a_text_that_begins_with_no_title_is_named_by_its_first_words() {
        let short = read(r#"{"id":1,"text":"\n a sentence.\nmore"}"#).unwrap();
        assert_eq!(short.title, "a sentence.");
        let words = "wörter ".repeat(40);
        let long = read(&format!(r#"{{"id":1,"text":"{words}"}}"#)).unwrap();
        assert_eq!(long.title, format!("{}…", "wörter ".repeat(14).trim()));
        assert_eq!(long.passages[0].text, words.trim());
    }
}
