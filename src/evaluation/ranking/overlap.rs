//! How far two runs agree, without judgements: two indexes of one corpus, two models, two days.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;

use super::run::Run;

/// Two lists of one topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicOverlap {
    pub topic: String,
    /// Documents that are among the first of both.
    pub shared: usize,
    /// Of the longer of the two, at most as deep as was asked.
    pub of: usize,
    pub has_same_first: bool,
}

impl TopicOverlap {
    /// 1 where both are the same rows, in whatever order.
    pub fn share(&self) -> f64 {
        if self.of == 0 {
            return 1.0;
        }
        self.shared as f64 / self.of as f64
    }
}

/// Every topic of either run, those that agree least first.
pub fn overlap((first, second): (&Run, &Run), depth: usize) -> Vec<TopicOverlap> {
    let names = first.topics().chain(second.topics());
    let names: BTreeSet<&str> = names.map(|(topic, _)| topic).collect();
    let mut topics: Vec<TopicOverlap> = names
        .into_iter()
        .map(|topic| {
            let one: Vec<&str> = cut(first, topic, depth);
            let other: Vec<&str> = cut(second, topic, depth);
            let known: HashSet<&&str> = one.iter().collect();
            TopicOverlap {
                topic: topic.to_owned(),
                shared: other.iter().filter(|doc| known.contains(doc)).count(),
                of: one.len().max(other.len()),
                has_same_first: one.first() == other.first(),
            }
        })
        .collect();
    topics.sort_by(|one, other| one.share().total_cmp(&other.share()));
    topics
}

fn cut<'a>(run: &'a Run, topic: &str, depth: usize) -> Vec<&'a str> {
    let list = run.of(topic).iter().take(depth);
    list.map(|ranked| ranked.doc.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_that_agree_least_come_first() {
        let run = |text| Run::read("r", text).0;
        let first = run("a Q0 x 1 3 t\na Q0 y 2 2 t\nb Q0 x 1 3 t\nc Q0 x 1 1 t\n");
        let second = run("a Q0 y 1 3 t\na Q0 z 2 2 t\nb Q0 x 1 3 t\n");
        let found = overlap((&first, &second), 10);
        let said: Vec<(&str, usize, usize, bool)> = found
            .iter()
            .map(|it| (it.topic.as_str(), it.shared, it.of, it.has_same_first))
            .collect();
        assert_eq!(
            said,
            [("c", 0, 1, false), ("a", 1, 2, false), ("b", 1, 1, true)]
        );
        assert!(overlap((&first, &second), 0)[0].share() > 0.99);
    }
}
