use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use semihv_domain::{DocumentKind, Facet, JobState, Tag, Target};
use semihv_testkit::real_data;
use semihv_workspace::{SettingsFile, StoreMode, UserPlaces, init};

use crate::*;

/// A workspace of its own with a user of its own.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        init(&folder.path().join("ws")).unwrap();
        Self { folder }
    }

    fn user(&self) -> UserPlaces {
        let home = self.folder.path().to_string_lossy().into_owned();
        UserPlaces::from_environment(|name| (name == "HOME").then(|| home.clone()))
    }

    fn options(&self) -> OpenOptions {
        OpenOptions {
            root: self.folder.path().join("ws"),
            user: self.user(),
            writing: Writing::Allowed,
            flags: SettingsFile::default(),
        }
    }

    pub(crate) fn open(&self) -> Engine {
        Engine::open(self.options()).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

const CASES: &str = r#"{"key":"ct-1","title":"Solid nodule","modality":"CT","year":2020,"sections":[{"heading":"History","text":"Cough for three weeks."}],"images":[{"key":"a","path":"a.png","captions":[{"text":"a solid nodule in the right upper lobe","language":"en"}],"regions":[{"label":"nodule","shape":"box","x":1,"y":1,"width":2,"height":2}]}],"questions":[{"key":"q1","text":"Is there a nodule?","kind":"closed","gold":"yes","language":"en"},{"key":"q2","text":"Describe the lesion.","kind":"open","gold":"a solid nodule","language":"en"}]}
{"key":"mr-1","title":"Old infarct","modality":"MR","year":2024,"sections":[{"heading":"History","text":"Stroke two years ago."}],"images":[],"questions":[{"key":"q3","text":"Is the lesion acute?","kind":"closed","gold":"no","language":"en"}]}
this is no JSON
"#;

const ANSWERS: &str = r#"{"question":"q1","model":"a","answer":"Yes, there is.","rationale":"A solid nodule."}
{"question":"q3","model":"a","answer":"Yes."}
{"question":"q1","model":"b","answer":"No."}
{"question":"nowhere","model":"b","answer":"No."}
"#;

pub(crate) fn import(engine: &Engine, kind: &str, path: &Path, name: &str) -> JobState {
    let spec = engine.import_spec(kind, Some(path), Some(name)).unwrap();
    engine
        .run_to_end(JobSpec::Import(spec), |_| {})
        .unwrap()
        .state
}

fn filled(bench: &Bench) -> Engine {
    let engine = bench.open();
    import(
        &engine,
        "jsonl",
        &bench.write("set/cases.jsonl", CASES),
        "set",
    );
    import(
        &engine,
        "predictions",
        &bench.write("set/answers.jsonl", ANSWERS),
        "answers",
    );
    index(&engine);
    engine
}

pub(crate) fn index(engine: &Engine) {
    // An import starts indexing by itself; this joins it or finds nothing to do.
    engine
        .run_to_end(JobSpec::Index(Rebuild::Incremental), |_| {})
        .unwrap();
}

fn list(engine: &Engine, kind: ListKind, filter: &str) -> Vec<String> {
    let spec = ListSpec {
        kind,
        filter: filter.to_owned(),
    };
    let Reply::List(listing) = engine.ask(&Query::List(spec)).unwrap() else {
        panic!()
    };
    let rows = Query::Rows {
        kind,
        ids: listing.ids.to_vec(),
    };
    let Reply::Rows { rows, .. } = engine.ask(&rows).unwrap() else {
        panic!()
    };
    rows.into_iter()
        .map(|row| match row {
            ListRow::Case(case) => case.key,
            ListRow::Question(question) => question.key,
        })
        .collect()
}

#[test]
fn an_import_is_found_by_every_part_of_the_query_language() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let cases = |filter: &str| list(&engine, ListKind::Cases, filter);
    let questions = |filter: &str| list(&engine, ListKind::Questions, filter);
    assert_eq!(cases(""), ["ct-1", "mr-1"]);
    assert_eq!(cases("nodule"), ["ct-1"]);
    assert_eq!(cases("modality:MR"), ["mr-1"]);
    assert_eq!(cases("has:region"), ["ct-1"]);
    assert_eq!(cases("year:2018..2021"), ["ct-1"]);
    assert_eq!(cases("-modality:CT"), ["mr-1"]);
    assert_eq!(questions("type:closed"), ["q1", "q3"]);
    assert_eq!(questions("wrong model:a"), ["q3"]);
    assert_eq!(questions("wrong"), ["q1", "q3"]);
    assert_eq!(questions("right model:a OR type:open"), ["q1", "q2"]);
}

