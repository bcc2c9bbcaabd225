//! Builds, switches and kills, on servers of Qdrant's kind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use semihv_remote::{
    BuildError, BuildPlan, Built, Corpus, OpenError, Qdrant, Row, VectorPools, Watch, WordPools,
    Words,
};
use semihv_vectors::Fingerprint;

use crate::edge::{self, Edge, Server};
use crate::fake::Fake;
use crate::samples::{Dice, Rows, built, exact, fingerprint, plan, rows, texts};

/// As far as `until`, then it is dropped, as by a kill.
fn pushed(qdrant: &Qdrant, plan: BuildPlan, rows: &[(&'static str, Row)]) {
    let cancelled = AtomicBool::new(false);
    let watch = Watch {
        progress: &mut |_| {},
        cancelled: &cancelled,
    };
    let mut build = qdrant.build(plan, watch).unwrap();
    for (pool, row) in rows {
        build.push(pool, row).unwrap();
    }
}

fn finished(qdrant: &Qdrant, plan: BuildPlan, rows: &Rows) -> Result<Built, BuildError> {
    let cancelled = AtomicBool::new(false);
    let mut steps = Vec::new();
    let watch = Watch {
        progress: &mut |progress| steps.push(progress),
        cancelled: &cancelled,
    };
    let mut build = qdrant.build(plan, watch)?;
    for (pool, row) in rows {
        build.push(pool, row)?;
    }
    let built = build.finish()?;
    assert!(
        steps.is_sorted_by(|a, b| a.done <= b.done) && steps.last().unwrap().step == "switching"
    );
    Ok(built)
}

fn both(check: fn(&Qdrant)) {
    check(&Fake::start().connect());
    if let Some(edge) = Edge::shared() {
        check(&edge.fresh());
    }
}

#[test]
fn there_is_nothing_before_the_first_build() {
    both(|qdrant| assert!(qdrant.open().unwrap().is_none()));
}

#[test]
fn a_reader_sees_the_old_index_or_the_new_one_and_nothing_between() {
    both(|qdrant| {
        let (old, mut new) = (rows(), rows());
        new.truncate(200);
        built(qdrant, &old);
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let query = Dice(3).vector();
                let mut seen = Vec::new();
                while !is_done.load(Ordering::Relaxed) || seen.is_empty() {
                    let engine = qdrant.open().unwrap().unwrap();
                    let found = engine.nearest("case", &query, &exact(400)).unwrap().len();
                    assert!(found as u64 == engine.rows("case").unwrap());
                    seen.push((engine.generation(), found));
                }
                seen
            });
            finished(qdrant, plan(&new), &new).unwrap();
            is_done.store(true, Ordering::Relaxed);
            let mut seen = reader.join().unwrap();
            seen.dedup();
            assert!(
                seen.iter().all(|one| [(1, 300), (2, 200)].contains(one)),
                "{seen:?}"
            );
            assert!(seen.is_sorted());
        });
        assert_eq!(qdrant.open().unwrap().unwrap().rows("case").unwrap(), 200);
    });
}

#[test]
fn an_opened_generation_stays_for_one_switch_and_two_are_kept() {
    both(|qdrant| {
        let rows = rows();
        let first = built(qdrant, &rows);
        let second = built(qdrant, &rows);
        let query = Dice(3).vector();
        assert_eq!(first.nearest("case", &query, &exact(5)).unwrap().len(), 5);
        let third = built(qdrant, &rows);
        assert_eq!(
            [&first, &second, &third].map(VectorPools::generation),
            [1, 2, 3]
        );
        assert_eq!(second.nearest("case", &query, &exact(5)).unwrap().len(), 5);
        let gone = first.nearest("case", &query, &exact(5)).unwrap_err();
        let gone = std::error::Error::source(&gone).unwrap().to_string();
        assert!(
            gone.contains("404") && gone.contains("doesn't exist"),
            "{gone}"
        );
    });
}

