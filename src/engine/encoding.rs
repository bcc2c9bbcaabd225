//! What makes the vectors of this workspace: the counted encoder, or models in worker processes,
//! one for both or one each for texts and pictures, with or without a projection that was trained
//! over them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use image::{GrayImage, Luma};
use semihv_domain::worker::OpenedModel;
use semihv_domain::{Failure, FailureKind};
use semihv_encoders::worker::{Patience, Worker, WorkerError};
use semihv_encoders::{DIM, NAME, PICTURE_DIM, Projection, encode_picture, encode_text, prepare};
use semihv_imaging::Raster;
use semihv_vectors::Fingerprint;

use crate::Engine;
use crate::embedding::is_something;
use crate::engine::locked;
use crate::resting::Rest;

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
    /// What reads texts, and what looks at pictures: one model, two, or counting where none is.
    texts: Option<Arc<Model>>,
    pictures: Option<Arc<Model>>,
    projection: Option<Projection>,
}

struct Model {
    command: Vec<String>,
    folder: String,
    opened: OpenedModel,
    /// `None` after it ended: it is started anew once.
    worker: Mutex<Option<Worker>>,
    rest: Rest,
}

/// The encoder with the settings it was opened by.
#[derive(Default)]
pub(crate) struct KeptEncoding {
    by: [String; 4],
    opened: Option<Arc<Encoding>>,
    rest: Rest,
}

impl Engine {
    /// The encoder of the settings, opened at first use.
    pub(crate) fn encoding(&self) -> Result<Arc<Encoding>, Failure> {
        let settings = self.settings();
        let wanted = [
            settings.encoder.value.clone(),
            settings.image_encoder.value.clone(),
            settings.encoder_command.value.clone(),
            settings.retriever.value,
        ];
        let mut kept = locked(&self.inner.encoding);
        if kept.by != wanted {
            *kept = KeptEncoding {
                by: wanted,
                ..KeptEncoding::default()
            };
        }
        if let Some(encoding) = &kept.opened {
            return Ok(Arc::clone(encoding));
        }
        let encoding = Arc::new(kept.rest.guard(|| self.open_encoding(&kept.by))?);
        kept.opened = Some(Arc::clone(&encoding));
        Ok(encoding)
    }

    fn open_encoding(
        &self,
        [encoder, image_encoder, command, retriever]: &[String; 4],
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
        let model = self.open_model(encoder, command)?;
        if image_encoder.is_empty() || image_encoder == encoder {
            let texts = model.clone().filter(|model| model.takes_texts());
            let pictures = model.filter(|model| model.takes_pictures());
            return Encoding::new(texts, pictures, projection).of_its_encoders();
        }
        let pictures = self.open_model(image_encoder, command)?;
        if let Some(odd) = model.as_ref().filter(|model| !model.takes_texts()) {
            return Err(unfit("encoder", odd, "texts"));
        }
        if let Some(odd) = pictures.as_ref().filter(|model| !model.takes_pictures()) {
            return Err(unfit("image_encoder", odd, "pictures"));
        }
        Encoding::new(model, pictures, projection).of_its_encoders()
    }

    /// `None` where the setting asks for no model.
    fn open_model(&self, encoder: &str, command: &str) -> Result<Option<Arc<Model>>, Failure> {
        if encoder.is_empty() || encoder == COUNTED {
            return Ok(None);
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
            encoder.to_owned()
        };
        let mut worker = start(&command)?;
        let opened = worker.open(&folder).map_err(|error| failed(&error))?;
        Ok(Some(Arc::new(Model {
            command,
            folder,
            opened,
            worker: Mutex::new(Some(worker)),
            rest: Rest::default(),
        })))
    }
}

fn unfit(setting: &str, model: &Model, what: &str) -> Failure {
    let summary = format!("the model {} takes no {what}", model.opened.name);
    let hint = format!("`{setting}` must name one that takes {what}, or be \"counted\"");
    Failure::new("encoder", FailureKind::Config, summary).with_hint(hint)
}

