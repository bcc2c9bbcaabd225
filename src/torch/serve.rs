//! Requests read, answered and written, one line each.

use std::any::Any;
use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use rustix::fs::Mode;
use semihv_domain::worker::{
    Ask, Embedded, LONGEST_LINE, Outcome, PROTOCOL, Refusal, RefusalCode, Reply, Request,
    unpack_picture,
};
use semihv_encoders::lines::{Line, read_line};
use semihv_encoders::worker::version_refusal;
use serde_json::{Value, json};
use tch::Device;

use crate::arguments::Serve;
use crate::describe::welcome;
use crate::fault::Fault;
use crate::model::Model;
use crate::weights::files;

/// More are closed, the one first that was not used for longest.
const MOST_MODELS: usize = 4;
/// Connections to a socket at a time.
const MOST_CLIENTS: usize = 16;

struct Held {
    folder: PathBuf,
    stamp: Vec<(u64, Option<SystemTime>)>,
    model: Model,
}

/// The models that are open, the last used last. One computes at a time: they share the threads.
#[derive(Default)]
struct Shelf(Vec<Held>);

impl Shelf {
    fn open(&mut self, folder: &Path) -> Result<&Model, Fault> {
        let stamp = stamp(folder)?;
        let is_same = |held: &Held| held.folder == folder && held.stamp == stamp;
        let held = if let Some(at) = self.0.iter().position(is_same) {
            self.0.remove(at)
        } else {
            // What lies there now takes the place of what lay there before.
            self.0.retain(|held| held.folder != folder);
            if self.0.len() >= MOST_MODELS {
                self.0.remove(0);
            }
            Held {
                folder: folder.to_owned(),
                stamp,
                model: Model::open(folder, Device::cuda_if_available())?,
            }
        };
        self.0.push(held);
        let last = self.0.last().map(|held| &held.model);
        last.ok_or_else(|| Fault::Input("no model".to_owned()))
    }

    fn find(&mut self, name: &str) -> Option<&Model> {
        let at = self
            .0
            .iter()
            .position(|it| it.model.opened().name == name)?;
        let held = self.0.remove(at);
        self.0.push(held);
        self.0.last().map(|held| &held.model)
    }
}

fn stamp(folder: &Path) -> Result<Vec<(u64, Option<SystemTime>)>, Fault> {
    let look = |path: PathBuf| {
        let metadata = fs::metadata(&path);
        let metadata = metadata.map_err(|source| Fault::Read { path, source })?;
        Ok((metadata.len(), metadata.modified().ok()))
    };
    files(folder)?.into_iter().map(look).collect()
}

/// One client. Clones share the models.
#[derive(Clone, Default)]
pub struct Session {
    shelf: Arc<Mutex<Shelf>>,
    has_said_hello: bool,
}

type Answer = Result<Value, Refusal>;

fn refuse(code: RefusalCode, msg: impl Into<String>) -> Refusal {
    Refusal {
        code,
        msg: msg.into(),
        retriable: false,
    }
}

impl Session {
    /// The line that answers a line.
    pub fn answer(&mut self, line: &[u8]) -> String {
        let (id, answer) = match serde_json::from_slice::<Request>(line) {
            Ok(request) => (Some(request.id), self.act_safely(request.ask)),
            Err(error) => {
                // The question is unreadable, but the client may know it by its number.
                let value: Value = serde_json::from_slice(line).unwrap_or_default();
                let words = format!("this line is no request: {error}");
                (
                    value["id"].as_u64(),
                    Err(refuse(RefusalCode::BadRequest, words)),
                )
            }
        };
        written(id, answer)
    }

    fn answer_too_long() -> String {
        let words = format!("a line of more than {LONGEST_LINE} bytes; send fewer in each");
        let refusal = Refusal {
            retriable: true,
            ..refuse(RefusalCode::LineTooLong, words)
        };
        written(None, Err(refusal))
    }

    /// A fault of ours ends a request, not the worker.
    fn act_safely(&mut self, ask: Ask) -> Answer {
        let acted = catch_unwind(AssertUnwindSafe(|| self.act(ask)));
        acted.unwrap_or_else(|fault| Err(refuse(RefusalCode::Internal, words_of(&*fault))))
    }

