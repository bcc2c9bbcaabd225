//! How text becomes index terms, for every language in one field.
//!
//! Latin words are lower-cased, stemmed (English) and lose their stop words; runs of Chinese,
//! Japanese and Korean characters become overlapping pairs. When indexing, the last character of
//! such a run also stands alone, so that every character begins some term and a query of a single
//! character can be answered as a prefix. Offsets are always character borders of the text.

use std::iter::Peekable;
use std::str::CharIndices;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tantivy::tokenizer::{
    Language, RawTokenizer, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer,
};

/// The name under which the index knows this analysis.
pub(crate) const ANALYSIS: &str = "semihv";

/// Longer words are no words (base64, sequences); they are not indexed.
const LONGEST_WORD: usize = 63;

/// Stems remembered by one tokenizer, a megabyte: medical text repeats its words.
const REMEMBERED_STEMS: usize = 1 << 14;

/// Two of these and their lengths are a cache line.
const REMEMBERED_LENGTH: usize = 31;

/// Lucene's English list without `no` and `not`: a finding and its absence differ in just that.
const STOP_WORDS: [&str; 31] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this",
    "to", "was", "will", "with",
];

/// On which side of a search the text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Document,
    Query,
}

/// The tokenizer.
pub(crate) struct Analysis {
    side: Side,
    stems: Arc<Mutex<Stems>>,
    /// Clones use the same memory of stems, one text at a time; otherwise each has its own.
    is_shared: bool,
    token: Token,
}

impl Analysis {
    pub(crate) fn new(side: Side) -> Self {
        Self {
            side,
            stems: Arc::new(Mutex::new(Stems::new(side))),
            is_shared: false,
            token: Token::default(),
        }
    }

    /// For many short-lived clones: what one learns the next knows.
    pub(crate) fn shared(self) -> Self {
        Self {
            is_shared: true,
            ..self
        }
    }
}

impl Clone for Analysis {
    fn clone(&self) -> Self {
        if !self.is_shared {
            return Self::new(self.side);
        }
        Self {
            side: self.side,
            stems: Arc::clone(&self.stems),
            is_shared: true,
            token: Token::default(),
        }
    }
}

impl Tokenizer for Analysis {
    type TokenStream<'a> = Words<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words<'a> {
        self.token.reset();
        Words {
            chars: text.char_indices().peekable(),
            end: text.len(),
            is_in_run: false,
            side: self.side,
            stems: self.stems.lock().unwrap_or_else(PoisonError::into_inner),
            token: &mut self.token,
        }
    }
}

/// The terms of one text.
pub(crate) struct Words<'a> {
    chars: Peekable<CharIndices<'a>>,
    end: usize,
    /// The previous character was the first half of a pair.
    is_in_run: bool,
    side: Side,
    stems: MutexGuard<'a, Stems>,
    token: &'a mut Token,
}

impl Words<'_> {
    fn begin(&mut self, from: usize) {
        self.token.text.clear();
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = from;
    }

    fn next_offset(&mut self) -> usize {
        self.chars.peek().map_or(self.end, |&(offset, _)| offset)
    }

    /// True when a term was made of the character and perhaps its neighbour.
    fn ideograph(&mut self, from: usize, first: char) -> bool {
        self.begin(from);
        self.token.text.push(first);
        self.token.offset_to = self.next_offset();
        match self.chars.peek() {
            Some(&(offset, second)) if is_ideograph(second) => {
                self.token.text.push(second);
                self.token.offset_to = offset + second.len_utf8();
                self.is_in_run = true;
                true
            }
            _ => {
                let was_in_run = std::mem::take(&mut self.is_in_run);
                self.side == Side::Document || !was_in_run
            }
        }
    }

    /// True when the word is kept.
    fn word(&mut self, from: usize, first: char) -> bool {
        self.begin(from);
        push_folded(&mut self.token.text, first);
        while let Some((_, c)) = self.chars.next_if(|&(_, c)| is_word_part(c)) {
            // The rest of an endless word is passed over, not gathered.
            if self.token.text.len() <= LONGEST_WORD {
                push_folded(&mut self.token.text, c);
            }
        }
        self.token.offset_to = self.next_offset();
        if self.token.text.len() > LONGEST_WORD || is_stop_word(&self.token.text) {
            return false;
        }
        self.stems.stem(&mut self.token.text);
        true
    }
}

