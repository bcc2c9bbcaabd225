//! The workbench over a made-up workspace, to look at and to measure without an engine.
//!
//! `cargo run -p semihv-tui --example million -- [CASES]`

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use semihv_domain::{
    Case, CaseId, Failure, FailureKind, Job, JobId, JobKind, JobProgress, JobState, Modality, Note,
    NoteId, Question, QuestionId, QuestionKind, Section, SourceId, Tag, Target, Verdict,
};
use semihv_engine::{
    CaseDetail, CaseRow, Changed, CompletionItem, Edit, Edited, Event, JobSpec, ListKind, ListRow,
    Listing, ModelScore, Overview, Query, QuestionDetail, QuestionRow, Reply,
};
use semihv_tui::backend::{Backend, Settings};
use semihv_tui::graphics::Files as _;

/// Rows out of arithmetic, notes and tags in memory.
struct MadeUp {
    cases: i64,
    kept: Mutex<Kept>,
    events: Mutex<Option<Receiver<Event>>>,
    told: Sender<Event>,
    folder: PathBuf,
}

#[derive(Default)]
struct Kept {
    tags: HashMap<Target, Vec<Tag>>,
    notes: Vec<Note>,
    drafts: HashMap<Target, String>,
    session: Option<String>,
}

impl MadeUp {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn row(&self, kind: ListKind, id: i64) -> ListRow {
        let kept = self.kept();
        let tags = |target| kept.tags.get(&target).cloned().unwrap_or_default();
        let has_note = |target| kept.notes.iter().any(|note| note.target == target);
        match kind {
            ListKind::Cases => ListRow::Case(CaseRow {
                id: CaseId(id),
                key: format!("ct-{id:03}"),
                title: format!("Solid nodule of the right upper lobe, number {id}"),
                source: "made-up".to_owned(),
                modality: Modality::ALL.get(id.unsigned_abs() as usize % 8).copied(),
                images: 2,
                questions: 1,
                tags: tags(Target::Case(CaseId(id))),
                has_note: has_note(Target::Case(CaseId(id))),
            }),
            ListKind::Questions => ListRow::Question(QuestionRow {
                id: QuestionId(id),
                key: format!("q-{id:03}"),
                text: "Which lobe holds the nodule?".to_owned(),
                kind: QuestionKind::Closed,
                case: Some(CaseId(id)),
                source: "made-up".to_owned(),
                modality: Some(Modality::Ct),
                verdicts: vec![
                    ("a".to_owned(), Verdict::Right),
                    (
                        "b".to_owned(),
                        if id % 2 == 0 {
                            Verdict::Wrong
                        } else {
                            Verdict::Unparsed
                        },
                    ),
                ],
                tags: tags(Target::Question(QuestionId(id))),
                has_note: has_note(Target::Question(QuestionId(id))),
            }),
        }
    }

    fn annotations(&self, target: Target) -> (Vec<Tag>, Vec<Note>) {
        let kept = self.kept();
        let notes = kept.notes.iter().filter(|note| note.target == target);
        (
            kept.tags.get(&target).cloned().unwrap_or_default(),
            notes.cloned().collect(),
        )
    }

    fn case(&self, id: i64) -> CaseDetail {
        let (tags, notes) = self.annotations(Target::Case(CaseId(id)));
        let questions = match self.row(ListKind::Questions, id) {
            ListRow::Question(row) => vec![row],
            ListRow::Case(_) => Vec::new(),
        };
        CaseDetail {
            case: Case {
                id: CaseId(id),
                source: SourceId(1),
                source_name: "made-up".to_owned(),
                key: format!("ct-{id:03}"),
                title: format!("Solid nodule of the right upper lobe, number {id}"),
                patient: None,
                modality: Some(Modality::Ct),
                body_part: None,
                year: Some(2021),
                language: "en".to_owned(),
                licence: None,
                sections: vec![Section {
                    heading: "Findings".to_owned(),
                    text: "A solid nodule of 8 mm in the right upper lobe.".to_owned(),
                }],
            },
            images: Vec::new(),
            questions,
            tags,
            notes,
        }
    }

