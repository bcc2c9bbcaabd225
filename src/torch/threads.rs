//! How many threads compute, said explicitly: threads of OpenMP that spin starve each other on a
//! machine that is shared.

use std::env;
use std::num::NonZero;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread::available_parallelism;

use semihv_encoders::worker::ENVIRONMENT;

/// Sets the threads; starts the program anew, once, where nobody said how idle threads wait and
/// what happens to freed memory: both are read when a process begins and never again.
pub(crate) fn settle(asked: Option<usize>) -> Result<(), String> {
    let all = available_parallelism().map_or(1, NonZero::get);
    let threads = asked.unwrap_or(all);
    if !(1..=1024).contains(&threads) {
        return Err(format!("{threads} threads; say a number from 1 to 1024"));
    }
    let unsaid = |(name, _): &(&str, &str)| env::var_os(name).is_none();
    let missing: Vec<(&str, &str)> = ENVIRONMENT.into_iter().filter(unsaid).collect();
    if !missing.is_empty() {
        let program = env::current_exe().map_err(|error| error.to_string())?;
        let error = Command::new(program)
            .args(env::args_os().skip(1))
            .envs(missing)
            .exec();
        return Err(format!("cannot start again with other settings: {error}"));
    }
    tch::set_num_threads(threads as i32);
    tch::set_num_interop_threads(1);
    Ok(())
}
