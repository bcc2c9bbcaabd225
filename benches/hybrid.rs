//! The bars of the words and of both lists together, beside bare tantivy in the same run.
//!
//! `cargo bench --bench hybrid -- 213000`: passages of about 130 bytes, made up by Zipf's law, and
//! 100,000 vectors of 384 numbers. Processor time of all threads. Bare tantivy has one field with
//! positions, stored, and the row as a column; a second time it has the keys too, which every
//! passage here has, and a third time also its pool as a facet. Its query is the same words joined by OR. A hybrid query is the scan of the
//! vectors, the words, their fusion and the four hits with snippets and reasons; making the
//! query's own vector is not in it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::time::ClockId;
use semihv_domain::{DocumentKind, Fusion, Pool, fuse};
use semihv_retrieval::{Candidate, Change, Document, Index, NumberedChange, RankedRow, few};
use semihv_vectors::{Ask, Fingerprint, NewRow, VectorIndex};
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Query, TermQuery};
use tantivy::schema::{
    FAST, FacetOptions, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{Searcher, Term, doc};

const VOCABULARY: usize = 60_000;
const WORDS: usize = 18;
const QUERIES: usize = 300;
const WORDS_ASKED: usize = 10;
const VECTORS: u64 = 100_000;
const DIM: usize = 384;
const DEEP: usize = 100;
const ROUNDS: usize = 5;

/// What bare tantivy indexes beside the text and the row.
#[derive(Clone, Copy)]
struct Fields {
    name: &'static str,
    has_keys: bool,
    has_facet: bool,
}

const FIELDS: [Fields; 3] = [
    Fields {
        name: "text, row, key and facet",
        has_keys: true,
        has_facet: true,
    },
    Fields {
        name: "text, row and key",
        has_keys: true,
        has_facet: false,
    },
    Fields {
        name: "text and row",
        has_keys: false,
        has_facet: false,
    },
];

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let passages: u64 = arguments
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(213_000);
    let corpus = Corpus::new();
    let folder = tempfile::tempdir()?;
    let ours = Arc::new(Index::open(&folder.path().join("ours"))?.into_index());
    let bare_folder = folder.path().join("bare");
    let (mut for_ours, mut for_bare) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    // In turns, so that both see the same neighbours on the machine.
    for _ in 0..ROUNDS {
        ours.clear()?;
        for_ours.push(index_ours(&ours, &corpus, passages)?);
        // The one with the text alone last: it is asked below.
        for (times, fields) in for_bare.iter_mut().zip(FIELDS) {
            let _ = std::fs::remove_dir_all(&bare_folder);
            std::fs::create_dir(&bare_folder)?;
            times.push(index_bare(&bare_folder, &corpus, (passages, fields))?);
        }
    }
    let median = |times: Vec<Duration>| at(&sorted(times), 50).as_secs_f64();
    let ours_took = median(for_ours);
    say(&format!(
        "index {passages} passages: ours {ours_took:.2} s, medians of {ROUNDS}"
    ));
    for (times, fields) in for_bare.into_iter().zip(FIELDS) {
        let took = median(times);
        say(&format!(
            "  bare tantivy with {} {took:.2} s: {:.2} of its speed (bar 0.9)",
            fields.name,
            took / ours_took
        ));
    }
    let bare = tantivy::Index::open_in_dir(&bare_folder)?;
    let searcher = bare.reader()?.searcher();
    let of_ours = tantivy::Index::open_in_dir(folder.path().join("ours/v2"))?;
    say(&format!(
        "segments: ours {}, bare tantivy {}",
        of_ours.searchable_segment_ids()?.len(),
        searcher.segment_readers().len()
    ));
    measure_words(&ours, &searcher, &corpus)?;
    let vectors = vectors(&folder.path().join("vectors"))?;
    measure_hybrid(&ours, &vectors, &corpus)
}

/// A passage of a guideline is known by such a key.
fn key(number: u64) -> String {
    format!("{}#{}", number / 12, number % 12)
}