impl TokenStream for Words<'_> {
    fn advance(&mut self) -> bool {
        while let Some((from, c)) = self.chars.next() {
            let is_term = if is_ideograph(c) {
                self.ideograph(from, c)
            } else if is_word_part(c) {
                self.word(from, c)
            } else {
                false
            };
            if is_term {
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// A term of a query: what the index holds and what the person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryTerm {
    pub(crate) position: usize,
    pub(crate) term: String,
    pub(crate) written: String,
}

/// The terms of a text that somebody searches for.
pub(crate) fn query_terms(text: &str) -> Vec<QueryTerm> {
    let mut analysis = Analysis::new(Side::Query);
    let mut stream = analysis.token_stream(text);
    let mut terms = Vec::new();
    while let Some(token) = stream.next() {
        let written = text.get(token.offset_from..token.offset_to);
        terms.push(QueryTerm {
            position: token.position,
            term: token.text.clone(),
            written: written.unwrap_or_default().to_lowercase(),
        });
    }
    terms
}

/// Lower case and half width, without stemming: what a prefix is compared with.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    text.chars().for_each(|c| push_folded(&mut folded, c));
    folded
}

/// Whether the term is one ideograph, which the index holds mostly as the first of a pair.
pub(crate) fn is_single_ideograph(term: &str) -> bool {
    let mut chars = term.chars();
    chars.next().is_some_and(is_ideograph) && chars.next().is_none()
}

pub(crate) fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

pub(crate) fn is_word_part(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        c.is_alphanumeric() && !is_ideograph(c)
    }
}

fn push_folded(text: &mut String, c: char) {
    if c.is_ascii() {
        text.push(c.to_ascii_lowercase());
        return;
    }
    // Full-width forms, common in Chinese text, are the ASCII characters plus 0xFEE0.
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    text.extend(narrow.to_lowercase());
}

fn is_stop_word(word: &str) -> bool {
    word.len() <= 5 && STOP_WORDS.binary_search(&word).is_ok()
}

/// The English stemmer with a memory: a table of cache lines, in which a newer word takes the
/// place of an older one. It holds no pointers, so that a word costs one access to memory.
struct Stems {
    slots: Vec<Slot>,
    stemmer: TextAnalyzer,
}

/// A word and its stem, each of at most [`REMEMBERED_LENGTH`] bytes; the lengths come first.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Slot {
    word_length: u8,
    stem_length: u8,
    word: [u8; REMEMBERED_LENGTH],
    stem: [u8; REMEMBERED_LENGTH],
}

impl Slot {
    const EMPTY: Self = Self {
        word_length: 0,
        stem_length: 0,
        word: [0; REMEMBERED_LENGTH],
        stem: [0; REMEMBERED_LENGTH],
    };

    fn new(word: &str, stem: &str) -> Option<Self> {
        let mut slot = Self::EMPTY;
        slot.word_length = u8::try_from(word.len()).ok()?;
        slot.stem_length = u8::try_from(stem.len()).ok()?;
        slot.word
            .get_mut(..word.len())?
            .copy_from_slice(word.as_bytes());
        slot.stem
            .get_mut(..stem.len())?
            .copy_from_slice(stem.as_bytes());
        Some(slot)
    }

    fn stem_of(&self, word: &str) -> Option<&str> {
        let known = self.word.get(..usize::from(self.word_length))?;
        if known != word.as_bytes() {
            return None;
        }
        std::str::from_utf8(self.stem.get(..usize::from(self.stem_length))?).ok()
    }
}

impl Stems {
    fn new(side: Side) -> Self {
        let remembered = match side {
            Side::Document => REMEMBERED_STEMS,
            Side::Query => 1,
        };
        Self {
            slots: vec![Slot::EMPTY; remembered],
            stemmer: TextAnalyzer::builder(RawTokenizer::default())
                .filter(Stemmer::new(Language::English))
                .build(),
        }
    }

