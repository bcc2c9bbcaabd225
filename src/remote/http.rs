//! One request to the server and its answer: tries, waits, limits, and what went wrong.
//!
//! It blocks, as the jobs and searches do that call it; it must not be called from an async task.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, StatusCode, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::settings::{Settings, is_loopback};

/// The server may ask for a longer pause than this; then it is an error, and said.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How soon a cancelled wait ends.
const A_NAP: Duration = Duration::from_millis(50);
/// Of a message of the server.
const LONGEST_MESSAGE: usize = 300;

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("{server} cannot be reached; is the address right, and does the server run there?")]
    Unreachable {
        server: String,
        source: reqwest::Error,
    },
    #[error("{server} did not answer within {seconds} s; try again, or ask who runs it")]
    Slow { server: String, seconds: u64 },
    #[error("the line to {server} was cut; try again")]
    Cut {
        server: String,
        source: std::io::Error,
    },
    #[error("{server} lets nobody in without a key; name its variable as qdrant_key_env")]
    NoKey { server: String },
    #[error("{server} does not accept the key in {variable}; export the right one")]
    Unauthorised { server: String, variable: String },
    #[error("{server} is too busy ({status}); try again later")]
    Busy { server: String, status: u16 },
    #[error("{server} refuses to {what} ({status}): {message}")]
    Refused {
        server: String,
        what: &'static str,
        status: u16,
        message: String,
    },
    #[error("{server} does not answer as Qdrant does when asked to {what}; is the address right?")]
    Garbage {
        server: String,
        what: &'static str,
        source: serde_json::Error,
    },
    #[error("{server} answers with more than {limit} bytes when asked to {what}")]
    TooLarge {
        server: String,
        what: &'static str,
        limit: u64,
    },
    #[error("it was cancelled")]
    Cancelled,
    #[error("secure connections cannot be set up here; look after the certificates of the system")]
    Client(#[source] reqwest::Error),
    #[error("a request cannot be written as JSON")]
    Request(#[source] serde_json::Error),
}

impl CallError {
    /// The server answered that there is no such thing.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// A request without the address of the server.
pub(crate) struct Call {
    pub(crate) what: &'static str,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn get(what: &'static str, path: impl Into<String>) -> Self {
        Self::bare(what, Method::GET, path)
    }

    pub(crate) fn delete(what: &'static str, path: impl Into<String>) -> Self {
        Self::bare(what, Method::DELETE, path)
    }

    pub(crate) fn post(what: &'static str, path: impl Into<String>) -> Self {
        Self::bare(what, Method::POST, path)
    }

    pub(crate) fn put(what: &'static str, path: impl Into<String>) -> Self {
        Self::bare(what, Method::PUT, path)
    }

    fn bare(what: &'static str, method: Method, path: impl Into<String>) -> Self {
        Self {
            what,
            method,
            path: path.into(),
            body: None,
        }
    }

    pub(crate) fn json(self, body: &impl serde::Serialize) -> Result<Self, CallError> {
        let body = serde_json::to_vec(body).map_err(CallError::Request)?;
        Ok(self.bytes(body))
    }

    pub(crate) fn bytes(self, body: Vec<u8>) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }
}

/// Every answer of Qdrant but that of its root.
#[derive(Deserialize)]
struct Envelope<T> {
    result: T,
}

#[derive(Deserialize)]
struct Trouble {
    status: TroubleStatus,
}

#[derive(Deserialize)]
struct TroubleStatus {
    error: String,
}

/// What came of one try.
enum Outcome {
    Body(Vec<u8>),
    /// It may go better after a while.
    Again(CallError, Option<Duration>),
    Failed(CallError),
}

/// The server.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    settings: Settings,
}

