//! Importing rows: batches in transactions, so that a killed import leaves whole batches and the
//! same import again adds only what is missing.

use std::collections::HashSet;
use std::hash::Hasher;

use rusqlite::{OptionalExtension, params};
use semihv_domain::{
    AnswerDraft, CaseDraft, CaseId, GuidelineDraft, ImageDraft, Imported, Question, QuestionDraft,
    QuestionId, Skipped, SkippedAt, SourceId, UnixSeconds, Verdict,
};
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::content_hash::content_hash;
use super::{Access, Store, StoreError};

/// Rows a transaction: few enough that a cut-off import loses little, many enough for speed.
const BATCH_ROWS: u64 = 8_192;

/// Compares an answer with the gold answer; the rule's name and version come along.
pub type Marker<'a> = &'a dyn Fn(&Question, &str) -> (Verdict, String);

/// What an import did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ImportCounts {
    pub cases: u64,
    pub images: u64,
    pub missing_images: u64,
    pub questions: u64,
    pub answers: u64,
    pub guidelines: u64,
    pub passages: u64,
    /// Rows that were already there, word for word.
    pub unchanged: u64,
    pub skipped: u64,
}

/// The rows that a question is about.
#[derive(Debug, Clone, Copy, Default)]
struct Joined {
    case: Option<i64>,
    image: Option<i64>,
}

/// An import in progress. Dropped without [`ImportRows::finish`], it keeps the whole batches and
/// leaves the source marked as incomplete.
pub struct ImportRows<'a> {
    store: &'a mut Store,
    source: SourceId,
    name: String,
    file: String,
    change: i64,
    in_batch: u64,
    counts: ImportCounts,
    /// Keys of this import, hashed: the second row with a key is a finding, not an update.
    seen: HashSet<u64>,
    marker: Marker<'a>,
}

impl Store {
    /// Starts an import into the source `name`; what it held before stays.
    pub fn begin_import<'a>(
        &'a mut self,
        (name, kind, path): (&str, &str, &str),
        now: UnixSeconds,
        marker: Marker<'a>,
    ) -> Result<ImportRows<'a>, StoreError> {
        if self.access == Access::ReadOnly {
            return Err(StoreError::ReadOnly);
        }
        let sql = "INSERT INTO sources (name, kind, path, imported) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, path = excluded.path,
                   imported = excluded.imported, is_complete = 0 RETURNING id";
        let source = self
            .connection
            .query_row(sql, params![name, kind, path, now], |row| {
                row.get(0).map(SourceId)
            })?;
        self.connection
            .execute("DELETE FROM skipped WHERE source = ?1", [source.0])?;
        let mut rows = ImportRows {
            store: self,
            source,
            name: name.to_owned(),
            file: path.to_owned(),
            change: 0,
            in_batch: 0,
            counts: ImportCounts::default(),
            seen: HashSet::new(),
            marker,
        };
        rows.begin_batch()?;
        Ok(rows)
    }
}

