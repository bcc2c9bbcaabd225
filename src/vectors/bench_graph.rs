//! The bars of the graph: `cargo bench -p semihv-vectors --bench graph -- 100000 [FOLDER]`.
//!
//! Vectors are made up, seeded and clustered, as embeddings of sentences are: 384 dimensions, a
//! centre for every 25 rows, and around them noise whose spectrum decays. With a folder they are
//! kept there for `benches/hnswlib_peer.py`, which asks hnswlib the same. Times are those of one
//! thread's processor. A third word `alone` leaves plain hnsw_rs out, `peer` does nothing else, so that
//! both can run side by side once the folder has its index.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hnsw_rs::prelude::{DistDot, Hnsw};
use rustix::time::{ClockId, clock_gettime};
use semihv_vectors::{
    Ask, Fingerprint, GraphSettings, How, Kind, NewRow, VectorIndex, build_graph,
};

const DIM: usize = 384;
const ROWS_A_CENTRE: usize = 25;
const QUERIES: usize = 1_000;

/// How fast the spectrum of the noise falls, and how far it reaches beside the centres.
const DECAY: f32 = 0.5;
const NOISE: f32 = 1.0;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let given: Vec<&String> = given.iter().filter(|it| !it.starts_with('-')).collect();
    let rows = given.first().map_or(Ok(100_000), |rows| rows.parse())?;
    let only = given.get(2).map_or("", |only| only.as_str());
    let folder = tempfile::tempdir()?;
    let kept = given.get(1).map(PathBuf::from);
    let root = kept
        .as_ref()
        .map_or(folder.path().to_owned(), |kept| kept.join("index"));
    let all = vectors(rows + QUERIES);
    let (vectors, queries) = all.split_at(rows);
    if let Some(kept) = &kept {
        keep(kept, vectors, queries)?;
    }
    if VectorIndex::open(&root)?.into_index().is_none() {
        build(&root, vectors)?;
    }
    let index = VectorIndex::open(&root)?
        .into_index()
        .ok_or("it was just built")?;
    if only == "peer" {
        let (plain, _) = plain(vectors);
        by_plain(&plain, queries, &truth(&index, queries, 10))?;
        std::mem::forget(plain);
        return Ok(());
    }
    say_neighbourhood(&index, vectors, queries)?;
    let own = built(&index, &root)?;
    let truths = [10, 100].map(|k| truth(&index, queries, k));
    let [ten, hundred] = &truths;
    by_scan(&index, queries)?;
    let ours = by_graph(&index, queries, 10, ten)?;
    by_graph(&index, queries, 100, hundred)?;
    with_many_barred(&index, queries)?;
    if only == "alone" {
        return Ok(());
    }
    let (plain, seconds) = plain(vectors);
    bar("build / plain hnsw_rs", own / seconds, 1.15);
    let theirs = by_plain(&plain, queries, ten)?;
    bar("search / hnsw_rs at recall 0.99", ours / theirs, 1.0);
    std::mem::forget(plain);
    Ok(())
}

fn build(root: &Path, vectors: &[Vec<f32>]) -> Outcome<()> {
    let fingerprint = Fingerprint {
        name: "made up".to_owned(),
        weights: String::new(),
        preprocess: String::new(),
        tokenizer: String::new(),
        context_length: 77,
        fusion: Fingerprint::FUSION.to_owned(),
        dim: DIM as u32,
        dtype: "f16".to_owned(),
        instructions: String::new(),
        seed: 0,
    };
    let mut builder = VectorIndex::build(root, fingerprint)?;
    for (key, vector) in vectors.iter().enumerate() {
        let row = NewRow {
            key: key as i64,
            content_hash: 0,
            text: Some(vector),
            image: None,
        };
        builder.push("all", row)?;
    }
    builder.finish(&mut |_| {})?;
    Ok(())
}

/// Seconds of the building without the audit, which hnsw_rs does not do.
fn built(index: &VectorIndex, root: &Path) -> Outcome<f64> {
    let began = thread_time();
    let (mut before_audit, mut before_refining) = (began, began);
    let settings = GraphSettings::default();
    let report = build_graph(root, "all", settings, &mut |progress| match progress.step {
        "refining" => before_refining = thread_time(),
        "auditing" => before_audit = thread_time(),
        _ => {}
    })?;
    let ended = thread_time();
    let seconds = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64();
    say(&format!(
        "graph built in {:.1} s ({:.1} s hnsw_rs, {:.1} s refining), audited in {:.1} s",
        seconds(began, before_audit),
        seconds(began, before_refining),
        seconds(before_refining, before_audit),
        seconds(before_audit, ended),
    ));
    say(&format!("{:?}", report.audit));
    if index.graph("all").is_none_or(|report| !report.is_served) {
        say("the graph is not served: every row is scanned");
    }
    Ok(seconds(began, before_audit))
}

