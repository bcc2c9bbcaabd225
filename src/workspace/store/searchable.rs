//! What the search index is made from: rows with everything they can be found by.

use rusqlite::{Row, params};
use semihv_domain::{DocumentKind, Modality, QuestionKind, Verdict};

use super::read::{array, kind, modality};
use super::{Store, StoreError};

/// A case with what its images and questions add to it.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchableCase {
    pub id: i64,
    pub key: String,
    pub source: String,
    pub title: String,
    pub modality: Option<Modality>,
    pub body_part: Option<String>,
    pub year: Option<i32>,
    pub language: String,
    pub licence: Option<String>,
    /// The sections' texts, then the captions.
    pub texts: Vec<String>,
    pub images: u32,
    pub missing_images: u32,
    pub has_region: bool,
    pub has_caption: bool,
    pub question_kinds: Vec<QuestionKind>,
    pub verdicts: Vec<(String, Verdict)>,
    pub change: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SearchableQuestion {
    pub id: i64,
    pub key: String,
    pub source: String,
    pub text: String,
    pub gold: String,
    pub options: Vec<String>,
    pub gold_rationale: Option<String>,
    pub kind: QuestionKind,
    pub language: String,
    pub class: Option<String>,
    pub split: Option<String>,
    pub modality: Option<Modality>,
    pub body_part: Option<String>,
    pub year: Option<i32>,
    pub licence: Option<String>,
    pub has_image: bool,
    pub has_region: bool,
    pub has_rationale: bool,
    /// The models' answers and rationales.
    pub answers: Vec<String>,
    pub verdicts: Vec<(String, Verdict)>,
    pub change: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SearchablePassage {
    pub id: i64,
    pub key: String,
    pub source: String,
    pub guideline_title: String,
    pub headings: Vec<String>,
    pub text: String,
    pub year: Option<i32>,
    pub language: String,
    pub licence: Option<String>,
    pub change: u64,
}

impl Store {
    /// How many rows the index has not seen.
    pub fn changed_since(&self, change: u64) -> Result<u64, StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM cases WHERE change > ?1)
            + (SELECT COUNT(*) FROM questions WHERE change > ?1)
            + (SELECT COUNT(*) FROM passages WHERE change > ?1)
            + (SELECT COUNT(*) FROM removals WHERE change > ?1)";
        let count: i64 = self
            .connection
            .query_row(sql, [change as i64], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// How many cases and passages were written after `change`.
    pub fn cases_and_passages_since(&self, change: u64) -> Result<u64, StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM cases WHERE change > ?1)
            + (SELECT COUNT(*) FROM passages WHERE change > ?1)";
        let mut query = self.connection.prepare_cached(sql)?;
        let count: i64 = query.query_row([change as i64], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// Cases changed after `change`, in the order of their changes, by the page. `after` is the
    /// (change, id) of the last one of the page before.
    pub fn searchable_cases(
        &self,
        after: (u64, i64),
        limit: usize,
    ) -> Result<Vec<SearchableCase>, StoreError> {
        let sql = "SELECT cases.id, cases.key, sources.name, title, modality, body_part, year,
                language, licence, sections, change,
                (SELECT COUNT(*) FROM images WHERE case_id = cases.id),
                (SELECT COUNT(*) FROM images WHERE case_id = cases.id
                    AND state IN ('missing', 'unreadable')),
                EXISTS (SELECT 1 FROM images JOIN regions ON image = images.id
                    WHERE case_id = cases.id AND erased IS NULL),
                (SELECT json_group_array(captions.text) FROM images JOIN captions
                    ON image = images.id WHERE case_id = cases.id),
                (SELECT json_group_array(DISTINCT kind) FROM questions WHERE case_id = cases.id)
            FROM cases INDEXED BY cases_by_change JOIN sources ON sources.id = source
            WHERE (change, cases.id) > (?1, ?2) ORDER BY change, cases.id LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![after.0 as i64, after.1, limit as i64])?;
        let mut cases = Vec::new();
        while let Some(row) = rows.next()? {
            cases.push(searchable_case(row)?);
        }
        self.add_case_verdicts(&mut cases)?;
        Ok(cases)
    }

    fn add_case_verdicts(&self, cases: &mut [SearchableCase]) -> Result<(), StoreError> {
        let ids: Vec<i64> = cases
            .iter()
            .filter(|case| !case.question_kinds.is_empty())
            .map(|case| case.id)
            .collect();
        let sql = "SELECT DISTINCT case_id, model, verdict FROM questions JOIN answers
            ON question = questions.id WHERE case_id IN rarray(?1)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([array(&ids)])?;
        let mut found: std::collections::HashMap<i64, Vec<(String, Verdict)>> =
            std::collections::HashMap::new();
        while let Some(row) = rows.next()? {
            let verdict = super::read::verdict(row, 2)?;
            found
                .entry(row.get(0)?)
                .or_default()
                .push((row.get(1)?, verdict));
        }
        for case in cases {
            case.verdicts = found.remove(&case.id).unwrap_or_default();
        }
        Ok(())
    }

    pub fn searchable_questions(
        &self,
        after: (u64, i64),
        limit: usize,
    ) -> Result<Vec<SearchableQuestion>, StoreError> {
        let sql = "SELECT questions.id, questions.key, sources.name, text, gold, options,
                gold_rationale, questions.kind, questions.language, class, split,
                COALESCE(images.modality, cases.modality), body_part, year, licence,
                COALESCE(questions.image, (SELECT id FROM images WHERE case_id = cases.id)),
                EXISTS (SELECT 1 FROM regions WHERE regions.image = questions.image
                    AND erased IS NULL),
                (SELECT json_group_array(text || char(10) || COALESCE(rationale, ''))
                    FROM answers WHERE question = questions.id),
                EXISTS (SELECT 1 FROM answers WHERE question = questions.id
                    AND rationale IS NOT NULL), questions.change
            FROM questions INDEXED BY questions_by_change
            JOIN sources ON sources.id = questions.source
            LEFT JOIN cases ON cases.id = questions.case_id
            LEFT JOIN images ON images.id = questions.image
            WHERE (questions.change, questions.id) > (?1, ?2)
            ORDER BY questions.change, questions.id LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![after.0 as i64, after.1, limit as i64])?;
        let mut questions = Vec::new();
        while let Some(row) = rows.next()? {
            questions.push(searchable_question(row)?);
        }
        let ids: Vec<i64> = questions.iter().map(|question| question.id).collect();
        let mut verdicts = self.verdicts(&ids)?;
        for question in &mut questions {
            question.verdicts = verdicts.remove(&question.id).unwrap_or_default();
        }
        Ok(questions)
    }

    pub fn searchable_passages(
        &self,
        after: (u64, i64),
        limit: usize,
    ) -> Result<Vec<SearchablePassage>, StoreError> {
        let sql = "SELECT passages.id, guidelines.key || '#' || ordinal, sources.name, title,
                headings, text, year, language, licence, change
            FROM passages INDEXED BY passages_by_change
            JOIN guidelines ON guidelines.id = guideline JOIN sources ON sources.id = source
            WHERE (change, passages.id) > (?1, ?2) ORDER BY change, passages.id LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![after.0 as i64, after.1, limit as i64])?;
        let mut passages = Vec::new();
        while let Some(row) = rows.next()? {
            let headings: String = row.get(4)?;
            passages.push(SearchablePassage {
                id: row.get(0)?,
                key: row.get(1)?,
                source: row.get(2)?,
                guideline_title: row.get(3)?,
                headings: serde_json::from_str(&headings)?,
                text: row.get(5)?,
                year: row.get(6)?,
                language: row.get(7)?,
                licence: row.get(8)?,
                change: row.get::<_, i64>(9)? as u64,
            });
        }
        Ok(passages)
    }

    /// Rows that were deleted after `change`.
    pub fn removals_since(&self, change: u64) -> Result<Vec<(DocumentKind, i64)>, StoreError> {
        let sql = "SELECT kind, row FROM removals WHERE change > ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([change as i64])?;
        let mut removals = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            if let Some(kind) = DocumentKind::ALL
                .into_iter()
                .find(|kind| kind.name() == name)
            {
                removals.push((kind, row.get(1)?));
            }
        }
        Ok(removals)
    }
}

