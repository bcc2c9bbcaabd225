//! Runs that Slurm starts: a batch job whose only process is the run's supervisor.
//!
//! What our own records say is believed first, then accounting, then the queue; where Slurm cannot be
//! asked nothing is said to have ended. Who asks runs on the login node.

mod ask;
mod job;
mod script;
mod state;
mod status;

pub use ask::{Slurm, SlurmError, cancel_job};
pub use job::{JobView, SubmitError, job_of, look_at_job, submit_job, tasks};
pub(crate) use job::{attempt_of_job, begin_in_job};
