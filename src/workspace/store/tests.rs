use semihv_domain::{
    AnswerDraft, CaptionDraft, CaseDraft, CaseId, Cut, GuidelineDraft, ImageDraft, ImageId,
    Imported, PassageDraft, Question, QuestionDraft, QuestionKind, Region, RegionDraft,
    RegionSlice, Section, Shape, SkippedAt, Tag, Target, Verdict,
};

use super::*;

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(
        &folder.path().join("store.db"),
        Journal::Wal,
        Durability::PowerCut,
    )
    .unwrap()
}

fn unjudged(_: &Question, _: &str) -> (Verdict, String) {
    (Verdict::Unjudged, "none".to_owned())
}

fn case(key: &str, text: &str) -> Imported {
    Imported::Case(CaseDraft {
        key: key.to_owned(),
        title: format!("Case {key}"),
        sections: vec![Section {
            heading: "History".into(),
            text: text.to_owned(),
        }],
        images: vec![ImageDraft {
            key: "a".into(),
            location: format!("/data/{key}.png"),
            captions: vec![CaptionDraft {
                text: "a shadow".into(),
                language: String::new(),
            }],
            regions: vec![RegionDraft::new("nodule", square(1.0))],
            ..ImageDraft::default()
        }],
        ..CaseDraft::default()
    })
}

fn square(x: f64) -> Shape {
    Shape::Box {
        x,
        y: 2.0,
        width: 3.0,
        height: 4.0,
    }
}

fn question(key: &str, case: &str) -> Imported {
    Imported::Question(QuestionDraft {
        key: key.to_owned(),
        case_key: Some(case.to_owned()),
        image_key: Some("a".into()),
        text: "Is there a nodule?".into(),
        kind: QuestionKind::Closed,
        options: Vec::new(),
        gold: "yes".into(),
        gold_rationale: None,
        language: "en".into(),
        class: None,
        split: None,
    })
}

fn answer(question: &str, text: &str) -> Imported {
    Imported::Answer(AnswerDraft {
        question_source: None,
        question_key: question.to_owned(),
        model: "a".into(),
        text: text.to_owned(),
        rationale: None,
        verdict: None,
        at: SkippedAt {
            file: "answers.jsonl".into(),
            line: Some(7),
        },
    })
}

fn import(store: &mut Store, rows: &[Imported]) -> ImportCounts {
    let mut import = store
        .begin_import(("set", "jsonl", "/set.jsonl"), 1, &unjudged)
        .unwrap();
    for row in rows {
        import.put(row).unwrap();
    }
    import.finish().unwrap()
}

#[test]
fn the_same_import_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let rows = [
        case("c1", "cough"),
        question("q1", "c1"),
        answer("q1", "yes"),
    ];
    import(&mut store, &rows);
    let change = store.changed_since(0).unwrap();
    let seen = store.last_change().unwrap();
    let counts = import(&mut store, &rows);
    assert_eq!(
        (
            counts.cases,
            counts.questions,
            counts.answers,
            counts.unchanged
        ),
        (1, 1, 1, 3)
    );
    assert_eq!((change, store.changed_since(seen).unwrap()), (2, 0));
    let found = store.counts().unwrap();
    assert_eq!(
        (found.cases, found.images, found.questions, found.answers),
        (1, 1, 1, 1)
    );
}

#[test]
fn a_changed_row_keeps_its_id_and_its_note() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    import(&mut store, &[case("c1", "cough")]);
    let id = store.case_by_key("c1").unwrap().unwrap();
    let image = store.images(id).unwrap()[0].id;
    store
        .write_note(Target::Image(image), "look again", ("ana", 5))
        .unwrap();
    let seen = store.last_change().unwrap();
    import(&mut store, &[case("c1", "fever")]);
    let case = store.case(id).unwrap().unwrap();
    assert_eq!(case.sections[0].text, "fever");
    let images = store.images(id).unwrap();
    assert_eq!((images.len(), images[0].id), (1, image));
    assert_eq!((images[0].captions.len(), images[0].regions.len()), (1, 1));
    assert_eq!(store.notes(Target::Image(image)).unwrap().len(), 1);
    assert_eq!(store.changed_since(seen).unwrap(), 1);
}