fn index_ours(index: &Index, corpus: &Corpus, passages: u64) -> Outcome<Duration> {
    let mut making = Duration::ZERO;
    let changes = (1..=passages).map(|number| {
        let began = time();
        let mut document = Document::new(DocumentKind::Passage, number as i64);
        document.body = corpus.text(number, WORDS);
        document.key = key(number);
        making += time().saturating_sub(began);
        let change = Change::Put(Box::new(document));
        Ok(NumberedChange { number, change })
    });
    let began = time();
    index.update(changes, passages, &|_| {}, &AtomicBool::new(false))?;
    Ok(time().saturating_sub(began).saturating_sub(making))
}

fn index_bare(
    folder: &std::path::Path,
    corpus: &Corpus,
    (passages, fields): (u64, Fields),
) -> Outcome<Duration> {
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("en_stem")
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let options = TextOptions::default()
        .set_indexing_options(indexing)
        .set_stored();
    let text = schema.add_text_field("text", options);
    let row = schema.add_u64_field("row", FAST | STORED);
    let keys = schema.add_text_field("key", STRING | STORED);
    let pool = schema.add_facet_field("pool", FacetOptions::default());
    let index = tantivy::Index::create_in_dir(folder, schema.build())?;
    let mut making = Duration::ZERO;
    let began = time();
    let mut writer = index.writer_with_num_threads(1, 200 << 20)?;
    for number in 1..=passages {
        let made = time();
        let body = corpus.text(number, WORDS);
        making += time().saturating_sub(made);
        let mut document = doc!(text => body, row => number);
        if fields.has_keys {
            document.add_text(keys, key(number));
        }
        if fields.has_facet {
            document.add_facet(pool, "/guideline");
        }
        writer.add_document(document)?;
    }
    writer.commit()?;
    writer.wait_merging_threads()?;
    Ok(time().saturating_sub(began).saturating_sub(making))
}

fn measure_words(ours: &Arc<Index>, bare: &Searcher, corpus: &Corpus) -> Outcome<()> {
    let text = bare.schema().get_field("text")?;
    let mut analyzer = bare.index().tokenizer_for_field(text)?;
    let (mut of_ours, mut of_bare) = (Vec::new(), Vec::new());
    for number in 0..QUERIES as u64 {
        let asked = corpus.asked(number, WORDS_ASKED);
        let began = time();
        ours.free_text(DocumentKind::Passage, &asked)?.ranked(10)?;
        of_ours.push(time().saturating_sub(began));
        let began = time();
        let mut terms: Vec<Box<dyn Query>> = Vec::new();
        let mut stream = analyzer.token_stream(&asked);
        while stream.advance() {
            let term = Term::from_field_text(text, &stream.token().text);
            terms.push(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)));
        }
        let query = BooleanQuery::union(terms);
        bare.search(&query, &TopDocs::with_limit(10).order_by_score())?;
        of_bare.push(time().saturating_sub(began));
    }
    let (ours, bare) = (sorted(of_ours), sorted(of_bare));
    say(&format!(
        "words, ten best: p50 {:.3} ms, bare {:.3} ms, {:.2} of it (bar 1.15); p99 {:.3} and {:.3} ms",
        millis(at(&ours, 50)),
        millis(at(&bare, 50)),
        millis(at(&ours, 50)) / millis(at(&bare, 50)),
        millis(at(&ours, 99)),
        millis(at(&bare, 99)),
    ));
    Ok(())
}

