//! What a search found, before the few are taken from it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use semihv_domain::{DocumentKind, Failure, FailureKind, Fused, Fusion, Pool, Share, VectorsUsed};
use semihv_retrieval::{FreeText, RankedRow};
use semihv_workspace::RetrievalEngine;

use super::asked::{Asked, AskedImage, Seen, asked, seen};
use super::instructions::instruction;
use super::left_out::Barred;
use super::searched::{InPool, Searched};
use super::{DEEP, KEPT, QueryImage, RetrieveSpec, about, whole_text};
use crate::Engine;
use crate::embedding::key_of_case;
use crate::encoding::Encoding;
use crate::engine::locked;
use crate::served::There;

/// Cases whose titles stand for an image without words.
const TITLES: usize = 3;
/// Where their titles find nothing, what is written of so many.
const WRITTEN: usize = 10;
/// Below the score of every case.
const LEAST_SCORE: f64 = 1e-6;

/// A row by its vector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByVector {
    /// A case or a passage.
    pub(crate) row: i64,
    /// Of its nearest vector.
    pub(crate) key: i64,
    pub(crate) cosine: f64,
}

/// The two lists of one pool, best first.
#[derive(Default)]
pub(crate) struct PoolLists {
    pub(crate) dense: Vec<ByVector>,
    pub(crate) words: Vec<RankedRow>,
    like: Option<FreeText>,
    /// Both kinds of list were asked.
    is_hybrid: bool,
    /// Near the titles of the nearest cases, not near the query.
    is_guess: bool,
}

/// What one search found in all its pools.
pub(crate) struct Looked {
    pub(super) lists: HashMap<Pool, PoolLists>,
    pub(super) searched: Searched,
    /// By pool: instructions differ.
    pub(super) asked: HashMap<Pool, Asked>,
    pub(super) barred: Barred,
    pub(super) used: Option<VectorsUsed>,
    /// Searched here because the server did not answer: it is asked again the next time.
    is_makeshift: bool,
    /// The encoder or the words failed, and may be back the next time.
    is_partial: bool,
    pub(super) remarks: Vec<String>,
}

/// The last searches of a workspace, with the state that they looked at.
#[derive(Default)]
pub(crate) struct KeptSearches(Mutex<VecDeque<(RetrieveSpec, State, Arc<Looked>)>>);

impl KeptSearches {
    /// Rows, tags or settings changed, which no revision tells of.
    pub(crate) fn forget(&self) {
        locked(&self.0).clear();
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        locked(&self.0).len()
    }
}

/// Generation and tail of the vectors, revision of the words, generation on the server.
type State = (Option<(u64, usize)>, u64, Option<u64>);

/// A search that was made already, or a new one.
pub(crate) fn kept(engine: &Engine, spec: &RetrieveSpec) -> Result<Arc<Looked>, Failure> {
    let text = whole_text(engine, spec)?;
    // By what is written of the case now: it may have changed without a change of the index.
    let key = RetrieveSpec {
        text: text.clone(),
        weighing: super::Weighing::default(),
        ..spec.clone()
    };
    let revision = || engine.index().map_or(0, |index| index.revision());
    let vectors = engine.vectors().ok().flatten();
    let vectors = vectors.map(|it| (it.generation(), it.tail_rows()));
    let state = (vectors, revision(), engine.last_served());
    let searches = &engine.inner.searches;
    let found = locked(&searches.0)
        .iter()
        .find(|(of, at, _)| *of == key && *at == state)
        .map(|(_, _, looked)| Arc::clone(looked));
    if let Some(looked) = found {
        return Ok(looked);
    }
    let looked = Arc::new(Looked::of(engine, spec, &text)?);
    if looked.is_makeshift || looked.is_partial {
        return Ok(looked);
    }
    let state = (vectors, revision(), engine.last_served());
    let mut kept = locked(&searches.0);
    kept.push_back((key, state, Arc::clone(&looked)));
    if kept.len() > KEPT {
        kept.pop_front();
    }
    Ok(looked)
}

impl Looked {
    /// For measuring: where the server does not answer, or a part fails, it fails, since what two
    /// engines found is not to be measured as one.
    pub(crate) fn measured(engine: &Engine, spec: &RetrieveSpec) -> Result<Self, Failure> {
        let looked = Self::of(engine, spec, &whole_text(engine, spec)?)?;
        if !looked.is_makeshift && !looked.is_partial {
            return Ok(looked);
        }
        let (failed, hint) = if looked.is_makeshift {
            let hint = "measure again when it does, or with retrieval_engine = \"local\"";
            ("the server did not answer every query", hint)
        } else {
            let hint = "mend that and measure again";
            ("not every query was searched for as a whole", hint)
        };
        let why = looked.remarks.into_iter().next().unwrap_or_default();
        let summary = format!("{failed}: {why}");
        Err(Failure::new("retrieve", FailureKind::Network, summary).with_hint(hint))
    }

