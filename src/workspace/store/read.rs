//! Reading: lists by the screenful, one case or question in full, sources.

use std::collections::BTreeMap;
use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params};
use semihv_domain::{
    Answer, AnswerId, Caption, Case, CaseId, Guideline, GuidelineId, Image, ImageId, ImageState,
    Modality, Passage, PassageId, Question, QuestionId, QuestionKind, SourceId, Tag, Verdict,
};

use super::{
    CaseRow, ModelScore, QuestionRow, Share, SkippedRow, SourceRow, Store, StoreCounts, StoreError,
};

impl Store {
    /// All ids of a table in order: `cases` or `questions`.
    ///
    /// Tables that nothing was deleted from are answered from their ends alone; the others read a
    /// narrow index instead of the wide rows.
    pub fn all_cases(&self) -> Result<Vec<i64>, StoreError> {
        self.all_ids("cases", "cases_by_change")
    }

    pub fn all_questions(&self) -> Result<Vec<i64>, StoreError> {
        self.all_ids("questions", "questions_by_change")
    }

    fn all_ids(&self, table: &str, index: &str) -> Result<Vec<i64>, StoreError> {
        let ends = format!("SELECT MIN(id), MAX(id) FROM {table}");
        let first: Option<i64> =
            self.connection
                .query_row(&format!("SELECT MIN(id) FROM {table}"), [], |row| {
                    row.get(0)
                })?;
        let last: Option<i64> = self.connection.query_row(&ends, [], |row| row.get(1))?;
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(Vec::new());
        };
        let counted = format!(
            "SELECT COALESCE(SUM({table}), -1) FROM sources WHERE NOT EXISTS
            (SELECT 1 FROM sources WHERE is_complete = 0)"
        );
        let counted: i64 = self.connection.query_row(&counted, [], |row| row.get(0))?;
        if last - first + 1 == counted {
            return Ok((first..=last).collect());
        }
        let sql = format!("SELECT id FROM {table} INDEXED BY {index} WHERE change >= 0");
        let mut statement = self.connection.prepare(&sql)?;
        let ids = statement.query_map([], |row| row.get(0))?;
        let mut ids = ids.collect::<Result<Vec<i64>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Rows for a list, in the order of `ids`; vanished ones are left out.
    pub fn case_rows(&self, ids: &[i64]) -> Result<Vec<CaseRow>, StoreError> {
        let sql = "SELECT cases.id, cases.key, title, sources.name, modality,
                (SELECT COUNT(*) FROM images WHERE case_id = cases.id),
                (SELECT COUNT(*) FROM questions WHERE case_id = cases.id),
                (SELECT group_concat(tag, ' ') FROM tags WHERE kind = 'case' AND row = cases.id),
                EXISTS (SELECT 1 FROM notes WHERE kind = 'case' AND row = cases.id)
            FROM cases JOIN sources ON sources.id = source WHERE cases.id IN rarray(?1)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([array(ids)], |row| {
            Ok(CaseRow {
                id: CaseId(row.get(0)?),
                key: row.get(1)?,
                title: row.get(2)?,
                source: row.get(3)?,
                modality: modality(row, 4)?,
                images: row.get(5)?,
                questions: row.get(6)?,
                tags: tags(row, 7)?,
                has_note: row.get(8)?,
            })
        })?;
        in_order(ids, rows, |row| row.id.0)
    }

    pub fn question_rows(&self, ids: &[i64]) -> Result<Vec<QuestionRow>, StoreError> {
        let sql = "SELECT questions.id, questions.key, text, questions.kind, case_id, sources.name,
                (SELECT COALESCE(images.modality, cases.modality) FROM cases
                    LEFT JOIN images ON images.id = questions.image WHERE cases.id = questions.case_id),
                (SELECT group_concat(tag, ' ') FROM tags
                    WHERE kind = 'question' AND row = questions.id),
                EXISTS (SELECT 1 FROM notes WHERE kind = 'question' AND row = questions.id)
            FROM questions JOIN sources ON sources.id = source WHERE questions.id IN rarray(?1)";
        let mut verdicts = self.verdicts(ids)?;
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([array(ids)], |row| {
            let id: i64 = row.get(0)?;
            Ok(QuestionRow {
                id: QuestionId(id),
                key: row.get(1)?,
                text: row.get(2)?,
                kind: kind(row, 3)?,
                case: row.get::<_, Option<i64>>(4)?.map(CaseId),
                source: row.get(5)?,
                modality: modality(row, 6)?,
                verdicts: verdicts.remove(&id).unwrap_or_default(),
                tags: tags(row, 7)?,
                has_note: row.get(8)?,
            })
        })?;
        in_order(ids, rows, |row| row.id.0)
    }

