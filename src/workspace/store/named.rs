//! Rows by what their source calls them: the numbers of rows differ from store to store.

use rusqlite::OptionalExtension;

use super::{Store, StoreError};

/// A case as every store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCase {
    pub source: String,
    pub key: String,
    pub patient: Option<String>,
}

impl Store {
    pub fn name_of_case(&self, case: i64) -> Result<Option<NamedCase>, StoreError> {
        let sql = "SELECT sources.name, key, patient FROM cases
            JOIN sources ON sources.id = source WHERE cases.id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let named = statement.query_row([case], |row| {
            Ok(NamedCase {
                source: row.get(0)?,
                key: row.get(1)?,
                patient: row.get(2)?,
            })
        });
        Ok(named.optional()?)
    }

    /// The source of a passage, its guideline's key and its place there.
    pub fn name_of_passage(
        &self,
        passage: i64,
    ) -> Result<Option<(String, String, u32)>, StoreError> {
        let sql = "SELECT sources.name, key, ordinal FROM passages
            JOIN guidelines ON guidelines.id = guideline
            JOIN sources ON sources.id = source WHERE passages.id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let named =
            statement.query_row([passage], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        Ok(named.optional()?)
    }

    pub fn case_named(&self, source: &str, key: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT cases.id FROM cases JOIN sources ON sources.id = source
            WHERE sources.name = ?1 AND key = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row((source, key), |row| row.get(0));
        Ok(found.optional()?)
    }

    /// An image of a case.
    pub fn image_named(&self, case: i64, key: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT id FROM images WHERE case_id = ?1 AND key = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row((case, key), |row| row.get(0));
        Ok(found.optional()?)
    }

    pub fn passage_named(
        &self,
        source: &str,
        guideline: &str,
        ordinal: u32,
    ) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT passages.id FROM guidelines JOIN sources ON sources.id = source
            JOIN passages ON guideline = guidelines.id
            WHERE sources.name = ?1 AND key = ?2 AND ordinal = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row((source, guideline, ordinal), |row| row.get(0));
        Ok(found.optional()?)
    }
}