    /// On the server where the settings name one, else here, and here as well when it fails.
    fn of(engine: &Engine, spec: &RetrieveSpec, text: &str) -> Result<Self, Failure> {
        let mut remarks = Vec::new();
        let where_to = spec
            .engine
            .unwrap_or(engine.settings().retrieval_engine.value);
        if where_to == RetrievalEngine::Qdrant {
            let served = engine.served();
            let there = served.and_then(|index| {
                let there = Searched::There(Box::new(There::new(index)));
                let looked = Self::over(engine, (spec, text), (there, Vec::new()));
                // What is wrong may be that it serves another index by now.
                looked.inspect_err(|failure| {
                    if failure.kind == FailureKind::Network {
                        engine.forget_served();
                    }
                })
            });
            match there {
                Ok(looked) => return Ok(looked),
                Err(failure) => remarks.push(searched_here(&failure)),
            }
        }
        let is_makeshift = !remarks.is_empty();
        let here = here(engine, &mut remarks);
        let looked = Self::over(engine, (spec, text), (here, remarks))?;
        Ok(Self {
            is_makeshift,
            ..looked
        })
    }

    fn over(
        engine: &Engine,
        (spec, text): (&RetrieveSpec, &str),
        (mut searched, mut remarks): (Searched, Vec<String>),
    ) -> Result<Self, Failure> {
        let asked = asked_by_pool(engine, (spec, text), (&mut searched, &mut remarks))?;
        let is_partial = asked.is_none();
        let asked = asked.unwrap_or_default();
        let any = asked.values().next();
        let barred = Barred::new(engine, spec, (&searched, any))?;
        let mut looked = Self {
            lists: HashMap::new(),
            searched,
            asked,
            barred,
            used: None,
            is_makeshift: false,
            is_partial,
            remarks,
        };
        for pool in &spec.pools {
            let lists = looked.pool(engine, (spec, *pool), text)?;
            looked.lists.insert(*pool, lists);
        }
        let guidelines = looked.lists.get(&Pool::Guideline);
        if guidelines.is_some_and(|lists| lists.dense.is_empty() && lists.words.is_empty()) {
            looked.guess(engine, (spec, text))?;
        }
        looked.remarks.extend(looked.searched.remark());
        Ok(looked)
    }

    /// What is wrong with the indexes that were searched, as they are now.
    pub(super) fn troubles(&self, engine: &Engine, spec: &RetrieveSpec) -> Vec<String> {
        let mut troubles = match &self.searched {
            Searched::Here(Some(_)) => engine.vectors_trouble(),
            _ => Vec::new(),
        };
        // The same image is known by its vector alone.
        let is_unknown = self.used.is_none() || !troubles.is_empty();
        troubles.extend(engine.words_trouble());
        let is_file = matches!(spec.image, Some(QueryImage::File(_)));
        if is_file && spec.case.is_none() && is_unknown {
            troubles.push(
                "whether the image is one of a case here cannot be told: its own case may be among the hits"
                    .to_owned(),
            );
        }
        troubles
    }

    pub(crate) fn encoder(&self) -> Option<&str> {
        self.used.as_ref().map(|used| used.encoder.as_str())
    }

    pub(crate) fn lists(&self, pool: Pool) -> Option<&PoolLists> {
        self.lists.get(&pool)
    }

    fn pool(
        &mut self,
        engine: &Engine,
        (spec, pool): (&RetrieveSpec, Pool),
        text: &str,
    ) -> Result<PoolLists, Failure> {
        // Of another pool where this one is not asked for itself.
        let asked = self.asked.get(&pool).or_else(|| self.asked.values().next());
        let mut lists = PoolLists {
            is_hybrid: asked.is_some() && !text.trim().is_empty(),
            ..PoolLists::default()
        };
        let in_pool = InPool {
            spec,
            pool,
            barred: &self.barred,
        };
        if let Some(asked) = asked {
            let near = self.searched.near(engine, &in_pool, &asked.fused)?;
            if let Some((near, used)) = near {
                lists.dense = near;
                self.used = Some(used);
            }
        }
        if text.trim().is_empty() {
            return Ok(lists);
        }
        let has_vectors = matches!(self.searched, Searched::Here(Some(_))) && asked.is_some();
        match self.searched.words(engine, &in_pool, text) {
            Ok((words, like)) => {
                lists.words = words;
                lists.like = Some(like);
            }
            Err(failure) if has_vectors => {
                lists.is_hybrid = false;
                self.without_words(&failure);
            }
            Err(failure) => return Err(failure),
        }
        Ok(lists)
    }