#[test]
fn a_build_goes_on_where_it_was_left() {
    both(|qdrant| {
        let old = rows();
        built(qdrant, &old);
        let rows = texts();
        pushed(qdrant, plan(&rows), &rows[..400]);
        assert_eq!(
            qdrant.open().unwrap().unwrap().rows("case").unwrap(),
            300,
            "the old one is served"
        );
        let built = finished(qdrant, plan(&rows), &rows).unwrap();
        // Whole requests were there: three of 128.
        assert_eq!((built.generation, built.kept), (2, 384));
        let engine = qdrant.open().unwrap().unwrap();
        assert_eq!(
            (
                engine.texts("case").unwrap(),
                engine.rows("guideline").unwrap()
            ),
            (400, 200)
        );
    });
}

#[test]
fn a_build_of_other_rows_begins_anew() {
    both(|qdrant| {
        let (old, new) = (texts(), rows());
        pushed(qdrant, plan(&old), &old[..400]);
        let built = finished(qdrant, plan(&new), &new).unwrap();
        assert_eq!(built.kept, 0);
        let engine = qdrant.open().unwrap().unwrap();
        assert_eq!(
            (engine.rows("case").unwrap(), engine.texts("case").unwrap()),
            (300, 0)
        );
    });
}

#[test]
fn rows_that_changed_or_went_since_are_not_kept() {
    both(|qdrant| {
        let mut rows = rows();
        let plan = plan(&rows);
        pushed(qdrant, plan.clone(), &rows);
        rows.remove(0);
        rows[0].1.facets.licence = Some("CC0-1.0".to_owned());
        let built = finished(qdrant, plan, &rows).unwrap();
        assert_eq!(built.kept, 382);
        let engine = qdrant.open().unwrap().unwrap();
        assert_eq!(engine.rows("case").unwrap(), 299);
        let free = semihv_remote::Wanted {
            licences: vec!["CC0-1.0".to_owned()],
            ..exact(9)
        };
        assert_eq!(
            engine
                .nearest("case", &Dice(1).vector(), &free)
                .unwrap()
                .len(),
            1
        );
    });
}

/// The server itself dies, in the middle of a build.
#[test]
fn a_killed_server_serves_the_old_index_and_takes_the_rest() {
    let Some(python) = edge::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&python, folder.path(), 0);
    let port = server.port;
    let old = rows();
    let engine = built(&server.connect("semihv"), &old);
    let new = texts();
    pushed(&server.connect("semihv"), plan(&new), &new[..300]);
    server.kill();
    let text = engine.rows("case").unwrap_err();
    assert!(
        std::error::Error::source(&text)
            .unwrap()
            .to_string()
            .contains("cannot be reached")
    );
    let server = Server::start(&python, folder.path(), port);
    let qdrant = server.connect("semihv");
    assert_eq!(qdrant.open().unwrap().unwrap().rows("case").unwrap(), 300);
    let built = finished(&qdrant, plan(&new), &new).unwrap();
    assert!(built.kept > 0 && built.kept <= 300, "{}", built.kept);
    assert_eq!(qdrant.open().unwrap().unwrap().texts("case").unwrap(), 400);
}

