//! The retriever: for an image, a text or both, the few cases and guidelines that are nearest,
//! and why each is among them (paper, section 3.3).

use std::collections::{HashMap, HashSet};

use semihv_domain::{
    CaseId, CosineParts, DocumentKind, Failure, FailureKind, Hit, ImageId, Kept, LeftOut, Pool,
    QuestionId, Retrieved, RetrievedHit, VectorsUsed,
};
use semihv_domain::{Fused, Fusion, Share};
use semihv_encoders::{encode_picture, encode_text};
use semihv_retrieval::{Candidate, ChosenBy, few};
use semihv_vectors::{Ask, FourTerms, Kind, Near, RowSet, VectorIndex, fuse};

use crate::Engine;
use crate::embedding::{first_look, is_something, key_of_case, seen_first};
use crate::failures::OrFail;
use crate::retrieved_row::{about, beginning};

/// Candidates of each list before they are fused.
const DEEP: usize = 100;
/// Images of which the cosine is beyond this are one image: saved again, scaled, framed.
const SAME_IMAGE: f64 = 0.995;
/// Cases whose titles stand for an image without words.
const TITLES: usize = 3;
/// Below the score of every case.
const LEAST_SCORE: f64 = 1e-6;
/// The paper hands four on, at least one of them a guideline.
pub const FEW: usize = 4;
pub const LEAST_GUIDELINES: usize = 1;

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RetrieveSpec {
    pub text: String,
    pub image: Option<QueryImage>,
    /// The case that the query is about: it and its patient are left out.
    pub case: Option<CaseId>,
    /// Asked about that case.
    pub question: Option<QuestionId>,
    /// What is written of the case, and asked, is looked for as well.
    pub reads_case: bool,
    pub pools: Vec<Pool>,
    pub most: usize,
    pub least_guidelines: usize,
    /// Only rows under one of these; empty: all.
    pub licences: Vec<String>,
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
            case: None,
            question: None,
            reads_case: false,
            pools: Pool::ALL.to_vec(),
            most: FEW,
            least_guidelines: LEAST_GUIDELINES,
            licences: Vec::new(),
        }
    }
}

/// A candidate of one pool before it is known whether it is among the few.
#[derive(Debug, Clone)]
struct Found {
    /// A case or a passage.
    row: i64,
    fused: Fused<i64>,
    /// The key of its nearest row among the vectors.
    key: Option<i64>,
    words: Option<Hit>,
}

/// The query's own vectors.
struct Asked {
    text: Option<Vec<f32>>,
    image: Option<Vec<f32>>,
    fused: Vec<f32>,
}

pub(crate) fn retrieve(engine: &Engine, spec: &RetrieveSpec) -> Result<Retrieved, Failure> {
    if spec.text.trim().is_empty() && spec.image.is_none() && !spec.reads_case {
        let summary = "there is nothing to look for";
        return Err(Failure::new("retrieve", FailureKind::User, summary)
            .with_hint("give an image, a text or both"));
    }
    let mut spec = spec.clone();
    if spec.reads_case {
        let (case, question) = (spec.case, spec.question);
        let written = engine.with_store(|store| crate::searching::about(store, case, question))?;
        spec.text = format!("{}\n{written}", spec.text);
    }
    let spec = &spec;
    let mut run = Run::new(engine, spec)?;
    let mut lists = HashMap::new();
    for pool in &spec.pools {
        lists.insert(*pool, run.pool(*pool, &spec.text)?);
    }
    let has_no_guideline = lists.get(&Pool::Guideline).is_some_and(Vec::is_empty);
    if has_no_guideline {
        let guidelines = run.by_words_of(lists.get(&Pool::Case))?;
        lists.insert(Pool::Guideline, guidelines);
    }
    run.chosen(&lists)
}