fn searchable_case(row: &Row<'_>) -> Result<SearchableCase, StoreError> {
    let sections: String = row.get(9)?;
    let sections: Vec<semihv_domain::Section> = serde_json::from_str(&sections)?;
    let captions: String = row.get(14)?;
    let captions: Vec<String> = serde_json::from_str(&captions)?;
    let kinds: String = row.get(15)?;
    let has_caption = !captions.is_empty();
    let mut texts: Vec<String> = sections.into_iter().map(|section| section.text).collect();
    texts.extend(captions);
    Ok(SearchableCase {
        id: row.get(0)?,
        key: row.get(1)?,
        source: row.get(2)?,
        title: row.get(3)?,
        modality: modality(row, 4)?,
        body_part: row.get(5)?,
        year: row.get(6)?,
        language: row.get(7)?,
        licence: row.get(8)?,
        texts,
        images: row.get(11)?,
        missing_images: row.get(12)?,
        has_region: row.get(13)?,
        has_caption,
        question_kinds: serde_json::from_str(&kinds)?,
        verdicts: Vec::new(),
        change: row.get::<_, i64>(10)? as u64,
    })
}

fn searchable_question(row: &Row<'_>) -> Result<SearchableQuestion, StoreError> {
    let options: String = row.get(5)?;
    let answers: String = row.get(17)?;
    Ok(SearchableQuestion {
        id: row.get(0)?,
        key: row.get(1)?,
        source: row.get(2)?,
        text: row.get(3)?,
        gold: row.get(4)?,
        options: serde_json::from_str(&options)?,
        gold_rationale: row.get(6)?,
        kind: kind(row, 7)?,
        language: row.get(8)?,
        class: row.get(9)?,
        split: row.get(10)?,
        modality: modality(row, 11)?,
        body_part: row.get(12)?,
        year: row.get(13)?,
        licence: row.get(14)?,
        has_image: row.get::<_, Option<i64>>(15)?.is_some(),
        has_region: row.get(16)?,
        has_rationale: row.get(18)?,
        answers: serde_json::from_str(&answers)?,
        verdicts: Vec::new(),
        change: row.get::<_, i64>(19)? as u64,
    })
}