    fn without_words(&mut self, failure: &Failure) {
        self.is_partial = true;
        let mut remark = format!("by vectors alone, {}", failure.summary);
        if !remark.contains("semihv index") {
            remark.push_str(": run `semihv index --rebuild`");
        }
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Cases near the query; where none passes the filter and the licences, those near its image:
    /// their titles lead to guidelines, and none of them is shown.
    fn nearest_cases(
        &mut self,
        engine: &Engine,
        (spec, text): (&RetrieveSpec, &str),
    ) -> Result<Vec<i64>, Failure> {
        let found = if let Some(cases) = self.lists.get(&Pool::Case) {
            fused(cases, Fusion::default())
        } else {
            let cases = self.pool(engine, (spec, Pool::Case), text)?;
            fused(&cases, Fusion::default())
        };
        let asked = self.asked.values().next();
        let image = asked.and_then(|asked| asked.image.as_deref());
        let (true, Some(image)) = (found.is_empty(), image) else {
            return Ok(found.into_iter().map(|case| case.id).collect());
        };
        let barred: HashSet<i64> = self.barred.besides_licence(Pool::Case).collect();
        let near = self.searched.near_image(engine, image, DEEP)?;
        let mut seen = HashSet::new();
        let cases = near.into_iter().map(|(case, _)| case);
        Ok(cases
            .filter(|case| !barred.contains(case) && seen.insert(*case))
            .collect())
    }

    /// Guidelines where none is near the query itself, as for an image alone by an encoder that
    /// knows no words for a picture: by the titles of the nearest cases, or all that is written
    /// of more of them.
    fn guess(
        &mut self,
        engine: &Engine,
        (spec, text): (&RetrieveSpec, &str),
    ) -> Result<(), Failure> {
        let nearest = self.nearest_cases(engine, (spec, text))?;
        let mut cases = Vec::new();
        for case in nearest.into_iter().take(WRITTEN) {
            cases.extend(engine.with_store(|store| about(store, Pool::Case, case))?);
        }
        let titles: Vec<&str> = cases
            .iter()
            .map(|it| it.title.as_str())
            .take(TITLES)
            .collect();
        let written: Vec<String> = cases
            .iter()
            .map(|it| format!("{}\n{}", it.title, it.text))
            .collect();
        let by_titles = "the titles of the nearest cases";
        let by_texts = "what is written of the nearest cases";
        for (near, said, count) in [
            (titles.join("\n"), by_titles, TITLES),
            (written.join("\n"), by_texts, WRITTEN),
        ] {
            let in_pool = InPool {
                spec,
                pool: Pool::Guideline,
                barred: &self.barred,
            };
            let found = match self.searched.words(engine, &in_pool, &near) {
                Ok(found) => found,
                Err(failure) => {
                    self.without_words(&failure);
                    return Ok(());
                }
            };
            let (words, like) = found;
            if words.is_empty() {
                continue;
            }
            let keys: Vec<&str> = cases.iter().map(|it| it.key.as_str()).take(count).collect();
            self.remarks.push(format!(
                "no guideline is near the query itself; those here are near {said}: {}",
                keys.join(", ")
            ));
            let lists = PoolLists {
                words,
                like: Some(like),
                is_guess: true,
                ..PoolLists::default()
            };
            self.lists.insert(Pool::Guideline, lists);
            break;
        }
        Ok(())
    }
}

type AskedByPool = HashMap<Pool, Asked>;

fn searched_here(failure: &Failure) -> String {
    let hint = failure.hint.as_deref();
    let hint = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
    format!("searched on this machine, {}{hint}", failure.summary)
}

/// The vectors of the workspace, or a remark why there are none: words still answer then.
fn here(engine: &Engine, remarks: &mut Vec<String>) -> Searched {
    let vectors = engine.vectors();
    match &vectors {
        Ok(Some(_)) => {}
        Ok(None) => remarks.push("there are no vectors yet: run `semihv vectors`".to_owned()),
        Err(failure) => {
            let summary = &failure.summary;
            remarks.push(format!("{summary}: run `semihv vectors --rebuild`"));
        }
    }
    Searched::Here(vectors.ok().flatten())
}

/// The query's vectors; none, and a remark, where only words can be searched, and `None` where the
/// encoder failed.
fn asked_by_pool(
    engine: &Engine,
    (spec, text): (&RetrieveSpec, &str),
    (searched, remarks): (&mut Searched, &mut Vec<String>),
) -> Result<Option<AskedByPool>, Failure> {
    let Some(fingerprint) = searched.fingerprint() else {
        return Ok(Some(AskedByPool::new()));
    };
    let encoding = match engine.encoding() {
        Ok(encoding) => encoding,
        // Without words there would be nothing to look for.
        Err(mut failure) if text.trim().is_empty() => {
            failure.hint.get_or_insert_with(|| {
                "see that the settings `encoder` and `encoder_command` work, or look for words"
                    .to_owned()
            });
            return Err(failure);
        }
        Err(failure) => {
            let why = match failure.hint {
                Some(hint) => format!("{}: {hint}", failure.summary),
                None => failure.summary,
            };
            remarks.push(format!(
                "by words alone, the encoder does not answer: {why}"
            ));
            searched.by_words_alone();
            return Ok(None);
        }
    };
    if let Some((key, theirs, ours)) = fingerprint.differs(&encoding.fingerprint) {
        let remedy = searched.remedy();
        remarks.push(format!(
            "by words alone: the vectors were made with {key} {theirs}, the settings say {ours}: {remedy}"
        ));
        searched.by_words_alone();
        return Ok(Some(AskedByPool::new()));
    }
    let seen = match seen(engine, spec) {
        Ok(seen) => seen,
        // A file that somebody named is asked for; an image of a case may have gone with its disk.
        Err(failure)
            if matches!(spec.image, Some(QueryImage::Stored(_))) && !text.trim().is_empty() =>
        {
            let summary = failure.summary;
            remarks.push(format!(
                "by the text alone, the image cannot be read: {summary}"
            ));
            Seen::default()
        }
        Err(failure) => return Err(failure),
    };
    let failure = match made(engine, &encoding, (spec, text, &seen)) {
        Ok(by_pool) => return Ok(Some(by_pool)),
        Err(failure) => failure,
    };
    let encoder = &encoding.fingerprint.name;
    let why = format!("{encoder} made no vector of the query: {}", failure.summary);
    if text.trim().is_empty() {
        return Err(Failure::new("retrieve", failure.kind, why)
            .with_hint("see that its worker runs, or give a text, which is found by its words"));
    }
    remarks.push(format!("by words alone, {why}"));
    searched.by_words_alone();
    Ok(None)
}

/// The vectors of a query for each of its pools.
fn made(
    engine: &Engine,
    encoding: &Encoding,
    (spec, text, seen): (&RetrieveSpec, &str, &Seen),
) -> Result<AskedByPool, Failure> {
    let image = AskedImage::of(encoding, seen)?;
    let uses_instructions = engine.settings().query_instructions.value;
    let mut by_pool = AskedByPool::new();
    let mut same: Option<Asked> = None;
    for pool in &spec.pools {
        let wording = instruction(*pool, spec.image.is_some(), (text, spec.seed));
        let wording = wording.filter(|_| uses_instructions);
        let found = match same.take().filter(|it| it.instruction == wording) {
            Some(same) => Some(same),
            None => asked(encoding, &image, (text, wording))?,
        };
        same.clone_from(&found);
        by_pool.extend(found.map(|asked| (*pool, asked)));
    }
    Ok(by_pool)
}

impl PoolLists {
    pub(crate) fn like(&self) -> Option<&FreeText> {
        self.like.as_ref()
    }

