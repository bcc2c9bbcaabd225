//! The GPUs pane as a person sees and uses it. No figure here was measured on a GPU.

use semihv_domain::{FailureKind, GpuCard, GpuFigures, GpuInstance, GpuProcess, GpuTool, Throttle};
use semihv_engine::GpuTrouble;

use super::*;
use crate::action::Action;
use crate::pane::PaneKind;
use crate::shared::Glyphs;
use crate::testing::{SIZES, pane_text, type_keys};

const NOW: i64 = 1_795_788_042;

fn gpu(index: u32, use_percent: u8) -> Gpu {
    let course = (0..120_u8).map(|at| Some(if at < 40 { at } else { use_percent }));
    Gpu {
        card: GpuCard {
            index,
            uuid: Some(format!("GPU-{index}")),
            name: Some("NVIDIA H100 80GB HBM3".to_owned()),
            memory_total_mib: Some(81_559),
            power_limit_watts: Some(700.0),
            is_mig: Some(false),
        },
        figures: GpuFigures {
            use_percent: Some(use_percent),
            memory_used_mib: Some(72_704),
            power_watts: Some(90.0 + 6.0 * f32::from(use_percent)),
            temperature_c: Some(40.0 + f32::from(use_percent) / 4.0),
            sm_clock_mhz: Some(1_980),
            memory_clock_mhz: Some(2_619),
            pstate: Some("P0".to_owned()),
            ..GpuFigures::default()
        },
        uses: course.collect(),
        ..Gpu::default()
    }
}

fn process(pid: i32, name: &str, run: Option<&str>) -> GpuProcess {
    GpuProcess {
        gpu: Some(0),
        pid,
        name: name.to_owned(),
        memory_mib: Some(15_690),
        run: run.map(str::to_owned),
    }
}

const RUN: &str = "20261127-140155-tune-3f9a";

fn machine(host: &str, gpus: Vec<Gpu>) -> HostGpus {
    HostGpus {
        host: Some(host.to_owned()),
        tool: Some(GpuTool::NvidiaSmi),
        gpus,
        seen_at: Some((NOW - 2) * 1_000),
        is_complete: true,
        ..HostGpus::default()
    }
}

fn here(trouble: Option<GpuTrouble>) -> HostGpus {
    HostGpus {
        host: None,
        trouble,
        is_complete: true,
        ..HostGpus::default()
    }
}

fn no_tool() -> GpuTrouble {
    GpuTrouble {
        summary: "no GPU tool was found".to_owned(),
        hint: "nvidia-smi must be on the PATH".to_owned(),
        has_no_tool: true,
    }
}

fn no_driver() -> GpuTrouble {
    GpuTrouble {
        summary: "the NVIDIA driver is not loaded".to_owned(),
        hint: "load it there (`modprobe nvidia`)".to_owned(),
        has_no_tool: false,
    }
}

/// Everything that a line can say.
fn busy() -> Vec<HostGpus> {
    let mut gpus: Vec<Gpu> = [98, 97, 0, 64, 100, 91]
        .into_iter()
        .zip(0..)
        .map(|(it, at)| gpu(at, it))
        .collect();
    gpus[0].processes = vec![
        process(11_345, "python3", Some(RUN)),
        process(11_400, "/usr/bin/python3", None),
    ];
    gpus[1].processes = vec![process(7, "./gpu_burn", None), process(8, "x", None)];
    gpus[2].idle_seconds = Some(14 * 60 + 7);
    gpus[2].figures.memory_used_mib = Some(2_048);
    gpus[3].figures.throttle = vec![Throttle::HardwareThermal, Throttle::PowerCap];
    gpus[4].figures.ecc_uncorrected = Some(3);
    gpus[5].figures = GpuFigures {
        is_lost: true,
        ..GpuFigures::default()
    };
    let mut divided = gpu(0, 0);
    divided.card.is_mig = Some(true);
    divided.figures.use_percent = None;
    divided.uses = vec![None; 20];
    divided.instances = [(3, 12), (4, 9_000)]
        .map(|(gpu_instance, used)| GpuInstance {
            gpu: 0,
            gpu_instance,
            compute_instance: 0,
            memory_used_mib: Some(used),
            memory_total_mib: Some(19_968),
        })
        .to_vec();
    let silent = HostGpus {
        silent: Some("gpu03 cannot be asked: Connection refused".to_owned()),
        seen_at: Some((NOW - 184) * 1_000),
        ..machine("gpu03", vec![gpu(0, 88)])
    };
    let failed = HostGpus {
        trouble: Some(no_driver()),
        ..machine("gpu04", Vec::new())
    };
    let new = HostGpus {
        tool: None,
        seen_at: None,
        is_complete: false,
        ..machine("gpu05", Vec::new())
    };
    vec![
        here(Some(no_tool())),
        machine("gpu01", gpus),
        machine("gpu02", vec![divided]),
        silent,
        failed,
        new,
    ]
}

