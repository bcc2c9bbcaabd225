//! Drawing of the runs: a line each, below them the one under the cursor, or the form.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::printable_line;
use semihv_engine::{AttemptState, RunView, shell_words};

use super::State;
use super::form::Form;
use crate::alerts;
use crate::notice;
use crate::pane::PaneKind;
use crate::pen::{Pen, wrapped};
use crate::reader::input_line;
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Lines that the list keeps, whatever is said below it.
const LEAST_LIST: u16 = 3;

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(form) = &state.form {
        let below = form_lines(form, state.recipes().len(), theme, area.width);
        // The line that is typed into stands last.
        let height = lines(&below).saturating_add(1).min(area.height);
        list(state, shared, theme, above(area, height), buffer);
        said(&below, (area, height), buffer);
        input_line(
            "> ",
            &form.line,
            theme,
            (area, area.height.saturating_sub(1)),
            buffer,
        );
        return;
    }
    match &state.launched {
        Load::Ready(_) | Load::Loading { stale: Some(_) } if state.runs().is_empty() => {
            let help = if state.recipes().is_empty() {
                "A [recipe.NAME] in semihv.toml says how one is launched."
            } else {
                "r launches a recipe of semihv.toml."
            };
            notice::empty("No run was launched here yet.", help, theme, area, buffer);
        }
        Load::Ready(_) | Load::Loading { stale: Some(_) } => {
            let mut below = story(state.current(), shared, theme, area.width);
            if state.armed.is_some() {
                let sure = "x again asks it to end, any other key lets it be.".to_owned();
                below.push((sure, theme.style(Role::Warn)));
            }
            let most = area.height.saturating_sub(LEAST_LIST);
            let height = lines(&below).min(most);
            list(state, shared, theme, above(area, height), buffer);
            said(&below, (area, height), buffer);
        }
        Load::Failed(failure) => notice::failed(failure, theme, area, buffer),
        Load::Loading { stale: None } | Load::Empty => {
            notice::loading("Looking at the runs", shared, theme, area, buffer);
        }
    }
}

type Said = Vec<(String, Style)>;

fn lines(said: &Said) -> u16 {
    u16::try_from(said.len()).unwrap_or(u16::MAX)
}

fn above(area: Rect, below: u16) -> Rect {
    Rect {
        height: area.height.saturating_sub(below),
        ..area
    }
}

fn said(below: &Said, (area, height): (Rect, u16), buffer: &mut Buffer) {
    for (line, (text, style)) in (area.height - height..area.height).zip(below) {
        Pen::new(buffer, area, line).text(text, *style);
    }
}

fn list(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let fitting = usize::from(area.height);
    let first = (state.cursor + 1).saturating_sub(fitting);
    let shown = state.runs().iter().zip(0..).skip(first).take(fitting);
    let wide = state.runs().iter().map(|run| named(run).len()).max();
    let wide = u16::try_from(wide.unwrap_or(0)).unwrap_or(u16::MAX);
    for (line, (run, position)) in (0_u16..).zip(shown) {
        let role = match (position == state.cursor, shared.focus == PaneKind::Runs) {
            (true, true) => Role::Selection,
            (true, false) => Role::SelectionInactive,
            (false, _) => Role::Text,
        };
        let base = theme.style(role);
        if position == state.cursor {
            let row = Rect {
                y: area.y + line,
                height: 1,
                ..area
            };
            buffer.set_style(row.intersection(*buffer.area()), base);
        }
        let (role, unicode, ascii) = sign(&run.state);
        let sign = match shared.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        };
        let signed = base.patch(theme.style(role));
        let mut pen = Pen::new(buffer, area, line);
        pen.column(&sign.to_string(), 2, signed);
        pen.right(&took(run, shared.now), base.patch(theme.style(Role::Muted)));
        pen.column(&named(run), wide.min(area.width / 8 * 5), base)
            .skip(2);
        pen.text(&printable_line(&run.said()), signed);
    }
}

/// With its attempt and its host, where there are such.
fn named(run: &RunView) -> String {
    let mut name = printable_line(&run.run).into_owned();
    if run.attempt > 1 {
        name.push_str(&format!(" #{}", run.attempt));
    }
    if let Some(host) = &run.host {
        name.push_str(&format!(" on {}", printable_line(host)));
    }
    name
}

