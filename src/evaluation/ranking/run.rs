//! What a search answered: a ranked list for each topic.

use std::collections::{BTreeMap, HashSet};

use semihv_domain::Skipped;
use serde::Deserialize;

use super::lines::{BlankInName, Name, RowText, each_row, object, word};

/// A document in a ranked list.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    pub doc: String,
    pub score: f64,
}

/// Lists by topic, always in trec_eval's order: the higher score first, then the greater name.
/// Scores are told apart as trec_eval does, in single precision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    topics: BTreeMap<String, Vec<Ranked>>,
}

#[derive(Deserialize)]
struct RunRow {
    #[serde(alias = "query-id", alias = "query_id", alias = "qid")]
    topic: Name,
    #[serde(alias = "corpus-id", alias = "doc_id", alias = "docid")]
    doc: Name,
    score: f64,
}

impl Run {
    /// Reads TREC's run files (`topic Q0 doc rank score tag`) or JSON lines (`topic`, `doc`,
    /// `score`). Ranks in the file are passed over: scores decide, as in trec_eval.
    pub fn read(file: &str, text: &str) -> (Self, Vec<Skipped>) {
        let mut run = Self::default();
        let mut seen: HashSet<(String, String)> = HashSet::new();
        let skipped = each_row(file, text, |_, row| {
            let (topic, doc, score) = match row {
                RowText::Object(line) => {
                    let row: RunRow = object(line)?;
                    (row.topic.text(), row.doc.text(), row.score)
                }
                RowText::Words(words) => words_of_run(&words)?,
            };
            if !score.is_finite() {
                return Err(format!("the score of `{doc}` is no finite number"));
            }
            if !seen.insert((topic.clone(), doc.clone())) {
                return Err(format!("`{doc}` stands twice in the list of `{topic}`"));
            }
            run.topics
                .entry(topic)
                .or_default()
                .push(Ranked { doc, score });
            Ok(())
        });
        run.topics.values_mut().for_each(|list| order(list));
        (run, skipped)
    }

    /// Puts the list of one topic; of a document that stands twice the higher score counts, and a
    /// score that is no number is left out.
    pub fn put(&mut self, topic: impl Into<String>, list: Vec<Ranked>) {
        let mut list = list;
        list.retain(|ranked| ranked.score.is_finite());
        order(&mut list);
        let mut seen = HashSet::new();
        list.retain(|ranked| seen.insert(ranked.doc.clone()));
        self.topics.insert(topic.into(), list);
    }

    pub fn topics(&self) -> impl Iterator<Item = (&str, &[Ranked])> {
        self.topics
            .iter()
            .map(|(topic, list)| (topic.as_str(), list.as_slice()))
    }

    /// Empty where the search found nothing or was not asked.
    pub fn of(&self, topic: &str) -> &[Ranked] {
        self.topics.get(topic).map_or(&[], Vec::as_slice)
    }

    pub fn to_trec(&self, tag: &str) -> Result<String, BlankInName> {
        let mut text = String::new();
        let tag = word(tag)?;
        for (topic, list) in self.topics() {
            let topic = word(topic)?;
            for (rank, Ranked { doc, score }) in (1..).zip(list) {
                text.push_str(&format!("{topic} Q0 {} {rank} {score} {tag}\n", word(doc)?));
            }
        }
        Ok(text)
    }

    /// A score read again may differ in its last digit, which decides nothing (single precision).
    pub fn to_json_lines(&self) -> String {
        let mut text = String::new();
        for (topic, list) in self.topics() {
            for Ranked { doc, score } in list {
                let row = serde_json::json!({"topic": topic, "doc": doc, "score": score});
                text.push_str(&format!("{row}\n"));
            }
        }
        text
    }
}

fn words_of_run(words: &[&str]) -> Result<(String, String, f64), String> {
    let [topic, _, doc, _, score, _] = words[..] else {
        return Err(format!(
            "has {} words; a row of a run is `topic Q0 doc rank score tag`",
            words.len()
        ));
    };
    let score = score
        .parse()
        .map_err(|_| format!("the score `{score}` is no number"))?;
    Ok((topic.to_owned(), doc.to_owned(), score))
}

fn order(list: &mut [Ranked]) {
    list.sort_by(|a, b| {
        (b.score as f32)
            .total_cmp(&(a.score as f32))
            .then_with(|| b.doc.cmp(&a.doc))
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order_of(run: &Run, topic: &str) -> String {
        let docs: Vec<&str> = run
            .of(topic)
            .iter()
            .map(|ranked| ranked.doc.as_str())
            .collect();
        docs.join(" ")
    }

    #[test]
    fn scores_decide_and_then_the_greater_name() {
        let (run, skipped) = Run::read(
            "r",
            "t Q0 a 1 0.5 x\nt Q0 c 2 0.9 x\nt Q0 b 3 0.5 x\nt Q0 B 9 0.500000000001 x\n",
        );
        assert_eq!(skipped, []);
        assert_eq!(order_of(&run, "t"), "c b a B");
        assert_eq!(order_of(&run, "other"), "");
    }

    #[test]
    fn rows_that_are_none_are_skipped_with_their_line() {
        let (run, skipped) = Run::read(
            "r",
            "t Q0 a 1 0.5 x\nt Q0 a 2 0.4 x\nt Q0 b 1 x\nt Q0 c 1 NaN x\nt Q0 d 1 high x\n{\"topic\":7,\"doc\":8,\"score\":1}",
        );
        let said: Vec<String> = skipped
            .iter()
            .map(|skipped| format!("{}: {}", skipped.at.line.unwrap(), skipped.reason))
            .collect();
        assert_eq!(
            said,
            [
                "2: `a` stands twice in the list of `t`",
                "3: has 5 words; a row of a run is `topic Q0 doc rank score tag`",
                "4: the score of `c` is no finite number",
                "5: the score `high` is no number",
            ]
        );
        assert_eq!(
            (order_of(&run, "t"), order_of(&run, "7")),
            ("a".to_owned(), "8".to_owned())
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            rows in prop::collection::btree_map(("[a-z]{1,2}", "[A-Za-z0-9#/.]{1,6}"), -80_000..80_000_i32, 0..20)
        ) {
            let mut lists: BTreeMap<String, Vec<Ranked>> = BTreeMap::new();
            for ((topic, doc), score) in rows {
                lists.entry(topic).or_default().push(Ranked {
                    doc,
                    score: f64::from(score) / 8.0,
                });
            }
            let mut run = Run::default();
            for (topic, list) in lists {
                run.put(topic, list);
            }
            prop_assert_eq!(Run::read("r", &run.to_trec("x").unwrap()), (run.clone(), Vec::new()));
            prop_assert_eq!(Run::read("r", &run.to_json_lines()), (run, Vec::new()));
        }
    }
}
