//! What people ask of an attempt: lines that anybody who reaches its folder may append.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

const NAME: &str = "control.jsonl";
/// More is read by nobody.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "kebab-case")]
pub enum Wish {
    /// That it ends: SIGTERM, and after the grace SIGKILL.
    Cancel { by: String, grace_seconds: u32 },
}

/// On disk when it returns.
pub fn wish(folder: &Path, wish: &Wish) -> io::Result<()> {
    // What a full disk tore off before must not swallow this one.
    let line = format!("\n{}\n", serde_json::to_string(wish)?);
    let path = folder.join(NAME);
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Who asked first that it ends.
pub(crate) fn asked_by(folder: &Path) -> Option<String> {
    let Wish::Cancel { by, .. } = wishes(folder).ok()?.into_iter().next()?;
    Some(by)
}

/// All whole lines that are wishes, oldest first.
pub(super) fn wishes(folder: &Path) -> io::Result<Vec<Wish>> {
    let file = match File::open(folder.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter(|line| line.ends_with(b"\n"));
    Ok(whole
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_in_their_order_and_what_is_none_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(wishes(folder.path()).unwrap(), []);
        let cancel = |by: &str| Wish::Cancel {
            by: by.to_owned(),
            grace_seconds: 5,
        };
        wish(folder.path(), &cancel("a")).unwrap();
        let path = folder.path().join(NAME);
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"{\"wish\":\"dance\"}\nnonsense\n").unwrap();
        wish(folder.path(), &cancel("b")).unwrap();
        file.write_all(b"{\"wish\":\"cancel\",\"by\":\"torn")
            .unwrap();
        assert_eq!(wishes(folder.path()).unwrap(), [cancel("a"), cancel("b")]);
        wish(folder.path(), &cancel("c")).unwrap();
        let all = [cancel("a"), cancel("b"), cancel("c")];
        assert_eq!(wishes(folder.path()).unwrap(), all);
    }
}
