//! What must not be found: it would give the answer away, or may not be used.

use std::collections::{HashMap, HashSet};

use semihv_domain::{Failure, LeftOut, Pool};
use semihv_vectors::{Ask, VectorIndex};

use super::asked::Asked;
use super::looked::{kind_of, owner};
use super::{DEEP, QueryImage, RetrieveSpec};
use crate::Engine;
use crate::failures::OrFail;

/// Images of which the cosine is beyond this are one image: saved again, scaled, framed.
const SAME_IMAGE: f64 = 0.995;

/// Rows that are barred, by pool, and how many for which reason.
#[derive(Debug, Default)]
pub(crate) struct Barred {
    rows: HashMap<Pool, HashSet<i64>>,
    /// Where a filter was given: the rows that pass it, in order.
    passing: HashMap<Pool, Vec<i64>>,
    pub(crate) left_out: LeftOut,
}

impl Barred {
    pub(crate) fn new(
        engine: &Engine,
        spec: &RetrieveSpec,
        (vectors, asked): (Option<&VectorIndex>, Option<&Asked>),
    ) -> Result<Self, Failure> {
        let mut barred = Self::default();
        for pool in Pool::ALL {
            barred.other_licences(engine, spec, pool)?;
            barred.filter(engine, spec, pool)?;
            let rows = barred.rows.entry(pool).or_default();
            let excluded = spec.excluded.iter().filter(|(of, _)| *of == pool);
            let new = excluded.filter(|(_, row)| rows.insert(*row)).count();
            barred.left_out.excluded += new;
        }
        if !spec.pools.contains(&Pool::Case) {
            return Ok(barred);
        }
        let cases = barred.rows.entry(Pool::Case).or_default();
        let left_out = &mut barred.left_out;
        let own_case = match (spec.case, &spec.image) {
            (None, Some(QueryImage::Stored(image))) => {
                engine.with_store(|store| store.case_of_image(*image).or_fail("retrieve"))?
            }
            (case, _) => case,
        };
        if let Some(case) = own_case {
            let patient =
                engine.with_store(|store| store.cases_of_patient(case).or_fail("retrieve"))?;
            left_out.own_case += usize::from(cases.insert(case.0));
            left_out.same_patient += patient
                .into_iter()
                .filter(|case| cases.insert(*case))
                .count();
        }
        let own_image = asked.and_then(|asked| asked.whole_image.as_deref());
        if let (Some(vectors), Some(own)) = (vectors, own_image) {
            let same = with_same_image(engine, vectors, own)?;
            left_out.same_image += same.into_iter().filter(|case| cases.insert(*case)).count();
        }
        Ok(barred)
    }

    pub(crate) fn of(&self, pool: Pool) -> impl Iterator<Item = i64> + '_ {
        self.rows.get(&pool).into_iter().flatten().copied()
    }

    /// The rows that pass the filter, in order; none: all do.
    pub(crate) fn passing(&self, pool: Pool) -> Option<&[i64]> {
        self.passing.get(&pool).map(Vec::as_slice)
    }

    fn filter(&mut self, engine: &Engine, spec: &RetrieveSpec, pool: Pool) -> Result<(), Failure> {
        if spec.filter.trim().is_empty() || !spec.pools.contains(&pool) {
            return Ok(());
        }
        let query = crate::searching::parse(&spec.filter)?;
        let live = crate::searching::Live(engine);
        let index = engine.index()?;
        let ids = index.ids(kind_of(pool), &query, &live);
        let mut ids = ids.or_fail("retrieve")?;
        ids.sort_unstable();
        self.passing.insert(pool, ids);
        Ok(())
    }

    pub(crate) fn holds(&self, pool: Pool, row: i64) -> bool {
        self.rows.get(&pool).is_some_and(|rows| rows.contains(&row))
    }

    fn other_licences(
        &mut self,
        engine: &Engine,
        spec: &RetrieveSpec,
        pool: Pool,
    ) -> Result<(), Failure> {
        let licences = &spec.licences;
        if licences.is_empty() || !spec.pools.contains(&pool) {
            return Ok(());
        }
        let others = engine.with_store(|store| {
            match pool {
                Pool::Case => store.cases_without_licence(licences),
                Pool::Guideline => store.passages_without_licence(licences),
            }
            .or_fail("retrieve")
        })?;
        self.left_out.licence += others.len();
        self.rows.entry(pool).or_default().extend(others);
        Ok(())
    }
}

/// Cases that show the query's own image, looked for by the image alone: beside a text it may be
/// far from the nearest.
fn with_same_image(
    engine: &Engine,
    vectors: &VectorIndex,
    own: &[f32],
) -> Result<Vec<i64>, Failure> {
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
    let owners = engine.with_store(|store| store.cases_of_images(&same).or_fail("retrieve"))?;
    Ok(same.iter().filter_map(|key| owner(&owners, *key)).collect())
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
