//! Drawing of the GPUs: a heading for each machine, a line for each GPU, below them who computes on
//! the one under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use semihv_domain::{Gpu, GpuProcess, printable_line};
use semihv_engine::HostGpus;

use super::figures::{bar, counted, course, duration, memory, remark, size, unit};
use super::{Line, State};
use crate::notice;
use crate::pane::PaneKind;
use crate::pen::{Pen, wrapped};
use crate::shared::{Glyphs, Load, Shared};
use crate::theme::{Role, Theme};

/// Lines that the list keeps, whatever is said below it.
const LEAST_LIST: u16 = 4;
/// Of processes below the list.
const MOST_PROCESSES: usize = 6;
const BAR: u16 = 8;
/// Number, bar and figures of a GPU, with their blanks.
const FIXED: u16 = 3 + BAR + 6 + 11 + 7 + 7 + 1;
/// A shorter course tells nothing, a longer one no more.
const COURSE: std::ops::RangeInclusive<u16> = 5..=60;
/// More words than this are cut.
const MOST_WORDS: u16 = 26;

pub fn view(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    match &state.machines {
        Load::Ready(machines)
        | Load::Loading {
            stale: Some(machines),
        } => {
            if machines.iter().all(HostGpus::has_no_tool) {
                let help = "nvidia-smi or rocm-smi must be on the PATH, here or of a [host.NAME] in your settings.";
                notice::empty("No GPU tool was found.", help, theme, area, buffer);
                return;
            }
            if let [only] = machines.as_slice()
                && only.gpus.is_empty()
                && let Some(failure) = only.failure()
            {
                notice::failed(&failure, theme, area, buffer);
                return;
            }
            loaded(state, shared, theme, area, buffer);
        }
        Load::Failed(failure) => notice::failed(failure, theme, area, buffer),
        Load::Loading { stale: None } | Load::Empty => {
            notice::loading("Looking at the GPUs", shared, theme, area, buffer);
        }
    }
}

fn loaded(state: &State, shared: &Shared, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let below = story(state, (shared, theme), area);
    let height = u16::try_from(below.len()).unwrap_or(u16::MAX);
    let list = above(area, height);
    let first = first_line(state, list.height);
    let course = course_width(state, area.width);
    for (row, (at, line)) in (0..list.height).zip(state.lines().iter().enumerate().skip(first)) {
        let role = match (at == state.cursor, shared.focus == PaneKind::Gpus) {
            (true, true) => Role::Selection,
            (true, false) => Role::SelectionInactive,
            (false, _) => Role::Text,
        };
        let base = theme.style(role);
        if at == state.cursor {
            let whole = Rect {
                y: list.y + row,
                height: 1,
                ..list
            };
            buffer.set_style(whole.intersection(*buffer.area()), base);
        }
        let pen = Pen::new(buffer, list, row);
        match line {
            Line::Machine(machine) => heading(machine, (shared, theme, base), pen),
            Line::Gpu(machine, gpu) => {
                figures((machine, gpu), course, (shared, theme, base), pen);
            }
            Line::Instance(_, gpu, part) => instance(gpu, *part, (theme, base), pen),
        }
    }
    for (row, (text, style)) in (list.height..area.height).zip(&below) {
        Pen::new(buffer, area, row).text(text, *style);
    }
}

fn above(area: Rect, below: u16) -> Rect {
    Rect {
        height: area.height.saturating_sub(below),
        ..area
    }
}

fn first_line(state: &State, height: u16) -> usize {
    (state.cursor + 1).saturating_sub(usize::from(height))
}

/// Which line is drawn on this row.
pub(super) fn line_at(state: &State, inside: Rect, row: u16) -> Option<usize> {
    // As many, whatever they look like.
    let below = said(state, Glyphs::Unicode, inside).len();
    let list = above(inside, u16::try_from(below).unwrap_or(u16::MAX));
    let line = first_line(state, list.height) + usize::from(row);
    (row < list.height && line < state.lines().len()).then_some(line)
}

type Look<'a> = (&'a Shared, &'a Theme, Style);

