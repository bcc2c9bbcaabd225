//! Figures that a person says how to find: a regular expression, or a path through a JSON object.

use regex::Regex;
use serde_json::Value;

use super::dict::number;
use super::line::{Found, Purpose, StepOf, purpose, whole};

/// More memory than this no pattern of a person needs.
const MOST_OF_PATTERN: usize = 1 << 20;

/// One figure, as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureRule {
    pub name: String,
    /// With a group `value` and perhaps one `step`; or the one group it has is the value.
    pub pattern: Option<String>,
    /// Keys from the outermost on, with dots between: `metrics.closed`.
    pub path: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum FigureRuleError {
    #[error("the figure {name} needs either pattern or path")]
    Neither { name: String },
    #[error("the pattern of the figure {name} is no regular expression with a group for the value")]
    Pattern { name: String },
}

/// All rules of a log, ready to be used.
#[derive(Debug, Clone, Default)]
pub struct FigureRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    name: String,
    by: By,
}

#[derive(Debug, Clone)]
enum By {
    Pattern(Regex),
    Path(Vec<String>),
}

impl FigureRules {
    /// # Errors
    /// The first rule that says nothing, or no pattern.
    pub fn new(rules: &[FigureRule]) -> Result<Self, FigureRuleError> {
        let rules = rules.iter().map(Rule::new).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// Tells other rules: what was read by them is to be read anew.
    pub(crate) fn words(&self) -> Vec<String> {
        let words = self.rules.iter().map(|rule| match &rule.by {
            By::Pattern(pattern) => format!("{}={pattern}", rule.name),
            By::Path(path) => format!("{}@{}", rule.name, path.join(".")),
        });
        words.collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the rules find in a line. A figure without a step has that of the line, or is counted.
    pub(super) fn read(&self, line: &str) -> Vec<Found> {
        let object = || serde_json::from_str::<Value>(line.trim()).ok();
        let wants_object = |rule: &Rule| matches!(rule.by, By::Path(_));
        let is_object = line.trim_start().starts_with('{') && self.rules.iter().any(wants_object);
        let object = is_object.then(object).flatten();
        let found = self.rules.iter().filter_map(|rule| {
            let (step, value) = match &rule.by {
                By::Pattern(pattern) => by_pattern(pattern, line)?,
                By::Path(path) => by_path(path, object.as_ref()?)?,
            };
            let figures = vec![(rule.name.clone(), value)];
            Some(Found { step, figures })
        });
        found.collect()
    }
}

impl Rule {
    fn new(rule: &FigureRule) -> Result<Self, FigureRuleError> {
        let name = rule.name.clone();
        let by = match (&rule.pattern, &rule.path) {
            (Some(pattern), None) => {
                let built = regex::RegexBuilder::new(pattern)
                    .size_limit(MOST_OF_PATTERN)
                    .build()
                    .ok()
                    .filter(|it| it.captures_len() > 1);
                By::Pattern(built.ok_or(FigureRuleError::Pattern { name: name.clone() })?)
            }
            (None, Some(path)) => By::Path(path.split('.').map(str::to_owned).collect()),
            _ => return Err(FigureRuleError::Neither { name }),
        };
        Ok(Self { name, by })
    }
}

fn by_pattern(pattern: &Regex, line: &str) -> Option<(StepOf, f64)> {
    let found = pattern.captures(line)?;
    let value = found.name("value").or_else(|| found.get(1))?;
    let step = found.name("step").and_then(|step| number(step.as_str()));
    let step = step.and_then(whole).map_or(StepOf::Ordinal, StepOf::Said);
    Some((step, number(value.as_str())?))
}

fn by_path(path: &[String], object: &Value) -> Option<(StepOf, f64)> {
    let value = path.iter().try_fold(object, |value, key| value.get(key))?;
    let value = value.as_f64().or_else(|| number(value.as_str()?))?;
    let keys = object.as_object()?.iter();
    let mut steps = keys.filter(|(key, _)| purpose(key) == Purpose::Step);
    let step = steps.find_map(|(_, step)| whole(step.as_f64()?));
    Some((step.map_or(StepOf::Ordinal, StepOf::Said), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, pattern: Option<&str>, path: Option<&str>) -> FigureRule {
        FigureRule {
            name: name.to_owned(),
            pattern: pattern.map(str::to_owned),
            path: path.map(str::to_owned),
        }
    }

    #[track_caller]
    fn check(rule: FigureRule, line: &str, expected: Option<(StepOf, f64)>) {
        let name = rule.name.clone();
        let found = FigureRules::new(&[rule]).unwrap().read(line);
        let expected = expected.map(|(step, value)| Found {
            step,
            figures: vec![(name, value)],
        });
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{line}");
    }

    #[rustfmt::skip]
    mod rules {
        use super::*;

        #[test] fn named_groups()      { check(rule("r", Some(r"at (?<step>\d+) reward (?<value>\S+)"), None), "at 7 reward -1.5", Some((StepOf::Said(7), -1.5))); }
        #[test] fn the_only_group()    { check(rule("r", Some(r"reward (\S+)"), None), "reward 2e-3", Some((StepOf::Ordinal, 0.002))); }
        #[test] fn no_number()         { check(rule("r", Some(r"reward (\S+)"), None), "reward none", None); }
        #[test] fn a_nested_key()      { check(rule("r", None, Some("metrics.closed")), r#"{"step": 5, "metrics": {"closed": 0.25}}"#, Some((StepOf::Said(5), 0.25))); }
        #[test] fn a_missing_key()     { check(rule("r", None, Some("metrics.open")), r#"{"step": 5, "metrics": {"closed": 0.25}}"#, None); }
        #[test] fn no_object()         { check(rule("r", None, Some("a")), "a", None); }
    }

    #[test]
    fn a_rule_that_cannot_be_used_is_refused() {
        for wrong in [
            rule("r", None, None),
            rule("r", Some("a(b"), None),
            rule("r", Some("no group"), None),
            rule("r", Some("(a)"), Some("b")),
        ] {
            assert!(FigureRules::new(&[wrong]).is_err());
        }
    }
}
