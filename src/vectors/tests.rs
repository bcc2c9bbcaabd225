//! The index as a whole: found, filtered, changed, stopped half-way, damaged.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::builder::Builder;
use crate::files::Steps;
use crate::fingerprint::sample;
use crate::fuse::fuse;
use crate::{
    Ask, BuildError, FourTerms, Near, NewRow, Opened, SearchError, UpdateError, VectorError,
    VectorIndex,
};

pub(crate) const DIM: usize = 40;

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }

    pub(crate) fn vector(&mut self) -> Vec<f32> {
        (0..DIM).map(|_| self.next() * 3.0).collect()
    }
}

/// Rows by key: every third has a text only, every third an image only.
pub(crate) type Rows = BTreeMap<i64, (Option<Vec<f32>>, Option<Vec<f32>>)>;

pub(crate) fn rows(keys: std::ops::Range<i64>, seed: u64) -> Rows {
    let mut random = Random(seed | 1);
    keys.map(|key| {
        let (text, image) = (random.vector(), random.vector());
        let row = match key % 3 {
            0 => (Some(text), None),
            1 => (None, Some(image)),
            _ => (Some(text), Some(image)),
        };
        (key, row)
    })
    .collect()
}

fn row<'a>(
    key: i64,
    content_hash: u64,
    text: Option<&'a [f32]>,
    image: Option<&'a [f32]>,
) -> NewRow<'a> {
    NewRow {
        key,
        content_hash,
        text,
        image,
    }
}

pub(crate) fn build(root: &Path, rows: &Rows) {
    build_with(root, rows, Steps::default()).unwrap();
}

fn build_with(root: &Path, rows: &Rows, steps: Steps) -> Result<crate::Built, BuildError> {
    let mut builder = Builder::begin(root, sample(DIM as u32), steps)?;
    for (&key, (text, image)) in rows {
        builder.push(
            "case",
            row(key, key as u64 * 7, text.as_deref(), image.as_deref()),
        )?;
    }
    builder.finish(&mut |_| {})
}

pub(crate) fn open(root: &Path) -> VectorIndex {
    match VectorIndex::open(root).unwrap() {
        Opened::Ready(index) => index,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn append(index: &VectorIndex, rows: &Rows) -> Result<(), UpdateError> {
    let new: Vec<NewRow<'_>> = rows
        .iter()
        .map(|(&key, (text, image))| NewRow {
            key,
            content_hash: key as u64 * 7,
            text: text.as_deref(),
            image: image.as_deref(),
        })
        .collect();
    index.append("case", &new)
}

fn search(index: &VectorIndex, query: &[f32], k: usize) -> Vec<Near> {
    index.search("case", query, Ask::nearest(k)).unwrap().hits
}

pub(crate) fn keys(hits: &[Near]) -> Vec<i64> {
    hits.iter().map(|hit| hit.key).collect()
}

/// By the definition, in double precision.
fn nearest(rows: &Rows, query: &[f32], k: usize) -> Vec<i64> {
    let query = fuse(Some(query), None).unwrap();
    let mut scored: Vec<(f64, i64)> = rows
        .iter()
        .map(|(&key, (text, image))| {
            let row = fuse(text.as_deref(), image.as_deref()).unwrap();
            let pairs = row.as_slice().iter().zip(query.as_slice());
            (pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum(), key)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(k).map(|(_, key)| key).collect()
}

#[test]
fn the_nearest_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(0..3000, 5);
    build(folder.path(), &rows);
    let index = open(folder.path());
    assert_eq!(index.rows("case"), 3000);
    let mut random = Random(99);
    for _ in 0..40 {
        let query = random.vector();
        let hits = search(&index, &query, 10);
        assert_eq!(keys(&hits), nearest(&rows, &query, 10));
        assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    }
}

#[test]
fn several_queries_in_a_pass_find_what_each_finds() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..1500, 6));
    let index = open(folder.path());
    append(&index, &rows(1500..1600, 8)).unwrap();
    let mut random = Random(3);
    let queries: Vec<Vec<f32>> = (0..9).map(|_| random.vector()).collect();
    let together: Vec<&[f32]> = queries.iter().map(Vec::as_slice).collect();
    let together = index
        .search_many("case", &together, Ask::nearest(7))
        .unwrap();
    for (query, found) in queries.iter().zip(together) {
        assert_eq!(found.hits, search(&index, query, 7));
    }
}

