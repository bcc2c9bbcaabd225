//! The SQLite store: what people and models said. One connection each; two processes take turns.

mod annotate;
mod content_hash;
mod import;
mod jobs;
mod named;
mod read;
mod regions;
mod retrievable;
mod rows;
mod schema;
mod searchable;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

pub use import::{ImportCounts, ImportRows, Marker};
pub use rows::{CaseRow, ModelScore, QuestionRow, Share, SkippedRow, SourceRow, StoreCounts};
pub use schema::{Durability, Journal};
pub use searchable::{SearchableCase, SearchablePassage, SearchableQuestion};

/// The database of a workspace, opened once per thread.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    access: Access,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    #[error(
        "the store was written by a newer semihv (version {found}, this one knows {known}); \
         update semihv, nothing was changed"
    )]
    Newer { found: i64, known: i64 },
    #[error("no store at {path}; `semihv init` makes one")]
    Missing { path: PathBuf },
    #[error("{path} is no semihv store, or it is damaged; restore it from a copy")]
    Damaged {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("cannot make {path}")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the store cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
}

/// A read or a write of an open store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the disk is full; free some space and do it again, what was stored before is safe")]
    DiskFull(#[source] rusqlite::Error),
    #[error("the workspace is open read-only")]
    ReadOnly,
    #[error("another process holds the store for too long; try again")]
    Busy(#[source] rusqlite::Error),
    #[error("the store refused")]
    Sqlite(#[source] rusqlite::Error),
    #[error("a row of the store cannot be read")]
    Row(#[from] serde_json::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull(error),
            Some(ErrorCode::SystemIoFailure) if is_out_of_space(&error) => Self::DiskFull(error),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(error),
            _ => Self::Sqlite(error),
        }
    }
}

/// A write that the file system cut short also arrives as an I/O error of writing or syncing.
fn is_out_of_space(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return false;
    };
    let codes = [
        rusqlite::ffi::SQLITE_IOERR_WRITE,
        rusqlite::ffi::SQLITE_IOERR_FSYNC,
        rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
        rusqlite::ffi::SQLITE_IOERR_SHMOPEN,
    ];
    codes.contains(&failure.extended_code)
}

impl Store {
    /// Opens or makes the store and brings it up to this version.
    pub fn open(
        path: &Path,
        journal: Journal,
        durability: Durability,
    ) -> Result<Self, OpenStoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| OpenStoreError::Folder {
                path: folder.to_owned(),
                source,
            })?;
        }
        let mut connection = Connection::open(path)?;
        // Looked at before anything is written: a newer store must stay untouched.
        let found = schema::version(&connection).map_err(|error| damaged(path, error))?;
        if found > schema::VERSION {
            return Err(OpenStoreError::Newer {
                found,
                known: schema::VERSION,
            });
        }
        schema::configure(&connection, journal, durability)?;
        schema::migrate(&mut connection)?;
        rusqlite::vtab::array::load_module(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self {
            connection,
            access: Access::ReadWrite,
            path: path.to_owned(),
        })
    }

    /// Opens without ever writing. On a folder that cannot be written, SQLite cannot make the
    /// shared memory that WAL needs; the file is then read as it stands.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenStoreError> {
        if !path.exists() {
            return Err(OpenStoreError::Missing {
                path: path.to_owned(),
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let plain = Connection::open_with_flags(path, flags)
            .and_then(|connection| schema::version(&connection).map(|found| (connection, found)));
        let (connection, found) = if let Ok(opened) = plain {
            opened
        } else {
            let uri = format!("file:{}?immutable=1", percent_encoded(path));
            let connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
            let found = schema::version(&connection).map_err(|error| damaged(path, error))?;
            (connection, found)
        };
        if found > schema::VERSION {
            return Err(OpenStoreError::Newer {
                found,
                known: schema::VERSION,
            });
        }
        if found < 1 {
            return Err(OpenStoreError::Missing {
                path: path.to_owned(),
            });
        }
        schema::configure(&connection, Journal::Untouched, Durability::PowerCut)?;
        // After the choices: another `temp_store` drops temporary views.
        schema::pretend(&connection)?;
        rusqlite::vtab::array::load_module(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self {
            connection,
            access: Access::ReadOnly,
            path: path.to_owned(),
        })
    }

    pub fn access(&self) -> Access {
        self.access
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Changes when another connection has committed: how a second workbench is noticed.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// `wal` or `delete`, as SQLite says it.
    pub fn journal_mode(&self) -> Result<String, StoreError> {
        Ok(self
            .connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))?)
    }

    /// The number of the last change to searchable rows.
    pub fn last_change(&self) -> Result<u64, StoreError> {
        let sql = "SELECT value FROM counters WHERE name = 'change'";
        let change: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(change as u64)
    }
}

/// The version of the SQLite that is built in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

fn damaged(path: &Path, error: rusqlite::Error) -> OpenStoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            OpenStoreError::Damaged {
                path: path.to_owned(),
                source: error,
            }
        }
        _ => OpenStoreError::Sqlite(error),
    }
}

fn percent_encoded(path: &Path) -> String {
    let mut encoded = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                encoded.push(char::from(*byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
