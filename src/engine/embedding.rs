//! Brings the vectors up to the store: a row for every image of a case with what is written of it,
//! and one for every passage of a guideline.

use std::collections::{HashMap, HashSet};
use std::hash::Hasher;
use std::path::Path;
use std::sync::Arc;

use semihv_domain::{Failure, FailureKind, JobProgress, Pool};
use semihv_imaging::{Extent, Limits, Raster, Scan, render};
use semihv_vectors::{NewRow, Opened, VectorIndex};
use semihv_workspace::{SearchableCase, SearchablePassage, Store, lock};
use xxhash_rust::xxh3::Xxh3;

use crate::completeness::Covered;
use crate::encoding::{Encoding, Looked};
use crate::engine::locked;
use crate::failures::OrFail;
use crate::graphs::Graphs;
use crate::jobs::{Ending, Progress};
use crate::{Engine, Rebuild};

/// Cases and passages read at once.
const PAGE: usize = 500;
/// Rows that are on disk together: a killed job loses no more.
const BATCH: usize = 256;
/// Pictures are made this large before they are described.
const SIDE: u32 = 256;
/// From this part of all rows on, what was written since is folded into the rest.
const TAIL_SHARE: usize = 10;

/// What a row is made from.
struct Wanted {
    pool: Pool,
    key: i64,
    hash: u64,
    text: String,
    /// Of the image, where there is one that can be read.
    location: Option<String>,
}

/// A case without an image is a row of its own; its number is none of an image's.
pub(crate) fn key_of_case(case: i64) -> i64 {
    -case
}

impl Engine {
    /// The vectors, opened at first use; `None` before they were made for the first time.
    pub(crate) fn vectors(&self) -> Result<Option<Arc<VectorIndex>>, Failure> {
        let mut slot = locked(&self.inner.vectors);
        if let Some(index) = slot.as_ref() {
            return Ok(Some(Arc::clone(index)));
        }
        let opened = VectorIndex::open(&self.inner.places.vectors()).or_fail("vectors")?;
        let index = match opened {
            Opened::Missing => return Ok(None),
            Opened::Ready(index) => {
                *locked(&self.inner.vectors_damage) = None;
                index
            }
            Opened::Repaired { index, why } => {
                tracing::warn!(%why, "an older generation of the vectors is used");
                *locked(&self.inner.vectors_damage) = Some(why);
                index
            }
        };
        let index = Arc::new(index);
        *slot = Some(Arc::clone(&index));
        Ok(Some(index))
    }
}

pub(crate) fn run(
    engine: &Engine,
    rebuild: Rebuild,
    progress: &mut Progress,
) -> Result<Ending, Failure> {
    // Two at once would both make all of them.
    let _lock = lock(&engine.inner.places.lock("vectors")).or_fail("vectors")?;
    let encoding = engine.encoding()?;
    let index = match rebuild {
        Rebuild::Incremental => usable(engine, &encoding, progress)?,
        Rebuild::FromNothing => Some(begin(engine, &encoding)?),
    };
    let Some(index) = index else {
        return Ok(Ending::Cancelled);
    };
    let mut made = Made::new(engine, (&index, &encoding), progress)?;
    let is_whole = made.cases()? && made.passages()?;
    made.flush()?;
    let up_to = made.up_to;
    if !is_whole {
        return Ok(Ending::Cancelled);
    }
    let erased = made.erase_unseen()?;
    let (added, unreadable) = (made.added, made.unreadable);
    let rows = index.all_rows();
    Covered { up_to, rows }.keep(engine)?;
    let is_stale = (index.tail_rows() + erased) * TAIL_SHARE > rows;
    if is_stale && !crate::compaction::run(engine, &index, progress)? {
        return Ok(Ending::Cancelled);
    }
    let unreadable = match unreadable {
        0 => String::new(),
        count => format!(", {count} images cannot be read"),
    };
    let graphs = match crate::graphs::run(engine, &index, progress)? {
        Graphs::Done(said) => said,
        Graphs::Cancelled => return Ok(Ending::Cancelled),
    };
    let summary = format!("{rows} rows, {added} made anew{unreadable}");
    let summary = [vec![summary], graphs].concat().join("; ");
    Ok(Ending::Done { summary })
}

/// The index that is there, mended where something of it is damaged; an empty one when there is
/// none, or when it was made with another encoder. `None`: cancelled.
fn usable(
    engine: &Engine,
    encoding: &Encoding,
    progress: &mut Progress,
) -> Result<Option<Arc<VectorIndex>>, Failure> {
    let folder = engine.inner.places.vectors();
    if let Opened::Repaired { index, why } = VectorIndex::open(&folder).or_fail("vectors")? {
        tracing::warn!(%why, "the vectors are written anew from what can be read");
        *locked(&engine.inner.vectors) = None;
        if !crate::compaction::run(engine, &index, progress)? {
            return Ok(None);
        }
    }
    let index = match engine.vectors()? {
        Some(index) if index.fingerprint().differs(&encoding.fingerprint).is_none() => index,
        _ => begin(engine, encoding)?,
    };
    Ok(Some(index))
}

