//! The text of a PDF file: glyphs with their places become lines, lines become blocks.
//!
//! Reading is hayro's (`hayro-interpret`), which interprets pages as a viewer does; this listens to
//! the glyphs it would draw. Every file is read on a thread of its own: whatever a hostile file
//! does there (a panic, a page without end), the import goes on and says why the file was skipped.
//! Deliberately absent: recognising the letters of scanned pages.

mod glyphs;
mod layout;
#[cfg(test)]
mod tests;

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use crate::html::Block;
use layout::Line;

/// The longest guidelines are some tens of MB, because of their pictures.
pub(crate) const MAX_PDF_BYTES: u64 = 64 << 20;
const MAX_PAGES: usize = 5000;
/// A page of a guideline takes some milliseconds.
const MAX_TIME: Duration = Duration::from_mins(1);
/// Forms and patterns stand in each other; a thread's usual 2 MB are little for that.
const STACK_BYTES: usize = 32 << 20;
/// Fewer letters on a page than this, on average, are page numbers and stamps on scans.
const MIN_LETTERS_A_PAGE: usize = 16;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadPdfError {
    #[error("is no PDF file, or damaged beyond reading; download it again")]
    Damaged,
    #[error("is locked with a password; save a copy without one and import that")]
    Locked,
    #[error("is encrypted in a way that is not known; save a copy without encryption")]
    Encryption,
    #[error("holds no text on {pages} pages: a scan; recognise its letters (OCR) first")]
    NoText { pages: usize },
    #[error("has {pages} pages; over {MAX_PAGES} are not read")]
    TooLong { pages: usize },
    #[error("takes longer than {} s to read; print it into a new PDF and import that", MAX_TIME.as_secs())]
    TooSlow,
    #[error("broke the reading; print it into a new PDF and import that")]
    Broken,
    #[error("no thread to read it on; close other programs and import again")]
    Thread,
}

pub(crate) struct PdfText {
    /// What the file itself says, else its largest line on the first page.
    pub(crate) title: Option<String>,
    pub(crate) blocks: Vec<Block>,
}

pub(crate) fn read(bytes: Vec<u8>) -> Result<PdfText, ReadPdfError> {
    within(MAX_TIME, move |deadline| text(bytes, deadline))
}

/// Runs `work` on a thread of its own and waits for it no longer than `time`. A thread that is
/// given up ends with its work, or with the program.
fn within<T: Send + 'static>(
    time: Duration,
    work: impl FnOnce(Instant) -> Result<T, ReadPdfError> + Send + 'static,
) -> Result<T, ReadPdfError> {
    let deadline = Instant::now() + time;
    // One place: the answer of a thread that nobody waits for is dropped.
    let (answer, answered) = sync_channel(1);
    std::thread::Builder::new()
        .name("pdf".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let _unheard = answer.send(work(deadline));
        })
        .map_err(|_| ReadPdfError::Thread)?;
    match answered.recv_timeout(time) {
        Ok(read) => read,
        Err(RecvTimeoutError::Timeout) => Err(ReadPdfError::TooSlow),
        // The thread panicked and let go of its end.
        Err(RecvTimeoutError::Disconnected) => Err(ReadPdfError::Broken),
    }
}

fn text(bytes: Vec<u8>, deadline: Instant) -> Result<PdfText, ReadPdfError> {
    let pdf = Pdf::new(bytes).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => ReadPdfError::Locked,
        LoadPdfError::Decryption(_) => ReadPdfError::Encryption,
        LoadPdfError::Invalid => ReadPdfError::Damaged,
    })?;
    let pages = pdf.pages().len();
    if pages == 0 {
        return Err(ReadPdfError::Damaged);
    }
    if pages > MAX_PAGES {
        return Err(ReadPdfError::TooLong { pages });
    }
    let lines = lines(&pdf, deadline)?;
    let letters = lines.iter().flatten().map(|line| {
        let letters = line.text.chars().filter(|c| c.is_alphabetic());
        letters.count()
    });
    if letters.sum::<usize>() < MIN_LETTERS_A_PAGE * pages.min(4) {
        return Err(ReadPdfError::NoText { pages });
    }
    let written = pdf.metadata().title.as_deref().and_then(written_title);
    let title = written.or_else(|| layout::largest_line(lines.first()?));
    Ok(PdfText {
        blocks: layout::blocks(lines, title.as_deref()),
        title,
    })
}

fn lines(pdf: &Pdf, deadline: Instant) -> Result<Vec<Vec<Line>>, ReadPdfError> {
    let mut lines = Vec::new();
    for page in pdf.pages().iter() {
        if Instant::now() > deadline {
            return Err(ReadPdfError::TooSlow);
        }
        lines.push(glyphs::lines(pdf, page));
    }
    Ok(lines)
}

/// Programs write their file's name into the title; that is none.
fn written_title(bytes: &[u8]) -> Option<String> {
    let text = match bytes.strip_prefix(b"\xfe\xff") {
        Some(wide) => {
            let units = wide.chunks_exact(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0,
            });
            String::from_utf16(&units.collect::<Vec<u16>>()).ok()?
        }
        None => String::from_utf8(bytes.to_vec()).ok()?,
    };
    let text = text.trim();
    let names = [
        "untitled",
        "anonymous",
        "microsoft word",
        ".doc",
        ".indd",
        ".pdf",
        ".qxd",
        ".tex",
    ];
    let folded = text.to_lowercase();
    let is_name = names.iter().any(|name| folded.contains(name));
    let is_title = text.chars().filter(|c| c.is_alphabetic()).count() >= 4;
    (is_title && !is_name).then(|| text.split_whitespace().collect::<Vec<_>>().join(" "))
}