/// How wide the course of the use is on every line; 0 where there is no room. What is wrong, or who
/// computes, goes before how it went.
fn course_width(state: &State, width: u16) -> u16 {
    let gpus = state.machines().flat_map(|machine| &machine.gpus);
    let words = gpus.map(|gpu| remark(gpu).0.chars().count()).max();
    let words = u16::try_from(words.unwrap_or(0)).unwrap_or(MOST_WORDS);
    let taken = FIXED + words.min(MOST_WORDS) + 1;
    let room = width.saturating_sub(taken).min(*COURSE.end());
    if room >= *COURSE.start() { room } else { 0 }
}

/// `gpu01  nvidia-smi`, or why nothing is known of it.
fn heading(machine: &HostGpus, (shared, theme, base): Look<'_>, mut pen: Pen<'_>) {
    let styled = |role| base.patch(theme.style(role));
    let name = machine.host.as_deref().unwrap_or("this machine");
    if machine.silent.is_some() {
        let seen = machine.seen_at.map(|at| (shared.now - at / 1_000).max(0));
        let seen = seen.map(|ago| format!("last seen {} ago", duration(ago as u64)));
        pen.right(&seen.unwrap_or_default(), styled(Role::Warn));
    }
    pen.text(name, styled(Role::Strong)).skip(2);
    if let Some(why) = machine.silence() {
        pen.text(why, styled(Role::Warn));
    } else if machine.has_no_tool() {
        pen.text("no GPU tool", styled(Role::Muted));
    } else if let Some(trouble) = &machine.trouble {
        let said = format!("{}: {}", trouble.summary, trouble.hint);
        pen.text(&said, styled(Role::Bad));
    } else if machine.gpus.is_empty() {
        let said = match machine.host {
            Some(_) => "no answer yet",
            None => "looking",
        };
        pen.text(said, styled(Role::Muted));
    } else {
        let names: Vec<&str> = machine
            .gpus
            .iter()
            .filter_map(|gpu| gpu.card.name.as_deref())
            .collect();
        let same = names
            .first()
            .filter(|first| names.iter().all(|it| it == *first));
        let count = counted(machine.gpus.len(), "GPU");
        let said = same.map_or(count.clone(), |name| format!("{count}, {name}"));
        pen.text(&said, styled(Role::Muted));
    }
}

/// `0 ███████▉  98 %  71/80 GB  690 W  64 °C ▂▅▇▇▇ tune-3f9a`.
fn figures(
    (machine, gpu): (&HostGpus, &Gpu),
    wide: u16,
    (shared, theme, base): Look<'_>,
    mut pen: Pen<'_>,
) {
    let is_old = machine.silent.is_some() || machine.trouble.is_some() || gpu.figures.is_lost;
    let styled = |role| {
        let role = if is_old { Role::Muted } else { role };
        base.patch(theme.style(role))
    };
    let (of, card) = (&gpu.figures, &gpu.card);
    let (words, role) = remark(gpu);
    let text = styled(Role::Text);
    pen.column(&format!("{:>2}", card.index), 3, styled(Role::Muted));
    let colour = match of.use_percent {
        Some(80..) => Role::Good,
        _ => Role::Accent,
    };
    let filled = bar(of.use_percent, usize::from(BAR), shared.glyphs);
    pen.column(&filled, BAR, styled(colour));
    let percent = of
        .use_percent
        .map_or("- %".to_owned(), |it| format!("{it} %"));
    pen.column(&format!("{percent:>6}"), 6, text);
    let memory = memory(of.memory_used_mib, card.memory_total_mib);
    pen.column(&format!("{memory:>11}"), 11, text);
    pen.column(&format!("{:>7}", unit(of.power_watts, "W")), 7, text);
    pen.column(&format!("{:>7}", unit(of.temperature_c, "°C")), 7, text)
        .skip(1);
    if wide > 0 {
        let line = course(&gpu.uses, usize::from(wide), shared.glyphs);
        pen.column(&line, wide, styled(Role::ChartLine)).skip(1);
    }
    pen.text(&words, base.patch(theme.style(role)));
}

