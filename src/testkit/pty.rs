//! A real program on a pseudo-terminal: types keys, answers terminal queries, waits for what the
//! screen shows. Never sleeps for luck: every wait is for a condition, with a deadline.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Far more than anything takes on a loaded machine; a failing wait prints the screen.
const DEADLINE: Duration = Duration::from_secs(30);

/// How the terminal answers queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Nothing at all.
    Mute,
    /// Only who it is (DA1), as a plain terminal.
    Plain,
    /// As kitty: graphics, pixel sizes, background.
    Kitty,
}

/// What to run.
pub struct Program {
    command: CommandBuilder,
    columns: u16,
    rows: u16,
    answers: Answers,
}

impl Program {
    /// With an environment that does not depend on the machine: a fixed TERM, no tmux, no SSH.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let mut command = CommandBuilder::new(path.as_ref().as_os_str());
        for name in [
            "TMUX",
            "STY",
            "SSH_CONNECTION",
            "SSH_TTY",
            "NO_COLOR",
            "TERM_PROGRAM",
            "LC_TERMINAL",
            "KITTY_WINDOW_ID",
            "EDITOR",
            "VISUAL",
            "COLORTERM",
            "WEZTERM_EXECUTABLE",
        ] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        command.env("USER", "ana");
        Self {
            command,
            columns: 120,
            rows: 40,
            answers: Answers::Plain,
        }
    }

    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.command.arg(argument.into());
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.command.cwd(folder.as_os_str());
        self
    }

    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        (self.columns, self.rows) = (columns, rows);
        self
    }

    pub fn answers(mut self, answers: Answers) -> Self {
        self.answers = answers;
        self
    }

    /// # Panics
    /// When there is no pseudo-terminal or no such program.
    #[expect(clippy::expect_used, reason = "a test without its program has failed")]
    pub fn start(self) -> Pty {
        let size = size(self.columns, self.rows);
        let pair = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal");
        let child = pair
            .slave
            .spawn_command(self.command)
            .expect("the program starts");
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().expect("a reader");
        let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen {
                parser: vt100::Parser::new(positive(self.rows), positive(self.columns), 0),
                raw: Vec::new(),
                is_over: false,
            }),
            news: Condvar::new(),
        });
        let (state, answer_to) = (Arc::clone(&shared), Arc::clone(&writer));
        let answers = self.answers;
        std::thread::spawn(move || read_all(reader, &state, answers, &answer_to));
        Pty {
            shared,
            writer,
            child,
            master: pair.master,
        }
    }
}

/// A running program.
pub struct Pty {
    shared: Arc<Shared>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

struct Shared {
    seen: Mutex<Seen>,
    news: Condvar,
}

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    is_over: bool,
}

