//! The fields of the index and how a document is written into them.
//!
//! Each kind has a text field of its own, and every other term begins with its kind. So a term
//! already says the kind, no search pays for a kind filter, and BM25 compares cases with cases.

use semihv_domain::{DocumentKind, Facet};
use tantivy::schema::{
    Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{TantivyDocument, Term};

use crate::Document;
use crate::analysis::ANALYSIS;

/// Part of the folder's name. Raise it with every change to the schema or the analysis: an index
/// of another version is set aside and built again.
pub(crate) const SCHEMA_VERSION: u32 = 2;

/// Searched and stored text of one document ends here.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;

/// Longer values of a field are cut: they are labels, not text.
const LONGEST_VALUE: usize = 200;

/// Between the field's name and its value in a fact; cannot come from a field's name.
const SEPARATOR: char = '\u{1f}';

pub(crate) const ROW_COLUMN: &str = "row";

/// Rows are looked up by the block they lie in: a term for every row would be a third of all work
/// of indexing short documents.
pub(crate) const ROW_BLOCK: &str = "block";

/// 128 ids, as many documents as are kept together in a list of postings.
const BLOCK_BITS: u32 = 9;

pub(crate) const FACETS: [Facet; 8] = [
    Facet::Source,
    Facet::Modality,
    Facet::Type,
    Facet::Model,
    Facet::Language,
    Facet::Class,
    Facet::Split,
    Facet::Licence,
];

/// The fields, resolved once.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) schema: Schema,
    /// Kind and id in one number: the identity of a document.
    row: Field,
    block: Field,
    text: [Field; 3],
    /// `kind`, `field`, value: everything that is matched whole.
    facts: Field,
    /// The source's own ids, apart from the facts because there is one a row.
    keys: Field,
    pub(crate) source: Field,
    columns: [Field; 8],
}

impl Fields {
    pub(crate) fn new() -> Self {
        let mut schema = Schema::builder();
        let row = schema.add_i64_field(ROW_COLUMN, NumericOptions::default().set_fast());
        let block = schema.add_i64_field(ROW_BLOCK, NumericOptions::default().set_indexed());
        let text = DocumentKind::ALL.map(|kind| schema.add_text_field(text_name(kind), searched()));
        let facts = schema.add_text_field("facts", matched_whole());
        let keys = schema.add_text_field("keys", matched_whole());
        let source = schema.add_text_field("source", TextOptions::default().set_stored());
        let columns = FACETS.map(|facet| {
            schema.add_text_field(column_name(facet), TextOptions::default().set_fast("raw"))
        });
        Self {
            schema: schema.build(),
            row,
            block,
            text,
            facts,
            keys,
            source,
            columns,
        }
    }

    pub(crate) fn text(&self, kind: DocumentKind) -> Field {
        let [case, question, passage] = self.text;
        match kind {
            DocumentKind::Case => case,
            DocumentKind::Question => question,
            DocumentKind::Passage => passage,
        }
    }

    pub(crate) fn facts(&self) -> Field {
        self.facts
    }

    pub(crate) fn keys(&self) -> Field {
        self.keys
    }

    pub(crate) fn word_term(&self, kind: DocumentKind, word: &str) -> Term {
        Term::from_field_text(self.text(kind), word)
    }

    pub(crate) fn fact_term(&self, kind: DocumentKind, name: &str, value: &str) -> Term {
        Term::from_field_text(self.facts, &fact(kind, name, value))
    }

    /// A term that every document of the kind has.
    pub(crate) fn kind_term(&self, kind: DocumentKind) -> Term {
        self.fact_term(kind, "kind", kind.name())
    }

    pub(crate) fn key_term(&self, kind: DocumentKind, key: &str) -> Term {
        Term::from_field_text(self.keys, &key_text(kind, key))
    }

    pub(crate) fn document(&self, document: &Document) -> TantivyDocument {
        let kind = document.kind;
        let mut written = TantivyDocument::default();
        let row = row_of(kind, document.id);
        written.add_i64(self.row, row);
        written.add_i64(self.block, block_of(row));
        // The title is the first value, the body the second; hits read them back so.
        written.add_text(self.text(kind), cut(&document.title, LONGEST_TEXT));
        written.add_text(self.text(kind), cut(&document.body, LONGEST_TEXT));
        written.add_text(self.source, &document.source);
        written.add_text(self.keys, key_text(kind, &document.key));
        written.add_text(self.facts, fact(kind, "kind", kind.name()));
        for (name, value) in facts_of(document) {
            let value = cut(&value, LONGEST_VALUE);
            if value.is_empty() {
                continue;
            }
            written.add_text(self.facts, fact(kind, name, value));
            if let Some(column) = self.column(name) {
                written.add_text(column, value);
            }
        }
        written
    }

    fn column(&self, name: &str) -> Option<Field> {
        let at = FACETS
            .iter()
            .position(|&facet| facet_field(facet) == name)?;
        self.columns.get(at).copied()
    }
}

/// The query field whose values a facet counts.
pub(crate) fn facet_field(facet: Facet) -> &'static str {
    match facet {
        Facet::Source => "source",
        Facet::Modality => "modality",
        Facet::Type => "type",
        Facet::Model => "model",
        Facet::Language => "lang",
        Facet::Class => "class",
        Facet::Split => "split",
        Facet::Licence => "licence",
    }
}