#[test]
fn a_tag_counts_in_searches_at_once_and_undo_takes_it_back() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let tag = Tag::parse("laterality").unwrap();
    let id = engine.find_case("ct-1").unwrap().unwrap();
    let edited = engine
        .edit(&Edit::AddTag {
            targets: vec![Target::Case(id)],
            tag,
        })
        .unwrap();
    assert_eq!(list(&engine, ListKind::Cases, "tag:laterality"), ["ct-1"]);
    engine.edit(&edited.undo.unwrap()).unwrap();
    assert!(list(&engine, ListKind::Cases, "tag:laterality").is_empty());
}

#[test]
fn rows_that_were_not_taken_are_listed_with_their_line() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let query = Query::Skipped {
        source: None,
        limit: 10,
    };
    let Reply::Skipped(skipped) = engine.ask(&query).unwrap() else {
        panic!()
    };
    let lines: Vec<_> = skipped
        .iter()
        .map(|row| (row.source.as_str(), row.line))
        .collect();
    assert_eq!(lines, [("answers", Some(4)), ("set", Some(3))]);
    assert_eq!(skipped[0].reason, "no question \"nowhere\" in any source");
}

#[test]
fn closed_answers_are_marked_and_open_ones_wait_for_a_judge() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let Reply::Overview(overview) = engine.ask(&Query::Overview).unwrap() else {
        panic!()
    };
    assert_eq!(
        (overview.cases, overview.questions, overview.answers),
        (2, 3, 3)
    );
    assert_eq!((overview.indexed, overview.unindexed), (5, 0));
    let a = &overview.models[0];
    assert_eq!(
        (a.model.as_str(), a.right, a.wrong, a.unjudged),
        ("a", 1, 1, 0)
    );
}

#[test]
fn a_missing_picture_is_flagged_and_does_not_stop_the_import() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let source = &engine.sources().unwrap()[1];
    assert_eq!(
        (source.name.as_str(), source.images, source.missing_images),
        ("set", 1, 1)
    );
    assert_eq!(
        list(&engine, ListKind::Cases, "has:missing-image"),
        ["ct-1"]
    );
}

#[test]
fn a_check_reads_pictures_to_their_end() {
    let bench = Bench::new();
    let picture = semihv_imaging::phantom::phantoms()[0].draw();
    let whole = semihv_imaging::png(&picture).unwrap();
    std::fs::write(bench.write("set/i.png", ""), &whole[..whole.len() / 2]).unwrap();
    let row = r#"{"key":"cut","images":[{"path":"i.png"}]}"#;
    let path = bench.write("set/set.jsonl", row);
    let engine = bench.open();
    import(&engine, "jsonl", &path, "cut");
    engine
        .run_to_end(
            JobSpec::Check {
                source: "cut".to_owned(),
            },
            |_| {},
        )
        .unwrap();
    assert_eq!(engine.sources().unwrap()[0].missing_images, 1);
}

#[test]
fn a_note_without_words_and_a_source_that_is_not_there_are_refused() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let case = engine.find_case("ct-1").unwrap().unwrap();
    let refused = engine.edit(&Edit::WriteNote {
        target: Target::Case(case),
        text: " \n".to_owned(),
    });
    assert_eq!(refused.unwrap_err().summary, "a note needs some words");
    let failure = engine.require_source("nosuch").unwrap_err();
    assert_eq!(failure.hint.unwrap(), "there are: answers, set");
}

#[test]
fn a_search_counts_facets_and_says_why_a_hit_is_there() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let query = Query::Search {
        kind: DocumentKind::Case,
        text: "nodule".into(),
        limit: 5,
        facets: vec![Facet::Modality],
    };
    let Reply::Search {
        hits,
        total,
        facets,
    } = engine.ask(&query).unwrap()
    else {
        panic!()
    };
    assert_eq!((total, hits[0].source.as_str()), (1, "set"));
    assert_eq!(
        (facets[0].1[0].value.as_str(), facets[0].1[0].count),
        ("CT", 1)
    );
    let sum: f32 = hits[0].reason.terms.iter().map(|term| term.score).sum();
    assert!(
        (sum - hits[0].score).abs() < 1e-3 && sum > 0.0,
        "{sum} {}",
        hits[0].score
    );
}