fn measure_hybrid(words: &Arc<Index>, vectors: &VectorIndex, corpus: &Corpus) -> Outcome<()> {
    let (mut whole, mut explaining) = (Vec::new(), Vec::new());
    for number in 0..QUERIES as u64 {
        let asked = corpus.asked(number, WORDS_ASKED);
        let query = vector(number * 331 + 7);
        let began = time();
        let near = vectors.search(Pool::Guideline.name(), &query, Ask::nearest(DEEP))?;
        let like = words.free_text(DocumentKind::Passage, &asked)?;
        let ranked = like.ranked(DEEP)?;
        let dense: Vec<(i64, f64)> = near
            .hits
            .iter()
            .map(|hit| (hit.key, f64::from(hit.score)))
            .collect();
        let lexical: Vec<(i64, f64)> = ranked
            .iter()
            .map(|row| (row.id, f64::from(row.score)))
            .collect();
        let fused = fuse(Fusion::default(), &dense, &lexical);
        let candidates: Vec<Candidate<i64>> = fused
            .iter()
            .map(|fused| Candidate {
                pool: Pool::Guideline,
                score: fused.score,
                what: fused.id,
            })
            .collect();
        let few = few(&[], &candidates, 4, 1);
        let is_chosen = |row: &&RankedRow| few.chosen.iter().any(|(it, _)| it.what == row.id);
        let rows: Vec<RankedRow> = ranked.iter().filter(is_chosen).copied().collect();
        let explained = time();
        like.explained(&rows)?;
        explaining.push(time().saturating_sub(explained));
        whole.push(time().saturating_sub(began));
    }
    let (whole, explaining) = (sorted(whole), sorted(explaining));
    say(&format!(
        "both lists and four hits: p50 {:.2} ms (bar 6), p99 {:.2} ms (bar 15); explaining them p50 {:.2} ms, p99 {:.2} ms (bar 2)",
        millis(at(&whole, 50)),
        millis(at(&whole, 99)),
        millis(at(&explaining, 50)),
        millis(at(&explaining, 99)),
    ));
    Ok(())
}

fn vectors(folder: &std::path::Path) -> Outcome<VectorIndex> {
    let fingerprint = Fingerprint {
        name: "made up".to_owned(),
        weights: String::new(),
        preprocess: String::new(),
        tokenizer: String::new(),
        context_length: 0,
        fusion: Fingerprint::FUSION.to_owned(),
        dim: DIM as u32,
        dtype: "f32".to_owned(),
        instructions: "none".to_owned(),
        seed: 0,
    };
    let mut builder = VectorIndex::build(folder, fingerprint)?;
    for key in 1..=VECTORS {
        let row = NewRow {
            key: key as i64,
            content_hash: key,
            text: Some(&vector(key)),
            image: None,
        };
        builder.push(Pool::Guideline.name(), row)?;
    }
    builder.finish(&mut |_| {})?;
    let opened = VectorIndex::open(folder)?.into_index();
    opened.ok_or_else(|| "the vectors cannot be opened".into())
}

fn vector(seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    let mut centre = Random(seed % 997);
    (0..DIM)
        .map(|_| (centre.share() - 0.5 + 0.6 * (random.share() - 0.5)) as f32)
        .collect()
}

struct Corpus {
    words: Vec<String>,
    sums: Vec<f64>,
}

impl Corpus {
    fn new() -> Self {
        let mut random = Random(3);
        let word = |_| {
            let letters = 3 + random.next() % 8;
            (0..letters)
                .map(|_| char::from(b'a' + (random.next() % 26) as u8))
                .collect()
        };
        let words = (0..VOCABULARY).map(word).collect();
        let mut sum = 0.0;
        let sums = (0..VOCABULARY)
            .map(|rank| {
                sum += 1.0 / (rank as f64 + 3.0);
                sum
            })
            .collect();
        Self { words, sums }
    }

    fn drawn(&self, random: &mut Random) -> &str {
        let most = self.sums.last().copied().unwrap_or_default();
        let at = random.share() * most;
        let rank = self.sums.partition_point(|sum| *sum < at);
        self.words.get(rank).map_or("word", String::as_str)
    }

    fn text(&self, number: u64, words: usize) -> String {
        let mut random = Random(number.wrapping_mul(0x9e37));
        let drawn: Vec<&str> = (0..words).map(|_| self.drawn(&mut random)).collect();
        drawn.join(" ")
    }

    fn asked(&self, number: u64, words: usize) -> String {
        self.text(number + (1 << 40), words)
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Processor time of all threads.
fn time() -> Duration {
    let time = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    let place = sorted.len() * percent / 100;
    sorted.get(place).copied().unwrap_or_default()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[expect(clippy::print_stdout, reason = "a bench is read on the terminal")]
fn say(line: &str) {
    println!("{line}");
}
