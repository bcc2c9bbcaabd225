//! Signals that end the workbench, or tell it of its terminal.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    End,
    /// After a stop.
    Continued,
    Resized,
}

pub(super) struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    continued: Signal,
    resized: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        // Linux and macOS agree on neither number: 18 and 19.
        let continued = if cfg!(target_os = "linux") { 18 } else { 19 };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            continued: signal(SignalKind::from_raw(continued))?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::End,
            _ = self.hang_up.recv() => Told::End,
            _ = self.interrupt.recv() => Told::End,
            _ = self.continued.recv() => Told::Continued,
            _ = self.resized.recv() => Told::Resized,
        }
    }
}