#[test]
fn a_query_with_an_error_points_at_its_column() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = ListSpec {
        kind: ListKind::Cases,
        filter: "lung modalty:CT".into(),
    };
    let failure = engine.ask(&Query::List(spec)).unwrap_err();
    assert_eq!(failure.column, Some(5), "{failure:?}");
    assert!(failure.hint.unwrap().contains("modality"));
}

#[test]
fn a_dry_run_counts_and_stores_nothing() {
    let bench = Bench::new();
    let engine = bench.open();
    let path = bench.write("set/cases.jsonl", CASES);
    let spec = engine.import_spec("jsonl", Some(&path), None).unwrap();
    let found = engine.dry_run(&spec, &AtomicBool::new(false)).unwrap();
    assert_eq!(
        (
            found.counts.cases,
            found.counts.questions,
            found.counts.skipped
        ),
        (2, 3, 1)
    );
    assert!(engine.sources().unwrap().is_empty());
}

#[test]
fn a_workspace_without_write_access_opens_and_refuses_edits() {
    let bench = Bench::new();
    drop(filled(&bench));
    let options = OpenOptions {
        writing: Writing::Refused,
        ..bench.options()
    };
    let engine = Engine::open(options).unwrap();
    assert_eq!(list(&engine, ListKind::Cases, "nodule"), ["ct-1"]);
    let tag = Tag::parse("x").unwrap();
    let refused = engine
        .edit(&Edit::AddTag {
            targets: Vec::new(),
            tag,
        })
        .unwrap_err();
    assert!(refused.summary.contains("read-only"), "{refused:?}");
    assert!(engine.start(JobSpec::Index(Rebuild::Incremental)).is_err());
}

#[test]
fn the_safe_mode_is_taken_where_it_is_asked_for() {
    let bench = Bench::new();
    let flags = SettingsFile {
        store_mode: Some(StoreMode::Safe),
        ..SettingsFile::default()
    };
    let engine = Engine::open(OpenOptions {
        flags,
        ..bench.options()
    })
    .unwrap();
    assert!(engine.report().unwrap().journal.starts_with("delete"));
}

#[test]
fn an_unknown_importer_names_the_nearest() {
    let bench = Bench::new();
    let failure = bench.open().import_spec("medpix", None, None).unwrap_err();
    assert!(failure.summary.contains("medpix2"), "{failure:?}");
}

#[test]
fn the_manifest_lends_path_and_mapping_to_an_import() {
    let bench = Bench::new();
    let csv = "id,indication,file\nx1,Cough,x1.png\n";
    bench.write("ws/ward.csv", csv);
    let manifest = "[source.ward]\nkind = \"csv\"\npath = \"ward.csv\"\n[source.ward.fields]\n\
        key = \"id\"\ntitle = \"indication\"\nmodality = \"=X-ray\"\nimage = \"file\"\n";
    bench.write("ws/semihv.toml", manifest);
    let engine = bench.open();
    let spec = engine.import_spec("csv", None, None).unwrap();
    assert_eq!(spec.source_name(), "ward");
    engine.run_to_end(JobSpec::Import(spec), |_| {}).unwrap();
    index(&engine);
    assert_eq!(
        list(&engine, ListKind::Cases, "modality:X-ray cough"),
        ["x1"]
    );
}

#[test]
fn an_edited_manifest_with_an_error_leaves_the_old_settings() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.write("ws/semihv.toml", "[settings]\ntheme = \"light\"\n");
    engine.reload_settings().unwrap();
    bench.write("ws/semihv.toml", "[settings]\nthme = \"dark\"\n");
    let failure = engine.reload_settings().unwrap_err();
    assert!(
        failure.summary.contains("did you mean `theme`?"),
        "{failure:?}"
    );
    assert_eq!(engine.settings().theme.value, "light");
}

#[test]
fn an_import_that_cannot_be_opened_leaves_what_an_earlier_one_left() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let before = engine.sources().unwrap();
    let nowhere = bench.folder.path().join("nowhere.jsonl");
    let spec = engine
        .import_spec("jsonl", Some(&nowhere), Some("set"))
        .unwrap();
    assert!(engine.run_to_end(JobSpec::Import(spec), |_| {}).is_err());
    assert_eq!(engine.sources().unwrap(), before);
    let ghost = engine
        .import_spec("jsonl", Some(&nowhere), Some("ghost"))
        .unwrap();
    assert!(engine.run_to_end(JobSpec::Import(ghost), |_| {}).is_err());
    assert_eq!(engine.sources().unwrap(), before);
}

