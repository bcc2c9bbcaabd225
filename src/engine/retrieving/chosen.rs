//! The few of what was found, each with the reason why it is there.

use std::collections::{BTreeMap, HashMap};

use semihv_domain::{
    CosineParts, Failure, Fused, Fusion, Hit, ImageId, Kept, Pool, Reason, Retrieved, RetrievedHit,
    Weighed,
};
use semihv_retrieval::{Candidate, ChosenBy, RankedRow, few};
use semihv_vectors::FourTerms;

use super::Weighing;
use super::about::{about, beginning};
use super::looked::{Looked, PoolLists, fused};
use super::weights::fusions;
use crate::Engine;
use crate::failures::OrFail;

type Place = (Pool, i64);
type Found = Candidate<Fused<i64>>;
type Chosen = (Place, Fused<i64>, Kept);

impl Looked {
    pub(crate) fn few(&self, engine: &Engine, weighing: &Weighing) -> Result<Retrieved, Failure> {
        let mut remarks = self.remarks.clone();
        let wanted = weighing.fusion;
        let (by_pool, mut weighed) = fusions(engine, self.encoder(), wanted, &mut remarks);
        let (mut pinned, candidates) = self.candidates(&by_pool, weighing);
        pinned.truncate(weighing.most);
        let guidelines = pinned
            .iter()
            .filter(|it| it.pool == Pool::Guideline)
            .count();
        let least = if self.lists.contains_key(&Pool::Guideline) {
            weighing.least_guidelines.saturating_sub(guidelines)
        } else {
            0
        };
        let of = |pool| candidates.get(&pool).map(Vec::as_slice).unwrap_or_default();
        let most = weighing.most - pinned.len();
        let few = few(of(Pool::Case), of(Pool::Guideline), most, least);
        let missing_guidelines = few.missing_guidelines;
        if missing_guidelines > 0 {
            remarks.push(self.missing(engine, missing_guidelines)?);
        }
        let mut chosen: Vec<Chosen> = pinned
            .into_iter()
            .map(|it| ((it.pool, it.what.id), it.what, Kept::Pinned))
            .collect();
        for (candidate, by) in few.chosen {
            let kept = kept(engine, by)?;
            chosen.push(((candidate.pool, candidate.what.id), candidate.what, kept));
        }
        let keys = self.keys_of(chosen.iter().map(|(place, _, _)| *place));
        // A server may be gone by now; what was found still stands.
        let parts = self.parts(&keys).unwrap_or_else(|failure| {
            let summary = failure.summary;
            remarks.push(format!("without the parts of the cosines: {summary}"));
            HashMap::new()
        });
        let said = self.said(&chosen, &mut remarks);
        let hits = hits(engine, (chosen, said), (&keys, &parts))?;
        let both = self.lists.iter().filter(|(_, lists)| lists.is_fused());
        let fusions: BTreeMap<Pool, Fusion> = both
            .map(|(pool, _)| (*pool, by_pool.get(pool).copied().unwrap_or_default()))
            .collect();
        if fusions.is_empty() {
            weighed = Weighed::default();
        }
        Ok(Retrieved {
            hits,
            fusions,
            weighed,
            instructions: self.instructions(),
            vectors: self.used.clone(),
            left_out: self.barred.left_out,
            excluded: Vec::new(),
            judged_queries: 0,
            missing_guidelines,
            remarks,
        })
    }

    /// Why there are fewer guidelines than there must be.
    fn missing(&self, engine: &Engine, count: usize) -> Result<String, Failure> {
        let missing = match count {
            1 => "a guideline that must be there is missing".to_owned(),
            count => format!("{count} guidelines that must be there are missing"),
        };
        let counts = engine.with_store(|store| store.counts().or_fail("retrieve"))?;
        let why = match self.barred.passing(Pool::Guideline) {
            _ if counts.passages == 0 => "none is imported",
            Some([]) => "none passes the filter; add `OR source:NAME` of your guidelines to it",
            _ => "none is near",
        };
        Ok(format!("{missing}: {why}"))
    }

    /// Of every pool what is pinned, and the others, best first.
    fn candidates(
        &self,
        by_pool: &BTreeMap<Pool, Fusion>,
        weighing: &Weighing,
    ) -> (Vec<Found>, HashMap<Pool, Vec<Found>>) {
        let mut candidates: HashMap<Pool, Vec<Found>> = HashMap::new();
        let mut pinned = Vec::new();
        for (pool, lists) in &self.lists {
            let fusion = by_pool.get(pool).copied().unwrap_or_default();
            let all = fused(lists, fusion).into_iter().map(|what| Candidate {
                pool: *pool,
                score: what.score,
                what,
            });
            let is_pinned = |it: &Found| weighing.pinned.contains(&(*pool, it.what.id));
            let (first, others): (Vec<_>, Vec<_>) = all.partition(is_pinned);
            pinned.extend(first);
            candidates.insert(*pool, others);
        }
        self.pin_unfound(&mut pinned, weighing);
        (pinned, candidates)
    }

