//! The parsers against everything that was recorded, and against what nobody would print.

use proptest::prelude::*;
use semihv_domain::{Gpu, GpuCard, GpuFigures, GpuProcess, Throttle};
use semihv_testkit::real_data;

use super::book::{Book, GpuMark, GpuNews, KEPT, still_idle};
use super::watched::WatchedGpus;
use super::{nvidia, rocm, xml};

fn recorded(name: &str) -> Option<String> {
    let path = real_data()?.join("nvidia_smi").join(name);
    Some(std::fs::read_to_string(path).unwrap())
}

const H100: &str = "captures/linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01.txt";
const H200: &str = "captures/linux-x86_64__nvidia-h200__590.48.01.txt";
const MIG: &str = "captures/linux-x86_64__nvidia-h100-mig__590.48.01.txt";
const L40S: &str = "captures/linux-x86_64__nvidia-l40s__595.80.txt";

/// The output under a heading of a recording.
#[track_caller]
fn section(recording: &str, heading: &str) -> String {
    let bar = "#".repeat(80);
    let opening = format!("{bar}\n# ");
    let mut parts = recording.split(&opening).skip(1);
    let part = parts.find(|part| part.starts_with(heading)).unwrap();
    let (_, body) = part.split_once(&format!("{bar}\n")).unwrap();
    body.to_owned()
}

/// All GPUs of rows with their header.
fn gpus(text: &str) -> Vec<(GpuCard, GpuFigures)> {
    let mut header = None;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(known) = nvidia::header(line) {
            header = Some(known);
        } else if let Some(header) = &header {
            found.extend(nvidia::gpu(header, line));
        }
    }
    found
}

fn figures(gpu: &(GpuCard, GpuFigures)) -> String {
    let (card, figures) = gpu;
    let said = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let whole = |value: Option<f32>| said(value.map(|it| it.to_string()));
    format!(
        "{} {}: {} % {}/{} MiB {}/{} W {} C {}/{} MHz {} ecc {} mig {:?} {:?}",
        card.index,
        said(card.name.clone()),
        said(figures.use_percent.map(|it| it.to_string())),
        said(figures.memory_used_mib.map(|it| it.to_string())),
        said(card.memory_total_mib.map(|it| it.to_string())),
        whole(figures.power_watts),
        whole(card.power_limit_watts),
        whole(figures.temperature_c),
        said(figures.sm_clock_mhz.map(|it| it.to_string())),
        said(figures.memory_clock_mhz.map(|it| it.to_string())),
        said(figures.pstate.clone()),
        said(figures.ecc_uncorrected.map(|it| it.to_string())),
        card.is_mig,
        figures.throttle,
    )
}

#[test]
fn rows_of_all_recordings_say_what_was_read_by_hand() {
    #[track_caller]
    fn check(file: &str, state: &str, expected: &str) {
        let Some(recording) = recorded(file) else {
            return;
        };
        let found = gpus(&section(&recording, &format!("{state} :: query-gpu")));
        let [gpu] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(figures(gpu), expected);
    }
    let name = "0 NVIDIA H100 80GB HBM3";
    check(
        H100,
        "load",
        &format!(
            "{name}: 100 % 19818/81559 MiB 631.95/700 W 59 C 1980/2619 MHz P0 ecc 0 mig Some(false) []"
        ),
    );
    check(
        H100,
        "idle",
        &format!(
            "{name}: 0 % 0/81559 MiB 69.85/700 W 41 C 345/2619 MHz P0 ecc 0 mig Some(false) []"
        ),
    );
    check(
        MIG,
        "load",
        &format!(
            "{name}: - % 11125/81559 MiB 433.78/700 W 53 C 1980/2619 MHz P0 ecc 0 mig Some(true) []"
        ),
    );
    check(
        MIG,
        "idle",
        &format!(
            "{name}: - % 59/81559 MiB 71.15/700 W 42 C 345/2619 MHz P0 ecc 0 mig Some(true) []"
        ),
    );
    check(
        H200,
        "load",
        "0 NVIDIA H200: 100 % 32362/143771 MiB 627.4/700 W 52 C 1980/3201 MHz P0 ecc 0 mig Some(false) []",
    );
    check(
        H200,
        "idle",
        "0 NVIDIA H200: 0 % 0/143771 MiB 77.71/700 W 28 C 345/3201 MHz P0 ecc 0 mig Some(false) []",
    );
    check(
        L40S,
        "load",
        "0 NVIDIA L40S: 9 % 1235/46068 MiB 110.23/350 W 54 C 2520/9001 MHz P0 ecc 0 mig None []",
    );
    check(
        L40S,
        "idle",
        "0 NVIDIA L40S: 100 % 0/46068 MiB 144.97/350 W 63 C 2520/9001 MHz P0 ecc 0 mig None []",
    );
}

