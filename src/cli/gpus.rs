//! `gpus`: what the GPUs here and on the hosts do, once or again and again.

use std::thread;
use std::time::{Duration, Instant};

use semihv_domain::{Failure, FailureKind, Gpu, GpuProcess};
use semihv_engine::{Engine, HostGpus};

use crate::output::{Output, VerbError};

/// For every machine to tell something: connecting takes a while.
const PATIENCE: Duration = Duration::from_secs(40);
const TICK: Duration = Duration::from_millis(50);
/// As often as there are new figures.
const LOOK: Duration = Duration::from_secs(2);

pub(crate) fn gpus(
    engine: &Engine,
    host: Option<&str>,
    is_watching: bool,
    output: &mut Output,
) -> Result<(), VerbError> {
    let mut shown = settled(engine, host)?;
    print(&shown, output)?;
    if !is_watching {
        return Ok(verdict(&shown)?);
    }
    loop {
        thread::sleep(LOOK);
        let machines = asked(engine, host)?;
        let changed: Vec<HostGpus> = machines
            .iter()
            .filter(|machine| !shown.iter().any(|before| is_same(before, machine)))
            .cloned()
            .collect();
        if changed.is_empty() {
            continue;
        }
        if !output.is_json() {
            output.line("")?;
        }
        print(&changed, output)?;
        shown = machines;
    }
}

fn asked(engine: &Engine, host: Option<&str>) -> Result<Vec<HostGpus>, Failure> {
    match host {
        Some(host) => Ok(vec![engine.gpus_of(host)?]),
        None => engine.gpus(),
    }
}

fn settled(engine: &Engine, host: Option<&str>) -> Result<Vec<HostGpus>, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let machines = asked(engine, host)?;
        if machines.iter().all(HostGpus::is_settled) || Instant::now() >= deadline {
            return Ok(machines);
        }
        thread::sleep(TICK);
    }
}

/// But for when it was looked at and how it went before.
fn is_same(before: &HostGpus, now: &HostGpus) -> bool {
    let plain = |machine: &HostGpus| {
        let mut machine = machine.clone();
        machine.seen_at = None;
        for gpu in &mut machine.gpus {
            gpu.uses.clear();
            gpu.idle_seconds = gpu.idle_seconds.filter(|_| gpu.is_idle()).map(|it| it / 60);
        }
        machine
    };
    plain(before) == plain(now)
}

/// Where no GPU is seen at all, why.
fn verdict(machines: &[HostGpus]) -> Result<(), Failure> {
    if machines.iter().any(|machine| !machine.gpus.is_empty()) {
        return Ok(());
    }
    let failures = || machines.iter().filter_map(HostGpus::failure);
    // That this machine has none says less than that a host cannot be asked.
    let mut of_a_host = machines.iter().filter(|it| !it.has_no_tool());
    let worst = of_a_host.find_map(HostGpus::failure);
    Err(worst.or_else(|| failures().next()).unwrap_or_else(|| {
        Failure::new("gpus", FailureKind::Config, "no GPU was told of in time")
            .with_hint("run nvidia-smi or rocm-smi by hand to see what is wrong")
    }))
}

fn print(machines: &[HostGpus], output: &mut Output) -> Result<(), VerbError> {
    for machine in machines {
        if output.is_json() {
            output.json(machine)?;
            continue;
        }
        output.line(&heading(machine))?;
        for gpu in &machine.gpus {
            output.line(&line(gpu))?;
            for part in &gpu.instances {
                let memory = memory(part.memory_used_mib, part.memory_total_mib);
                let (of, at) = (part.gpu_instance, part.compute_instance);
                output.line(&format!("     MIG {of}/{at}  {memory}"))?;
            }
            for process in &gpu.processes {
                output.line(&computing(process))?;
            }
        }
        for process in &machine.processes {
            output.line(&computing(process))?;
        }
    }
    Ok(output.finish()?)
}

fn heading(machine: &HostGpus) -> String {
    let name = machine.host.as_deref().unwrap_or("this machine");
    if let Some(why) = machine.silence() {
        let seen = machine.seen_at.map(|at| (now() - at / 1_000).max(0));
        let seen = seen.map_or(String::new(), |ago| format!(", last seen {ago} s ago"));
        return format!("{name}  ! {why}{seen}");
    }
    match (&machine.trouble, &machine.tool) {
        (Some(trouble), _) if trouble.has_no_tool => format!("{name}  {}", trouble.summary),
        (Some(trouble), _) => format!("{name}  ! {}: {}", trouble.summary, trouble.hint),
        (None, Some(tool)) => format!("{name}  {}", tool.name()),
        (None, None) => format!("{name}  no answer yet"),
    }
}

