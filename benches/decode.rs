//! Decoding of real frames: `cargo bench --bench decode -- FILE...` prints megabytes of stored
//! samples a second for every file, one JSON object a line. `benches/decode.py` does it beside
//! pydicom.

use std::time::{Duration, Instant};

use semihv_imaging::{Limits, Scan};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A file is decoded for at least this long.
const LONG_ENOUGH: Duration = Duration::from_millis(800);

fn main() {
    let files = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    for file in files {
        match measured(&file) {
            Ok(seconds) => {
                say(&serde_json::json!({ "file": file, "seconds": seconds }).to_string());
            }
            Err(error) => {
                let said = error.to_string();
                say(&serde_json::json!({ "file": file, "error": said }).to_string());
            }
        }
    }
}

fn measured(file: &str) -> Outcome<f64> {
    let scan = Scan::open(std::fs::read(file)?, None, Limits::default())?;
    let place = scan.first_look().place;
    let began = Instant::now();
    let mut best = f64::INFINITY;
    while began.elapsed() < LONG_ENOUGH {
        let start = Instant::now();
        std::hint::black_box(scan.slice(place, Limits::default())?);
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

#[expect(
    clippy::print_stdout,
    reason = "a benchmark reports on standard output"
)]
fn say(line: &str) {
    println!("{line}");
}
