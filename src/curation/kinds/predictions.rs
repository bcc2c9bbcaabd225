//! Answers of models, from JSONL, JSON and CSV, joined to questions by id.
//!
//! Two dialects use the same words for different things, so they are told apart first. Our own has
//! `question` (the id) and `answer` (what the model said). Evaluation dumps have `question` (its
//! words), `answer` (the gold one) and `prediction`. Where a dump names only a case and the words
//! of the question, these two are the id; where it does not even name the case, the row is skipped:
//! position is never an id, since published files do lack rows in the middle.

use semihv_domain::{AnswerDraft, Imported, SkippedAt, Verdict};
use serde_json::Value;

use super::mapped::Cells;
use super::required_files;
use super::{csv, jsonl};
use crate::error::{ImportError, Stop};
use crate::feed::{Feed, Seen};
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::delimited::Table;
use crate::rows::{Elements, Lines, Row, Shape, parse, shape};
use crate::text::{meaningful, question_key};

const PREDICTION: [&str; 4] = ["prediction", "predicted", "model_answer", "response"];
const QUESTION_ID: [&str; 3] = ["question_id", "qid", "question_key"];
const CASE_ID: [&str; 4] = ["case_id", "case", "img_id", "image_id"];
const NO_ID: &str = "carries no question id (question, question_id, qid or question_key); answers \
    are joined to questions by id, never by position";
const NO_MODEL: &str = "does not say which model answered; name it with `--model NAME`";

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let extensions: Vec<&str> = [&jsonl::EXTENSIONS[..], &csv::EXTENSIONS[..], &["json"]].concat();
    let files = required_files(
        &origin,
        &extensions,
        "file called *.jsonl, *.json or *.csv",
        "give a file of answers, or a folder or archive of them",
    )?;
    feed.expect(&origin, &files);
    let mut answers = Answers {
        request,
        origin: &origin,
        seen: Seen::default(),
    };
    for file in &files {
        let extension = name::last(file)
            .rsplit_once('.')
            .map(|(_, end)| end.to_lowercase());
        match extension.as_deref() {
            Some("json") => answers.read_json(feed, file)?,
            Some("csv" | "tsv") => answers.read_table(feed, file)?,
            _ => answers.read_lines(feed, file)?,
        }
    }
    Ok(())
}

struct Answers<'a> {
    request: &'a ImportRequest,
    origin: &'a Origin,
    seen: Seen,
}

