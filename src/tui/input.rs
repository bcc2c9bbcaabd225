//! Keys, pastes and the mouse: who gets them, and what command they mean.
//!
//! Routing reads the focus and the pure layout, never what was drawn last.

use std::time::Duration;

use crate::action::{Action, Effect};
use crate::annotate;
use crate::commands;
use crate::keymap::Lookup;
use crate::keys::Key;
use crate::layout::Body;
use crate::overlay::{Outcome, Overlay};
use crate::pane::{Input, Mouse, MouseKind, PaneKind};
use crate::state::{State, Tone};
use crate::update::dispatch;
use crate::view;

/// After this wait the which-key popup shows what may follow.
const HESITATION: Duration = Duration::from_millis(200);

pub(crate) fn key(state: &mut State, key: Key) -> Vec<Effect> {
    if let Some(effects) = typed(state, Input::Key(key)) {
        return effects;
    }
    if key == Key::ESC && !state.pending.is_empty() {
        stop_waiting(state);
        return Vec::new();
    }
    state.pending.push(key);
    let keymap = state.keymap.clone();
    match keymap.lookup(state.focus(), &state.pending) {
        Lookup::Command(binding) => {
            stop_waiting(state);
            run(state, &binding.command)
        }
        Lookup::Prefix if state.is_which_key_shown => Vec::new(),
        Lookup::Prefix => vec![Effect::Wake(state.slots.which_key.ask(), HESITATION)],
        Lookup::Unbound => {
            stop_waiting(state);
            Vec::new()
        }
    }
}

fn stop_waiting(state: &mut State) {
    state.pending.clear();
    state.is_which_key_shown = false;
    state.slots.which_key.drop_answer();
}

pub(crate) fn paste(state: &mut State, text: String) -> Vec<Effect> {
    typed(state, Input::Paste(text)).unwrap_or_default()
}

/// The pane or overlay that takes what is typed, if any does.
fn typed(state: &mut State, input: Input) -> Option<Vec<Effect>> {
    if state.overlay.is_some() {
        return Some(overlay_input(state, input));
    }
    let focus = state.focus();
    let taker = [PaneKind::Notes, focus]
        .into_iter()
        .find(|kind| state.panes.is_typing(*kind))?;
    if !state.pending.is_empty() {
        stop_waiting(state);
    }
    Some(state.panes.typed(taker, input, &mut state.shared))
}

fn overlay_input(state: &mut State, input: Input) -> Vec<Effect> {
    let outcome = match &mut state.overlay {
        Some(overlay) => overlay.input(input),
        None => Outcome::Stay,
    };
    act_on(state, outcome)
}

fn act_on(state: &mut State, outcome: Outcome) -> Vec<Effect> {
    match outcome {
        Outcome::Stay => Vec::new(),
        Outcome::Close => {
            state.overlay = None;
            Vec::new()
        }
        Outcome::Run(line) => run_from_overlay(state, &line),
        Outcome::Act(action) => {
            state.overlay = None;
            dispatch(state, *action)
        }
    }
}

/// A line with an error stays to be corrected.
fn run_from_overlay(state: &mut State, line: &str) -> Vec<Effect> {
    match commands::parse(line, &annotate::targets(state)) {
        Ok(action) => {
            state.overlay = None;
            dispatch(state, action)
        }
        Err(error) => {
            if let Some(Overlay::Chooser(chooser)) = &mut state.overlay {
                chooser.trouble = Some(error.to_string());
            }
            Vec::new()
        }
    }
}

/// Runs a command by its name.
pub(crate) fn run(state: &mut State, line: &str) -> Vec<Effect> {
    match commands::parse(line, &annotate::targets(state)) {
        Ok(action) => dispatch(state, action),
        Err(error) => {
            state.say(Tone::Bad, error.to_string());
            Vec::new()
        }
    }
}

pub(crate) fn mouse(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    if let Some(overlay) = &mut state.overlay {
        let outcome = overlay.mouse(mouse);
        return act_on(state, outcome);
    }
    match mouse.kind {
        MouseKind::Drag if state.dragged.is_some() => {
            drag(state, mouse);
            Vec::new()
        }
        MouseKind::Click | MouseKind::DoubleClick => {
            state.dragged = None;
            clicked(state, mouse)
        }
        _ => to_pane(state, mouse),
    }
}

fn drag(state: &mut State, mouse: Mouse) {
    if let (Some(border), Body::Boxes { area, .. }) = (&state.dragged, state.areas().body)
        && let Some(tree) = state.layouts.tree_mut()
    {
        tree.drag(border, area, mouse.column, mouse.row);
    }
}

fn clicked(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    if let Some(layout) = view::layout_tab_at(state, mouse.column, mouse.row) {
        state.layouts.show(layout);
        return Vec::new();
    }
    if let Some(kind) = view::pane_tab_at(state, mouse.column, mouse.row) {
        state.layouts.set_focus(kind);
        return Vec::new();
    }
    if let Body::Boxes { area, panes } = state.areas().body {
        let position = ratatui::layout::Position::new(mouse.column, mouse.row);
        if let Some((kind, _)) = panes.iter().find(|(_, rect)| rect.contains(position)) {
            state.layouts.set_focus(*kind);
        }
        if !state.layouts.is_maximised {
            let border = state
                .layouts
                .tree()
                .border_at(area, mouse.column, mouse.row);
            if border.is_some() {
                state.dragged = border;
                return Vec::new();
            }
        }
    }
    to_pane(state, mouse)
}

/// Hands the mouse to the pane under it, in the pane's own coordinates.
fn to_pane(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    let position = ratatui::layout::Position::new(mouse.column, mouse.row);
    let insides = state.areas().insides();
    let Some((kind, inside)) = insides
        .into_iter()
        .find(|(_, rect)| rect.contains(position))
    else {
        return Vec::new();
    };
    let own = Mouse {
        column: mouse.column - inside.x,
        row: mouse.row - inside.y,
        kind: mouse.kind,
    };
    let action: Option<Action> = state.panes.mouse(kind, &state.shared, own, inside);
    action.map_or_else(Vec::new, |action| dispatch(state, action))
}
