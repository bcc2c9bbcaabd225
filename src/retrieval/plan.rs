//! From a query's expression to what the index is asked, for one kind of document.

use std::sync::Arc;

use semihv_domain::{DocumentKind, QueryError, Verdict};
use tantivy::Term;
use tantivy::query::{
    BooleanQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query, TermQuery, TermSetQuery,
};
use tantivy::schema::IndexRecordOption;

use crate::analysis::{folded, is_ideograph, is_single_ideograph, is_word_part, query_terms};
use crate::live::{LiveSets, RowSet};
use crate::query::{Condition, Expression, HasWhat, Named, WrittenValue, YearRange};
use crate::row_filter::{Beginning, RowFilter};
use crate::schema::{Fields, key_text, verdict_of};
use crate::values::{Meaning, Values};

/// Endings that the stemmer takes off: `calcificat*` must find what is kept as `calcif`.
const ENDINGS: [&str; 24] = [
    "ability", "able", "ably", "alities", "ally", "ances", "ations", "ative", "edly", "ements",
    "ences", "ers", "es", "ful", "ibly", "icating", "ications", "ies", "ingly", "ings", "ions",
    "ities", "nesses", "ously",
];

/// What is asked of the index. Everything but words and phrases only filters.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Everything,
    Nothing,
    Word(ScoredTerm),
    Phrase(ScoredPhrase),
    /// Documents with one of these terms.
    AnyTerm(Vec<Term>),
    Filter(RowFilter),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// A word that adds to the score; `written` is how it is shown.
#[derive(Debug, Clone)]
pub(crate) struct ScoredTerm {
    pub(crate) term: Term,
    pub(crate) written: String,
}

#[derive(Debug, Clone)]
pub(crate) struct ScoredPhrase {
    pub(crate) terms: Vec<(usize, Term)>,
    pub(crate) written: String,
}

/// Everything that the meaning of a query depends on.
pub(crate) struct Planner<'a> {
    pub(crate) kind: DocumentKind,
    pub(crate) fields: &'a Fields,
    pub(crate) values: &'a Values,
    pub(crate) live: &'a dyn LiveSets,
}

/// The models that a verdict speaks of: one of each inner list.
type Models = [Vec<String>];

