//! What is remembered of a workspace between two sittings: layouts, selection, searches, theme.
//!
//! A session that cannot be read is no reason not to start: the workbench then opens fresh.

use semihv_domain::ImageId;
use semihv_imaging::Look;
use serde::{Deserialize, Serialize};

use crate::layout::Layouts;
use crate::panes::image;
use crate::shared::{Leading, Selection};
use crate::state::State;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    layouts: Option<Layouts>,
    selection: Selection,
    leading: Leading,
    cases: ListPlace,
    questions: ListPlace,
    theme: Option<String>,
    looks: Vec<(ImageId, Look)>,
}

/// Where a list stood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct ListPlace {
    filter: String,
    row: Option<i64>,
}

/// The session as it is stored.
pub fn save(state: &State) -> String {
    let place = |list: &crate::list::List| ListPlace {
        filter: list.filter().to_owned(),
        row: list.current(),
    };
    let session = Session {
        layouts: Some(state.layouts.clone()),
        selection: state.shared.selection.clone(),
        leading: state.shared.leading,
        cases: place(&state.panes.cases.list),
        questions: place(&state.panes.questions.list),
        theme: state.look.chosen.clone(),
        looks: image::looks(&state.panes.image),
    };
    serde_json::to_string(&session).unwrap_or_default()
}

/// Takes over what was stored; false when it cannot be read.
pub fn restore(state: &mut State, json: &str) -> bool {
    let Ok(session) = serde_json::from_str::<Session>(json) else {
        return false;
    };
    if let Some(layouts) = session.layouts {
        state.layouts = layouts.sound();
    }
    state.shared.selection = session.selection;
    state.shared.leading = session.leading;
    state
        .panes
        .cases
        .list
        .place(session.cases.filter, session.cases.row);
    state
        .panes
        .questions
        .list
        .place(session.questions.filter, session.questions.row);
    image::restore_looks(&mut state.panes.image, session.looks);
    if session.theme.is_some() {
        state.look.chosen = session.theme;
        state.paint();
    }
    state.shared.focus = state.layouts.focus();
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pane::PaneKind;
    use crate::testing::{state, type_keys};

    #[test]
    fn a_session_comes_back_as_it_was_left() {
        let mut left = state(160, 50);
        type_keys(&mut left, "2<Tab>");
        left.shared.selection.case = Some(semihv_domain::CaseId(7));
        let looks = vec![
            (
                ImageId(3),
                Look {
                    window: "lung".parse().unwrap(),
                    ..Look::default()
                },
            ),
            (
                ImageId(4),
                Look {
                    zoom: 0.0,
                    ..Look::default()
                },
            ),
        ];
        image::restore_looks(&mut left.panes.image, looks.clone());
        let mut back = state(160, 50);
        assert!(restore(&mut back, &save(&left)));
        assert_eq!(back.layouts, left.layouts);
        assert_eq!(back.shared.selection, left.shared.selection);
        assert_eq!(back.focus(), left.focus());
        // A zoom of nothing is no look.
        assert_eq!(image::looks(&back.panes.image), looks[..1]);
    }

    #[test]
    fn a_session_from_elsewhere_does_no_harm() {
        let mut state = state(160, 50);
        let before = state.layouts.clone();
        assert!(!restore(&mut state, "{\"layouts\": 3}"));
        assert!(!restore(&mut state, "\0"));
        assert_eq!(state.layouts, before);
        let odd = "{\"layouts\":{\"all\":[],\"active\":99},\"unknown\":1}";
        assert!(restore(&mut state, odd));
        assert_eq!(state.focus(), PaneKind::Cases);
    }
}
