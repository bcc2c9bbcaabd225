//! Rows as a server knows them: by what their source calls them. Several people search one index,
//! and the rows of each one's store have numbers of their own.

use semihv_domain::Failure;
use semihv_remote::Scored;
use semihv_workspace::{SearchablePassage, Store};
use xxhash_rust::xxh3::Xxh3;

use crate::embedding::key_of_case;
use crate::failures::OrFail;

/// A row's key on the server. Of 63 bits, so that two of millions of rows are never alike.
pub(crate) fn shared_key(source: &str, name: &[&str]) -> i64 {
    let mut hasher = Xxh3::new();
    for part in [source].iter().chain(name) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    (hasher.digest() >> 1) as i64
}

pub(crate) fn shared_case(store: &Store, case: i64) -> Result<Option<i64>, Failure> {
    let named = store.name_of_case(case).or_fail("server")?;
    Ok(named.map(|named| shared_key(&named.source, &[&named.key])))
}

/// Patients are numbered by their sources.
pub(crate) fn shared_patient(source: &str, patient: Option<&str>) -> Option<String> {
    let patient = patient.filter(|patient| !patient.is_empty())?;
    Some(format!("{source}/{patient}"))
}

pub(crate) fn passage_name(passage: &SearchablePassage) -> Vec<String> {
    vec![passage.key.clone()]
}

pub(crate) fn shared_passage(store: &Store, passage: i64) -> Result<Option<i64>, Failure> {
    let named = store.name_of_passage(passage).or_fail("server")?;
    Ok(named
        .map(|(source, guideline, place)| shared_key(&source, &[&format!("{guideline}#{place}")])))
}

/// A found row of this store: the case or passage, and its key among the vectors here.
pub(crate) struct Local {
    pub(crate) row: i64,
    pub(crate) key: i64,
}

/// `None`: it is not in this store.
pub(crate) fn local_case(store: &Store, found: &Scored) -> Result<Option<Local>, Failure> {
    let Some((case, image)) = found.name.split_first() else {
        return Ok(None);
    };
    let Some(row) = store.case_named(&found.source, case).or_fail("server")? else {
        return Ok(None);
    };
    let key = match image.first() {
        None => Some(key_of_case(row)),
        Some(image) => store.image_named(row, image).or_fail("server")?,
    };
    Ok(key.map(|key| Local { row, key }))
}

pub(crate) fn local_passage(store: &Store, found: &Scored) -> Result<Option<Local>, Failure> {
    let name = found.name.first().and_then(|name| name.rsplit_once('#'));
    let Some((guideline, place)) = name else {
        return Ok(None);
    };
    let Ok(place) = place.parse() else {
        return Ok(None);
    };
    let row = store
        .passage_named(&found.source, guideline, place)
        .or_fail("server")?;
    Ok(row.map(|row| Local { row, key: row }))
}

#[cfg(test)]
mod tests {
    use super::shared_key;

    #[test]
    fn keys_differ_by_source_and_by_where_a_name_is_cut() {
        let keys = [
            shared_key("a", &["b", "c"]),
            shared_key("a", &["bc"]),
            shared_key("ab", &["c"]),
            shared_key("a", &["c", "b"]),
        ];
        let different: std::collections::BTreeSet<i64> = keys.into();
        assert_eq!(different.len(), keys.len());
        assert!(keys.iter().all(|key| *key >= 0));
    }
}