fn truth(index: &VectorIndex, queries: &[Vec<f32>], k: usize) -> Vec<Vec<i64>> {
    let ask = Ask {
        how: How::Exact,
        ..Ask::nearest(k)
    };
    let mut all = Vec::new();
    for queries in queries.chunks(25) {
        let queries: Vec<&[f32]> = queries.iter().map(Vec::as_slice).collect();
        for found in index.search_many("all", &queries, ask).unwrap_or_default() {
            all.push(found.hits.iter().map(|hit| hit.key).collect());
        }
    }
    all
}

fn by_scan(index: &VectorIndex, queries: &[Vec<f32>]) -> Outcome<()> {
    let ask = Ask {
        how: How::Exact,
        ..Ask::nearest(10)
    };
    let mut times = Vec::new();
    for query in queries.iter().take(100) {
        let began = thread_time();
        black_box(index.search("all", query, ask)?);
        times.push(thread_time().saturating_sub(began));
    }
    say(&format!(
        "scan of all rows: p50 {:.0} us",
        median(&mut times) * 1e6
    ));
    Ok(())
}

/// Median seconds of the default search.
fn by_graph(
    index: &VectorIndex,
    queries: &[Vec<f32>],
    k: usize,
    truth: &[Vec<i64>],
) -> Outcome<f64> {
    let (mut times, mut found, mut scanned) = (Vec::new(), Vec::new(), 0);
    let mut kind = Kind::FlatExact;
    for query in queries {
        let began = thread_time();
        let own = index.search("all", query, Ask::nearest(k))?;
        times.push(thread_time().saturating_sub(began));
        scanned += own.scanned;
        kind = own.kind;
        found.push(own.hits.iter().map(|hit| hit.key).collect::<Vec<_>>());
    }
    let time = median(&mut times);
    let p99 = times
        .get(times.len() * 99 / 100)
        .map_or(0.0, Duration::as_secs_f64);
    say(&format!(
        "default search of {k}: {kind:?}, recall {:.4}, p50 {:.0} us, p99 {:.0} us, {} rows looked at",
        recall(&found, truth),
        time * 1e6,
        p99 * 1e6,
        scanned / queries.len().max(1),
    ));
    Ok(time)
}

fn with_many_barred(index: &VectorIndex, queries: &[Vec<f32>]) -> Outcome<()> {
    for (share, modulus) in [("all but 1 in 100", 100), ("half", 2), ("1 in 10", 10)] {
        let set = index.allowed("all", |key| match share {
            "all but 1 in 100" => key % modulus != 0,
            _ => key % modulus == 0,
        });
        let (mut times, mut common, mut wanted) = (Vec::new(), 0, 0);
        let mut kind = Kind::FlatExact;
        for query in queries.iter().take(200) {
            let ask = Ask::nearest(10).among(&set);
            let exact = Ask {
                how: How::Exact,
                ..ask
            };
            let began = thread_time();
            let own = index.search("all", query, ask)?;
            times.push(thread_time().saturating_sub(began));
            kind = own.kind;
            let truth = index.search("all", query, exact)?;
            wanted += truth.hits.len();
            common += own
                .hits
                .iter()
                .filter(|hit| truth.hits.contains(hit))
                .count();
        }
        say(&format!(
            "{share} may be found: {kind:?}, recall {:.4}, p50 {:.0} us",
            f64::from(common as u32) / wanted.max(1) as f64,
            median(&mut times) * 1e6
        ));
    }
    Ok(())
}

fn plain(vectors: &[Vec<f32>]) -> (Hnsw<'static, f32, DistDot>, f64) {
    let settings = GraphSettings::default();
    let mut plain: Hnsw<'static, f32, DistDot> = Hnsw::new(
        settings.neighbours,
        vectors.len(),
        16,
        settings.candidates,
        DistDot,
    );
    plain.modify_level_scale(0.5);
    let began = thread_time();
    for (key, vector) in vectors.iter().enumerate() {
        plain.insert((&unit(vector), key));
    }
    let seconds = thread_time().saturating_sub(began).as_secs_f64();
    say(&format!("plain hnsw_rs built in {seconds:.1} s"));
    (plain, seconds)
}

/// Median seconds at the least width with enough recall.
fn by_plain(
    plain: &Hnsw<'static, f32, DistDot>,
    queries: &[Vec<f32>],
    truth: &[Vec<i64>],
) -> Outcome<f64> {
    for ef in [
        24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096,
    ] {
        let (mut times, mut found) = (Vec::new(), Vec::new());
        for query in queries {
            let query = unit(query);
            let began = thread_time();
            let near = plain.search(&query, 10, ef);
            times.push(thread_time().saturating_sub(began));
            found.push(near.iter().map(|near| near.d_id as i64).collect::<Vec<_>>());
        }
        let (recall, time) = (recall(&found, truth), median(&mut times));
        say(&format!(
            "plain hnsw_rs, ef {ef}: recall {recall:.4}, p50 {:.0} us",
            time * 1e6
        ));
        if recall >= 0.99 {
            return Ok(time);
        }
    }
    Err("hnsw_rs does not reach 0.99".into())
}