#[test]
fn what_cannot_be_joined_is_skipped_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let rows = [
        case("c1", "x"),
        case("c1", "y"),
        question("q1", "gone"),
        answer("q9", "yes"),
    ];
    let counts = import(&mut store, &rows);
    assert_eq!(
        (
            counts.cases,
            counts.questions,
            counts.answers,
            counts.skipped
        ),
        (1, 0, 0, 3)
    );
    let skipped = store.skipped(Some("set"), 10).unwrap();
    assert_eq!(
        skipped[0].reason,
        "case \"c1\" appears twice; the first one is kept"
    );
    assert_eq!(
        skipped[1].reason,
        "question \"q1\" is about case \"gone\", which is not here"
    );
    assert_eq!(
        (
            skipped[2].file.as_str(),
            skipped[2].line,
            skipped[2].reason.as_str()
        ),
        ("answers.jsonl", Some(7), "no question \"q9\" in any source")
    );
}

#[test]
fn an_import_that_was_cut_off_is_incomplete_and_continues_without_doubling() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let rows: Vec<Imported> = (0..20_000).map(|n| case(&format!("c{n}"), "x")).collect();
    let mut cut = store
        .begin_import(("set", "jsonl", "/s"), 1, &unjudged)
        .unwrap();
    for row in &rows[..10_000] {
        cut.put(row).unwrap();
    }
    drop(cut);
    assert!(!store.sources().unwrap()[0].is_complete);
    assert_eq!(store.all_cases().unwrap().len(), 8_192);
    let counts = import(&mut store, &rows);
    assert_eq!((counts.cases, counts.unchanged), (20_000, 8_192));
    assert_eq!(store.all_cases().unwrap().len(), 20_000);
    assert!(store.sources().unwrap()[0].is_complete);
}

#[test]
fn a_guideline_that_got_shorter_forgets_its_last_passages() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let guideline = |count: usize| {
        Imported::Guideline(GuidelineDraft {
            key: "g".into(),
            title: "Nodules".into(),
            developer: None,
            year: Some(2021),
            licence: None,
            language: "en".into(),
            passages: (0..count)
                .map(|n| PassageDraft {
                    headings: vec!["Advice".into()],
                    text: format!("p{n}"),
                    start: None,
                })
                .collect(),
        })
    };
    import(&mut store, &[guideline(3)]);
    let seen = store.last_change().unwrap();
    let first = store.searchable_passages((0, 0), 10).unwrap();
    assert_eq!(first.len(), 3);
    import(&mut store, &[guideline(2)]);
    assert_eq!(
        store.removals_since(seen).unwrap(),
        [(semihv_domain::DocumentKind::Passage, first[2].id)]
    );
    let (_, passages) = store
        .guideline_of(semihv_domain::PassageId(first[0].id))
        .unwrap()
        .unwrap();
    assert_eq!(passages.len(), 2);
}

#[test]
fn undo_of_a_tag_takes_away_only_what_it_added() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let tag = Tag::parse("laterality").unwrap();
    let targets = [Target::Case(CaseId(1)), Target::Case(CaseId(2))];
    store.add_tag(&targets[..1], &tag, ("ana", 1)).unwrap();
    let added = store.add_tag(&targets, &tag, ("ana", 2)).unwrap();
    assert_eq!(added, targets[1..]);
    assert_eq!(store.remove_tag(&added, &tag).unwrap(), targets[1..]);
    assert_eq!(store.tagged_rows("case", Some("laterality")).unwrap(), [1]);
}

#[test]
fn a_stored_note_takes_its_draft_along() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let target = Target::Case(CaseId(1));
    store.keep_draft(target, "half a thou", 1).unwrap();
    store.keep_draft(target, "half a thought", 2).unwrap();
    assert_eq!(
        store.draft(target).unwrap().as_deref(),
        Some("half a thought")
    );
    store.write_note(target, "a thought", ("ana", 3)).unwrap();
    assert_eq!(store.draft(target).unwrap(), None);
    assert_eq!(store.notes(target).unwrap()[0].text, "a thought");
}