impl Planner<'_> {
    pub(crate) fn plan(&self, expression: Option<&Expression>) -> Result<Node, QueryError> {
        let node = match expression {
            Some(expression) => self.lower(expression, &[])?,
            None => None,
        };
        // A query of stop words alone asks for nothing in particular.
        Ok(node.unwrap_or(Node::Everything))
    }

    /// `None`: no condition is left of it.
    fn lower(&self, expression: &Expression, models: &Models) -> Result<Option<Node>, QueryError> {
        match expression {
            Expression::Condition(condition) => self.condition(condition, models),
            Expression::Not(inner) => Ok(self
                .lower(inner, models)?
                .map(|node| Node::Not(Box::new(node)))),
            Expression::All(parts) => {
                let own = self.models_beside(parts)?;
                let models = if own.is_empty() { models } else { &own };
                self.group(parts, models, Node::All)
            }
            Expression::Any(parts) => self.group(parts, models, Node::Any),
        }
    }

    fn group(
        &self,
        parts: &[Expression],
        models: &Models,
        many: fn(Vec<Node>) -> Node,
    ) -> Result<Option<Node>, QueryError> {
        let mut nodes = Vec::new();
        for part in parts {
            nodes.extend(self.lower(part, models)?);
        }
        Ok((!nodes.is_empty()).then(|| many(nodes)))
    }

    fn models_beside(&self, parts: &[Expression]) -> Result<Vec<Vec<String>>, QueryError> {
        let mut models = Vec::new();
        for part in parts {
            if let Expression::Condition(Condition::Named(Named::Model, written)) = part {
                models.push(self.meanings(Named::Model, written)?);
            }
        }
        Ok(models)
    }

    fn condition(
        &self,
        condition: &Condition,
        models: &Models,
    ) -> Result<Option<Node>, QueryError> {
        let node = match condition {
            Condition::Text(text) => return Ok(self.text(text)),
            Condition::Prefix(text) => return Ok(self.prefix(text)),
            Condition::Verdict(verdict) => self.verdict(*verdict, models),
            Condition::Modality(modalities) => self.facts(
                "modality",
                modalities.iter().map(|modality| modality.name()),
            ),
            Condition::Kind(kinds) => self.facts("type", kinds.iter().map(|kind| kind.name())),
            Condition::Has(whats) => Node::Any(whats.iter().map(|&what| self.has(what)).collect()),
            Condition::Years(ranges) => self.years(ranges),
            Condition::Ids(ids) => self.rows(ids.clone()),
            Condition::Keys(keys) => Node::Any(keys.iter().map(|key| self.key(key)).collect()),
            Condition::Tags(tags) => Node::Any(
                tags.iter()
                    .map(|tag| self.rows(self.live.tagged(self.kind, tag.as_str())))
                    .collect(),
            ),
            Condition::Named(field, written) => {
                let values = self.meanings(*field, written)?;
                self.facts(field.name(), values.iter().map(String::as_str))
            }
        };
        Ok(Some(node))
    }

    fn text(&self, text: &str) -> Option<Node> {
        let terms = query_terms(text);
        match terms.as_slice() {
            [] => None,
            [only] if is_single_ideograph(&only.term) => {
                Some(self.beginning(&only.term, Vec::new()))
            }
            [only] => Some(Node::Word(ScoredTerm {
                term: self.fields.word_term(self.kind, &only.term),
                written: only.written.clone(),
            })),
            several => Some(Node::Phrase(ScoredPhrase {
                terms: several
                    .iter()
                    .map(|word| (word.position, self.fields.word_term(self.kind, &word.term)))
                    .collect(),
                written: text.trim().to_lowercase(),
            })),
        }
    }

    fn prefix(&self, text: &str) -> Option<Node> {
        if text.chars().any(is_ideograph) {
            // Pairs in a row find whatever comes behind them.
            return self.text(text);
        }
        let last = text
            .char_indices()
            .rev()
            .find(|&(_, c)| !is_word_part(c))
            .map_or(0, |(at, c)| at + c.len_utf8());
        let (before, beginning) = text.split_at_checked(last)?;
        let beginning = folded(beginning);
        let whole = shorter_stems(&beginning);
        let mut nodes: Vec<Node> = self.text(before).into_iter().collect();
        nodes.push(self.beginning(&beginning, whole));
        Some(Node::All(nodes))
    }

    fn beginning(&self, beginning: &str, whole: Vec<String>) -> Node {
        Node::Filter(RowFilter::Beginning(Arc::new(Beginning {
            field: self.fields.text(self.kind),
            text: beginning.to_owned(),
            whole,
        })))
    }

    /// An answer that commits to no choice counts as wrong, so `wrong` finds it too.
    fn verdict(&self, verdict: Verdict, models: &Models) -> Node {
        let meant: &[Verdict] = match &verdict {
            Verdict::Wrong => &[Verdict::Wrong, Verdict::Unparsed],
            other => std::slice::from_ref(other),
        };
        if models.is_empty() {
            return self.facts("verdict", meant.iter().map(|verdict| verdict.name()));
        }
        let of_each = models.iter().map(|one_of| {
            let pairs: Vec<String> = one_of
                .iter()
                .flat_map(|model| meant.iter().map(|meant| verdict_of(model, meant.name())))
                .collect();
            self.facts("model-verdict", pairs.iter().map(String::as_str))
        });
        Node::All(of_each.collect())
    }

    fn has(&self, what: HasWhat) -> Node {
        match what {
            HasWhat::Indexed(has) => self.facts("has", [has.name()].into_iter()),
            HasWhat::Note => self.rows(self.live.noted(self.kind)),
            HasWhat::Tag => self.rows(self.live.any_tagged(self.kind)),
        }
    }

    fn years(&self, ranges: &[YearRange]) -> Node {
        let is_meant = |value: &&str| {
            value.parse::<i32>().is_ok_and(|year| {
                ranges
                    .iter()
                    .any(|range| (range.from..=range.to).contains(&year))
            })
        };
        let years = self
            .values
            .of_kind(self.kind, "year")
            .map(|(value, _)| value);
        self.facts("year", years.filter(is_meant))
    }

    fn key(&self, key: &str) -> Node {
        match key.strip_suffix('*') {
            Some(beginning) => Node::Filter(RowFilter::Beginning(Arc::new(Beginning {
                field: self.fields.keys(),
                text: key_text(self.kind, beginning),
                whole: Vec::new(),
            }))),
            None => any_term(vec![self.fields.key_term(self.kind, key)]),
        }
    }

    fn rows(&self, ids: Vec<i64>) -> Node {
        if ids.is_empty() {
            return Node::Nothing;
        }
        Node::Filter(RowFilter::Rows(Arc::new(RowSet::new(self.kind, ids))))
    }

    fn facts<'a>(&self, name: &str, values: impl Iterator<Item = &'a str>) -> Node {
        any_term(
            values
                .map(|value| self.fields.fact_term(self.kind, name, value))
                .collect(),
        )
    }

    fn meanings(&self, field: Named, written: &[WrittenValue]) -> Result<Vec<String>, QueryError> {
        let mut values = Vec::new();
        for value in written {
            match self.values.meaning(self.kind, field, value)? {
                Meaning::These(these) => values.extend(these),
                Meaning::OtherKinds => {}
            }
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    /// The same question without scores: quicker to count.
    pub(crate) fn unscored_query(&self, node: &Node) -> Box<dyn Query> {
        match node {
            Node::Everything => self.kind_query(),
            Node::Nothing => Box::new(EmptyQuery),
            Node::Word(word) => term_query(word.term.clone(), IndexRecordOption::Basic),
            Node::Phrase(phrase) => phrase_query(phrase),
            Node::AnyTerm(terms) => match terms.as_slice() {
                [only] => term_query(only.clone(), IndexRecordOption::Basic),
                several => Box::new(TermSetQuery::new(several.iter().cloned())),
            },
            Node::Filter(filter) => Box::new(filter.clone()),
            Node::All(nodes) => self.all_query(nodes, Self::unscored_query),
            Node::Any(nodes) => Box::new(BooleanQuery::union(
                nodes.iter().map(|node| self.unscored_query(node)).collect(),
            )),
            Node::Not(inner) => self.all_query(
                std::slice::from_ref(&Node::Not(inner.clone())),
                Self::unscored_query,
            ),
        }
    }

    /// Filters keep the score nought, so that the parts of words and phrases are the whole score.
    pub(crate) fn scored_query(&self, node: &Node) -> Box<dyn Query> {
        match node {
            Node::Word(word) => term_query(word.term.clone(), IndexRecordOption::WithFreqs),
            Node::Phrase(phrase) => phrase_query(phrase),
            Node::All(nodes) => self.all_query(nodes, Self::scored_query),
            Node::Any(nodes) => Box::new(BooleanQuery::union(
                nodes.iter().map(|node| self.scored_query(node)).collect(),
            )),
            filter => Box::new(ConstScoreQuery::new(self.unscored_query(filter), 0.0)),
        }
    }

    fn all_query(
        &self,
        nodes: &[Node],
        compile: fn(&Self, &Node) -> Box<dyn Query>,
    ) -> Box<dyn Query> {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut waiting: Vec<&Node> = nodes.iter().rev().collect();
        while let Some(node) = waiting.pop() {
            match node {
                Node::All(inner) => waiting.extend(inner.iter().rev()),
                Node::Not(inner) => clauses.push((Occur::MustNot, self.unscored_query(inner))),
                node => clauses.push((Occur::Must, compile(self, node))),
            }
        }
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            let everything = ConstScoreQuery::new(self.kind_query(), 0.0);
            clauses.push((Occur::Must, Box::new(everything)));
        }
        match clauses.pop() {
            Some((Occur::Must, only)) if clauses.is_empty() => only,
            Some(last) => {
                clauses.push(last);
                Box::new(BooleanQuery::new(clauses))
            }
            None => self.kind_query(),
        }
    }

    fn kind_query(&self) -> Box<dyn Query> {
        term_query(self.fields.kind_term(self.kind), IndexRecordOption::Basic)
    }
}

