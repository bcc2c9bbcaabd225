//! The loop: waits for whatever comes next, updates, performs, draws.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossterm::event::Event as TerminalEvent;
use semihv_domain::{Failure, FailureKind, UnixSeconds};
use semihv_engine::{Edit, Event};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use super::clicks::Clicks;
use super::frame_budget::FrameBudget;
use super::keyboard::{Heard, Keyboard};
use super::pictures::{OfBackend, Pictures};
use super::screen::{self, Screen};
use super::signals::{Signals, Told};
use super::work::{Edits, Questions, Work};
use super::{Options, Outcome, RunError, editor};
use crate::action::{Action, Effect};
use crate::backend::Backend;
use crate::keys::Key;
use crate::session;
use crate::slot::{SlotName, Ticket};
use crate::state::{Start, State, Tone};
use crate::update::{leaving, opening, update};
use crate::view::view;

mod telling;

/// Keys and events taken before the next frame.
const BATCH: usize = 64;
/// Two clicks within this are one double click.
/// A session is saved this long after it changed.
const SESSION: Duration = Duration::from_secs(1);
/// With nothing to wait for, this is never reached.
const FAR: Duration = Duration::from_hours(24);

/// What a finished task hands back.
enum Done {
    Answered(SlotName, Action),
    Edited(Action),
    Told(Action),
    Saved,
}

/// What ended the waiting.
enum Next {
    Heard(Heard),
    Done(Done),
    Event(Event),
    Signal(Told),
    Due,
}

struct Workbench {
    backend: Arc<dyn Backend>,
    state: State,
    screen: Screen,
    pictures: Pictures,
    keyboard: Keyboard,
    heard: Sender<Heard>,
    tasks: JoinSet<Done>,
    questions: Questions,
    /// When the link has taken the last picture, so that the next may follow.
    picture_due: Option<Instant>,
    edits: Edits,
    wakes: HashMap<SlotName, (Instant, Ticket)>,
    session_due: Option<Instant>,
    budget: FrameBudget,
    /// When the frame that is owed may be drawn.
    frame_due: Option<Instant>,
    /// The owed frame shows what a key did.
    is_key_owed: bool,
    clicks: Clicks,
    ended: Option<Outcome>,
}

pub(super) async fn run(backend: Arc<dyn Backend>, options: Options) -> Result<Outcome, RunError> {
    let terminal = |source| RunError::Terminal { source };
    let mut signals = Signals::listen().map_err(terminal)?;
    // Before the first question, so that nothing told meanwhile is missed.
    let mut from_engine = forward(backend.events());
    let (heard, mut from_terminal) = channel(256);
    let mut workbench = Workbench::open(backend, &options, heard).map_err(terminal)?;
    while workbench.ended.is_none() {
        let due = workbench.next_due();
        let next = tokio::select! {
            biased;
            told = signals.next() => Next::Signal(told),
            Some(heard) = from_terminal.recv() => Next::Heard(heard),
            Some(done) = workbench.tasks.join_next(), if !workbench.tasks.is_empty() => {
                match done {
                    Ok(done) => Next::Done(done),
                    Err(_) => Next::Due,
                }
            }
            Some(event) = from_engine.recv() => Next::Event(event),
            () = tokio::time::sleep_until(due.into()) => Next::Due,
        };
        workbench.take(next, &mut from_terminal);
        workbench.wake_due();
        workbench.draw_if_due();
    }
    Box::pin(workbench.leave()).await
}

/// The engine's channel, made one that can be awaited. Full: the engine's events wait.
fn forward(events: std::sync::mpsc::Receiver<Event>) -> Receiver<Event> {
    let (sender, receiver) = channel(256);
    let forwarding = std::thread::Builder::new()
        .name("events".to_owned())
        .spawn(move || {
            for event in events {
                if sender.blocking_send(event).is_err() {
                    break;
                }
            }
        });
    if let Err(error) = forwarding {
        tracing::error!(%error, "events of the engine are not heard");
    }
    receiver
}

fn size() -> (u16, u16) {
    crossterm::terminal::size().unwrap_or((80, 24))
}

fn now() -> UnixSeconds {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH);
    passed.map_or(0, |passed| {
        UnixSeconds::try_from(passed.as_secs()).unwrap_or(0)
    })
}