    fn act(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Hello { v, .. } if v != PROTOCOL => Err(version_refusal(v)),
            Ask::Hello { .. } => {
                self.has_said_hello = true;
                Ok(json!(welcome()))
            }
            _ if !self.has_said_hello => Err(refuse(RefusalCode::NoHello, "say hello first")),
            Ask::Open { folder } => self.open(Path::new(&folder)),
            Ask::Embed {
                model,
                texts,
                pictures,
            } => self.embed(&model, &texts, &pictures),
        }
    }

    fn open(&self, folder: &Path) -> Answer {
        let folder = folder.canonicalize().map_err(|source| {
            let path = folder.to_owned();
            Fault::Read { path, source }.refusal()
        })?;
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let model = shelf.open(&folder).map_err(|fault| fault.refusal())?;
        Ok(json!(model.opened()))
    }

    fn embed(&self, name: &str, texts: &[String], pictures: &[String]) -> Answer {
        let unpack = |(at, text): (usize, &String)| {
            let words = |error| format!("picture {at}: {error}");
            unpack_picture(text).map_err(|error| refuse(RefusalCode::BadInput, words(error)))
        };
        let pictures = pictures.iter().enumerate().map(unpack);
        let pictures: Vec<Vec<u8>> = pictures.collect::<Result<_, _>>()?;
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(model) = shelf.find(name) else {
            let words = format!("no model {name} is open; open its folder again");
            return Err(Refusal {
                retriable: true,
                ..refuse(RefusalCode::NoModel, words)
            });
        };
        let values = model.embed(texts, &pictures);
        let values = values.map_err(|fault| fault.refusal())?;
        Ok(json!(Embedded::pack(model.opened().dim, &values)))
    }
}

fn words_of(fault: &(dyn Any + Send)) -> String {
    let text = fault.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| fault.downcast_ref::<&str>().copied());
    format!("a fault of the worker: {}", text.unwrap_or("unknown"))
}

fn written(id: Option<u64>, answer: Answer) -> String {
    let outcome = match answer {
        Ok(done) => Outcome::Done(done),
        Err(refusal) => Outcome::Refused(refusal),
    };
    // Texts and numbers always become JSON.
    serde_json::to_string(&Reply { id, outcome }).unwrap_or_default()
}

/// Until the input ends.
fn converse(input: impl Read, mut output: impl Write, mut session: Session) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 16, input);
    loop {
        let mut reply = match read_line(&mut reader, LONGEST_LINE)? {
            Line::End => return Ok(()),
            Line::TooLong => Session::answer_too_long(),
            Line::Whole(line) if line.trim_ascii().is_empty() => continue,
            Line::Whole(line) => session.answer(&line),
        };
        reply.push('\n');
        output.write_all(reply.as_bytes())?;
        output.flush()?;
    }
}

pub(crate) fn run(how: &Serve) -> io::Result<()> {
    match &how.socket {
        None => converse(io::stdin(), io::stdout(), Session::default()),
        Some(path) => listen(&bind(path)?),
    }
}

/// A socket that nobody else can open, not even for a moment.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Ok(metadata) = fs::symlink_metadata(path) {
        if !metadata.file_type().is_socket() {
            return Err(in_the_way(path, "is there and is no socket"));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(in_the_way(path, "is in use by another worker"));
        }
        fs::remove_file(path)?;
    }
    // No thread of ours makes a file meanwhile.
    let before = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    listener
}

fn in_the_way(path: &Path, how: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("{} {how}", path.display()),
    )
}

fn listen(listener: &UnixListener) -> io::Result<()> {
    let session = Session::default();
    for stream in listener.incoming() {
        let stream = stream?;
        // Each client holds one clone of the shelf, this function another.
        if Arc::strong_count(&session.shelf) > MOST_CLIENTS {
            drop(stream);
            continue;
        }
        let session = session.clone();
        thread::spawn(move || {
            let Ok(output) = stream.try_clone() else {
                return;
            };
            if let Err(error) = converse(stream, output, session) {
                crate::say(&format!("a client went away: {error}"));
            }
        });
    }
    Ok(())
}
