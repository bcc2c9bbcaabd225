//! The retriever over a small workspace: what it finds, what it must never find, and why.

use semihv_domain::{Alpha, Failure, Fusion, HitVerdict, JobState, Kept, Pool, Retrieved, Weighed};
use semihv_imaging::{Extent, Raster, phantom::phantoms, png, resize};

use crate::tests::{Bench, import, index};
use crate::*;

/// Cases with phantoms: `a` and `b` of one patient, `copy` with the picture of `a` at half its
/// size, and others; two guidelines.
pub(super) fn filled(bench: &Bench) -> Engine {
    let row = |key: &str, patient: &str, title: &str, licence: &str| {
        format!(
            r#"{{"key":"{key}","title":"{title}","patient":"{patient}","licence":"{licence}","sections":[{{"heading":"History","text":"Seen for {title}."}}],"images":[{{"key":"i","path":"{key}.png"}}]}}"#
        )
    };
    let rows = [
        row("a", "p1", "Solid nodule of the lung", "CC0"),
        row("b", "p1", "Nodule after a year", "CC0"),
        row("copy", "p2", "Nodule from another archive", "CC0"),
        row("c", "p3", "Nodule in a smoker", "CC-BY"),
        row("d", "p4", "Fracture of the wrist", "CC0"),
        row("e", "p5", "Stroke of the left hemisphere", "CC0"),
    ];
    let cases = bench.write("set/cases.jsonl", &rows.join("\n"));
    let folder = cases.parent().unwrap();
    for (at, key) in ["a", "b", "copy", "c", "d", "e"].into_iter().enumerate() {
        let drawn = phantoms()[at].draw();
        let write = |name: &str, drawn: &image::DynamicImage| {
            std::fs::write(folder.join(name), png(drawn).unwrap()).unwrap();
        };
        write(&format!("{key}.png"), &drawn);
        if key == "a" {
            let grey = Raster::Grey(drawn.to_luma8());
            let half = Extent {
                width: drawn.width() / 2,
                height: drawn.height() / 2,
            };
            write("half.png", &resize(grey, half).to_dynamic());
        }
    }
    std::fs::rename(folder.join("half.png"), folder.join("copy.png")).unwrap();
    let engine = bench.open();
    import(&engine, "jsonl", &cases, "set");
    let guidelines = bench.write(
        "corpus/nodule.md",
        "# Pulmonary nodules\n\n## Follow-up\n\nA solid nodule of the lung is followed by CT in a smoker.\n",
    );
    bench.write(
        "corpus/wrist.md",
        "# Wrist fractures\n\n## Casts\n\nA fracture of the wrist is put into a cast.\n",
    );
    import(&engine, "markdown", guidelines.parent().unwrap(), "corpus");
    index(&engine);
    vectors(&engine, Rebuild::Incremental);
    engine
}

pub(super) fn vectors(engine: &Engine, rebuild: Rebuild) -> String {
    let job = engine
        .run_to_end(JobSpec::Vectors(rebuild), |_| {})
        .unwrap();
    let JobState::Succeeded { summary } = job.state else {
        panic!("{job:?}");
    };
    summary
}

fn few(most: usize, least_guidelines: usize) -> Weighing {
    Weighing {
        most,
        least_guidelines,
        ..Weighing::default()
    }
}

pub(super) fn retrieve(engine: &Engine, spec: RetrieveSpec) -> Result<Retrieved, Failure> {
    match engine.ask(&Query::Retrieve(Box::new(spec)))? {
        Reply::Retrieved(found) => Ok(*found),
        other => panic!("{other:?}"),
    }
}

pub(super) fn keys(found: &Retrieved) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.key.as_str()).collect()
}

pub(super) fn image_of(engine: &Engine, key: &str) -> QueryImage {
    let image = engine.find_image(key).unwrap().unwrap();
    QueryImage::Stored(image.id)
}