/// An empty index in the place of whatever is there.
fn begin(engine: &Engine, encoding: &Encoding) -> Result<Arc<VectorIndex>, Failure> {
    // What is there goes only for an encoder that works.
    encoding.prove()?;
    let folder = engine.inner.places.vectors();
    *locked(&engine.inner.vectors) = None;
    Covered::default().keep(engine)?;
    let builder = VectorIndex::build(&folder, encoding.fingerprint.clone()).or_fail("vectors")?;
    builder.finish(&mut |_| {}).or_fail("vectors")?;
    engine.vectors()?.ok_or_else(|| {
        let summary = "the vectors that were just made cannot be found";
        Failure::new("vectors", FailureKind::Internal, summary)
    })
}

/// A run over all rows of the store.
struct Made<'a> {
    engine: &'a Engine,
    index: &'a VectorIndex,
    encoding: &'a Encoding,
    progress: &'a mut Progress,
    store: Store,
    known: HashMap<Pool, HashMap<i64, u64>>,
    seen: HashMap<Pool, HashSet<i64>>,
    /// What is written while this runs has a higher number and waits for the next time.
    up_to: u64,
    waiting: Vec<Wanted>,
    looked_at: u64,
    total: u64,
    added: usize,
    unreadable: usize,
}

impl<'a> Made<'a> {
    fn new(
        engine: &'a Engine,
        (index, encoding): (&'a VectorIndex, &'a Encoding),
        progress: &'a mut Progress,
    ) -> Result<Self, Failure> {
        let store = engine.connect(semihv_workspace::Durability::Kill)?;
        let counts = store.counts().or_fail("vectors")?;
        let up_to = store.last_change().or_fail("vectors")?;
        let known = Pool::ALL.map(|pool| (pool, index.content_hashes(pool.name())));
        Ok(Self {
            engine,
            index,
            encoding,
            progress,
            store,
            known: known.into_iter().collect(),
            seen: HashMap::new(),
            up_to,
            waiting: Vec::new(),
            looked_at: 0,
            total: counts.images.max(counts.cases) + counts.passages,
            added: 0,
            unreadable: 0,
        })
    }

    /// False when it was cancelled.
    fn cases(&mut self) -> Result<bool, Failure> {
        let mut after = (0, i64::MIN);
        loop {
            let page = self
                .store
                .searchable_cases(after, PAGE)
                .or_fail("vectors")?;
            let Some(last) = page.last() else {
                return Ok(true);
            };
            after = (last.change, last.id);
            for case in page {
                self.case(&case)?;
                if self.progress.is_cancelled() {
                    return Ok(false);
                }
            }
        }
    }

    fn case(&mut self, case: &SearchableCase) -> Result<(), Failure> {
        let images = self
            .store
            .images(semihv_domain::CaseId(case.id))
            .or_fail("vectors")?;
        let written = format!("{}\n{}", case.title, case.texts.join("\n"));
        if images.is_empty() {
            return self.want(Wanted {
                pool: Pool::Case,
                key: key_of_case(case.id),
                hash: hashed(&written, None),
                text: written,
                location: None,
            });
        }
        for image in images {
            let captions = image.captions.iter().map(|caption| caption.text.as_str());
            // What is written of this image comes first: encoders read only so far.
            let text = captions
                .chain([written.as_str()])
                .collect::<Vec<_>>()
                .join("\n");
            let location = self.engine.location_of(&image);
            self.want(Wanted {
                pool: Pool::Case,
                key: image.id.0,
                hash: hashed(&text, Some(&location)),
                text,
                location: Some(location),
            })?;
        }
        Ok(())
    }

    fn passages(&mut self) -> Result<bool, Failure> {
        let mut after = (0, i64::MIN);
        loop {
            let page = self
                .store
                .searchable_passages(after, PAGE)
                .or_fail("vectors")?;
            let Some(last) = page.last() else {
                return Ok(true);
            };
            after = (last.change, last.id);
            for passage in page {
                let text = written_in(&passage);
                self.want(Wanted {
                    pool: Pool::Guideline,
                    key: passage.id,
                    hash: hashed(&text, None),
                    text,
                    location: None,
                })?;
                if self.progress.is_cancelled() {
                    return Ok(false);
                }
            }
        }
    }

    /// A row is made when it is not there as it should be.
    fn want(&mut self, wanted: Wanted) -> Result<(), Failure> {
        let (pool, key) = (wanted.pool, wanted.key);
        self.seen.entry(pool).or_default().insert(key);
        self.looked_at += 1;
        let known = self.known.get(&pool).and_then(|known| known.get(&key));
        if known != Some(&wanted.hash) {
            self.waiting.push(wanted);
        }
        self.progress.say(JobProgress {
            done: self.looked_at,
            total: Some(self.total.max(self.looked_at)),
            unit: "rows".to_owned(),
            rows: self.added as u64,
            skipped: self.unreadable as u64,
        });
        if self.waiting.len() < BATCH {
            return Ok(());
        }
        self.flush()
    }