struct Run<'a> {
    engine: &'a Engine,
    spec: &'a RetrieveSpec,
    vectors: Option<std::sync::Arc<VectorIndex>>,
    asked: Option<Asked>,
    own_case: Option<CaseId>,
    patient: HashSet<i64>,
    /// Rows that must not be found, by pool.
    barred: HashMap<Pool, HashSet<i64>>,
    used: Option<VectorsUsed>,
    fusion: Option<Fusion>,
    left_out: LeftOut,
    remarks: Vec<String>,
}

impl<'a> Run<'a> {
    fn new(engine: &'a Engine, spec: &'a RetrieveSpec) -> Result<Self, Failure> {
        let own_case = match (spec.case, &spec.image) {
            (None, Some(QueryImage::Stored(image))) => {
                engine.with_store(|store| store.case_of_image(*image).or_fail("retrieve"))?
            }
            (case, _) => case,
        };
        let patient = match own_case {
            Some(case) => {
                engine.with_store(|store| store.cases_of_patient(case).or_fail("retrieve"))?
            }
            None => Vec::new(),
        };
        let mut remarks = Vec::new();
        // Words still answer where the vectors cannot be read.
        let vectors = engine.vectors().unwrap_or_else(|failure| {
            let summary = failure.summary;
            remarks.push(format!("{summary}: run `semihv vectors --rebuild`"));
            None
        });
        let asked = if vectors.is_some() {
            asked(engine, spec)?
        } else {
            if remarks.is_empty() {
                remarks.push("there are no vectors yet: run `semihv vectors`".to_owned());
            }
            None
        };
        Ok(Self {
            engine,
            spec,
            vectors,
            asked,
            own_case,
            patient: patient.into_iter().collect(),
            barred: HashMap::new(),
            used: None,
            fusion: None,
            left_out: LeftOut::default(),
            remarks,
        })
    }

    /// Guidelines where none is near the query itself, as for an image alone by an encoder that
    /// knows no words for a picture: by the titles of the nearest cases. Their scores are scaled
    /// below every case's, as a guess upon a guess.
    fn by_words_of(&mut self, cases: Option<&Vec<Found>>) -> Result<Vec<Found>, Failure> {
        let mut titles = Vec::new();
        for case in cases.into_iter().flatten().take(TITLES) {
            titles.extend(self.title_of(Pool::Case, case.row)?);
        }
        if titles.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.pool(Pool::Guideline, &titles.join("\n"))?;
        let best = found.first().map_or(1.0, |found| found.fused.score);
        for guideline in &mut found {
            guideline.fused.score *= LEAST_SCORE / best.max(f64::MIN_POSITIVE);
        }
        if !found.is_empty() {
            let said = "no guideline is near the query itself; those here are near the titles of the nearest cases";
            self.remarks.push(said.to_owned());
        }
        Ok(found)
    }

    /// The candidates of a pool, best first.
    fn pool(&mut self, pool: Pool, text: &str) -> Result<Vec<Found>, Failure> {
        let barred = self.barred(pool)?;
        let near = self.near(pool, &barred)?;
        let words = self.words((pool, text), &barred)?;
        let dense: Vec<(i64, f64)> = near.iter().map(|(row, _, score)| (*row, *score)).collect();
        let lexical: Vec<(i64, f64)> = words
            .iter()
            .map(|hit| (hit.id, f64::from(hit.score)))
            .collect();
        // One rule for both pools, so that their scores can be compared: of one list alone its own
        // scores, of two their ranks.
        let fused = match (&self.asked, text.trim().is_empty()) {
            (None, _) => alone(&lexical, false),
            (Some(_), true) => alone(&dense, true),
            (Some(_), false) => {
                let fusion = Fusion::default();
                self.fusion = Some(fusion);
                semihv_domain::fuse(fusion, &dense, &lexical)
            }
        };
        let keys: HashMap<i64, i64> = near.iter().map(|(row, key, _)| (*row, *key)).collect();
        let mut said: HashMap<i64, Hit> = words.into_iter().map(|hit| (hit.id, hit)).collect();
        let found = fused.into_iter().map(|fused| Found {
            row: fused.id,
            key: keys.get(&fused.id).copied(),
            words: said.remove(&fused.id),
            fused,
        });
        Ok(found.collect())
    }