#[test]
fn an_image_never_finds_its_own_case_patient_or_picture_and_never_no_guideline() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = RetrieveSpec {
        image: Some(image_of(&engine, "a")),
        ..RetrieveSpec::default()
    };
    let found = retrieve(&engine, spec.clone()).unwrap();
    let left = found.left_out;
    assert_eq!(
        (left.own_case, left.same_patient, left.same_image),
        (1, 1, 1)
    );
    for hit in &found.hits {
        assert!(!["a", "b", "copy"].contains(&hit.key.as_str()), "{found:?}");
    }
    let guidelines = found.hits.iter().filter(|hit| hit.pool == Pool::Guideline);
    assert!(guidelines.count() >= 1, "{found:?}");
    assert!(
        found
            .remarks
            .iter()
            .any(|it| it.contains("titles of the nearest"))
    );
    // The same picture as a file belongs to nobody: then its cases are those with the same image.
    let file = bench
        .folder
        .path()
        .join("set/a.png")
        .to_string_lossy()
        .into_owned();
    let found = retrieve(
        &engine,
        RetrieveSpec {
            image: Some(QueryImage::File(file)),
            ..spec
        },
    )
    .unwrap();
    assert_eq!(found.left_out.same_image, 2);
    assert!(!keys(&found).contains(&"a") && !keys(&found).contains(&"copy"));
}

#[test]
fn a_text_finds_cases_and_a_guideline_with_the_reason_for_each() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let found = retrieve(
        &engine,
        RetrieveSpec {
            text: "solid nodule in a smoker".to_owned(),
            weighing: few(3, LEAST_GUIDELINES),
            ..RetrieveSpec::default()
        },
    )
    .unwrap();
    assert_eq!(found.hits.len(), 3);
    let guideline = found
        .hits
        .iter()
        .find(|hit| hit.pool == Pool::Guideline)
        .unwrap();
    assert_eq!(guideline.title, "Pulmonary nodules");
    for hit in &found.hits {
        let (dense, words) = (hit.dense.unwrap(), hit.words.unwrap());
        assert!((dense.adds + words.adds - hit.score).abs() < 1e-12);
        let parts = hit.parts.unwrap();
        let cosine = parts.text_text + parts.text_image + parts.image_text + parts.image_image;
        assert!((cosine - dense.score).abs() < 0.01, "{parts:?} {dense:?}");
        assert!(
            hit.reason
                .terms
                .iter()
                .any(|term| term.term.starts_with("nodul")),
            "{hit:?}"
        );
    }
}

#[test]
fn the_quota_says_whom_it_displaced() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let found = retrieve(
        &engine,
        RetrieveSpec {
            text: "stroke of the left hemisphere".to_owned(),
            image: Some(image_of(&engine, "d")),
            weighing: few(2, 2),
            ..RetrieveSpec::default()
        },
    )
    .unwrap();
    let by_quota = |hit: &&semihv_domain::RetrievedHit| matches!(hit.kept, Kept::Quota { .. });
    let quota: Vec<_> = found.hits.iter().filter(by_quota).collect();
    assert!(!quota.is_empty(), "{found:?}");
    assert_eq!(
        quota.len(),
        1,
        "one guideline is near the titles of the cases"
    );
    assert_eq!(
        quota[0].kept,
        Kept::Quota {
            displaced: Some("Nodule in a smoker".to_owned())
        }
    );
}

#[test]
fn only_what_is_under_a_licence_is_found() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let found = retrieve(
        &engine,
        RetrieveSpec {
            text: "nodule".to_owned(),
            licences: vec!["CC-BY".to_owned()],
            pools: vec![Pool::Case],
            ..RetrieveSpec::default()
        },
    )
    .unwrap();
    assert_eq!(keys(&found), ["c"]);
    assert_eq!(found.left_out.licence, 5);
}

#[test]
fn vectors_are_made_once_and_follow_the_rows() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let again = vectors(&engine, Rebuild::Incremental);
    assert!(again.contains("8 rows, 0 made anew"), "{again}");
    // Another text is another row; a picture that is gone leaves the text.
    let cases = bench.folder.path().join("set/cases.jsonl");
    let text = std::fs::read_to_string(&cases).unwrap();
    std::fs::write(&cases, text.replace("Stroke of", "Bleeding into")).unwrap();
    import(&engine, "jsonl", &cases, "set");
    let changed = vectors(&engine, Rebuild::Incremental);
    assert!(changed.contains("8 rows, 1 made anew"), "{changed}");
    let found = retrieve(
        &engine,
        RetrieveSpec {
            text: "bleeding".to_owned(),
            pools: vec![Pool::Case],
            weighing: few(1, LEAST_GUIDELINES),
            ..RetrieveSpec::default()
        },
    );
    assert_eq!(keys(&found.unwrap()), ["e"]);
    let whole = vectors(&engine, Rebuild::FromNothing);
    assert!(whole.contains("8 rows, 8 made anew"), "{whole}");
}

