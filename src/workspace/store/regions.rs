//! Regions: those of a source, and those that people draw. Each change is one durable transaction.

use rusqlite::{Connection, OptionalExtension, Row, params};
use semihv_domain::{Cut, ImageId, Region, RegionDraft, RegionId, RegionSlice, UnixSeconds};

use super::{Store, StoreError};

const COLUMNS: &str = "id, image, label, shape, author, cut, slice, written";

impl Store {
    /// In the order in which they were drawn.
    pub fn regions(&self, image: ImageId) -> Result<Vec<Region>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM regions WHERE image = ?1 AND erased IS NULL ORDER BY id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([image.0])?;
        let mut regions = Vec::new();
        while let Some(row) = rows.next()? {
            regions.push(region(row)?);
        }
        Ok(regions)
    }

    pub fn region(&self, id: RegionId) -> Result<Option<Region>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM regions WHERE id = ?1 AND erased IS NULL");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([id.0])?;
        rows.next()?.map(region).transpose()
    }

    /// `None` when there is no such image.
    pub fn add_region(
        &mut self,
        image: ImageId,
        draft: &RegionDraft,
        (author, now): (&str, UnixSeconds),
    ) -> Result<Option<RegionId>, StoreError> {
        self.writable()?;
        let transaction = self.connection.unchecked_transaction()?;
        let change = self.next_change()?;
        if !is_image(&transaction, image)? {
            return Ok(None);
        }
        transaction.execute(
            "INSERT INTO regions (image, label, shape, author, imported, cut, slice, written)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)",
            params![
                image.0,
                draft.label,
                serde_json::to_string(&draft.shape)?,
                author,
                draft.slice.map(|it| it.cut.name()),
                draft.slice.map(|it| it.slice),
                now
            ],
        )?;
        let id = RegionId(transaction.last_insert_rowid());
        touch(&transaction, image, change)?;
        transaction.commit()?;
        Ok(Some(id))
    }

    /// Gives a region that a person drew its shape, slice and name, and brings it back when it was
    /// erased. False when there never was such a region, or it is imported.
    pub fn restore_region(&mut self, region: &Region) -> Result<bool, StoreError> {
        self.writable()?;
        let transaction = self.connection.unchecked_transaction()?;
        let change = self.next_change()?;
        let put = transaction.execute(
            "UPDATE regions SET label = ?3, shape = ?4, cut = ?5, slice = ?6, erased = NULL
             WHERE id = ?1 AND image = ?2 AND imported = 0",
            params![
                region.id.0,
                region.image.0,
                region.label,
                serde_json::to_string(&region.shape)?,
                region.slice.map(|it| it.cut.name()),
                region.slice.map(|it| it.slice)
            ],
        )?;
        if put == 0 {
            return Ok(false);
        }
        touch(&transaction, region.image, change)?;
        transaction.commit()?;
        Ok(true)
    }

    /// Takes away a region that a person drew. Returns it; `None` when it is gone or imported.
    pub fn remove_region(&mut self, id: RegionId) -> Result<Option<Region>, StoreError> {
        self.writable()?;
        let Some(region) = self.region(id)?.filter(|region| region.written.is_some()) else {
            return Ok(None);
        };
        let transaction = self.connection.unchecked_transaction()?;
        let change = self.next_change()?;
        transaction.execute("UPDATE regions SET erased = 1 WHERE id = ?1", [id.0])?;
        touch(&transaction, region.image, change)?;
        transaction.commit()?;
        Ok(Some(region))
    }
}

fn is_image(connection: &Connection, image: ImageId) -> Result<bool, StoreError> {
    let found = connection
        .query_row("SELECT 1 FROM images WHERE id = ?1", [image.0], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// Searches know whether a case and its questions have regions: the index has to look again.
fn touch(connection: &Connection, image: ImageId, change: i64) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE cases SET change = ?2 WHERE id = (SELECT case_id FROM images WHERE id = ?1)",
        params![image.0, change],
    )?;
    connection.execute(
        "UPDATE questions SET change = ?2 WHERE image = ?1",
        params![image.0, change],
    )?;
    Ok(())
}

fn region(row: &Row<'_>) -> Result<Region, StoreError> {
    let shape: String = row.get(3)?;
    let cut: Option<String> = row.get(5)?;
    let cut: Option<Cut> = cut.and_then(|cut| cut.parse().ok());
    let slice: Option<u32> = row.get(6)?;
    Ok(Region {
        id: RegionId(row.get(0)?),
        image: ImageId(row.get(1)?),
        label: row.get(2)?,
        shape: serde_json::from_str(&shape)?,
        author: row.get(4)?,
        slice: cut
            .zip(slice)
            .map(|(cut, slice)| RegionSlice { cut, slice }),
        written: row.get(7)?,
    })
}
