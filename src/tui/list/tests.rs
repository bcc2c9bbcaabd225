//! The virtual list: what a cursor move costs, and that nothing is lost on the way.

use proptest::prelude::*;
use semihv_domain::FailureKind;

use super::*;
use crate::keys::Key;
use crate::testing::row;

const MILLION: i64 = 1_000_000;

fn listing(count: i64, filter: &str) -> Reply {
    Reply::List(Listing {
        spec: ListSpec {
            kind: ListKind::Cases,
            filter: filter.to_owned(),
        },
        ids: (1..=count).collect(),
        remark: None,
    })
}

/// Answers all questions about rows until none is left; says how many were asked.
fn answer(list: &mut List, shared: &mut Shared, mut effects: Vec<Effect>) -> usize {
    let mut asked = 0;
    while let Some(effect) = effects.pop() {
        let Effect::Ask(ticket, Query::Rows { kind, ids }) = effect else {
            continue;
        };
        assert!(ids.len() <= MOST_ROWS);
        asked += 1;
        let rows = ids.iter().map(|id| row(kind, *id)).collect();
        let more = list.reply(ticket, &Ok(Reply::Rows { kind, rows }), shared);
        effects.extend(more.unwrap_or_default());
    }
    asked
}

fn opened(count: i64) -> (List, Shared) {
    let (mut list, mut shared) = (List::new(ListKind::Cases), Shared::default());
    list.set_height(40);
    let effects = list.open("");
    let [Effect::Ask(ticket, _)] = effects[..] else {
        panic!("{effects:?}");
    };
    let effects = list.reply(ticket, &Ok(listing(count, "")), &mut shared);
    answer(&mut list, &mut shared, effects.unwrap());
    (list, shared)
}

fn press(list: &mut List, shared: &mut Shared, msg: Msg) -> usize {
    let effects = list.update(msg, shared);
    answer(list, shared, effects)
}

fn type_keys(list: &mut List, keys: &str) -> Vec<Effect> {
    let keys = Key::parse_all(keys).unwrap();
    keys.into_iter()
        .flat_map(|key| list.typed(Input::Key(key)))
        .collect()
}

#[test]
fn the_first_row_is_selected_when_the_list_leads() {
    let (_, shared) = opened(3);
    assert_eq!(shared.selection.case, Some(CaseId(1)));
}

#[test]
fn a_hundred_steps_ask_for_rows_a_few_times() {
    let (mut list, mut shared) = opened(MILLION);
    let asked: usize = (0..100)
        .map(|_| press(&mut list, &mut shared, Msg::Down))
        .sum();
    assert!(asked <= 4, "{asked}");
    assert_eq!(list.cursor(), 100);
    assert!(list.current_row().is_some());
}

#[test]
fn the_end_of_a_million_rows_is_one_question_away() {
    let (mut list, mut shared) = opened(MILLION);
    assert_eq!(press(&mut list, &mut shared, Msg::Bottom), 1);
    assert_eq!(list.current(), Some(MILLION));
    assert_eq!(shared.selection.case, Some(CaseId(MILLION)));
    assert_eq!(press(&mut list, &mut shared, Msg::Down), 0);
}

#[test]
fn few_rows_are_kept_in_memory() {
    let (mut list, mut shared) = opened(MILLION);
    for _ in 0..200 {
        press(&mut list, &mut shared, Msg::PageDown);
    }
    assert!(list.rows.len() <= 1000, "{}", list.rows.len());
}

#[test]
fn over_the_edge_the_view_jumps_and_then_rests() {
    let (mut list, mut shared) = opened(MILLION);
    let mut tops = std::collections::BTreeSet::new();
    for _ in 0..100 {
        press(&mut list, &mut shared, Msg::Down);
        tops.insert(list.top);
    }
    assert!(tops.len() <= 6, "{tops:?}");
}

#[test]
fn rows_on_their_way_are_not_asked_for_again() {
    let (mut list, mut shared) = opened(MILLION);
    let first = list.update(Msg::Bottom, &mut shared);
    assert_eq!(first.len(), 1);
    assert_eq!(list.update(Msg::Up, &mut shared), []);
}

#[test]
fn a_row_that_is_gone_is_asked_for_once() {
    let (mut list, mut shared) = opened(100);
    let effects = list.reopen();
    let [Effect::Ask(ticket, _)] = effects[..] else {
        panic!("{effects:?}");
    };
    let effects = list
        .reply(ticket, &Ok(listing(100, "")), &mut shared)
        .unwrap();
    let [Effect::Ask(ticket, _)] = effects[..] else {
        panic!("{effects:?}");
    };
    list.rows.clear();
    let nothing = Ok(Reply::Rows {
        kind: ListKind::Cases,
        rows: Vec::new(),
    });
    let effects = list.reply(ticket, &nothing, &mut shared).unwrap();
    assert_eq!(effects, []);
}