#[test]
fn an_import_that_takes_nothing_is_no_success() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let path = bench.write(
        "set/strange.jsonl",
        "{\"question\":\"zz\",\"model\":\"a\",\"answer\":\"x\"}\n",
    );
    let spec = engine
        .import_spec("predictions", Some(&path), None)
        .unwrap();
    assert_eq!(spec.source_name(), "strange");
    let failure = engine
        .run_to_end(JobSpec::Import(spec), |_| {})
        .unwrap_err();
    assert_eq!(failure.summary, "none of 1 rows was taken");
    assert!(
        failure.causes[0].contains("no question \"zz\""),
        "{failure:?}"
    );
}

#[test]
fn an_answer_without_a_choice_is_found_among_the_wrong_ones() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let answers = "{\"question\":\"q1\",\"model\":\"c\",\"answer\":\"I cannot tell.\"}\n";
    import(
        &engine,
        "predictions",
        &bench.write("set/c.jsonl", answers),
        "c",
    );
    index(&engine);
    let questions = |filter: &str| list(&engine, ListKind::Questions, filter);
    assert_eq!(questions("wrong model:c"), ["q1"]);
    assert_eq!(questions("unparsed model:c"), ["q1"]);
    assert!(questions("right model:c").is_empty());
}

#[test]
fn guidelines_are_found_for_a_selection() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let text = "# Nodules\n\n## Follow-up\n\nA solid nodule of 6 to 8 mm is followed after half a \
        year.\n\n## Stroke\n\nDiffusion weighted imaging shows an acute infarct early.\n";
    bench.write("guides/nodules.md", text);
    import(
        &engine,
        "markdown",
        &bench.folder.path().join("guides"),
        "guides",
    );
    index(&engine);
    let case = engine.find_case("ct-1").unwrap();
    let query = Query::Guidelines {
        text: String::new(),
        case,
        question: None,
        limit: 4,
    };
    let Reply::Guidelines(hits) = engine.ask(&query).unwrap() else {
        panic!()
    };
    assert_eq!(
        hits[0].headings.last().map(String::as_str),
        Some("Follow-up")
    );
    let Reply::Passage(passage) = engine.ask(&Query::Passage(hits[0].passage)).unwrap() else {
        panic!()
    };
    assert_eq!(passage.passages.len(), 2);
}

/// Each published set in the counts that an independent script found.
#[test]
fn real_sets_are_imported_in_full_and_a_second_time_without_a_change() {
    let Some(data) = real_data() else { return };
    let bench = Bench::new();
    let engine = bench.open();
    let sets = [
        ("medpix2", "medpix2/MedPix-2-0", "cases", 602),
        ("vqa-rad", "vqa-rad/data_RAD", "questions", 3_064),
        ("slake", "slake/Slake1.0", "questions", 11_934),
        ("covid-chestxray", "covid-chestxray", "images", 158),
        ("ngc", "guidelines-ngc/summaries", "guidelines", 35),
    ];
    for (kind, path, what, expected) in sets {
        import(&engine, kind, &data.join(path), kind);
        let state = import(&engine, kind, &data.join(path), kind);
        let JobState::Succeeded { summary } = state else {
            panic!("{state:?}")
        };
        assert!(
            summary.contains(&format!("{expected} {what}")),
            "{kind}: {summary}"
        );
        assert!(summary.contains("unchanged"), "{kind}: {summary}");
    }
    index(&engine);
    let Reply::Overview(overview) = engine.ask(&Query::Overview).unwrap() else {
        panic!()
    };
    assert_eq!(overview.unindexed, 0);
    assert!(!list(&engine, ListKind::Questions, "lang:zh 肺").is_empty());
}

#[test]
fn a_scan_is_kept_until_its_file_changes() {
    let bench = Bench::new();
    let path = bench.write("ws/a.png", "");
    let draw = |at: usize| {
        let picture = semihv_imaging::phantom::phantoms()[at].draw();
        std::fs::write(&path, semihv_imaging::png(&picture).unwrap()).unwrap();
    };
    draw(0);
    let engine = bench.open();
    engine.warm_scan("a.png");
    let first = engine.open_scan("a.png").unwrap();
    assert!(std::sync::Arc::ptr_eq(
        &first,
        &engine.open_scan("a.png").unwrap()
    ));
    draw(9);
    assert!(!std::sync::Arc::ptr_eq(
        &first,
        &engine.open_scan("a.png").unwrap()
    ));
    std::fs::write(&path, "replaced").unwrap();
    let failure = engine.open_scan("a.png").unwrap_err();
    assert!(failure.summary.starts_with("this is no PNG"), "{failure:?}");
}