#[test]
fn processes_of_the_recordings_are_found() {
    #[track_caller]
    fn check(file: &str, state: &str, expected: &[(i32, &str, u64)]) {
        let Some(recording) = recorded(file) else {
            return;
        };
        let text = section(&recording, &format!("{state} :: query-compute-apps"));
        let found = nvidia::processes(&text);
        let found: Vec<(i32, &str, u64)> = found
            .iter()
            .map(|(_, it)| (it.pid, it.name.as_str(), it.memory_mib.unwrap()))
            .collect();
        assert_eq!(found, expected);
    }
    let memhog = &["/", "root/tools/memhog"].concat();
    check(H100, "idle", &[]);
    check(
        MIG,
        "load",
        &[
            (21180, memhog, 2296),
            (21181, memhog, 1272),
            (21198, "./gpu_burn", 7484),
        ],
    );
    check(
        L40S,
        "load",
        &[(20037, "ffmpeg", 538), (20038, "ffmpeg", 681)],
    );
    let Some(recording) = recorded(H100) else {
        return;
    };
    let found = nvidia::processes(&section(&recording, "load :: query-compute-apps"));
    let found: Vec<(i32, Option<u64>)> =
        found.iter().map(|it| (it.1.pid, it.1.memory_mib)).collect();
    assert_eq!(
        found,
        [
            (11327, Some(2566)),
            (11328, Some(1542)),
            (11345, Some(15690))
        ]
    );
}

#[test]
fn only_fields_that_the_driver_knows_are_asked_for() {
    #[track_caller]
    fn check(help: &str, expected: &str) {
        let fields = nvidia::known_fields(help).unwrap();
        assert_eq!(fields.join(","), expected);
    }
    let all = "index,uuid,name,utilization.gpu,memory.used,memory.total,power.draw,power.limit,temperature.gpu,clocks.sm,clocks.mem,pstate,clocks_event_reasons.active,ecc.errors.uncorrected.volatile.total,mig.mode.current,count";
    for file in [H100, H200, MIG, L40S] {
        if let Some(recording) = recorded(file) {
            check(&section(&recording, "capabilities :: help-query-gpu"), all);
        }
    }
    let old = "\"index\"\nThe index.\n\n\"clocks_throttle_reasons.active\"\n\"clocks.current.sm\" or \"clocks.sm\"\n";
    check(old, "index,clocks.sm,clocks_throttle_reasons.active");
    let none = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
    assert_eq!(nvidia::known_fields(none), None);
}

