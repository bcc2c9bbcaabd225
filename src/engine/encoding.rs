//! What makes the vectors of this workspace: the counted encoder, or a model in a worker process,
//! with or without a projection that was trained over it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use semihv_domain::worker::OpenedModel;
use semihv_domain::{Failure, FailureKind};
use semihv_encoders::worker::{Patience, Worker, WorkerError};
use semihv_encoders::{DIM, NAME, PICTURE_DIM, Projection, encode_picture, encode_text, prepare};
use semihv_imaging::Raster;
use semihv_vectors::Fingerprint;

use crate::Engine;
use crate::embedding::is_something;
use crate::engine::locked;

/// The setting that asks for no model.
const COUNTED: &str = "counted";
/// What runs models.
const WORKER: &str = "semihv-torch";

/// A picture as the encoder takes it: small, so that many can wait.
pub(crate) enum Looked {
    Counted(Vec<f32>),
    Prepared(Vec<u8>),
}

/// Makes raw vectors of texts and pictures in one space.
pub(crate) struct Encoding {
    pub(crate) fingerprint: Fingerprint,
    model: Option<Model>,
    projection: Option<Projection>,
}

struct Model {
    command: Vec<String>,
    folder: String,
    opened: OpenedModel,
    /// `None` after it ended: it is started anew once.
    worker: Mutex<Option<Worker>>,
}

/// The encoder with the settings it was opened by.
pub(crate) type KeptEncoding = Option<([String; 3], Arc<Encoding>)>;

impl Engine {
    /// The encoder of the settings, opened at first use.
    pub(crate) fn encoding(&self) -> Result<Arc<Encoding>, Failure> {
        let settings = self.settings();
        let wanted = [
            settings.encoder.value.clone(),
            settings.encoder_command.value.clone(),
            settings.retriever.value,
        ];
        let mut kept = locked(&self.inner.encoding);
        if let Some((by, encoding)) = kept.as_ref()
            && *by == wanted
        {
            return Ok(Arc::clone(encoding));
        }
        let encoding = Arc::new(self.open_encoding(&wanted)?);
        *kept = Some((wanted, Arc::clone(&encoding)));
        Ok(encoding)
    }

    fn open_encoding(
        &self,
        [encoder, command, retriever]: &[String; 3],
    ) -> Result<Encoding, Failure> {
        let projection = match retriever.as_str() {
            "" => None,
            path => {
                let path = self.inner.places.resolve(Path::new(path));
                Some(
                    Projection::open(&path)
                        .map_err(|error| Failure::of("encoder", FailureKind::Config, &error))?,
                )
            }
        };
        if encoder.is_empty() || encoder == COUNTED {
            return Ok(Encoding::counted(projection));
        }
        let command = worker_command(command);
        // Where the worker runs on another machine the folder is one of that machine.
        let is_here = !command
            .first()
            .is_some_and(|program| program.ends_with("ssh"));
        let folder = if is_here {
            let path = self.inner.places.resolve(Path::new(encoder));
            path.to_string_lossy().into_owned()
        } else {
            encoder.clone()
        };
        let mut worker = start(&command)?;
        let opened = worker.open(&folder).map_err(|error| failed(&error))?;
        let model = Model {
            command,
            folder,
            opened,
            worker: Mutex::new(Some(worker)),
        };
        Ok(Encoding::of_model(model, projection))
    }
}

/// What starts the worker: as set, else by `$SEMIHV_TORCH`, beside this program, or on the path.
fn worker_command(set: &str) -> Vec<String> {
    let words: Vec<String> = set.split_whitespace().map(str::to_owned).collect();
    if !words.is_empty() {
        return words;
    }
    let named = std::env::var_os("SEMIHV_TORCH").map(PathBuf::from);
    let beside = || {
        let here = std::env::current_exe().ok()?;
        Some(here.with_file_name(WORKER)).filter(|path| path.is_file())
    };
    let program = named
        .or_else(beside)
        .unwrap_or_else(|| PathBuf::from(WORKER));
    let program = program.to_string_lossy().into_owned();
    vec![program, "serve".to_owned(), "--stdio".to_owned()]
}

