//! The pools of the retriever served by an engine in the network: nearest vectors and words by BM25.
//!
//! - [`VectorPools`] and [`WordPools`] say what the retriever needs of an engine; the index on disk
//!   can stand behind them as well as a server.
//! - [`Qdrant`] is such a server, spoken to over REST. Generations are collections of their own, an
//!   alias names the one that is served, and [`Build`] makes a new one beside it.
//!
//! Deliberately absent: text. A server is given vectors, hashed terms with their weights, and
//! what is filtered by; titles and bodies stay where they are. No embeddings are made here, and no
//! store is read.

mod about;
mod building;
mod generation;
mod http;
mod pools;
mod qdrant;
mod settings;
mod weights;
mod wire;

pub use building::{Build, BuildError, BuildPlan, Built, Watch};
pub use generation::Generation;
pub use http::CallError;
pub use pools::{
    Among, Barred, Facets, PoolError, Row, Scored, VectorPools, Wanted, WordPools, Words,
};
pub use qdrant::{OpenError, Qdrant};
pub use settings::{ApiKey, Patience, Settings, SettingsError};
pub use weights::Corpus;
