//! Graded judgements of people: which document answers which topic, and how well.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use semihv_domain::Skipped;
use serde::Deserialize;

use super::lines::{BlankInName, Name, RowText, each_row, object, word};

/// Grades by topic and document. Above 0 is relevant; 0 and below is judged and not relevant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgements {
    topics: BTreeMap<String, BTreeMap<String, i32>>,
}

/// How the header of a table begins.
const HEADER: [&str; 4] = ["topic", "query-id", "query_id", "qid"];

/// The names that BEIR and others give the columns are known too.
#[derive(Deserialize)]
struct JudgementRow {
    #[serde(alias = "query-id", alias = "query_id", alias = "qid")]
    topic: Name,
    #[serde(alias = "corpus-id", alias = "doc_id", alias = "docid")]
    doc: Name,
    #[serde(alias = "relevance", alias = "rel", alias = "score")]
    grade: i32,
}

impl Judgements {
    /// Reads TREC's qrels (`topic 0 doc grade`), tables of `topic doc grade` as BEIR's, with or
    /// without a header, or JSON lines (`topic`, `doc`, `grade`). Rows that
    /// are neither, or contradict an earlier one, are skipped; `file` is what they are placed by.
    pub fn read(file: &str, text: &str) -> (Self, Vec<Skipped>) {
        let mut judgements = Self::default();
        let skipped = each_row(file, text, |number, row| {
            let (topic, doc, grade) = match row {
                RowText::Object(line) => {
                    let row: JudgementRow = object(line)?;
                    (row.topic.text(), row.doc.text(), row.grade)
                }
                RowText::Words(words) => {
                    let ([topic, _, doc, grade] | [topic, doc, grade]) = words[..] else {
                        return Err(format!(
                            "has {} words; a judgement is `topic 0 doc grade`, or without the 0",
                            words.len()
                        ));
                    };
                    if number == 1 && HEADER.contains(&topic) {
                        return Ok(());
                    }
                    let grade = grade
                        .parse()
                        .map_err(|_| format!("the grade `{grade}` is no whole number"))?;
                    (topic.to_owned(), doc.to_owned(), grade)
                }
            };
            judgements.add(topic, doc, grade)
        });
        (judgements, skipped)
    }

    /// Refuses a second judgement of the same document that differs from the first.
    pub fn add(&mut self, topic: String, doc: String, grade: i32) -> Result<(), String> {
        match self.topics.entry(topic).or_default().entry(doc) {
            Entry::Vacant(free) => {
                free.insert(grade);
            }
            Entry::Occupied(first) if *first.get() == grade => {}
            Entry::Occupied(first) => {
                return Err(format!(
                    "`{}` is judged {grade} here and {} further up; the first is kept",
                    first.key(),
                    first.get()
                ));
            }
        }
        Ok(())
    }

    pub fn topics(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, i32>)> {
        self.topics
            .iter()
            .map(|(topic, grades)| (topic.as_str(), grades))
    }

    pub fn of(&self, topic: &str) -> Option<&BTreeMap<String, i32>> {
        self.topics.get(topic)
    }

    pub fn len(&self) -> usize {
        self.topics.len()
    }

    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    pub fn to_trec(&self) -> Result<String, BlankInName> {
        let mut text = String::new();
        for (topic, grades) in self.topics() {
            for (doc, grade) in grades {
                text.push_str(&format!("{} 0 {} {grade}\n", word(topic)?, word(doc)?));
            }
        }
        Ok(text)
    }

    pub fn to_json_lines(&self) -> String {
        let mut text = String::new();
        for (topic, grades) in self.topics() {
            for (doc, grade) in grades {
                let row = serde_json::json!({"topic": topic, "doc": doc, "grade": grade});
                text.push_str(&format!("{row}\n"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Judgements, Vec<String>) {
        let (judgements, skipped) = Judgements::read("q", text);
        let said = |skipped: Skipped| format!("{}: {}", skipped.at.line.unwrap(), skipped.reason);
        (judgements, skipped.into_iter().map(said).collect())
    }

    #[test]
    fn both_forms_say_the_same() {
        let (words, none) = read("t1 0 a 2\r\nt1 0 b -1\n\nt2\tQ0\ta\t0\n");
        assert_eq!(none, [""; 0]);
        let (objects, none) = read(
            "{\"topic\":\"t1\",\"doc\":\"a\",\"grade\":2}\n{\"query-id\":\"t1\",\"corpus-id\":\"b\",\"score\":-1}\n{\"qid\":\"t2\",\"docid\":\"a\",\"rel\":0}",
        );
        assert_eq!(none, [""; 0]);
        assert_eq!(words, objects);
        assert_eq!(words.of("t1").unwrap()["a"], 2);
    }

    #[test]
    fn rows_that_are_no_judgements_are_skipped_with_their_line() {
        let (kept, said) =
            read("t 0 a 1\nt 0 b\nt 0 c x\nt 0 a 1\nt 0 a 2\n{\"topic\":1}\nt 0 d 0");
        assert_eq!(kept.of("t").unwrap().len(), 2);
        assert_eq!(
            said,
            [
                "2: the grade `b` is no whole number",
                "3: the grade `x` is no whole number",
                "5: `a` is judged 2 here and 1 further up; the first is kept",
                "6: missing field `doc` (column 11)",
            ]
        );
    }

    #[test]
    fn a_table_of_three_columns_may_have_a_header() {
        let (kept, said) = read("query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb\t0\n1\tb");
        assert_eq!(kept.of("1").unwrap().len(), 2);
        assert_eq!(
            said,
            ["4: has 2 words; a judgement is `topic 0 doc grade`, or without the 0"]
        );
    }

    #[test]
    fn a_name_with_a_blank_asks_for_json_lines() {
        let mut judgements = Judgements::default();
        judgements.add("t".to_owned(), "a b".to_owned(), 1).unwrap();
        let said = judgements.to_trec().unwrap_err().to_string();
        assert!(said.starts_with("`a b` holds a blank"), "{said}");
        assert_eq!(read(&judgements.to_json_lines()), (judgements, Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            rows in prop::collection::btree_map(("[a-z#/]{1,4}", "[^ \t\r\n\\p{C}\\p{Z}{]{1,6}"), -2..4_i32, 0..20)
        ) {
            let mut judgements = Judgements::default();
            for ((topic, doc), grade) in rows {
                judgements.add(topic, doc, grade).unwrap();
            }
            let words = judgements.to_trec().unwrap();
            prop_assert_eq!(read(&words), (judgements.clone(), Vec::new()));
            prop_assert_eq!(read(&judgements.to_json_lines()), (judgements, Vec::new()));
        }

        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            let _ = Judgements::read("q", &text);
        }
    }
}
