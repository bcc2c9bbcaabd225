//! What `nvidia-smi` is asked and what its answers mean.

use std::collections::BTreeSet;

use semihv_domain::{GpuCard, GpuFigures, GpuProcess, Throttle};

use super::csv::{Header, Row};

/// Each by its names, the newer first: drivers rename fields, and one unknown name fails the whole
/// question.
const FIELDS: [&[&str]; 16] = [
    &["index"],
    &["uuid", "gpu_uuid"],
    &["name", "gpu_name"],
    &["utilization.gpu"],
    &["memory.used"],
    &["memory.total"],
    &["power.draw"],
    &["power.limit"],
    &["temperature.gpu"],
    &["clocks.sm", "clocks.current.sm"],
    &["clocks.mem", "clocks.current.memory"],
    &["pstate"],
    &[THROTTLE, OLD_THROTTLE],
    &["ecc.errors.uncorrected.volatile.total"],
    &["mig.mode.current"],
    &["count"],
];
const THROTTLE: &str = "clocks_event_reasons.active";
const OLD_THROTTLE: &str = "clocks_throttle_reasons.active";

/// Bits of that field, as the driver's library defines them.
const REASONS: [(u64, Throttle); 6] = [
    (0x04, Throttle::PowerCap),
    (0x08, Throttle::HardwareSlowdown),
    (0x10, Throttle::SyncBoost),
    (0x20, Throttle::Thermal),
    (0x40, Throttle::HardwareThermal),
    (0x80, Throttle::PowerBrake),
];

/// Of what it says once, beyond any real number of GPUs and of processes.
const MOST_INDEX: u64 = 1_023;
const MOST_PROCESSES: usize = 4_096;

/// Fields that this driver knows, by its own list (`--help-query-gpu`); none where that is no list.
pub(super) fn known_fields(help: &str) -> Option<Vec<&'static str>> {
    let mut known = BTreeSet::new();
    for line in help.lines().filter(|line| line.starts_with('"')) {
        known.extend(line.split('"').skip(1).step_by(2));
    }
    let chosen = FIELDS.iter().filter_map(|names| {
        let mut names = names.iter();
        names.find(|name| known.contains(*name)).copied()
    });
    let chosen: Vec<&str> = chosen.collect();
    // Rows without a number cannot be told apart.
    chosen.contains(&"index").then_some(chosen)
}

/// The columns of rows about GPUs; none for any other line.
pub(super) fn header(line: &str) -> Option<Header> {
    Header::parse(line, "index")
}

/// One GPU; none for a line that is no row.
pub(super) fn gpu(header: &Header, line: &str) -> Option<(GpuCard, GpuFigures)> {
    let row = header.row(line, None)?;
    let index = row.count("index").filter(|index| *index <= MOST_INDEX)?;
    let either = |new: &str, old: &str| row.number(new).or_else(|| row.number(old));
    let is_mig = row.text("mig.mode.current");
    let card = GpuCard {
        index: index as u32,
        uuid: row.text("uuid").or_else(|| row.text("gpu_uuid")),
        name: row.text("name").or_else(|| row.text("gpu_name")),
        memory_total_mib: row.count("memory.total"),
        power_limit_watts: row.number("power.limit").map(|watts| watts as f32),
        is_mig: is_mig.map(|mode| mode == "Enabled"),
    };
    let figures = GpuFigures {
        use_percent: row.count("utilization.gpu").map(percent),
        memory_used_mib: row.count("memory.used"),
        power_watts: row.number("power.draw").map(|watts| watts as f32),
        temperature_c: row.number("temperature.gpu").map(|degrees| degrees as f32),
        sm_clock_mhz: either("clocks.current.sm", "clocks.sm").map(|clock| clock as u32),
        memory_clock_mhz: either("clocks.current.memory", "clocks.mem").map(|clock| clock as u32),
        pstate: row.text("pstate"),
        throttle: throttle(&row),
        ecc_uncorrected: row.count("ecc.errors.uncorrected.volatile.total"),
        is_lost: is_lost(&row),
    };
    Some((card, figures))
}

pub(super) fn percent(value: u64) -> u8 {
    value.min(100) as u8
}

fn throttle(row: &Row<'_>) -> Vec<Throttle> {
    let mask = row.raw(THROTTLE).or_else(|| row.raw(OLD_THROTTLE));
    let digits = mask.and_then(|mask| mask.strip_prefix("0x"));
    let mask = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    reasons(mask.unwrap_or(0))
}

fn reasons(mask: u64) -> Vec<Throttle> {
    let set = REASONS.iter().filter(|(bit, _)| mask & bit != 0);
    set.map(|(_, reason)| *reason).collect()
}

fn is_lost(row: &Row<'_>) -> bool {
    let says = |value: &&str| value.contains("GPU is lost");
    row.values().iter().any(says)
}

/// Processes of `--query-compute-apps`, each with the `uuid` of its GPU.
pub(super) fn processes(text: &str) -> Vec<(String, GpuProcess)> {
    let mut header: Option<Header> = None;
    let mut found = Vec::new();
    for line in text.lines().take(MOST_PROCESSES) {
        if let Some(known) = Header::parse(line, "pid") {
            header = Some(known);
        } else if let Some(process) = header.as_ref().and_then(|header| process(header, line)) {
            found.push(process);
        }
    }
    found
}

fn process(header: &Header, line: &str) -> Option<(String, GpuProcess)> {
    let row = header.row(line, Some("process_name"))?;
    let pid = row.count("pid")?;
    let process = GpuProcess {
        gpu: None,
        pid: i32::try_from(pid).ok().filter(|pid| *pid > 0)?,
        name: row.text("process_name").unwrap_or_default(),
        memory_mib: row
            .count("used_gpu_memory")
            .or_else(|| row.count("used_memory")),
        run: None,
    };
    let uuid = row.text("gpu_uuid").or_else(|| row.text("uuid"))?;
    Some((uuid, process))
}
