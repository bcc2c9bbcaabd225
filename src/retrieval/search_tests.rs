//! What queries find in a small index.

use std::sync::Arc;

use proptest::prelude::*;
use semihv_domain::{DocumentKind, Facet, Hit, Tag};

use crate::fixture::{Marked, apply, case, empty, filled, put};
use crate::{Change, Completion, Index, NoLiveSets, QueryText, SearchError};

use DocumentKind::{Case, Passage, Question};

fn ids(index: &Index, kind: DocumentKind, text: &str) -> Vec<i64> {
    let query = QueryText::parse(text).unwrap();
    index.ids(kind, &query, &Marked).unwrap()
}

fn hits(index: &Index, kind: DocumentKind, text: &str) -> (Vec<Hit>, u64) {
    let query = QueryText::parse(text).unwrap();
    index.hits(kind, &query, 10, &Marked).unwrap()
}

#[track_caller]
fn check(kind: DocumentKind, searches: &[(&str, &[i64])]) {
    let (_folder, index) = filled();
    for (text, expected) in searches {
        let mut found = ids(&index, kind, text);
        found.sort_unstable();
        assert_eq!(found, *expected, "{text}");
        let (hits, total) = hits(&index, kind, text);
        assert_eq!(total, expected.len() as u64, "total of {text}");
        assert_eq!(hits.len(), expected.len(), "hits of {text}");
    }
}

#[test]
fn words_match_in_any_form_and_all_of_them() {
    check(
        Case,
        &[
            ("effusions", &[1, 2, 3]),
            ("effusion pleural", &[1, 3]),
            ("effusion pleura", &[1]),
            ("effusion OR abscess", &[1, 2, 3]),
            ("effusion -pleural", &[2]),
            ("-effusion", &[4]),
            ("the", &[1, 2, 3, 4]),
            ("nosuchword", &[]),
        ],
    );
}

#[test]
fn titles_are_searched_with_the_body() {
    check(Case, &[("nodule lung", &[3]), ("abscess ring", &[2])]);
}

#[test]
fn phrases_need_their_order() {
    check(
        Case,
        &[
            ("\"pleural effusion\"", &[1]),
            ("\"effusion of the pleural space\"", &[3]),
            ("\"effusion pleural\"", &[]),
            ("\"no effusion\"", &[2]),
            ("T2-weighted", &[2]),
        ],
    );
}

#[test]
fn beginnings_reach_over_the_stem() {
    check(
        Case,
        &[
            ("calcif*", &[1, 3]),
            ("calcificat*", &[1]),
            ("absce*", &[2]),
            ("T2-wei*", &[2]),
        ],
    );
}

#[test]
fn chinese_is_found_by_any_piece() {
    check(
        Case,
        &[
            ("感染", &[4]),
            ("双肺感染", &[4]),
            ("双肺 斑片", &[4]),
            ("肺", &[4]),
            ("影", &[4]),
            ("肺双", &[]),
            ("肺*", &[4]),
            ("lang:zh", &[4]),
        ],
    );
}

#[test]
fn fields_filter() {
    check(
        Case,
        &[
            ("modality:CT", &[1, 3]),
            ("modality:CT,MR", &[1, 2, 3]),
            ("source:medpix2", &[1, 2]),
            ("source:medpix", &[1, 2]),
            ("source:EURORAD", &[3]),
            ("source:e*", &[3]),
            ("source:ngc", &[]),
            ("part:\"left lung\"", &[1]),
            ("licence:cc-by", &[1]),
            ("has:region", &[1]),
            ("has:missing-image", &[2]),
            ("has:image,note", &[1, 2, 3]),
            ("year:2021", &[2]),
            ("year:2018..2021", &[1, 2]),
            ("year:2020..", &[2, 3]),
            ("-year:2018", &[2, 3, 4]),
            ("key:mpx3", &[3]),
            ("key:mpx*", &[1, 2, 3, 4]),
            ("id:2,4,99", &[2, 4]),
            ("modality:CT year:2020.. OR lang:zh", &[3, 4]),
            ("-(modality:CT OR modality:MR)", &[4]),
            ("effusion modality:CT", &[1, 3]),
            ("effusion (modality:MR OR nodule)", &[2, 3]),
        ],
    );
}

