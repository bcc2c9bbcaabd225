//! The commands that belong to no pane: focus, layouts, choosing, leaving.

use semihv_engine::{JobSpec, Rebuild};

use crate::action::{Action, Effect};
use crate::alerts;
use crate::annotate;
use crate::app::Msg;
use crate::keymap::Scope;
use crate::layout::Axis;
use crate::list::Step;
use crate::overlay::chooser::Freedom;
use crate::overlay::{Choice, Chooser, Confirm, Overlay, Prompt, Purpose};
use crate::pane::PaneKind;
use crate::shared::{Glyphs, Leading};
use crate::state::{State, Tone};
use crate::update;

pub(crate) fn perform(state: &mut State, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Quit => {
            let mut effects = update::leaving(state);
            effects.push(Effect::Quit);
            return effects;
        }
        Msg::OpenWorkspace(path) => {
            let mut effects = update::leaving(state);
            effects.push(Effect::OpenWorkspace(path));
            return effects;
        }
        Msg::Suspend => return vec![Effect::Suspend],
        Msg::Redraw => return vec![Effect::Redraw],
        Msg::Graphics => return vec![Effect::NextGraphics],
        Msg::Reload => return update::reload(state),
        Msg::Escape => {
            state.is_toast_shown = false;
            state.layouts.is_maximised = false;
        }
        Msg::Next => return walk(state, Step::Next),
        Msg::Previous => return walk(state, Step::Previous),
        Msg::AskTag(tagging) => return annotate::ask_tag(state, tagging),
        Msg::Tag {
            tagging,
            targets,
            tag,
        } => return annotate::tag(state, tagging, targets, tag),
        Msg::NameRegion { region, label } => {
            return annotate::name_region(state, region, label);
        }
        Msg::Note => return annotate::note(state),
        Msg::Undo => return annotate::undo(state),
        Msg::Copy => return copy(state),
        Msg::Start(spec) => return start(state, spec),
        Msg::IndexAnew => confirm_anew(state),
        Msg::Theme(name) => theme(state, name),
        Msg::Ascii => {
            state.shared.glyphs = match state.shared.glyphs {
                Glyphs::Unicode => Glyphs::Ascii,
                Glyphs::Ascii => Glyphs::Unicode,
            };
        }
        other => return arrange(state, other),
    }
    Vec::new()
}

/// Focus and layouts.
fn arrange(state: &mut State, msg: Msg) -> Vec<Effect> {
    let focus = state.focus();
    match msg {
        Msg::FocusNext => turn(state, 1),
        Msg::FocusPrevious => turn(state, -1),
        Msg::Focus(kind) => return go(state, kind),
        Msg::LayoutNumber(number) => {
            state.layouts.show(number.saturating_sub(1));
        }
        Msg::Layout(name) => {
            if !state.show_layout(&name) {
                state.say(Tone::Bad, format!("there is no layout `{name}`"));
            }
        }
        Msg::LayoutSave(name) => {
            state.layouts.save(&name);
            state.say(Tone::Good, format!("layout {name} saved"));
        }
        Msg::LayoutReset => state.layouts.reset(),
        Msg::Maximise => state.layouts.is_maximised = !state.layouts.is_maximised,
        Msg::Resize(resize) => {
            if let Some(tree) = state.layouts.tree_mut() {
                tree.resize(focus, resize);
            }
        }
        Msg::Split(axis, kind) => {
            if let Some(tree) = state.layouts.tree_mut() {
                tree.split_at(focus, axis, kind);
            }
            state.layouts.is_maximised = false;
            state.layouts.set_focus(kind);
        }
        Msg::Close => {
            if let Some(tree) = state.layouts.tree_mut() {
                tree.remove(focus);
            }
            state.layouts.is_maximised = false;
        }
        other => return open(state, other),
    }
    vec![Effect::SaveSession]
}

/// What opens an overlay.
fn open(state: &mut State, msg: Msg) -> Vec<Effect> {
    let overlay = match msg {
        Msg::Palette => Overlay::Chooser(palette(state)),
        Msg::Help => Overlay::Chooser(help(state)),
        Msg::Messages => Overlay::Messages { scroll: 0 },
        Msg::Panes => choose("panes", "pane", PaneKind::ALL.map(PaneKind::name)),
        Msg::AskSplit(axis) => {
            let command = match axis {
                Axis::Right => "split-right",
                Axis::Below => "split-below",
            };
            let focus = state.focus();
            let others = PaneKind::ALL.into_iter().filter(|kind| *kind != focus);
            choose("split", command, others.map(PaneKind::name))
        }
        Msg::Layouts => choose("layouts", "layout", state.layouts.names()),
        Msg::Themes => choose("themes", "theme", state.look.themes.names()),
        Msg::AskLayoutName => {
            let question = "Save this layout as".to_owned();
            Overlay::Prompt(Prompt::new(Purpose::LayoutName, question))
        }
        Msg::Workspaces => workspaces(state),
        Msg::Alerts => return alerts::open(state),
        _ => return Vec::new(),
    };
    state.overlay = Some(overlay);
    Vec::new()
}

