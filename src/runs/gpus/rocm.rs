//! What `rocm-smi --json` says, in the words of several versions: names of figures change, so each is
//! looked for under all that were seen.

use semihv_domain::{GpuCard, GpuFigures, GpuProcess};
use serde_json::{Map, Value};

use super::csv::{count, number, said};
use super::nvidia::percent;

/// The shortest question that answers all that is shown: the whole (`--showall`) takes seconds.
pub(super) const ARGUMENTS: [&str; 11] = [
    "--showuse",
    "--showmeminfo",
    "vram",
    "--showtemp",
    "--showpower",
    "--showmaxpower",
    "--showclocks",
    "--showproductname",
    "--showuniqueid",
    "--showpids",
    "--json",
];

const MOST_CARDS: usize = 1_024;
const MOST_PROCESSES: usize = 4_096;
const MIB: u64 = 1 << 20;

/// Cards and processes; none where the text is no answer of this tool.
pub(super) type Said = (Vec<(GpuCard, GpuFigures)>, Vec<GpuProcess>);

/// The tool prints warnings around its answer.
pub(super) fn parse(text: &str) -> Option<Said> {
    let from = text.find('{')?;
    let to = text.rfind('}')? + 1;
    let all: Map<String, Value> = serde_json::from_str(text.get(from..to)?).ok()?;
    let mut cards: Vec<(GpuCard, GpuFigures)> = Vec::new();
    for (name, card) in all.iter().take(MOST_CARDS) {
        let index = name.strip_prefix("card").and_then(|it| it.parse().ok());
        if let (Some(index), Some(card)) = (index, card.as_object()) {
            cards.push(one(index, card));
        }
    }
    cards.sort_by_key(|(card, _)| card.index);
    let system = all.get("system").and_then(Value::as_object);
    let processes = system.map(processes).unwrap_or_default();
    (!cards.is_empty()).then_some((cards, processes))
}

fn one(index: u32, card: &Map<String, Value>) -> (GpuCard, GpuFigures) {
    let text = |names: &[&str]| {
        let mut names = names.iter();
        names.find_map(|name| said(card.get(*name)?.as_str()?))
    };
    let figure = |names: &[&str]| text(names).and_then(|it| number(&it));
    let mib = |names: &[&str]| text(names).and_then(|it| count(&it)).map(|it| it / MIB);
    let clock = |name: &str| {
        let said = text(&[name])?;
        let digits = said.trim_matches(['(', ')']).trim_end_matches("Mhz");
        count(digits).map(|it| it as u32)
    };
    let of_card = GpuCard {
        index,
        uuid: text(&["Unique ID"]),
        name: text(&["Card Series", "Card series", "Device Name"]),
        memory_total_mib: mib(&["VRAM Total Memory (B)"]),
        power_limit_watts: figure(&["Max Graphics Package Power (W)"]).map(|it| it as f32),
        is_mig: None,
    };
    let power = [
        "Average Graphics Package Power (W)",
        "Current Socket Graphics Package Power (W)",
    ];
    let figures = GpuFigures {
        use_percent: figure(&["GPU use (%)"]).map(|it| percent(it.max(0.0) as u64)),
        memory_used_mib: mib(&["VRAM Total Used Memory (B)"]),
        power_watts: figure(&power).map(|it| it as f32),
        temperature_c: figure(&[
            "Temperature (Sensor edge) (C)",
            "Temperature (Sensor junction) (C)",
        ])
        .map(|it| it as f32),
        sm_clock_mhz: clock("sclk clock speed:"),
        memory_clock_mhz: clock("mclk clock speed:"),
        ..GpuFigures::default()
    };
    (of_card, figures)
}

/// `"PID104225": "name, GPUs, bytes, …"`: on which GPU is not said.
fn processes(system: &Map<String, Value>) -> Vec<GpuProcess> {
    let found = system.iter().filter_map(|(name, value)| {
        let pid = name.strip_prefix("PID")?.parse().ok()?;
        let mut parts = value
            .as_str()?
            .rsplitn(5, ", ")
            .collect::<Vec<_>>()
            .into_iter()
            .rev();
        let name = said(parts.next()?).unwrap_or_default();
        let gpus = parts.next().and_then(count);
        let bytes = parts.next().and_then(count);
        // One that holds none is listed too.
        let is_there = gpus.is_some_and(|gpus| gpus > 0) || bytes.is_some_and(|it| it > 0);
        is_there.then_some(GpuProcess {
            gpu: None,
            pid,
            name,
            memory_mib: bytes.map(|it| it / MIB),
            run: None,
        })
    });
    found.take(MOST_PROCESSES).collect()
}