fn recall(found: &[Vec<i64>], truth: &[Vec<i64>]) -> f64 {
    let wanted: usize = truth.iter().map(Vec::len).sum();
    let pairs = found.iter().zip(truth);
    let common: usize = pairs
        .map(|(found, truth)| found.iter().filter(|key| truth.contains(key)).count())
        .sum();
    common as f64 / wanted.max(1) as f64
}

/// For `benches/hnswlib_peer.py`: unit vectors, one after the other.
fn keep(folder: &Path, vectors: &[Vec<f32>], queries: &[Vec<f32>]) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    for (name, vectors) in [("vectors.f32", vectors), ("queries.f32", queries)] {
        let mut file = BufWriter::new(File::create(folder.join(name))?);
        for vector in vectors {
            for value in unit(vector) {
                file.write_all(&value.to_le_bytes())?;
            }
        }
        file.flush()?;
    }
    Ok(())
}

/// Says how hard the neighbourhoods are: the local intrinsic dimension by maximum likelihood over the
/// 100 nearest, and cosines.
fn say_neighbourhood(
    index: &VectorIndex,
    vectors: &[Vec<f32>],
    queries: &[Vec<f32>],
) -> Outcome<()> {
    let ask = Ask {
        how: How::Exact,
        ..Ask::nearest(100)
    };
    let (mut dimensions, mut first, mut tenth, mut apart) = (Vec::new(), 0.0, 0.0, 0.0);
    let queries: Vec<&Vec<f32>> = queries.iter().take(200).collect();
    for (at, query) in queries.iter().enumerate() {
        let hits = index.search("all", query, ask)?.hits;
        let distance = |score: f32| f64::from((2.0 - 2.0 * score).max(1e-6)).sqrt();
        let farthest = hits.last().map_or(1.0, |hit| distance(hit.score));
        let logs: f64 = hits
            .iter()
            .map(|hit| (distance(hit.score) / farthest).ln())
            .sum();
        dimensions.push(-(hits.len() as f64) / logs);
        first += hits.first().map_or(0.0, |hit| f64::from(hit.score));
        tenth += hits.get(9).map_or(0.0, |hit| f64::from(hit.score));
        let other = vectors.get(at * 7).map(|it| unit(it)).unwrap_or_default();
        let cosine: f32 = unit(query).iter().zip(&other).map(|(a, b)| a * b).sum();
        apart += f64::from(cosine);
    }
    dimensions.sort_by(f64::total_cmp);
    let count = queries.len().max(1) as f64;
    say(&format!(
        "{} rows; local dimension {:.1}; cosine of the nearest {:.2}, of the tenth {:.2}, of any {:.2}",
        vectors.len(),
        dimensions.get(dimensions.len() / 2).copied().unwrap_or(0.0),
        first / count,
        tenth / count,
        apart / count
    ));
    Ok(())
}

fn vectors(count: usize) -> Vec<Vec<f32>> {
    let mut random = Random(0x5EED_1234_5678_9ABC);
    let turn: Vec<Vec<f32>> = (0..DIM)
        .map(|_| {
            (0..DIM)
                .map(|_| random.next() / (DIM as f32).sqrt())
                .collect()
        })
        .collect();
    let spectrum: Vec<f32> = (1..=DIM).map(|at| (at as f32).powf(-DECAY)).collect();
    let mut drawn = |scale: f32| -> Vec<f32> {
        spectrum
            .iter()
            .map(|width| width * scale * random.next())
            .collect()
    };
    let centres = count.div_ceil(ROWS_A_CENTRE);
    let centres: Vec<Vec<f32>> = (0..centres).map(|_| drawn(1.0)).collect();
    (0..count)
        .map(|at| {
            // Some centres have many rows, most have few.
            let place = (at as f64 * 0.618_033_988_7).fract();
            let centre = (place * place * centres.len() as f64) as usize;
            let own = drawn(NOISE);
            let mut turned = vec![0.0; DIM];
            for ((value, centre), row) in own.iter().zip(&centres[centre]).zip(&turn) {
                for (turned, turn) in turned.iter_mut().zip(row) {
                    *turned += (value + centre) * turn;
                }
            }
            turned
        })
        .collect()
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let norm: f64 = vector.iter().map(|a| f64::from(*a) * f64::from(*a)).sum();
    // A hair short of one: hnsw_rs panics beyond it.
    let norm = norm.sqrt() * 1.000_000_5;
    vector
        .iter()
        .map(|value| (f64::from(*value) / norm) as f32)
        .collect()
}

struct Random(u64);

impl Random {
    /// About normal.
    fn next(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..3 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            sum += (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
        }
        sum * 2.0
    }
}

/// Sorts them; in seconds.
fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(0.0, Duration::as_secs_f64)
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn bar(what: &str, measured: f64, most: f64) {
    let verdict = if measured <= most { "holds" } else { "MISSED" };
    say(&format!("{what}: {measured:.3} (bar {most}) {verdict}"));
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