#[test]
fn a_filter_gives_the_nearest_of_those_that_pass() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = rows(0..2000, 7);
    build(folder.path(), &all);
    let index = open(folder.path());
    let tail = rows(2000..2100, 8);
    append(&index, &tail).unwrap();
    all.extend(tail);
    let passes = |key: i64| key % 50 == 3;
    let set = index.allowed("case", passes);
    assert_eq!(set.len(), 42);
    all.retain(|&key, _| passes(key));
    let mut random = Random(11);
    for _ in 0..20 {
        let query = random.vector();
        let found = index
            .search("case", &query, Ask::nearest(10).among(&set))
            .unwrap();
        assert_eq!(keys(&found.hits), nearest(&all, &query, 10));
        assert_eq!(found.scanned, 42);
    }
    let none = index.allowed("case", |_| false);
    let found = index
        .search("case", &[1.0; DIM], Ask::nearest(10).among(&none))
        .unwrap();
    assert_eq!((found.hits.len(), found.scanned), (0, 0));
}

#[test]
fn all_but_some_is_what_a_filter_would_choose() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = rows(0..200, 7);
    let same = all[&3].clone();
    all.insert(200, same);
    build(folder.path(), &all);
    let index = open(folder.path());
    append(&index, &rows(190..230, 8)).unwrap();
    index.erase("case", &[7, 225]).unwrap();
    let out = [3, 9, 201, 225, 999].into_iter().collect();
    let (but, chosen) = (
        index.all_but("case", &out),
        index.allowed("case", |key| !out.contains(&key)),
    );
    assert_eq!((but.len(), chosen.len()), (225, 225));
    for query in [[1.0; DIM], [-1.0; DIM]] {
        let found = |set| {
            index
                .search("case", &query, Ask::nearest(300).among(set))
                .unwrap()
        };
        assert_eq!(found(&but), found(&chosen));
    }
}

#[test]
fn a_choice_of_rows_outlives_a_compaction() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..300, 7));
    let index = open(folder.path());
    let set = index.allowed("case", |key| key < 100);
    index.erase("case", &[5]).unwrap();
    index.compact(&mut |_| {}).unwrap();
    let found = index
        .search("case", &[1.0; DIM], Ask::nearest(200).among(&set))
        .unwrap();
    assert_eq!(found.hits.len(), 100);
    assert_eq!(search(&index, &[1.0; DIM], 500).len(), 299);
}

#[test]
fn five_hundred_copies_hide_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(1);
    let [a, b, c] = [random.vector(), random.vector(), random.vector()];
    let mut all: Rows = (0..500).map(|key| (key, (Some(a.clone()), None))).collect();
    all.insert(500, (Some(b.clone()), None));
    all.insert(501, (Some(c.clone()), None));
    let built = build_with(folder.path(), &all, Steps::default()).unwrap();
    assert_eq!(built.pools["case"], (502, 3));
    let index = open(folder.path());
    assert_eq!(keys(&search(&index, &b, 1)), [500]);
    assert_eq!(keys(&search(&index, &c, 1)), [501]);
    assert_eq!(keys(&search(&index, &a, 500)), (0..500).collect::<Vec<_>>());
    assert_eq!(search(&index, &a, 1000).len(), 502);
    index.erase("case", &(1..500).collect::<Vec<_>>()).unwrap();
    assert_eq!(search(&index, &a, 1000).len(), 3);
    index.erase("case", &[0]).unwrap();
    assert_eq!(search(&index, &a, 1000).len(), 2);
}

#[test]
fn the_parts_of_a_hit_explain_its_score() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(0..30, 21);
    build(folder.path(), &rows);
    let index = open(folder.path());
    let query = Random(4).vector();
    for hit in search(&index, &query, 30) {
        let parts = index.parts("case", hit.key).unwrap();
        let (text, image) = &rows[&hit.key];
        assert_eq!(
            (parts.text.is_some(), parts.image.is_some()),
            (text.is_some(), image.is_some())
        );
        let candidate = (parts.text.as_deref(), parts.image.as_deref());
        let terms = FourTerms::of((Some(&query), None), candidate).unwrap();
        assert!((terms.sum() - f64::from(hit.score)).abs() < 1e-3);
    }
    assert_eq!(index.parts("case", 77), None);
    assert_eq!(index.parts("nowhere", 1), None);
}

