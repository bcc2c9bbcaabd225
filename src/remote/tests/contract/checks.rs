//! What must hold of the vectors of every peer.

use std::collections::BTreeSet;

use semihv_remote::{Among, Barred, Facets, PoolError, Row, Scored, VectorPools, Wanted};
use semihv_vectors::VectorError;

use crate::samples::{DIM, Dice, POOLS, Peer, Rows, exact, fingerprint, rows, truth};

const CLOSE: f64 = 1e-3;

/// The answer is the exact one: as many rows, none further than the last of the truth, scores right.
#[track_caller]
fn agrees(found: &[Scored], truth: &[(i64, f64)], k: usize) {
    assert_eq!(found.len(), k.min(truth.len()));
    let Some(last) = truth.get(found.len().wrapping_sub(1)) else {
        return;
    };
    for near in found {
        let exact = truth.iter().find(|(key, _)| *key == near.key);
        let (_, exact) = exact.unwrap_or_else(|| panic!("row {} must not be found", near.key));
        assert!(
            (f64::from(near.score) - exact).abs() < CLOSE,
            "{near:?} {exact}"
        );
        // Half precision may swap two at the very end, and nothing else.
        assert!(
            *exact >= last.1 - CLOSE,
            "{near:?} is not among the nearest"
        );
    }
    assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    let keys: BTreeSet<i64> = found.iter().map(|near| near.key).collect();
    assert_eq!(keys.len(), found.len(), "a row comes twice");
    let recall = truth
        .iter()
        .take(found.len())
        .filter(|(key, exact)| keys.contains(key) || *exact < last.1 + CLOSE);
    assert_eq!(recall.count(), found.len(), "recall is below 1");
}

#[track_caller]
fn asked(engine: &dyn VectorPools, rows: &Rows, wanted: &Wanted) {
    let mut dice = Dice(23);
    for pool in ["case", "guideline"] {
        for _ in 0..8 {
            let query = dice.vector();
            let found = engine.nearest(pool, &query, wanted).unwrap();
            agrees(&found, &truth(rows, pool, &query, wanted), wanted.k);
        }
    }
}

pub(crate) fn nearest(peer: &dyn Peer) {
    let rows = rows();
    let engine = peer.vectors(&rows);
    for k in [1, 10, 100, 500] {
        asked(&*engine, &rows, &exact(k));
    }
    let query = Dice(5).vector();
    assert_eq!(engine.nearest("case", &query, &exact(0)).unwrap(), []);
    // The length of a query says nothing.
    let longer: Vec<f32> = query.iter().map(|part| part * 9.0).collect();
    let keys = |query: &[f32]| -> Vec<i64> {
        let found = engine.nearest("case", query, &exact(10)).unwrap();
        found.iter().map(|near| near.key).collect()
    };
    assert_eq!(keys(&query), keys(&longer));
    let found = engine.nearest("case", &query, &exact(10)).unwrap();
    assert!(
        found
            .iter()
            .all(|near| near.case == Some((near.key - 1) / 3 + 1))
    );
    assert!(
        found
            .iter()
            .all(|near| near.name.is_empty() || near.name[1] == format!("i{}", near.key))
    );
    let auto = engine.nearest("case", &query, &Wanted::best(10)).unwrap();
    assert_eq!(auto.len(), 10);
}

pub(crate) fn licences(peer: &dyn Peer) {
    let rows = rows();
    let engine = peer.vectors(&rows);
    for licences in [
        vec!["CC-BY-4.0"],
        vec!["CC-BY-4.0", "CC-BY-NC-4.0"],
        vec!["none has this"],
    ] {
        let licences = licences.into_iter().map(str::to_owned).collect();
        asked(
            &*engine,
            &rows,
            &Wanted {
                licences,
                ..exact(20)
            },
        );
    }
}

pub(crate) fn among(peer: &dyn Peer) {
    let rows = rows();
    let engine = peer.vectors(&rows);
    for among in [
        Among::Keys(vec![3, 5, 80, 9_999]),
        Among::Keys(Vec::new()),
        Among::Cases((20..=40).collect()),
    ] {
        let barred = Barred {
            cases: vec![21, 22],
            keys: vec![5],
            ..Barred::default()
        };
        let wanted = Wanted {
            among: Some(among),
            barred,
            ..exact(20)
        };
        asked(&*engine, &rows, &wanted);
    }
}

pub(crate) fn barred(peer: &dyn Peer) {
    let rows = rows();
    let engine = peer.vectors(&rows);
    let query = Dice(23).vector();
    let best = engine.nearest("case", &query, &exact(3)).unwrap();
    let barred = Barred {
        cases: best.iter().take(1).filter_map(|near| near.case).collect(),
        patients: vec!["made/p7".to_owned(), "made/p8".to_owned()],
        keys: vec![best[1].key, best[2].key, 9_999],
    };
    let all = Barred {
        keys: (1..=300).collect(),
        ..Barred::default()
    };
    for barred in [
        barred.clone(),
        Barred {
            cases: (1..=60).collect(),
            ..Barred::default()
        },
        all,
    ] {
        asked(
            &*engine,
            &rows,
            &Wanted {
                barred,
                ..exact(20)
            },
        );
    }
    let licences = vec!["CC-BY-4.0".to_owned()];
    asked(
        &*engine,
        &rows,
        &Wanted {
            barred,
            licences,
            ..exact(20)
        },
    );
}

fn new_row(key: i64, vector: Vec<f32>) -> Row {
    Row {
        key,
        content_hash: 5,
        image: Some(vector),
        facets: Facets {
            source: "made".to_owned(),
            case: Some(key),
            ..Facets::default()
        },
        ..Row::default()
    }
}

