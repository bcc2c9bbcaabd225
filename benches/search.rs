//! The bars of the search index: documents indexed a second, query times, memory.
//!
//! `cargo bench --bench search -- 1000000` on a machine at rest. The corpus is made up, seeded
//! and shaped like radiology text: a third stop words, the rest by Zipf's law over 30,000 words,
//! about 1 KB a document. Every query is answered twice, as a list of all ids and as 50 hits with
//! snippets, reasons and the total. Times are of the wall clock, so nothing else should run; the
//! second line has those of all processors together.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::time::ClockId;
use semihv_domain::{DocumentKind, Modality, QuestionKind, Verdict};
use semihv_retrieval::{Change, Document, Has, Index, LiveSets, NumberedChange, QueryText};

const VOCABULARY: usize = 30_000;
const WORDS_A_DOCUMENT: usize = 150;
const QUERIES: usize = 1_100;
const TAGGED: i64 = 100_000;
const STOP_WORDS: [&str; 8] = ["the", "of", "and", "is", "in", "with", "a", "to"];

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let documents = arguments
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(200_000);
    let folder = tempfile::tempdir()?;
    let index = Arc::new(Index::open(folder.path())?.into_index());
    let corpus = Corpus::new();
    say(&format!("{documents} documents"));
    measure_indexing(&index, &corpus, documents)?;
    say(&format!(
        "index on disk: {} MB",
        size_of(&folder.path().join("v2"))? >> 20
    ));
    measure_opening(folder.path())?;
    measure_queries(&index, &corpus, documents)
}

fn measure_indexing(index: &Index, corpus: &Corpus, documents: u64) -> Outcome<()> {
    let mut bytes = 0;
    let mut making = Duration::ZERO;
    let changes = (1..=documents).map(|number| {
        let began = thread_time();
        let document = corpus.document(number);
        making += thread_time().saturating_sub(began);
        bytes += document.body.len();
        let change = Change::Put(Box::new(document));
        Ok(NumberedChange { number, change })
    });
    let began = (Instant::now(), process_time());
    index.update(changes, documents, &|_| {}, &AtomicBool::new(false))?;
    let wall = began.0.elapsed().as_secs_f64();
    let processor = process_time()
        .saturating_sub(began.1)
        .saturating_sub(making);
    say(&format!(
        "indexed in {wall:.1} s ({:.0} documents/s) with {:.1} s of processors ({:.0} documents/s \
         on one) and {:.1} s to make them up; {} B a document; peak memory {} MB",
        documents as f64 / wall,
        processor.as_secs_f64(),
        documents as f64 / processor.as_secs_f64(),
        making.as_secs_f64(),
        bytes as u64 / documents.max(1),
        memory("VmHWM:"),
    ));
    Ok(())
}

fn measure_opening(root: &std::path::Path) -> Outcome<()> {
    let began = Instant::now();
    let index = Index::open(root)?.into_index();
    say(&format!(
        "opened {} documents in {:.1} ms",
        index.documents(),
        millis(began.elapsed())
    ));
    Ok(())
}

fn measure_queries(index: &Arc<Index>, corpus: &Corpus, documents: u64) -> Outcome<()> {
    let live = Tagged {
        most: documents as i64,
    };
    let mut random = Random(99);
    let mut times: Vec<Timed> = Vec::new();
    for number in 0..QUERIES {
        let (shape, kind, text) = query(corpus, &mut random, number);
        let query = QueryText::parse(&text)?;
        let began = Clock::now();
        let ids = index.ids(kind, &query, &live)?;
        let for_ids = began.elapsed();
        let began = Clock::now();
        let (_, total) = index.hits(kind, &query, 50, &live)?;
        let for_hits = began.elapsed();
        if total != ids.len() as u64 {
            return Err(format!("{text}: {total} hits and {} ids", ids.len()).into());
        }
        times.push(Timed {
            shape,
            found: total,
            for_ids,
            for_hits,
        });
    }
    let all: Vec<&Timed> = times.iter().collect();
    report("all", &all, |clock| clock.wall);
    report("all, processors", &all, |clock| clock.processors);
    for shape in SHAPES {
        let of_shape: Vec<&Timed> = times.iter().filter(|timed| timed.shape == shape).collect();
        report(shape, &of_shape, |clock| clock.wall);
    }
    let text = corpus.document(77).body;
    let mut likes = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        let like = index.free_text(DocumentKind::Passage, &text)?;
        like.explained(&like.ranked(10)?)?;
        likes.push(began.elapsed());
    }
    likes.sort_unstable();
    say(&format!(
        "passages like a text: p50 {:.2} ms, p99 {:.2} ms",
        millis(percentile(&likes, 50)),
        millis(percentile(&likes, 99)),
    ));
    say(&format!("memory at the end: {} MB", memory("VmRSS:")));
    Ok(())
}