    /// Cases or passages that must not be found.
    fn barred(&mut self, pool: Pool) -> Result<HashSet<i64>, Failure> {
        if let Some(barred) = self.barred.get(&pool) {
            return Ok(barred.clone());
        }
        let licences = &self.spec.licences;
        let mut barred = if licences.is_empty() {
            HashSet::new()
        } else {
            self.engine.with_store(|store| {
                match pool {
                    Pool::Case => store.cases_without_licence(licences),
                    Pool::Guideline => store.passages_without_licence(licences),
                }
                .or_fail("retrieve")
            })?
        };
        self.left_out.licence += barred.len();
        if pool == Pool::Case {
            if let Some(case) = self.own_case {
                self.left_out.own_case += usize::from(barred.insert(case.0));
            }
            let others = self.patient.iter().filter(|case| barred.insert(**case));
            self.left_out.same_patient += others.count();
            let same = self.with_same_image()?;
            self.left_out.same_image +=
                same.into_iter().filter(|case| barred.insert(*case)).count();
        }
        self.barred.insert(pool, barred.clone());
        Ok(barred)
    }

    /// Rows by vectors: the case or passage, the key of its row, the cosine.
    fn near(&mut self, pool: Pool, barred: &HashSet<i64>) -> Result<Vec<(i64, i64, f64)>, Failure> {
        let (Some(vectors), Some(asked)) = (self.vectors.clone(), &self.asked) else {
            return Ok(Vec::new());
        };
        if !vectors.pools().iter().any(|known| known == pool.name()) {
            return Ok(Vec::new());
        }
        let allowed = self.allowed(&vectors, pool, barred)?;
        let ask = Ask {
            among: allowed.as_ref(),
            ..Ask::nearest(DEEP)
        };
        let found = vectors
            .search(pool.name(), &asked.fused, ask)
            .or_fail("retrieve")?;
        self.used = Some(VectorsUsed {
            encoder: vectors.fingerprint().name,
            generation: vectors.generation(),
            search: match found.kind {
                Kind::FlatExact => "exact".to_owned(),
                Kind::Hnsw { ef } => format!("hnsw {ef}"),
            },
            rows: Pool::ALL.iter().map(|pool| vectors.rows(pool.name())).sum(),
        });
        // A row that shares nothing with the query is no candidate.
        let mut hits: Vec<Near> = found.hits;
        hits.retain(|near| near.score > 0.0);
        match pool {
            Pool::Guideline => {
                let all = hits.into_iter();
                Ok(all
                    .map(|near| (near.key, near.key, f64::from(near.score)))
                    .collect())
            }
            Pool::Case => self.cases(hits),
        }
    }

    /// The best image of every case.
    fn cases(&self, hits: Vec<Near>) -> Result<Vec<(i64, i64, f64)>, Failure> {
        let images: Vec<i64> = hits
            .iter()
            .map(|near| near.key)
            .filter(|key| *key > 0)
            .collect();
        let owners = self
            .engine
            .with_store(|store| store.cases_of_images(&images).or_fail("retrieve"))?;
        let mut seen = HashSet::new();
        let mut cases = Vec::new();
        for near in hits {
            // Gone since the vectors were made.
            let Some(case) = owner(&owners, near.key) else {
                continue;
            };
            if seen.insert(case) {
                cases.push((case, near.key, f64::from(near.score)));
            }
        }
        Ok(cases)
    }

