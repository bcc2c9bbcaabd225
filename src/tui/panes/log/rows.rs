//! Lines of a log as rows: what repeats is one row.

use semihv_engine::LogLine;

/// A row of the pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Index of the line that is shown, the last of those that are alike.
    pub(super) line: usize,
    /// How many lines it stands for.
    pub(super) count: usize,
}

pub(super) fn rows(lines: &[LogLine], is_folded: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| lines.get(before));
        let is_alike =
            is_folded && before.is_some_and(|before| are_alike(&before.text, &line.text));
        match rows.last_mut().filter(|_| is_alike) {
            Some(row) => {
                row.line = at;
                row.count += 1;
            }
            None => rows.push(Row { line: at, count: 1 }),
        }
    }
    rows
}

fn are_alike(before: &str, line: &str) -> bool {
    before == line || (is_progress(before) && is_progress(line))
}

/// ` 10%|█▏    | 10/99 [00:10<00:50, 1.2it/s]` that says no figure: a bar moves, figures do not repeat.
fn is_progress(line: &str) -> bool {
    let Some((_, behind)) = line.split_once("%|") else {
        return false;
    };
    behind.contains("| ") && behind.trim_end().ends_with(']') && !behind.contains('=')
}

#[cfg(test)]
mod tests {
    use semihv_engine::Level;

    use super::*;

    #[track_caller]
    fn check(texts: &[&str], expected: &[(usize, usize)]) {
        let lines = texts.iter().map(|text| LogLine {
            at: 0,
            text: (*text).to_owned(),
            level: Level::Plain,
        });
        let found = rows(&lines.collect::<Vec<_>>(), true);
        let found: Vec<(usize, usize)> = found.iter().map(|row| (row.line, row.count)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn repeated_lines_are_one() {
        check(&["a", "a", "b", "a"], &[(1, 2), (2, 1), (3, 1)]);
        check(&[], &[]);
    }

    #[test]
    fn a_moving_bar_is_one_and_its_figures_are_many() {
        let bar = [
            "  1%|#  | 1/99 [00:01<00:50, 1.2it/s]",
            "  2%|#  | 2/99 [00:02<00:50, 1.2it/s]",
        ];
        check(&bar, &[(1, 2)]);
        let figures = [
            "  1%|#  | 1/99 [00:01<00:50, loss=1.2]",
            "  2%|#  | 2/99 [00:02<00:50, loss=1.1]",
        ];
        check(&figures, &[(0, 1), (1, 1)]);
    }
}
