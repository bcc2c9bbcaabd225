//! A log of one gigabyte: opened at its end, its lines counted, its figures read; beside them
//! `rg -c '"loss"'` on the same file.
//!
//! `cargo bench -p semihv-runs --bench logs [-- FILE]`; without FILE one is written beside the
//! other temporary files and removed at the end.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use semihv_domain::LineCount;
use semihv_runs::{FollowedLog, Place};

const BYTES: u64 = 1_000_000_000;
const ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let given = std::env::args().nth(1).filter(|it| !it.starts_with('-'));
    let folder = tempfile::tempdir()?;
    let path = match given {
        Some(given) => PathBuf::from(given),
        None => written(&folder.path().join("train.jsonl"))?,
    };
    let mut out = std::io::stdout();
    for round in 1..=ROUNDS {
        let peer = Instant::now();
        let counted = Command::new("rg")
            .args(["-c", "\"loss\""])
            .arg(&path)
            .output()?;
        let peer = peer.elapsed().as_secs_f64();
        let lines = String::from_utf8_lossy(&counted.stdout).trim().to_owned();
        let cache = folder.path().join(format!("figures-{round}"));

        let start = Instant::now();
        let mut log = FollowedLog::with_cache(&path, cache.clone());
        log.window(Place::End, (60, 0))?;
        let opened = start.elapsed().as_secs_f64();
        let mut counted = 0.0;
        loop {
            let reading = log.advance(8 << 20)?;
            let window = log.window(Place::End, (1, 0))?;
            if counted == 0.0 && matches!(window.total_lines, LineCount::Exact(_)) {
                counted = start.elapsed().as_secs_f64();
            }
            if !reading.is_behind() {
                break;
            }
        }
        log.keep();
        let all = start.elapsed().as_secs_f64();
        let points: u64 = log.series().views().iter().map(|it| it.count).sum();
        drop(log);
        let start = Instant::now();
        let mut log = FollowedLog::with_cache(&path, cache.clone());
        log.advance(8 << 20)?;
        let again = start.elapsed().as_secs_f64();
        writeln!(
            out,
            "rg {peer:.3} s ({lines} lines) | end {:.1} ms | lines {counted:.3} s, {:.2} x | figures {all:.3} s, {:.2} x, {points} points, {:.1} MB | again {:.1} ms | peak {} MB",
            opened * 1e3,
            counted / peer,
            all / peer,
            cache.metadata()?.len() as f64 / 1e6,
            again * 1e3,
            peak_megabytes(),
        )?;
    }
    Ok(())
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|it| it.trim().split(' ').next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// As a trainer logs: nine fields a line, a longer line at every 500th step.
fn written(path: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (mut state, mut bytes, mut step) = (7_u64, 0, 0_u64);
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5
    };
    while bytes < BYTES {
        step += 1;
        let at = step as f64;
        let loss = match step % 1_000_003 {
            0 => "NaN".to_owned(),
            _ => format!("{:.5}", 2.5 * (-at / 2e6).exp() + 0.3 + noise() / 20.0),
        };
        let mut line = format!(
            "{{\"ts\":{:.3},\"level\":\"info\",\"step\":{step},\"epoch\":{:.4},\"loss\":{loss},\"lr\":{:.3e},\"grad_norm\":{:.4},\"tok_s\":{:.1},\"gpu_mem_gb\":{:.2},\"rank\":0,\"msg\":\"train\"}}\n",
            1.7e9 + at * 0.42,
            at / 5e4,
            2e-5 * (1.0 - at / 1e7),
            1.0 + noise(),
            11_800.0 + noise() * 400.0,
            71.0 + noise(),
        );
        if step % 500 == 0 {
            let sample = "No effusion is seen on either side. ".repeat(12);
            line.push_str(&format!("{{\"step\":{step},\"msg\":\"eval\",\"figures\":{{\"closed\":{:.4}}},\"sample\":\"{sample}\"}}\n", 0.5 + noise()));
        }
        file.write_all(line.as_bytes())?;
        bytes += line.len() as u64;
    }
    file.flush()?;
    Ok(path.to_owned())
}