    /// Cases that show the query's own image, looked for by the image alone: beside a text it may
    /// be far from the nearest.
    fn with_same_image(&self) -> Result<Vec<i64>, Failure> {
        let own = self.asked.as_ref().and_then(|asked| asked.image.as_deref());
        let (Some(vectors), Some(own)) = (&self.vectors, own) else {
            return Ok(Vec::new());
        };
        let pool = Pool::Case.name();
        if !vectors.pools().iter().any(|known| known == pool) {
            return Ok(Vec::new());
        }
        let found = vectors
            .search(pool, own, Ask::nearest(DEEP))
            .or_fail("retrieve")?;
        let keys = found.hits.iter().map(|near| near.key);
        let same: Vec<i64> = keys
            .filter(|key| is_same_image(vectors, *key, own))
            .collect();
        let owners = self
            .engine
            .with_store(|store| store.cases_of_images(&same).or_fail("retrieve"))?;
        Ok(same.iter().filter_map(|key| owner(&owners, *key)).collect())
    }

    fn allowed(
        &self,
        vectors: &VectorIndex,
        pool: Pool,
        barred: &HashSet<i64>,
    ) -> Result<Option<RowSet>, Failure> {
        if barred.is_empty() {
            return Ok(None);
        }
        let keys: HashSet<i64> = match pool {
            Pool::Guideline => barred.clone(),
            Pool::Case => {
                let cases: Vec<i64> = barred.iter().copied().collect();
                let images = self
                    .engine
                    .with_store(|store| store.images_of_cases(&cases).or_fail("retrieve"))?;
                let alone = cases.iter().map(|case| key_of_case(*case));
                images.into_iter().chain(alone).collect()
            }
        };
        Ok(Some(vectors.all_but(pool.name(), &keys)))
    }

    fn words(
        &self,
        (pool, text): (Pool, &str),
        barred: &HashSet<i64>,
    ) -> Result<Vec<Hit>, Failure> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let kind = match pool {
            Pool::Case => DocumentKind::Case,
            Pool::Guideline => DocumentKind::Passage,
        };
        let index = self.engine.index()?;
        // What is left out makes room for as many others.
        let most = DEEP + barred.len().min(DEEP);
        let mut hits = index.free_text_hits(kind, text, most).or_fail("retrieve")?;
        hits.retain(|hit| !barred.contains(&hit.id));
        hits.truncate(DEEP);
        Ok(hits)
    }

    fn chosen(mut self, lists: &HashMap<Pool, Vec<Found>>) -> Result<Retrieved, Failure> {
        let of = |pool: Pool| -> Vec<Candidate<&Found>> {
            let found = lists.get(&pool).map(Vec::as_slice).unwrap_or_default();
            let all = found.iter();
            all.map(|found| Candidate {
                pool,
                score: found.fused.score,
                what: found,
            })
            .collect()
        };
        let least = if self.spec.pools.contains(&Pool::Guideline) {
            self.spec.least_guidelines
        } else {
            0
        };
        let few = few(&of(Pool::Case), &of(Pool::Guideline), self.spec.most, least);
        if few.missing_guidelines > 0 {
            let count = few.missing_guidelines;
            self.remarks.push(format!(
                "{count} of the guidelines asked for are missing: none is near, or none is imported"
            ));
        }
        let mut hits = Vec::new();
        for (rank, (candidate, by)) in (1..).zip(few.chosen) {
            let kept = match by {
                ChosenBy::Score => Kept::Score,
                ChosenBy::Quota { instead_of } => Kept::Quota {
                    displaced: match instead_of {
                        Some(gone) => self.title_of(Pool::Case, gone.row)?,
                        None => None,
                    },
                },
            };
            hits.extend(self.hit(candidate.pool, (rank, kept), candidate.what)?);
        }
        Ok(Retrieved {
            hits,
            fusion: self.fusion,
            vectors: self.used,
            left_out: self.left_out,
            remarks: self.remarks,
        })
    }

    fn title_of(&self, pool: Pool, row: i64) -> Result<Option<String>, Failure> {
        self.engine
            .with_store(|store| Ok(about(store, pool, row)?.map(|about| about.title)))
    }

    /// `None` when the row is gone since it was indexed.
    fn hit(
        &self,
        pool: Pool,
        (rank, kept): (usize, Kept),
        found: &Found,
    ) -> Result<Option<RetrievedHit>, Failure> {
        let about = self
            .engine
            .with_store(|store| about(store, pool, found.row))?;
        let Some(about) = about else { return Ok(None) };
        let (snippet, reason) = match &found.words {
            Some(hit) => (hit.snippet.clone(), hit.reason.clone()),
            None => (beginning(&about.text), semihv_domain::Reason::default()),
        };
        let image = found.key.filter(|key| pool == Pool::Case && *key > 0);
        Ok(Some(RetrievedHit {
            pool,
            rank,
            row: found.row,
            image: image.map(ImageId),
            key: about.key,
            source: about.source,
            licence: about.licence,
            title: about.title,
            headings: about.headings,
            snippet,
            score: found.fused.score,
            dense: found.fused.dense,
            words: found.fused.lexical,
            parts: found.key.and_then(|key| self.parts(pool, key)),
            reason,
            kept,
        }))
    }

    /// The cosine of the hit in its four parts.
    fn parts(&self, pool: Pool, key: i64) -> Option<CosineParts> {
        let asked = self.asked.as_ref()?;
        let parts = self.vectors.as_ref()?.parts(pool.name(), key)?;
        let terms = FourTerms::of(
            (asked.text.as_deref(), asked.image.as_deref()),
            (parts.text.as_deref(), parts.image.as_deref()),
        )
        .ok()?;
        Some(CosineParts {
            text_text: terms.text_to_text,
            text_image: terms.text_to_image,
            image_text: terms.image_to_text,
            image_image: terms.image_to_image,
        })
    }
}

