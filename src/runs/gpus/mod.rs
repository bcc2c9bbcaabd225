//! The GPUs of the machine on which this runs: what their tools print is read by pure parsers, kept
//! in a book that tells what changed, and sampled by one process for as long as somebody asks.
//!
//! Deliberately absent: NVML itself, which would be a library to load; what a scheduler gave to whom.

mod asking;
mod book;
mod csv;
mod nvidia;
mod owners;
mod rocm;
mod sampler;
mod trouble;
mod watched;
mod xml;

pub use book::{GpuMark, GpuNews, GpuNewsOf};
pub use sampler::GpuWatch;
pub use trouble::GpuTrouble;
pub use watched::WatchedGpus;

#[cfg(test)]
mod sampler_tests;
#[cfg(test)]
mod tests;
