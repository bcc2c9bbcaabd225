//! What the retriever answers: a few cases and guidelines for an image, a text or both, each with
//! the reason why it is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Fusion, Share};
use crate::{ImageId, Reason, Snippet};

/// Where candidates come from: each pool is searched and ranked apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// Cases with their images and what people wrote of them.
    Case,
    /// Passages of guidelines: text alone.
    Guideline,
}

impl Pool {
    pub const ALL: [Self; 2] = [Self::Case, Self::Guideline];

    pub fn name(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Guideline => "guideline",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no pool {0:?}; there are case and guideline")]
pub struct UnknownPool(String);

impl std::str::FromStr for Pool {
    type Err = UnknownPool;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|pool| pool.name() == name);
        found.ok_or_else(|| UnknownPool(name.to_owned()))
    }
}

/// The rule by which a hit is among the few.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "lowercase")]
pub enum Kept {
    /// Its score is among the best of all pools.
    Score,
    /// Somebody wanted it there.
    Pinned,
    /// At least so many guidelines must be there (paper, section 3.3): it took the place of
    /// another.
    Quota { displaced: Option<String> },
}

/// The cosine of query and candidate in its four parts: text or image of the query by text or
/// image of the candidate, over the lengths of both sums (UniIR's CLIP score fusion).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CosineParts {
    pub text_text: f64,
    pub text_image: f64,
    pub image_text: f64,
    pub image_image: f64,
}

/// One of the few.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrievedHit {
    pub pool: Pool,
    /// From 1, over all pools.
    pub rank: usize,
    /// A case's or a passage's id, by `pool`.
    pub row: i64,
    /// Of a case: the image that is nearest.
    pub image: Option<ImageId>,
    /// Where that image lies.
    #[serde(default)]
    pub location: Option<String>,
    pub key: String,
    pub source: String,
    pub licence: Option<String>,
    pub title: String,
    pub headings: Vec<String>,
    pub snippet: Snippet,
    pub score: f64,
    /// Its place by vectors, and what that adds to the score.
    pub dense: Option<Share>,
    /// Its place by words (BM25).
    pub words: Option<Share>,
    pub parts: Option<CosineParts>,
    /// The terms of the score by words.
    pub reason: Reason,
    pub kept: Kept,
    /// What somebody judged it to be for this query.
    pub grade: Option<i32>,
}

/// What was left out, so that no hit gives the answer away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Rows of the query's own case.
    pub own_case: usize,
    /// Rows of the same patient.
    pub same_patient: usize,
    /// Cases with an image that is next to the query's.
    pub same_image: usize,
    /// Rows under another licence than those asked for.
    pub licence: usize,
    /// Rows that somebody did not want.
    #[serde(default)]
    pub excluded: usize,
}

/// How the vectors were searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorsUsed {
    pub encoder: String,
    pub generation: u64,
    /// `exact`, or `hnsw` with its breadth.
    pub search: String,
    pub rows: usize,
    /// Of everything that the vectors depend on: weights, preparation, dimensions. Indexes of one
    /// fingerprint give one query the same cosines.
    #[serde(default)]
    pub fingerprint: String,
}

/// Where the rule is from by which two lists became one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighed {
    /// Too little was judged to fit a weight.
    #[default]
    ByRanks,
    /// Fitted on what was judged.
    Fitted,
    /// Asked for.
    Asked,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retrieved {
    pub hits: Vec<RetrievedHit>,
    /// How lists by vectors and by words became one; none when there was one list alone.
    pub fusions: BTreeMap<Pool, Fusion>,
    /// Where that rule is from.
    pub weighed: Weighed,
    /// What was put before the text of the query, where the encoder was trained so.
    #[serde(default)]
    pub instructions: BTreeMap<Pool, String>,
    pub vectors: Option<VectorsUsed>,
    pub left_out: LeftOut,
    /// What was judged not to be handed on for this query.
    pub excluded: Vec<(Pool, i64)>,
    /// Queries of the workspace of which hits are judged.
    pub judged_queries: usize,
    /// Guidelines that must be among the hits and could not be had.
    #[serde(default)]
    pub missing_guidelines: usize,
    /// What could not be had, in words.
    pub remarks: Vec<String>,
}

/// What a person says of a retrieved row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum HitVerdict {
    /// 0 is not relevant, 1 relevant, 2 and 3 more so; none takes it back.
    Grade { grade: Option<i32> },
    /// It is handed on whatever its score.
    Pin { on: bool },
    /// It is not handed on.
    Exclude { on: bool },
}

impl HitVerdict {
    pub const HIGHEST: i32 = 3;

    pub fn kind(self) -> &'static str {
        match self {
            Self::Grade { .. } => "grade",
            Self::Pin { .. } => "pin",
            Self::Exclude { .. } => "exclude",
        }
    }

    /// False of one that takes an earlier one back.
    pub fn stands(self) -> bool {
        match self {
            Self::Grade { grade } => grade.is_some(),
            Self::Pin { on } | Self::Exclude { on } => on,
        }
    }
}
