//! The program `semihv-torch`; everything it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;
use semihv_torch::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match semihv_torch::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            semihv_torch::say(&words);
            ExitCode::FAILURE
        }
    }
}
