//! Guidelines as PDF files, one a file. Headings are what is set larger than the running text;
//! where there are none, passages stand under their page.

use std::io::Read;

use semihv_domain::GuidelineDraft;

use super::guidelines_jsonl::take;
use super::text::draft;
use super::{required_files, unread, unreadable};
use crate::error::Stop;
use crate::feed::{Feed, Seen};
use crate::guideline_text::overlapping_passages;
use crate::importer::ImportRequest;
use crate::origin::Origin;
use crate::pdf_text::{self, MAX_PDF_BYTES};
use crate::repeats::Repeats;
use crate::text::meaningful;

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let files = required_files(
        &origin,
        &["pdf"],
        "guideline called *.pdf",
        "give such a file, or a folder or archive of them",
    )?;
    feed.expect(&origin, &files);
    let mut seen = Seen::default();
    let mut repeats = Repeats::default();
    for (number, file) in (1..).zip(&files) {
        match bytes(feed, &origin, file).and_then(|bytes| guideline(file, bytes)) {
            Ok(guideline) => take(feed, (&mut seen, &mut repeats), (file, number), guideline)?,
            Err(reason) => feed.skip(file, None, reason),
        }
    }
    Ok(())
}

fn bytes(feed: &Feed<'_>, origin: &Origin, file: &str) -> Result<Vec<u8>, String> {
    let reader = feed.open(origin, file).map_err(unread)?;
    let mut bytes = Vec::new();
    reader
        .take(MAX_PDF_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| unreadable(&source))?;
    if bytes.len() as u64 > MAX_PDF_BYTES {
        return Err(format!(
            "larger than {} MB, which is not read",
            MAX_PDF_BYTES >> 20
        ));
    }
    Ok(bytes)
}

fn guideline(file: &str, bytes: Vec<u8>) -> Result<GuidelineDraft, String> {
    let read = pdf_text::read(bytes).map_err(|error| error.to_string())?;
    let passages = overlapping_passages(read.blocks);
    Ok(draft(
        file,
        read.title.as_deref().and_then(meaningful),
        passages,
    ))
}
