//! A recipe's command with its parameters filled in.
//!
//! A default is a plain value, or a table that says more of it:
//!
//! ```toml
//! [recipe.tune.parameters]
//! epochs = 3
//! lr = { default = 1e-5, min = 0.0, max = 1e-2, help = "peak learning rate" }
//! stage = { default = "tune", choices = ["adapter", "tune", "anneal"] }
//! ```
//!
//! In the command `{lr}` stands for the value, `{{` and `}}` for brackets.

use std::collections::BTreeMap;

use toml::Value;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FillError {
    #[error("the recipe has no parameter {name}; it has {known}")]
    Unknown { name: String, known: String },
    #[error(
        "the command's {{{name}}} is no parameter; the recipe has {known}; write {{{{ and }}}} for brackets"
    )]
    Placeholder { name: String, known: String },
    #[error("{given:?} is not NAME=VALUE")]
    NoPair { given: String },
    #[error("{name} takes {kind}, not {given:?}")]
    Kind {
        name: String,
        kind: &'static str,
        given: String,
    },
    #[error("{name} is {given}, and must be {limit}")]
    Limit {
        name: String,
        given: String,
        limit: String,
    },
    #[error("the parameter {name} has no default that is a text, a number or true or false")]
    Default { name: String },
    #[error(
        "the parameter {name} has the unknown key {key:?}; it may have default, choices, min, max and help"
    )]
    Key { name: String, key: String },
    #[error(
        "the command's word {word:?} has a bracket without its other one; write {{{{ or }}}} for one"
    )]
    Bracket { word: String },
    #[error("the command is empty; give the recipe a `command`")]
    Empty,
}

/// One parameter of a recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub default: Value,
    pub help: String,
    /// Empty: any value of its kind.
    pub choices: Vec<Value>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

impl Parameter {
    fn read(name: &str, written: &Value) -> Result<Self, FillError> {
        let table = written.as_table();
        let default = match table {
            Some(table) => table.get("default"),
            None => Some(written),
        };
        let known = ["default", "choices", "min", "max", "help"];
        let mut keys = table.into_iter().flat_map(|table| table.keys());
        if let Some(key) = keys.find(|key| !known.contains(&key.as_str())) {
            return Err(FillError::Key {
                name: name.to_owned(),
                key: key.clone(),
            });
        }
        let is_plain = |value: &&Value| kind(value).is_some();
        let default = default.filter(is_plain).ok_or_else(|| FillError::Default {
            name: name.to_owned(),
        })?;
        let said = |key: &str| table.and_then(|table| table.get(key));
        let choices = said("choices").and_then(Value::as_array);
        Ok(Self {
            name: name.to_owned(),
            default: default.clone(),
            help: said("help")
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned(),
            choices: choices.cloned().unwrap_or_default(),
            min: said("min").and_then(number),
            max: said("max").and_then(number),
        })
    }

    /// A value of the default's kind, inside the limits.
    pub fn parse(&self, given: &str) -> Result<Value, FillError> {
        let parsed = match &self.default {
            Value::String(_) => Some(Value::String(given.to_owned())),
            Value::Integer(_) => given.replace('_', "").parse().ok().map(Value::Integer),
            Value::Float(_) => given.parse().ok().map(Value::Float),
            Value::Boolean(_) => given.parse().ok().map(Value::Boolean),
            _ => None,
        };
        let value = parsed.ok_or_else(|| FillError::Kind {
            name: self.name.clone(),
            kind: kind(&self.default).unwrap_or("a value"),
            given: given.to_owned(),
        })?;
        self.check(&value)?;
        Ok(value)
    }

    fn check(&self, value: &Value) -> Result<(), FillError> {
        let limit = |limit: String| {
            Err(FillError::Limit {
                name: self.name.clone(),
                given: plain(value),
                limit,
            })
        };
        if !self.choices.is_empty() && !self.choices.contains(value) {
            let choices: Vec<String> = self.choices.iter().map(plain).collect();
            return limit(format!("one of {}", choices.join(", ")));
        }
        match (number(value), self.min, self.max) {
            (Some(number), Some(min), _) if number.is_nan() || number < min => {
                limit(format!("{min} or more"))
            }
            (Some(number), _, Some(max)) if number.is_nan() || number > max => {
                limit(format!("{max} or less"))
            }
            _ => Ok(()),
        }
    }
}

/// The parameters as the manifest writes them.
pub fn parameters(written: &BTreeMap<String, Value>) -> Result<Vec<Parameter>, FillError> {
    let read = written
        .iter()
        .map(|(name, value)| Parameter::read(name, value));
    read.collect()
}

/// Values by name: the defaults, and over them what was given as `NAME=VALUE`.
pub fn values(
    parameters: &[Parameter],
    given: &[String],
) -> Result<BTreeMap<String, Value>, FillError> {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for parameter in parameters {
        parameter.check(&parameter.default)?;
        values.insert(parameter.name.clone(), parameter.default.clone());
    }
    for pair in given {
        let (name, value) = pair.split_once('=').ok_or_else(|| FillError::NoPair {
            given: pair.clone(),
        })?;
        let parameter = parameters.iter().find(|known| known.name == name);
        let parameter = parameter.ok_or_else(|| FillError::Unknown {
            name: name.to_owned(),
            known: listed(values.keys()),
        })?;
        values.insert(name.to_owned(), parameter.parse(value)?);
    }
    Ok(values)
}