pub(crate) fn append(peer: &dyn Peer) {
    let mut rows = rows();
    let engine = peer.vectors(&rows);
    let mut dice = Dice(29);
    let (one, two) = (dice.vector(), dice.vector());
    let added = [new_row(-7, one.clone()), new_row(1_000, two.clone())];
    engine.append("case", &added).unwrap();
    for (query, key) in [(&one, -7), (&two, 1_000)] {
        assert_eq!(
            engine.nearest("case", query, &exact(1)).unwrap()[0].key,
            key
        );
    }
    assert_eq!(engine.rows("case").unwrap(), 302);
    // The same key again: only the newer is there.
    engine
        .append("case", &[new_row(1_000, one.clone())])
        .unwrap();
    assert_eq!(engine.rows("case").unwrap(), 302);
    rows.push(("case", new_row(-7, one.clone())));
    rows.push(("case", new_row(1_000, one)));
    asked(&*engine, &rows, &exact(10));
    // One that cannot be taken keeps all of them out.
    let broken = [
        new_row(2_000, two),
        new_row(2_001, vec![f32::NAN; DIM as usize]),
    ];
    let refused = engine.append("case", &broken).unwrap_err();
    assert!(
        matches!(refused, PoolError::Vector { key: 2_001, .. }),
        "{refused:?}"
    );
    assert_eq!(engine.rows("case").unwrap(), 302);
}

pub(crate) fn erase(peer: &dyn Peer) {
    let mut rows = rows();
    let engine = peer.vectors(&rows);
    let gone: Vec<i64> = (1..=30).chain([77_777]).collect();
    engine.erase("case", &gone).unwrap();
    engine.erase("case", &gone).unwrap();
    engine.erase("case", &[]).unwrap();
    rows.retain(|(pool, row)| *pool != "case" || row.key > 30);
    assert_eq!(
        (
            engine.rows("case").unwrap(),
            engine.rows("guideline").unwrap()
        ),
        (270, 120)
    );
    asked(&*engine, &rows, &exact(20));
    assert_eq!(engine.content_hashes("case").unwrap().len(), 270);
}

pub(crate) fn pools(peer: &dyn Peer) {
    let engine = peer.vectors(&rows());
    let pools: BTreeSet<String> = engine.pools().into_iter().collect();
    assert_eq!(pools, POOLS.map(str::to_owned).into());
    let query = Dice(3).vector();
    assert_eq!(engine.nearest("empty", &query, &exact(5)).unwrap(), []);
    assert_eq!(engine.rows("empty").unwrap(), 0);
    assert!(engine.content_hashes("empty").unwrap().is_empty());
    let refused = engine
        .nearest("cases", &query, &exact(5))
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("no pool cases") && refused.contains("guideline"),
        "{refused}"
    );
    let nothing = peer.vectors(&Vec::new());
    assert_eq!(nothing.nearest("case", &query, &exact(5)).unwrap(), []);
}

pub(crate) fn refused(peer: &dyn Peer) {
    let engine = peer.vectors(&rows());
    let asked = |query: &[f32]| match engine.nearest("case", query, &exact(5)).unwrap_err() {
        PoolError::Query(error) => error,
        other => panic!("{other:?}"),
    };
    let expected = DIM as usize;
    let found = expected + 1;
    assert_eq!(
        asked(&vec![1.0; found]),
        VectorError::Dimension { found, expected }
    );
    assert!(matches!(
        asked(&[f32::NAN; DIM as usize]),
        VectorError::NotFinite { .. }
    ));
    assert!(matches!(
        asked(&[f32::INFINITY; DIM as usize]),
        VectorError::NotFinite { .. }
    ));
    assert_eq!(asked(&[0.0; DIM as usize]), VectorError::Zero);
    let short = engine.append("case", &[new_row(1, vec![1.0])]).unwrap_err();
    assert!(
        matches!(short, PoolError::Vector { key: 1, .. }),
        "{short:?}"
    );
    let empty = engine.append("case", &[Row::default()]).unwrap_err();
    assert!(matches!(
        empty,
        PoolError::Vector {
            source: VectorError::Nothing,
            ..
        }
    ));
}

pub(crate) fn fingerprint_of(engine: &dyn VectorPools) {
    assert_eq!(engine.fingerprint(), fingerprint());
    engine.expect(&fingerprint()).unwrap();
    let mut other = fingerprint();
    "9c1f".clone_into(&mut other.weights);
    let said = engine.expect(&other).unwrap_err().to_string();
    assert!(
        said.contains("built with weights 3fa0, you loaded 9c1f"),
        "{said}"
    );
}

pub(crate) fn fingerprint_check(peer: &dyn Peer) {
    fingerprint_of(&*peer.vectors(&rows()));
}

pub(crate) fn parts(peer: &dyn Peer) {
    let rows = rows();
    let engine = peer.vectors(&rows);
    let parts = engine.parts("case", &[1, 2, 3, 9_999]).unwrap();
    assert_eq!(parts.len(), 3);
    for (_, row) in rows
        .iter()
        .filter(|(pool, row)| *pool == "case" && row.key <= 3)
    {
        let found = &parts[&row.key];
        for (found, made) in [(&found.text, &row.text), (&found.image, &row.image)] {
            assert_eq!(found.is_some(), made.is_some(), "row {}", row.key);
            let pairs = found.iter().flatten().zip(made.iter().flatten());
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-3));
        }
    }
    let hashes = engine.content_hashes("case").unwrap();
    assert_eq!(hashes.len(), 300);
    assert!(
        hashes
            .iter()
            .all(|(key, hash)| *hash == u64::MAX - *key as u64)
    );
}