#[test]
fn rows_are_read_by_the_names_of_their_header() {
    #[track_caller]
    fn check(header: &str, row: &str, expected: &str) {
        let found = gpus(&format!("{header}\n{row}\n"));
        let said: Vec<String> = found.iter().map(figures).collect();
        assert_eq!(said.join("|"), expected);
    }
    let nothing = "-/- MiB -/- W - C -/- MHz - ecc - mig None []";
    check(
        "memory.used [MiB], index",
        "12, 3",
        "3 -: - % 12/- MiB -/- W - C -/- MHz - ecc - mig None []",
    );
    check(
        "index, utilization.gpu [%]",
        "0, [N/A]",
        &format!("0 -: - % {nothing}"),
    );
    check(
        "index, utilization.gpu [%]",
        "0, [Not Supported]",
        &format!("0 -: - % {nothing}"),
    );
    check(
        "index, utilization.gpu [%]",
        "0, [Requested functionality has been deprecated]",
        &format!("0 -: - % {nothing}"),
    );
    check(
        "index, utilization.gpu [%]",
        "0, ERR!",
        &format!("0 -: - % {nothing}"),
    );
    check(
        "index, utilization.gpu [%]",
        "0, 250 %",
        &format!("0 -: 100 % {nothing}"),
    );
    check(
        "index, clocks_throttle_reasons.active",
        "1, 0x00000000000000cd",
        "1 -: - % -/- MiB -/- W - C -/- MHz - ecc - mig None [PowerCap, HardwareSlowdown, HardwareThermal, PowerBrake]",
    );
    // Fewer values than names, no number, a number beyond all machines.
    check("index, pstate", "0", "");
    check("index, pstate", "x, P0", "");
    check("index, pstate", "99999999, P0", "");
    let lost =
        gpus("index, utilization.gpu [%], power.draw [W]\n2, [GPU is lost], [GPU is lost]\n");
    assert!(lost[0].1.is_lost);
    assert!(Throttle::HardwareThermal.is_trouble() && !Throttle::PowerCap.is_trouble());
}

#[test]
fn a_name_with_commas_stays_a_name() {
    let text = "gpu_uuid, pid, process_name, used_gpu_memory [MiB]\nGPU-1, 7, python3 -c a, b, c, 512\nGPU-1, 8, [Not Found], [N/A]\n";
    let found = nvidia::processes(text);
    let said: Vec<(i32, &str, Option<u64>)> = found
        .iter()
        .map(|(_, it)| (it.pid, it.name.as_str(), it.memory_mib))
        .collect();
    assert_eq!(said, [(7, "python3 -c a, b, c", Some(512)), (8, "", None)]);
}

#[test]
fn instances_are_read_from_every_version_of_the_document() {
    #[track_caller]
    fn check(file: &str, expected: &[(u32, u32, u64, u64)]) {
        let Some(text) = recorded(&format!("xml/{file}")) else {
            return;
        };
        let found = xml::instances(&text);
        let said: Vec<(u32, u32, u64, u64)> = found
            .iter()
            .map(|(_, it)| {
                let memory = (it.memory_used_mib.unwrap(), it.memory_total_mib.unwrap());
                (it.gpu_instance, it.compute_instance, memory.0, memory.1)
            })
            .collect();
        assert_eq!(said, expected);
        let uuid = "GPU-513536b6-7d19-9063-b049-1e69664bb298";
        assert!(found.iter().all(|(of, _)| of == uuid));
    }
    check(
        "a100-sxm4-v12.xml",
        &[3, 4, 5, 6].map(|it| (it, 0, 12, 19968)),
    );
    for undivided in [
        "a10g.xml",
        "rtx-3080-v13.xml",
        "rtx-4000-sff-ada-v13.xml",
        "tesla-t4.xml",
    ] {
        check(undivided, &[]);
    }
}

#[test]
fn three_versions_of_rocm_smi_are_read() {
    #[track_caller]
    fn check(file: &str, cards: usize, first: &str, processes: &[(i32, &str)]) {
        let Some(text) = recorded(&format!("rocm/{file}")) else {
            return;
        };
        let noisy = format!("WARNING: AMD GPU device(s) is/are in a low-power state.\n{text}\n");
        for text in [text, noisy] {
            let (found, all) = rocm::parse(&text).unwrap();
            assert_eq!((found.len(), figures(&found[0]).as_str()), (cards, first));
            let said: Vec<(i32, &str)> = all.iter().map(|it| (it.pid, it.name.as_str())).collect();
            assert_eq!(said, processes);
        }
    }
    let mi100 = "0 Arcturus GL-XL [Instinct MI100]: 0 % 6/32752 MiB";
    check(
        "mi100_rocm571.json",
        6,
        &format!("{mi100} 39/290 W 31 C 300/1200 MHz - ecc - mig None []"),
        &[],
    );
    check(
        "mi100_rocm602.json",
        4,
        &format!("{mi100} 36/290 W 53 C 300/1200 MHz - ecc - mig None []"),
        &[],
    );
    let navi = "0 Navi 22 [Radeon RX 6700/6700 XT / 6800M]: 0 % 1499/12272 MiB 6/211 W 45 C 0/96 MHz - ecc - mig None []";
    check("rx6700xt_rocm612.json", 1, navi, &[]);
    assert_eq!(rocm::parse("no JSON"), None);
    let made = r#"{"card0": {"GPU use (%)": "7"}, "system": {"PID12": "python3 -c a, b, 1, 1048576, 0, 0", "PID13": "x, 0, 0, 0, 0"}}"#;
    let (_, processes) = rocm::parse(made).unwrap();
    assert_eq!((processes.len(), processes[0].memory_mib), (1, Some(1)));
    assert_eq!(processes[0].name, "python3 -c a, b");
}