struct Timed {
    shape: &'static str,
    found: u64,
    for_ids: Clock,
    for_hits: Clock,
}

/// Points in time or what lies between them.
#[derive(Clone, Copy)]
struct Clock {
    wall: Duration,
    /// Of all threads: a search looks at several segments side by side.
    processors: Duration,
}

impl Clock {
    fn now() -> Self {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            wall: wall.unwrap_or_default(),
            processors: process_time(),
        }
    }

    fn elapsed(self) -> Self {
        let now = Self::now();
        Self {
            wall: now.wall.saturating_sub(self.wall),
            processors: now.processors.saturating_sub(self.processors),
        }
    }
}

const SHAPES: [&str; 11] = [
    "word",
    "two words",
    "words and filter",
    "phrase",
    "or",
    "filter",
    "three filters",
    "beginning",
    "without",
    "verdict",
    "tagged",
];

fn query(
    corpus: &Corpus,
    random: &mut Random,
    number: usize,
) -> (&'static str, DocumentKind, String) {
    let shape = SHAPES[number % SHAPES.len()];
    let mut word = || corpus.asked(random);
    let text = match shape {
        "word" => word().to_owned(),
        "two words" => format!("{} {}", word(), word()),
        "words and filter" => format!("{} {} modality:CT", word(), word()),
        "phrase" => format!("\"{} {}\"", word(), word()),
        "or" => format!("{} OR {} OR {}", word(), word(), word()),
        "filter" => "modality:CT".to_owned(),
        "three filters" => "-modality:MR year:2010..2019 has:region".to_owned(),
        "beginning" => format!("{}*", word().get(..4).unwrap_or_default()),
        "without" => format!("{} -{} year:2012..", word(), word()),
        "verdict" => format!("model:huatuo wrong {}", word()),
        _ => format!("tag:marked {}", word()),
    };
    let kind = match shape {
        "verdict" => DocumentKind::Question,
        _ => DocumentKind::Case,
    };
    (shape, kind, text)
}

