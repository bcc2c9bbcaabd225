use semihv_domain::Share;
use semihv_domain::{
    CosineParts, Fusion, Kept, LeftOut, MatchedTerm, Reason, Snippet, VectorsUsed, Weighed,
};

use super::*;
use crate::pane::PaneKind;
use crate::pane_testing::{INSIDES, failure, screen};
use semihv_engine::{Query, Reply};

use crate::slot::Ticket;

fn hit(rank: usize, pool: Pool, title: &str) -> RetrievedHit {
    let share = |rank: usize, score: f64| Share {
        rank,
        score,
        adds: 1.0 / (60.0 + rank as f64),
    };
    RetrievedHit {
        pool,
        rank,
        row: rank as i64 + 6,
        image: (pool == Pool::Case).then_some(ImageId(70 + rank as i64)),
        key: format!("ct-{rank}"),
        source: "demo".to_owned(),
        licence: None,
        title: title.to_owned(),
        headings: match pool {
            Pool::Case => Vec::new(),
            Pool::Guideline => vec!["Follow-up".to_owned(), "Solid\x1b[2J nodules".to_owned()],
        },
        snippet: Snippet {
            text: "Solid nodules of 6 to 8 mm: a scan after 6 to 12 months.".to_owned(),
            highlights: std::iter::once(6..13).collect(),
        },
        score: 0.04 / rank as f64,
        dense: Some(share(rank, 0.7 / rank as f64)),
        words: (rank != 2).then(|| share(rank + 1, 11.3)),
        parts: Some(CosineParts {
            text_text: 0.31,
            text_image: 0.0,
            image_text: 0.0,
            image_image: 0.39,
        }),
        reason: Reason {
            terms: vec![MatchedTerm {
                field: "text".to_owned(),
                term: "nodul".to_owned(),
                score: 3.0,
                idf: 2.5,
                frequency: 1.0,
                documents: 1200,
            }],
        },
        kept: match pool {
            Pool::Case => Kept::Score,
            Pool::Guideline => Kept::Quota {
                displaced: Some("Granuloma".to_owned()),
            },
        },
        grade: (rank == 1).then_some(2),
        location: None,
    }
}

fn found() -> Retrieved {
    Retrieved {
        hits: vec![
            hit(1, Pool::Case, "Solid nodule of the right upper lobe"),
            hit(2, Pool::Case, "Hamartoma"),
            hit(3, Pool::Guideline, "Pulmonary nodules"),
        ],
        fusions: Pool::ALL.map(|pool| (pool, Fusion::default())).into(),
        weighed: Weighed::ByRanks,
        instructions: std::collections::BTreeMap::default(),
        excluded: Vec::new(),
        judged_queries: 12,
        missing_guidelines: 0,
        vectors: Some(VectorsUsed {
            fingerprint: "1a2b3c4d".to_owned(),
            encoder: "counted-1".to_owned(),
            generation: 3,
            search: "exact".to_owned(),
            rows: 4_756,
        }),
        left_out: LeftOut {
            own_case: 1,
            same_patient: 2,
            ..LeftOut::default()
        },
        remarks: Vec::new(),
    }
}

pub(super) fn shared() -> Shared {
    let mut shared = Shared {
        focus: PaneKind::Hits,
        spinner_frame: Some(0),
        ..Shared::default()
    };
    shared.selection.case = Some(CaseId(1));
    shared
}

fn asked(effects: &[Effect]) -> (Ticket, RetrieveSpec) {
    match effects {
        [Effect::Ask(ticket, Query::Retrieve(spec))] => (*ticket, (**spec).clone()),
        other => panic!("{other:?}"),
    }
}

fn loaded(shared: &mut Shared, found: Retrieved) -> State {
    let mut state = State::default();
    let (ticket, _) = asked(&refresh(&mut state, shared));
    let answer = Ok(Reply::Retrieved(Box::new(found)));
    reply(&mut state, ticket, &answer, shared).unwrap();
    state
}

