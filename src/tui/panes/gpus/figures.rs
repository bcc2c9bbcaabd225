//! Figures of a GPU in words, bars and lines of stable width.

use semihv_domain::{Gpu, printable_line};

use crate::shared::Glyphs;
use crate::theme::Role;

/// `8 GPUs`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// `███▌    `: so many of `width` cells.
pub(super) fn bar(percent: Option<u8>, width: usize, glyphs: Glyphs) -> String {
    let Some(percent) = percent else {
        return " ".repeat(width);
    };
    let eighths = usize::from(percent.min(100)) * width * 8 / 100;
    let (full, part) = (eighths / 8, eighths % 8);
    let mut bar = match glyphs {
        Glyphs::Unicode => "█".repeat(full),
        Glyphs::Ascii => "#".repeat(full),
    };
    let parts = match glyphs {
        Glyphs::Unicode => [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'],
        Glyphs::Ascii => [' ', ' ', ' ', ' ', '-', '-', '-', '-'],
    };
    if full < width {
        bar.extend(parts.get(part));
        bar.push_str(&" ".repeat(width - full - 1));
    }
    bar
}

/// Uses, oldest left, each cell the mean of as many as it must hold; the newest at the right end.
pub(super) fn course(uses: &[Option<u8>], width: usize, glyphs: Glyphs) -> String {
    let signs = match glyphs {
        // The highest leaves a gap to the line above.
        Glyphs::Unicode => ['▁', '▂', '▃', '▄', '▅', '▆', '▇'],
        Glyphs::Ascii => ['_', '.', ':', '-', '=', '+', '#'],
    };
    let each = uses.len().div_ceil(width.max(1)).max(1);
    // Cells end with the newest: the oldest one may be short.
    let mut cells: Vec<char> = uses
        .rchunks(each)
        .take(width)
        .map(|part| {
            let known: Vec<usize> = part.iter().flatten().map(|it| usize::from(*it)).collect();
            if known.is_empty() {
                return ' ';
            }
            let mean = known.iter().sum::<usize>() / known.len();
            let top = signs.len() - 1;
            signs
                .get((mean * top).div_ceil(100))
                .copied()
                .unwrap_or(' ')
        })
        .collect();
    cells.resize(width, ' ');
    cells.iter().rev().collect()
}

/// `71/80 GB`, as vendors count: whole units of 1024 MiB.
pub(super) fn memory(used: Option<u64>, total: Option<u64>) -> String {
    let gb = |mib: u64| (mib + 512) / 1_024;
    match (used, total) {
        (Some(used), Some(total)) => format!("{}/{} GB", gb(used), gb(total)),
        (Some(used), None) => format!("{} GB", gb(used)),
        (None, Some(total)) => format!("-/{} GB", gb(total)),
        (None, None) => String::new(),
    }
}

/// `850 MB`, `15.3 GB`.
pub(super) fn size(mib: u64) -> String {
    match mib {
        0..1_024 => format!("{mib} MB"),
        _ => format!("{:.1} GB", mib as f64 / 1_024.0),
    }
}

pub(super) fn unit(value: Option<f32>, unit: &str) -> String {
    value.map_or(String::new(), |value| format!("{value:.0} {unit}"))
}

/// `14 min`, `2 h 05 min`.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// What stands at the end of the line of a GPU: what is wrong with it before who uses it.
pub(super) fn remark(gpu: &Gpu) -> (String, Role) {
    let figures = &gpu.figures;
    if figures.is_lost {
        return ("lost !".to_owned(), Role::Bad);
    }
    if let Some(errors) = figures.ecc_uncorrected.filter(|errors| *errors > 0) {
        return (format!("ECC {errors} !"), Role::Bad);
    }
    if let Some(reason) = figures.throttle.iter().find(|it| it.is_trouble()) {
        return (format!("{} !", reason.said()), Role::Bad);
    }
    if let Some(idle) = gpu.idle_seconds.filter(|_| gpu.is_idle()) {
        return (format!("idle {} !", duration(idle)), Role::Warn);
    }
    let mut runs = gpu.processes.iter().filter_map(|it| it.run.as_deref());
    if let Some(run) = runs.next() {
        return (short(run), Role::Accent);
    }
    if let Some(process) = gpu.processes.first() {
        let name = process.name.rsplit('/').next().unwrap_or_default();
        let name = printable_line(name).into_owned();
        let more = match gpu.processes.len() - 1 {
            0 => String::new(),
            more => format!(" +{more}"),
        };
        return (format!("{name}{more}"), Role::Muted);
    }
    if gpu.card.is_mig == Some(true) {
        return ("MIG".to_owned(), Role::Muted);
    }
    (String::new(), Role::Muted)
}

/// A run's name without when it was launched: `20261127-140155-tune-3f9a`.
pub(super) fn short(run: &str) -> String {
    let is_digits = |text: &str| text.chars().all(|it| it.is_ascii_digit());
    let mut parts = run.splitn(3, '-');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(time), Some(name)) if is_digits(day) && is_digits(time) => name.to_owned(),
        _ => run.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_from_the_left() {
        #[track_caller]
        fn check(percent: u8, unicode: &str, ascii: &str) {
            assert_eq!(bar(Some(percent), 4, Glyphs::Unicode), unicode);
            assert_eq!(bar(Some(percent), 4, Glyphs::Ascii), ascii);
        }
        check(0, "    ", "    ");
        check(50, "██  ", "##  ");
        check(98, "███▉", "###-");
        check(100, "████", "####");
        assert_eq!(bar(None, 4, Glyphs::Unicode), "    ");
    }

    #[test]
    fn a_course_ends_with_the_newest() {
        #[track_caller]
        fn check(uses: &[Option<u8>], width: usize, expected: &str) {
            assert_eq!(course(uses, width, Glyphs::Unicode), expected);
        }
        check(&[], 3, "   ");
        check(&[Some(0), Some(100)], 3, " ▁▇");
        check(&[Some(0), None, Some(1)], 3, "▁ ▂");
        check(&[Some(100), Some(0), Some(0), Some(0)], 2, "▄▁");
        check(&[Some(100)], 0, "");
        // Nine samples in four cells of three: the oldest cell stays empty.
        check(&[Some(100); 9], 4, " ▇▇▇");
    }

    #[test]
    fn words_are_short() {
        assert_eq!(memory(Some(19_818), Some(81_559)), "19/80 GB");
        assert_eq!(memory(None, Some(81_559)), "-/80 GB");
        assert_eq!(size(15_690), "15.3 GB");
        assert_eq!(duration(14 * 60 + 9), "14 min");
        assert_eq!(duration(7_500), "2 h 05 min");
        assert_eq!(short("20261127-140155-tune-3f9a"), "tune-3f9a");
        assert_eq!(short("my-own-run"), "my-own-run");
    }
}
