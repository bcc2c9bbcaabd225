//! Full-text search over cases, questions and guideline passages: one index, one query language.
//!
//! - [`Index`] is derived data in a folder of its own: [`Index::update`] brings it up to a change
//!   number of the store, and losing it loses nothing.
//! - [`QueryText`] is a query that was read without an error; every pane and the command line use
//!   this one language (described in [`query`]).
//! - Tags and notes change all day and live in the store; a search asks [`LiveSets`] for them.
//!
//! Deliberately absent: the store, vectors, pixels, screens.

mod analysis;
mod collect;
mod complete;
mod directory;
mod document;
mod few;
#[cfg(test)]
mod fixture;
mod free_text;
mod hits;
mod index;
mod live;
mod plan;
pub mod query;
mod row_filter;
mod schema;
mod search;
#[cfg(test)]
mod search_tests;
pub mod terms;
mod update;
#[cfg(test)]
mod update_tests;
mod values;

pub use complete::Completion;
pub use document::{Change, Document, Has, NumberedChange};
pub use few::{Candidate, ChosenBy, Few, few};
pub use free_text::{FreeText, RankedRow};
pub use index::{Index, OpenIndexError, Opened, log_panics_of_the_index};
pub use live::{LiveSets, NoLiveSets};
pub use query::{FieldAbout, QueryText};
pub use search::SearchError;
pub use update::{ReadChangesError, UpdateIndexError, UpdateSummary};
