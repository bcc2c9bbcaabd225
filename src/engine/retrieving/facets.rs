//! What the candidates of a search are, counted: what a filter could ask for.

use std::collections::BTreeMap;

use semihv_domain::{Facet, FacetCount, Failure};

use super::looked::kind_of;
use super::{RetrieveSpec, looked};
use crate::Engine;
use crate::failures::OrFail;

const FACETS: [Facet; 4] = [
    Facet::Source,
    Facet::Modality,
    Facet::Language,
    Facet::Licence,
];

/// Of the candidates of all lists and pools; the most frequent values first. A search that was made
/// already is not made again.
pub(crate) fn candidate_facets(
    engine: &Engine,
    spec: &RetrieveSpec,
) -> Result<Vec<(Facet, Vec<FacetCount>)>, Failure> {
    let looked = looked::kept(engine, &super::judged(engine, spec)?.0)?;
    let index = engine.index()?;
    let mut sums = FACETS.map(|facet| (facet, BTreeMap::<String, u64>::new()));
    for (pool, lists) in &looked.lists {
        let dense = lists.dense.iter().map(|near| near.row);
        let words = lists.words.iter().map(|row| row.id);
        let rows = dense.chain(words).collect();
        let counted = index.facets_of(kind_of(*pool), rows, &FACETS);
        for (facet, counts) in counted.or_fail("retrieve")? {
            let own = sums.iter_mut().find(|(of, _)| *of == facet);
            let Some((_, sum)) = own else { continue };
            for FacetCount { value, count } in counts {
                *sum.entry(value).or_default() += count;
            }
        }
    }
    Ok(sums
        .into_iter()
        .map(|(facet, counts)| {
            let counts = counts.into_iter();
            let mut counts: Vec<FacetCount> = counts
                .map(|(value, count)| FacetCount { value, count })
                .collect();
            counts.sort_by_key(|counted| std::cmp::Reverse(counted.count));
            (facet, counts)
        })
        .collect())
}