impl Workbench {
    /// Asks the terminal and the engine what they know, and draws the first frame.
    fn open(
        backend: Arc<dyn Backend>,
        options: &Options,
        heard: Sender<Heard>,
    ) -> io::Result<Self> {
        let settings = backend.settings();
        let pictures = Pictures::detect(settings.graphics.as_deref(), settings.link_kbit);
        let size = size();
        let mut state = State::new(&Start {
            settings,
            size,
            depth: pictures.depth(),
            is_light: pictures.is_light(),
            is_read_only: options.is_read_only,
        });
        let effects = opening(&mut state, backend.load_session().as_deref());
        let now = Instant::now();
        let mut workbench = Self {
            screen: Screen::take(size, options.has_mouse)?,
            keyboard: Keyboard::start(heard.clone())?,
            backend,
            state,
            pictures,
            heard,
            tasks: JoinSet::new(),
            questions: Questions::default(),
            picture_due: None,
            edits: Edits::default(),
            wakes: HashMap::new(),
            session_due: None,
            budget: FrameBudget::new(now),
            frame_due: Some(now),
            is_key_owed: false,
            clicks: Clicks::default(),
            ended: None,
        };
        workbench.tell_time();
        workbench.perform_all(effects);
        let told = workbench.pictures.told();
        workbench.act(told);
        workbench.draw_if_due();
        Ok(workbench)
    }

    /// The next moment at which something is to be done.
    fn next_due(&self) -> Instant {
        let wakes = self.wakes.values().map(|(due, _)| *due);
        wakes
            .chain(self.session_due)
            .chain(self.frame_due)
            .chain(self.picture_due)
            .min()
            .unwrap_or_else(|| Instant::now() + FAR)
    }

    fn take(&mut self, next: Next, from_terminal: &mut Receiver<Heard>) {
        match next {
            Next::Heard(heard) => {
                self.tell_time();
                self.hear(heard);
                for _ in 0..BATCH {
                    let Ok(more) = from_terminal.try_recv() else {
                        break;
                    };
                    self.hear(more);
                }
            }
            Next::Done(done) => {
                self.tell_time();
                self.finish(done);
                while let Some(Ok(more)) = self.tasks.try_join_next() {
                    self.finish(more);
                }
            }
            Next::Event(event) => {
                self.tell_time();
                self.act(Action::Engine(event));
            }
            Next::Signal(Told::End) => self.end(),
            Next::Signal(Told::Continued) => self.redraw(),
            Next::Signal(Told::Resized) => self.resize(size()),
            Next::Due => {}
        }
    }

    /// A signal or a lost terminal: as if a person had left.
    fn end(&mut self) {
        if self.ended.is_none() {
            let effects = leaving(&mut self.state);
            self.perform_all(effects);
            self.ended = Some(Outcome::Quit);
        }
    }

    /// Panes say how long ago something was by the time of the last event.
    fn tell_time(&mut self) {
        let now = now();
        if now != self.state.shared.now {
            update(&mut self.state, Action::Clock(now));
        }
    }

    fn act(&mut self, action: Action) {
        let effects = update(&mut self.state, action);
        self.frame_due.get_or_insert_with(Instant::now);
        self.perform_all(effects);
    }