fn listed<'a>(known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    if known.is_empty() {
        return "none".to_owned();
    }
    known.join(", ")
}

/// The words of the command with every `{NAME}` replaced.
pub fn fill(
    command: &[String],
    values: &BTreeMap<String, Value>,
) -> Result<Vec<String>, FillError> {
    if command.first().is_none_or(String::is_empty) {
        return Err(FillError::Empty);
    }
    command.iter().map(|word| fill_word(word, values)).collect()
}

/// One text with every `{NAME}` replaced.
pub fn fill_word(word: &str, values: &BTreeMap<String, Value>) -> Result<String, FillError> {
    let odd = || FillError::Bracket {
        word: word.to_owned(),
    };
    let mut filled = String::new();
    let mut rest = word;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let is_double = from.starts_with("{{") || from.starts_with("}}");
        if is_double {
            filled.extend(from.chars().take(1));
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        let inside = from.strip_prefix('{').ok_or_else(odd)?;
        let (name, after) = inside.split_once('}').ok_or_else(odd)?;
        let value = values.get(name).ok_or_else(|| FillError::Placeholder {
            name: name.to_owned(),
            known: listed(values.keys()),
        })?;
        filled.push_str(&plain(value));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// As it stands in a command.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Shortest: 1e-5, not 0.00001.
        Value::Float(number) if number.abs() < 1e-3 && *number != 0.0 => format!("{number:e}"),
        value => value.to_string(),
    }
}

fn kind(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        _ => return None,
    })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = r#"
        epochs = 3
        fast = false
        lr = { default = 1e-5, min = 0.0, max = 1e-2 }
        stage = { default = "tune", choices = ["adapter", "tune"] }
    "#;

    fn filled(command: &[&str], given: &[&str]) -> Result<Vec<String>, FillError> {
        let known = parameters(&toml::from_str(WRITTEN).unwrap()).unwrap();
        let owned = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        fill(&owned(command), &values(&known, &owned(given))?)
    }

    #[track_caller]
    fn check(word: &str, given: &[&str], expected: &str) {
        assert_eq!(filled(&[word], given).unwrap(), [expected]);
    }

    #[track_caller]
    fn refused(word: &str, given: &[&str], expected: &str) {
        assert_eq!(filled(&[word], given).unwrap_err().to_string(), expected);
    }

    #[rustfmt::skip]
    mod small {
        use super::*;

        #[test] fn a_default()        { check("--lr={lr}", &[], "--lr=1e-5"); }
        #[test] fn a_given_number()   { check("--lr={lr}", &["lr=0.002"], "--lr=0.002"); }
        #[test] fn two_in_a_word()    { check("{stage}-{epochs}", &["stage=adapter"], "adapter-3"); }
        #[test] fn brackets()         { check("{{{fast}}}", &["fast=true"], "{true}"); }
        #[test] fn an_equals_sign()   { check("a=b", &[], "a=b"); }
        #[test] fn no_placeholder()   { check("肺", &[], "肺"); }

        #[test] fn an_unknown_name()  { refused("x", &["lrr=1"], "the recipe has no parameter lrr; it has epochs, fast, lr, stage"); }
        #[test] fn an_unknown_word()  { refused("{lrr}", &[], "the command's {lrr} is no parameter; the recipe has epochs, fast, lr, stage; write {{ and }} for brackets"); }
        #[test] fn no_pair()          { refused("x", &["lr"], "\"lr\" is not NAME=VALUE"); }
        #[test] fn not_whole()        { refused("x", &["epochs=1.5"], "epochs takes a whole number, not \"1.5\""); }
        #[test] fn too_much()         { refused("x", &["lr=1"], "lr is 1.0, and must be 0.01 or less"); }
        #[test] fn not_a_number()     { refused("x", &["lr=nan"], "lr is nan, and must be 0 or more"); }
        #[test] fn no_choice()        { refused("x", &["stage=all"], "stage is all, and must be one of adapter, tune"); }
        #[test] fn an_open_bracket()  { refused("{lr", &[], "the command's word \"{lr\" has a bracket without its other one; write {{ or }} for one"); }
        #[test] fn a_closed_bracket() { refused("lr}", &[], "the command's word \"lr}\" has a bracket without its other one; write {{ or }} for one"); }
        #[test] fn no_command()       { refused("", &[], "the command is empty; give the recipe a `command`"); }
    }

    #[test]
    fn a_default_must_be_plain() {
        let written = toml::from_str("x = { choices = [1] }").unwrap();
        assert!(matches!(
            parameters(&written),
            Err(FillError::Default { .. })
        ));
        let written = toml::from_str("x = { default = 1, mx = 2 }").unwrap();
        assert!(matches!(parameters(&written), Err(FillError::Key { .. })));
        let written = toml::from_str("x = [1]").unwrap();
        assert!(matches!(
            parameters(&written),
            Err(FillError::Default { .. })
        ));
    }
}
