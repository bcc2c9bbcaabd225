//! The table of a tar archive, compressed or not, and of a single compressed file.
//!
//! Long names are read here and not by the `tar` crate, which would hold as much of one as the
//! archive claims it to be.

use std::io::{self, BufReader, Read};
use std::path::Path;

use ::tar::{Archive, Entries, EntryType};
use flate2::read::MultiGzDecoder;

use super::archive::{Member, Packing, SharedFile, Table};

const MAX_NAME_BYTES: u64 = 64 << 10;

pub(crate) fn is_tar(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

pub(crate) fn tar_table(file: SharedFile) -> io::Result<Table> {
    let length = file.length();
    let mut archive = Archive::new(file);
    table(archive.entries_with_seek()?, |offset, size| {
        if offset.saturating_add(size) > length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Packing::Plain { offset })
    })
}

/// A gzip file that holds no tar is an archive of one member, called like the file without `.gz`.
pub(crate) fn gzip_table(file: &SharedFile, path: &Path) -> io::Result<Table> {
    let unpacked = || MultiGzDecoder::new(BufReader::new(file.clone()));
    let mut start = Vec::new();
    unpacked().take(512).read_to_end(&mut start)?;
    if is_tar(&start) {
        let mut archive = Archive::new(unpacked());
        return table(archive.entries()?, |offset, _| {
            Ok(Packing::InGzip { offset })
        });
    }
    let mut table = Table::default();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let member = Member {
        size: None,
        packing: Packing::InGzip { offset: 0 },
    };
    table.add(&stem, member)?;
    Ok(table)
}

fn table<R: Read>(
    entries: Entries<'_, R>,
    place: impl Fn(u64, u64) -> io::Result<Packing>,
) -> io::Result<Table> {
    let mut table = Table::default();
    let mut long_name = None;
    for packed in entries.raw(true) {
        let mut packed = packed?;
        match packed.header().entry_type() {
            EntryType::GNULongName => long_name = Some(gnu_name(&mut packed)?),
            EntryType::XHeader => long_name = pax_name(&mut packed)?.or(long_name),
            EntryType::Regular | EntryType::Continuous => {
                let written = long_name
                    .take()
                    .unwrap_or_else(|| String::from_utf8_lossy(&packed.path_bytes()).into_owned());
                let (offset, size) = (packed.raw_file_position(), packed.size());
                let packing = place(offset, size)?;
                table.add(
                    &written,
                    Member {
                        size: Some(size),
                        packing,
                    },
                )?;
            }
            EntryType::GNUSparse => {
                let written = String::from_utf8_lossy(&packed.path_bytes()).into_owned();
                table.reject(&written, "a sparse file; repack it without `--sparse`");
                long_name = None;
            }
            // Folders, links and devices hold no rows.
            _ => long_name = None,
        }
    }
    Ok(table)
}

fn short(packed: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    packed.take(MAX_NAME_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn gnu_name(packed: &mut impl Read) -> io::Result<String> {
    let bytes = short(packed)?;
    let name = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// The `path` of a PAX header, whose lines are `LENGTH KEY=VALUE`.
fn pax_name(packed: &mut impl Read) -> io::Result<Option<String>> {
    let bytes = short(packed)?;
    let mut rest = bytes.as_slice();
    while let Some(blank) = rest.iter().position(|&byte| byte == b' ') {
        let (number, _) = rest.split_at(blank);
        let length = std::str::from_utf8(number)
            .ok()
            .and_then(|text| text.parse::<usize>().ok());
        let Some(line) = length.and_then(|length| rest.get(..length)) else {
            break;
        };
        let text = line.get(blank + 1..).unwrap_or_default().trim_ascii_end();
        if let Some(path) = text.strip_prefix(b"path=") {
            return Ok(Some(String::from_utf8_lossy(path).into_owned()));
        }
        rest = rest.get(line.len().max(1)..).unwrap_or_default();
    }
    Ok(None)
}
