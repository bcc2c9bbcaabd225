//! What people judged of what was retrieved: an append-only journal of JSON lines.
//!
//! Whoever judges again appends again: the last line counts. So nothing that was typed is ever
//! overwritten, two programs may append at once, and the file can be kept in git.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use semihv_domain::{HitVerdict, Pool, Skipped, SkippedAt, UnixSeconds};
use serde::{Deserialize, Serialize};

/// A journal beyond this is not what people typed.
const LARGEST: u64 = 256 << 20;

/// The query that was judged, by names that outlive the store's numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JudgedQuery {
    pub text: String,
    /// `CASE/IMAGE`, or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Left, top, width and height as parts of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<[f32; 4]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// What is written of the case was looked for as well.
    pub reads_case: bool,
}

/// One verdict of one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    pub at: UnixSeconds,
    pub by: String,
    /// The same for the same query.
    pub topic: String,
    pub query: JudgedQuery,
    pub pool: Pool,
    /// The key of a case, or `GUIDELINE#PASSAGE`.
    pub doc: String,
    #[serde(flatten)]
    pub verdict: HitVerdict,
}

/// Appends one line and returns when it is on disk.
pub fn append_judged(path: &Path, judged: &Judged) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut line = serde_json::to_vec(judged)?;
    line.push(b'\n');
    let mut file = OpenOptions::new()
        .append(true)
        .read(true)
        .create(true)
        .open(path)?;
    file.lock()?;
    // A line that a killed program left half-written is closed, so that it spoils no other.
    let is_new = file.metadata()?.len() == 0;
    if is_torn(&mut file)? {
        line.insert(0, b'\n');
    }
    file.write_all(&line)?;
    file.sync_all()?;
    // The names of a new file and its new folder must last too; some network file systems refuse.
    if is_new {
        for folder in path.ancestors().skip(1).take(2) {
            if let Ok(folder) = File::open(folder) {
                let _ = folder.sync_all();
            }
        }
    }
    Ok(())
}

fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// All lines in their order; those that are none are skipped and said.
pub fn read_judged(path: &Path) -> io::Result<(Vec<Judged>, Vec<Skipped>)> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(file) if file.metadata()?.len() > LARGEST => {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(file) => file.take(LARGEST).read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(error),
    };
    let (mut judged, mut skipped) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(line) => judged.push(line),
            Err(error) => skipped.push(Skipped {
                at: SkippedAt {
                    file: path.display().to_string(),
                    line: Some(number),
                },
                reason: error.to_string(),
            }),
        }
    }
    Ok((judged, skipped))
}

/// What counts of a journal: the last verdict of each kind on each row of each query.
pub fn standing(judged: &[Judged]) -> Vec<&Judged> {
    let mut last: BTreeMap<(&str, Pool, &str, &str), &Judged> = BTreeMap::new();
    for line in judged {
        let kind = line.verdict.kind();
        last.insert((&line.topic, line.pool, &line.doc, kind), line);
    }
    last.into_values()
        .filter(|line| line.verdict.stands())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(topic: &str, doc: &str, verdict: HitVerdict) -> Judged {
        Judged {
            at: 1,
            by: "ada".to_owned(),
            topic: topic.to_owned(),
            query: JudgedQuery {
                text: "a nodule".to_owned(),
                ..JudgedQuery::default()
            },
            pool: Pool::Guideline,
            doc: doc.to_owned(),
            verdict,
        }
    }

    #[test]
    fn the_last_verdict_counts_and_a_torn_line_spoils_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("judgements/retrieval.jsonl");
        let first = line("t", "g#1", HitVerdict::Grade { grade: Some(1) });
        append_judged(&path, &first).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"at\":2,\"by").unwrap();
        let second = line("t", "g#1", HitVerdict::Grade { grade: Some(2) });
        append_judged(&path, &second).unwrap();
        append_judged(&path, &line("t", "g#2", HitVerdict::Pin { on: true })).unwrap();
        append_judged(&path, &line("t", "g#2", HitVerdict::Pin { on: false })).unwrap();
        let (all, skipped) = read_judged(&path).unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!(skipped.len(), 1);
        assert_eq!(skipped[0].at.line, Some(2));
        assert_eq!(standing(&all), [&second]);
    }

    #[test]
    fn no_journal_is_an_empty_one() {
        let (all, skipped) = read_judged(Path::new("/nowhere/at/all.jsonl")).unwrap();
        assert!(all.is_empty() && skipped.is_empty());
    }
}