/// The words and phrases that a document is scored by.
pub(crate) fn scored(node: &Node) -> Vec<&Node> {
    match node {
        Node::Word(_) | Node::Phrase(_) => vec![node],
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().flat_map(scored).collect(),
        _ => Vec::new(),
    }
}

/// A word or phrase with the groups of an `OR` around it: where such a group does not match, its
/// words give the document no score.
pub(crate) struct ScoredPart<'a> {
    pub(crate) node: &'a Node,
    pub(crate) within: Vec<&'a Node>,
}

pub(crate) fn scored_parts(node: &Node) -> Vec<ScoredPart<'_>> {
    match node {
        Node::Word(_) | Node::Phrase(_) => vec![ScoredPart {
            node,
            within: Vec::new(),
        }],
        Node::All(nodes) => nodes.iter().flat_map(scored_parts).collect(),
        Node::Any(nodes) => nodes.iter().flat_map(parts_of_alternative).collect(),
        _ => Vec::new(),
    }
}

fn parts_of_alternative(node: &Node) -> Vec<ScoredPart<'_>> {
    let mut parts = scored_parts(node);
    if matches!(node, Node::All(_)) {
        for part in &mut parts {
            part.within.push(node);
        }
    }
    parts
}

/// The query of one scored part, for the reason of a score.
pub(crate) fn part_query(node: &Node) -> Option<Box<dyn Query>> {
    match node {
        Node::Word(word) => Some(term_query(word.term.clone(), IndexRecordOption::WithFreqs)),
        Node::Phrase(phrase) => Some(phrase_query(phrase)),
        _ => None,
    }
}

fn term_query(term: Term, option: IndexRecordOption) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, option))
}

fn phrase_query(phrase: &ScoredPhrase) -> Box<dyn Query> {
    Box::new(PhraseQuery::new_with_offset(phrase.terms.clone()))
}

fn any_term(terms: Vec<Term>) -> Node {
    if terms.is_empty() {
        Node::Nothing
    } else {
        Node::AnyTerm(terms)
    }
}

/// What the index may hold of words that begin with `beginning` but lost their ending.
fn shorter_stems(beginning: &str) -> Vec<String> {
    let mut stems: Vec<String> = query_terms(beginning)
        .into_iter()
        .map(|word| word.term)
        .filter(|stem| !stem.starts_with(beginning))
        .collect();
    for (at, _) in beginning.char_indices().skip(3) {
        let Some((stem, rest)) = beginning.split_at_checked(at) else {
            continue;
        };
        if ENDINGS.iter().any(|ending| ending.starts_with(rest)) {
            stems.push(stem.to_owned());
        }
    }
    stems.sort_unstable();
    stems.dedup();
    stems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_reaches_over_the_end_of_its_stem() {
        assert!(shorter_stems("calcificat").contains(&"calcif".to_owned()));
        assert!(shorter_stems("biopsy").contains(&"biopsi".to_owned()));
        assert!(shorter_stems("lung").is_empty());
    }
}