/// The case of a row: an image's, or one without images.
fn owner(owners: &HashMap<i64, i64>, key: i64) -> Option<i64> {
    if key < 0 {
        return Some(key_of_case(key));
    }
    owners.get(&key).copied()
}

/// A list of its own: the scores as they are.
fn alone(list: &[(i64, f64)], is_dense: bool) -> Vec<Fused<i64>> {
    let ranked = (1..).zip(list);
    let fused = ranked.map(|(rank, (id, score))| {
        let share = Some(Share {
            rank,
            score: *score,
            adds: *score,
        });
        Fused {
            id: *id,
            score: *score,
            dense: share.filter(|_| is_dense),
            lexical: share.filter(|_| !is_dense),
        }
    });
    fused.collect()
}

/// Raw vectors of text and image, and their sum, normalised once. `None`: the query holds nothing
/// that the encoder sees.
fn asked(engine: &Engine, spec: &RetrieveSpec) -> Result<Option<Asked>, Failure> {
    let text = Some(encode_text(&spec.text)).filter(|vector| is_something(vector));
    let picture = match &spec.image {
        None => None,
        Some(QueryImage::File(path)) => Some(first_look(path)?),
        Some(QueryImage::Stored(image)) => {
            let found = engine.with_store(|store| store.image(*image).or_fail("retrieve"))?;
            let found = found.ok_or_else(|| {
                let summary = format!("there is no image {image}");
                Failure::new("retrieve", FailureKind::User, summary)
            })?;
            Some(seen_first(&*engine.open_scan(&found.location)?)?)
        }
    };
    let image = picture
        .map(|it| encode_picture(&it))
        .filter(|vector| is_something(vector));
    if text.is_none() && image.is_none() {
        return Ok(None);
    }
    let fused = fuse(text.as_deref(), image.as_deref()).or_fail("retrieve")?;
    Ok(Some(Asked {
        fused: fused.as_slice().to_vec(),
        text,
        image,
    }))
}

fn is_same_image(vectors: &VectorIndex, key: i64, own: &[f32]) -> bool {
    let parts = vectors.parts(Pool::Case.name(), key);
    let Some(image) = parts.and_then(|parts| parts.image) else {
        return false;
    };
    let dot = |one: &[f32], other: &[f32]| -> f64 {
        let pairs = one.iter().zip(other);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let lengths = (dot(own, own) * dot(&image, &image)).sqrt();
    lengths > 0.0 && dot(own, &image) / lengths > SAME_IMAGE
}