fn shared() -> Shared {
    Shared {
        now: NOW,
        focus: PaneKind::Gpus,
        ..Shared::default()
    }
}

/// Asks, and answers.
#[track_caller]
fn answered(state: &mut State, answer: Result<Reply, Failure>) -> Ticket {
    let asked = ask(state);
    let [Effect::Ask(ticket, Query::Gpus)] = asked[..] else {
        panic!("{asked:?}");
    };
    let next = reply(state, ticket, &answer, &mut shared()).unwrap();
    let [Effect::Wake(next, _)] = next[..] else {
        panic!("{next:?}");
    };
    next
}

fn loaded(machines: Vec<HostGpus>) -> State {
    let mut state = State::default();
    answered(&mut state, Ok(Reply::Gpus(machines)));
    state
}

#[test]
fn it_asks_again_only_when_it_is_woken() {
    let mut state = State::default();
    let first = refresh(&mut state, &shared());
    assert!(
        matches!(first[..], [Effect::Ask(_, Query::Gpus)]),
        "{first:?}"
    );
    // Something else was selected meanwhile.
    assert_eq!(refresh(&mut state, &shared()), []);
    let next = answered(&mut state, Ok(Reply::Gpus(busy())));
    assert_eq!(refresh(&mut state, &shared()), []);
    assert!(state.woke(next) && !state.woke(next));
    // It was woken out of sight, and came back.
    assert_eq!(refresh(&mut state, &shared()).len(), 1);
}

#[test]
fn it_is_woken_soon_until_every_machine_told_something() {
    #[track_caller]
    fn check(machines: Vec<HostGpus>, expected: Duration) {
        let mut state = State::default();
        let asked = ask(&mut state);
        let Effect::Ask(ticket, _) = asked[0] else {
            panic!("{asked:?}");
        };
        let answer = Ok(Reply::Gpus(machines));
        let next = reply(&mut state, ticket, &answer, &mut shared()).unwrap();
        assert!(
            matches!(next[..], [Effect::Wake(_, pause)] if pause == expected),
            "{next:?}"
        );
    }
    check(busy(), FIRST);
    check(vec![machine("gpu01", vec![gpu(0, 1)])], LOOK);
}

#[track_caller]
fn asked_for_gpus(effects: &[Effect]) -> Option<Ticket> {
    effects.iter().find_map(|effect| match effect {
        Effect::Ask(ticket, Query::Gpus) => Some(*ticket),
        _ => None,
    })
}

#[test]
fn out_of_sight_nobody_looks() {
    let mut state = crate::testing::state(160, 48);
    let asked = asked_for_gpus(&type_keys(&mut state, "4")).unwrap();
    let answer = Action::Reply(asked, Ok(Reply::Gpus(busy())));
    let effects = crate::update::update(&mut state, answer);
    let next = effects.iter().find_map(|effect| match effect {
        Effect::Wake(ticket, _) => Some(*ticket),
        _ => None,
    });
    assert_eq!(asked_for_gpus(&type_keys(&mut state, "1")), None);
    let woken = crate::update::update(&mut state, Action::Woke(next.unwrap()));
    assert_eq!(asked_for_gpus(&woken), None);
    assert!(asked_for_gpus(&type_keys(&mut state, "4")).is_some());
}