#[test]
fn tags_and_notes_are_asked_of_the_store() {
    check(
        Case,
        &[
            ("tag:laterality", &[1, 3]),
            ("tag:laterality effusion", &[1, 3]),
            ("-tag:laterality", &[2, 4]),
            ("has:note", &[3]),
            ("has:tag", &[1, 3]),
            ("tag:nobody", &[]),
            ("tag:all", &[1, 2, 3, 4]),
            ("tag:all -effusion", &[4]),
        ],
    );
    check(Question, &[("tag:laterality", &[])]);
}

#[test]
fn verdicts_belong_to_the_models_beside_them() {
    check(
        Question,
        &[
            ("wrong", &[1, 2, 3]),
            ("-wrong", &[4]),
            ("model:huatuo", &[1, 2, 3]),
            ("model:huatuo wrong", &[1, 3]),
            ("-wrong model:huatuo", &[2]),
            ("model:huatuo,llava wrong", &[1, 2, 3]),
            ("model:huatuo model:llava wrong", &[]),
            ("(model:huatuo right) (model:llava wrong)", &[2]),
            ("model:huatuo (right OR unparsed)", &[2, 3]),
            ("(model:huatuo) wrong", &[1, 2, 3]),
            ("unparsed", &[3]),
            ("unjudged", &[]),
        ],
    );
}

#[test]
fn a_kind_finds_only_its_own_rows() {
    check(
        Passage,
        &[
            ("effusion", &[1]),
            ("recommended", &[1, 2]),
            ("year:2016", &[1, 2]),
        ],
    );
    check(
        Question,
        &[
            ("effusion", &[1]),
            ("type:closed", &[1, 2, 3, 4]),
            ("id:1", &[1]),
        ],
    );
}

