//! `semihv-torch`: the process that holds the models, and the only one that knows libtorch.
//!
//! It answers JSON lines over stdio or a socket, and trains small projections over frozen
//! features. Deliberately absent: the store, the index, screens; semihv itself never links this.

pub mod arguments;
mod bert;
mod config;
mod cuda;
mod describe;
mod efficientnet;
mod encoder;
mod fault;
mod layers;
mod model;
mod open_clip;
mod pairs;
mod serve;
mod threads;
mod tokens;
mod train;
mod weights;

pub use fault::Fault;
pub use model::Model;
pub use serve::Session;

use arguments::{Arguments, Verb};

/// Does what was asked; the error is words for a person.
pub fn run(arguments: &Arguments) -> Result<(), String> {
    threads::settle(arguments.threads)?;
    let found = cuda::open();
    for word in &found.words {
        say(word);
    }
    match &arguments.verb {
        None => describe::print(&found).map_err(|error| error.to_string()),
        Some(Verb::Serve(how)) => serve::run(how).map_err(|error| error.to_string()),
        Some(Verb::TrainRetriever(how)) => train::run(how).map_err(|error| error.to_string()),
    }
}

/// For people who watch; programs read standard output.
pub fn say(words: &str) {
    use std::io::Write as _;
    // Where nobody listens there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "semihv-torch: {words}");
}