#[test]
fn a_run_of_another_workspace_has_no_log_here() {
    let mut state = crate::testing::state(160, 48);
    let asked = asked_for_gpus(&type_keys(&mut state, "4")).unwrap();
    crate::update::update(&mut state, Action::Reply(asked, Ok(Reply::Gpus(busy()))));
    type_keys(&mut state, "<Tab><Tab><Tab><Enter>");
    assert_eq!(state.shared.focus, PaneKind::Gpus);
    assert_eq!(state.shared.selection.run, None);
    let said = &state.toasts.back().unwrap().text;
    assert!(
        said.contains("tune-3f9a is no run of this workspace"),
        "{said}"
    );
}

#[test]
fn the_cursor_stands_on_a_gpu_and_its_run_can_be_opened() {
    let mut state = loaded(busy());
    assert_eq!(state.run(), Some(RUN));
    assert_eq!(copy(&state, &shared()).as_deref(), Some("GPU-0"));
    update(&mut state, Msg::Down, &mut shared());
    assert_eq!(state.run(), None);
    update(&mut state, Msg::Bottom, &mut shared());
    assert_eq!(copy(&state, &shared()), None);
    answered(&mut state, Ok(Reply::Gpus(busy()[..2].to_vec())));
    assert_eq!(state.cursor, 6, "the list became shorter");
    let title = title(&state, &shared());
    assert_eq!(title.right, "6 GPUs  1 idle");
}

#[test]
fn a_click_finds_its_line() {
    let state = loaded(busy());
    let inside = Rect::new(0, 0, 78, 21);
    let click = |row| {
        let kind = MouseKind::Click;
        mouse(
            &state,
            &shared(),
            Mouse {
                column: 3,
                row,
                kind,
            },
            inside,
        )
    };
    assert_eq!(click(3), Some(Msg::Line(3)));
    assert_eq!(click(20), None, "there stands who computes");
}

#[test]
fn keys_on_an_empty_list_do_nothing() {
    let mut state = State::default();
    for msg in [
        Msg::Down,
        Msg::Up,
        Msg::Top,
        Msg::Bottom,
        Msg::Open,
        Msg::Line(4),
    ] {
        assert_eq!(update(&mut state, msg, &mut shared()), []);
    }
    assert_eq!((state.cursor, state.run()), (0, None));
}

#[test]
fn screens_of_made_up_figures() {
    let failed = {
        let mut state = State::default();
        let failure = Failure::new("gpus", FailureKind::Config, "cannot read config.toml");
        answered(&mut state, Err(failure));
        state
    };
    let at = |cursor: usize| State {
        cursor,
        ..loaded(busy())
    };
    for (name, state) in [
        ("empty", loaded(vec![here(Some(no_tool()))])),
        ("loading", State::default()),
        (
            "asking",
            loaded(vec![HostGpus {
                is_complete: false,
                ..here(None)
            }]),
        ),
        ("failed", failed),
        ("no_driver", loaded(vec![here(Some(no_driver()))])),
        ("loaded", loaded(busy())),
        ("mig", at(9)),
    ] {
        for (size, area) in SIZES {
            let shared = Shared {
                spinner_frame: (name == "loading").then_some(0),
                ..shared()
            };
            let text = pane_text(area, |theme, area, buffer| {
                view(&state, &shared, theme, area, buffer);
            });
            insta::assert_snapshot!(format!("gpus_{name}_{size}"), text);
        }
    }
    // As narrow as beside the runs on 160 columns, and on a terminal of letters alone.
    let narrow = Rect::new(0, 0, 58, 18);
    for (name, glyphs) in [("narrow", Glyphs::Unicode), ("ascii", Glyphs::Ascii)] {
        let shared = Shared { glyphs, ..shared() };
        let text = pane_text(narrow, |theme, area, buffer| {
            view(&loaded(busy()), &shared, theme, area, buffer);
        });
        insta::assert_snapshot!(format!("gpus_{name}"), text);
    }
}