fn now() -> i64 {
    semihv_engine::now()
}

/// `  0  NVIDIA H100 80GB HBM3   98 %   71/80 GB   690/700 W  64 °C  1980 MHz  P0`.
fn line(gpu: &Gpu) -> String {
    let (card, of) = (&gpu.card, &gpu.figures);
    let figure = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let whole = |value: Option<f32>| figure(value.map(|it| format!("{it:.0}")));
    let power = format!(
        "{}/{}",
        whole(of.power_watts),
        whole(card.power_limit_watts)
    );
    let mut line = format!(
        "{:>3}  {:<24} {:>5} %  {:>10}  {:>9} W  {:>3} °C  {:>5} MHz  {:<3}",
        card.index,
        figure(card.name.clone()),
        figure(of.use_percent.map(|it| it.to_string())),
        memory(of.memory_used_mib, card.memory_total_mib),
        power,
        whole(of.temperature_c),
        figure(of.sm_clock_mhz.map(|it| it.to_string())),
        of.pstate.as_deref().unwrap_or("-"),
    );
    let mut remarks: Vec<String> = of.throttle.iter().map(|it| it.said().to_owned()).collect();
    if of.is_lost {
        remarks.push("lost !".to_owned());
    }
    if card.is_mig == Some(true) {
        remarks.push("MIG".to_owned());
    }
    if let Some(errors) = of.ecc_uncorrected.filter(|errors| *errors > 0) {
        remarks.push(format!("ECC {errors} !"));
    }
    if let Some(idle) = gpu.idle_seconds.filter(|_| gpu.is_idle()) {
        remarks.push(format!("idle {} min !", idle / 60));
    }
    if let Some(to) = &gpu.allocated_to {
        remarks.push(format!("given to {to}"));
    }
    if !remarks.is_empty() {
        line.push_str("  ");
        line.push_str(&remarks.join(", "));
    }
    line.trim_end().to_owned()
}

fn memory(used: Option<u64>, total: Option<u64>) -> String {
    let gb = |mib: Option<u64>| mib.map_or("-".to_owned(), |it| ((it + 512) / 1_024).to_string());
    format!("{}/{} GB", gb(used), gb(total))
}

fn computing(process: &GpuProcess) -> String {
    let memory = process.memory_mib.map(|it| format!("  {it} MiB"));
    let run = process.run.as_ref().map(|run| format!("  {run}"));
    format!(
        "     {} {}{}{}",
        process.pid,
        process.name,
        memory.unwrap_or_default(),
        run.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use semihv_domain::{GpuCard, GpuFigures};
    use semihv_engine::GpuTrouble;

    use super::*;

    #[test]
    fn a_gpu_is_one_line() {
        let gpu = Gpu {
            card: GpuCard {
                index: 2,
                name: Some("NVIDIA H100 80GB HBM3".to_owned()),
                memory_total_mib: Some(81_559),
                power_limit_watts: Some(700.0),
                ..GpuCard::default()
            },
            figures: GpuFigures {
                use_percent: Some(0),
                memory_used_mib: Some(2_048),
                power_watts: Some(92.4),
                ..GpuFigures::default()
            },
            idle_seconds: Some(845),
            ..Gpu::default()
        };
        assert_eq!(
            line(&gpu),
            "  2  NVIDIA H100 80GB HBM3        0 %     2/80 GB     92/700 W    - °C      - MHz  -    idle 14 min !"
        );
    }

    #[test]
    fn where_nothing_is_seen_the_host_is_named_before_this_machine() {
        let trouble = |has_no_tool| GpuTrouble {
            summary: "no GPU tool was found".to_owned(),
            hint: "install one".to_owned(),
            has_no_tool,
        };
        let here = HostGpus {
            trouble: Some(trouble(true)),
            ..HostGpus::default()
        };
        let far = HostGpus {
            host: Some("far".to_owned()),
            silent: Some("far cannot be asked: no route".to_owned()),
            ..HostGpus::default()
        };
        let failure = verdict(&[here.clone(), far]).unwrap_err();
        assert_eq!(failure.summary, "far cannot be asked: no route");
        let failure = verdict(&[here]).unwrap_err();
        assert_eq!(failure.summary, "this machine: no GPU tool was found");
        assert_eq!(failure.hint.as_deref(), Some("install one"));
    }
}
