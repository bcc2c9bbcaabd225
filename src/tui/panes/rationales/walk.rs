//! The walk to the next question on which models disagree, or which one gets wrong.
//!
//! Asks for the ids of all questions once, then for rows in the order of the ids until one fits.

use std::sync::Arc;

use semihv_domain::{Failure, Verdict};
use semihv_engine::{ListKind, ListRow, ListSpec, Query, QuestionRow, Reply};

use crate::action::Effect;
use crate::shared::Selection;
use crate::slot::{Slot, SlotName, Ticket};

/// The most rows one query may ask for.
const CHUNK: usize = 500;

/// What makes the walk stop at a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The verdicts of these models differ.
    Disagreement(Vec<String>),
    /// This model's answer is wrong or commits to nothing.
    Wrong(String),
}

impl Wanted {
    fn fits(&self, row: &QuestionRow) -> bool {
        match self {
            Self::Disagreement(models) => {
                let mut verdicts = row
                    .verdicts
                    .iter()
                    .filter(|(model, _)| models.contains(model))
                    .map(|(_, verdict)| verdict);
                let first = verdicts.next();
                verdicts.any(|verdict| Some(verdict) != first)
            }
            Self::Wrong(model) => row.verdicts.iter().any(|(known, verdict)| {
                known == model && matches!(verdict, Verdict::Wrong | Verdict::Unparsed)
            }),
        }
    }