#[test]
fn a_graph_that_cannot_be_built_is_said_and_every_row_scanned() {
    let bench = Bench::new();
    let engine = filled(&bench);
    engine.plan_vectors(VectorPlan {
        graph_from: 2,
        program: Some("/bin/false".into()),
        ..VectorPlan::default()
    });
    let said = vectors(&engine, Rebuild::Incremental);
    let why = "no graph for case, every row is scanned: it ended by exit status: 1";
    assert!(said.contains(why), "{said}");
    let spec = RetrieveSpec {
        image: Some(image_of(&engine, "c")),
        ..RetrieveSpec::default()
    };
    let found = retrieve(&engine, spec).unwrap();
    assert_eq!(found.vectors.unwrap().search, "exact");
}

#[test]
fn without_vectors_words_alone_answer_and_say_so() {
    let bench = Bench::new();
    let engine = filled(&bench);
    drop(engine);
    std::fs::remove_dir_all(bench.folder.path().join("ws/.semihv/vectors")).unwrap();
    let engine = bench.open();
    let spec = RetrieveSpec {
        text: "nodule".to_owned(),
        ..RetrieveSpec::default()
    };
    let found = retrieve(&engine, spec).unwrap();
    assert!(!found.hits.is_empty() && found.vectors.is_none());
    assert!(found.remarks[0].contains("semihv vectors"), "{found:?}");
    assert!(retrieve(&engine, RetrieveSpec::default()).is_err());
}

#[test]
fn damaged_vectors_are_said_and_mended() {
    let bench = Bench::new();
    drop(filled(&bench));
    let folder = bench.folder.path().join("ws/.semihv/vectors");
    let inside = |folder: &std::path::Path| {
        let files = std::fs::read_dir(folder).unwrap().flatten();
        files.map(|file| file.path()).collect::<Vec<_>>()
    };
    let generations = inside(&folder).into_iter().filter(|path| path.is_dir());
    let mut damaged = 0;
    for file in generations.flat_map(|generation| inside(&generation)) {
        let mut bytes = std::fs::read(&file).unwrap();
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 0xff;
            damaged += 1;
        }
        std::fs::write(file, bytes).unwrap();
    }
    assert!(damaged > 3);
    let engine = bench.open();
    let spec = RetrieveSpec {
        text: "nodule".to_owned(),
        ..RetrieveSpec::default()
    };
    let found = retrieve(&engine, spec.clone()).unwrap();
    assert!(
        !found.hits.is_empty(),
        "words, or an older generation, answer"
    );
    vectors(&engine, Rebuild::FromNothing);
    let found = retrieve(&engine, spec).unwrap();
    assert_eq!(found.vectors.unwrap().rows, 8);
}

#[test]
fn a_case_with_the_querys_image_is_not_found_by_its_words_either() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = RetrieveSpec {
        text: "nodule from another archive".to_owned(),
        image: Some(image_of(&engine, "a")),
        ..RetrieveSpec::default()
    };
    let found = retrieve(&engine, spec).unwrap();
    assert_eq!(found.left_out.same_image, 1);
    assert!(!keys(&found).contains(&"copy"), "{found:?}");
}

