//! The index on disk: changes, kills, damage, rivals.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use semihv_domain::DocumentKind;
use semihv_domain::DocumentKind::Case;

use crate::fixture::{apply, case, documents, empty, filled, numbered, put};
use crate::index::lock;
use crate::{Change, Index, NoLiveSets, NumberedChange, Opened, QueryText, UpdateIndexError};

/// Set for the process that is to die.
const VICTIM: &str = "SEMIHV_TEST_INDEX_VICTIM";

fn found(index: &Index, text: &str) -> Vec<i64> {
    let query = QueryText::parse(text).unwrap();
    index.ids(Case, &query, &NoLiveSets).unwrap()
}

#[track_caller]
fn rebuilt(root: &Path, reason: &str) -> Index {
    match Index::open(root).unwrap() {
        Opened::Rebuilt { index, why } => {
            assert!(why.contains(reason), "{why}");
            index
        }
        Opened::Ready(_) => panic!("opened as if nothing had happened"),
    }
}

fn files(root: &Path, ending: &str) -> Vec<PathBuf> {
    let listed = fs::read_dir(root.join("v2"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    listed
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect()
}

#[test]
fn a_new_index_is_empty_and_a_known_one_is_as_it_was() {
    let (folder, index) = empty();
    assert_eq!((index.revision(), index.documents()), (0, 0));
    apply(&index, documents().into_iter().map(put).collect(), 10);
    drop(index);
    let Opened::Ready(index) = Index::open(folder.path()).unwrap() else {
        panic!("not as it was");
    };
    assert_eq!((index.revision(), index.documents()), (10, 10));
}

#[test]
fn putting_a_row_again_replaces_it() {
    let (_folder, index) = filled();
    apply(&index, vec![put(case(1, "Pneumothorax", "no fluid"))], 12);
    assert_eq!(index.documents(), 10);
    assert_eq!(found(&index, "pneumothorax"), [1]);
    assert_eq!(found(&index, "\"pleural effusion\""), [] as [i64; 0]);
}

#[test]
fn a_row_put_twice_in_the_first_build_is_there_once() {
    let (_folder, index) = empty();
    let changes = vec![
        put(case(7, "first", "x")),
        put(case(7, "second", "x")),
        put(case(8, "gone", "x")),
        Change::Delete(Case, 8),
        put(case(-9, "below nought", "x")),
        put(case(-9, "below nought", "x")),
    ];
    let summary = apply(&index, changes, 6);
    assert_eq!((summary.put, summary.deleted, summary.revision), (5, 1, 6));
    assert_eq!(found(&index, "source:medpix2"), [-9, 7]);
    assert_eq!(found(&index, "x").len(), 2);
    assert_eq!(found(&index, "first"), [] as [i64; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Rows of several kinds lie in one block, in several segments.
    #[test]
    fn after_any_changes_the_last_of_every_row_is_there(
        updates in prop::collection::vec(
            prop::collection::vec((0usize..3, -3i64..300, any::<bool>()), 1..40),
            1..4,
        ),
    ) {
        let (_folder, index) = empty();
        let mut model: BTreeMap<(usize, i64), String> = BTreeMap::new();
        let mut revision = 0;
        for (update, changes) in updates.into_iter().enumerate() {
            let changes = changes.into_iter().enumerate().map(|(at, (kind, id, is_put))| {
                let title = format!("word{update}x{at}");
                if is_put {
                    model.insert((kind, id), title.clone());
                    let mut document = case(id, &title, "");
                    document.kind = DocumentKind::ALL[kind];
                    put(document)
                } else {
                    model.remove(&(kind, id));
                    Change::Delete(DocumentKind::ALL[kind], id)
                }
            });
            let changes: Vec<Change> = changes.collect();
            revision += changes.len() as u64;
            apply(&index, changes, revision);
        }
        prop_assert_eq!(index.documents(), model.len() as u64);
        for ((kind, id), title) in &model {
            for text in [format!("id:{id}"), title.clone()] {
                let query = QueryText::parse(&text).unwrap();
                let found = index.ids(DocumentKind::ALL[*kind], &query, &NoLiveSets).unwrap();
                prop_assert_eq!(found, [*id], "{}", text);
            }
        }
    }
}

#[test]
fn deleting_concerns_one_kind_only() {
    let (_folder, index) = filled();
    apply(&index, vec![Change::Delete(Case, 1)], 11);
    assert_eq!(index.documents(), 9);
    assert_eq!(found(&index, "id:1"), [] as [i64; 0]);
}

#[test]
fn clearing_starts_over() {
    let (_folder, index) = filled();
    index.clear().unwrap();
    assert_eq!((index.revision(), index.documents()), (0, 0));
    apply(&index, vec![put(case(1, "again", ""))], 1);
    assert_eq!(found(&index, "again"), [1]);
}

#[test]
fn cancelling_keeps_what_is_complete_and_can_be_continued() {
    let (_folder, index) = empty();
    let cancel = AtomicBool::new(false);
    let changes = (1..=100_u64).map(|number| {
        if number == 50 {
            cancel.store(true, Ordering::Relaxed);
        }
        let change = put(case(number as i64, "case", "x"));
        Ok(NumberedChange { number, change })
    });
    let summary = index.update(changes, 100, &|_| {}, &cancel).unwrap();
    assert!(summary.was_cancelled);
    // The change under the last number may not have been the only one.
    assert_eq!((summary.revision, index.revision()), (48, 48));
    let rest = (49..=100_u64).map(|number| {
        let change = put(case(number as i64, "case", "x"));
        Ok(NumberedChange { number, change })
    });
    index
        .update(rest, 100, &|_| {}, &AtomicBool::new(false))
        .unwrap();
    assert_eq!((index.revision(), index.documents()), (100, 100));
}

#[test]
fn a_store_that_cannot_be_read_leaves_the_last_commit() {
    let (_folder, index) = filled();
    let changes = numbered([put(case(20, "new", ""))])
        .chain(std::iter::once_with(|| Err("the disk is gone".into())));
    let error = index
        .update(changes, 99, &|_| {}, &AtomicBool::new(false))
        .unwrap_err();
    assert!(matches!(error, UpdateIndexError::Changes(_)));
    assert_eq!((index.revision(), index.documents()), (10, 10));
}

#[test]
fn a_second_writer_is_told_of_the_first() {
    let (folder, index) = filled();
    let held = lock(folder.path()).unwrap();
    assert!(held.is_some());
    let error = index
        .update(numbered([]), 11, &|_| {}, &AtomicBool::new(false))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "another semihv is indexing this workspace; wait for it or stop it"
    );
    drop(held);
    apply(&index, Vec::new(), 11);
    assert_eq!(index.revision(), 11);
}

#[test]
fn another_opener_sees_a_commit_without_being_told() {
    let (folder, index) = filled();
    let other = Index::open(folder.path()).unwrap().into_index();
    apply(&index, vec![put(case(30, "fresh", ""))], 31);
    assert_eq!(other.revision(), 31);
    assert_eq!(found(&other, "fresh"), [30]);
    apply(&other, vec![put(case(31, "fresh", ""))], 32);
    assert_eq!(found(&index, "fresh"), [30, 31]);
}

#[test]
fn a_killed_indexer_leaves_the_last_commit() {
    if let Some(root) = std::env::var_os(VICTIM) {
        let index = Index::open(Path::new(&root)).unwrap().into_index();
        let changes = (11..).map(|number: u64| {
            if number == 40_000 {
                std::process::abort();
            }
            let change = put(case(number as i64, "late", &"word ".repeat(200)));
            Ok(NumberedChange { number, change })
        });
        let _ = index.update(changes, 40_000, &|_| {}, &AtomicBool::new(false));
        unreachable!("the process outlived its abort");
    }
    let (folder, index) = filled();
    let name = "update_tests::a_killed_indexer_leaves_the_last_commit";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(VICTIM, folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success(), "the victim did not die");
    drop(index);
    let Opened::Ready(index) = Index::open(folder.path()).unwrap() else {
        panic!("the last commit was not readable");
    };
    assert_eq!((index.revision(), index.documents()), (10, 10));
    assert_eq!(found(&index, "late"), [] as [i64; 0]);
    let left_over = files(folder.path(), "").len();
    apply(&index, vec![put(case(50, "late", ""))], 51);
    assert_eq!(found(&index, "late"), [50]);
    assert!(
        files(folder.path(), "").len() <= left_over + 8,
        "left-overs of the victim stay"
    );
}

#[test]
fn an_index_of_another_version_is_built_anew_and_then_removed() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("v0");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("meta.json"), "{}").unwrap();
    let index = rebuilt(folder.path(), "version 0");
    assert!(old.exists());
    apply(&index, vec![put(case(1, "new", ""))], 1);
    assert!(!old.exists(), "the old index is of no use any more");
}

#[test]
fn damaged_files_are_set_aside() {
    let damages: [fn(&Path); 5] = [
        |root| fs::write(root.join("v2/meta.json"), "{ no json").unwrap(),
        |root| fs::write(root.join("v2/meta.json"), [0xff, 0xfe, 0x00]).unwrap(),
        |root| fs::write(root.join("v2/.managed.json"), "[").unwrap(),
        |root| {
            for path in files(root, ".term") {
                fs::remove_file(path).unwrap();
            }
        },
        |root| {
            for path in files(root, ".fast") {
                fs::write(path, "short").unwrap();
            }
        },
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let (folder, index) = filled();
        drop(index);
        damage(folder.path());
        let index = rebuilt(folder.path(), "could not be read");
        assert_eq!(
            (index.revision(), index.documents()),
            (0, 0),
            "damage {number}"
        );
        assert!(folder.path().join("set-aside").exists());
        apply(&index, documents().into_iter().map(put).collect(), 10);
        assert_eq!(found(&index, "abscess"), [2]);
    }
}

#[test]
fn an_index_with_other_fields_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("v2");
    fs::create_dir(&foreign).unwrap();
    let schema = tantivy::schema::Schema::builder().build();
    tantivy::Index::create_in_dir(&foreign, schema).unwrap();
    rebuilt(folder.path(), "fields");
}

#[test]
fn a_flipped_byte_is_found_by_the_check_and_searches_stay_errors() {
    let (folder, index) = filled();
    assert!(index.damaged_files().unwrap().is_empty());
    drop(index);
    for path in files(folder.path(), ".idx") {
        let mut bytes = fs::read(&path).unwrap();
        bytes.iter_mut().take(40).for_each(|byte| *byte ^= 0xff);
        fs::write(path, bytes).unwrap();
    }
    let index = Index::open(folder.path()).unwrap().into_index();
    assert!(!index.damaged_files().unwrap().is_empty());
    let query = QueryText::parse("effusion pleural").unwrap();
    // Whatever comes of it, the process lives.
    let _ = index.hits(Case, &query, 10, &NoLiveSets);
}