#[test]
fn a_value_nobody_has_is_pointed_at_with_the_nearest() {
    let (_folder, index) = filled();
    let query = QueryText::parse("lung source:medpxi2").unwrap();
    let error = match index.ids(Case, &query, &NoLiveSets) {
        Err(SearchError::Query(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error.column, 12);
    assert_eq!(error.hint.as_deref(), Some("did you mean `medpix2`?"));
}

#[test]
fn filters_answer_in_row_order_and_words_by_score() {
    let (_folder, index) = filled();
    assert_eq!(ids(&index, Case, "modality:CT"), [1, 3]);
    let ranked = ids(&index, Case, "effusion");
    let (hits, _) = hits(&index, Case, "effusion");
    assert_eq!(ranked, hits.iter().map(|hit| hit.id).collect::<Vec<_>>());
    assert_eq!(ranked.last(), Some(&2), "the passing mention comes last");
    assert!(hits.is_sorted_by(|left, right| left.score >= right.score));
}

#[test]
fn the_parts_of_a_reason_sum_to_the_score() {
    let (_folder, index) = filled();
    for text in [
        "effusion",
        "pleural effusion",
        "effusion OR abscess OR nodule",
        "\"pleural effusion\" calcif*",
        "effusion modality:CT tag:laterality -abscess",
        "effusion effusion",
    ] {
        let (hits, _) = hits(&index, Case, text);
        assert!(!hits.is_empty(), "{text}");
        for hit in hits {
            let sum: f32 = hit.reason.terms.iter().map(|term| term.score).sum();
            assert!(
                (sum - hit.score).abs() < 1e-3,
                "{text}: {sum} {}",
                hit.score
            );
        }
    }
}

#[test]
fn a_reason_says_how_often_and_how_rare() {
    let (_folder, index) = filled();
    let (hits, _) = hits(&index, Case, "effusions");
    let hit = hits.iter().find(|hit| hit.id == 3).unwrap();
    let [term] = hit.reason.terms.as_slice() else {
        panic!("{:?}", hit.reason);
    };
    assert_eq!(
        (term.term.as_str(), term.field.as_str()),
        ("effusions", "text")
    );
    assert_eq!((term.frequency, term.documents), (2.0, 3));
    // Of four cases three hold the word: ln(1 + 1.5 / 3.5); passages and questions do not count.
    assert!(
        (term.idf - (1.0_f32 + 1.5 / 3.5).ln()).abs() < 1e-4,
        "{}",
        term.idf
    );
}

#[test]
fn snippets_mark_what_matched() {
    let (_folder, index) = filled();
    for (text, marked) in [
        ("effusion", "effusion"),
        ("calcif*", "calcifications"),
        ("双肺感染", "双肺感染"),
        ("abscess", "abscess"),
    ] {
        let (hits, _) = hits(&index, Case, text);
        let hit = &hits[0];
        let pieces: Vec<&str> = hit
            .snippet
            .highlights
            .iter()
            .map(|range| &hit.snippet.text[range.clone()])
            .collect();
        assert!(
            pieces
                .iter()
                .any(|piece| piece.eq_ignore_ascii_case(marked)),
            "{text}: {:?}",
            hit.snippet
        );
    }
}

#[test]
fn without_words_a_snippet_is_the_beginning() {
    let (_folder, index) = filled();
    let (hits, _) = hits(&index, Case, "modality:MR");
    assert!(hits[0].snippet.text.starts_with("T2-weighted imaging"));
    assert!(hits[0].snippet.highlights.is_empty());
    assert!(hits[0].score.abs() < f32::EPSILON);
}

#[test]
fn escape_sequences_of_the_data_do_not_reach_a_hit() {
    let (_folder, index) = empty();
    let mut hostile = case(
        1,
        "bad\u{1b}[31m title",
        "an \u{1b}]0;evil\u{7} effusion\r\n here",
    );
    hostile.source = "so\u{9b}urce".to_owned();
    apply(&index, vec![put(hostile)], 1);
    let (hits, _) = hits(&index, Case, "effusion");
    let shown = format!(
        "{}{}{}",
        hits[0].title, hits[0].source, hits[0].snippet.text
    );
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

#[test]
fn a_whole_text_finds_what_is_like_it() {
    let (_folder, index) = filled();
    let index = Arc::new(index);
    let text = "An elderly man with a new pleural effusion AND (unbalanced \"text: -x";
    let hits = free_text_hits(&index, text, 5);
    assert_eq!(hits[0].id, 1);
    let sum: f32 = hits[0].reason.terms.iter().map(|term| term.score).sum();
    assert!((sum - hits[0].score).abs() < 1e-3);
    assert!(free_text_hits(&index, "", 5).is_empty());
    assert!(free_text_hits(&index, text, 0).is_empty());
}

#[test]
fn facets_count_the_matching_rows() {
    let (_folder, index) = filled();
    let query = QueryText::parse("effusion").unwrap();
    let counted = index
        .facets(
            Case,
            &query,
            &[Facet::Modality, Facet::Source, Facet::Class],
            &NoLiveSets,
        )
        .unwrap();
    let shown: Vec<String> = counted
        .iter()
        .map(|(facet, counts)| {
            let counts: Vec<String> = counts
                .iter()
                .map(|count| format!("{}={}", count.value, count.count))
                .collect();
            format!("{facet:?} {}", counts.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        ["Modality CT=2 MR=1", "Source medpix2=2 Eurorad=1", "Class "]
    );
}

#[test]
fn values_come_with_counts_and_go_with_their_last_row() {
    let (_folder, index) = filled();
    let shown = |field: &str| -> Vec<String> {
        let values = index.values(field).unwrap();
        values
            .iter()
            .map(|value| format!("{}={}", value.value, value.count))
            .collect()
    };
    assert_eq!(
        shown("source"),
        ["slake=5", "medpix2=2", "ngc=2", "Eurorad=1"]
    );
    apply(&index, vec![Change::Delete(Case, 3)], 11);
    assert_eq!(shown("source"), ["slake=5", "medpix2=2", "ngc=2"]);
    assert!(shown("nofield").is_empty());
}

fn complete(index: &Index, text: &str) -> Vec<Completion> {
    let tags = [(Tag::parse("laterality").unwrap(), 2)];
    index.complete(text, text.chars().count(), &tags).unwrap()
}

#[test]
fn fields_and_values_are_offered() {
    let (_folder, index) = filled();
    let first = |text: &str| {
        complete(&index, text)
            .first()
            .map(|offer| offer.insert.clone())
    };
    assert_eq!(first("mod").as_deref(), Some("modality:"));
    assert_eq!(first("lung wro").as_deref(), Some("wrong"));
    assert_eq!(first("source:med").as_deref(), Some("medpix2"));
    assert_eq!(first("model:llava").as_deref(), Some("llava-med"));
    assert_eq!(first("part:le").as_deref(), Some("\"Left lung\""));
    assert_eq!(first("part:\"left l").as_deref(), Some("\"Left lung\""));
    assert_eq!(first("tag:l").as_deref(), Some("laterality"));
    assert_eq!(first("has:no").as_deref(), Some("note"));
    assert_eq!(first("modality:u").as_deref(), Some("US"));
    assert_eq!(first("source:zzz"), None);
    let offer = &complete(&index, "modality:CT,M")[0];
    assert_eq!(
        (offer.insert.as_str(), offer.from, offer.to),
        ("MR", 12, 13)
    );
    assert_eq!(offer.about, "1 in all");
    assert_eq!(complete(&index, "").len(), 20);
}

#[test]
fn words_of_a_group_that_does_not_match_give_no_score() {
    let (_folder, index) = filled();
    let query = QueryText::parse("(effusion zebra) OR id:1").unwrap();
    let (hits, total) = index.hits(DocumentKind::Case, &query, 10, &Marked).unwrap();
    assert_eq!(total, 1);
    assert!(hits[0].score.abs() < 1e-6);
    assert!(hits[0].reason.terms.is_empty(), "{:?}", hits[0].reason);
}

fn random_query() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(" ".to_owned()),
        Just(" OR ".to_owned()),
        Just("-".to_owned()),
        Just("(".to_owned()),
        Just(")".to_owned()),
        "(effusion|pleura[lr]?|T2-weighted|肺|双肺|the|wrong|right)\\*?",
        "\"(pleural effusion|the|肺|no effusion of)\"",
        "(modality:CT|year:2018\\.\\.|has:(note|region)|tag:(laterality|all)|id:[0-9]|key:m\\*)",
        "(model:(hua|x)|source:(m|zz)|lang:[a-z]|part:\"left\")",
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn random_queries_agree_with_themselves() {
    let (_folder, index) = filled();
    proptest!(|(text in random_query())| {
        let Ok(query) = QueryText::parse(&text) else {
            return Ok(());
        };
        for kind in DocumentKind::ALL {
            let Ok(ids) = index.ids(kind, &query, &Marked) else {
                continue;
            };
            let (hits, total) = index.hits(kind, &query, 100, &Marked).unwrap();
            prop_assert_eq!(total, ids.len() as u64, "{}", text);
            let mut from_hits: Vec<i64> = hits.iter().map(|hit| hit.id).collect();
            let mut ids = ids;
            from_hits.sort_unstable();
            ids.sort_unstable();
            prop_assert_eq!(from_hits, ids, "{}", text);
            for hit in hits {
                let sum: f32 = hit.reason.terms.iter().map(|term| term.score).sum();
                prop_assert!((sum - hit.score).abs() < 1e-3, "{}", text);
            }
        }
        let column = text.chars().count() / 2;
        prop_assert!(index.complete(&text, column, &[]).is_ok());
    });
}

fn free_text_hits(index: &Arc<Index>, text: &str, most: usize) -> Vec<semihv_domain::Hit> {
    let like = index.free_text(Passage, text).unwrap();
    like.explained(&like.ranked(most).unwrap()).unwrap()
}
