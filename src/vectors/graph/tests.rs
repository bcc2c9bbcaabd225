//! Graphs: what they find, what they refuse, and that losing one loses nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::attached::{Audit, graph_path, reports, write_reports};
use super::build::{GraphSettings, build_graph, build_stepwise};
use super::shape::{END, Lists, Shape, Upper};
use super::walk::{Scratch, Walk};
use super::{Graph, graphs_path};
use crate::columns::Column;
use crate::files::Steps;
use crate::kernels::Kernel;
use crate::rows::Pool;
use crate::tests::{DIM, Random, Rows, append, build, files_below, keys, open, rows, stops_at};
use crate::{Ask, GraphReport, How, Kind, Opened, VectorIndex};

const SMALL: GraphSettings = GraphSettings {
    neighbours: 8,
    candidates: 60,
};

fn with_graph(root: &Path, rows: &Rows) -> GraphReport {
    build(root, rows);
    build_graph(root, "case", SMALL, &mut |_| {}).unwrap()
}

fn asked(index: &VectorIndex, query: &[f32], ask: Ask<'_>) -> (Vec<i64>, Kind) {
    let found = index.search("case", query, ask).unwrap();
    (keys(&found.hits), found.kind)
}

fn by_graph(k: usize) -> Ask<'static> {
    Ask {
        how: How::Graph,
        ..Ask::nearest(k)
    }
}

fn exactly(k: usize) -> Ask<'static> {
    Ask {
        how: How::Exact,
        ..Ask::nearest(k)
    }
}

/// Of forty queries, how much of what a scan finds the graph finds.
fn recall(index: &VectorIndex, k: usize) -> f64 {
    let mut random = Random(77);
    let (mut common, mut wanted) = (0, 0);
    for _ in 0..40 {
        let query = random.vector();
        let (found, kind) = asked(index, &query, by_graph(k));
        assert!(matches!(kind, Kind::Hnsw { .. }), "{kind:?}");
        let truth: BTreeSet<i64> = asked(index, &query, exactly(k)).0.into_iter().collect();
        wanted += truth.len();
        common += found.iter().filter(|key| truth.contains(key)).count();
    }
    common as f64 / wanted as f64
}

#[test]
fn a_graph_finds_what_a_scan_finds() {
    let folder = tempfile::tempdir().unwrap();
    let report = with_graph(folder.path(), &rows(0..1500, 5));
    assert!(report.is_served);
    assert!(report.audit.recall_10 >= 9_930, "{report:?}");
    let index = open(folder.path());
    assert!(recall(&index, 10) > 0.97, "{}", recall(&index, 10));
    assert_eq!(index.graph("case"), Some(report));
}

#[test]
fn the_same_rows_give_the_same_graph() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let of = |root: &Path| with_graph(root, &rows(0..400, 5));
    assert_eq!(of(one.path()), of(other.path()));
}

#[test]
fn a_small_pool_is_scanned_although_there_is_a_graph() {
    let folder = tempfile::tempdir().unwrap();
    with_graph(folder.path(), &rows(0..300, 5));
    let index = open(folder.path());
    let (_, kind) = asked(&index, &[1.0; DIM], Ask::nearest(10));
    assert_eq!(kind, Kind::FlatExact);
}

/// Copies that are one row, copies with the same codes, and copies that differ by a little.
#[test]
fn five_hundred_copies_hide_nobody_in_a_graph() {
    for noise in [0.0, 1e-4, 1e-2] {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random(1);
        let [a, b, c] = [random.vector(), random.vector(), random.vector()];
        let mut all = Rows::new();
        for key in 0..500 {
            let copy = a
                .iter()
                .map(|value| value + random.next() * noise)
                .collect();
            all.insert(key, (Some(copy), None));
        }
        all.insert(500, (Some(b.clone()), None));
        all.insert(501, (Some(c.clone()), None));
        with_graph(folder.path(), &all);
        let index = open(folder.path());
        let first = |query: &[f32]| asked(&index, query, by_graph(1));
        assert_eq!(first(&b).0, [500], "{noise}");
        assert_eq!(first(&c).0, [501], "{noise}");
        let (found, _) = asked(&index, &a, by_graph(502));
        assert_eq!(found.len(), 502, "{noise}");
        index.erase("case", &(0..499).collect::<Vec<_>>()).unwrap();
        assert_eq!(asked(&index, &a, by_graph(1)).0, [499], "{noise}");
        assert_eq!(asked(&index, &a, by_graph(9)).0.len(), 3, "{noise}");
    }
}