#[test]
fn bad_vectors_are_errors_and_lengths_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..50, 2));
    let index = open(folder.path());
    let ask = |query: &[f32]| index.search("case", query, Ask::nearest(5));
    let refused = |query: &[f32]| match ask(query) {
        Err(SearchError::Query(error)) => error,
        other => panic!("{other:?}"),
    };
    let mut nan = [1.0; DIM];
    nan[3] = f32::NAN;
    assert!(matches!(
        refused(&nan),
        VectorError::NotFinite { place: 3, .. }
    ));
    assert_eq!(refused(&[0.0; DIM]), VectorError::Zero);
    assert!(matches!(
        refused(&[1.0; 7]),
        VectorError::Dimension {
            found: 7,
            expected: DIM
        }
    ));
    assert!(matches!(
        refused(&[]),
        VectorError::Dimension { found: 0, .. }
    ));
    assert!(matches!(
        index.search("no", &[1.0; DIM], Ask::nearest(5)),
        Err(SearchError::NoPool { .. })
    ));
    let query = Random(8).vector();
    let long: Vec<f32> = query.iter().map(|value| value * 101.0).collect();
    assert_eq!(
        keys(&ask(&query).unwrap().hits),
        keys(&ask(&long).unwrap().hits)
    );
    assert_eq!(ask(&query).unwrap().hits.len(), 5);
    assert!(
        index
            .search("case", &query, Ask::nearest(0))
            .unwrap()
            .hits
            .is_empty()
    );
    for bad in [&nan[..], &[0.0; DIM][..], &[1.0; 3][..], &[][..]] {
        let row = NewRow {
            key: 9,
            content_hash: 0,
            text: Some(bad),
            image: None,
        };
        assert!(matches!(
            index.append("case", &[row]),
            Err(UpdateError::Vector { key: 9, .. })
        ));
    }
    assert_eq!(index.rows("case"), 50);
}

#[test]
fn nothing_is_missing_and_an_empty_index_is_searched() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        VectorIndex::open(folder.path()).unwrap(),
        Opened::Missing
    ));
    build(folder.path(), &Rows::new());
    let index = open(folder.path());
    assert_eq!(index.rows("case"), 0);
    append(&index, &rows(0..4, 3)).unwrap();
    assert_eq!(search(&index, &[1.0; DIM], 9).len(), 4);
    index.erase("case", &[0, 1, 2, 3]).unwrap();
    assert!(search(&index, &[1.0; DIM], 9).is_empty());
}

#[test]
fn the_tail_and_erasures_equal_an_index_built_anew() {
    let (folder, anew) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut all = rows(0..600, 31);
    build(folder.path(), &all);
    let index = open(folder.path());
    // 550 to 599 are replaced, 600 to 699 are new.
    let newer = rows(550..700, 32);
    append(&index, &newer).unwrap();
    all.extend(newer);
    let gone: Vec<i64> = (0..700).step_by(9).collect();
    index.erase("case", &gone).unwrap();
    all.retain(|key, _| !gone.contains(key));
    build(anew.path(), &all);
    let anew = open(anew.path());
    let expected: HashMap<i64, u64> = all.keys().map(|&key| (key, key as u64 * 7)).collect();
    let same = |index: &VectorIndex| {
        let mut random = Random(17);
        assert_eq!(index.rows("case"), all.len());
        assert_eq!(index.content_hashes("case"), expected);
        for _ in 0..25 {
            let query = random.vector();
            assert_eq!(search(index, &query, 10), search(&anew, &query, 10));
        }
        assert_eq!(index.parts("case", 560), anew.parts("case", 560));
    };
    same(&index);
    same(&open(folder.path()));
    index.compact(&mut |_| {}).unwrap();
    assert_eq!(index.tail_rows(), 0);
    same(&index);
    same(&open(folder.path()));
}

#[test]
fn a_reader_sees_what_another_writes() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..20, 1));
    let (reader, writer) = (open(folder.path()), open(folder.path()));
    append(&writer, &rows(20..25, 2)).unwrap();
    assert_eq!(reader.rows("case"), 25);
    writer.compact(&mut |_| {}).unwrap();
    assert_eq!((reader.rows("case"), reader.generation()), (25, 2));
    for _ in 0..3 {
        writer.compact(&mut |_| {}).unwrap();
    }
    let kept = crate::files::generations(folder.path());
    assert_eq!(kept, [4, 5]);
    assert_eq!(reader.rows("case"), 25);
}

#[test]
fn the_second_builder_is_told_to_wait() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..5, 1));
    let index = open(folder.path());
    let first = VectorIndex::build(folder.path(), sample(8)).unwrap();
    let second = VectorIndex::build(folder.path(), sample(8)).unwrap_err();
    assert!(matches!(second, BuildError::Busy { .. }), "{second}");
    assert!(matches!(
        index.erase("case", &[1]),
        Err(UpdateError::Busy { .. })
    ));
    drop(first);
    index.erase("case", &[1]).unwrap();
    assert_eq!(crate::files::generations(folder.path()), [1]);
}

