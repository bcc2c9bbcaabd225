//! Drawing of the jobs: two lines a job, below them the whole story of the one under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::{Failure, Job, JobState};

use super::{LINES, State};
use crate::pane::PaneKind;
use crate::pen::{Pen, grouped, placeholder, wrapped};
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

const BAR: u16 = 20;

/// Whole percent done, where the total is known.
pub fn percent(job: &Job) -> Option<u64> {
    let total = job.progress.total.filter(|total| *total > 0)?;
    Some((u128::from(job.progress.done.min(total)) * 100 / u128::from(total)) as u64)
}

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let muted = theme.style(Role::Muted);
    match &state.jobs {
        Load::Empty | Load::Loading { stale: None } => {
            placeholder(buffer, area, &[("Loading…", muted)]);
        }
        Load::Failed(failure) => {
            let hint = failure.hint.as_deref().unwrap_or("Space r asks again.");
            let lines = [
                (failure.summary.as_str(), theme.style(Role::Bad)),
                (hint, muted),
            ];
            placeholder(buffer, area, &lines);
        }
        Load::Ready(jobs) | Load::Loading { stale: Some(jobs) } if jobs.is_empty() => {
            let what = ("Nothing runs and nothing ran.", theme.style(Role::Text));
            let how = "Imports and indexing stand here. Press Space i to index, or : to import.";
            placeholder(buffer, area, &[what, (how, muted)]);
        }
        Load::Ready(_) | Load::Loading { stale: Some(_) } => {
            let story = story(state.current(), theme, area.width);
            let most = area.height.saturating_sub(LINES * 2);
            let below = u16::try_from(story.len()).unwrap_or(u16::MAX).min(most);
            let above = Rect {
                height: area.height - below,
                ..area
            };
            list_view(state, shared, theme, (above, buffer));
            for (line, (text, style)) in (above.height..area.height).zip(&story) {
                Pen::new(buffer, area, line).text(text, *style);
            }
        }
    }
}

fn list_view(state: &State, shared: &Shared, theme: &Theme, (area, buffer): (Rect, &mut Buffer)) {
    let jobs = state.all();
    let fitting = usize::from((area.height / LINES).max(1));
    let first = (state.cursor + 1).saturating_sub(fitting);
    for (at, (job, position)) in (0_u16..).zip(jobs.iter().zip(0..).skip(first).take(fitting)) {
        let line = at * LINES;
        let role = match (position == state.cursor, shared.focus == PaneKind::Jobs) {
            (true, true) => Role::Selection,
            (true, false) => Role::SelectionInactive,
            (false, _) => Role::Text,
        };
        let base = theme.style(role);
        if position == state.cursor {
            let row = Rect {
                y: area.y + line,
                height: 1.min(area.height),
                ..area
            };
            buffer.set_style(row.intersection(*buffer.area()), base);
        }
        let mut pen = Pen::new(buffer, area, line);
        let (sign, role) = sign(&job.state, shared.glyphs);
        pen.column(sign, 2, base.patch(theme.style(role)));
        pen.right(job.state.name(), base.patch(theme.style(role)));
        pen.text(&job.command, base);
        progress_line(job, shared, theme, &mut Pen::new(buffer, area, line + 1));
    }
}

fn sign(state: &JobState, glyphs: Glyphs) -> (&'static str, Role) {
    let (unicode, ascii, role) = match state {
        JobState::Queued => ("·", ".", Role::Muted),
        JobState::Running => ("▸", ">", Role::Accent),
        JobState::Succeeded { .. } => ("✓", "+", Role::Good),
        JobState::Failed { .. } => ("!", "!", Role::Bad),
        JobState::Cancelled => ("■", "#", Role::Muted),
        JobState::Interrupted => ("■", "#", Role::Warn),
    };
    match glyphs {
        Glyphs::Unicode => (unicode, role),
        Glyphs::Ascii => (ascii, role),
    }
}