    fn stem(&mut self, word: &mut String) {
        let at = hash_of(word) % self.slots.len().max(1);
        if let Some(stem) = self.slots.get(at).and_then(|slot| slot.stem_of(word)) {
            word.clear();
            word.push_str(stem);
            return;
        }
        let mut stream = self.stemmer.token_stream(word);
        let stem = match stream.next() {
            Some(token) if !token.text.is_empty() => token.text.clone(),
            _ => word.clone(),
        };
        drop(stream);
        if let (Some(slot), Some(new)) = (self.slots.get_mut(at), Slot::new(word, &stem)) {
            *slot = new;
        }
        *word = stem;
    }
}

/// FNV-1a, eight bytes at a time.
fn hash_of(word: &str) -> usize {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for bytes in word.as_bytes().chunks(8) {
        let mut number = [0; 8];
        for (to, from) in number.iter_mut().zip(bytes) {
            *to = *from;
        }
        hash = (hash ^ u64::from_le_bytes(number)).wrapping_mul(0x0000_0100_0000_01b3);
        hash ^= hash >> 29;
    }
    (hash ^ (hash >> 15)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(side: Side, text: &str, expected: &str) {
        let mut analysis = Analysis::new(side);
        let mut stream = analysis.token_stream(text);
        let mut found = Vec::new();
        while let Some(token) = stream.next() {
            found.push(format!("{}@{}", token.text, token.position));
        }
        assert_eq!(found.join(" "), expected, "{text}");
    }

    #[test]
    fn english_words_are_lowered_stemmed_and_lose_stop_words() {
        check(
            Side::Document,
            "The Lesions of T2-weighted imaging",
            "lesion@1 t2@3 weight@4 imag@5",
        );
    }

    #[test]
    fn negations_are_kept_because_they_carry_meaning() {
        check(
            Side::Query,
            "no fracture, not seen",
            "no@0 fractur@1 not@2 seen@3",
        );
    }

    #[test]
    fn chinese_becomes_overlapping_pairs_and_a_last_single() {
        check(
            Side::Document,
            "双肺感染。CT",
            "双肺@0 肺感@1 感染@2 染@3 ct@4",
        );
        check(Side::Query, "双肺感染。CT", "双肺@0 肺感@1 感染@2 ct@4");
        check(Side::Query, "肺 CT", "肺@0 ct@1");
    }

    #[test]
    fn full_width_letters_are_letters() {
        check(Side::Document, "ＣＴ１", "ct1@0");
    }

    #[test]
    fn endless_words_are_passed_over_but_keep_their_place() {
        check(
            Side::Document,
            &format!("skull {} base", "x".repeat(10_000)),
            "skull@0 base@2",
        );
    }

    #[test]
    fn a_remembered_stem_is_the_stem() {
        let words = [
            "calcifications",
            "pleural",
            "é",
            "cardiomyopathieswithoutanyotherending",
        ];
        let mut stems = Stems::new(Side::Document);
        for word in words {
            let mut first = word.to_owned();
            let mut second = word.to_owned();
            let mut fresh = word.to_owned();
            stems.stem(&mut first);
            stems.stem(&mut second);
            Stems::new(Side::Query).stem(&mut fresh);
            assert_eq!((&first, &second), (&fresh, &fresh));
        }
        assert_eq!(size_of::<Slot>(), 64);
    }

    #[test]
    fn the_stop_words_are_sorted_for_the_binary_search() {
        assert!(STOP_WORDS.is_sorted());
        assert!(STOP_WORDS.iter().all(|word| word.len() <= 5));
    }

    proptest! {
        #[test]
        fn offsets_are_character_borders_and_rise(text in "(?s).{0,80}", is_query: bool) {
            let side = if is_query { Side::Query } else { Side::Document };
            let mut analysis = Analysis::new(side);
            let mut stream = analysis.token_stream(&text);
            let mut last = (0, None);
            while let Some(token) = stream.next() {
                prop_assert!(text.get(token.offset_from..token.offset_to).is_some());
                prop_assert!(token.offset_from < token.offset_to);
                prop_assert!(token.offset_from >= last.0);
                prop_assert!(last.1.is_none_or(|position| token.position > position));
                prop_assert!(!token.text.is_empty());
                last = (token.offset_from, Some(token.position));
            }
        }

        #[test]
        fn mixed_scripts_tokenize_the_same_twice(text in "[a-zA-Z肺部感染々ＣＴ0-9 ,。éß-]{0,60}") {
            prop_assert_eq!(query_terms(&text), query_terms(&text));
        }
    }
}