fn start(command: &[String]) -> Result<Worker, Failure> {
    let client = concat!("semihv ", env!("CARGO_PKG_VERSION"));
    Worker::start(command, client, Patience::default()).map_err(|error| {
        let failure = failed(&error);
        match error {
            WorkerError::Start { .. } => failure.with_hint(
                "build it with `cargo build --release -p semihv-torch`, set SEMIHV_TORCH or `encoder_command`, or take `encoder = \"counted\"`",
            ),
            _ => failure,
        }
    })
}

fn failed(error: &WorkerError) -> Failure {
    Failure::of("encoder", FailureKind::Config, error)
}

impl Encoding {
    pub(crate) fn counted(projection: Option<Projection>) -> Self {
        let mut fingerprint = Fingerprint {
            name: NAME.to_owned(),
            weights: "none".to_owned(),
            preprocess: NAME.to_owned(),
            tokenizer: NAME.to_owned(),
            context_length: 0,
            fusion: Fingerprint::FUSION.to_owned(),
            dim: DIM as u32,
            dtype: "f32".to_owned(),
            instructions: "none".to_owned(),
            seed: 0,
        };
        projected(&mut fingerprint, projection.as_ref());
        Self {
            fingerprint,
            model: None,
            projection,
        }
    }

    fn of_model(model: Model, projection: Option<Projection>) -> Self {
        let opened = &model.opened;
        let is_pair = opened.picture.is_some();
        let of = &opened.fingerprint;
        let (name, preprocess, dim) = if is_pair {
            (opened.name.clone(), of.preprocess.clone(), opened.dim)
        } else {
            let name = format!("{} with pictures by {NAME}", opened.name);
            (name, NAME.to_owned(), opened.dim + PICTURE_DIM)
        };
        let mut fingerprint = Fingerprint {
            name,
            weights: of.weights.clone(),
            preprocess,
            tokenizer: of.tokenizer.clone(),
            context_length: opened.context as u32,
            fusion: Fingerprint::FUSION.to_owned(),
            dim: dim as u32,
            dtype: "f32".to_owned(),
            instructions: "none".to_owned(),
            seed: 0,
        };
        projected(&mut fingerprint, projection.as_ref());
        Self {
            fingerprint,
            model: Some(model),
            projection,
        }
    }

    /// The names of what makes texts and images, before any projection.
    pub(crate) fn names(&self) -> [String; 2] {
        match &self.model {
            None => [NAME.to_owned(), NAME.to_owned()],
            Some(model) if model.opened.picture.is_some() => {
                [model.opened.name.clone(), model.opened.name.clone()]
            }
            Some(model) => [model.opened.name.clone(), NAME.to_owned()],
        }
    }

    /// What the encoder sees of a picture.
    pub(crate) fn look(&self, picture: &Raster) -> Option<Looked> {
        let model = self.model.as_ref();
        if let Some(spec) = model.and_then(|model| model.opened.picture.as_ref()) {
            return prepare(picture, spec).map(Looked::Prepared);
        }
        let counted = encode_picture(picture);
        is_something(&counted).then_some(Looked::Counted(counted))
    }