impl ImportRows<'_> {
    pub fn counts(&self) -> ImportCounts {
        self.counts
    }

    /// Stores one row. What cannot be joined becomes a skipped row.
    pub fn put(&mut self, row: &Imported) -> Result<(), StoreError> {
        match row {
            Imported::Case(case) => self.put_case(case)?,
            Imported::Question(question) => self.put_question(question)?,
            Imported::Answer(answer) => self.put_answer(answer)?,
            Imported::Guideline(guideline) => self.put_guideline(guideline)?,
        }
        self.count_into_batch()
    }

    pub fn skip(&mut self, skipped: &Skipped) -> Result<(), StoreError> {
        self.counts.skipped += 1;
        let sql = "INSERT INTO skipped (source, file, line, reason) VALUES (?1, ?2, ?3, ?4)";
        self.store.connection.prepare_cached(sql)?.execute(params![
            self.source.0,
            skipped.at.file,
            skipped.at.line.map(|line| line as i64),
            skipped.reason
        ])?;
        self.count_into_batch()
    }

    /// Writes the job's progress down with the rows it speaks of.
    pub fn keep_job(&self, job: &semihv_domain::Job) -> Result<(), StoreError> {
        self.store.update_job(job)
    }

    /// Commits the rest, counts the source's rows and marks it complete.
    pub fn finish(mut self) -> Result<ImportCounts, StoreError> {
        let sql = "UPDATE sources SET is_complete = 1,
            cases = (SELECT COUNT(*) FROM cases WHERE source = ?1),
            images = (SELECT COUNT(*) FROM images JOIN cases ON cases.id = case_id WHERE source = ?1),
            missing_images = (SELECT COUNT(*) FROM images JOIN cases ON cases.id = case_id
                WHERE source = ?1 AND state IN ('missing', 'unreadable')),
            questions = (SELECT COUNT(*) FROM questions WHERE source = ?1),
            answers = (SELECT COUNT(*) FROM answers WHERE source = ?1),
            guidelines = (SELECT COUNT(*) FROM guidelines WHERE source = ?1),
            passages = (SELECT COUNT(*) FROM passages JOIN guidelines ON guidelines.id = guideline
                WHERE source = ?1),
            skipped = (SELECT COUNT(*) FROM skipped WHERE source = ?1)
            WHERE id = ?1";
        self.store.connection.execute(sql, [self.source.0])?;
        self.commit()?;
        self.store.connection.execute_batch("PRAGMA optimize")?;
        Ok(self.counts)
    }

    /// Commits what is there and leaves the source incomplete: cancelled.
    pub fn stop(mut self) -> Result<ImportCounts, StoreError> {
        self.commit()?;
        Ok(self.counts)
    }

    fn begin_batch(&mut self) -> Result<(), StoreError> {
        self.store.connection.execute_batch("BEGIN IMMEDIATE")?;
        self.change = self.store.next_change()?;
        self.in_batch = 0;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.store.connection.execute_batch("COMMIT")?;
        Ok(())
    }

    fn count_into_batch(&mut self) -> Result<(), StoreError> {
        self.in_batch += 1;
        if self.in_batch >= BATCH_ROWS {
            self.commit()?;
            self.begin_batch()?;
        }
        Ok(())
    }

    fn is_repeated(&mut self, kind: &str, key: &str) -> Result<bool, StoreError> {
        let mut hasher = Xxh3::new();
        hasher.update(kind.as_bytes());
        hasher.update(&[0]);
        hasher.update(key.as_bytes());
        if self.seen.insert(hasher.finish()) {
            return Ok(false);
        }
        let reason = format!("{kind} {key:?} appears twice; the first one is kept");
        self.skip(&Skipped {
            at: self.whole_file(),
            reason,
        })?;
        Ok(true)
    }

    fn whole_file(&self) -> SkippedAt {
        SkippedAt {
            file: self.file.clone(),
            line: None,
        }
    }

    fn put_case(&mut self, case: &CaseDraft) -> Result<(), StoreError> {
        if self.is_repeated("case", &case.key)? {
            return Ok(());
        }
        self.counts.cases += 1;
        self.counts.images += case.images.len() as u64;
        self.counts.missing_images +=
            case.images.iter().filter(|image| image.is_missing).count() as u64;
        let hash = content_hash(case)?;
        let sections = serde_json::to_string(&case.sections)?;
        let language = language_or_english(&case.language);
        let modality = case.modality.map(semihv_domain::Modality::name);
        let values = params![
            self.source.0,
            case.key,
            case.title,
            case.patient,
            modality,
            case.body_part,
            case.year,
            language,
            case.licence,
            sections,
            hash,
            self.change
        ];
        let connection = &self.store.connection;
        let insert = "INSERT INTO cases (source, key, title, patient, modality, body_part, year,
            language, licence, sections, hash, change)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            ON CONFLICT (source, key) DO NOTHING";
        if connection.prepare_cached(insert)?.execute(values)? == 1 {
            let id = CaseId(connection.last_insert_rowid());
            return self.put_images(id, &case.images);
        }
        let found = "SELECT id, hash FROM cases WHERE source = ?1 AND key = ?2";
        let (id, old): (i64, i64) = connection
            .prepare_cached(found)?
            .query_row(params![self.source.0, case.key], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        if old == hash {
            self.counts.unchanged += 1;
            return Ok(());
        }
        let update = "UPDATE cases SET title = ?3, patient = ?4, modality = ?5, body_part = ?6,
            year = ?7, language = ?8, licence = ?9, sections = ?10, hash = ?11, change = ?12
            WHERE source = ?1 AND key = ?2";
        connection.prepare_cached(update)?.execute(values)?;
        self.put_images(CaseId(id), &case.images)
    }

    /// Images keep their rows (and the notes on them) as long as their key stays.
    fn put_images(&mut self, case: CaseId, images: &[ImageDraft]) -> Result<(), StoreError> {
        let connection = &self.store.connection;
        let keys =
            serde_json::to_string(&images.iter().map(|image| &image.key).collect::<Vec<_>>())?;
        connection
            .prepare_cached(
                "DELETE FROM images WHERE case_id = ?1
                 AND key NOT IN (SELECT value FROM json_each(?2))",
            )?
            .execute(params![case.0, keys])?;
        let upsert = "INSERT INTO images (case_id, key, ordinal, location, state, modality, plane)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (case_id, key) DO UPDATE SET
            ordinal = excluded.ordinal, location = excluded.location, state = excluded.state,
            modality = excluded.modality, plane = excluded.plane RETURNING id";
        for (ordinal, image) in images.iter().enumerate() {
            let state = if image.is_missing {
                "missing"
            } else {
                "unchecked"
            };
            let modality = image.modality.map(semihv_domain::Modality::name);
            let values = params![
                case.0,
                image.key,
                ordinal as i64,
                image.location,
                state,
                modality,
                image.plane
            ];
            let id: i64 = connection
                .prepare_cached(upsert)?
                .query_row(values, |row| row.get(0))?;
            put_captions_and_regions(connection, id, image, &self.name)?;
        }
        Ok(())
    }

    fn put_question(&mut self, question: &QuestionDraft) -> Result<(), StoreError> {
        if self.is_repeated("question", &question.key)? {
            return Ok(());
        }
        let Some(Joined { case, image }) = self.find_case_and_image(question)? else {
            return Ok(());
        };
        self.counts.questions += 1;
        let hash = content_hash(&(question, case, image))?;
        let options = serde_json::to_string(&question.options)?;
        let language = language_or_english(&question.language);
        let values = params![
            self.source.0,
            question.key,
            case,
            image,
            question.text,
            question.kind.name(),
            options,
            question.gold,
            question.gold_rationale,
            language,
            question.class,
            question.split,
            hash,
            self.change
        ];
        let connection = &self.store.connection;
        let insert =
            "INSERT INTO questions (source, key, case_id, image, text, kind, options, gold,
            gold_rationale, language, class, split, hash, change)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            ON CONFLICT (source, key) DO UPDATE SET case_id = excluded.case_id,
            image = excluded.image, text = excluded.text, kind = excluded.kind,
            options = excluded.options, gold = excluded.gold,
            gold_rationale = excluded.gold_rationale, language = excluded.language,
            class = excluded.class, split = excluded.split, hash = excluded.hash,
            change = excluded.change WHERE hash <> excluded.hash";
        if connection.prepare_cached(insert)?.execute(values)? == 0 {
            self.counts.unchanged += 1;
            return Ok(());
        }
        if let Some(case) = case {
            self.touch_case(case)?;
        }
        Ok(())
    }

    /// `None` when the question names a case that is not there; that is a skipped row.
    fn find_case_and_image(
        &mut self,
        question: &QuestionDraft,
    ) -> Result<Option<Joined>, StoreError> {
        let Some(key) = &question.case_key else {
            return Ok(Some(Joined::default()));
        };
        let case: Option<i64> = self
            .store
            .connection
            .prepare_cached("SELECT id FROM cases WHERE source = ?1 AND key = ?2")?
            .query_row(params![self.source.0, key], |row| row.get(0))
            .optional()?;
        let Some(case) = case else {
            let reason = format!(
                "question {:?} is about case {key:?}, which is not here",
                question.key
            );
            self.skip(&Skipped {
                at: self.whole_file(),
                reason,
            })?;
            return Ok(None);
        };
        let image = match &question.image_key {
            None => None,
            Some(key) => self
                .store
                .connection
                .prepare_cached("SELECT id FROM images WHERE case_id = ?1 AND key = ?2")?
                .query_row(params![case, key], |row| row.get(0))
                .optional()?,
        };
        Ok(Some(Joined {
            case: Some(case),
            image,
        }))
    }

    fn put_answer(&mut self, answer: &AnswerDraft) -> Result<(), StoreError> {
        let skip_at = |reason: String| Skipped {
            at: answer.at.clone(),
            reason,
        };
        let found = self
            .store
            .questions_by_key(&answer.question_key, answer.question_source.as_deref())?;
        let question = match found.as_slice() {
            [question] => self.store.question(*question)?,
            [] => {
                let place = answer.question_source.as_deref().unwrap_or("any source");
                let reason = format!("no question {:?} in {place}", answer.question_key);
                return self.skip(&skip_at(reason));
            }
            _ => {
                let reason = format!(
                    "question {:?} is in several sources; name one with --questions",
                    answer.question_key
                );
                return self.skip(&skip_at(reason));
            }
        };
        let Some(question) = question else {
            return Ok(());
        };
        let repeated = format!("{}\u{0}{}", question.id, answer.model);
        let mut hasher = Xxh3::new();
        hasher.update(repeated.as_bytes());
        if !self.seen.insert(hasher.finish()) {
            let reason = format!(
                "a second answer of {} to question {:?}; the first one is kept",
                answer.model, answer.question_key
            );
            return self.skip(&skip_at(reason));
        }
        self.write_answer(&question, answer)
    }

    fn write_answer(
        &mut self,
        question: &Question,
        answer: &AnswerDraft,
    ) -> Result<(), StoreError> {
        self.counts.answers += 1;
        let (verdict, judged_by) = match answer.verdict {
            Some(verdict) => (verdict, "file".to_owned()),
            None => (self.marker)(question, &answer.text),
        };
        let sql =
            "INSERT INTO answers (question, model, source, text, rationale, verdict, judged_by)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (question, model, source) DO UPDATE SET
            text = excluded.text, rationale = excluded.rationale, verdict = excluded.verdict,
            judged_by = excluded.judged_by
            WHERE text <> excluded.text OR rationale IS NOT excluded.rationale
            OR verdict <> excluded.verdict OR judged_by <> excluded.judged_by";
        let values = params![
            question.id.0,
            answer.model,
            self.source.0,
            answer.text,
            answer.rationale,
            verdict.name(),
            judged_by
        ];
        if self.store.connection.prepare_cached(sql)?.execute(values)? == 0 {
            self.counts.unchanged += 1;
            return Ok(());
        }
        self.store
            .connection
            .prepare_cached("UPDATE questions SET change = ?2 WHERE id = ?1")?
            .execute(params![question.id.0, self.change])?;
        question.case.map_or(Ok(()), |case| self.touch_case(case.0))
    }

    /// A case is found by what is asked about it, so it is indexed again.
    fn touch_case(&self, case: i64) -> Result<(), StoreError> {
        self.store
            .connection
            .prepare_cached("UPDATE cases SET change = ?2 WHERE id = ?1 AND change <> ?2")?
            .execute(params![case, self.change])?;
        Ok(())
    }

    fn put_guideline(&mut self, guideline: &GuidelineDraft) -> Result<(), StoreError> {
        if self.is_repeated("guideline", &guideline.key)? {
            return Ok(());
        }
        self.counts.guidelines += 1;
        self.counts.passages += guideline.passages.len() as u64;
        let hash = content_hash(guideline)?;
        let connection = &self.store.connection;
        let sql = "INSERT INTO guidelines (source, key, title, developer, year, licence, language,
            hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (source, key) DO UPDATE SET
            title = excluded.title, developer = excluded.developer, year = excluded.year,
            licence = excluded.licence, language = excluded.language, hash = excluded.hash
            WHERE hash <> excluded.hash RETURNING id";
        let language = language_or_english(&guideline.language);
        let values = params![
            self.source.0,
            guideline.key,
            guideline.title,
            guideline.developer,
            guideline.year,
            guideline.licence,
            language,
            hash
        ];
        let id: Option<i64> = connection
            .prepare_cached(sql)?
            .query_row(values, |row| row.get(0))
            .optional()?;
        let Some(id) = id else {
            self.counts.unchanged += 1;
            return Ok(());
        };
        let surplus = "INSERT INTO removals (kind, row, change)
            SELECT 'passage', id, ?3 FROM passages WHERE guideline = ?1 AND ordinal >= ?2";
        let length = guideline.passages.len() as i64;
        connection.execute(surplus, params![id, length, self.change])?;
        connection.execute(
            "DELETE FROM passages WHERE guideline = ?1 AND ordinal >= ?2",
            params![id, length],
        )?;
        let sql = "INSERT INTO passages (guideline, ordinal, headings, text, change)
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (guideline, ordinal) DO UPDATE SET
            headings = excluded.headings, text = excluded.text, change = excluded.change";
        for (ordinal, passage) in guideline.passages.iter().enumerate() {
            let headings = serde_json::to_string(&passage.headings)?;
            connection.prepare_cached(sql)?.execute(params![
                id,
                ordinal as i64,
                headings,
                passage.text,
                self.change
            ])?;
        }
        Ok(())
    }
}