    /// Makes what is wanted and puts it on disk.
    fn flush(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        let (rows, unreadable) = embedded(&waiting, self.encoding)?;
        self.added += rows.len();
        self.unreadable += unreadable;
        if rows.is_empty() {
            return Ok(());
        }
        for pool in Pool::ALL {
            let own = rows.iter().filter(|row| row.pool == pool);
            let own: Vec<NewRow<'_>> = own.map(Row::borrowed).collect();
            if !own.is_empty() {
                self.index.append(pool.name(), &own).or_fail("vectors")?;
            }
        }
        Ok(())
    }

    /// Rows that the store has no more.
    fn erase_unseen(&mut self) -> Result<usize, Failure> {
        let mut erased = 0;
        for (pool, known) in &self.known {
            let seen = self.seen.get(pool);
            let is_gone = |key: &&i64| !seen.is_some_and(|seen| seen.contains(*key));
            let gone: Vec<i64> = known.keys().filter(is_gone).copied().collect();
            erased += gone.len();
            if !gone.is_empty() {
                self.index.erase(pool.name(), &gone).or_fail("vectors")?;
            }
        }
        Ok(erased)
    }
}

fn written_in(passage: &SearchablePassage) -> String {
    let headings = passage.headings.join("\n");
    format!("{}\n{headings}\n{}", passage.guideline_title, passage.text)
}

/// Changes with the text and with the file of the image.
fn hashed(text: &str, location: Option<&str>) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(text.as_bytes());
    if let Some(location) = location {
        hasher.update(location.as_bytes());
        let outer = location
            .split_once("!/")
            .map_or(location, |(outer, _)| outer);
        if let Ok(found) = std::fs::metadata(Path::new(outer)) {
            hasher.write_u64(found.len());
            let modified = found.modified().ok();
            let since = modified.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
            hasher.write_u64(since.map_or(0, |since| since.as_secs()));
        }
    }
    hasher.finish()
}

/// A row that was made.
struct Row {
    pool: Pool,
    key: i64,
    hash: u64,
    text: Option<Vec<f32>>,
    image: Option<Vec<f32>>,
}

impl Row {
    fn borrowed(&self) -> NewRow<'_> {
        NewRow {
            key: self.key,
            content_hash: self.hash,
            text: self.text.as_deref(),
            image: self.image.as_deref(),
        }
    }
}

/// Rows, and how many images could not be read. What has neither a word nor an image is no row.
fn embedded(wanted: &[Wanted], encoding: &Encoding) -> Result<(Vec<Row>, usize), Failure> {
    let (looked, unreadable) = looked_at(wanted, encoding);
    let texts: Vec<&str> = wanted.iter().map(|wanted| wanted.text.as_str()).collect();
    let texts = encoding.texts(&texts)?;
    let has_picture: Vec<bool> = looked.iter().map(Option::is_some).collect();
    let mut pictures = encoding
        .pictures(looked.into_iter().flatten().collect())?
        .into_iter();
    let mut rows = Vec::new();
    for ((wanted, text), has_picture) in wanted.iter().zip(texts).zip(has_picture) {
        let image = has_picture.then(|| pictures.next()).flatten();
        if text.is_some() || image.is_some() {
            rows.push(Row {
                pool: wanted.pool,
                key: wanted.key,
                hash: wanted.hash,
                text,
                image,
            });
        }
    }
    Ok((rows, unreadable))
}

/// The pictures on all cores, and how many could not be read.
fn looked_at(wanted: &[Wanted], encoding: &Encoding) -> (Vec<Option<Looked>>, usize) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = wanted.len().div_ceil(threads).max(1);
    let look = |wanted: &Wanted| {
        let picture = wanted.location.as_deref().map(first_look);
        let is_unreadable = matches!(picture, Some(Err(_)));
        let picture = picture.and_then(Result::ok);
        (picture.and_then(|it| encoding.look(&it)), is_unreadable)
    };
    let made: Vec<(Option<Looked>, bool)> = std::thread::scope(|scope| {
        let workers: Vec<_> = wanted
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().map(look).collect::<Vec<_>>()))
            .collect();
        let joined = workers.into_iter().flat_map(|worker| match worker.join() {
            Ok(rows) => rows,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    });
    let unreadable = made.iter().filter(|(_, is_unreadable)| *is_unreadable);
    let count = unreadable.count();
    (made.into_iter().map(|(looked, _)| looked).collect(), count)
}

pub(crate) fn is_something(vector: &[f32]) -> bool {
    vector.iter().any(|value| value.abs() > 0.0)
}

/// A file as it is seen first.
pub(crate) fn first_look(location: &str) -> Result<Raster, Failure> {
    seen_first(&crate::read_scan(location)?)
}

pub(crate) fn seen_first(scan: &Scan) -> Result<Raster, Failure> {
    let room = Extent {
        width: SIDE,
        height: SIDE,
    };
    render(scan, &scan.first_look(), room, Limits::default())
        .map_err(|error| Failure::of("vectors", FailureKind::Data, &error))
}
