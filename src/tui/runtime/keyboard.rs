//! The thread that reads the terminal.
//!
//! It waits with `poll` and lets crossterm read only when there is something: crossterm itself
//! spins for ever on a terminal that was hung up, and a link that drops is our everyday.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::JoinHandle;
use std::time::Duration;

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc::Sender;

/// What comes from the terminal.
#[derive(Debug)]
pub(super) enum Heard {
    Event(Event),
    /// The terminal is gone.
    HungUp,
}

/// Reads until it is stopped.
pub(super) struct Keyboard {
    thread: Option<JoinHandle<()>>,
    /// Dropped to stop the thread.
    stop: Option<PipeWriter>,
}

/// The same terminal that crossterm reads.
enum Tty {
    Stdin(io::Stdin),
    File(File),
}

impl Tty {
    fn open() -> io::Result<Self> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Ok(Self::Stdin(stdin));
        }
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        Ok(Self::File(file))
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdin(stdin) => stdin.as_fd(),
            Self::File(file) => file.as_fd(),
        }
    }
}

impl Keyboard {
    /// A full channel makes the thread wait: keys stay in the terminal's own buffer.
    pub(super) fn start(heard: Sender<Heard>) -> io::Result<Self> {
        let tty = Tty::open()?;
        let (stopped, stop) = io::pipe()?;
        let thread = std::thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || read(&tty, &stopped, &heard))?;
        Ok(Self {
            thread: Some(thread),
            stop: Some(stop),
        })
    }

    /// Leaves the terminal's input to somebody else.
    pub(super) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn read(tty: &Tty, stopped: &PipeReader, heard: &Sender<Heard>) {
    loop {
        let mut waited = [
            PollFd::new(tty, PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        match poll(&mut waited, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return drop(heard.blocking_send(Heard::HungUp)),
        }
        let [tty_told, stop_told] = waited.map(|fd| fd.revents());
        if !stop_told.is_empty() {
            return;
        }
        if tty_told.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return drop(heard.blocking_send(Heard::HungUp));
        }
        while let Ok(true) = event::poll(Duration::ZERO) {
            let told = match event::read() {
                Ok(event) => Heard::Event(event),
                Err(_) => Heard::HungUp,
            };
            let is_over = matches!(told, Heard::HungUp);
            if heard.blocking_send(told).is_err() || is_over {
                return;
            }
        }
    }
}
