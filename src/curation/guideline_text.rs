//! From headings and blocks to passages: the pieces that are retrieved and shown as evidence.
//!
//! A passage is some paragraphs under one heading path. Single list items are too little to judge
//! by, whole chapters too much to show; so blocks gather until a passage is about a screen long.
//! Texts whose blocks are only guessed are cut at sentences instead, with an overlap ([`chunk`]).

use semihv_domain::PassageDraft;

use crate::chunk;
use crate::html::{Block, BlockKind};

/// Where a passage ends, at the next block.
const FULL_CHARS: usize = 1200;
/// A single block longer than this is itself cut, at a sentence.
const MAX_BLOCK_CHARS: usize = 2400;

/// Cuts blocks into passages; `outer` are the headings above all of them.
pub(crate) fn passages(outer: &[&str], blocks: Vec<Block>) -> Vec<PassageDraft> {
    gather(outer, blocks, Cut::Blocks)
}

/// [`passages`] for texts without a layout of their own.
pub(crate) fn overlapping_passages(blocks: Vec<Block>) -> Vec<PassageDraft> {
    gather(&[], blocks, Cut::Sentences)
}

/// Both are kept: passages are known by their number, so that cutting `ngc` and `markdown` anew
/// would put notes and tags of imported workspaces on other passages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Blocks,
    Sentences,
}

fn gather(outer: &[&str], blocks: Vec<Block>, cut: Cut) -> Vec<PassageDraft> {
    let mut gathering = Gathering {
        cut,
        outer: outer.iter().map(|&heading| heading.to_owned()).collect(),
        inner: Vec::new(),
        pending: Vec::new(),
        pending_chars: 0,
        passages: Vec::new(),
    };
    for block in blocks {
        match block.kind {
            BlockKind::Heading(level) => gathering.heading(level, block.text),
            BlockKind::Text => gathering.text(&block.text),
        }
    }
    gathering.leave(0);
    gathering.passages
}

struct Heading {
    level: u8,
    text: String,
    /// Nothing has stood under it yet.
    is_bare: bool,
}

struct Gathering {
    cut: Cut,
    outer: Vec<String>,
    inner: Vec<Heading>,
    pending: Vec<String>,
    pending_chars: usize,
    passages: Vec<PassageDraft>,
}

impl Gathering {
    fn heading(&mut self, level: u8, text: String) {
        self.leave(level);
        for above in &mut self.inner {
            above.is_bare = false;
        }
        self.inner.push(Heading {
            level,
            text,
            is_bare: true,
        });
    }

    /// Ends all headings of this level or deeper. One that nothing stands under was no heading but
    /// a short emphasised paragraph; its words are kept as text.
    fn leave(&mut self, level: u8) {
        self.flush();
        while let Some(heading) = self.inner.pop_if(|heading| heading.level >= level) {
            if heading.is_bare {
                self.text(&heading.text);
                self.flush();
            }
        }
    }

    fn text(&mut self, text: &str) {
        for heading in &mut self.inner {
            heading.is_bare = false;
        }
        if self.cut == Cut::Sentences {
            self.pending.push(text.to_owned());
            return;
        }
        for piece in pieces(text) {
            let chars = piece.chars().count();
            if self.pending_chars > 0 && self.pending_chars + chars > FULL_CHARS {
                self.flush();
            }
            self.pending_chars += chars;
            self.pending.push(piece.to_owned());
        }
    }

    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let inner = self.inner.iter().map(|heading| heading.text.clone());
        let headings: Vec<String> = self.outer.iter().cloned().chain(inner).collect();
        let text = std::mem::take(&mut self.pending).join("\n");
        self.pending_chars = 0;
        if self.cut == Cut::Blocks {
            self.passages.push(PassageDraft {
                headings,
                text,
                start: None,
            });
            return;
        }
        for range in chunk::chunks(&text) {
            let start = u32::try_from(range.start).ok();
            self.passages.push(PassageDraft {
                headings: headings.clone(),
                text: text.get(range).unwrap_or_default().to_owned(),
                start,
            });
        }
    }
}

/// Cuts a long block behind a sentence, else behind a word, else anywhere.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((limit, _)) = rest.char_indices().nth(MAX_BLOCK_CHARS) {
        let (head, _) = rest.split_at(limit);
        let end = head
            .rfind(". ")
            .map(|at| at + 2)
            .or_else(|| head.rfind(' ').map(|at| at + 1))
            .unwrap_or(limit);
        let (piece, tail) = rest.split_at(end);
        pieces.push(piece.trim_end());
        rest = tail;
    }
    pieces.push(rest.trim_end());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(written: &str) -> Block {
        let hashes = written.bytes().take_while(|&byte| byte == b'#').count();
        Block {
            kind: match u8::try_from(hashes) {
                Ok(level) if level > 0 => BlockKind::Heading(level),
                _ => BlockKind::Text,
            },
            text: written.trim_start_matches(['#', ' ']).to_owned(),
        }
    }

    #[track_caller]
    fn check(written: &[&str], expected: &[(&str, &str)]) {
        let found = passages(&["Top"], written.iter().map(|text| block(text)).collect());
        let found: Vec<(String, String)> = found
            .into_iter()
            .map(|passage| (passage.headings.join(" > "), passage.text))
            .collect();
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(headings, text)| ((*headings).to_owned(), (*text).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn paragraphs_gather_under_their_heading_path() {
        check(
            &["lead", "# A", "one", "two", "## B", "three", "# C", "four"],
            &[
                ("Top", "lead"),
                ("Top > A", "one\ntwo"),
                ("Top > A > B", "three"),
                ("Top > C", "four"),
            ],
        );
    }

    #[test]
    fn a_heading_over_nothing_is_kept_as_text() {
        check(
            &["# A", "# B", "x", "## C"],
            &[("Top", "A"), ("Top > B", "x"), ("Top > B", "C")],
        );
    }

    #[test]
    fn long_texts_are_cut_at_sentences() {
        let text = "A sentence of some words. ".repeat(300);
        let found = passages(&[], vec![block(&text)]);
        assert!(found.len() > 2);
        for passage in &found {
            assert!(passage.text.ends_with('.'), "{}", passage.text);
            assert!(passage.text.chars().count() <= MAX_BLOCK_CHARS);
        }
        let glued: Vec<&str> = found.iter().map(|passage| passage.text.as_str()).collect();
        assert_eq!(glued.join(" "), text.trim_end());
        assert_eq!(pieces(&"é".repeat(5000)).len(), 3);
    }
}
