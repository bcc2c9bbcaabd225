//! How the columns of somebody's JSONL or CSV become the fields of a case or a question.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// From our field to theirs: `title = "meta.caption"` (dots walk into JSON objects; a CSV column
/// is taken by its exact name). A value that starts with `=` is a constant: `modality = "=CT"`.
///
/// Fields of a case: `key`, `title`, `patient`, `modality`, `body_part`, `year`, `language`,
/// `licence`, `image` (path or list of paths), `caption`, and `section.NAME` for each part of the
/// text. Fields of a question: `question`, `question_key`, `question_kind`, `options`, `answer`,
/// `rationale`, `class`, `split`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldMapping(pub BTreeMap<String, String>);