#[test]
fn a_mask_is_found_where_it_lies_drawn_on_its_image_and_seen_by_searches() {
    let bench = Bench::new();
    let row = r#"{"key":"c","title":"C","images":[{"key":"i","path":"i.png","regions":[{"label":"cyst","shape":"mask","file":"masks/i.png"},{"label":"gone","shape":"mask","file":"no.png"},{"label":"out","shape":"mask","file":"../../out.png"}]}]}"#;
    let cases = bench.write("set/cases.jsonl", row);
    let folder = cases.parent().unwrap();
    std::fs::create_dir_all(folder.join("masks")).unwrap();
    // Any picture of the same size is a mask of what is bright in it.
    let picture = semihv_imaging::phantom::phantoms()[0].draw();
    let picture = semihv_imaging::png(&picture).unwrap();
    std::fs::write(folder.join("i.png"), &picture).unwrap();
    std::fs::write(folder.join("masks/i.png"), &picture).unwrap();
    let engine = bench.open();
    import(&engine, "jsonl", &cases, "set");
    // What is not there or leads out of the folder is said, and costs the case nothing.
    let query = Query::Skipped {
        source: None,
        limit: 10,
    };
    let Reply::Skipped(skipped) = engine.ask(&query).unwrap() else {
        panic!()
    };
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    let image = engine.find_image("c").unwrap().unwrap();
    let [region] = image.regions.as_slice() else {
        panic!("one mask is there");
    };
    let semihv_domain::Shape::Mask { file, segment: 0 } = &region.shape else {
        panic!("it is a mask");
    };
    let regions = engine.open_regions(file).unwrap();
    let scan = engine.open_scan(&image.location).unwrap();
    let place = scan.first_look().place;
    let mask = regions.mask(0, &scan.geometry, place).unwrap().unwrap();
    let slice = scan
        .slice(place, semihv_imaging::Limits::default())
        .unwrap();
    let is_bright = |(x, y)| slice.pixels.value(x, y).is_some_and(|value| value >= 128.0);
    assert!(mask.pixels().all(is_bright));
}

#[test]
fn a_drawn_region_is_undone_and_named_and_pictures_are_saved_beside_each_other() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let image = engine.find_image("ct-1").unwrap().unwrap().id;
    let draft = |x: f64| {
        let shape = semihv_domain::Shape::Point { x, y: 1.0 };
        semihv_domain::RegionDraft::new("tip", shape)
    };
    let drawn = Edit::DrawRegion {
        image,
        region: draft(2.0),
    };
    let undo = engine.edit(&drawn).unwrap().undo.unwrap();
    let regions = || engine.find_image("ct-1").unwrap().unwrap().regions;
    assert_eq!(regions().len(), 2);
    let named = Edit::NameRegion {
        region: regions()[1].id,
        label: " apex ".to_owned(),
    };
    let unname = engine.edit(&named).unwrap().undo.unwrap();
    assert_eq!(regions()[1].label, "apex");
    engine.edit(&unname).unwrap();
    assert_eq!(regions()[1].label, "tip");
    let redo = engine.edit(&undo).unwrap().undo.unwrap();
    assert_eq!(regions().len(), 1);
    engine.edit(&redo).unwrap();
    assert_eq!(regions().len(), 2);
    let imported = Edit::EraseRegion {
        region: regions()[0].id,
    };
    assert!(engine.edit(&imported).is_err());
    let nowhere = Edit::DrawRegion {
        image: semihv_domain::ImageId(999),
        region: draft(2.0),
    };
    let failure = engine.edit(&nowhere).unwrap_err();
    assert!(
        failure.summary.contains("not in the workspace"),
        "{failure:?}"
    );
    let unsound = Edit::DrawRegion {
        image,
        region: draft(f64::NAN),
    };
    assert!(engine.edit(&unsound).is_err());
    let saved: Vec<_> = (0..2)
        .map(|_| engine.keep_picture("../ct-1/a", b"png").unwrap())
        .collect();
    assert_ne!(saved[0], saved[1]);
    assert!(
        saved
            .iter()
            .all(|path| path.starts_with(engine.root().join("exports")))
    );
}
