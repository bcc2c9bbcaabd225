//! ImageCLEF VQA-Med 2021, task 2: images and the questions radiologists asked about them, in one
//! line an image (`synpic23572|Is the appendix enlarged?|…`). There are no answers.

use std::collections::{HashMap, HashSet};

use semihv_domain::{CaseDraft, ImageDraft, Imported, QuestionDraft, QuestionKind};

use crate::error::{ImportError, Stop};
use crate::feed::Feed;
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::Lines;

const REFERENCE: &str = "ReferenceQuestions.txt";
const IMAGE_EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];

struct Set<'a> {
    origin: &'a Origin,
    /// By the name without extension, as the text files call them.
    images: HashMap<String, String>,
    taken: HashSet<String>,
}

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let texts = origin.with_extension(&["txt"]);
    let Some(reference) = texts.iter().find(|file| file.ends_with(REFERENCE)) else {
        return Err(Stop::Failed(ImportError::Layout {
            path: origin.path().to_owned(),
            expected: "file called *ReferenceQuestions.txt",
            advice: "give Task2-VQG-2021-TestSet-w-GroundTruth.zip or what it unpacks to",
        }));
    };
    feed.expect(&origin, &texts);
    let pictures = origin.with_extension(&IMAGE_EXTENSIONS);
    let mut set = Set {
        images: pictures
            .into_iter()
            .map(|path| (name::stem(&path).to_owned(), path))
            .collect(),
        taken: HashSet::new(),
        origin: &origin,
    };
    set.read_questions(feed, reference)?;
    let list = reference.replace(&format!("-{REFERENCE}"), ".txt");
    if texts.contains(&list) {
        set.read_list(feed, &list)?;
    }
    let mut left: Vec<String> = set.images.keys().cloned().collect();
    left.sort_unstable();
    for image in left {
        set.take_case(feed, ("images", None), &image)?;
    }
    Ok(())
}

impl Set<'_> {
    fn read_questions(&mut self, feed: &mut Feed<'_>, file: &str) -> Result<(), Stop> {
        self.each_line(feed, file, |set, feed, number, line| {
            let mut parts = line.split('|').map(str::trim);
            let image = parts.next().unwrap_or_default();
            if image.is_empty() {
                feed.skip(file, Some(number), "names no image");
            } else if set.take_case(feed, (file, Some(number)), image)? {
                for (at, question) in parts.filter(|part| !part.is_empty()).enumerate() {
                    feed.accept(Imported::Question(draft(image, at + 1, question)))?;
                }
            }
            Ok(())
        })
    }

    fn read_list(&mut self, feed: &mut Feed<'_>, file: &str) -> Result<(), Stop> {
        self.each_line(feed, file, |set, feed, _, line| {
            set.take_case(feed, (file, None), line.trim()).map(drop)
        })
    }

    fn each_line(
        &mut self,
        feed: &mut Feed<'_>,
        file: &str,
        mut take: impl FnMut(&mut Self, &mut Feed<'_>, u64, &str) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut lines = Lines::new(feed.open(self.origin, file)?);
        while let Some(row) = lines.next().map_err(|source| ImportError::Read {
            place: self.origin.place(file),
            source,
        })? {
            match row.content.text() {
                Ok(line) => take(self, feed, row.number, line)?,
                Err(reason) => feed.skip(file, Some(row.number), reason),
            }
        }
        Ok(())
    }

    /// False if the case was taken before, or cannot be.
    fn take_case(
        &mut self,
        feed: &mut Feed<'_>,
        (file, line): (&str, Option<u64>),
        image: &str,
    ) -> Result<bool, Stop> {
        if !self.taken.insert(image.to_owned()) {
            if line.is_some() {
                feed.skip(file, line, format!("the image `{image}` came already"));
            }
            return Ok(false);
        }
        let found = match self.images.get(image) {
            Some(path) => Ok(self.origin.image(path)),
            None => self.origin.image_written("", &format!("{image}.jpg")),
        };
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                feed.skip(file, line, reason);
                return Ok(false);
            }
        };
        feed.accept(Imported::Case(CaseDraft {
            key: image.to_owned(),
            title: image.to_owned(),
            language: "en".to_owned(),
            images: vec![ImageDraft {
                key: image.to_owned(),
                location: found.location,
                is_missing: found.is_missing,
                ..ImageDraft::default()
            }],
            ..CaseDraft::default()
        }))?;
        Ok(true)
    }
}

fn draft(image: &str, number: usize, question: &str) -> QuestionDraft {
    QuestionDraft {
        key: format!("{image}-q{number}"),
        case_key: Some(image.to_owned()),
        image_key: Some(image.to_owned()),
        text: question.to_owned(),
        kind: kind_of(question),
        options: Vec::new(),
        gold: String::new(),
        gold_rationale: None,
        language: "en".to_owned(),
        class: None,
        split: Some("test".to_owned()),
    }
}

/// Without answers the form of the question must tell: these words open a yes/no question.
fn kind_of(question: &str) -> QuestionKind {
    const OPENERS: [&str; 16] = [
        "is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "can", "could",
        "will", "would", "should", "any",
    ];
    let first = question
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_lowercase();
    if OPENERS.contains(&first.as_str()) {
        QuestionKind::Closed
    } else {
        QuestionKind::Open
    }
}
