//! The bars of the vector index: `cargo bench -p semihv-vectors -- 100000`.
//!
//! Vectors are made up, seeded and clustered: 384 dimensions around 2,000 centres. Times are those
//! of one thread's processor; a bar is a ratio to something measured in the same run.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Advice, fadvise};
use rustix::time::{ClockId, clock_gettime};
use semihv_vectors::{Ask, Fingerprint, NewRow, VectorIndex};

const DIM: usize = 384;
const CENTRES: u64 = 2_000;
const QUERIES: u64 = 300;
const ROUNDS: usize = 41;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let rows = std::env::args().find_map(|argument| argument.parse().ok());
    let rows: u64 = rows.unwrap_or(100_000);
    let folder = tempfile::tempdir()?;
    let vectors: Vec<Vec<f32>> = (0..rows).map(|row| vector(row, row % CENTRES)).collect();
    let queries: Vec<Vec<f32>> = (0..QUERIES)
        .map(|query| vector(rows + query, query * 7 % CENTRES))
        .collect();
    let began = thread_time();
    build(folder.path(), &vectors)?;
    let seconds = thread_time().saturating_sub(began).as_secs_f64();
    say(&format!("{rows} rows of {DIM} built in {seconds:.1} s"));
    opening(folder.path())?;
    let Some(index) = VectorIndex::open(folder.path())?.into_index() else {
        return Err("it was just built".into());
    };
    exact(&index, &vectors, &queries)?;
    filtered(&index, &queries)?;
    many(&index, &queries)?;
    tail(&index, rows, &queries)
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
        if passes(key as i64) {
            builder.push("few", row)?;
        }
    }
    builder.finish(&mut |_| {})?;
    Ok(())
}