fn report(name: &str, times: &[&Timed], side: fn(Clock) -> Duration) {
    let sorted = |pick: fn(&Timed) -> Clock| {
        let mut durations: Vec<Duration> = times.iter().map(|timed| side(pick(timed))).collect();
        durations.sort_unstable();
        durations
    };
    let ids = sorted(|timed| timed.for_ids);
    let hits = sorted(|timed| timed.for_hits);
    let found = times.iter().map(|timed| timed.found).sum::<u64>() / times.len().max(1) as u64;
    say(&format!(
        "{name:>17}: ids p50 {:6.2} p99 {:6.2} max {:6.2} ms; 50 hits p50 {:6.2} p99 {:6.2} max \
         {:6.2} ms; {} queries, {found} found on average",
        millis(percentile(&ids, 50)),
        millis(percentile(&ids, 99)),
        millis(percentile(&ids, 100)),
        millis(percentile(&hits, 50)),
        millis(percentile(&hits, 99)),
        millis(percentile(&hits, 100)),
        times.len(),
    ));
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

struct Tagged {
    most: i64,
}

impl LiveSets for Tagged {
    fn tagged(&self, _kind: DocumentKind, _tag: &str) -> Vec<i64> {
        let step = (self.most / TAGGED).max(1);
        (0..self.most / step)
            .map(|number| number * step + 1)
            .collect()
    }

    fn any_tagged(&self, _kind: DocumentKind) -> Vec<i64> {
        Vec::new()
    }

    fn noted(&self, _kind: DocumentKind) -> Vec<i64> {
        Vec::new()
    }
}

struct Corpus {
    words: Vec<String>,
    /// Words drawn once by Zipf's law; texts are read off here.
    drawn: Vec<u32>,
}

impl Corpus {
    fn new() -> Self {
        const SYLLABLES: [&str; 24] = [
            "car", "dio", "pul", "mon", "ple", "ura", "neph", "ro", "hep", "at", "oste", "ar",
            "thr", "itis", "oma", "sten", "cal", "cif", "lym", "pho", "ped", "gram", "scle", "nod",
        ];
        let mut random = Random(7);
        let words: Vec<String> = (0..VOCABULARY)
            .map(|rank| {
                let syllables = 2 + usize::from(rank > 400);
                let mut word: String = (0..syllables)
                    .map(|_| SYLLABLES[random.below(24)])
                    .collect();
                if rank > 4_000 {
                    word.push_str(&(rank % 97).to_string());
                }
                word
            })
            .collect();
        let mut sums = Vec::with_capacity(VOCABULARY);
        let mut sum = 0.0;
        for rank in 0..VOCABULARY {
            sum += 1.0 / (rank as f64 + 21.0);
            sums.push(sum);
        }
        let drawn = (0..1 << 22)
            .map(|_| {
                let at = random.share() * sum;
                sums.partition_point(|&sum| sum < at).min(VOCABULARY - 1) as u32
            })
            .collect();
        Self { words, drawn }
    }

    /// People ask for frequent and rare words alike: even over the orders of magnitude.
    fn asked(&self, random: &mut Random) -> &str {
        let rank = (VOCABULARY as f64).powf(random.share()) as usize - 1;
        &self.words[rank.min(VOCABULARY - 1)]
    }

    fn text(&self, random: &mut Random, words: usize) -> String {
        let mut text = String::with_capacity(words * 8);
        for _ in 0..words {
            let next = random.next();
            let at = (next >> 8) as usize;
            text.push_str(if next.is_multiple_of(3) {
                STOP_WORDS[at % STOP_WORDS.len()]
            } else {
                &self.words[self.drawn[at % self.drawn.len()] as usize]
            });
            text.push(' ');
        }
        text
    }

    fn document(&self, number: u64) -> Document {
        let mut random = Random(number * 0x9e37);
        let kind = match number % 20 {
            0 => DocumentKind::Passage,
            1 | 2 => DocumentKind::Question,
            _ => DocumentKind::Case,
        };
        let mut document = Document {
            key: format!("K{number}"),
            title: self.text(&mut random, 6),
            body: self.text(&mut random, WORDS_A_DOCUMENT),
            source: format!("source-{}", random.below(5)),
            modality: Modality::ALL.get(random.below(10)).copied(),
            year: Some(2000 + random.below(25) as i32),
            language: "en".to_owned(),
            licence: Some("CC-BY-4.0".to_owned()),
            has: vec![Has::Image],
            ..Document::new(kind, number as i64)
        };
        if random.below(3) == 0 {
            document.has.push(Has::Region);
        }
        if kind == DocumentKind::Question {
            document.question_kinds = vec![QuestionKind::Closed];
            for model in ["huatuo-vision", "llava-med", "gold-student"] {
                let verdict = Verdict::ALL[random.below(4)];
                document.verdicts.push((model.to_owned(), verdict));
            }
        }
        document
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

    fn below(&mut self, limit: u64) -> usize {
        (self.next() % limit) as usize
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A line of `/proc/self/status`, in megabytes.
fn memory(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let kilobytes = found.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() >> 10
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    processor_time(ClockId::ThreadCPUTime)
}

/// Processor time of all threads, also of those that ended.
fn process_time() -> Duration {
    processor_time(ClockId::ProcessCPUTime)
}

fn processor_time(clock: ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn size_of(folder: &std::path::Path) -> Outcome<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        size += entry?.metadata()?.len();
    }
    Ok(size)
}

#[expect(clippy::print_stdout, reason = "a bench is read on the terminal")]
fn say(line: &str) {
    println!("{line}");
}