fn progress_line(job: &Job, shared: &Shared, theme: &Theme, pen: &mut Pen) {
    let muted = theme.style(Role::Muted);
    pen.skip(2);
    if let (JobState::Running, Some(percent)) = (&job.state, percent(job)) {
        let (full, blank) = match shared.glyphs {
            Glyphs::Unicode => ("█", "░"),
            Glyphs::Ascii => ("#", "-"),
        };
        let filled = u16::try_from(percent).unwrap_or(100) * BAR / 100;
        pen.text(&full.repeat(usize::from(filled)), theme.style(Role::Accent));
        pen.text(
            &blank.repeat(usize::from(BAR - filled)),
            theme.style(Role::Border),
        );
        pen.text(&format!(" {percent:>3} %  "), theme.style(Role::Text));
    }
    let said = match &job.state {
        JobState::Succeeded { summary } => semihv_domain::printable_line(summary).into_owned(),
        JobState::Failed { failure } => {
            semihv_domain::printable_line(&failure.summary).into_owned()
        }
        JobState::Queued | JobState::Running | JobState::Cancelled | JobState::Interrupted => {
            figures(job, shared)
        }
    };
    pen.text(&said, muted);
}

/// `12 400 rows  3 skipped  4 100 rows/s  2 min left`.
fn figures(job: &Job, shared: &Shared) -> String {
    let progress = &job.progress;
    // Nobody knows how long a job ran whose process just vanished.
    let until = match (job.ended, job.state.is_over()) {
        (Some(ended), _) => ended,
        (None, true) => job.started,
        (None, false) => shared.now,
    };
    let seconds = u64::try_from(until.saturating_sub(job.started)).unwrap_or(0);
    let mut parts = Vec::new();
    if progress.rows > 0 {
        parts.push(format!("{} rows", grouped(progress.rows)));
    } else if progress.done > 0 {
        parts.push(format!("{} {}", grouped(progress.done), progress.unit));
    }
    if progress.skipped > 0 {
        parts.push(format!("{} skipped", grouped(progress.skipped)));
    }
    if seconds > 0 && progress.done > 0 {
        let (amount, unit) = if progress.rows > 0 {
            (progress.rows, "rows")
        } else {
            (progress.done, progress.unit.as_str())
        };
        parts.push(format!("{} {unit}/s", grouped(amount / seconds)));
        let left = progress.total.unwrap_or(0).saturating_sub(progress.done);
        if !job.state.is_over() && left > 0 {
            let remaining = u128::from(left) * u128::from(seconds) / u128::from(progress.done);
            parts.push(format!("{} left", duration(remaining as u64)));
        }
    }
    if job.state.is_over() && seconds > 0 {
        parts.push(format!("in {}", duration(seconds)));
    }
    parts.join("  ")
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How the job under the cursor ended, line by line.
fn story(job: Option<&Job>, theme: &Theme, width: u16) -> Vec<(String, Style)> {
    let Some(job) = job else { return Vec::new() };
    let lines = |text: &str, role: Role| -> Vec<(String, Style)> {
        let style = theme.style(role);
        wrapped(text, width)
            .into_iter()
            .map(|line| (line, style))
            .collect()
    };
    let mut story = vec![(String::new(), Style::new())];
    story.extend(lines(&format!("$ {}", job.command), Role::Key));
    match &job.state {
        JobState::Succeeded { summary } => story.extend(lines(summary, Role::Text)),
        JobState::Failed { failure } => {
            for (text, role) in told(failure) {
                story.extend(lines(&text, role));
            }
        }
        JobState::Interrupted => story.extend(lines(
            "Its process ended without a word. R goes on where it stopped.",
            Role::Warn,
        )),
        JobState::Cancelled => story.extend(lines("Cancelled. R runs it again.", Role::Muted)),
        JobState::Queued => story.extend(lines("Waits for another job.", Role::Muted)),
        JobState::Running => {}
    }
    story
}

fn told(failure: &Failure) -> Vec<(String, Role)> {
    let mut told = vec![(failure.summary.clone(), Role::Bad)];
    let causes = failure.causes.iter();
    told.extend(causes.map(|cause| (format!("because {cause}"), Role::Muted)));
    told.extend(failure.hint.iter().map(|hint| (hint.clone(), Role::Text)));
    told
}