    /// Two lists became one.
    pub(crate) fn is_fused(&self) -> bool {
        self.is_hybrid
    }
}

/// One list of both. Of one kind alone its own scores: they can then be compared between pools.
pub(crate) fn fused(lists: &PoolLists, fusion: Fusion) -> Vec<Fused<i64>> {
    let dense = lists.dense.iter().map(|near| (near.row, near.cosine));
    let words = lists.words.iter().map(|row| (row.id, f64::from(row.score)));
    if lists.is_hybrid {
        let (dense, words): (Vec<_>, Vec<_>) = (dense.collect(), words.collect());
        return semihv_domain::fuse(fusion, &dense, &words);
    }
    let is_dense = !lists.dense.is_empty();
    let mut fused: Vec<Fused<i64>> = if is_dense {
        alone(dense, is_dense)
    } else {
        alone(words, is_dense)
    };
    if lists.is_guess {
        // A guess upon a guess stands below every case.
        let best = fused.first().map_or(1.0, |fused| fused.score);
        for fused in &mut fused {
            fused.score *= LEAST_SCORE / best.max(f64::MIN_POSITIVE);
        }
    }
    fused
}

fn alone(list: impl Iterator<Item = (i64, f64)>, is_dense: bool) -> Vec<Fused<i64>> {
    let fused = (1..).zip(list).map(|(rank, (id, score))| {
        let share = Some(Share {
            rank,
            score,
            adds: score,
        });
        Fused {
            id,
            score,
            dense: share.filter(|_| is_dense),
            lexical: share.filter(|_| !is_dense),
        }
    });
    fused.collect()
}

pub(super) fn kind_of(pool: Pool) -> DocumentKind {
    match pool {
        Pool::Case => DocumentKind::Case,
        Pool::Guideline => DocumentKind::Passage,
    }
}

/// The case of a row: an image's, or one without images.
pub(super) fn owner(owners: &HashMap<i64, i64>, key: i64) -> Option<i64> {
    if key < 0 {
        return Some(key_of_case(key));
    }
    owners.get(&key).copied()
}
