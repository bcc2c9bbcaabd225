//! What the retriever asks of the rows: whose image a row is, what a query must not find.

use std::collections::{HashMap, HashSet};

use rusqlite::OptionalExtension;
use semihv_domain::{CaseId, ImageId, QuestionId};

use super::read::array;
use super::{Store, StoreError};

impl Store {
    /// The case of each image.
    pub fn cases_of_images(&self, images: &[i64]) -> Result<HashMap<i64, i64>, StoreError> {
        let sql = "SELECT id, case_id FROM images WHERE id IN rarray(?1)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([array(images)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The images of some cases.
    pub fn images_of_cases(&self, cases: &[i64]) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM images WHERE case_id IN rarray(?1)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([array(cases)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Cases of the same source with the same patient, this one among them where it names one.
    pub fn cases_of_patient(&self, case: CaseId) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT other.id FROM cases JOIN cases AS other
            ON other.source = cases.source AND other.patient = cases.patient
            WHERE cases.id = ?1 AND cases.patient <> ''";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([case.0], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The case of an image.
    pub fn case_of_image(&self, image: ImageId) -> Result<Option<CaseId>, StoreError> {
        let sql = "SELECT case_id FROM images WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let case = statement
            .query_row([image.0], |row| row.get(0))
            .optional()?;
        Ok(case.map(CaseId))
    }

    /// The keys of cases.
    pub fn keys_of_cases(&self, cases: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
        let sql = "SELECT key FROM cases WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut keys = HashMap::new();
        for case in cases {
            let key = statement.query_row([case], |row| row.get(0)).optional()?;
            keys.extend(key.map(|key| (*case, key)));
        }
        Ok(keys)
    }

    /// The keys of passages' guidelines, with the passages' places in them.
    pub fn keys_of_passages(
        &self,
        passages: &[i64],
    ) -> Result<HashMap<i64, (String, u32)>, StoreError> {
        let sql = "SELECT key, ordinal FROM passages
            JOIN guidelines ON guidelines.id = guideline WHERE passages.id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut keys = HashMap::new();
        for passage in passages {
            let key = statement
                .query_row([passage], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            keys.extend(key.map(|key| (*passage, key)));
        }
        Ok(keys)
    }

    /// `CASE/IMAGE`.
    pub fn key_of_image(&self, image: ImageId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT cases.key || '/' || images.key FROM images
            JOIN cases ON cases.id = case_id WHERE images.id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement
            .query_row([image.0], |row| row.get(0))
            .optional()?)
    }

    /// A question that is asked about a case.
    pub fn question_by_key(
        &self,
        case: CaseId,
        key: &str,
    ) -> Result<Option<QuestionId>, StoreError> {
        let sql = "SELECT id FROM questions WHERE case_id = ?1 AND key = ?2 ORDER BY id LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let id = statement.query_row((case.0, key), |row| row.get(0));
        Ok(id.optional()?.map(QuestionId))
    }

    /// The passage at a place of a guideline.
    pub fn passage_at(&self, guideline: &str, ordinal: u32) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT passages.id FROM passages JOIN guidelines ON guidelines.id = guideline
            WHERE key = ?1 AND ordinal = ?2 ORDER BY passages.id LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement
            .query_row((guideline, ordinal), |row| row.get(0))
            .optional()?)
    }

    /// Cases under none of these licences.
    pub fn cases_without_licence(&self, licences: &[String]) -> Result<HashSet<i64>, StoreError> {
        self.without_licence("SELECT id, licence FROM cases", licences)
    }

    /// Passages of guidelines under none of these licences.
    pub fn has_guideline(&self, key: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM guidelines WHERE key = ?1)";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([key], |row| row.get(0))?)
    }

    pub fn passages_without_licence(
        &self,
        licences: &[String],
    ) -> Result<HashSet<i64>, StoreError> {
        let sql = "SELECT passages.id, licence FROM passages
            JOIN guidelines ON guidelines.id = guideline";
        self.without_licence(sql, licences)
    }

    fn without_licence(&self, sql: &str, licences: &[String]) -> Result<HashSet<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut without = HashSet::new();
        while let Some(row) = rows.next()? {
            let licence: Option<String> = row.get(1)?;
            if !licence.is_some_and(|licence| licences.contains(&licence)) {
                without.insert(row.get(0)?);
            }
        }
        Ok(without)
    }
}