    /// What is pinned stays though the query is far from it.
    fn pin_unfound(&self, pinned: &mut Vec<Found>, weighing: &Weighing) {
        for (pool, row) in &weighing.pinned {
            let is_there = pinned
                .iter()
                .any(|it| it.pool == *pool && it.what.id == *row);
            if is_there || self.barred.holds(*pool, *row) || !self.lists.contains_key(pool) {
                continue;
            }
            pinned.push(Candidate {
                pool: *pool,
                score: 0.0,
                what: Fused {
                    id: *row,
                    score: 0.0,
                    dense: None,
                    lexical: None,
                },
            });
        }
    }

    /// Snippets and terms of those that were found by words; a damaged index leaves the hits.
    fn said(&self, chosen: &[Chosen], remarks: &mut Vec<String>) -> HashMap<Place, Hit> {
        let places: Vec<Place> = chosen.iter().map(|(place, _, _)| *place).collect();
        self.explained(&places).unwrap_or_else(|failure| {
            let summary = failure.summary;
            remarks.push(format!("without the words that were found: {summary}"));
            HashMap::new()
        })
    }

    fn explained(&self, places: &[Place]) -> Result<HashMap<Place, Hit>, Failure> {
        let mut said = HashMap::new();
        for (pool, lists) in &self.lists {
            let Some(like) = lists.like() else { continue };
            let is_chosen = |row: &&RankedRow| places.contains(&(*pool, row.id));
            let rows: Vec<RankedRow> = lists.words.iter().filter(is_chosen).copied().collect();
            for hit in like.explained(&rows).or_fail("retrieve")? {
                said.insert((*pool, hit.id), hit);
            }
        }
        Ok(said)
    }

    /// Under which their vectors stand, of those that were found by vectors.
    fn keys_of(&self, places: impl Iterator<Item = Place>) -> HashMap<Place, i64> {
        let key_of = |place: Place| {
            let near: &PoolLists = self.lists.get(&place.0)?;
            let found = near.dense.iter().find(|near| near.row == place.1)?;
            Some((place, found.key))
        };
        places.filter_map(key_of).collect()
    }

    fn instructions(&self) -> BTreeMap<Pool, String> {
        let each = self.asked.iter();
        each.filter_map(|(pool, asked)| Some((*pool, asked.instruction?.to_owned())))
            .collect()
    }

    /// The cosines of hits in their four parts.
    fn parts(&self, keys: &HashMap<Place, i64>) -> Result<HashMap<Place, CosineParts>, Failure> {
        let mut parts = HashMap::new();
        for (pool, asked) in &self.asked {
            let own = keys.iter().filter(|((of, _), _)| of == pool);
            let own: Vec<(Place, i64)> = own.map(|(place, key)| (*place, *key)).collect();
            let wanted: Vec<i64> = own.iter().map(|(_, key)| *key).collect();
            let raw = self.searched.parts(*pool, &wanted)?;
            for (place, key) in own {
                let Some(raw) = raw.get(&key) else { continue };
                let terms = FourTerms::of(
                    (asked.text.as_deref(), asked.image.as_deref()),
                    (raw.text.as_deref(), raw.image.as_deref()),
                );
                parts.extend(terms.ok().map(|terms| (place, cosine_parts(terms))));
            }
        }
        Ok(parts)
    }
}

fn hits(
    engine: &Engine,
    (chosen, mut said): (Vec<Chosen>, HashMap<Place, Hit>),
    (keys, parts): (&HashMap<Place, i64>, &HashMap<Place, CosineParts>),
) -> Result<Vec<RetrievedHit>, Failure> {
    let mut hits: Vec<RetrievedHit> = Vec::new();
    for ((pool, row), fused, kept) in chosen {
        let about = engine.with_store(|store| about(store, pool, row))?;
        // Gone since it was indexed.
        let Some(about) = about else { continue };
        let (snippet, reason) = match said.remove(&(pool, row)) {
            Some(hit) => (hit.snippet, hit.reason),
            None => (beginning(&about.text), Reason::default()),
        };
        let key = keys.get(&(pool, row)).copied();
        let image = key
            .filter(|key| pool == Pool::Case && *key > 0)
            .map(ImageId);
        let location = match image {
            None => None,
            Some(image) => {
                let found = engine.with_store(|store| store.image(image).or_fail("retrieve"))?;
                found.map(|image| image.location)
            }
        };
        hits.push(RetrievedHit {
            pool,
            rank: hits.len() + 1,
            row,
            image,
            location,
            key: about.key,
            source: about.source,
            licence: about.licence,
            title: about.title,
            headings: about.headings,
            snippet,
            score: fused.score,
            dense: fused.dense,
            words: fused.lexical,
            parts: parts.get(&(pool, row)).copied(),
            reason,
            kept,
            grade: None,
        });
    }
    Ok(hits)
}

fn cosine_parts(terms: FourTerms) -> CosineParts {
    CosineParts {
        text_text: terms.text_to_text,
        text_image: terms.text_to_image,
        image_text: terms.image_to_text,
        image_image: terms.image_to_image,
    }
}

fn kept(engine: &Engine, by: ChosenBy<Fused<i64>>) -> Result<Kept, Failure> {
    let gone = match by {
        ChosenBy::Score => return Ok(Kept::Score),
        ChosenBy::Quota { instead_of } => instead_of,
    };
    let displaced = match gone {
        None => None,
        Some(gone) => engine.with_store(|store| about(store, Pool::Case, gone.id))?,
    };
    Ok(Kept::Quota {
        displaced: displaced.map(|about| about.title),
    })
}
