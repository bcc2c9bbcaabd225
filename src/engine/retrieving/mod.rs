//! The retriever: for an image, a text or both, the few cases and guidelines that are nearest,
//! and why each is among them (paper, section 3.3).

mod about;
mod asked;
mod chosen;
mod facets;
mod instructions;
mod left_out;
mod looked;
mod searched;
mod weights;

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;

use semihv_domain::{CaseId, Failure, FailureKind, Fusion, ImageId, Pool, QuestionId, Retrieved};
use semihv_workspace::RetrievalEngine;

use crate::{Engine, JudgedRows};

pub(crate) use about::about;
pub(crate) use facets::candidate_facets;
pub(crate) use left_out::Barred;
pub(crate) use looked::{KeptSearches, Looked, fused};
pub use weights::{PoolWeight, Weights};

/// Candidates of each list before they are fused.
pub const DEEP: usize = 100;
/// The paper hands four on, at least one of them a guideline.
pub const FEW: usize = 4;
pub const LEAST_GUIDELINES: usize = 1;
/// Searches that are kept, to be weighed anew without searching.
const KEPT: usize = 8;

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RetrieveSpec {
    pub text: String,
    pub image: Option<QueryImage>,
    /// The part of the image that is meant: left, top, width and height as parts of the whole.
    pub part: Option<[f32; 4]>,
    /// The case that the query is about: it and its patient are left out.
    pub case: Option<CaseId>,
    /// Asked about that case.
    pub question: Option<QuestionId>,
    /// What is written of the case, and asked, is looked for as well.
    pub reads_case: bool,
    pub pools: Vec<Pool>,
    /// The query language: only rows that match it; empty: all.
    pub filter: String,
    /// Only rows under one of these; empty: all.
    pub licences: Vec<String>,
    /// Rows that must not be found.
    pub excluded: Vec<(Pool, i64)>,
    /// Every vector is looked at, even where a graph would do.
    pub exact: bool,
    /// Where it is searched; `None`: as the settings say.
    pub engine: Option<RetrievalEngine>,
    /// Candidates of each list.
    pub depth: usize,
    /// Draws the wording of instructions, where they are used.
    pub seed: u64,
    pub weighing: Weighing,
}

/// How the few are taken from what was found: changing it needs no new search.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighing {
    /// How two lists become one; `None`: as fitted on judgements, else by ranks.
    pub fusion: Option<Fusion>,
    pub most: usize,
    pub least_guidelines: usize,
    /// Among the few whatever their scores.
    pub pinned: Vec<(Pool, i64)>,
}

impl Default for Weighing {
    fn default() -> Self {
        Self {
            fusion: None,
            most: FEW,
            least_guidelines: LEAST_GUIDELINES,
            pinned: Vec::new(),
        }
    }
}

/// The image of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryImage {
    Stored(ImageId),
    /// A file that belongs to no case.
    File(String),
}

impl Default for RetrieveSpec {
    fn default() -> Self {
        Self {
            text: String::new(),
            image: None,
            part: None,
            case: None,
            question: None,
            reads_case: false,
            pools: Pool::ALL.to_vec(),
            filter: String::new(),
            licences: Vec::new(),
            excluded: Vec::new(),
            exact: false,
            engine: None,
            depth: DEEP,
            seed: 0,
            weighing: Weighing::default(),
        }
    }
}

/// Searches, or takes a search that was made already, with what people said of its rows.
pub(crate) fn retrieve(engine: &Engine, spec: &RetrieveSpec) -> Result<Retrieved, Failure> {
    let (spec, judged) = judged(engine, spec)?;
    let looked = looked::kept(engine, &spec)?;
    let mut found = looked.few(engine, &spec.weighing)?;
    found.remarks.extend(looked.troubles(engine, &spec));
    for hit in &mut found.hits {
        hit.grade = judged.grades.get(&(hit.pool, hit.row)).copied();
    }
    found.judged_queries = judged.queries;
    found.excluded = judged.excluded;
    Ok(found)
}

/// A query with what people said of its rows.
fn judged(engine: &Engine, spec: &RetrieveSpec) -> Result<(RetrieveSpec, JudgedRows), Failure> {
    let judged = engine.judged_rows(spec)?;
    let mut spec = spec.clone();
    spec.excluded.extend(&judged.excluded);
    spec.weighing.pinned.extend(&judged.pinned);
    Ok((spec, judged))
}

/// The text of a query with what is written of its case, where that is wanted.
fn whole_text(engine: &Engine, spec: &RetrieveSpec) -> Result<String, Failure> {
    if spec.part.is_some() && spec.image.is_none() {
        let summary = "there is a part and no image that it is of";
        return Err(Failure::new("retrieve", FailureKind::User, summary)
            .with_hint("give the image too, or leave the part out"));
    }
    if spec.text.trim().is_empty() && spec.image.is_none() && !spec.reads_case {
        let summary = "there is nothing to look for";
        return Err(Failure::new("retrieve", FailureKind::User, summary)
            .with_hint("give an image, a text or both"));
    }
    if !spec.reads_case {
        return Ok(spec.text.clone());
    }
    let (case, question) = (spec.case, spec.question);
    let written = engine.with_store(|store| crate::searching::about(store, case, question))?;
    Ok(format!("{}\n{written}", spec.text))
}