#[test]
fn the_tail_is_found_and_what_was_erased_is_not() {
    let folder = tempfile::tempdir().unwrap();
    with_graph(folder.path(), &rows(0..1200, 31));
    let index = open(folder.path());
    append(&index, &rows(1100..1300, 32)).unwrap();
    let gone: Vec<i64> = (0..1300).step_by(3).collect();
    index.erase("case", &gone).unwrap();
    assert!(recall(&index, 10) > 0.97);
    let mut random = Random(4);
    for _ in 0..20 {
        let (found, _) = asked(&index, &random.vector(), by_graph(30));
        assert!(found.iter().all(|key| key % 3 != 0), "{found:?}");
        assert_eq!(found.len(), 30);
    }
}

#[test]
fn a_filter_holds_by_a_graph_too() {
    let folder = tempfile::tempdir().unwrap();
    with_graph(folder.path(), &rows(0..1500, 7));
    let index = open(folder.path());
    append(&index, &rows(1500..1600, 8)).unwrap();
    for modulus in [2, 7, 400] {
        let set = index.allowed("case", |key| key % modulus != 1);
        let few = index.allowed("case", |key| key % modulus == 1);
        let mut random = Random(11);
        let (mut common, mut wanted) = (0, 0);
        for _ in 0..20 {
            let query = random.vector();
            for set in [&set, &few] {
                let (found, _) = asked(&index, &query, by_graph(10).among(set));
                let (truth, _) = asked(&index, &query, exactly(10).among(set));
                assert_eq!(found.len(), truth.len());
                wanted += truth.len();
                common += found.iter().filter(|key| truth.contains(key)).count();
            }
        }
        assert!(common as f64 / wanted as f64 > 0.97, "{modulus}");
    }
}

#[test]
fn a_reader_sees_a_graph_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..300, 5));
    let index = open(folder.path());
    let kind = || asked(&index, &[1.0; DIM], by_graph(5)).1;
    assert_eq!(kind(), Kind::FlatExact);
    build_graph(folder.path(), "case", SMALL, &mut |_| {}).unwrap();
    assert!(matches!(kind(), Kind::Hnsw { .. }));
    append(&index, &rows(300..310, 6)).unwrap();
    assert!(matches!(kind(), Kind::Hnsw { .. }));
    index.compact(&mut |_| {}).unwrap();
    assert_eq!((kind(), index.graph("case")), (Kind::FlatExact, None));
    assert_eq!(index.settled_rows("case"), 310);
}

#[test]
fn a_graph_build_killed_at_any_step_leaves_a_searchable_index() {
    for step in 0.. {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), &rows(0..120, 1));
        let steps = stops_at(step);
        let killed = build_stepwise(folder.path(), "case", SMALL, (&mut |_| {}, &steps));
        let index = open(folder.path());
        let (found, kind) = asked(&index, &[1.0; DIM], by_graph(120));
        assert_eq!(found.len(), 120, "after step {step}");
        assert!(killed.is_err() || kind != Kind::FlatExact);
        build_graph(folder.path(), "case", SMALL, &mut |_| {}).unwrap();
        assert!(matches!(
            asked(&index, &[1.0; DIM], by_graph(9)).1,
            Kind::Hnsw { .. }
        ));
        let files = files_below(&folder.path().join("gen-000001"));
        let is_graph = |path: &&PathBuf| path.to_string_lossy().contains("graph");
        assert_eq!(files.iter().filter(is_graph).count(), 2, "{files:?}");
        if killed.is_ok() {
            assert!(step > 5, "{step} steps");
            return;
        }
    }
}

