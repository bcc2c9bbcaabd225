//! What must hold of the words of every peer that has them.

use std::collections::HashMap;

use semihv_remote::{Barred, Facets, Row, Scored, Wanted, Words};

use crate::local::Local;
use crate::samples::{WordPeer, exact, passes, questions, texts};

/// The same rows in the same order with the same scores; such with equal scores may change places.
#[track_caller]
fn same(found: &[Scored], expected: &[Scored], question: &str) {
    assert_eq!(found.len(), expected.len(), "{question}");
    let scores: HashMap<i64, f32> = expected.iter().map(|hit| (hit.key, hit.score)).collect();
    for (one, other) in found.iter().zip(expected) {
        let close = |a: f32, b: f32| (a - b).abs() < 1e-3;
        assert!(
            close(one.score, other.score),
            "{question}: {one:?} {other:?}"
        );
        if one.key != other.key {
            let known = scores
                .get(&one.key)
                .unwrap_or_else(|| panic!("{question}: {one:?}"));
            assert!(
                close(one.score, *known) && close(*known, other.score),
                "{question}: {one:?}"
            );
        }
    }
}

pub(crate) fn agreement(peer: &dyn WordPeer) {
    let rows = texts();
    let local = Local.engine(&rows);
    let engine = peer.engine(&rows);
    assert_eq!(
        (
            engine.texts("case").unwrap(),
            engine.texts("guideline").unwrap()
        ),
        (400, 200)
    );
    let mut hits = 0;
    for question in questions() {
        for pool in ["case", "guideline"] {
            // All of them: a cut could fall between equal scores.
            let expected = local.by_words(pool, &question, &exact(1_000)).unwrap();
            let found = engine.by_words(pool, &question, &exact(1_000)).unwrap();
            same(&found, &expected, &question);
            hits += found.len();
        }
    }
    assert!(hits > 5_000, "{hits} hits compare little");
}

pub(crate) fn filters(peer: &dyn WordPeer) {
    let rows = texts();
    let engine = peer.engine(&rows);
    let wanted = Wanted {
        licences: vec!["CC-BY-4.0".to_owned()],
        barred: Barred {
            cases: (1..=50).collect(),
            patients: vec!["made/p77".to_owned()],
            keys: vec![-100, -102],
        },
        ..exact(1_000)
    };
    let question = "acute effusion of the lung";
    let allowed = |key: i64| {
        let mut found = rows
            .iter()
            .filter(|(pool, row)| *pool == "case" && row.key == key);
        found.any(|(_, row)| passes(row, &wanted))
    };
    let all = engine.by_words("case", question, &exact(1_000)).unwrap();
    let expected: Vec<Scored> = all.into_iter().filter(|hit| allowed(hit.key)).collect();
    let found = engine.by_words("case", question, &wanted).unwrap();
    assert!(!found.is_empty());
    same(&found, &expected, question);
    assert!(found.iter().all(|hit| hit.case == Some(-hit.key)));
}

pub(crate) fn append(peer: &dyn WordPeer) {
    let engine = peer.engine(&texts());
    let row = Row {
        key: 5_000,
        words: Some(Words {
            title: "Lymphangioleiomyomatosis".to_owned(),
            body: "cysts of both lungs".to_owned(),
        }),
        facets: Facets::default(),
        ..Row::default()
    };
    let asked = |text: &str| -> Vec<i64> {
        let found = engine.by_words("guideline", text, &exact(1_000)).unwrap();
        found.iter().map(|hit| hit.key).collect()
    };
    assert_eq!(asked("lymphangioleiomyomatosis"), [] as [i64; 0]);
    engine.append("guideline", &[row]).unwrap();
    assert_eq!(asked("lymphangioleiomyomatosis"), [5_000]);
    assert!(asked("lungs").contains(&5_000));
    assert_eq!(engine.texts("guideline").unwrap(), 201);
    engine.erase("guideline", &[5_000]).unwrap();
    assert_eq!(asked("lymphangioleiomyomatosis"), [] as [i64; 0]);
}

pub(crate) fn nothing(peer: &dyn WordPeer) {
    let engine = peer.engine(&texts());
    for text in ["", "the of and", " ,;"] {
        assert_eq!(engine.by_words("case", text, &exact(10)).unwrap(), []);
    }
    assert_eq!(engine.by_words("empty", "lung", &exact(10)).unwrap(), []);
    assert_eq!(engine.by_words("case", "lung", &exact(0)).unwrap(), []);
}
