//! From the words of a command line to a job, and back from a job that ended.
//!
//! The palette takes `import KIND PATH --as NAME` with the same words as the shell; a job's own
//! command line is read the same way to run it once more.

use std::path::PathBuf;

use semihv_engine::{ImportSpec, JobSpec, Rebuild};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobLineError {
    #[error("`{0}` is not a job; the jobs are import and index")]
    Unknown(String),
    #[error("import needs a kind and a path: import medpix2 /data/medpix")]
    Incomplete,
    #[error("a quote is never closed")]
    Quote,
    #[error("import has no option `{0}`; it has --as NAME, --copy and --dry-run")]
    Option(String),
}

/// Reads `[semihv] import KIND PATH [--as NAME] [--copy] [--dry-run]` or `[semihv] index [--anew]`.
pub(crate) fn parse(line: &str) -> Result<JobSpec, JobLineError> {
    let words = words(line)?;
    let mut rest = words.iter().map(String::as_str).peekable();
    rest.next_if_eq(&"semihv");
    match rest.next() {
        Some("import") => import(rest),
        Some(what @ ("index" | "vectors")) => {
            let flags: Vec<&str> = rest.collect();
            if what == "vectors" && flags.contains(&"--push") {
                return Ok(JobSpec::Push);
            }
            let is_anew = flags
                .iter()
                .any(|word| matches!(*word, "--anew" | "--rebuild"));
            let rebuild = if is_anew {
                Rebuild::FromNothing
            } else {
                Rebuild::Incremental
            };
            Ok(if what == "index" {
                JobSpec::Index(rebuild)
            } else {
                JobSpec::Vectors(rebuild)
            })
        }
        Some("retrieval") => Ok(JobSpec::Measure),
        Some("check") => {
            let source = rest.next().ok_or(JobLineError::Incomplete)?.to_owned();
            Ok(JobSpec::Check { source })
        }
        other => Err(JobLineError::Unknown(other.unwrap_or_default().to_owned())),
    }
}

fn import<'a>(mut rest: impl Iterator<Item = &'a str>) -> Result<JobSpec, JobLineError> {
    let mut named = Vec::new();
    let mut spec = ImportSpec::default();
    while let Some(word) = rest.next() {
        match word {
            "--as" => spec.name = Some(rest.next().ok_or(JobLineError::Incomplete)?.to_owned()),
            "--model" => spec.model = Some(rest.next().ok_or(JobLineError::Incomplete)?.to_owned()),
            "--questions" => {
                spec.questions = Some(rest.next().ok_or(JobLineError::Incomplete)?.to_owned());
            }
            "--copy" => spec.copies_images = true,
            "--dry-run" => spec.is_dry_run = true,
            option if option.starts_with("--") => {
                return Err(JobLineError::Option(option.to_owned()));
            }
            word => named.push(word),
        }
    }
    let [kind, path] = named[..] else {
        return Err(JobLineError::Incomplete);
    };
    kind.clone_into(&mut spec.kind);
    spec.path = PathBuf::from(path);
    Ok(JobSpec::Import(spec))
}

/// Words as a shell would split them: blanks, both quotes and the backslash.
pub(crate) fn words(line: &str) -> Result<Vec<String>, JobLineError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => word.extend(chars.next()),
                        Some(inner) => word.push(inner),
                        None => return Err(JobLineError::Quote),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(line: &str) -> ImportSpec {
        match parse(line) {
            Ok(JobSpec::Import(spec)) => spec,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_jobs_own_command_is_read_back() {
        let spec = imported("semihv import medpix2 '/data/med pix' --as a --copy");
        assert_eq!(
            (spec.kind.as_str(), spec.name.as_deref()),
            ("medpix2", Some("a"))
        );
        assert_eq!(spec.path, PathBuf::from("/data/med pix"));
        assert!(spec.copies_images && !spec.is_dry_run);
    }

    #[test]
    fn the_index_is_brought_up_to_date_or_built_anew() {
        assert_eq!(
            parse("vectors --rebuild"),
            Ok(JobSpec::Vectors(Rebuild::FromNothing))
        );
        let measured = parse("semihv retrieval eval --fit");
        assert_eq!(measured, Ok(JobSpec::Measure));
        assert_eq!(parse("semihv vectors --push"), Ok(JobSpec::Push));
        assert_eq!(parse("index"), Ok(JobSpec::Index(Rebuild::Incremental)));
        assert_eq!(
            parse("semihv index --anew"),
            Ok(JobSpec::Index(Rebuild::FromNothing))
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(parse("import medpix2"), Err(JobLineError::Incomplete));
        assert_eq!(
            parse("import a b --hurry"),
            Err(JobLineError::Option("--hurry".to_owned()))
        );
        assert_eq!(parse("import 'a"), Err(JobLineError::Quote));
        assert!(matches!(parse("judge"), Err(JobLineError::Unknown(_))));
    }
}