#[test]
fn idle_is_held_and_unused_without_a_break() {
    #[track_caller]
    fn check(samples: &str, expected: Option<i64>) {
        let mut since = None;
        for (now, sample) in (0..).zip(samples.split(' ')) {
            let (use_percent, is_held) = match sample {
                "free" => (Some(0), false),
                "?" => (None, true),
                figure => (Some(figure.parse().unwrap()), true),
            };
            since = still_idle(since, (is_held, use_percent), now);
        }
        assert_eq!(since, expected);
    }
    check("0 0 0", Some(0));
    check("free free", None);
    check("98 0 0", Some(1));
    check("0 0 1", None);
    check("0 free 0", Some(2));
    check("0 ? 0", Some(2));
    check("?", None);
}

fn sample(index: u32, use_percent: u8, memory: u64) -> (GpuCard, GpuFigures) {
    let card = GpuCard {
        index,
        uuid: Some(format!("GPU-{index}")),
        name: Some("NVIDIA H100 80GB HBM3".to_owned()),
        memory_total_mib: Some(81_559),
        ..GpuCard::default()
    };
    let figures = GpuFigures {
        use_percent: Some(use_percent),
        memory_used_mib: Some(memory),
        ..GpuFigures::default()
    };
    (card, figures)
}

fn taken(book: &mut Book, (card, figures): (GpuCard, GpuFigures), now: i64) {
    book.take(card, figures, now);
}

#[test]
fn only_what_changed_is_told_and_the_fold_over_it_is_the_whole() {
    let mut book = Book::new(7, 0);
    let mut watched = WatchedGpus::default();
    let mut told = Vec::new();
    let process = GpuProcess {
        pid: 4,
        name: "python3".to_owned(),
        ..GpuProcess::default()
    };
    for round in 0..400_i64 {
        let now = round * 2_000;
        taken(&mut book, sample(0, 0, 19_818), now);
        taken(&mut book, sample(1, (round % 100) as u8, 9), now);
        if round == 5 {
            book.take_around(Some(vec![("GPU-1".to_owned(), process.clone())]), None);
        }
        let news = book.news(watched.mark(), now);
        told.push(news.clone());
        watched.take(news);
        let mut whole = WatchedGpus::default();
        whole.take(book.news(None, now));
        assert_eq!(watched.gpus(), whole.gpus());
    }
    let last = told.last().unwrap();
    assert!(last.gpus[0].figures.is_none() && last.gpus[1].figures.is_some());
    assert!(
        last.gpus
            .iter()
            .all(|gpu| gpu.card.is_none() && gpu.uses.len() == 1)
    );
    let gpus = watched.gpus();
    assert_eq!(gpus[0].uses.len(), KEPT);
    assert_eq!(gpus[0].idle_seconds, Some(798));
    assert!(gpus[0].is_idle() && !gpus[1].is_idle());
    assert_eq!(gpus[1].processes.len(), 1);
    // Nothing new is nothing.
    let nothing = book.news(watched.mark(), 799_000);
    assert!(nothing.gpus.is_empty() && nothing.processes.is_none() && !nothing.is_whole);
}