pub(crate) fn column_name(facet: Facet) -> &'static str {
    match facet {
        Facet::Source => "column_source",
        Facet::Modality => "column_modality",
        Facet::Type => "column_type",
        Facet::Model => "column_model",
        Facet::Language => "column_lang",
        Facet::Class => "column_class",
        Facet::Split => "column_split",
        Facet::Licence => "column_licence",
    }
}

/// The name of the verdicts of one model, beside those of any model.
pub(crate) fn verdict_of(model: &str, verdict: &str) -> String {
    format!("{}{SEPARATOR}{verdict}", cut(model, LONGEST_VALUE / 2))
}

/// The id behind the number of the row column.
pub(crate) fn id_of(row: i64) -> i64 {
    row >> 2
}

pub(crate) fn row_of(kind: DocumentKind, id: i64) -> i64 {
    // Row ids of the store are far below 2^61; the shift loses nothing.
    (id << 2) | kind_number(kind)
}

pub(crate) fn block_of(row: i64) -> i64 {
    row >> BLOCK_BITS
}

pub(crate) fn kind_number(kind: DocumentKind) -> i64 {
    match kind {
        DocumentKind::Case => 0,
        DocumentKind::Question => 1,
        DocumentKind::Passage => 2,
    }
}

/// Takes a fact apart: the kind, the field's name and the value.
pub(crate) fn read_fact(term: &[u8]) -> Option<(DocumentKind, &str, &str)> {
    let text = std::str::from_utf8(term).ok()?;
    let mut chars = text.chars();
    let letter = chars.next()?;
    let kind = DocumentKind::ALL
        .into_iter()
        .find(|&kind| kind_letter(kind) == letter)?;
    let (name, value) = chars.as_str().split_once(SEPARATOR)?;
    Some((kind, name, value))
}

/// The longest piece of the text's beginning that is within `limit` bytes.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let border = (0..=limit).rev().find(|&at| text.is_char_boundary(at));
    text.split_at(border.unwrap_or(0)).0
}

/// Keys are found whatever their case.
pub(crate) fn key_text(kind: DocumentKind, key: &str) -> String {
    let mut text = String::with_capacity(key.len() + 1);
    text.push(kind_letter(kind));
    text.push_str(&cut(key, LONGEST_VALUE * 4).to_lowercase());
    text
}

fn fact(kind: DocumentKind, name: &str, value: &str) -> String {
    let mut fact = String::with_capacity(name.len() + value.len() + 2);
    fact.push(kind_letter(kind));
    fact.push_str(name);
    fact.push(SEPARATOR);
    fact.push_str(value);
    fact
}

fn facts_of(document: &Document) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("source", document.source.clone()),
        ("lang", document.language.clone()),
    ];
    let labels = [
        ("part", &document.body_part),
        ("licence", &document.licence),
        ("class", &document.class),
        ("split", &document.split),
    ];
    facts.extend(
        labels
            .into_iter()
            .filter_map(|(name, label)| Some((name, label.clone()?))),
    );
    facts.extend(
        document
            .modality
            .map(|modality| ("modality", modality.name().to_owned())),
    );
    facts.extend(document.year.map(|year| ("year", year.to_string())));
    facts.extend(
        document
            .question_kinds
            .iter()
            .map(|kind| ("type", kind.name().to_owned())),
    );
    facts.extend(
        document
            .has
            .iter()
            .map(|has| ("has", has.name().to_owned())),
    );
    for (model, verdict) in &document.verdicts {
        facts.push(("model", model.clone()));
        facts.push(("verdict", verdict.name().to_owned()));
        facts.push(("model-verdict", verdict_of(model, verdict.name())));
    }
    facts.sort_unstable();
    facts.dedup();
    facts
}

fn kind_letter(kind: DocumentKind) -> char {
    match kind {
        DocumentKind::Case => 'c',
        DocumentKind::Question => 'q',
        DocumentKind::Passage => 'p',
    }
}

fn text_name(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Case => "text_case",
        DocumentKind::Question => "text_question",
        DocumentKind::Passage => "text_passage",
    }
}

fn searched() -> TextOptions {
    TextOptions::default().set_stored().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(ANALYSIS)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
    )
}

fn matched_whole() -> TextOptions {
    TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_different_kinds_never_meet() {
        let rows = [
            row_of(DocumentKind::Case, 7),
            row_of(DocumentKind::Question, 7),
            row_of(DocumentKind::Passage, 7),
        ];
        assert!(rows.is_sorted_by(|left, right| left < right));
        assert!(rows.into_iter().all(|row| id_of(row) == 7));
        assert_eq!(id_of(row_of(DocumentKind::Passage, -3)), -3);
    }

    #[test]
    fn a_fact_is_read_back() {
        let text = fact(DocumentKind::Question, "class", "PRES");
        assert_eq!(
            read_fact(text.as_bytes()),
            Some((DocumentKind::Question, "class", "PRES"))
        );
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(cut("aé肺", 4), "aé");
        assert_eq!(cut("aé", 400), "aé");
    }
}
