//! Tags, notes and drafts: what people write. Each call is one durable transaction.

use rusqlite::{OptionalExtension, params};
use semihv_domain::{Note, NoteId, Tag, Target, UnixSeconds};

use super::{Access, Store, StoreError};

impl Store {
    pub(super) fn writable(&self) -> Result<(), StoreError> {
        match self.access {
            Access::ReadOnly => Err(StoreError::ReadOnly),
            Access::ReadWrite => Ok(()),
        }
    }

    /// Tags all targets or none. Returns those that did not have the tag before, so that undo
    /// takes away exactly what this added.
    pub fn add_tag(
        &mut self,
        targets: &[Target],
        tag: &Tag,
        (author, now): (&str, UnixSeconds),
    ) -> Result<Vec<Target>, StoreError> {
        self.writable()?;
        let transaction = self.connection.transaction()?;
        let mut added = Vec::new();
        for target in targets {
            let sql = "INSERT OR IGNORE INTO tags (tag, kind, row, author, written)
                VALUES (?1, ?2, ?3, ?4, ?5)";
            let values = params![tag.as_str(), target.kind(), target.row(), author, now];
            if transaction.prepare_cached(sql)?.execute(values)? == 1 {
                added.push(*target);
            }
        }
        transaction.commit()?;
        Ok(added)
    }

    /// Returns those that had the tag.
    pub fn remove_tag(&mut self, targets: &[Target], tag: &Tag) -> Result<Vec<Target>, StoreError> {
        self.writable()?;
        let transaction = self.connection.transaction()?;
        let mut removed = Vec::new();
        for target in targets {
            let sql = "DELETE FROM tags WHERE kind = ?1 AND row = ?2 AND tag = ?3";
            let values = params![target.kind(), target.row(), tag.as_str()];
            if transaction.prepare_cached(sql)?.execute(values)? == 1 {
                removed.push(*target);
            }
        }
        transaction.commit()?;
        Ok(removed)
    }

    /// Stores the note and drops the draft it came from, together.
    pub fn write_note(
        &mut self,
        target: Target,
        text: &str,
        (author, now): (&str, UnixSeconds),
    ) -> Result<NoteId, StoreError> {
        self.writable()?;
        let transaction = self.connection.transaction()?;
        transaction.execute(
            "INSERT INTO notes (kind, row, text, author, written) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![target.kind(), target.row(), text, author, now],
        )?;
        let id = NoteId(transaction.last_insert_rowid());
        transaction.execute(
            "DELETE FROM drafts WHERE kind = ?1 AND row = ?2",
            params![target.kind(), target.row()],
        )?;
        transaction.commit()?;
        Ok(id)
    }

    /// The target of the note, or `None` when it is gone.
    pub fn replace_note(
        &mut self,
        note: NoteId,
        text: &str,
        now: UnixSeconds,
    ) -> Result<Option<Target>, StoreError> {
        self.writable()?;
        let sql = "UPDATE notes SET text = ?2, written = ?3 WHERE id = ?1 RETURNING kind, row";
        self.note_target(sql, params![note.0, text, now])
    }

    pub fn delete_note(&mut self, note: NoteId) -> Result<Option<Target>, StoreError> {
        self.writable()?;
        self.note_target(
            "DELETE FROM notes WHERE id = ?1 RETURNING kind, row",
            params![note.0],
        )
    }

    fn note_target(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<Target>, StoreError> {
        let parts: Option<(String, i64)> = self
            .connection
            .query_row(sql, values, |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(parts.and_then(|(kind, row)| Target::from_parts(&kind, row)))
    }

    pub fn note_text(&self, note: NoteId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT text FROM notes WHERE id = ?1";
        Ok(self
            .connection
            .query_row(sql, [note.0], |row| row.get(0))
            .optional()?)
    }

    pub fn keep_draft(
        &self,
        target: Target,
        text: &str,
        now: UnixSeconds,
    ) -> Result<(), StoreError> {
        self.writable()?;
        let sql = "INSERT INTO drafts (kind, row, text, written) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET text = excluded.text, written = excluded.written";
        self.connection.prepare_cached(sql)?.execute(params![
            target.kind(),
            target.row(),
            text,
            now
        ])?;
        Ok(())
    }

    pub fn drop_draft(&self, target: Target) -> Result<(), StoreError> {
        self.writable()?;
        self.connection.execute(
            "DELETE FROM drafts WHERE kind = ?1 AND row = ?2",
            params![target.kind(), target.row()],
        )?;
        Ok(())
    }

    pub fn draft(&self, target: Target) -> Result<Option<String>, StoreError> {
        let sql = "SELECT text FROM drafts WHERE kind = ?1 AND row = ?2";
        let values = params![target.kind(), target.row()];
        Ok(self
            .connection
            .query_row(sql, values, |row| row.get(0))
            .optional()?)
    }

    /// Oldest first.
    pub fn notes(&self, target: Target) -> Result<Vec<Note>, StoreError> {
        let sql = "SELECT id, text, author, written FROM notes WHERE kind = ?1 AND row = ?2
            ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let notes = statement.query_map(params![target.kind(), target.row()], |row| {
            Ok(Note {
                id: NoteId(row.get(0)?),
                target,
                text: row.get(1)?,
                author: row.get(2)?,
                written: row.get(3)?,
            })
        })?;
        Ok(notes.collect::<Result<_, _>>()?)
    }

    pub fn tags(&self, target: Target) -> Result<Vec<Tag>, StoreError> {
        let sql = "SELECT tag FROM tags WHERE kind = ?1 AND row = ?2 ORDER BY tag";
        let mut statement = self.connection.prepare_cached(sql)?;
        let tags = statement.query_map(params![target.kind(), target.row()], |row| {
            row.get::<_, String>(0)
        })?;
        let tags: Vec<String> = tags.collect::<Result<_, _>>()?;
        Ok(tags.iter().filter_map(|tag| Tag::parse(tag)).collect())
    }

    /// All tags in use with their counts, most used first.
    pub fn tag_counts(&self) -> Result<Vec<(Tag, u64)>, StoreError> {
        let sql = "SELECT tag, COUNT(*) FROM tags GROUP BY tag ORDER BY 2 DESC, 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let rows: Vec<(String, i64)> = rows.collect::<Result<_, _>>()?;
        Ok(rows
            .iter()
            .filter_map(|(tag, count)| Some((Tag::parse(tag)?, *count as u64)))
            .collect())
    }

    /// Rows of `kind` with that tag; with any tag when `tag` is `None`. Sorted.
    pub fn tagged_rows(&self, kind: &str, tag: Option<&str>) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT DISTINCT row FROM tags WHERE kind = ?1 AND (?2 IS NULL OR tag = ?2)
            ORDER BY row";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![kind, tag], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Rows of `kind` with a note. Sorted.
    pub fn noted_rows(&self, kind: &str) -> Result<Vec<i64>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT row FROM notes WHERE kind = ?1 ORDER BY row")?;
        let rows = statement.query_map([kind], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