impl Drop for ImportRows<'_> {
    /// After an error the open batch is given up; whole batches stay.
    fn drop(&mut self) {
        if !self.store.connection.is_autocommit() {
            let _ = self.store.connection.execute_batch("ROLLBACK");
        }
    }
}

impl Store {
    /// Numbers a write of searchable rows; call inside its transaction.
    pub(super) fn next_change(&self) -> Result<i64, StoreError> {
        let sql = "UPDATE counters SET value = value + 1 WHERE name = 'change' RETURNING value";
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }

    fn questions_by_key(
        &self,
        key: &str,
        source: Option<&str>,
    ) -> Result<Vec<QuestionId>, StoreError> {
        let sql = "SELECT questions.id FROM questions JOIN sources ON sources.id = source
            WHERE key = ?1 AND (?2 IS NULL OR sources.name = ?2) LIMIT 2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map(params![key, source], |row| row.get(0).map(QuestionId))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

fn put_captions_and_regions(
    connection: &rusqlite::Connection,
    id: i64,
    image: &ImageDraft,
    author: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM captions WHERE image = ?1")?
        .execute([id])?;
    connection
        .prepare_cached("DELETE FROM regions WHERE image = ?1 AND imported = 1")?
        .execute([id])?;
    let captions = "INSERT INTO captions (image, ordinal, text, language) VALUES (?1, ?2, ?3, ?4)";
    for (ordinal, caption) in image.captions.iter().enumerate() {
        connection.prepare_cached(captions)?.execute(params![
            id,
            ordinal as i64,
            caption.text,
            language_or_english(&caption.language)
        ])?;
    }
    let regions = "INSERT INTO regions (image, label, shape, author, imported, cut, slice)
        VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)";
    for region in image
        .regions
        .iter()
        .filter(|region| region.shape.is_sound())
    {
        let shape = serde_json::to_string(&region.shape)?;
        connection.prepare_cached(regions)?.execute(params![
            id,
            region.label,
            shape,
            author,
            region.slice.map(|it| it.cut.name()),
            region.slice.map(|it| it.slice)
        ])?;
    }
    Ok(())
}

fn language_or_english(language: &str) -> &str {
    if language.is_empty() { "en" } else { language }
}