/// One in a hundred, here and there.
fn passes(key: i64) -> bool {
    (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & 0xFFFF < 655
}

fn opening(root: &Path) -> Outcome<()> {
    let mut times = Vec::new();
    for (what, is_cold) in [("warm", false), ("after the cache was dropped", true)] {
        times.clear();
        for _ in 0..5 {
            if is_cold {
                drop_from_cache(root)?;
            }
            let began = Instant::now();
            black_box(VectorIndex::open(root)?);
            times.push(began.elapsed());
        }
        let time = median(&mut times);
        bar(
            &format!("open, every file verified, {what} (wall)"),
            time,
            0.2,
            "s",
        );
    }
    Ok(())
}

fn drop_from_cache(root: &Path) -> Outcome<()> {
    for entry in fs::read_dir(root.join("gen-000001"))? {
        let file = File::open(entry?.path())?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

fn exact(index: &VectorIndex, vectors: &[Vec<f32>], queries: &[Vec<f32>]) -> Outcome<()> {
    let bytes = vectors.len() * DIM;
    let buffer: Vec<u64> = (0..bytes as u64 / 8).collect();
    let (mut reads, mut searches) = (Vec::new(), Vec::new());
    // In turns, so that both see the same neighbours on the machine.
    for query in queries {
        reads.push(timed(|| black_box(read_all(&buffer))));
        let began = thread_time();
        black_box(index.search("all", query, Ask::nearest(10))?);
        searches.push(thread_time().saturating_sub(began));
    }
    let (read, search) = (median(&mut reads), median(&mut searches));
    say(&format!(
        "reading {} MB: {:.2} ms ({:.1} GB/s); exact search p50 {:.2} ms, p99 {:.2} ms",
        bytes / 1_000_000,
        read * 1e3,
        bytes as f64 / read / 1e9,
        search * 1e3,
        searches
            .get(searches.len() * 99 / 100)
            .map_or(0.0, Duration::as_secs_f64)
            * 1e3,
    ));
    bar("exact search / reading its codes", search / read, 1.3, "");
    let (mut found, mut wanted) = (0, 0);
    for query in queries.iter().take(200) {
        let hits = index.search("all", query, Ask::nearest(10))?.hits;
        let truth = nearest(vectors, query, 10);
        wanted += truth.len();
        found += hits.iter().filter(|hit| truth.contains(&hit.key)).count();
    }
    let recall = found as f64 / wanted as f64;
    say(&format!(
        "recall@10 against single precision: {recall:.4} (bar at least 1.000)"
    ));
    Ok(())
}

fn filtered(index: &VectorIndex, queries: &[Vec<f32>]) -> Outcome<()> {
    let choosing = {
        let began = thread_time();
        black_box(index.allowed("all", passes));
        thread_time().saturating_sub(began).as_secs_f64()
    };
    let set = index.allowed("all", passes);
    let (mut sets, mut alone) = (Vec::new(), Vec::new());
    for query in queries {
        let began = thread_time();
        let found = index.search("all", query, Ask::nearest(10).among(&set))?;
        sets.push(thread_time().saturating_sub(began));
        let began = thread_time();
        let same = index.search("few", query, Ask::nearest(10))?;
        alone.push(thread_time().saturating_sub(began));
        if found.hits != same.hits {
            return Err("a filter changes what is found".into());
        }
    }
    let (set_time, alone) = (median(&mut sets), median(&mut alone));
    say(&format!(
        "{} rows pass: {:.0} us, as a pool of their own {:.0} us; choosing them {:.2} ms",
        set.len(),
        set_time * 1e6,
        alone * 1e6,
        choosing * 1e3
    ));
    bar(
        "filter 1/100 / scan of those rows",
        set_time / alone,
        1.5,
        "",
    );
    Ok(())
}

fn many(index: &VectorIndex, queries: &[Vec<f32>]) -> Outcome<()> {
    let sixteen: Vec<&[f32]> = queries.iter().take(16).map(Vec::as_slice).collect();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = thread_time();
        black_box(index.search_many("all", &sixteen, Ask::nearest(10))?);
        times.push(thread_time().saturating_sub(began));
    }
    let each = median(&mut times) / 16.0 * 1e3;
    say(&format!("16 queries in one pass: {each:.2} ms each"));
    Ok(())
}

fn tail(index: &VectorIndex, rows: u64, queries: &[Vec<f32>]) -> Outcome<()> {
    let new: Vec<Vec<f32>> = (0..2_000)
        .map(|row| vector(rows * 2 + row, row % CENTRES))
        .collect();
    let new: Vec<NewRow<'_>> = (rows as i64..)
        .zip(&new)
        .map(|(key, vector)| NewRow {
            key,
            content_hash: 1,
            text: Some(vector),
            image: None,
        })
        .collect();
    let began = Instant::now();
    index.append("all", &new)?;
    let appended = began.elapsed().as_secs_f64() * 1e3;
    let mut times = Vec::new();
    for query in queries {
        let began = thread_time();
        black_box(index.search("all", query, Ask::nearest(10))?);
        times.push(thread_time().saturating_sub(began));
    }
    let search = median(&mut times) * 1e3;
    say(&format!(
        "2,000 rows appended in {appended:.0} ms (wall); search with them {search:.2} ms"
    ));
    let began = Instant::now();
    index.compact(&mut |_| {})?;
    let compacted = began.elapsed().as_secs_f64();
    say(&format!("compacted in {compacted:.1} s (wall)"));
    Ok(())
}

fn nearest(vectors: &[Vec<f32>], query: &[f32], k: usize) -> Vec<i64> {
    let mut scored: Vec<(f32, i64)> = (0..)
        .zip(vectors)
        .map(|(key, vector)| {
            let pairs = vector.iter().zip(query);
            let dot: f32 = pairs.map(|(a, b)| a * b).sum();
            let norm: f32 = vector.iter().map(|a| a * a).sum();
            (dot / norm.sqrt(), key)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(k).map(|(_, key)| key).collect()
}

/// In eight sums: bound by memory and not by the additions.
fn read_all(buffer: &[u64]) -> u64 {
    let mut sums = [0u64; 16];
    for chunk in buffer.as_chunks::<16>().0 {
        for (sum, word) in sums.iter_mut().zip(chunk) {
            *sum ^= word;
        }
    }
    sums.iter().fold(0, |all, sum| all ^ sum)
}

fn vector(seed: u64, centre: u64) -> Vec<f32> {
    let mut own = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut shared = Random(centre.wrapping_mul(0xD1B5_4A32_D192_ED03) | 1);
    (0..DIM).map(|_| shared.next() + own.next() * 0.9).collect()
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
        sum
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = thread_time();
    work();
    thread_time().saturating_sub(began)
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

fn bar(what: &str, measured: f64, most: f64, unit: &str) {
    let verdict = if measured <= most { "holds" } else { "MISSED" };
    say(&format!(
        "{what}: {measured:.3} {unit} (bar {most} {unit}) {verdict}"
    ));
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