#[test]
fn what_people_say_of_hits_counts_for_the_same_query_and_can_be_measured() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = RetrieveSpec {
        text: "solid nodule of the lung".to_owned(),
        ..RetrieveSpec::default()
    };
    let found = retrieve(&engine, spec.clone()).unwrap();
    let first = found.hits[0].clone();
    let last = found.hits.last().unwrap().clone();
    let judge = |hit: &semihv_domain::RetrievedHit, verdict| {
        let edit = Edit::Judge {
            spec: Box::new(spec.clone()),
            pool: hit.pool,
            row: hit.row,
            verdict,
        };
        engine.edit(&edit).unwrap()
    };
    judge(&first, HitVerdict::Exclude { on: true });
    judge(&last, HitVerdict::Pin { on: true });
    let edited = judge(&last, HitVerdict::Grade { grade: Some(2) });
    let found = retrieve(&engine, spec.clone()).unwrap();
    assert!(!keys(&found).contains(&first.key.as_str()), "{found:?}");
    assert_eq!(found.hits[0].key, last.key);
    assert_eq!(found.hits[0].kept, Kept::Pinned);
    assert_eq!(found.hits[0].grade, Some(2));
    assert_eq!((found.left_out.excluded, found.judged_queries), (1, 1));
    // Another query knows nothing of it.
    let other = RetrieveSpec {
        text: "nodule".to_owned(),
        ..RetrieveSpec::default()
    };
    assert_eq!(retrieve(&engine, other).unwrap().left_out.excluded, 0);
    // The journal outlives the program, and names rows by their keys.
    drop(engine);
    let engine = bench.open();
    let own = engine.own_judgements().unwrap();
    assert_eq!((own.topics.len(), own.remarks.len()), (1, 0));
    let report = engine
        .evaluate_retrieval(
            &EvaluateSpec {
                topics: own.topics,
                judgements: own.judgements,
                measures: vec!["Hit@10".parse().unwrap()],
                seed: 1,
            },
            &mut |_, _| true,
        )
        .unwrap()
        .unwrap();
    let of = report.pools.iter().find(|of| of.pool == last.pool).unwrap();
    assert!(
        of.lists.iter().any(|list| list.means == [1.0]),
        "{report:?}"
    );
    assert_eq!(
        report.keep_weights(&engine).unwrap(),
        [],
        "one query is too few"
    );
    // And an edit is taken back.
    engine.edit(&edited.undo.unwrap()).unwrap();
    assert_eq!(retrieve(&engine, spec).unwrap().hits[0].grade, None);
}

#[test]
fn a_filter_leaves_only_what_matches() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = RetrieveSpec {
        text: "nodule of the lung".to_owned(),
        filter: "key:c".to_owned(),
        pools: vec![Pool::Case],
        ..RetrieveSpec::default()
    };
    let found = retrieve(&engine, spec.clone()).unwrap();
    assert_eq!(keys(&found), ["c"]);
    let wrong = RetrieveSpec {
        filter: "nokey:(".to_owned(),
        ..spec
    };
    assert!(retrieve(&engine, wrong).is_err());
}

#[test]
fn a_part_of_the_image_is_another_query_and_bars_the_same_cases() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let whole = RetrieveSpec {
        image: Some(image_of(&engine, "a")),
        ..RetrieveSpec::default()
    };
    let part = RetrieveSpec {
        part: Some([0.25, 0.25, 0.5, 0.5]),
        ..whole.clone()
    };
    let scores = |spec: &RetrieveSpec| {
        let found = retrieve(&engine, spec.clone()).unwrap();
        assert_eq!(found.left_out.same_image, 1);
        let of = found.hits.iter().map(|hit| hit.score);
        of.collect::<Vec<f64>>()
    };
    assert_ne!(scores(&whole), scores(&part));
    let outside = RetrieveSpec {
        part: Some([0.75, 0.0, 0.5, 0.5]),
        ..whole
    };
    let said = retrieve(&engine, outside).unwrap_err();
    assert!(said.summary.contains("does not lie inside"), "{said:?}");
}

#[test]
fn a_weight_takes_one_list_alone_and_needs_no_new_search() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = |alpha: f64| RetrieveSpec {
        text: "nodule of the lung in a smoker".to_owned(),
        pools: vec![Pool::Case],
        weighing: Weighing {
            fusion: Some(Fusion::Convex {
                alpha: Alpha::new(alpha).unwrap(),
            }),
            ..few(2, 0)
        },
        ..RetrieveSpec::default()
    };
    for (alpha, is_dense) in [(0.0, false), (1.0, true)] {
        let found = retrieve(&engine, spec(alpha)).unwrap();
        assert_eq!(found.weighed, Weighed::Asked);
        let hit = &found.hits[0];
        let own = if is_dense { hit.dense } else { hit.words };
        assert_eq!(own.unwrap().rank, 1, "{found:?}");
    }
    assert_eq!(
        engine.inner.searches.len(),
        1,
        "one search for both weights"
    );
}

