//! The table of a zip archive.

use std::io;

use ::zip::result::ZipError;
use ::zip::{CompressionMethod, ZipArchive};

use super::archive::{Member, Method, Packing, SharedFile, Table};

pub(crate) fn table(file: SharedFile) -> io::Result<Table> {
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    let mut table = Table::default();
    for index in 0..archive.len() {
        let packed = match archive.by_index_raw(index) {
            Ok(packed) => packed,
            Err(ZipError::Io(error)) => return Err(error),
            Err(error) => {
                table.reject(&format!("member {}", index + 1), error.to_string());
                continue;
            }
        };
        let written = match packed.name() {
            Ok(name) => name.into_owned(),
            Err(_) => String::from_utf8_lossy(packed.name_raw()).into_owned(),
        };
        if packed.is_dir() || packed.is_symlink() {
            continue;
        }
        let method = match packed.compression() {
            CompressionMethod::Stored => Method::Stored,
            CompressionMethod::Deflated => Method::Deflated,
            other => {
                table.reject(
                    &written,
                    format!("compressed by {other}; repack it with deflate"),
                );
                continue;
            }
        };
        if packed.encrypted() {
            table.reject(&written, "encrypted; repack it without a password");
            continue;
        }
        let Some(offset) = packed.data_start() else {
            table.reject(&written, "its place in the archive is unknown");
            continue;
        };
        let member = Member {
            size: Some(packed.size()),
            packing: Packing::Zip {
                offset,
                packed: packed.compressed_size(),
                method,
                checksum: packed.crc32(),
            },
        };
        table.add(&written, member)?;
    }
    Ok(table)
}

fn damaged(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}