#[test]
fn a_document_has_one_vector_and_a_model_one_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let mut builder = VectorIndex::build(folder.path(), sample(2)).unwrap();
    builder
        .push("case", row(1, 0, Some(&[1.0, 2.0]), None))
        .unwrap();
    let twice = builder
        .push("case", row(1, 0, Some(&[1.0, 2.0]), None))
        .unwrap_err();
    assert!(matches!(twice, BuildError::Twice { key: 1, .. }));
    assert!(matches!(
        builder.push("../x", row(1, 0, Some(&[1.0, 2.0]), None)),
        Err(BuildError::Pool(_))
    ));
    builder
        .push("guideline", row(1, 0, None, Some(&[1.0, 2.0])))
        .unwrap();
    builder.finish(&mut |_| {}).unwrap();
    let index = open(folder.path());
    assert_eq!(index.pools(), ["case", "guideline"]);
    index.expect(&sample(2)).unwrap();
    let refused = index.expect(&sample(3)).unwrap_err().to_string();
    assert!(refused.contains("dim 2, you loaded 3"), "{refused}");
}

/// Stops at the `n`th step as a killed process would: nothing is tidied up.
pub(crate) fn stops_at(n: usize) -> Steps {
    let reached = AtomicUsize::new(0);
    Steps(Some(Arc::new(move |_| {
        if reached.fetch_add(1, Ordering::Relaxed) == n {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    })))
}

/// Opens whatever is there and says how many documents are found.
fn found(root: &Path) -> usize {
    match VectorIndex::open(root).unwrap() {
        Opened::Missing => 0,
        Opened::Ready(index) | Opened::Repaired { index, .. } => {
            search(&index, &[1.0; DIM], 1000).len()
        }
    }
}

#[test]
fn a_build_killed_at_any_step_leaves_the_old_or_the_new() {
    let (old, new) = (rows(0..30, 1), rows(0..40, 2));
    for step in 0.. {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), &old);
        append(&open(folder.path()), &rows(100..103, 4)).unwrap();
        let outcome = build_with(folder.path(), &new, stops_at(step));
        let left = found(folder.path());
        assert!([33, 40].contains(&left), "{left} after step {step}");
        build(folder.path(), &new);
        assert_eq!(found(folder.path()), 40, "after step {step}");
        assert_eq!(crate::files::generations(folder.path()).len(), 2);
        if outcome.is_ok() {
            assert!(step > 15, "{step} steps");
            return;
        }
    }
}

#[test]
fn a_first_build_killed_at_any_step_can_be_made_again() {
    for step in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let outcome = build_with(folder.path(), &rows(0..9, 1), stops_at(step));
        // A generation without a file that lists it is nothing.
        assert!([0, 9].contains(&found(folder.path())), "after step {step}");
        build(folder.path(), &rows(0..10, 1));
        assert_eq!(found(folder.path()), 10);
        if outcome.is_ok() {
            return;
        }
    }
}

#[test]
fn an_update_killed_at_any_step_is_done_or_not() {
    for step in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), &rows(0..30, 1));
        let mut index = open(folder.path());
        index.steps = stops_at(step);
        let appended = append(&index, &rows(30..35, 2)).is_ok();
        let after_append = found(folder.path());
        // Bytes may be on disk although nobody was told so.
        assert!(
            after_append == 35 || (!appended && after_append == 30),
            "step {step}"
        );
        let compacted = index.compact(&mut |_| {}).is_ok();
        assert_eq!(found(folder.path()), after_append, "step {step}");
        let index = VectorIndex::open(folder.path())
            .unwrap()
            .into_index()
            .unwrap();
        append(&index, &rows(50..52, 3)).unwrap();
        assert_eq!(found(folder.path()), after_append + 2, "step {step}");
        index.compact(&mut |_| {}).unwrap();
        assert_eq!(found(folder.path()), after_append + 2, "step {step}");
        if appended && compacted {
            assert!(step > 15, "{step} steps");
            return;
        }
    }
    panic!("more steps than expected");
}

#[test]
fn a_full_disk_leaves_the_old_generation_and_no_litter() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..30, 1));
    let mut builder = VectorIndex::build(folder.path(), sample(DIM as u32)).unwrap();
    builder
        .push("case", row(1, 1, Some(&[1.0; DIM]), None))
        .unwrap();
    // The file cannot be made where a folder lies.
    fs::create_dir(folder.path().join("gen-000002/case.keys")).unwrap();
    let error = builder.finish(&mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("case.keys"), "{error}");
    assert_eq!(crate::files::generations(folder.path()), [1]);
    assert_eq!(search(&open(folder.path()), &[1.0; DIM], 99).len(), 30);
}

pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Two generations, the second with a tail.
fn two_generations(root: &Path) -> Vec<PathBuf> {
    build(root, &rows(0..60, 1));
    let index = open(root);
    append(&index, &rows(60..70, 2)).unwrap();
    index.compact(&mut |_| {}).unwrap();
    append(&index, &rows(70..75, 3)).unwrap();
    let mut files = files_below(&root.join("gen-000002"));
    files.push(root.join("CURRENT"));
    files.push(root.join("tail/wal-000002.log"));
    files
}

/// Damaged in any way the index says which file it is and serves what is left, all of it if only
/// the newer generation is damaged.
#[track_caller]
fn served(root: &Path, damaged: &Path) {
    let name = damaged.file_name().unwrap().to_str().unwrap();
    let is_tail = name.starts_with("wal");
    match VectorIndex::open(root).unwrap() {
        Opened::Repaired { index, why } => {
            assert!(
                why.contains(name) || why.contains("names no generation"),
                "{name}: {why}"
            );
            let left = search(&index, &[1.0; DIM], 1000).len();
            assert!(left == 75 || (is_tail && left == 70), "{name}: {left}");
        }
        Opened::Ready(index) => {
            // White space in the manifest is no damage.
            assert!(name == "manifest.json", "{name} is not noticed");
            assert_eq!(search(&index, &[1.0; DIM], 1000).len(), 75);
        }
        Opened::Missing => panic!("{name}: missing"),
    }
}

#[test]
fn a_file_that_is_cut_short_emptied_or_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for file in two_generations(folder.path()) {
        let bytes = fs::read(&file).unwrap();
        for cut in [bytes.len() - 1, bytes.len() / 2, 1, 0] {
            if cut < bytes.len() {
                fs::write(&file, &bytes[..cut]).unwrap();
                served(folder.path(), &file);
            }
        }
        fs::remove_file(&file).unwrap();
        served(folder.path(), &file);
        fs::write(&file, &bytes).unwrap();
        open(folder.path());
    }
}

#[test]
fn two_hundred_flipped_bytes_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = 12_345_u64;
    for file in two_generations(folder.path()) {
        let bytes = fs::read(&file).unwrap();
        for _ in 0..200_usize.div_ceil(12) {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            let at = (random >> 33) as usize % bytes.len().max(1);
            let mut flipped = bytes.clone();
            if let Some(byte) = flipped.get_mut(at) {
                *byte ^= 1 << (random >> 20 & 7);
                fs::write(&file, &flipped).unwrap();
                served(folder.path(), &file);
            }
        }
        fs::write(&file, &bytes).unwrap();
    }
}

#[test]
fn swapped_files_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let files = two_generations(folder.path());
    for (one, other) in files.iter().zip(files.iter().skip(1)) {
        let (a, b) = (fs::read(one).unwrap(), fs::read(other).unwrap());
        fs::write(one, &b).unwrap();
        fs::write(other, &a).unwrap();
        let opened = VectorIndex::open(folder.path()).unwrap();
        assert!(
            matches!(opened, Opened::Repaired { .. }),
            "{}",
            one.display()
        );
        fs::write(one, &a).unwrap();
        fs::write(other, &b).unwrap();
    }
}

#[test]
fn when_nothing_is_left_the_error_names_a_file() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..60, 1));
    fs::write(folder.path().join("gen-000001/case.i8"), b"no").unwrap();
    let error = VectorIndex::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("case.i8"), "{error}");
    assert!(error.contains("build it anew"), "{error}");
}

#[test]
fn a_damaged_tail_takes_no_rows_until_it_is_compacted() {
    let folder = tempfile::tempdir().unwrap();
    two_generations(folder.path());
    let log = folder.path().join("tail/wal-000002.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[60] ^= 4;
    fs::write(&log, bytes).unwrap();
    let index = VectorIndex::open(folder.path())
        .unwrap()
        .into_index()
        .unwrap();
    assert!(matches!(
        append(&index, &rows(90..91, 1)),
        Err(UpdateError::Tail { .. })
    ));
    index.compact(&mut |_| {}).unwrap();
    append(&index, &rows(90..91, 1)).unwrap();
    assert_eq!(search(&open(folder.path()), &[1.0; DIM], 999).len(), 71);
}