/// `   3/0   0.0 of 19.5 GB`: a part of a GPU.
fn instance(gpu: &Gpu, part: usize, (theme, base): (&Theme, Style), mut pen: Pen<'_>) {
    let Some(part) = gpu.instances.get(part) else {
        return;
    };
    let muted = base.patch(theme.style(Role::Muted));
    let name = format!("MIG {}/{}", part.gpu_instance, part.compute_instance);
    pen.skip(3).column(&name, 14, muted);
    let memory = memory(part.memory_used_mib, part.memory_total_mib);
    pen.text(
        &format!("{memory:>12}"),
        base.patch(theme.style(Role::Text)),
    );
}

/// What is said of the GPU under the cursor: its name, its clocks, who computes.
fn said(state: &State, glyphs: Glyphs, area: Rect) -> Vec<(String, Role)> {
    let Some(Line::Gpu(machine, gpu) | Line::Instance(machine, gpu, _)) = state.current() else {
        return Vec::new();
    };
    let mut said = vec![(String::new(), Role::Text)];
    if course_width(state, area.width) == 0 {
        let width = area.width.saturating_sub(4).min(*COURSE.end());
        let line = course(&gpu.uses, usize::from(width), glyphs);
        said.push((format!("use {line}"), Role::ChartLine));
    }
    said.push((clocks(gpu), Role::Muted));
    let mut add = |words: &str, role: Role| {
        let words = printable_line(words);
        let lines = wrapped(&words, area.width).into_iter();
        said.extend(lines.map(|line| (line, role)));
    };
    if let Some(to) = &gpu.allocated_to {
        add(&format!("given to {to}"), Role::Text);
    }
    let all = gpu.processes.iter().chain(&machine.processes);
    for process in all.clone().take(MOST_PROCESSES) {
        add(&computing(process), Role::Text);
    }
    match all.count().saturating_sub(MOST_PROCESSES) {
        0 => {}
        more => add(&format!("and {more} more"), Role::Muted),
    }
    let most = usize::from(area.height.saturating_sub(LEAST_LIST));
    said.truncate(most);
    said
}

fn story(state: &State, (shared, theme): (&Shared, &Theme), area: Rect) -> Vec<(String, Style)> {
    let said = said(state, shared.glyphs, area).into_iter();
    said.map(|(text, role)| (text, theme.style(role))).collect()
}

/// `NVIDIA H100 80GB HBM3 · 1980/2619 MHz · P0 · limit 700 W · power cap`.
fn clocks(gpu: &Gpu) -> String {
    let (card, figures) = (&gpu.card, &gpu.figures);
    let clocks = match (figures.sm_clock_mhz, figures.memory_clock_mhz) {
        (Some(sm), Some(memory)) => Some(format!("{sm}/{memory} MHz")),
        (Some(sm), None) => Some(format!("{sm} MHz")),
        _ => None,
    };
    let ecc = figures.ecc_uncorrected.filter(|it| *it > 0);
    let parts = [
        card.name.clone(),
        clocks,
        figures.pstate.clone(),
        card.power_limit_watts.map(|it| format!("limit {it:.0} W")),
        (card.is_mig == Some(true)).then(|| "divided (MIG)".to_owned()),
        ecc.map(|it| counted(it as usize, "uncorrected memory error")),
    ];
    let reasons = figures.throttle.iter().map(|it| it.said().to_owned());
    let parts: Vec<String> = parts.into_iter().flatten().chain(reasons).collect();
    parts.join(", ")
}

/// `11345 python3  15.3 GB  tune-3f9a`.
fn computing(process: &GpuProcess) -> String {
    let name = match process.name.as_str() {
        "" => "a process",
        name => name,
    };
    let mut said = format!("{} {name}", process.pid);
    if let Some(memory) = process.memory_mib {
        said.push_str(&format!("  {}", size(memory)));
    }
    if let Some(run) = &process.run {
        said.push_str(&format!("  {run}"));
    }
    said
}