    fn perform_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.perform(effect);
        }
    }

    fn hear(&mut self, heard: Heard) {
        let event = match heard {
            Heard::HungUp => return self.end(),
            Heard::Event(event) => event,
        };
        if matches!(event, TerminalEvent::Key(_) | TerminalEvent::Mouse(_)) {
            // A frame that waits for its turn comes at once now.
            self.is_key_owed = true;
            self.frame_due = self.frame_due.map(|due| due.min(Instant::now()));
        }
        match event {
            TerminalEvent::Key(key) => {
                if self.pictures.admits(&key, Instant::now())
                    && let Some(key) = Key::from_event(key)
                {
                    self.act(Action::Key(key));
                }
                if self.pictures.learned() {
                    let told = self.pictures.told();
                    self.act(told);
                }
            }
            TerminalEvent::Paste(text) => self.act(Action::Paste(text)),
            TerminalEvent::Mouse(mouse) => {
                if let Some(mouse) = self.clicks.read(mouse, Instant::now()) {
                    self.act(Action::Mouse(mouse));
                }
            }
            TerminalEvent::Resize(columns, rows) => self.resize((columns, rows)),
            TerminalEvent::FocusGained | TerminalEvent::FocusLost => {}
        }
    }

    /// Several sizes in a row (a window that is dragged) cost one frame: drawing is owed, not done.
    fn resize(&mut self, size: (u16, u16)) {
        // A window that was made small and large again has the old size and lost its cells.
        if size != self.state.size {
            self.act(Action::Resize(size.0, size.1));
        }
        self.redraw();
    }

    fn redraw(&mut self) {
        self.screen.forget(self.state.size);
        self.pictures.screen_was_cleared();
        self.frame_due.get_or_insert_with(Instant::now);
    }

    /// The terminal takes nothing any more.
    fn lost(&mut self, error: &io::Error) {
        tracing::warn!(%error, "the terminal is gone");
        self.end();
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Answered(slot, action) => {
                let pause = self.pictures.pause_after(&action);
                if pause.is_zero() {
                    self.go_on(slot);
                } else {
                    // The slot stays taken: of what is asked until then, the newest counts.
                    self.picture_due = Some(Instant::now() + pause);
                }
                self.act(action);
            }
            Done::Edited(action) => {
                self.edits.finished();
                self.act(action);
                self.store_next();
            }
            Done::Told(action) => self.act(action),
            Done::Saved => {}
        }
    }

    fn go_on(&mut self, slot: SlotName) {
        if let Some((ticket, work)) = self.questions.finished(slot) {
            self.begin(ticket, work);
        }
    }

    fn wake_due(&mut self) {
        let now = Instant::now();
        if self.picture_due.is_some_and(|due| due <= now) {
            self.picture_due = None;
            self.go_on(SlotName::Picture);
        }
        let due: Vec<Ticket> = self
            .wakes
            .values()
            .filter(|(at, _)| *at <= now)
            .map(|(_, ticket)| *ticket)
            .collect();
        for ticket in due {
            self.wakes.remove(&ticket.slot);
            self.act(Action::Woke(ticket));
        }
        if self.session_due.is_some_and(|due| due <= now) {
            self.session_due = None;
            self.save_session();
        }
    }

    fn save_session(&mut self) {
        let json = session::save(&self.state);
        let backend = Arc::clone(&self.backend);
        self.tasks
            .spawn_blocking(move || match backend.save_session(&json) {
                Ok(()) => Done::Saved,
                Err(failure) => Done::Told(Action::Copied(Err(failure))),
            });
    }

    fn draw_if_due(&mut self) {
        let now = Instant::now();
        if self.frame_due.is_none_or(|due| due > now) {
            return;
        }
        let taken = if self.is_key_owed {
            self.budget.take_for_key(now)
        } else {
            self.budget.take(now)
        };
        if let Err(later) = taken {
            self.frame_due = Some(later);
            return;
        }
        self.frame_due = None;
        self.is_key_owed = false;
        let (state, pictures) = (&self.state, &mut self.pictures);
        let theme = Arc::clone(&state.look.theme);
        let drawn = self.screen.draw(
            |buffer| view(state, &theme, buffer),
            || pictures.after_draw(state),
        );
        if let Err(error) = drawn {
            self.lost(&error);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(ticket, query) => self.question(ticket, Work::Ask(query)),
            Effect::Draw(ticket, request) => self.question(ticket, Work::Draw(request)),
            Effect::Edit(edit) => self.edit(edit),
            Effect::Start(spec) => self.tell(move |backend| Action::Started(backend.start(spec))),
            Effect::Cancel(job) => {
                let backend = Arc::clone(&self.backend);
                self.tasks.spawn_blocking(move || {
                    backend.cancel(job);
                    Done::Saved
                });
            }
            Effect::Copy(text) => self.copy(text),
            Effect::Signal(signal, words) => self.signal(signal, &words),
            Effect::Export(export) => {
                let write = Pictures::exporter(&self.state);
                self.tell(move |backend| Action::Copied(write(backend, &export)));
            }
            Effect::SaveCurves(ask) => {
                self.tell(move |backend| Action::Copied(backend.save_curves(&ask)));
            }
            Effect::OpenEditor { target, text } => {
                let text = self.lend(|| editor::edit(&text));
                self.act(Action::EditorClosed { target, text });
            }
            Effect::Wake(ticket, after) => {
                self.wakes
                    .insert(ticket.slot, (Instant::now() + after, ticket));
            }
            Effect::SaveSession => {
                self.session_due
                    .get_or_insert_with(|| Instant::now() + SESSION);
            }
            Effect::ReadSettings => {
                self.tell(|backend| Action::Settings(Box::new(backend.settings())));
            }
            Effect::Warm(location) => {
                let backend = Arc::clone(&self.backend);
                self.tasks.spawn_blocking(move || {
                    backend.warm_scan(&location);
                    Done::Saved
                });
            }
            Effect::NextGraphics => {
                let removed = self.pictures.leave();
                if let Err(error) = self.screen.write(&removed) {
                    self.lost(&error);
                }
                self.pictures.next();
                let told = self.pictures.told();
                self.act(told);
                self.redraw();
            }
            Effect::Redraw => self.redraw(),
            Effect::Suspend => self.suspend(),
            Effect::Quit => self.ended = Some(Outcome::Quit),
            Effect::OpenWorkspace(path) => self.ended = Some(Outcome::OpenWorkspace(path)),
        }
    }

    fn edit(&mut self, edit: Edit) {
        // A host that is slow must not keep a note from the disk.
        if edit.is_of_a_run() {
            return self.tell(move |backend| {
                let outcome = guarded("run", || backend.edit(&edit));
                Action::Edited(edit, outcome)
            });
        }
        self.edits.push(edit);
        self.store_next();
    }

    fn tell(&mut self, work: impl FnOnce(&dyn Backend) -> Action + Send + 'static) {
        let backend = Arc::clone(&self.backend);
        self.tasks
            .spawn_blocking(move || Done::Told(work(backend.as_ref())));
    }

    fn question(&mut self, ticket: Ticket, work: Work) {
        if let Some((ticket, work)) = self.questions.ask(ticket, work) {
            self.begin(ticket, work);
        }
    }

    fn begin(&mut self, ticket: Ticket, work: Work) {
        let backend = Arc::clone(&self.backend);
        let prepare = self.pictures.prepare(&self.state);
        self.tasks.spawn_blocking(move || {
            let action = match work {
                Work::Ask(query) => {
                    Action::Reply(ticket, guarded("question", || backend.ask(query)))
                }
                Work::Draw(request) => {
                    let drawn = guarded("picture", || {
                        let scan = backend.open_scan(&request.location)?;
                        let files = OfBackend(backend.as_ref());
                        prepare(&scan, &request, &files).map(Arc::new)
                    });
                    Action::Drawn(ticket, drawn)
                }
            };
            Done::Answered(ticket.slot, action)
        });
    }

    fn store_next(&mut self) {
        let Some(edit) = self.edits.start() else {
            return;
        };
        let backend = Arc::clone(&self.backend);
        self.tasks.spawn_blocking(move || {
            let stored = guarded("edit", || backend.edit(&edit));
            Done::Edited(Action::Edited(edit, stored))
        });
    }

    /// Gives the terminal away while `other` has it.
    fn lend<T>(&mut self, other: impl FnOnce() -> T) -> T {
        self.keyboard.stop();
        let removed = self.pictures.leave();
        if let Err(error) = self.screen.write(&removed) {
            tracing::warn!(%error, "pictures could not be removed");
        }
        screen::give_back();
        let outcome = other();
        if let Err(error) = self.take_again() {
            self.lost(&error);
        }
        outcome
    }

    fn take_again(&mut self) -> io::Result<()> {
        let size = size();
        self.screen.take_again(size)?;
        self.keyboard = Keyboard::start(self.heard.clone())?;
        self.pictures.screen_was_cleared();
        self.act(Action::Resize(size.0, size.1));
        Ok(())
    }

    fn suspend(&mut self) {
        let stopped = self.lend(|| {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::TSTP)
        });
        if let Err(error) = stopped {
            tracing::warn!(%error, "cannot stop");
        }
    }

    /// What was acknowledged as typed is stored before the end, then the session.
    async fn leave(mut self) -> Result<Outcome, RunError> {
        if !self.edits.is_empty() {
            self.state.say(Tone::Plain, "saving…");
            self.frame_due = Some(Instant::now());
            self.draw_if_due();
        }
        while !self.edits.is_empty() {
            match self.tasks.join_next().await {
                Some(Ok(done)) => self.finish_last(done),
                Some(Err(_)) => {}
                None => break,
            }
        }
        let json = session::save(&self.state);
        if let Err(failure) = self.backend.save_session(&json) {
            tracing::warn!(%failure, "the session is not saved");
        }
        self.keyboard.stop();
        let removed = self.pictures.leave();
        if let Err(error) = self.screen.write(&removed) {
            tracing::warn!(%error, "pictures could not be removed");
        }
        Ok(self.ended.unwrap_or(Outcome::Quit))
    }

    /// Only edits matter now.
    fn finish_last(&mut self, done: Done) {
        if let Done::Edited(action) = done {
            self.edits.finished();
            if let Action::Edited(_, Err(failure)) = &action {
                tracing::error!(%failure, "a change was not stored");
            }
            self.store_next();
        }
    }
}

/// A defect of the engine is a failed question, not the end of the workbench.
fn guarded<T>(stage: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let what = "this could not be answered because of a defect";
        let failure = Failure::new(stage, FailureKind::Internal, what);
        Err(failure.with_hint("the log has the details; `semihv doctor --report` collects them"))
    })
}
