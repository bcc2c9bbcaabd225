//! Cases and questions from CSV or TSV tables: columns called like our fields, or a mapping.

use super::jsonl::{Keys, Place};
use super::mapped::{Mapping, take_mapped};
use super::required_files;
use crate::error::{ImportError, Stop};
use crate::feed::Feed;
use crate::importer::ImportRequest;
use crate::origin::Origin;
use crate::rows::delimited::Table;

pub(crate) const EXTENSIONS: [&str; 2] = ["csv", "tsv"];

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let given = request.mapping.as_ref().map(Mapping::compile).transpose()?;
    let origin = feed.origin(&request.path)?;
    let files = required_files(
        &origin,
        &EXTENSIONS,
        "file called *.csv or *.tsv",
        "give such a file, or a folder or archive of them",
    )?;
    feed.expect(&origin, &files);
    let mut keys = Keys::default();
    for file in &files {
        read_table(feed, (&origin, file), given.as_ref(), &mut keys)?;
    }
    Ok(())
}

fn read_table(
    feed: &mut Feed<'_>,
    (origin, file): (&Origin, &str),
    given: Option<&Mapping>,
    keys: &mut Keys,
) -> Result<(), Stop> {
    let failed = |source| ImportError::Read {
        place: origin.place(file),
        source,
    };
    let mut table = Table::new(feed.open(origin, file)?).map_err(failed)?;
    let natural = match given {
        Some(_) => None,
        None => Some(Mapping::of_columns(table.columns())?),
    };
    let Some(mapping) = given.or(natural.as_ref()) else {
        return Ok(());
    };
    let lacks = |column: &&str| !table.columns().iter().any(|known| known == column);
    if let Some(column) = mapping.columns().find(lacks) {
        return Err(Stop::Failed(ImportError::NoColumn {
            place: origin.place(file),
            column: column.to_owned(),
            columns: table.columns().join(", "),
        }));
    }
    while let Some(row) = table.next().map_err(failed)? {
        let place = Place {
            origin,
            file,
            line: row.line,
        };
        match row.fields {
            Ok(fields) => take_mapped(feed, keys, place, mapping, &fields)?,
            Err(reason) => feed.skip(file, Some(row.line), reason),
        }
    }
    Ok(())
}