/// The index says which file is damaged and finds everything all the same.
#[track_caller]
fn scanned(root: &Path, damaged: &Path, what: &str) {
    let name = damaged.file_name().unwrap().to_str().unwrap();
    let Opened::Repaired { index, why } = VectorIndex::open(root).unwrap() else {
        panic!("{what}: {name} is not noticed");
    };
    assert!(why.contains(name), "{what}: {why}");
    let (found, kind) = asked(&index, &[1.0; DIM], by_graph(150));
    assert_eq!((found.len(), kind), (150, Kind::FlatExact), "{what}");
}

/// The graph and the manifest of graphs.
fn graph_files(root: &Path, report: &GraphReport) -> [PathBuf; 2] {
    let generation = root.join("gen-000001");
    [
        graph_path(&generation, "case", &report.file),
        graphs_path(root, 1),
    ]
}

#[test]
fn a_damaged_graph_is_named_and_every_row_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let report = with_graph(root, &rows(0..150, 1));
    let [graph, manifest] = graph_files(root, &report);
    for file in [&graph, &manifest] {
        let bytes = fs::read(file).unwrap();
        for cut in [bytes.len() - 2, bytes.len() / 2, 1, 0] {
            fs::write(file, &bytes[..cut]).unwrap();
            scanned(root, file, "cut short");
        }
        fs::write(file, &bytes).unwrap();
    }
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"schema\": 1", "\"schema\": 2")).unwrap();
    scanned(root, &manifest, "another version");
    fs::write(
        &manifest,
        text.replace("\"generation\": 1", "\"generation\": 2"),
    )
    .unwrap();
    scanned(root, &manifest, "another generation");
    fs::write(&manifest, text).unwrap();
    open(root);
    fs::remove_file(&graph).unwrap();
    scanned(root, &graph, "missing");
    build_graph(root, "case", SMALL, &mut |_| {}).unwrap();
    open(root);
}

#[test]
fn two_hundred_flipped_bytes_of_a_graph_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let report = with_graph(root, &rows(0..150, 1));
    let mut random = 12_345_u64;
    for file in graph_files(root, &report) {
        let bytes = fs::read(&file).unwrap();
        for _ in 0..200 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            let at = (random >> 33) as usize % bytes.len();
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (random >> 20 & 7);
            // White space in a manifest is no damage.
            if !bytes[at].is_ascii_whitespace() {
                fs::write(&file, &flipped).unwrap();
                scanned(root, &file, &format!("byte {at}"));
            }
        }
        fs::write(&file, &bytes).unwrap();
    }
}

#[test]
fn the_graph_of_other_rows_is_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let report = with_graph(one.path(), &rows(0..150, 1));
    let theirs = with_graph(other.path(), &rows(0..150, 2));
    let [graph, _] = graph_files(one.path(), &report);
    let [foreign, _] = graph_files(other.path(), &theirs);
    let bytes = fs::read(foreign).unwrap();
    fs::write(&graph, &bytes).unwrap();
    scanned(one.path(), &graph, "swapped");
    // Even when the manifest lists it: the file names the codes it was built over.
    let folder = graph.parent().unwrap();
    fs::write(graph_path(folder, "case", &theirs.file), &bytes).unwrap();
    let mut pools = reports(one.path(), 1).unwrap();
    pools.insert("case".to_owned(), theirs.clone());
    write_reports(one.path(), 1, pools, &Steps::default()).unwrap();
    scanned(
        one.path(),
        &graph_path(folder, "case", &theirs.file),
        "listed",
    );
}