impl Http {
    pub(crate) fn new(settings: Settings) -> Result<Self, CallError> {
        // Another part of the program may have chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .connect_timeout(settings.patience.connect)
            .timeout(settings.patience.answer)
            // A key must not be carried on to another address.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("semihv/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&settings.url) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(CallError::Client)?;
        Ok(Self { client, settings })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn server(&self) -> String {
        self.settings.url.as_str().trim_end_matches('/').to_owned()
    }

    /// What Qdrant answers as the result.
    pub(crate) fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CallError> {
        self.ask_unless(call, &AtomicBool::new(false))
    }

    pub(crate) fn ask_unless<T: DeserializeOwned>(
        &self,
        call: &Call,
        cancelled: &AtomicBool,
    ) -> Result<T, CallError> {
        let answer: Envelope<T> = self.plain(call, cancelled)?;
        Ok(answer.result)
    }

    /// The answer as it is.
    pub(crate) fn plain<T: DeserializeOwned>(
        &self,
        call: &Call,
        cancelled: &AtomicBool,
    ) -> Result<T, CallError> {
        let body = self.body(call, cancelled)?;
        serde_json::from_slice(&body).map_err(|source| CallError::Garbage {
            server: self.server(),
            what: call.what,
            source,
        })
    }

    fn body(&self, call: &Call, cancelled: &AtomicBool) -> Result<Vec<u8>, CallError> {
        let patience = self.settings.patience;
        let mut wait = patience.first_wait;
        let mut tries = 0;
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Err(CallError::Cancelled);
            }
            tries += 1;
            match self.once(call) {
                Outcome::Body(body) => return Ok(body),
                Outcome::Failed(error) => return Err(error),
                Outcome::Again(error, told) => {
                    let pause = told.unwrap_or(wait);
                    if tries >= patience.tries || pause > LONGEST_WAIT {
                        return Err(error);
                    }
                    tracing::debug!(%error, tries, "asked again");
                    nap(pause, cancelled)?;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    fn once(&self, call: &Call) -> Outcome {
        let address = format!("{}{}", self.server(), call.path);
        let mut request = self.client.request(call.method.clone(), address);
        if let Some(key) = &self.settings.key {
            request = request.header("api-key", key.header());
        }
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        match request.send() {
            Ok(response) => self.read(call, response),
            Err(error) if error.is_timeout() && !error.is_connect() => Outcome::Failed(self.slow()),
            Err(error) => {
                let unreachable = CallError::Unreachable {
                    server: self.server(),
                    source: error.without_url(),
                };
                Outcome::Again(unreachable, None)
            }
        }
    }

    fn read(&self, call: &Call, response: Response) -> Outcome {
        let status = response.status();
        let told = response.headers().get(RETRY_AFTER);
        let told = told.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let limit = self.settings.patience.largest_answer;
        let mut body = Vec::new();
        if let Err(source) = response.take(limit + 1).read_to_end(&mut body) {
            let is_slow = source.kind() == std::io::ErrorKind::TimedOut || is_timeout(&source);
            if is_slow {
                return Outcome::Failed(self.slow());
            }
            let server = self.server();
            return Outcome::Again(CallError::Cut { server, source }, None);
        }
        if body.len() as u64 > limit {
            return Outcome::Failed(CallError::TooLarge {
                server: self.server(),
                what: call.what,
                limit,
            });
        }
        if status.is_success() {
            return Outcome::Body(body);
        }
        self.refusal(call, (status, &body), told.map(Duration::from_secs))
    }

    fn refusal(
        &self,
        call: &Call,
        (status, body): (StatusCode, &[u8]),
        told: Option<Duration>,
    ) -> Outcome {
        let server = self.server();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Outcome::Failed(match &self.settings.key {
                None => CallError::NoKey { server },
                Some(key) => CallError::Unauthorised {
                    server,
                    variable: key.variable.clone(),
                },
            });
        }
        if matches!(status.as_u16(), 429 | 502 | 503 | 504) {
            let status = status.as_u16();
            return Outcome::Again(CallError::Busy { server, status }, told);
        }
        let refused = CallError::Refused {
            server,
            what: call.what,
            status: status.as_u16(),
            message: self.message(body),
        };
        if status.is_server_error() {
            return Outcome::Again(refused, told);
        }
        Outcome::Failed(refused)
    }

    /// What the server says, in one line that a terminal can show.
    fn message(&self, body: &[u8]) -> String {
        let said = match serde_json::from_slice::<Trouble>(body) {
            Ok(trouble) => trouble.status.error,
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        };
        let said = match &self.settings.key {
            Some(key) => key.hidden(&said),
            None => said,
        };
        let visible = said.chars().map(|c| if c.is_control() { ' ' } else { c });
        let line: String = visible.take(LONGEST_MESSAGE).collect();
        match line.trim() {
            "" => "it does not say why".to_owned(),
            line => line.to_owned(),
        }
    }

    fn slow(&self) -> CallError {
        CallError::Slow {
            server: self.server(),
            seconds: self.settings.patience.answer.as_secs(),
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
        .is_some_and(reqwest::Error::is_timeout)
}

fn nap(pause: Duration, cancelled: &AtomicBool) -> Result<(), CallError> {
    let mut left = pause;
    while !left.is_zero() {
        if cancelled.load(Ordering::Relaxed) {
            return Err(CallError::Cancelled);
        }
        let step = left.min(A_NAP);
        thread::sleep(step);
        left = left.saturating_sub(step);
    }
    Ok(())
}