    fn question(&self, id: i64) -> QuestionDetail {
        let (tags, notes) = self.annotations(Target::Question(QuestionId(id)));
        QuestionDetail {
            question: Question {
                id: QuestionId(id),
                source: SourceId(1),
                source_name: "made-up".to_owned(),
                key: format!("q-{id:03}"),
                case: Some(CaseId(id)),
                image: None,
                text: "Which lobe holds the nodule?".to_owned(),
                kind: QuestionKind::Closed,
                options: Vec::new(),
                gold: "right upper lobe".to_owned(),
                gold_rationale: None,
                language: "en".to_owned(),
                class: None,
                split: None,
            },
            image: None,
            answers: Vec::new(),
            tags,
            notes,
        }
    }

    fn overview(&self) -> Overview {
        let cases = self.cases.unsigned_abs();
        let score = |model: &str| ModelScore {
            model: model.to_owned(),
            answers: cases,
            right: cases / 2,
            wrong: cases / 2,
            unparsed: 0,
            unjudged: 0,
        };
        Overview {
            workspace: "made-up".to_owned(),
            cases,
            questions: cases,
            models: vec![score("a"), score("b")],
            ..Overview::default()
        }
    }
}

impl Backend for MadeUp {
    fn ask(&self, query: Query) -> Result<Reply, Failure> {
        Ok(match query {
            Query::Overview => Reply::Overview(self.overview()),
            Query::List(spec) if spec.filter.contains('(') => {
                let what = "this parenthesis is never closed (column 1)";
                drop(spec);
                return Err(Failure::new("search", FailureKind::User, what));
            }
            Query::List(spec) => Reply::List(Listing {
                ids: (1..=self.cases).collect(),
                spec,
                remark: None,
            }),
            Query::Rows { kind, ids } => Reply::Rows {
                kind,
                rows: ids.into_iter().map(|id| self.row(kind, id)).collect(),
            },
            Query::Case(CaseId(id)) => Reply::Case(Box::new(self.case(id))),
            Query::Question(QuestionId(id)) => Reply::Question(Box::new(self.question(id))),
            Query::Complete { .. } => Reply::Complete(vec![CompletionItem {
                insert: "modality:".to_owned(),
                about: "how the image was made".to_owned(),
                from: 0,
                to: 0,
            }]),
            Query::Jobs => Reply::Jobs(Vec::new()),
            Query::Tags => Reply::Tags(Vec::new()),
            Query::Draft(target) => Reply::Draft {
                target,
                text: self.kept().drafts.get(&target).cloned(),
            },
            other => {
                let what = format!("nothing is made up for {other:?}");
                return Err(Failure::new("question", FailureKind::User, what));
            }
        })
    }

    fn edit(&self, edit: &Edit) -> Result<Edited, Failure> {
        let undo = inverse(edit);
        let mut kept = self.kept();
        let changed = match edit.clone() {
            Edit::AddTag { targets, tag } => {
                for target in &targets {
                    kept.tags.entry(*target).or_default().push(tag.clone());
                }
                targets
            }
            Edit::RemoveTag { targets, tag } => {
                for target in &targets {
                    kept.tags
                        .entry(*target)
                        .or_default()
                        .retain(|known| *known != tag);
                }
                targets
            }
            Edit::WriteNote { target, text } => {
                let id = NoteId(i64::try_from(kept.notes.len()).unwrap_or(0) + 1);
                kept.drafts.remove(&target);
                kept.notes.push(Note {
                    id,
                    target,
                    text,
                    author: "you".to_owned(),
                    written: 0,
                });
                vec![target]
            }
            Edit::ReplaceNote { note, text } => {
                let known = kept.notes.iter_mut().find(|known| known.id == note);
                known.map_or_else(Vec::new, |known| {
                    known.text = text;
                    vec![known.target]
                })
            }
            Edit::DeleteNote { note } => {
                let target = kept.notes.iter().find(|known| known.id == note);
                let target = target.map(|known| known.target);
                kept.notes.retain(|known| known.id != note);
                target.into_iter().collect()
            }
            Edit::KeepDraft { target, text } => {
                kept.drafts.insert(target, text);
                vec![target]
            }
            Edit::DropDraft { target } => {
                kept.drafts.remove(&target);
                vec![target]
            }
            // There are no pictures to draw regions on.
            _ => Vec::new(),
        };
        drop(kept);
        let event = Event::Changed(Changed::Annotations(changed.clone()));
        let is_heard = self.told.send(event).is_ok();
        let undo = undo.filter(|_| is_heard);
        Ok(Edited { changed, undo })
    }