fn shows(name: &str, state: &State, shared: &Shared) {
    for size in INSIDES {
        let text = screen(size, |theme, area, buffer| {
            view(state, shared, theme, area, buffer);
        });
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn screens_in_every_state() {
    let mut shared = shared();
    shows("empty", &State::default(), &Shared::default());
    let mut state = State::default();
    let _ = refresh(&mut state, &shared);
    shows("loading", &state, &shared);
    let mut state = loaded(&mut shared, found());
    shows("loaded", &state, &shared);
    update(&mut state, Msg::Read(reader::Msg::Bottom), &mut shared);
    shows("quota", &state, &shared);
    let nothing = Retrieved {
        hits: Vec::new(),
        remarks: vec!["there are no vectors yet: run `semihv vectors`".to_owned()],
        ..found()
    };
    shows("nothing", &loaded(&mut shared, nothing), &shared);
    let mut state = State::default();
    let (ticket, _) = asked(&refresh(&mut state, &shared));
    reply(&mut state, ticket, &Err(failure()), &mut shared).unwrap();
    shows("failed", &state, &shared);
}

#[test]
fn what_is_looked_for_goes_round_and_typed_words_take_the_cases_place() {
    let mut shared = shared();
    let mut state = State::default();
    let (_, spec) = asked(&refresh(&mut state, &shared));
    assert!(spec.reads_case && spec.case == Some(CaseId(1)));
    assert_eq!(
        refresh(&mut state, &shared),
        [],
        "the same is not asked twice"
    );
    update(&mut state, Msg::NextBy, &mut shared);
    assert_eq!(state.by, By::Image);
    update(&mut state, Msg::Read(reader::Msg::Find), &mut shared);
    assert!(is_typing(&state));
    typed(
        &mut state,
        Input::Paste("apical scar".to_owned()),
        &mut shared,
    );
    let effects = typed(&mut state, Input::Key(Key::ENTER), &mut shared);
    let (_, spec) = asked(&effects);
    assert_eq!(
        (spec.text.as_str(), spec.reads_case),
        ("apical scar", false)
    );
    let (_, spec) = asked(&update(&mut state, Msg::Back, &mut shared));
    assert!(spec.text.is_empty() && spec.reads_case);
}

#[test]
fn a_case_that_is_opened_becomes_the_selection() {
    let mut shared = shared();
    let mut state = loaded(&mut shared, found());
    update(&mut state, Msg::Read(reader::Msg::Down), &mut shared);
    update(&mut state, Msg::Open, &mut shared);
    assert_eq!(shared.selection.case, Some(CaseId(8)));
    assert_eq!(shared.selection.image, Some(ImageId(72)));
    let mut state = loaded(&mut shared, found());
    update(&mut state, Msg::Hit(2), &mut shared);
    update(&mut state, Msg::Open, &mut shared);
    assert_eq!(
        shared.selection.case,
        Some(CaseId(8)),
        "a passage is no case"
    );
}

#[test]
fn weights_go_from_what_is_served_and_back() {
    let mut shared = shared();
    let mut state = loaded(&mut shared, found());
    let (_, spec) = asked(&update(&mut state, Msg::Weigh(1), &mut shared));
    let alpha = |spec: &RetrieveSpec| match spec.weighing.fusion {
        Some(Fusion::Convex { alpha }) => alpha.get(),
        other => panic!("{other:?}"),
    };
    assert!((alpha(&spec) - 0.55).abs() < 1e-9, "half and half at first");
    for _ in 0..30 {
        update(&mut state, Msg::Weigh(-1), &mut shared);
    }
    assert_eq!(state.weight, Some(0));
    let (_, spec) = asked(&update(&mut state, Msg::Unweigh, &mut shared));
    assert_eq!(spec.weighing.fusion, None);
}

#[test]
fn grades_go_round_and_name_the_query_and_the_row() {
    let mut shared = shared();
    let mut state = loaded(&mut shared, found());
    let verdict = |effects: &[Effect]| match effects {
        [
            Effect::Edit(Edit::Judge {
                spec,
                pool,
                row,
                verdict,
            }),
        ] => {
            assert_eq!(spec.case, Some(CaseId(1)));
            (*pool, *row, *verdict)
        }
        other => panic!("{other:?}"),
    };
    let graded = |grade| HitVerdict::Grade { grade };
    let first = update(&mut state, Msg::Grade, &mut shared);
    assert_eq!(verdict(&first), (Pool::Case, 7, graded(Some(3))));
    // Faster than the answer.
    let again = update(&mut state, Msg::Grade, &mut shared);
    assert_eq!(verdict(&again), (Pool::Case, 7, graded(Some(0))));
    update(&mut state, Msg::Hit(1), &mut shared);
    let second = update(&mut state, Msg::Grade, &mut shared);
    assert_eq!(verdict(&second), (Pool::Case, 8, graded(Some(1))));
    let pinned = update(&mut state, Msg::Pin, &mut shared);
    assert_eq!(verdict(&pinned).2, HitVerdict::Pin { on: true });
    let excluded = update(&mut state, Msg::Exclude, &mut shared);
    assert_eq!(verdict(&excluded).2, HitVerdict::Exclude { on: true });
}

#[test]
fn a_list_is_compared_with_one_that_was_kept() {
    let mut shared = shared();
    let mut state = loaded(&mut shared, found());
    update(&mut state, Msg::Compare, &mut shared);
    let (ticket, _) = asked(&update(&mut state, Msg::Longer, &mut shared));
    let mut other = found();
    other.hits.swap(0, 1);
    other.hits[2].row = 99;
    for (rank, hit) in (1..).zip(&mut other.hits) {
        hit.rank = rank;
    }
    let answer = Ok(Reply::Retrieved(Box::new(other)));
    reply(&mut state, ticket, &answer, &mut shared).unwrap();
    shows("compared", &state, &shared);
    update(&mut state, Msg::Compare, &mut shared);
    assert_eq!(state.reference, None);
}

#[test]
fn a_probe_says_how_far_the_exact_search_agrees() {
    let mut shared = shared();
    let approximate = Retrieved {
        vectors: Some(VectorsUsed {
            search: "hnsw ef 64".to_owned(),
            ..found().vectors.unwrap()
        }),
        ..found()
    };
    let mut state = loaded(&mut shared, approximate);
    let (ticket, spec) = asked(&update(&mut state, Msg::Probe, &mut shared));
    assert!(spec.exact);
    let mut exact = found();
    exact.hits[0].row = 1_000;
    let answer = Ok(Reply::Retrieved(Box::new(exact)));
    reply(&mut state, ticket, &answer, &mut shared).unwrap();
    let said = state.probed.as_deref().unwrap();
    assert!(
        said.ends_with(&format!(
            "{} of these {}",
            found().hits.len() - 1,
            found().hits.len()
        )),
        "{said}"
    );
}

#[test]
fn a_long_list_follows_the_cursor() {
    let mut shared = shared();
    let mut long = found();
    long.hits = (1..=40)
        .map(|rank| hit(rank, Pool::Case, &format!("Case {rank}")))
        .collect();
    let mut state = loaded(&mut shared, long);
    update(&mut state, Msg::Hit(20), &mut shared);
    shows("long", &state, &shared);
    let area = Rect::new(0, 0, 80, 24);
    let shown: Vec<_> = (0..24)
        .filter_map(|row| view::hit_at(&state, area, row))
        .collect();
    assert!(shown.contains(&20), "{shown:?}");
}

#[test]
fn candidates_are_counted_and_a_choice_narrows_the_filter() {
    let mut shared = shared();
    let mut state = loaded(&mut shared, found());
    let effects = update(&mut state, Msg::Facets, &mut shared);
    let [Effect::Ask(ticket, Query::RetrievedFacets(_))] = &effects[..] else {
        panic!("{effects:?}");
    };
    let count = |value: &str, count| semihv_domain::FacetCount {
        value: value.to_owned(),
        count,
    };
    let counted = vec![
        (
            semihv_domain::Facet::Source,
            vec![count("medpix2", 140), count("ngc", 60)],
        ),
        (
            semihv_domain::Facet::Licence,
            vec![count("CC BY 4.0\x1b[2J", 3)],
        ),
    ];
    let answer = Ok(Reply::RetrievedFacets(counted));
    reply(&mut state, *ticket, &answer, &mut shared).unwrap();
    update(&mut state, Msg::Read(reader::Msg::Down), &mut shared);
    shows("facets", &state, &shared);
    // A job that ends meanwhile makes the same query be asked again, and closes nothing.
    forget(&mut state);
    asked(&refresh(&mut state, &shared));
    assert!(state.facets.is_some());
    // What stands beneath is not meant by any key.
    assert_eq!(state.current(), None);
    assert_eq!(update(&mut state, Msg::Grade, &mut shared), []);
    let (_, spec) = asked(&update(&mut state, Msg::Open, &mut shared));
    assert_eq!(spec.filter, "source:ngc");
    update(&mut state, Msg::Facets, &mut shared);
    assert_eq!(update(&mut state, Msg::Back, &mut shared), []);
    assert_eq!(state.filter, "source:ngc");
}

#[test]
fn counts_that_are_not_there_say_why() {
    let mut shared = shared();
    let answers = [
        ("facets_empty", Ok(Reply::RetrievedFacets(Vec::new()))),
        ("facets_failed", Err(failure())),
    ];
    for (name, answer) in answers {
        let mut state = loaded(&mut shared, found());
        let effects = update(&mut state, Msg::Facets, &mut shared);
        let [Effect::Ask(ticket, _)] = &effects[..] else {
            panic!("{effects:?}");
        };
        reply(&mut state, *ticket, &answer, &mut shared).unwrap();
        shows(name, &state, &shared);
    }
}

/// By one list the scores are cosines, and their bars tell something.
#[test]
fn cosines_have_bars() {
    let mut shared = shared();
    let cosines = Retrieved {
        fusions: std::collections::BTreeMap::new(),
        ..found()
    };
    shows("cosines", &loaded(&mut shared, cosines), &shared);
}

#[test]
fn it_is_searched_here_or_on_the_server_whatever_the_settings_say() {
    let mut shared = shared();
    let mut state = loaded(&mut shared, found());
    let engines = [0, 1, 2].map(|_| {
        let (_, spec) = asked(&update(&mut state, Msg::NextEngine, &mut shared));
        spec.engine
    });
    let (here, there) = (RetrievalEngine::Local, RetrievalEngine::Qdrant);
    assert_eq!(engines, [Some(here), Some(there), None]);
}
