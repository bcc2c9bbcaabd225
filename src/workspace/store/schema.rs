//! The tables, version by version, and the `PRAGMA` choices in one place.

use rusqlite::{Connection, TransactionBehavior};

use super::OpenStoreError;

/// Each step brings the store from its position to the next; `user_version` counts them.
const MIGRATIONS: [&str; 2] = [include_str!("schema-1.sql"), include_str!("schema-2.sql")];

/// The version that this build writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// How SQLite journals, and why:
///
/// - `foreign_keys = ON`: off by default in SQLite; a question must not outlive its source.
/// - `journal_mode = WAL` on local disks: readers never wait for an import. Not on network file
///   systems: WAL needs shared memory between all processes that have the store open.
/// - `synchronous = FULL` for what people write: a note is acknowledged when it survives a power
///   cut. `NORMAL` for imports: a power cut may take the last batches (which the next import
///   brings back), never the file's integrity; a killed process loses nothing in either mode.
/// - `busy_timeout`: two workbenches take turns instead of failing.
/// - `cache_size`: 16 MB a connection; the pages live in the kernel's cache anyway.
/// - `journal_size_limit`: a big import does not leave a big WAL behind.
/// - `temp_store = MEMORY`: sorting ids must not write to a shared disk.
pub(super) fn configure(
    connection: &Connection,
    journal: Journal,
    durability: Durability,
) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    match journal {
        Journal::Wal => {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        }
        Journal::Rollback => connection.pragma_update(None, "journal_mode", "DELETE")?,
        Journal::Untouched => {}
    }
    let synchronous = match durability {
        Durability::PowerCut => "FULL",
        Durability::Kill => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

/// The journal of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    Wal,
    Rollback,
    /// Read-only: whatever the last writer chose.
    Untouched,
}

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    PowerCut,
    Kill,
}

/// Brings an older store up to date in one transaction; refuses a newer one.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenStoreError> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(OpenStoreError::Newer {
            found,
            known: VERSION,
        });
    }
    if found == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited for the lock.
    let found = version(&transaction)?;
    for step in MIGRATIONS.iter().skip(found.max(0) as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Lets an older store that may not be changed be read as if it were up to date.
pub(super) fn pretend(connection: &Connection) -> rusqlite::Result<()> {
    if version(connection)? == 1 {
        connection.execute_batch(
            "CREATE TEMP VIEW regions AS
             SELECT *, NULL AS cut, NULL AS slice, NULL AS written, NULL AS erased
             FROM main.regions",
        )?;
    }
    Ok(())
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
