//! What the retriever asks of the rows: whose image a row is, what a query must not find.

use std::collections::{HashMap, HashSet};

use rusqlite::OptionalExtension;
use semihv_domain::{CaseId, ImageId};

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

    /// Cases under none of these licences.
    pub fn cases_without_licence(&self, licences: &[String]) -> Result<HashSet<i64>, StoreError> {
        self.without_licence("SELECT id, licence FROM cases", licences)
    }

    /// Passages of guidelines under none of these licences.
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
