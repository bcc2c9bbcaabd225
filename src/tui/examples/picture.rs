//! Shows picture files in the image pane alone, to look at a terminal's graphics.
//!
//! `cargo run -p semihv-tui --example picture -- [--graphics NAME] FILE...`; keys: `]` `[` other
//! picture, `r` regions, `e` next region, `g` other protocol, `o` something on top, `q` quit.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};
use semihv_domain::{
    Caption, Case, CaseId, Image, ImageId, ImageState, Region, RegionId, Shape, SourceId,
};
use semihv_engine::CaseDetail;
use semihv_terminal::{Choice, decide, detect};
use semihv_tui::action::Effect;
use semihv_tui::graphics::{Canvas, Inks, LateReplies, NoFiles, OnScreen, prepare};
use semihv_tui::panes::image::{self, Msg};
use semihv_tui::shared::{Load, Shared};
use semihv_tui::theme::Theme;

struct Viewer {
    pane: image::State,
    shared: Shared,
    canvas: Canvas,
    is_covered: bool,
}

fn main() -> anyhow::Result<()> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let mut choice = Choice::Auto;
    if files.first().is_some_and(|first| first == "--graphics") {
        choice = files.get(1).context("name a protocol")?.parse()?;
        files.drain(..2);
    }
    let mut detection = detect(choice)?;
    let mut keys = LateReplies::new(detection.is_settled, Instant::now());
    let mut viewer = Viewer {
        pane: image::State::default(),
        shared: case_of(&files),
        canvas: Canvas {
            capabilities: detection.capabilities,
            inks: Inks::default(),
        },
        is_covered: false,
    };
    let mut terminal = ratatui::init();
    let mut on_screen = OnScreen::default();
    viewer.tell(Msg::Graphics(viewer.canvas.capabilities.protocol));
    let outcome = loop {
        let size = terminal.size()?;
        let inside = inside(Rect::new(0, 0, size.width, size.height));
        viewer.tell(Msg::Resized {
            columns: inside.width,
            rows: inside.height,
        });
        execute!(io::stdout(), BeginSynchronizedUpdate)?;
        terminal.draw(|frame| viewer.draw(frame))?;
        let placement = image::placement(&viewer.pane, &viewer.shared, inside);
        io::stdout().write_all(&on_screen.after_draw(placement.as_ref()))?;
        execute!(io::stdout(), EndSynchronizedUpdate)?;
        match event::read() {
            Err(error) => break Err(error.into()),
            Ok(Event::Resize(..)) => on_screen.screen_was_cleared(),
            Ok(Event::Key(key)) if keys.admits(&key, Instant::now()) => match key.code {
                KeyCode::Char('q') => break Ok(()),
                KeyCode::Char(key) => viewer.press(key),
                _ => {}
            },
            Ok(_) => {}
        }
        if let Some(late) = keys.learned()
            && detection.evidence.learn(&late)
        {
            viewer.canvas.capabilities = decide(&detection.evidence, choice);
            viewer.tell(Msg::Graphics(viewer.canvas.capabilities.protocol));
        }
    };
    io::stdout().write_all(&on_screen.leave())?;
    ratatui::restore();
    outcome
}

fn inside(area: Rect) -> Rect {
    Block::bordered().inner(area)
}

impl Viewer {
    fn press(&mut self, key: char) {
        match key {
            ']' => self.tell(Msg::Next),
            '[' => self.tell(Msg::Previous),
            'r' => self.tell(Msg::ToggleRegions),
            'e' => self.tell(Msg::NextRegion),
            'g' => self.tell(Msg::NextGraphics),
            'o' => {
                self.is_covered = !self.is_covered;
                self.tell(Msg::Covered(self.is_covered));
            }
            _ => {}
        }
    }

    fn tell(&mut self, message: Msg) {
        let effects = image::update(&mut self.pane, message, &mut self.shared);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Draw(ticket, request) => {
                let outcome = semihv_engine::read_scan(&request.location)
                    .and_then(|scan| prepare(&scan, &request, &self.canvas, &NoFiles))
                    .map(Arc::new);
                image::drawn(&mut self.pane, ticket, &outcome);
            }
            Effect::NextGraphics => {
                self.canvas.capabilities = self.canvas.capabilities.with_next_protocol();
                self.tell(Msg::Graphics(self.canvas.capabilities.protocol));
            }
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let title = image::title(&self.pane, &self.shared).right;
        let why = self.canvas.capabilities.why.as_str();
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .title(" image ")
            .title_top(ratatui::text::Line::from(format!(" {title} ")).right_aligned())
            .title_bottom(format!(" {} · {why} ", self.canvas.capabilities.terminal));
        let area = frame.area();
        frame.render_widget(block, area);
        let inside = inside(area);
        let theme = Theme::default();
        image::view(&self.pane, &self.shared, &theme, inside, frame.buffer_mut());
        if self.is_covered {
            let over = Rect::new(10, 4, 40, 6).intersection(area);
            frame.render_widget(Clear, over);
            frame.render_widget(Paragraph::new("on top").block(Block::bordered()), over);
        }
    }
}

fn case_of(files: &[String]) -> Shared {
    let images = files.iter().zip(1..).map(|(file, id)| Image {
        id: ImageId(id),
        case: CaseId(1),
        key: file.rsplit('/').next().unwrap_or(file).to_owned(),
        location: file.clone(),
        state: ImageState::Unchecked,
        modality: None,
        plane: None,
        captions: vec![Caption {
            text: "A picture to look at the terminal with".to_owned(),
            language: "en".to_owned(),
        }],
        regions: vec![region(id, 120.0), region(id, 260.0)],
    });
    let case = Case {
        id: CaseId(1),
        source: SourceId(1),
        source_name: "files".to_owned(),
        key: "files".to_owned(),
        title: String::new(),
        patient: None,
        modality: None,
        body_part: None,
        year: None,
        language: "en".to_owned(),
        licence: None,
        sections: Vec::new(),
    };
    let detail = CaseDetail {
        case,
        images: images.collect(),
        questions: Vec::new(),
        tags: Vec::new(),
        notes: Vec::new(),
    };
    let mut shared = Shared {
        case: Load::Ready(Box::new(detail)),
        ..Shared::default()
    };
    shared.selection.case = Some(CaseId(1));
    shared
}

fn region(id: i64, x: f64) -> Region {
    Region {
        id: RegionId(id),
        image: ImageId(id),
        label: "a place".to_owned(),
        shape: Shape::Ellipse {
            cx: x,
            cy: 200.0,
            rx: 50.0,
            ry: 40.0,
        },
        slice: None,
        written: None,
        author: "nobody".to_owned(),
    }
}