#[test]
fn a_second_process_sees_the_first_ones_tags() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = open(&folder);
    let second = open(&folder);
    let before = second.data_version().unwrap();
    let tag = Tag::parse("check").unwrap();
    first
        .add_tag(&[Target::Case(CaseId(4))], &tag, ("ana", 1))
        .unwrap();
    assert_ne!(second.data_version().unwrap(), before);
    assert_eq!(second.tags(Target::Case(CaseId(4))).unwrap(), [tag]);
}

#[test]
fn the_safe_mode_keeps_a_rollback_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = Store::open(&path, Journal::Rollback, Durability::PowerCut).unwrap();
    assert_eq!(store.journal_mode().unwrap(), "delete");
    import(&mut store, &[case("c1", "x")]);
    assert!(!folder.path().join("store.db-wal").exists());
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&folder));
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let bytes = std::fs::read(&path).unwrap();
    let error = Store::open(&path, Journal::Wal, Durability::PowerCut).unwrap_err();
    assert!(
        matches!(
            error,
            OpenStoreError::Newer {
                found: 99,
                known: 2
            }
        ),
        "{error}"
    );
    assert!(Store::open_read_only(&path).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_file_that_is_no_database_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    std::fs::write(
        &path,
        "not a database, certainly not one of ours".repeat(50),
    )
    .unwrap();
    let error = Store::open(&path, Journal::Wal, Durability::PowerCut).unwrap_err();
    assert!(matches!(error, OpenStoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_read_only_store_refuses_writes() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let mut store = Store::open_read_only(&folder.path().join("store.db")).unwrap();
    let tag = Tag::parse("x").unwrap();
    let refused = store.add_tag(&[Target::Case(CaseId(1))], &tag, ("ana", 1));
    assert!(matches!(refused, Err(StoreError::ReadOnly)));
    assert!(
        store
            .begin_import(("s", "jsonl", "/s"), 1, &unjudged)
            .is_err()
    );
}

#[test]
fn the_rows_of_a_list_come_in_its_order_with_what_they_show() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    import(
        &mut store,
        &[
            case("c1", "x"),
            case("c2", "y"),
            question("q1", "c2"),
            answer("q1", "no"),
        ],
    );
    let ids = store.all_cases().unwrap();
    let tag = Tag::parse("check").unwrap();
    store
        .add_tag(&[Target::Case(CaseId(ids[1]))], &tag, ("ana", 1))
        .unwrap();
    let rows = store.case_rows(&[ids[1], 999, ids[0]]).unwrap();
    assert_eq!(
        rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(),
        ["c2", "c1"]
    );
    assert_eq!(
        (rows[0].images, rows[0].questions, rows[0].tags.as_slice()),
        (1, 1, &[tag][..])
    );
    let question = &store.questions_of(CaseId(ids[1])).unwrap()[0];
    assert_eq!(question.verdicts, [("a".to_owned(), Verdict::Unjudged)]);
}

#[test]
fn a_job_whose_process_is_gone_was_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let job = store
        .add_job(semihv_domain::JobKind::Import, "semihv import", 1)
        .unwrap();
    assert_eq!(store.jobs().unwrap()[0].state.name(), "running");
    store
        .connection
        .execute(
            "UPDATE jobs SET process_started = substr(process_started, 1, 36) || ' 1'",
            [],
        )
        .unwrap();
    let jobs = store.jobs().unwrap();
    assert_eq!((jobs[0].id, jobs[0].state.name()), (job.id, "interrupted"));
}

#[test]
fn searchable_rows_come_by_the_page_in_the_order_of_their_changes() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    import(
        &mut store,
        &[
            case("c1", "x"),
            case("c2", "y"),
            case("c3", "z"),
            question("q1", "c1"),
        ],
    );
    let first = store.searchable_cases((0, i64::MAX), 2).unwrap();
    let last = first.last().unwrap();
    let rest = store.searchable_cases((last.change, last.id), 2).unwrap();
    let keys: Vec<_> = first
        .iter()
        .chain(&rest)
        .map(|case| case.key.as_str())
        .collect();
    assert_eq!(keys, ["c1", "c2", "c3"]);
    assert_eq!(first[0].question_kinds, [QuestionKind::Closed]);
    assert_eq!(first[0].texts, ["x", "a shadow"]);
    assert!(first[0].has_region && first[0].has_caption);
    assert!(store.searchable_questions((0, i64::MAX), 9).unwrap()[0].has_region);
}