impl Answers<'_> {
    fn read_lines(&mut self, feed: &mut Feed<'_>, file: &str) -> Result<(), Stop> {
        let mut lines = Lines::new(feed.open(self.origin, file)?);
        while let Some(row) = lines.next().map_err(|source| ImportError::Read {
            place: self.origin.place(file),
            source,
        })? {
            self.take_json(feed, file, &row)?;
        }
        Ok(())
    }

    fn read_json(&mut self, feed: &mut Feed<'_>, file: &str) -> Result<(), Stop> {
        let place = self.origin.place(file);
        // Looked through beforehand, and not counted as progress.
        let whole = std::io::BufReader::new(self.origin.read(file)?);
        let mut elements = match shape(whole).map_err(|error| error.at(&place))? {
            Shape::Lines => return self.read_lines(feed, file),
            Shape::Object => Elements::with_members(feed.open(self.origin, file)?),
            Shape::Array | Shape::ObjectAroundArray => Elements::new(feed.open(self.origin, file)?),
        };
        while let Some(row) = elements.next().map_err(|error| error.at(&place))? {
            self.take_json(feed, file, &row)?;
        }
        Ok(())
    }

    fn read_table(&mut self, feed: &mut Feed<'_>, file: &str) -> Result<(), Stop> {
        let failed = |source| ImportError::Read {
            place: self.origin.place(file),
            source,
        };
        let mut table = Table::new(feed.open(self.origin, file)?).map_err(failed)?;
        while let Some(row) = table.next().map_err(failed)? {
            match row.fields {
                Ok(fields) => self.take(feed, (file, row.line), None, &fields)?,
                Err(reason) => feed.skip(file, Some(row.line), reason),
            }
        }
        Ok(())
    }

    fn take_json(&mut self, feed: &mut Feed<'_>, file: &str, row: &Row<'_>) -> Result<(), Stop> {
        let at = (file, row.number);
        match (parse::<Value>(&row.content), row.name) {
            (Ok(value @ Value::Object(_)), named) => self.take(feed, at, named, &value),
            (Ok(Value::String(answer)), Some(id)) => {
                let value = serde_json::json!({ "answer": answer });
                self.take(feed, at, Some(id), &value)
            }
            (Ok(_), _) => {
                feed.skip(file, Some(row.number), "not an object with an answer");
                Ok(())
            }
            (Err(reason), _) => {
                feed.skip(file, Some(row.number), reason);
                Ok(())
            }
        }
    }

    fn take(
        &mut self,
        feed: &mut Feed<'_>,
        (file, line): (&str, u64),
        named: Option<&str>,
        cells: &dyn Cells,
    ) -> Result<(), Stop> {
        let said = match Said::read(named, cells) {
            Ok(said) => said,
            Err(reason) => {
                feed.skip(file, Some(line), reason);
                return Ok(());
            }
        };
        let Some(model) = said.model.or_else(|| self.request.model.clone()) else {
            feed.skip(file, Some(line), NO_MODEL);
            return Ok(());
        };
        let source = said.source.or_else(|| self.request.question_source.clone());
        let identity = [
            model.as_str(),
            source.as_deref().unwrap_or(""),
            &said.question,
        ]
        .join("\0");
        if let Some(first) = self.seen.earlier(&identity, file, line) {
            let reason = format!("{model} answered this question already in {first}");
            feed.skip(file, Some(line), reason);
            return Ok(());
        }
        feed.accept(Imported::Answer(AnswerDraft {
            question_source: source,
            question_key: said.question,
            model,
            text: said.answer,
            rationale: said.rationale,
            verdict: said.verdict,
            at: SkippedAt {
                file: file.to_owned(),
                line: Some(line),
            },
        }))
    }
}

/// A row, understood.
struct Said {
    question: String,
    model: Option<String>,
    source: Option<String>,
    answer: String,
    rationale: Option<String>,
    verdict: Option<Verdict>,
}

impl Said {
    fn read(named: Option<&str>, cells: &dyn Cells) -> Result<Self, String> {
        let cell = |paths: &[&str]| {
            let text = cells.first(paths)?;
            meaningful(&text).map(str::to_owned)
        };
        let prediction = cells.first(&PREDICTION);
        let is_dump = prediction.is_some();
        let words_or_id = cell(&["question"]);
        let id = named.map(str::to_owned).or_else(|| cell(&QUESTION_ID));
        let question = match (id, words_or_id, cell(&CASE_ID)) {
            (Some(id), _, _) => id,
            (None, Some(id), _) if !is_dump => id,
            (None, Some(words), Some(case)) => question_key(&case, &words),
            _ => return Err(NO_ID.to_owned()),
        };
        let answer = prediction
            .or_else(|| cells.first(&["answer"]))
            .ok_or("holds no answer")?;
        Ok(Self {
            question,
            model: cell(&["model"]),
            // In dumps `source` is a part of the data set, not one of ours.
            source: if is_dump { None } else { cell(&["source"]) },
            answer,
            rationale: cell(&["rationale"]),
            verdict: verdict(cell(&["verdict", "is_correct", "correct"]))?,
        })
    }
}

fn verdict(said: Option<String>) -> Result<Option<Verdict>, String> {
    let Some(said) = said else { return Ok(None) };
    match said.to_lowercase().as_str() {
        "true" | "correct" | "right" | "1" => Ok(Some(Verdict::Right)),
        "false" | "incorrect" | "wrong" | "0" => Ok(Some(Verdict::Wrong)),
        "unparsed" => Ok(Some(Verdict::Unparsed)),
        "unjudged" => Ok(None),
        _ => Err(format!("the verdict `{said}` is neither right nor wrong")),
    }
}
