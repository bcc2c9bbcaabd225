//! The terms of this index for engines that keep them in another form, so that both rank alike.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::tokenizer::{TokenStream, Tokenizer};

use crate::analysis::{self, Analysis, Side};
use crate::free_text::COMPARED_TEXT;
use crate::schema::{LONGEST_TEXT, cut};

pub use crate::free_text::TELLING_WORDS;

/// What a document is indexed by, each term as often as it stands there.
pub fn document_terms(title: &str, body: &str) -> Vec<String> {
    let mut analysis = Analysis::new(Side::Document);
    let mut terms = Vec::new();
    for text in [title, body] {
        let mut stream = analysis.token_stream(cut(text, LONGEST_TEXT));
        while let Some(token) = stream.next() {
            terms.push(token.text.clone());
        }
    }
    terms
}

/// What a text is looked for by, each term as often as it stands there.
pub fn query_terms(text: &str) -> Vec<String> {
    let words = analysis::query_terms(cut(text, COMPARED_TEXT)).into_iter();
    words.map(|word| word.term).collect()
}

/// The length of a document as BM25 sees it: the index keeps lengths in one byte.
pub fn kept_length(terms: u32) -> u32 {
    FieldNormReader::id_to_fieldnorm(FieldNormReader::fieldnorm_to_id(terms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_speak_of_the_same_terms() {
        let terms = document_terms("Pleural effusions", "No effusion of the lungs");
        assert_eq!(terms, ["pleural", "effus", "no", "effus", "lung"]);
        assert_eq!(query_terms("the effusions"), ["effus"]);
    }

    #[test]
    fn long_lengths_are_rounded_down() {
        assert_eq!([0, 40, 41, 47].map(kept_length), [0, 40, 40, 46]);
    }
}