    /// By question: each model's verdict, sorted by model; of two answers the later import's.
    pub(super) fn verdicts(
        &self,
        questions: &[i64],
    ) -> Result<BTreeMap<i64, Vec<(String, Verdict)>>, StoreError> {
        let sql = "SELECT question, model, verdict FROM answers WHERE question IN rarray(?1)
            ORDER BY question, model, id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([array(questions)])?;
        let mut verdicts: BTreeMap<i64, Vec<(String, Verdict)>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let of_question = verdicts.entry(row.get(0)?).or_default();
            let model: String = row.get(1)?;
            let found = verdict(row, 2)?;
            match of_question.last_mut() {
                Some((last, verdict)) if *last == model => *verdict = found,
                _ => of_question.push((model, found)),
            }
        }
        Ok(verdicts)
    }

    pub fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError> {
        let sql = "SELECT source, sources.name, key, title, patient, modality, body_part, year,
            language, licence, sections FROM cases JOIN sources ON sources.id = source
            WHERE cases.id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let sections: String = row.get(10)?;
        Ok(Some(Case {
            id,
            source: SourceId(row.get(0)?),
            source_name: row.get(1)?,
            key: row.get(2)?,
            title: row.get(3)?,
            patient: row.get(4)?,
            modality: modality(row, 5)?,
            body_part: row.get(6)?,
            year: row.get(7)?,
            language: row.get(8)?,
            licence: row.get(9)?,
            sections: serde_json::from_str(&sections)?,
        }))
    }

    /// The row of a case by its key; of several sources the first.
    pub fn case_by_key(&self, key: &str) -> Result<Option<CaseId>, StoreError> {
        let sql = "SELECT id FROM cases WHERE key = ?1 AND source IN (SELECT id FROM sources)
            ORDER BY id LIMIT 1";
        Ok(self
            .connection
            .query_row(sql, [key], |row| row.get(0).map(CaseId))
            .optional()?)
    }

    /// An image by `CASE-KEY/IMAGE-KEY`, or by its own key.
    pub fn image_by_key(&self, key: &str) -> Result<Option<Image>, StoreError> {
        let sql = "SELECT images.id FROM images JOIN cases ON cases.id = case_id
            WHERE images.key = ?1 OR cases.key || '/' || images.key = ?1
            OR (cases.key = ?1 AND ordinal = 0) ORDER BY images.id LIMIT 1";
        let id: Option<i64> = self
            .connection
            .query_row(sql, [key], |row| row.get(0))
            .optional()?;
        id.map_or(Ok(None), |id| self.image(ImageId(id)))
    }

    pub fn image(&self, id: ImageId) -> Result<Option<Image>, StoreError> {
        Ok(self.images_where("id", id.0)?.pop())
    }

    /// In the source's order, with captions and regions.
    pub fn images(&self, case: CaseId) -> Result<Vec<Image>, StoreError> {
        self.images_where("case_id", case.0)
    }

    fn images_where(&self, column: &str, value: i64) -> Result<Vec<Image>, StoreError> {
        let sql = format!(
            "SELECT id, case_id, key, location, state, width, height, reason, modality, plane
             FROM images WHERE {column} = ?1 ORDER BY ordinal"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([value])?;
        let mut images = Vec::new();
        while let Some(row) = rows.next()? {
            let id = ImageId(row.get(0)?);
            images.push(Image {
                id,
                case: CaseId(row.get(1)?),
                key: row.get(2)?,
                location: row.get(3)?,
                state: image_state(row)?,
                modality: modality(row, 8)?,
                plane: row.get(9)?,
                captions: self.captions(id)?,
                regions: self.regions(id)?,
            });
        }
        Ok(images)
    }

    fn captions(&self, image: ImageId) -> Result<Vec<Caption>, StoreError> {
        let sql = "SELECT text, language FROM captions WHERE image = ?1 ORDER BY ordinal";
        let mut statement = self.connection.prepare_cached(sql)?;
        let captions = statement.query_map([image.0], |row| {
            Ok(Caption {
                text: row.get(0)?,
                language: row.get(1)?,
            })
        })?;
        Ok(captions.collect::<Result<_, _>>()?)
    }

    pub fn questions_of(&self, case: CaseId) -> Result<Vec<QuestionRow>, StoreError> {
        let sql = "SELECT id FROM questions WHERE case_id = ?1 ORDER BY id LIMIT 1000";
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map([case.0], |row| row.get(0))?;
        let ids = ids.collect::<Result<Vec<i64>, _>>()?;
        self.question_rows(&ids)
    }

    pub fn question(&self, id: QuestionId) -> Result<Option<Question>, StoreError> {
        let sql = "SELECT source, sources.name, key, case_id, image, text, questions.kind, options,
            gold, gold_rationale, language, class, split FROM questions
            JOIN sources ON sources.id = source WHERE questions.id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let options: String = row.get(7)?;
        Ok(Some(Question {
            id,
            source: SourceId(row.get(0)?),
            source_name: row.get(1)?,
            key: row.get(2)?,
            case: row.get::<_, Option<i64>>(3)?.map(CaseId),
            image: row.get::<_, Option<i64>>(4)?.map(ImageId),
            text: row.get(5)?,
            kind: kind(row, 6)?,
            options: serde_json::from_str(&options)?,
            gold: row.get(8)?,
            gold_rationale: row.get(9)?,
            language: row.get(10)?,
            class: row.get(11)?,
            split: row.get(12)?,
        }))
    }

    /// By model.
    pub fn answers(&self, question: QuestionId) -> Result<Vec<Answer>, StoreError> {
        let sql = "SELECT answers.id, model, text, rationale, verdict, judged_by, sources.name
            FROM answers JOIN sources ON sources.id = source WHERE question = ?1
            ORDER BY model, answers.id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let answers = statement.query_map([question.0], |row| {
            Ok(Answer {
                id: AnswerId(row.get(0)?),
                question,
                model: row.get(1)?,
                text: row.get(2)?,
                rationale: row.get(3)?,
                verdict: verdict(row, 4)?,
                judged_by: row.get(5)?,
                source_name: row.get(6)?,
            })
        })?;
        Ok(answers.collect::<Result<_, _>>()?)
    }

    /// A passage's guideline and all of its passages in order.
    pub fn guideline_of(
        &self,
        passage: PassageId,
    ) -> Result<Option<(Guideline, Vec<Passage>)>, StoreError> {
        let sql = "SELECT guidelines.id, source, sources.name, key, title, developer, year,
            licence, language FROM guidelines JOIN sources ON sources.id = source
            WHERE guidelines.id = (SELECT guideline FROM passages WHERE id = ?1)";
        let guideline = self
            .connection
            .prepare_cached(sql)?
            .query_row([passage.0], |row| {
                Ok(Guideline {
                    id: GuidelineId(row.get(0)?),
                    source: SourceId(row.get(1)?),
                    source_name: row.get(2)?,
                    key: row.get(3)?,
                    title: row.get(4)?,
                    developer: row.get(5)?,
                    year: row.get(6)?,
                    licence: row.get(7)?,
                    language: row.get(8)?,
                })
            })
            .optional()?;
        let Some(guideline) = guideline else {
            return Ok(None);
        };
        let sql = "SELECT id, ordinal, headings, text FROM passages WHERE guideline = ?1
            ORDER BY ordinal";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([guideline.id.0])?;
        let mut passages = Vec::new();
        while let Some(row) = rows.next()? {
            let headings: String = row.get(2)?;
            passages.push(Passage {
                id: PassageId(row.get(0)?),
                guideline: guideline.id,
                ordinal: row.get(1)?,
                headings: serde_json::from_str(&headings)?,
                text: row.get(3)?,
            });
        }
        Ok(Some((guideline, passages)))
    }

    pub fn sources(&self) -> Result<Vec<SourceRow>, StoreError> {
        let sql = "SELECT name, kind, path, cases, images, missing_images, questions, answers,
            passages, skipped, imported, is_complete FROM sources ORDER BY name";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(SourceRow {
                name: row.get(0)?,
                kind: row.get(1)?,
                path: row.get(2)?,
                cases: count(row, 3)?,
                images: count(row, 4)?,
                missing_images: count(row, 5)?,
                questions: count(row, 6)?,
                answers: count(row, 7)?,
                passages: count(row, 8)?,
                skipped: count(row, 9)?,
                imported: row.get(10)?,
                is_complete: row.get(11)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn counts(&self) -> Result<StoreCounts, StoreError> {
        let sql = "SELECT TOTAL(cases), TOTAL(images), TOTAL(questions), TOTAL(answers),
            TOTAL(guidelines), TOTAL(passages), (SELECT COUNT(*) FROM notes) FROM sources";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| {
            let total = |column| row.get::<_, f64>(column).map(|sum| sum as u64);
            Ok(StoreCounts {
                cases: total(0)?,
                images: total(1)?,
                questions: total(2)?,
                answers: total(3)?,
                guidelines: total(4)?,
                passages: total(5)?,
                notes: count(row, 6)?,
            })
        })?)
    }

    /// Answers by model and verdict.
    pub fn model_scores(&self) -> Result<Vec<ModelScore>, StoreError> {
        let sql = "SELECT model, verdict, COUNT(*) FROM answers GROUP BY model, verdict";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut scores: BTreeMap<String, ModelScore> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let model: String = row.get(0)?;
            let answers = count(row, 2)?;
            let score = scores.entry(model.clone()).or_insert(ModelScore {
                model,
                answers: 0,
                right: 0,
                wrong: 0,
                unparsed: 0,
                unjudged: 0,
            });
            score.answers += answers;
            match verdict(row, 1)? {
                Verdict::Right => score.right += answers,
                Verdict::Wrong => score.wrong += answers,
                Verdict::Unparsed => score.unparsed += answers,
                Verdict::Unjudged => score.unjudged += answers,
            }
        }
        Ok(scores.into_values().collect())
    }

    /// Images by modality (the case's where the image says none), most first.
    pub fn modality_counts(&self) -> Result<Vec<Share>, StoreError> {
        self.shares(
            "SELECT COALESCE(images.modality, cases.modality, 'unknown'), COUNT(*) AS n
             FROM images JOIN cases ON cases.id = case_id GROUP BY 1 ORDER BY n DESC, 1",
        )
    }

    /// Kinds of reasons with their counts, most first: what a reason quotes differs from row to row
    /// and says nothing about the whole.
    pub fn skipped_reasons(&self) -> Result<Vec<Share>, StoreError> {
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        for share in self.shares("SELECT reason, COUNT(*) FROM skipped GROUP BY reason")? {
            *kinds.entry(without_quotations(&share.name)).or_default() += share.count;
        }
        let mut shares: Vec<Share> = kinds
            .into_iter()
            .map(|(name, count)| Share { name, count })
            .collect();
        shares.sort_by_key(|share| std::cmp::Reverse(share.count));
        shares.truncate(50);
        Ok(shares)
    }

    fn shares(&self, sql: &str) -> Result<Vec<Share>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(Share {
                name: row.get(0)?,
                count: count(row, 1)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn skipped(
        &self,
        source: Option<&str>,
        limit: usize,
    ) -> Result<Vec<SkippedRow>, StoreError> {
        let sql = "SELECT name, file, line, reason FROM skipped JOIN sources ON sources.id = source
            WHERE ?1 IS NULL OR name = ?1 ORDER BY name, skipped.rowid LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![source, limit as i64], |row| {
            Ok(SkippedRow {
                source: row.get(0)?,
                file: row.get(1)?,
                line: row.get::<_, Option<i64>>(2)?.map(|line| line as u64),
                reason: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Images of one source that nobody has looked at yet: id and location.
    pub fn unchecked_images(&self, source: &str) -> Result<Vec<(ImageId, String)>, StoreError> {
        self.image_locations(source, "AND state = 'unchecked'")
    }

    pub fn all_images(&self, source: &str) -> Result<Vec<(ImageId, String)>, StoreError> {
        self.image_locations(source, "")
    }

    fn image_locations(
        &self,
        source: &str,
        which: &str,
    ) -> Result<Vec<(ImageId, String)>, StoreError> {
        let sql = format!(
            "SELECT images.id, location FROM images JOIN cases ON cases.id = case_id
             JOIN sources ON sources.id = source WHERE sources.name = ?1 {which}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([source], |row| Ok((ImageId(row.get(0)?), row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers what was found in the files, and recounts the source.
    pub fn set_image_states(
        &mut self,
        source: &str,
        states: &[(ImageId, ImageState)],
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for (id, state) in states {
            let (name, width, height, reason) = match state {
                ImageState::Unchecked => ("unchecked", None, None, None),
                ImageState::Readable { width, height } => {
                    ("readable", Some(*width), Some(*height), None)
                }
                ImageState::Missing => ("missing", None, None, None),
                ImageState::Unreadable { reason } => ("unreadable", None, None, Some(reason)),
            };
            transaction
                .prepare_cached(
                    "UPDATE images SET state = ?2, width = ?3, height = ?4, reason = ?5
                     WHERE id = ?1",
                )?
                .execute(params![id.0, name, width, height, reason])?;
        }
        transaction.execute(
            "UPDATE sources SET missing_images = (SELECT COUNT(*) FROM images
             JOIN cases ON cases.id = case_id WHERE source = sources.id
             AND state IN ('missing', 'unreadable')) WHERE name = ?1",
            [source],
        )?;
        Ok(transaction.commit()?)
    }
}

/// `no question "q9" in set` becomes `no question "…" in set`.
fn without_quotations(reason: &str) -> String {
    let mut kind = String::new();
    let mut parts = reason.split('"');
    kind.push_str(parts.next().unwrap_or_default());
    while let Some(_quoted) = parts.next() {
        kind.push_str("\"…\"");
        kind.push_str(parts.next().unwrap_or_default());
    }
    kind
}

pub(super) fn array(ids: &[i64]) -> Rc<Vec<Value>> {
    Rc::new(ids.iter().copied().map(Value::from).collect())
}

fn in_order<T>(
    ids: &[i64],
    rows: impl Iterator<Item = rusqlite::Result<T>>,
    id_of: impl Fn(&T) -> i64,
) -> Result<Vec<T>, StoreError> {
    let mut found: BTreeMap<i64, T> = BTreeMap::new();
    for row in rows {
        let row = row?;
        found.insert(id_of(&row), row);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|count| count.max(0) as u64)
}

pub(super) fn modality(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Modality>> {
    let name: Option<String> = row.get(column)?;
    Ok(name.and_then(|name| {
        Modality::ALL
            .into_iter()
            .find(|modality| modality.name() == name)
    }))
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<QuestionKind> {
    let name: String = row.get(column)?;
    Ok(if name == "closed" {
        QuestionKind::Closed
    } else {
        QuestionKind::Open
    })
}

pub(super) fn verdict(row: &Row<'_>, column: usize) -> rusqlite::Result<Verdict> {
    let name: String = row.get(column)?;
    Ok(Verdict::parse(&name).unwrap_or(Verdict::Unjudged))
}

fn tags(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Tag>> {
    let joined: Option<String> = row.get(column)?;
    let mut tags: Vec<Tag> = joined
        .unwrap_or_default()
        .split(' ')
        .filter_map(Tag::parse)
        .collect();
    tags.sort();
    Ok(tags)
}

fn image_state(row: &Row<'_>) -> rusqlite::Result<ImageState> {
    let state: String = row.get(4)?;
    Ok(match state.as_str() {
        "readable" => ImageState::Readable {
            width: row.get::<_, Option<u32>>(5)?.unwrap_or(0),
            height: row.get::<_, Option<u32>>(6)?.unwrap_or(0),
        },
        "missing" => ImageState::Missing,
        "unreadable" => ImageState::Unreadable {
            reason: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
        },
        _ => ImageState::Unchecked,
    })
}