/// A second connection would wait for the import's transaction, and the import for it.
#[test]
fn a_jobs_progress_goes_to_disk_with_the_rows_it_speaks_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let mut job = store
        .add_job(semihv_domain::JobKind::Import, "semihv import", 1)
        .unwrap();
    job.progress.rows = 1;
    let mut rows = store
        .begin_import(("set", "jsonl", "/s"), 1, &unjudged)
        .unwrap();
    rows.put(&case("c1", "x")).unwrap();
    rows.keep_job(&job).unwrap();
    rows.finish().unwrap();
    assert_eq!(open(&folder).jobs().unwrap()[0].progress.rows, 1);
}

#[test]
fn a_persons_regions_survive_imports_and_come_back_after_they_were_erased() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    import(&mut store, &[case("c1", "x")]);
    let case_id = store.case_by_key("c1").unwrap().unwrap();
    let image = store.images(case_id).unwrap()[0].id;
    let before = store.last_change().unwrap();
    let draft = RegionDraft {
        slice: Some(RegionSlice {
            cut: Cut::Axial,
            slice: 41,
        }),
        ..RegionDraft::new("cyst", square(7.0))
    };
    let drawn = store.add_region(image, &draft, ("ana", 1_000)).unwrap();
    let drawn = drawn.unwrap();
    assert!(
        store.last_change().unwrap() > before,
        "searches must look again"
    );
    import(&mut store, &[case("c1", "another text")]);
    let regions = store.regions(image).unwrap();
    let labels: Vec<&str> = regions.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(labels, ["cyst", "nodule"]);
    let cyst = regions[0].clone();
    assert_eq!((cyst.slice, cyst.written), (draft.slice, Some(1_000)));
    assert_eq!((cyst.author.as_str(), &cyst.shape), ("ana", &draft.shape));
    // What a source says is not for a person to take away.
    assert_eq!(store.remove_region(regions[1].id).unwrap(), None);
    assert_eq!(store.remove_region(drawn).unwrap(), Some(cyst.clone()));
    assert_eq!(store.regions(image).unwrap().len(), 1);
    // Its id becomes nobody else's while it can still come back.
    let draft = RegionDraft::new("of another person", square(3.0));
    let other = store.add_region(image, &draft, ("ben", 2_000)).unwrap();
    assert_ne!(other, Some(drawn));
    assert!(store.restore_region(&cyst).unwrap());
    assert_eq!(store.regions(image).unwrap().len(), 3);
    assert_eq!(store.region(drawn).unwrap(), Some(cyst.clone()));
    let moved = Region {
        shape: square(9.0),
        ..cyst
    };
    assert!(store.restore_region(&moved).unwrap());
    assert_eq!(store.region(drawn).unwrap(), Some(moved));
    let nowhere = store.add_region(ImageId(999), &draft, ("ana", 1));
    assert_eq!(nowhere.unwrap(), None);
}

#[test]
fn a_store_of_the_first_version_is_read_as_it_is_and_brought_up_to_date_by_writers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = open(&folder);
    import(&mut store, &[case("c1", "x")]);
    drop(store);
    let raw = rusqlite::Connection::open(&path).unwrap();
    let older = "ALTER TABLE regions DROP COLUMN cut; ALTER TABLE regions DROP COLUMN slice;
        ALTER TABLE regions DROP COLUMN written; ALTER TABLE regions DROP COLUMN erased; PRAGMA user_version = 1";
    raw.execute_batch(older).unwrap();
    drop(raw);
    let regions = |store: &Store| {
        let case_id = store.case_by_key("c1").unwrap().unwrap();
        store.images(case_id).unwrap()[0].regions.clone()
    };
    let reader = Store::open_read_only(&path).unwrap();
    assert_eq!(
        (regions(&reader).len(), regions(&reader)[0].written),
        (1, None)
    );
    drop(reader);
    let writer = open(&folder);
    assert_eq!(regions(&writer)[0].label, "nodule");
    assert_eq!(
        Store::open_read_only(&path)
            .map(|it| regions(&it).len())
            .unwrap(),
        1
    );
}