/// Goes to a pane, in another layout if this one lacks it.
pub(crate) fn go(state: &mut State, kind: PaneKind) -> Vec<Effect> {
    match state.layouts.holding(kind) {
        Some(layout) if layout != state.layouts.active_index() => {
            state.layouts.show(layout);
        }
        Some(_) => {}
        None => {
            let focus = state.focus();
            if let Some(tree) = state.layouts.tree_mut() {
                tree.split_at(focus, Axis::Right, kind);
            }
        }
    }
    state.layouts.set_focus(kind);
    Vec::new()
}

fn turn(state: &mut State, by: isize) {
    let panes = state.layouts.tree().panes();
    let count = panes.len();
    let at = panes.iter().position(|kind| *kind == state.focus());
    let next = (at.unwrap_or(0) + count).saturating_add_signed(by) % count.max(1);
    if let Some(kind) = panes.get(next) {
        state.layouts.set_focus(*kind);
    }
}

fn walk(state: &mut State, step: Step) -> Vec<Effect> {
    let list = match state.shared.leading {
        Leading::Cases => &mut state.panes.cases.list,
        Leading::Questions => &mut state.panes.questions.list,
    };
    list.step(step, &mut state.shared)
}

fn copy(state: &mut State) -> Vec<Effect> {
    if let Some(text) = state.panes.copy(state.focus(), &state.shared) {
        return vec![Effect::Copy(text)];
    }
    state.say(Tone::Plain, "there is nothing to copy here");
    Vec::new()
}

fn start(state: &mut State, spec: JobSpec) -> Vec<Effect> {
    if annotate::refuses(state) {
        return Vec::new();
    }
    vec![Effect::Start(spec)]
}

fn confirm_anew(state: &mut State) {
    let rows = state.shared.overview.indexed + state.shared.overview.unindexed;
    let rows = crate::pen::grouped(rows);
    state.overlay = Some(Overlay::Confirm(Confirm {
        question: format!("Build the search index of {rows} documents from nothing?"),
        action: Box::new(Action::App(Msg::Start(JobSpec::Index(
            Rebuild::FromNothing,
        )))),
    }));
}

fn theme(state: &mut State, name: String) {
    if state.look.themes.theme(&name).is_err() {
        let known = state.look.themes.names().join(", ");
        state.say(
            Tone::Bad,
            format!("there is no theme `{name}`; there are: {known}"),
        );
        return;
    }
    state.look.chosen = Some(name);
    state.paint();
}

fn choose<'a>(
    title: &'static str,
    command: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Overlay {
    let choice = |name: &str| Choice {
        command: format!("{command} {name}"),
        words: String::new(),
        keys: String::new(),
    };
    let choices = names.into_iter().map(choice).collect();
    Overlay::Chooser(Chooser::new(title, choices, Freedom::ListedOnly))
}

fn workspaces(state: &State) -> Overlay {
    let choices = state.workspaces.iter().map(|(name, path)| Choice {
        command: format!("workspace {}", path.display()),
        words: name.clone(),
        keys: String::new(),
    });
    Overlay::Chooser(Chooser::new(
        "workspaces",
        choices.collect(),
        Freedom::AnyCommand,
    ))
}

/// Every command: those of the pane with the keys first.
fn palette(state: &State) -> Chooser {
    let seen = state.layouts.tree().panes();
    let mut choices = commands(state, |scope| match scope {
        Scope::Global => true,
        Scope::Pane(kind) => seen.contains(&kind),
    });
    let more = |command: String, words: &str| Choice {
        command,
        words: words.to_owned(),
        keys: String::new(),
    };
    choices.push(more("import ".to_owned(), "import KIND PATH [--as NAME]"));
    choices.push(more("tag ".to_owned(), "tag NAME"));
    choices.push(more("untag ".to_owned(), "untag NAME"));
    choices.push(more("workspace ".to_owned(), "workspace FOLDER"));
    let layouts = state.layouts.names();
    choices.extend(layouts.map(|name| more(format!("layout {name}"), "Layout")));
    let themes = state.look.themes.names();
    choices.extend(
        themes
            .into_iter()
            .map(|name| more(format!("theme {name}"), "Theme")),
    );
    let panes = PaneKind::ALL.map(PaneKind::name);
    choices.extend(
        panes
            .into_iter()
            .map(|name| more(format!("pane {name}"), "Go to pane")),
    );
    choices.extend(
        state
            .tags
            .iter()
            .map(|tag| more(format!("tag {tag}"), "Tag")),
    );
    Chooser::new("commands", choices, Freedom::AnyCommand)
}

/// The keys that hold here: the pane's own, then those that hold everywhere.
fn help(state: &State) -> Chooser {
    let focus = state.focus();
    let choices = commands(state, |scope| {
        scope == Scope::Global || scope == Scope::Pane(focus)
    });
    Chooser::new("keys", choices, Freedom::ListedOnly)
}

fn commands(state: &State, wanted: impl Fn(Scope) -> bool) -> Vec<Choice> {
    let focus = Scope::Pane(state.focus());
    let mut rows = state.keymap.commands();
    rows.retain(|(scope, ..)| wanted(*scope));
    rows.sort_by_key(|(scope, ..)| *scope != focus);
    let choice = |(_, command, words, keys): (_, &str, &str, String)| Choice {
        command: command.to_owned(),
        words: words.to_owned(),
        keys,
    };
    rows.into_iter().map(choice).collect()
}