    fn nothing_found(&self) -> String {
        match self {
            Self::Disagreement(_) => "no later question on which they disagree".to_owned(),
            Self::Wrong(model) => format!("no later question that {model} gets wrong"),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Resting,
    /// Waits for the ids of all questions.
    Listing(Wanted),
    /// Waits for the rows before `next`.
    Reading {
        wanted: Wanted,
        ids: Arc<[i64]>,
        next: usize,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Walk {
    stage: Stage,
    slot: Slot,
    /// What the last walk came to, when it found nothing.
    remark: Option<String>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            stage: Stage::Resting,
            slot: Slot::new(SlotName::Rationales),
            remark: None,
        }
    }
}

impl Walk {
    pub(super) fn start(&mut self, wanted: Wanted) -> Vec<Effect> {
        self.remark = None;
        self.stage = Stage::Listing(wanted);
        let all = ListSpec {
            kind: ListKind::Questions,
            filter: String::new(),
        };
        vec![Effect::Ask(self.slot.ask(), Query::List(all))]
    }

    pub(super) fn stop(&mut self) {
        self.stage = Stage::Resting;
        self.slot.drop_answer();
        self.remark = None;
    }

    pub(super) fn forget_remark(&mut self) {
        self.remark = None;
    }

    /// `searching…`, or what it came to.
    pub(super) fn remark(&self) -> Option<&str> {
        match self.stage {
            Stage::Resting => self.remark.as_deref(),
            Stage::Listing(_) | Stage::Reading { .. } => Some("searching…"),
        }
    }

    pub(super) fn reply(
        &mut self,
        ticket: Ticket,
        reply: &Result<Reply, Failure>,
        selection: &mut Selection,
    ) -> Option<Vec<Effect>> {
        if !self.slot.accepts(ticket) {
            return None;
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Resting);
        Some(match (stage, reply) {
            (_, Err(failure)) => {
                self.remark = Some(failure.summary.clone());
                Vec::new()
            }
            (Stage::Listing(wanted), Ok(Reply::List(listing))) => {
                let current = selection.question.map(|id| id.0);
                let at = listing.ids.iter().position(|id| Some(*id) == current);
                let next = at.map_or(0, |at| at + 1);
                self.read_on(wanted, Arc::clone(&listing.ids), next)
            }
            (Stage::Reading { wanted, ids, next }, Ok(Reply::Rows { rows, .. })) => {
                match rows
                    .iter()
                    .filter_map(question_row)
                    .find(|row| wanted.fits(row))
                {
                    Some(row) => {
                        selection.question = Some(row.id);
                        selection.case = row.case.or(selection.case);
                        Vec::new()
                    }
                    None => self.read_on(wanted, ids, next),
                }
            }
            _ => Vec::new(),
        })
    }

    fn read_on(&mut self, wanted: Wanted, ids: Arc<[i64]>, from: usize) -> Vec<Effect> {
        let until = (from + CHUNK).min(ids.len());
        let chunk = ids.get(from..until).unwrap_or_default().to_vec();
        if chunk.is_empty() {
            self.remark = Some(wanted.nothing_found());
            return Vec::new();
        }
        self.stage = Stage::Reading {
            wanted,
            ids,
            next: until,
        };
        let rows = Query::Rows {
            kind: ListKind::Questions,
            ids: chunk,
        };
        vec![Effect::Ask(self.slot.ask(), rows)]
    }
}

fn question_row(row: &ListRow) -> Option<&QuestionRow> {
    match row {
        ListRow::Question(row) => Some(row),
        ListRow::Case(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use semihv_domain::{QuestionId, QuestionKind};
    use semihv_engine::Listing;

    use super::*;

    fn row(id: i64, verdicts: &[(&str, Verdict)]) -> ListRow {
        ListRow::Question(QuestionRow {
            id: QuestionId(id),
            key: id.to_string(),
            text: String::new(),
            kind: QuestionKind::Closed,
            case: None,
            source: String::new(),
            modality: None,
            verdicts: verdicts
                .iter()
                .map(|(model, verdict)| ((*model).to_owned(), *verdict))
                .collect(),
            tags: Vec::new(),
            has_note: false,
        })
    }

    fn ticket(effects: &[Effect]) -> Ticket {
        match effects {
            [Effect::Ask(ticket, _)] => *ticket,
            other => panic!("{other:?}"),
        }
    }

    fn answer(
        walk: &mut Walk,
        effects: &[Effect],
        selection: &mut Selection,
        reply: Reply,
    ) -> Vec<Effect> {
        walk.reply(ticket(effects), &Ok(reply), selection).unwrap()
    }

    fn listing(ids: &[i64]) -> Reply {
        Reply::List(Listing {
            spec: ListSpec {
                kind: ListKind::Questions,
                filter: String::new(),
            },
            ids: ids.into(),
            remark: None,
        })
    }

    fn rows(rows: Vec<ListRow>) -> Reply {
        Reply::Rows {
            kind: ListKind::Questions,
            rows,
        }
    }

    #[test]
    fn the_walk_goes_on_behind_the_selected_question() {
        let mut selection = Selection {
            question: Some(QuestionId(2)),
            ..Selection::default()
        };
        let mut walk = Walk::default();
        let models = vec!["a".to_owned(), "b".to_owned()];
        let effects = walk.start(Wanted::Disagreement(models));
        let effects = answer(&mut walk, &effects, &mut selection, listing(&[1, 2, 3, 4]));
        assert!(
            matches!(&effects[..], [Effect::Ask(_, Query::Rows { ids, .. })] if *ids == [3, 4])
        );
        let both = |a, b| [("a", a), ("b", b), ("c", Verdict::Wrong)];
        let found = rows(vec![
            row(3, &both(Verdict::Right, Verdict::Right)),
            row(4, &both(Verdict::Right, Verdict::Wrong)),
        ]);
        assert_eq!(answer(&mut walk, &effects, &mut selection, found), []);
        assert_eq!(selection.question, Some(QuestionId(4)));
        assert_eq!(walk.remark(), None);
    }

    #[test]
    fn at_the_end_it_says_so() {
        let mut selection = Selection::default();
        let mut walk = Walk::default();
        let effects = walk.start(Wanted::Wrong("a".to_owned()));
        let effects = answer(&mut walk, &effects, &mut selection, listing(&[1]));
        let found = rows(vec![row(1, &[("a", Verdict::Right)])]);
        answer(&mut walk, &effects, &mut selection, found);
        assert_eq!(walk.remark(), Some("no later question that a gets wrong"));
    }

    #[test]
    fn an_answer_to_an_older_walk_falls_through() {
        let mut walk = Walk::default();
        let old = walk.start(Wanted::Wrong("a".to_owned()));
        walk.start(Wanted::Wrong("b".to_owned()));
        let reply = walk.reply(ticket(&old), &Ok(listing(&[1])), &mut Selection::default());
        assert_eq!(reply, None);
    }
}