#[test]
fn another_sampler_tells_all_and_silence_is_said() {
    let mut book = Book::new(7, 0);
    book.start(semihv_domain::GpuTool::NvidiaSmi, 0);
    taken(&mut book, sample(0, 5, 9), 1_000);
    let before = GpuMark {
        sampler: 6,
        serial: 900,
    };
    assert!(book.news(Some(before), 1_000).is_whole);
    assert_eq!(book.news(None, 2_000).trouble, None);
    let silent = book.news(None, 60_000).trouble.unwrap();
    assert_eq!(silent.summary, "nvidia-smi does not answer");
    taken(&mut book, sample(1, 5, 9), 60_000);
    let news = book.news(None, 60_000);
    assert_eq!(news.trouble, None);
    let lost: Vec<bool> = news
        .gpus
        .iter()
        .map(|gpu| gpu.figures.as_ref().unwrap().is_lost)
        .collect();
    assert_eq!(lost, [true, false]);
}

#[test]
fn eight_busy_gpus_cost_less_than_two_kilobytes_a_second() {
    let mut book = Book::new(1_795_788_000_000, 0);
    let mut mark = None;
    let mut bytes = 0;
    for round in 0..30_i64 {
        for index in 0..8 {
            let (card, mut figures) = sample(index, (round % 7) as u8 + 90, 71_000 + round as u64);
            figures.power_watts = Some(690.25 + round as f32);
            figures.temperature_c = Some(60.0 + round as f32);
            figures.sm_clock_mhz = Some(1_980);
            figures.memory_clock_mhz = Some(2_619);
            figures.pstate = Some("P0".to_owned());
            book.take(card, figures, round * 2_000);
        }
        let news = book.news(mark, round * 2_000);
        mark = Some(news.mark);
        bytes += serde_json::to_vec(&news).unwrap().len();
    }
    assert!(bytes < 2_000 * 60, "{} B/s", bytes / 60);
}

proptest! {
    /// A recorded text with parts cut, doubled and replaced.
    #[test]
    fn mutated_text_is_read_without_a_panic(
        which in 0_usize..4,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "[\\PC\n\"<>,]{0,6}"), 1..6),
    ) {
        let texts = [
            "index, utilization.gpu [%], memory.used [MiB], clocks_event_reasons.active\n0, 98, 71000, 0x04\n1, [N/A], ERR!, 0x0000000000000000\n",
            "gpu_uuid, pid, process_name, used_gpu_memory [MiB]\nGPU-1, 7, python3, 512\n",
            "<?xml version=\"1.0\" ?><log><gpu id=\"0\"><mig_devices><mig_device><gpu_instance_id>3</gpu_instance_id><fb_memory_usage><used>12 MiB</used></fb_memory_usage></mig_device></mig_devices><uuid>GPU-1</uuid></gpu></log>",
            "{\"card0\": {\"GPU use (%)\": \"7\", \"sclk clock speed:\": \"(300Mhz)\"}, \"system\": {\"PID12\": \"a, 1, 1048576, 0, 0\"}}",
        ];
        let mut text: Vec<char> = texts[which].chars().collect();
        for (from, to, with) in cuts {
            let (a, b) = (from.index(text.len() + 1), to.index(text.len() + 1));
            text.splice(a.min(b)..a.max(b), with.chars());
        }
        let text: String = text.into_iter().collect();
        let mut book = Book::new(1, 0);
        for (card, figures) in gpus(&text) {
            book.take(card, figures, 0);
        }
        book.take_around(Some(nvidia::processes(&text)), Some(xml::instances(&text)));
        let _ = rocm::parse(&text);
        let _ = nvidia::known_fields(&text);
        let said = serde_json::to_string(&book.news(None, 0)).unwrap();
        let back: GpuNews = serde_json::from_str(&said).unwrap();
        let mut watched = WatchedGpus::default();
        watched.take(back);
        prop_assert!(watched.gpus().iter().all(|gpu: &Gpu| gpu.figures.use_percent.is_none_or(|it| it <= 100)));
    }
}