#[test]
fn a_build_that_does_not_count_right_is_not_served() {
    let fake = Fake::start();
    let qdrant = fake.connect();
    built(&qdrant, &rows());
    let rows = rows();
    let cancelled = AtomicBool::new(false);
    let watch = Watch {
        progress: &mut |_| {},
        cancelled: &cancelled,
    };
    let mut build = qdrant.build(plan(&rows), watch).unwrap();
    for (pool, row) in &rows {
        build.push(pool, row).unwrap();
    }
    fake.meddle("semihv-g000002", |points| {
        let lost = points
            .iter()
            .find(|(_, point)| point["payload"]["pool"] == "case");
        let lost = lost.map(|(id, _)| id.clone()).unwrap();
        points.remove(&lost);
    });
    let error = build.finish().unwrap_err();
    assert!(
        matches!(
            error,
            BuildError::Counts {
                found: 299,
                expected: 300,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(qdrant.open().unwrap().unwrap().generation(), 1);
}

#[test]
fn mistakes_of_the_caller_are_said() {
    let qdrant = Fake::start().connect();
    let rows = rows();
    let cancelled = AtomicBool::new(false);
    let begin = |plan: BuildPlan, progress: &mut dyn FnMut(semihv_vectors::Progress)| {
        let watch = Watch {
            progress,
            cancelled: &cancelled,
        };
        let mut build = qdrant.build(plan, watch)?;
        build.push("case", &rows[0].1)?;
        build.push("case", &rows[0].1)?;
        Ok::<(), BuildError>(())
    };
    let twice = begin(plan(&rows), &mut |_| {}).unwrap_err();
    assert!(
        matches!(twice, BuildError::Twice { key: 1, .. }),
        "{twice:?}"
    );
    let no_pool = BuildPlan {
        corpus: Corpus::of_pools(["guideline"]),
        ..plan(&rows)
    };
    let no_pool = begin(no_pool, &mut |_| {}).unwrap_err().to_string();
    assert!(no_pool.contains("no pool case"), "{no_pool}");
    let fused = Fingerprint {
        fusion: "mean".to_owned(),
        ..fingerprint()
    };
    let fused = begin(
        BuildPlan {
            fingerprint: fused,
            ..plan(&rows)
        },
        &mut |_| {},
    )
    .unwrap_err();
    assert!(fused.to_string().contains("sum_raw_then_l2"), "{fused}");
    let worded: Rows = vec![(
        "case",
        Row {
            words: Some(Words::default()),
            ..rows[0].1.clone()
        },
    )];
    let uncounted = finished(&qdrant, plan(&rows), &worded).unwrap_err();
    assert!(
        matches!(uncounted, BuildError::OtherTexts { .. }),
        "{uncounted:?}"
    );
}

#[test]
fn a_model_that_did_not_make_the_vectors_is_refused() {
    both(|qdrant| {
        built(qdrant, &rows());
        assert!(qdrant.open_for(&fingerprint()).unwrap().is_some());
        let other = Fingerprint {
            tokenizer: "wordpiece".to_owned(),
            ..fingerprint()
        };
        let said = qdrant.open_for(&other).unwrap_err().to_string();
        assert!(
            said.contains("built with tokenizer bpe, you loaded wordpiece"),
            "{said}"
        );
    });
}

#[test]
fn collections_of_others_are_left_alone() {
    let fake = Fake::start();
    for name in [
        "semihv-g1",
        "semihv-g000001x",
        "semihv-other",
        "semihv-g0000001",
        "other-g000001",
    ] {
        fake.add_collection(name);
    }
    let qdrant = fake.connect();
    for _ in 0..4 {
        built(&qdrant, &rows());
    }
    let ours = ["semihv-g000003", "semihv-g000004"];
    let left = fake.collections();
    assert_eq!(left.len(), 5 + ours.len(), "{left:?}");
    assert!(ours.iter().all(|name| left.iter().any(|left| left == name)));
}

#[test]
fn an_alias_of_something_else_is_said() {
    let fake = Fake::start();
    fake.add_collection("wiki");
    fake.alias("semihv", "wiki");
    let error = fake.connect().open().unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    assert!(
        error.to_string().contains("choose another collection"),
        "{error}"
    );
}

#[test]
fn another_format_and_another_dimension_are_said() {
    let fake = Fake::start();
    let qdrant = fake.connect();
    built(&qdrant, &rows());
    let of_about = |with: fn(&mut serde_json::Value)| {
        fake.meddle("semihv-g000001", |points| {
            let about = points
                .values_mut()
                .find(|point| !point["payload"]["note"]["format"].is_null());
            with(&mut about.unwrap()["payload"]["note"]);
        });
        qdrant.open().unwrap_err().to_string()
    };
    let dimension = of_about(|note| {
        let text = note["fingerprint"]
            .as_str()
            .unwrap()
            .replace("\"dim\":24", "\"dim\":48");
        note["fingerprint"] = text.into();
    });
    assert!(
        dimension.contains("24 dimensions, its model 48"),
        "{dimension}"
    );
    let format = of_about(|note| note["format"] = 9.into());
    assert!(format.contains("format 9, this semihv reads 1"), "{format}");
}