    /// A raw vector for every text that says something, in their order.
    pub(crate) fn texts(&self, texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>, Failure> {
        let raw = self.raw_texts(texts)?;
        let placed = raw.into_iter().map(|vector| match vector {
            None => Ok(None),
            Some(vector) => self.placed(vector, true).map(Some),
        });
        placed.collect()
    }

    /// A raw vector for every picture, in their order.
    pub(crate) fn pictures(&self, pictures: Vec<Looked>) -> Result<Vec<Vec<f32>>, Failure> {
        let raw = self.raw_pictures(pictures)?;
        raw.into_iter()
            .map(|vector| self.placed(vector, false))
            .collect()
    }

    /// As the encoder itself makes them, which is what a projection is trained on.
    pub(crate) fn raw_texts(&self, texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>, Failure> {
        let Some(model) = &self.model else {
            let counted = texts.iter().map(|text| {
                let mut vector = encode_text(text);
                vector.truncate(DIM - PICTURE_DIM);
                Some(vector).filter(|vector| is_something(vector))
            });
            return Ok(counted.collect());
        };
        let said: Vec<&str> = texts
            .iter()
            .copied()
            .filter(|text| !text.trim().is_empty())
            .collect();
        let vectors = model.ask(|worker, opened| worker.embed_texts(opened, &said))?;
        let mut vectors = vectors.into_iter();
        let placed = texts.iter().map(|text| {
            let is_said = !text.trim().is_empty();
            is_said.then(|| vectors.next()).flatten()
        });
        Ok(placed.collect())
    }

    pub(crate) fn raw_pictures(&self, pictures: Vec<Looked>) -> Result<Vec<Vec<f32>>, Failure> {
        let mut prepared = Vec::new();
        let mut vectors = Vec::new();
        for picture in pictures {
            match picture {
                Looked::Prepared(bytes) => prepared.push(bytes),
                Looked::Counted(vector) => {
                    vectors.push(vector.into_iter().skip(DIM - PICTURE_DIM).collect());
                }
            }
        }
        if let Some(model) = self.model.as_ref().filter(|_| !prepared.is_empty()) {
            vectors = model.ask(|worker, opened| worker.embed_pictures(opened, &prepared))?;
        }
        Ok(vectors)
    }

    /// In the space that texts and pictures share: by the projection, as a pair of encoders has
    /// it, or each in a block of its own.
    fn placed(&self, raw: Vec<f32>, is_text: bool) -> Result<Vec<f32>, Failure> {
        if let Some(projection) = &self.projection {
            let projected = if is_text {
                projection.text(&raw)
            } else {
                projection.image(&raw)
            };
            return projected.map_err(|error| {
                Failure::of("encoder", FailureKind::Config, &error).with_hint(
                    "the retriever was trained over another encoder: set `encoder` to that one, or train again",
                )
            });
        }
        let is_pair = self
            .model
            .as_ref()
            .is_some_and(|it| it.opened.picture.is_some());
        if is_pair {
            return Ok(raw);
        }
        let dim = self.fingerprint.dim as usize;
        let mut vector = vec![0.0; dim];
        let start = if is_text { 0 } else { dim - PICTURE_DIM };
        for (place, value) in vector.iter_mut().skip(start).zip(raw) {
            *place = value;
        }
        Ok(vector)
    }
}

/// A projection makes another space of the same encoder.
fn projected(fingerprint: &mut Fingerprint, projection: Option<&Projection>) {
    if let Some(projection) = projection {
        fingerprint.name = format!("{} projected", fingerprint.name);
        fingerprint.weights = format!("{}+{}", fingerprint.weights, projection.fingerprint);
        fingerprint.dim = projection.dim() as u32;
    }
}

impl Model {
    /// Asks the worker, and once more a new one when it ended on the way.
    fn ask<T>(
        &self,
        ask: impl Fn(&mut Worker, &OpenedModel) -> Result<T, WorkerError>,
    ) -> Result<T, Failure> {
        let mut slot = locked(&self.worker);
        let mut worker = match slot.take() {
            Some(worker) => worker,
            None => self.started()?,
        };
        let mut answer = ask(&mut worker, &self.opened);
        if answer.as_ref().is_err_and(WorkerError::is_retriable) {
            tracing::warn!("the worker is started anew");
            worker = self.started()?;
            answer = ask(&mut worker, &self.opened);
        }
        match answer {
            Ok(answer) => {
                *slot = Some(worker);
                Ok(answer)
            }
            Err(error) => Err(failed(&error)),
        }
    }

    fn started(&self) -> Result<Worker, Failure> {
        let mut worker = start(&self.command)?;
        let opened = worker.open(&self.folder).map_err(|error| failed(&error))?;
        if opened.fingerprint != self.opened.fingerprint {
            let summary = "the model was changed while it was in use";
            return Err(Failure::new("encoder", FailureKind::Config, summary)
                .with_hint("start semihv again, then run `semihv vectors`"));
        }
        Ok(worker)
    }
}
