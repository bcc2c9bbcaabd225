//! The terminal while it is ours: taken, given back, and given back whatever happens.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Stdout, Write};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

/// True while the terminal is in our hands: the panic hook and the signals must know.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// Where a panic's report is written.
static REPORTS: Mutex<Option<PathBuf>> = Mutex::new(None);
static HOOK: Once = Once::new();

pub(super) struct Screen {
    /// Never dropped: its own end prints to standard error, which panics when the terminal that
    /// was hung up is that too. [`give_back`] shows the cursor.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
    has_mouse: bool,
    /// The size of a screen of which nothing is known any more.
    forgotten: Option<(u16, u16)>,
    /// What stands on it, and what is drawn next.
    shown: Buffer,
    next: Buffer,
}

impl Screen {
    pub(super) fn take(size: (u16, u16), has_mouse: bool) -> io::Result<Self> {
        enter(has_mouse)?;
        let options = TerminalOptions {
            viewport: Viewport::Fixed(Rect::new(0, 0, size.0, size.1)),
        };
        // One write a frame: a link sees whole frames or nothing.
        let writer = BufWriter::with_capacity(1 << 16, io::stdout());
        let terminal = Terminal::with_options(CrosstermBackend::new(writer), options)?;
        Ok(Self {
            terminal: ManuallyDrop::new(terminal),
            has_mouse,
            forgotten: None,
            shown: Buffer::default(),
            next: Buffer::default(),
        })
    }

    pub(super) fn take_again(&mut self, size: (u16, u16)) -> io::Result<()> {
        enter(self.has_mouse)?;
        self.forget(size);
        Ok(())
    }

    /// Forgets what is on screen: the next frame is drawn whole, at this size. Nothing is cleared
    /// before that frame is there, so nothing flickers.
    pub(super) fn forget(&mut self, size: (u16, u16)) {
        self.forgotten = Some(size);
    }

    /// Draws one frame as a synchronized update; `after` gives bytes that follow the cells. A frame
    /// that looks like the one before sends nothing.
    pub(super) fn draw(
        &mut self,
        view: impl FnOnce(&mut Buffer),
        after: impl FnOnce() -> Vec<u8>,
    ) -> io::Result<()> {
        let area = match self.forgotten {
            Some((columns, rows)) => Rect::new(0, 0, columns, rows),
            None => self.terminal.get_frame().area(),
        };
        self.next.resize(area);
        self.next.reset();
        view(&mut self.next);
        let bytes = after();
        if self.forgotten.is_none() && bytes.is_empty() && self.next == self.shown {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        if let Some((columns, rows)) = self.forgotten.take() {
            // This clears too. `Terminal::clear` must not be used: it asks the terminal where the
            // cursor is and waits for an answer that the keyboard thread would take for keys.
            self.terminal.resize(Rect::new(0, 0, columns, rows))?;
        }
        let next = &self.next;
        self.terminal
            .draw(|frame| frame.buffer_mut().clone_from(next))?;
        std::mem::swap(&mut self.shown, &mut self.next);
        let backend = self.terminal.backend_mut();
        backend.write_all(&bytes)?;
        queue!(backend, EndSynchronizedUpdate)?;
        Write::flush(backend)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let backend = self.terminal.backend_mut();
        backend.write_all(bytes)?;
        Write::flush(backend)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter(has_mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    IS_TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    execute!(
        out,
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        Hide
    )?;
    if has_mouse {
        execute!(out, EnableMouseCapture)?;
    }
    Ok(())
}

/// Restores the terminal, at the end or for a while; errors are nothing anybody could act on here.
pub(super) fn give_back() {
    if !IS_TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let given = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let cooked = disable_raw_mode();
    if given.is_err() || cooked.is_err() {
        tracing::warn!("the terminal could not be restored");
    }
}

/// Makes a panic of this thread restore the terminal and say where its report lies. Panics of
/// other threads are failed jobs: they are reported and the screen stays.
pub(super) fn report_panics(folder: Option<PathBuf>) {
    *REPORTS.lock().unwrap_or_else(PoisonError::into_inner) = folder;
    // Once a process: hooks pile up, and another workspace changes only where reports go.
    HOOK.call_once(|| {
        let drawing = std::thread::current().id();
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let place = report(panic);
            if std::thread::current().id() != drawing {
                return;
            }
            give_back();
            previous(panic);
            if let Some(place) = place {
                let told = writeln!(
                    io::stderr(),
                    "semihv: the report lies in {}",
                    place.display()
                );
                drop(told);
            }
        }));
    });
}

fn report(panic: &std::panic::PanicHookInfo<'_>) -> Option<PathBuf> {
    let backtrace = std::backtrace::Backtrace::force_capture();
    let text = format!(
        "semihv {}\n{panic}\n\n{backtrace}\n",
        env!("CARGO_PKG_VERSION")
    );
    tracing::error!(%panic, "panic");
    let folder = REPORTS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()?;
    write_report(&folder, &text)
}

fn write_report(folder: &std::path::Path, report: &str) -> Option<PathBuf> {
    let place = folder.join(format!("panic-{}.txt", std::process::id()));
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&place)
        .ok()?;
    file.write_all(report.as_bytes()).ok()?;
    Some(place)
}