/// What starts the worker: as set, else by `$SEMIHV_TORCH`, beside this program, or on the path.
pub fn worker_command(set: &str) -> Vec<String> {
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
    fn new(
        texts: Option<Arc<Model>>,
        pictures: Option<Arc<Model>>,
        projection: Option<Projection>,
    ) -> Self {
        let mut encoding = Self {
            fingerprint: Fingerprint {
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
            },
            texts,
            pictures,
            projection,
        };
        encoding.describe();
        encoding
    }

    /// A projection of other encoders makes noise, whatever its dimensions.
    fn of_its_encoders(self) -> Result<Self, Failure> {
        let Some(projection) = &self.projection else {
            return Ok(self);
        };
        let trained = [&projection.text_encoder, &projection.image_encoder];
        let names = self.names();
        let differs = |(of, now): (&&String, &String)| !of.is_empty() && *of != now;
        if !trained.iter().zip(&names).any(differs) {
            return Ok(self);
        }
        let summary = format!(
            "the retriever was trained over {} and {}, the settings take {} and {}",
            trained[0], trained[1], names[0], names[1]
        );
        Err(Failure::new("encoder", FailureKind::Config, summary)
            .with_hint("set the encoders it was trained over, or train it anew with `semihv retrieval train`"))
    }

    /// Fills the fingerprint: everything that the vectors depend on.
    fn describe(&mut self) {
        let [text, image] = self.names();
        let (is_one, is_uneven) = (self.is_one_space(), self.is_uneven());
        let mut weights: Vec<&str> = Vec::new();
        let fingerprint = &mut self.fingerprint;
        let mut dims = [DIM - PICTURE_DIM, PICTURE_DIM];
        if let Some(model) = &self.texts {
            let opened = &model.opened;
            weights.push(&opened.fingerprint.weights);
            fingerprint
                .tokenizer
                .clone_from(&opened.fingerprint.tokenizer);
            fingerprint.context_length = opened.context as u32;
            dims[0] = opened.dim;
        }
        if let Some(model) = &self.pictures {
            let opened = &model.opened;
            weights.push(&opened.fingerprint.weights);
            fingerprint
                .preprocess
                .clone_from(&opened.fingerprint.preprocess);
            dims[1] = opened.dim;
        }
        weights.dedup();
        if !weights.is_empty() {
            fingerprint.weights = weights.join("+");
        }
        fingerprint.name = if text == image {
            text
        } else {
            format!("{text} with pictures by {image}")
        };
        if is_uneven {
            fingerprint.preprocess.push_str(", each of length 1");
        }
        let dim = if is_one { dims[0] } else { dims[0] + dims[1] };
        fingerprint.dim = dim as u32;
        projected(fingerprint, self.projection.as_ref());
    }

    /// One model made both, as CLIP does: its texts and pictures can be compared.
    fn is_one_space(&self) -> bool {
        let both = self.texts.as_ref().zip(self.pictures.as_ref());
        both.is_some_and(|(texts, pictures)| Arc::ptr_eq(texts, pictures))
    }

    /// Lengths that mean nothing: two models speak as loud as they happen to, and a projection is
    /// trained on directions alone.
    fn is_uneven(&self) -> bool {
        if self.projection.is_some() {
            return true;
        }
        let is_raw = |model: &Option<Arc<Model>>| {
            let model = model.as_ref();
            model.is_some_and(|model| !model.opened.normalised)
        };
        let has_raw = is_raw(&self.texts) || is_raw(&self.pictures);
        !self.is_one_space() && has_raw
    }

    /// The names of what makes texts and images, before any projection.
    pub(crate) fn names(&self) -> [String; 2] {
        let name = |model: &Option<Arc<Model>>| match model {
            None => NAME.to_owned(),
            Some(model) => model.opened.name.clone(),
        };
        [name(&self.texts), name(&self.pictures)]
    }

    /// Makes a vector of a text and of a picture, and says what keeps it from that.
    pub(crate) fn prove(&self) -> Result<(), Failure> {
        let text = self.texts(&["a"])?.into_iter().flatten();
        let ramp = GrayImage::from_fn(32, 32, |x, y| Luma([(x * 4 + y * 3) as u8]));
        let looked = self.look(&Raster::Grey(ramp));
        let pictures = self.pictures(looked.into_iter().collect())?;
        if text.chain(pictures).flatten().all(f32::is_finite) {
            return Ok(());
        }
        let summary = format!(
            "{} makes vectors that are no numbers",
            self.fingerprint.name
        );
        Err(Failure::new("encoder", FailureKind::Config, summary)
            .with_hint("name another model by `encoder` and `image_encoder`"))
    }

    /// What the encoder sees of a picture.
    pub(crate) fn look(&self, picture: &Raster) -> Option<Looked> {
        let model = self.pictures.as_ref();
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
        let Some(model) = &self.texts else {
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
        if let Some(model) = self.pictures.as_ref().filter(|_| !prepared.is_empty()) {
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
            return projected.map(even).map_err(|error| {
                Failure::of("encoder", FailureKind::Config, &error).with_hint(
                    "the retriever was trained over another encoder: set `encoder` to that one, or train again",
                )
            });
        }
        if self.is_one_space() {
            return Ok(raw);
        }
        let raw = if self.is_uneven() { even(raw) } else { raw };
        let dim = self.fingerprint.dim as usize;
        let start = if is_text { 0 } else { dim - raw.len().min(dim) };
        let mut vector = vec![0.0; dim];
        for (place, value) in vector.iter_mut().skip(start).zip(raw) {
            *place = value;
        }
        Ok(vector)
    }
}

/// Of length 1: else the longer of two would speak alone once they are summed.
fn even(mut vector: Vec<f32>) -> Vec<f32> {
    let squares = vector.iter().map(|value| f64::from(*value).powi(2));
    let length = squares.sum::<f64>().sqrt() as f32;
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
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
    fn takes_texts(&self) -> bool {
        self.opened.context > 0
    }

    fn takes_pictures(&self) -> bool {
        self.opened.picture.is_some()
    }

    /// Asks the worker, and once more a new one when it ended on the way.
    fn ask<T>(
        &self,
        ask: impl Fn(&mut Worker, &OpenedModel) -> Result<T, WorkerError>,
    ) -> Result<T, Failure> {
        self.rest.guard(|| self.ask_now(ask))
    }

    fn ask_now<T>(
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

#[cfg(test)]
#[path = "encoding_tests.rs"]
mod tests;