/// Meaning, sign, and its ASCII twin.
pub(super) fn sign(state: &AttemptState) -> (Role, char, char) {
    match state {
        AttemptState::Queued { .. } => (Role::Muted, '·', '.'),
        AttemptState::Starting | AttemptState::Running | AttemptState::Ending { .. } => {
            (Role::Accent, '▸', '>')
        }
        AttemptState::Succeeded => (Role::Good, '✓', '+'),
        AttemptState::Cancelled { .. }
        | AttemptState::Terminated
        | AttemptState::TimeLimit
        | AttemptState::Preempted => (Role::Muted, '■', '#'),
        AttemptState::Failed { .. }
        | AttemptState::Signalled { .. }
        | AttemptState::OutOfMemory
        | AttemptState::NodeFailed
        | AttemptState::StartFailed { .. } => (Role::Bad, '!', '!'),
        AttemptState::RunningUnsupervised
        | AttemptState::HostRebooted
        | AttemptState::Lost
        | AttemptState::Unreachable => (Role::Warn, '?', '?'),
    }
}

/// How long it took, or takes by now.
fn took(run: &RunView, now: i64) -> String {
    let millis = match (run.took_ms, run.started_at) {
        (Some(took), _) => took,
        (None, Some(started)) if run.state.may_be_alive() => (now * 1_000 - started).max(0),
        _ => return String::new(),
    };
    let seconds = millis / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// The command, and what is wrong.
fn story(run: Option<&RunView>, shared: &Shared, theme: &Theme, width: u16) -> Said {
    let Some(run) = run else { return Vec::new() };
    let (text, muted) = (theme.style(Role::Text), theme.style(Role::Muted));
    let mut said = vec![(String::new(), text)];
    let mut add = |words: &str, style: Style| {
        let words = printable_line(words);
        said.extend(wrapped(&words, width).into_iter().map(|line| (line, style)));
    };
    add(&format!("$ {}", shell_words(&run.command)), text);
    for known in shared.alerts.iter().filter(|it| it.alert.run == run.run) {
        let style = theme.style(alerts::role(&known.alert));
        add(&format!("! {}", known.alert.words), style);
    }
    if let AttemptState::StartFailed { why } = &run.state {
        add(why, theme.style(Role::Bad));
    }
    if let Some(ending) = &run.ending {
        add(&ending.evidence, theme.style(Role::Bad));
    }
    if run.state == AttemptState::RunningUnsupervised {
        add(
            "Its supervisor is gone: it goes on, and how it ends will not be known.",
            theme.style(Role::Warn),
        );
    }
    if let Some(job) = &run.job {
        add(&job.said(), muted);
    }
    if let Some(trouble) = &run.trouble {
        add(trouble, theme.style(Role::Warn));
    }
    add(
        &format!("{} by {}, in {}", run.recipe, run.by, run.folder.display()),
        muted,
    );
    said
}

/// Above the line that is typed into.
fn form_lines(form: &Form, recipes: usize, theme: &Theme, width: u16) -> Said {
    let (text, muted) = (theme.style(Role::Text), theme.style(Role::Muted));
    let others = if recipes > 1 {
        format!(", {} of {recipes}: Up and Down choose", form.at + 1)
    } else {
        String::new()
    };
    let mut said = vec![
        (String::new(), text),
        (
            format!("Launch {}{others}", printable_line(&form.recipe)),
            theme.style(Role::Accent),
        ),
    ];
    let mut add = |words: &str, style: Style| {
        let words = printable_line(words);
        said.extend(wrapped(&words, width).into_iter().map(|line| (line, style)));
    };
    match &form.planned {
        Load::Ready((command, warnings))
        | Load::Loading {
            stale: Some((command, warnings)),
        } => {
            add(&format!("$ {command}"), text);
            for warning in warnings {
                add(warning, theme.style(Role::Warn));
            }
            add("Enter launches it, Esc does not.", muted);
        }
        Load::Failed(failure) => {
            add(&failure.summary, theme.style(Role::Bad));
            add(failure.hint.as_deref().unwrap_or("Esc leaves."), muted);
        }
        Load::Loading { stale: None } | Load::Empty => {}
    }
    said
}
