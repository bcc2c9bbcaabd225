//! CSV files of figures: a first line of names, then numbers under them.

use serde::{Deserialize, Serialize};

use super::dict::number;
use super::line::{Found, StepOf};

/// Columns that say the step, the better one first.
const STEPS: [&str; 5] = ["step", "global_step", "steps", "iteration", "epoch"];
/// More columns are no figures of a run.
const MOST_COLUMNS: usize = 64;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Table {
    columns: Vec<String>,
    step: usize,
}

impl Table {
    /// Of the first line: names between commas, one of which says the step.
    pub(super) fn of(line: &str) -> Option<Self> {
        let columns: Vec<String> = cells(line).map(str::to_owned).collect();
        let is_name = |name: &String| {
            let is_part = |it: char| it.is_alphanumeric() || "_-./ ()%@".contains(it);
            name.starts_with(|it: char| it.is_alphabetic() || it == '_')
                && name.chars().all(is_part)
        };
        if !(2..=MOST_COLUMNS).contains(&columns.len()) || !columns.iter().all(is_name) {
            return None;
        }
        let place = |wanted: &&str| {
            columns
                .iter()
                .position(|name| name.eq_ignore_ascii_case(wanted))
        };
        let step = STEPS.iter().find_map(place)?;
        Some(Self { columns, step })
    }

    /// Empty cells say nothing; a line with other columns is none of the table.
    pub(super) fn read(&self, line: &str) -> Option<Found> {
        let cells: Vec<&str> = cells(line).collect();
        if cells.len() != self.columns.len() {
            return None;
        }
        let step = cells.get(self.step).and_then(|cell| number(cell));
        let step = step.filter(|step| *step >= 0.0)? as u64;
        let named = self.columns.iter().zip(cells).zip(0..);
        let others = named.filter(|(_, at)| *at != self.step);
        let figures = others.filter_map(|((name, cell), _)| Some((name.clone(), number(cell)?)));
        Some(Found {
            step: StepOf::Said(step),
            figures: figures.collect(),
        })
    }
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.trim_end_matches('\r')
        .split(',')
        .map(|cell| cell.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_figures_of_their_step() {
        let table = Table::of("epoch,step,train_loss,\"val loss\"").unwrap();
        let found = table.read("0,5,nan,").unwrap();
        assert_eq!(found.step, StepOf::Said(5));
        let names: Vec<&str> = found
            .figures
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["epoch", "train_loss"]);
        assert!(found.figures[1].1.is_nan());
        assert_eq!(table.read("0,5,1.5"), None);
        assert_eq!(table.read("a,b,c,d"), None);
    }

    #[test]
    fn other_first_lines_are_no_table() {
        for line in [
            "a,b",
            "step",
            "step: 3, loss: 2",
            "{'step': 1, 'loss': 2}",
            "1,2,3",
            "",
        ] {
            assert_eq!(Table::of(line), None, "{line}");
        }
        assert!(Table::of("epoch,loss").is_some());
    }
}
