//! The index on a server: how it is reached, and what stands there.

mod names;
mod push;
mod there;

use std::sync::Arc;
use std::time::{Duration, Instant};

use semihv_domain::{Failure, FailureKind, Pool};
use semihv_remote::{ApiKey, Generation, Patience, Qdrant, Settings, VectorPools};

use crate::Engine;
use crate::engine::locked;
use crate::failures::OrFail;

pub(crate) use push::run;
pub(crate) use there::{There, wanted};

/// After so long it is asked whether a newer index is served.
const FRESH: Duration = Duration::from_mins(1);
/// A server that cannot be reached is not asked again before.
const LEFT_ALONE: Duration = Duration::from_secs(15);

/// An index that is served.
#[derive(Debug)]
pub(crate) struct ServedIndex {
    pub(crate) generation: Generation,
    /// Rows with a vector, of all pools.
    pub(crate) rows: usize,
}

/// The last answer of the server, and when it was.
pub(crate) type KeptServed = Option<(Instant, Result<Arc<ServedIndex>, Failure>)>;

/// Somebody waits for a search.
fn in_a_hurry() -> Patience {
    Patience {
        connect: Duration::from_secs(3),
        answer: Duration::from_secs(20),
        tries: 2,
        ..Patience::default()
    }
}

impl Engine {
    /// The index that is served now, asked for again from time to time.
    pub(crate) fn served(&self) -> Result<Arc<ServedIndex>, Failure> {
        let mut slot = locked(&self.inner.served);
        let before = match slot.as_ref() {
            Some((at, Ok(index))) if at.elapsed() < FRESH => return Ok(Arc::clone(index)),
            Some((at, Err(failure))) if at.elapsed() < LEFT_ALONE => return Err(failure.clone()),
            Some((_, Ok(index))) => Some(Arc::clone(index)),
            _ => None,
        };
        let found = self.open_served(before);
        *slot = Some((Instant::now(), found.clone()));
        found
    }

    /// The generation that was last seen there, without asking.
    pub(crate) fn last_served(&self) -> Option<u64> {
        match locked(&self.inner.served).as_ref() {
            Some((_, Ok(index))) => Some(index.generation.generation()),
            _ => None,
        }
    }

    pub(crate) fn forget_served(&self) {
        *locked(&self.inner.served) = None;
    }

    /// The server of the settings.
    pub(crate) fn server(&self, patience: Patience) -> Result<Qdrant, Failure> {
        let settings = self.settings();
        let url = settings.qdrant_url.value;
        if url.is_empty() {
            let summary = "no server is named for the index";
            return Err(Failure::new("server", FailureKind::User, summary).with_hint(
                "write qdrant_url = \"https://host:6333\" into your own settings (`semihv config` says where)",
            ));
        }
        let variable = settings.qdrant_key_env.value;
        let key = if variable.is_empty() {
            None
        } else {
            Some(ApiKey::from_env(&variable).or_fail("server")?)
        };
        let collection = &settings.qdrant_collection.value;
        let mut server = Settings::new(&url, collection, key).or_fail("server")?;
        server.patience = patience;
        Qdrant::connect(server).or_fail("server")
    }

    fn open_served(&self, before: Option<Arc<ServedIndex>>) -> Result<Arc<ServedIndex>, Failure> {
        let opened = self.server(in_a_hurry())?.open().or_fail("server")?;
        let Some(generation) = opened else {
            let name = self.settings().qdrant_collection.value;
            let summary = format!("there is no index called {name} on the server yet");
            return Err(Failure::new("server", FailureKind::User, summary)
                .with_hint("bring it there with `semihv vectors --push`"));
        };
        if let Some(before) = before
            && before.generation.collection() == generation.collection()
        {
            return Ok(before);
        }
        let mut rows = 0;
        for pool in Pool::ALL {
            if generation.pools().iter().any(|known| known == pool.name()) {
                rows += generation.rows(pool.name()).or_fail("server")?;
            }
        }
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        Ok(Arc::new(ServedIndex { generation, rows }))
    }
}