#[test]
fn a_graph_that_finds_too_little_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), &rows(0..400, 1));
    let index = open(folder.path());
    let mut pool = Pool::of(Arc::clone(&index.state().generation.pools["case"]));
    let lists = Lists {
        ground: vec![END; 400 * 4],
        width: 4,
        upper_width: 4,
        ..Lists::default()
    };
    let words = Column::Owned(lists.words(9));
    pool.graph = Graph::of(words, 400, 9, Audit::default()).map(Arc::new);
    assert!(pool.graph.is_some());
    let (found, is_enough) = super::audit::audit(&pool);
    assert!(!is_enough && found.ef_10 == 4096, "{found:?}");
}

#[test]
fn a_wider_search_is_for_more_hits() {
    let audit = Audit {
        ef_10: 100,
        ef_100: 280,
        looked_at_10: 2_000,
        looked_at_100: 5_600,
        ..Audit::default()
    };
    let widths = [1, 10, 55, 100, 1000].map(|k| audit.width(k));
    assert_eq!(widths, [100, 100, 190, 280, 2800]);
    assert!((audit.looked_at(190) - 3_800.0).abs() < 1.0);
}

fn some_lists(words: &[u32], rows: u32) -> Lists {
    let row = |at: usize| words[at % words.len()] % rows;
    let list = |at: usize| if row(at) % 5 == 0 { END } else { row(at + 1) };
    Lists {
        ground: (0..rows as usize * 3).map(list).collect(),
        width: 3,
        upper: vec![Upper {
            rows: (0..rows / 2).collect(),
            lists: (0..rows as usize / 2 * 2).map(list).collect(),
        }],
        upper_width: 2,
        entry: row(0),
        twins: Vec::new(),
        stragglers: vec![row(3)],
    }
}

proptest! {
    #[test]
    fn any_words_are_a_graph_or_refused(
        mut words in prop::collection::vec(any::<u32>(), 8..40),
        at in 0usize..400,
        value in any::<u32>(),
    ) {
        prop_assert_eq!(Shape::of(&words, 7, 1), None);
        let mut whole = some_lists(&words, 7).words(1);
        prop_assert!(Shape::of(&whole, 7, 1).is_some());
        prop_assert_eq!(Shape::of(&whole, 8, 1), None);
        prop_assert_eq!(Shape::of(&whole, 7, 2), None);
        let at = at % whole.len();
        whole[at] = value;
        // Whatever the word is now: no panic.
        let _ = Shape::of(&whole, 7, 1);
        words.truncate(3);
        prop_assert_eq!(Shape::of(&words, 7, 1), None);
    }

    #[test]
    fn a_walk_ends_on_any_graph(words in prop::collection::vec(any::<u32>(), 8..90), wanted in 0usize..9) {
        let columns = some_columns(31);
        let lists = some_lists(&words, 31);
        let graph = Graph::of(Column::Owned(lists.words(1)), 31, 1, Audit::default()).unwrap();
        let codes = columns.codes.as_slice()[..64].to_vec();
        let walk = Walk { graph: &graph, columns: &columns, kernel: Kernel::best(), codes: &codes };
        let mut scratch = Scratch::default();
        for passes in [(|_| true) as fn(u32) -> bool, |row| row % 3 == 0, |_| false] {
            if walk.run(&mut scratch, wanted, &passes).is_some() {
                let beam = &scratch.beam;
                prop_assert!(beam.is_sorted_by(|a, b| a.score >= b.score));
                prop_assert!(beam.iter().filter(|step| step.passes).count() <= wanted.max(1));
                let different: BTreeSet<u32> = beam.iter().map(|step| step.row).collect();
                prop_assert_eq!(different.len(), beam.len());
            }
        }
    }
}

fn some_columns(rows: usize) -> crate::columns::Columns {
    let mut random = Random(3);
    let mut columns = crate::columns::Columns::empty(DIM);
    for key in 0..rows {
        let vector = random.vector();
        let stored = crate::encode::StoredRow::of(DIM, Some(&vector), None).unwrap();
        columns.push(key as i64, 0, &stored);
    }
    columns
}