#[test]
fn marks_and_a_range_are_what_a_tag_applies_to() {
    let (mut list, mut shared) = opened(50);
    press(&mut list, &mut shared, Msg::Mark);
    press(&mut list, &mut shared, Msg::Down);
    press(&mut list, &mut shared, Msg::Range);
    press(&mut list, &mut shared, Msg::Down);
    press(&mut list, &mut shared, Msg::Down);
    press(&mut list, &mut shared, Msg::Range);
    let marked: Vec<i64> = list.targets().iter().map(|target| target.row()).collect();
    assert_eq!(marked, [1, 3, 4, 5]);
}

#[test]
fn escape_takes_back_the_range_then_the_marks_then_the_search() {
    let (mut list, mut shared) = opened(50);
    list.filter = "wrong".to_owned();
    press(&mut list, &mut shared, Msg::Mark);
    press(&mut list, &mut shared, Msg::Range);
    assert_eq!(list.update(Msg::Clear, &mut shared), []);
    assert_eq!((list.anchor, list.marked()), (None, 1));
    assert_eq!(list.update(Msg::Clear, &mut shared), []);
    assert_eq!(list.marked(), 0);
    assert!(matches!(
        list.update(Msg::Clear, &mut shared)[..],
        [Effect::Ask(..)]
    ));
    assert_eq!(list.filter(), "");
}

#[test]
fn a_query_with_an_error_keeps_the_old_list_and_the_line() {
    let (mut list, mut shared) = opened(50);
    list.update(Msg::Search, &mut shared);
    let effects = type_keys(&mut list, "(<Enter>");
    let Some(Effect::Ask(ticket, Query::List(spec))) = effects.last() else {
        panic!("{effects:?}");
    };
    assert_eq!(spec.filter, "(");
    let failure = Failure::new("search", FailureKind::User, "never closed (column 1)");
    list.reply(*ticket, &Err(failure), &mut shared);
    assert_eq!((list.len(), list.filter()), (50, ""));
    let trouble = list.query.as_ref().and_then(QueryLine::trouble).unwrap();
    assert_eq!(
        (trouble.column, trouble.message.as_str()),
        (Some(0), "never closed")
    );
}

#[test]
fn the_cursor_stays_on_its_row_when_the_list_changes() {
    let (mut list, mut shared) = opened(50);
    for _ in 0..9 {
        press(&mut list, &mut shared, Msg::Down);
    }
    let effects = list.reopen();
    let [Effect::Ask(ticket, _)] = effects[..] else {
        panic!("{effects:?}");
    };
    let ids = (5..=50).collect();
    let fewer = match listing(0, "") {
        Reply::List(listing) => Reply::List(Listing { ids, ..listing }),
        other => other,
    };
    list.reply(ticket, &Ok(fewer), &mut shared);
    assert_eq!((list.cursor(), list.current()), (5, Some(10)));
}

#[test]
fn an_answer_to_an_older_search_falls_through() {
    let (mut list, mut shared) = opened(50);
    let old = list.open("a");
    list.open("b");
    let [Effect::Ask(ticket, _)] = old[..] else {
        panic!("{old:?}");
    };
    assert_eq!(list.reply(ticket, &Ok(listing(1, "a")), &mut shared), None);
    assert_eq!(list.len(), 50);
}

#[test]
fn changed_tags_ask_only_when_the_row_is_in_sight() {
    let (mut list, _) = opened(MILLION);
    assert_eq!(
        list.annotations_changed(&[Target::Case(CaseId(900_000))]),
        []
    );
    assert_eq!(
        list.annotations_changed(&[Target::Question(QuestionId(1))]),
        []
    );
    assert_eq!(
        list.annotations_changed(&[Target::Case(CaseId(1))]).len(),
        1
    );
}

proptest! {
    #[test]
    fn the_cursor_is_always_in_sight(
        count in 0i64..300,
        steps in proptest::collection::vec((0..11usize, 1u16..60), 0..60),
    ) {
        let (mut list, mut shared) = opened(count);
        for (step, height) in steps {
            let msg = match step {
                0 => Msg::Down,
                1 => Msg::Up,
                2 => Msg::Top,
                3 => Msg::Bottom,
                4 => Msg::PageDown,
                5 => Msg::PageUp,
                6 => Msg::ScrollDown,
                7 => Msg::ScrollUp,
                8 => Msg::Visible(usize::from(height)),
                9 => Msg::Mark,
                _ => Msg::Range,
            };
            press(&mut list, &mut shared, msg);
            let effects = list.set_height(height);
            answer(&mut list, &mut shared, effects);
            prop_assert!(list.top <= list.cursor && list.cursor < list.top + list.height);
            prop_assert!(list.is_empty() || list.cursor < list.len());
            prop_assert!(list.is_empty() || list.current_row().is_some());
        }
    }
}