impl Pty {
    /// Types text as it is; escape sequences are the caller's.
    pub fn type_text(&mut self, text: &str) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A program that just ended takes no more keys; the next wait says so.
        let _ = writer.write_all(text.as_bytes());
        let _ = writer.flush();
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        let _ = self.master.resize(size(columns, rows));
        self.seen()
            .parser
            .screen_mut()
            .set_size(positive(rows), positive(columns));
    }

    /// The screen as text, a line a row, without trailing blanks.
    pub fn screen(&self) -> String {
        self.seen().text()
    }

    /// Every byte the program wrote so far.
    pub fn raw(&self) -> Vec<u8> {
        self.seen().raw.clone()
    }

    /// Waits until the screen holds the text.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} on the screen"), |screen| {
            screen.contains(text)
        })
    }

    #[track_caller]
    pub fn wait_until_gone(&self, text: &str) -> String {
        self.wait_until(&format!("no {text:?} on the screen"), |screen| {
            !screen.contains(text)
        })
    }

    /// # Panics
    /// When the condition does not hold within the deadline; the last screen is printed.
    #[track_caller]
    #[expect(clippy::panic, reason = "the failing of a test")]
    pub fn wait_until(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + DEADLINE;
        let mut seen = self.seen();
        loop {
            let text = seen.text();
            if condition(&text) {
                return text;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !seen.is_over,
                "waited for {what}; the last screen:\n{text}"
            );
            (seen, _) = self
                .shared
                .news
                .wait_timeout(seen, left)
                .unwrap_or_else(|_| panic!("the reader of the terminal panicked"));
        }
    }

    /// Waits until the raw output holds the bytes: for what no screen shows.
    #[track_caller]
    pub fn wait_for_raw(&self, bytes: &[u8]) {
        let until = Instant::now() + DEADLINE;
        let mut seen = self.seen();
        while !seen.raw.windows(bytes.len()).any(|window| window == bytes) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !seen.is_over,
                "waited for {:?} in the output",
                String::from_utf8_lossy(bytes)
            );
            (seen, _) = self
                .shared
                .news
                .wait_timeout(seen, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the end and returns the exit code.
    ///
    /// # Panics
    /// When the program does not end.
    #[track_caller]
    #[expect(clippy::panic, clippy::expect_used, reason = "the failing of a test")]
    pub fn wait_for_end(&mut self) -> u32 {
        let until = Instant::now() + DEADLINE;
        {
            let mut seen = self.seen();
            while !seen.is_over {
                let left = until.saturating_duration_since(Instant::now());
                assert!(
                    !left.is_zero(),
                    "the program goes on; the last screen:\n{}",
                    seen.text()
                );
                (seen, _) = self
                    .shared
                    .news
                    .wait_timeout(seen, left)
                    .unwrap_or_else(|_| panic!("the reader of the terminal panicked"));
            }
        }
        self.child.wait().expect("an exit status").exit_code()
    }

    pub fn process(&self) -> Option<u32> {
        self.child.process_id()
    }

    /// SIGKILL: what a power cut or an impatient person does.
    pub fn kill(&mut self) {
        if let Some(process) = self
            .child
            .process_id()
            .and_then(|id| i32::try_from(id).ok())
        {
            let _ = std::process::Command::new("kill")
                .args(["-9", &process.to_string()])
                .status();
        }
        let _ = self.child.wait();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

impl Seen {
    fn text(&self) -> String {
        let screen = self.parser.screen();
        let (_, columns) = screen.size();
        let rows: Vec<String> = screen
            .rows(0, columns.get())
            .map(|row| row.trim_end().to_owned())
            .collect();
        rows.join("\n")
    }
}

fn positive(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap_or(NonZero::<u16>::MIN)
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: columns * 9,
        pixel_height: rows * 18,
    }
}

fn read_all(
    mut reader: Box<dyn Read + Send>,
    shared: &Shared,
    answers: Answers,
    writer: &Mutex<Box<dyn Write + Send>>,
) {
    let mut buffer = vec![0; 64 << 10];
    let mut asked = Vec::new();
    loop {
        let read = reader.read(&mut buffer).unwrap_or(0);
        let bytes = buffer.get(..read).unwrap_or_default();
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.is_empty() {
            seen.is_over = true;
            shared.news.notify_all();
            return;
        }
        seen.raw.extend_from_slice(bytes);
        seen.parser.process(bytes);
        shared.news.notify_all();
        drop(seen);
        asked.extend_from_slice(bytes);
        answer(&mut asked, answers, writer);
    }
}

/// Queries and what each kind of terminal says to them.
const QUERIES: [(&[u8], &[u8], bool); 8] = [
    (b"\x1b_Gi=31,", b"\x1b_Gi=31;OK\x1b\\", true),
    (b"\x1b[>0q", b"\x1bP>|kitty(0.41.1)\x1b\\", true),
    (b"\x1b[>q", b"\x1bP>|kitty(0.41.1)\x1b\\", true),
    (b"\x1b[16t", b"\x1b[6;18;9t", true),
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y", true),
    (b"\x1b]11;?", b"\x1b]11;rgb:0000/0000/0000\x1b\\", true),
    (b"\x1b[6n", b"\x1b[1;1R", false),
    (b"\x1b[c", b"\x1b[?62;c", false),
];

fn answer(asked: &mut Vec<u8>, answers: Answers, writer: &Mutex<Box<dyn Write + Send>>) {
    if answers != Answers::Mute {
        // In the order in which they were asked.
        let mut found: Vec<(usize, &[u8])> = QUERIES
            .iter()
            .filter(|(.., only_kitty)| !only_kitty || answers == Answers::Kitty)
            .flat_map(|(query, reply, _)| {
                asked
                    .windows(query.len())
                    .enumerate()
                    .filter(move |(_, window)| window == query)
                    .map(move |(at, _)| (at, *reply))
            })
            .collect();
        found.sort_by_key(|(at, _)| *at);
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, reply) in found {
            let _ = writer.write_all(reply);
        }
        let _ = writer.flush();
    }
    // A query may be split over two reads; none is longer than this. What was answered is dropped.
    let keep = asked
        .iter()
        .rposition(|byte| *byte == 0x1b)
        .filter(|at| asked.len() - at < 12);
    let tail = keep.map(|at| asked.split_off(at)).unwrap_or_default();
    let is_answered = QUERIES.iter().any(|(query, ..)| tail.starts_with(query));
    *asked = if is_answered { Vec::new() } else { tail };
}