#[test]
fn a_case_whose_image_is_gone_is_looked_for_by_its_text() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let image = image_of(&engine, "c");
    std::fs::remove_file(bench.folder.path().join("set/c.png")).unwrap();
    let spec = RetrieveSpec {
        image: Some(image),
        case: engine.find_case("c").unwrap(),
        reads_case: true,
        ..RetrieveSpec::default()
    };
    let found = retrieve(&engine, spec.clone()).unwrap();
    assert!(!found.hits.is_empty() && !keys(&found).contains(&"c"));
    let said = &found.remarks[0];
    assert!(said.starts_with("by the text alone"), "{said}");
    let alone = RetrieveSpec {
        reads_case: false,
        ..spec
    };
    assert!(retrieve(&engine, alone).is_err(), "nothing else is asked");
}

#[test]
fn candidates_are_counted_by_what_they_are() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = RetrieveSpec {
        text: "solid nodule of the lung".to_owned(),
        ..RetrieveSpec::default()
    };
    let searches = engine.inner.searches.len();
    engine
        .ask(&Query::Retrieve(Box::new(spec.clone())))
        .unwrap();
    let Reply::RetrievedFacets(facets) =
        engine.ask(&Query::RetrievedFacets(Box::new(spec))).unwrap()
    else {
        panic!("another answer");
    };
    assert_eq!(engine.inner.searches.len(), searches + 1);
    let of = |facet| {
        let (_, counts) = facets.iter().find(|(of, _)| *of == facet).unwrap();
        let counts = counts.iter();
        counts
            .map(|it| (it.value.as_str(), it.count))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(semihv_domain::Facet::Source),
        [("set", 4), ("corpus", 1)]
    );
    assert_eq!(
        of(semihv_domain::Facet::Licence),
        [("CC0", 3), ("CC-BY", 1)]
    );
}

#[test]
fn the_retriever_is_measured_as_a_job() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let measure = || engine.run_to_end(JobSpec::Measure, |_| {});
    let failure = measure().unwrap_err();
    assert!(
        failure.summary.contains("nothing was judged"),
        "{failure:?}"
    );
    let spec = RetrieveSpec {
        text: "nodule of the lung".to_owned(),
        ..RetrieveSpec::default()
    };
    let found = engine.find_retrieved("a").unwrap().unwrap();
    engine
        .judge(&spec, found, HitVerdict::Grade { grade: Some(2) })
        .unwrap();
    let JobState::Succeeded { summary } = measure().unwrap().state else {
        panic!("not measured");
    };
    assert!(summary.contains("of nDCG@10 in 1 queries"), "{summary}");
    assert!(summary.starts_with("case: words 1.000"), "{summary}");
}

#[test]
fn without_a_server_it_is_searched_here_and_the_server_asked_again() {
    let bench = Bench::new();
    let engine = filled(&bench);
    let spec = |engine| RetrieveSpec {
        text: "solid nodule of the lung".to_owned(),
        engine,
        ..RetrieveSpec::default()
    };
    let server = Some(RetrievalEngine::Qdrant);
    let found = retrieve(&engine, spec(server)).unwrap();
    let said = found.remarks.join("\n");
    assert!(
        said.contains("searched on this machine, no server is named"),
        "{said}"
    );
    assert!(said.contains("qdrant_url"), "{said}");
    // Else the next search would not see that the server is back.
    assert_eq!(engine.inner.searches.len(), 0);
    let here = retrieve(&engine, spec(None)).unwrap();
    assert_eq!(keys(&found), keys(&here));
    assert_eq!(engine.inner.searches.len(), 1);
    // Figures of two engines are not mixed.
    let (judgements, _) = ranking::Judgements::read("q", "t 0 a 1\n");
    let topics = vec![Topic {
        name: "t".to_owned(),
        spec: spec(server),
    }];
    let measure = EvaluateSpec {
        topics,
        judgements,
        measures: vec!["MRR".parse().unwrap()],
        seed: 0,
    };
    let failure = engine.evaluate_retrieval(&measure, &mut |_, _| true);
    let failure = failure.unwrap_err();
    assert!(failure.summary.contains("did not answer"), "{failure:?}");
}