    fn start(&self, _spec: JobSpec) -> Result<JobId, Failure> {
        let told = self.told.clone();
        std::thread::spawn(move || {
            for done in 0..=100 {
                let state = if done == 100 {
                    JobState::Succeeded {
                        summary: "everything is indexed".to_owned(),
                    }
                } else {
                    JobState::Running
                };
                let job = Job {
                    id: JobId(1),
                    kind: JobKind::Index,
                    command: "semihv index".to_owned(),
                    state,
                    progress: JobProgress {
                        done,
                        total: Some(100),
                        unit: "documents".to_owned(),
                        rows: 0,
                        skipped: 0,
                    },
                    started: 0,
                    ended: None,
                };
                if told.send(Event::Job(job)).is_err() {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        });
        Ok(JobId(1))
    }

    fn cancel(&self, _job: JobId) {}

    fn events(&self) -> Receiver<Event> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.take().unwrap_or_else(|| channel().1)
    }

    fn warm_scan(&self, _location: &str) {}

    fn open_regions(&self, location: &str) -> Result<Arc<semihv_imaging::RegionFile>, Failure> {
        semihv_tui::graphics::NoFiles.regions(location)
    }

    fn open_heat_map(&self, location: &str) -> Result<Arc<semihv_imaging::HeatMap>, Failure> {
        semihv_tui::graphics::NoFiles.heat_map(location)
    }

    fn thumbnail(&self, location: &str) -> Result<Arc<semihv_imaging::Raster>, Failure> {
        semihv_tui::graphics::NoFiles.thumbnail(location)
    }

    fn open_scan(&self, _location: &str) -> Result<Arc<semihv_imaging::Scan>, Failure> {
        Err(Failure::new(
            "picture",
            FailureKind::Data,
            "there are no pictures",
        ))
    }

    fn save_session(&self, json: &str) -> Result<(), Failure> {
        let file = self.folder.join("million-session.json");
        self.kept().session = Some(json.to_owned());
        std::fs::write(file, json)
            .map_err(|error| Failure::of("session", FailureKind::Config, &error))
    }

    fn load_session(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.join("million-session.json")).ok()
    }

    fn keep_picture(&self, name: &str, _: &[u8]) -> Result<String, Failure> {
        Ok(name.to_owned())
    }

    fn save_curves(&self, _: &semihv_engine::CurvesAsk) -> Result<String, Failure> {
        Ok(String::new())
    }

    fn keep_copied(&self, text: &str) -> Result<String, Failure> {
        let file = self.folder.join("million-copied.txt");
        std::fs::write(&file, text)
            .map_err(|error| Failure::of("copy", FailureKind::Config, &error))?;
        Ok(file.display().to_string())
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }
}

/// Enough for tags; notes are not taken back here.
fn inverse(edit: &Edit) -> Option<Edit> {
    match edit.clone() {
        Edit::AddTag { targets, tag } => Some(Edit::RemoveTag { targets, tag }),
        Edit::RemoveTag { targets, tag } => Some(Edit::AddTag { targets, tag }),
        _ => None,
    }
}

fn main() -> anyhow::Result<()> {
    let cases = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 1_000_000,
    };
    let (told, events) = channel();
    let backend = MadeUp {
        cases,
        kept: Mutex::default(),
        events: Mutex::new(Some(events)),
        told,
        folder: std::env::temp_dir(),
    };
    let options = semihv_tui::Options {
        has_mouse: true,
        ..semihv_tui::Options::default()
    };
    semihv_tui::run(Arc::new(backend), options)?;
    Ok(())
}
