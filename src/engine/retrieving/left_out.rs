//! What must not be found: it would give the answer away, or may not be used.

use std::collections::{HashMap, HashSet};

use semihv_domain::{CaseId, Failure, LeftOut, Pool};

use super::asked::Asked;
use super::looked::kind_of;
use super::searched::Searched;
use super::{DEEP, QueryImage, RetrieveSpec};
use crate::Engine;
use crate::failures::OrFail;

/// Images of which the cosine is beyond this are one image: saved again, scaled, framed.
const SAME_IMAGE: f64 = 0.995;

/// Rows that are barred, by pool, and how many for which reason.
#[derive(Debug, Default)]
pub(crate) struct Barred {
    rows: HashMap<Pool, HashSet<i64>>,
    /// Rows under other licences, which a server leaves out by itself.
    by_licence: HashMap<Pool, HashSet<i64>>,
    /// Where a filter was given: the rows that pass it, in order.
    passing: HashMap<Pool, Vec<i64>>,
    pub(crate) left_out: LeftOut,
}

impl Barred {
    pub(crate) fn new(
        engine: &Engine,
        spec: &RetrieveSpec,
        (searched, asked): (&Searched, Option<&Asked>),
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
        // Cases are barred where none is asked for too: guidelines may be looked for by their titles.
        let for_guidelines = barred.left_out;
        let cases = barred.rows.entry(Pool::Case).or_default();
        let left_out = &mut barred.left_out;
        let own_case = match (spec.case, &spec.image) {
            (None, Some(QueryImage::Stored(image))) => {
                engine.with_store(|store| store.case_of_image(*image).or_fail("retrieve"))?
            }
            (case, _) => case,
        };
        // The cases of the query itself: a file of an image that is here is an image of its case.
        let mut own = Vec::new();
        if let Some(case) = own_case {
            left_out.own_case += usize::from(cases.insert(case.0));
            own.push(case.0);
        }
        if let Some(image) = asked.and_then(|asked| asked.whole_image.as_deref()) {
            let same = with_same_image(engine, searched, image)?;
            let new = same.iter().filter(|case| cases.insert(**case));
            left_out.same_image += new.count();
            own.extend(same);
        }
        for case in own {
            let patient = engine
                .with_store(|store| store.cases_of_patient(CaseId(case)).or_fail("retrieve"))?;
            let new = patient.into_iter().filter(|case| cases.insert(*case));
            left_out.same_patient += new.count();
        }
        if !spec.pools.contains(&Pool::Case) {
            barred.left_out = for_guidelines;
        }
        Ok(barred)
    }

    pub(crate) fn of(&self, pool: Pool) -> impl Iterator<Item = i64> + '_ {
        let by_licence = self.by_licence.get(&pool).into_iter().flatten().copied();
        self.besides_licence(pool).chain(by_licence)
    }

    pub(crate) fn besides_licence(&self, pool: Pool) -> impl Iterator<Item = i64> + '_ {
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
        let sets = [self.rows.get(&pool), self.by_licence.get(&pool)];
        sets.into_iter().flatten().any(|rows| rows.contains(&row))
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
        self.by_licence.entry(pool).or_default().extend(others);
        Ok(())
    }
}

/// Cases that show the query's own image, looked for by the image alone: beside a text it may be
/// far from the nearest.
fn with_same_image(engine: &Engine, searched: &Searched, own: &[f32]) -> Result<Vec<i64>, Failure> {
    let near = searched.near_image(engine, own, DEEP)?;
    let keys: Vec<i64> = near.iter().map(|(_, key)| *key).collect();
    let parts = searched.parts(Pool::Case, &keys)?;
    let shows_it = |key: &i64| {
        let image = parts.get(key).and_then(|parts| parts.image.as_deref());
        image.is_some_and(|image| is_same_image(image, own))
    };
    let same = near.into_iter().filter(|(_, key)| shows_it(key));
    Ok(same.map(|(case, _)| case).collect())
}

fn is_same_image(image: &[f32], own: &[f32]) -> bool {
    let dot = |one: &[f32], other: &[f32]| -> f64 {
        let pairs = one.iter().zip(other);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let lengths = (dot(own, own) * dot(image, image)).sqrt();
    lengths > 0.0 && dot(own, image) / lengths > SAME_IMAGE
}
