//! What numbers in masks mean: `dataset.json` of the Medical Segmentation Decathlon and of nnU-Net,
//! or a list of names.

use std::collections::BTreeMap;

use semihv_domain::Modality;
use serde_json::Value;

use crate::text::kept;

/// What nobody outlines has these names.
const BACKGROUND: [&str; 3] = ["background", "_background_", "__background__"];

/// A number in a mask and its name, sorted; a number may have several names.
pub(super) type Labels = Vec<(u32, String)>;

#[derive(Debug, Default, PartialEq)]
pub(super) struct DataSet {
    pub(super) labels: Labels,
    /// Of the channels whose names say it.
    modalities: BTreeMap<u32, Modality>,
    /// Every image's name ends in its channel, as nnU-Net has it.
    pub(super) has_channels: bool,
    pub(super) licence: Option<String>,
}

impl DataSet {
    /// Where all channels agree.
    pub(super) fn modality(&self) -> Option<Modality> {
        let first = *self.modalities.values().next()?;
        let agree = self.modalities.values().all(|other| *other == first);
        agree.then_some(first)
    }

    pub(super) fn modality_of(&self, channel: u32) -> Option<Modality> {
        let own = self.modalities.get(&channel).copied();
        own.or_else(|| self.modality())
    }
}

/// The data set, and what of it is not sound; or why the file is none.
pub(super) fn read(text: &str) -> Result<(DataSet, Vec<String>), String> {
    let written: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(written) = written else {
        return Err("not a JSON object".to_owned());
    };
    let mut faults = Vec::new();
    let labels = written
        .get("labels")
        .map_or_else(Vec::new, |labels| labels_of(labels, &mut faults));
    let channels = written.get("channel_names").or(written.get("modality"));
    let licence = written.get("licence").or(written.get("license"));
    let licence = licence.and_then(Value::as_str).map(str::to_owned);
    let data_set = DataSet {
        labels,
        modalities: channels.map_or_else(BTreeMap::new, modalities),
        has_channels: written.contains_key("channel_names") || written.contains_key("file_ending"),
        licence: licence.and_then(kept),
    };
    Ok((data_set, faults))
}

fn labels_of(written: &Value, faults: &mut Vec<String>) -> Labels {
    let Value::Object(written) = written else {
        faults.push("`labels` is not an object".to_owned());
        return Vec::new();
    };
    let mut labels = Vec::new();
    for (key, value) in written {
        match label(key, value) {
            Some(numbered) => labels.extend(numbered),
            None => faults.push(format!("the label `{key}` has neither a number nor a name")),
        }
    }
    outlined(labels)
}

/// `"1": "edema"`, `"edema": 1` or, for a region of several numbers, `"tumour": [1, 2]`.
fn label(key: &str, value: &Value) -> Option<Labels> {
    let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
    let numbers: Vec<u32> = match value {
        Value::String(name) => {
            let (number, name) = match (key.trim().parse(), name.trim().parse()) {
                (Ok(number), _) => (number, name.as_str()),
                (_, Ok(number)) => (number, key),
                _ => return None,
            };
            return Some(vec![(number, name.to_owned())]);
        }
        Value::Array(numbers) => numbers.iter().map(number).collect::<Option<_>>()?,
        single => vec![number(single)?],
    };
    let named = numbers.into_iter().map(|number| (number, key.to_owned()));
    Some(named.collect())
}

/// Sorted, without the background, which is always 0.
fn outlined(mut labels: Labels) -> Labels {
    for (_, name) in &mut labels {
        *name = name.trim().to_owned();
    }
    labels.retain(|(number, name)| *number > 0 && !name.is_empty() && !is_background(name));
    labels.sort();
    labels.dedup();
    labels
}

fn is_background(name: &str) -> bool {
    BACKGROUND.iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// `{"0": "CT"}`, `["CT"]` or `"CT"`; names of what is done to the values, and channels that say
/// only how they are weighted, are no modality.
fn modalities(written: &Value) -> BTreeMap<u32, Modality> {
    let named: Vec<(u32, &Value)> = match written {
        Value::Object(channels) => channels
            .iter()
            .filter_map(|(channel, name)| Some((channel.parse().ok()?, name)))
            .collect(),
        Value::Array(names) => (0..).zip(names).collect(),
        single => vec![(0, single)],
    };
    let known = named.into_iter().filter_map(|(channel, name)| {
        let modality = Modality::parse(name.as_str()?)?;
        (modality != Modality::Other).then_some((channel, modality))
    });
    known.collect()
}

/// `1 name` on each line, or only names, counted from 1, or from 0 where the first is the
/// background. And the lines that say nothing.
pub(super) fn read_list(text: &str) -> (Labels, Vec<(u64, String)>) {
    let lines = (1_u64..).zip(text.trim_start_matches('\u{feff}').lines());
    let lines: Vec<(u64, &str)> = lines
        .map(|(at, line)| (at, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let (mut labels, mut faults) = (Vec::new(), Vec::new());
    let Some((_, first)) = lines.first() else {
        return (labels, faults);
    };
    let is_numbered = numbered(first).is_some();
    let counted_from = u32::from(!is_background(first));
    for (number, (at, line)) in (counted_from..).zip(&lines) {
        if !is_numbered {
            labels.push((number, (*line).to_owned()));
        } else if let Some(label) = numbered(line) {
            labels.push(label);
        } else {
            faults.push((*at, format!("`{line}` has no number and name")));
        }
    }
    (outlined(labels), faults)
}

fn numbered(line: &str) -> Option<(u32, String)> {
    let (number, name) = line.split_once(|c: char| c.is_whitespace() || matches!(c, ':' | ','))?;
    let name = name.trim();
    let number = number.parse().ok().filter(|_| !name.is_empty())?;
    Some((number, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(labels: &Labels) -> String {
        let each = labels
            .iter()
            .map(|(number, name)| format!("{number}={name}"));
        each.collect::<Vec<_>>().join("; ")
    }

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let (data_set, faults) = read(json).unwrap();
        let all: Vec<String> = std::iter::once(said(&data_set.labels))
            .chain(faults)
            .collect();
        assert_eq!(all.join("; "), expected);
    }

    #[test]
    fn numbers_name_texts_or_texts_numbers() {
        check(
            r#"{"labels":{"0":"background","2":"b","10":"c","1":"a"}}"#,
            "1=a; 2=b; 10=c",
        );
        check(
            r#"{"labels":{"background":0,"tumour":1,"7":2}}"#,
            "1=tumour; 2=7",
        );
        check(r#"{"labels":{"0":"background","liver":"1"}}"#, "1=liver");
    }

    #[test]
    fn a_region_of_several_numbers_is_one_for_each() {
        check(
            r#"{"labels":{"background":0,"whole":[1,2],"core":[2]}}"#,
            "1=whole; 2=core; 2=whole",
        );
    }

    #[test]
    fn unsound_labels_are_said_and_cost_no_other() {
        check(
            r#"{"labels":{"a":1,"b":-1,"c":1.5,"d":"x","e":[1,"y"],"f":null}}"#,
            "1=a; the label `b` has neither a number nor a name; the label `c` has neither a \
             number nor a name; the label `d` has neither a number nor a name; the label `e` has \
             neither a number nor a name; the label `f` has neither a number nor a name",
        );
        check(r#"{"labels":["a"]}"#, "; `labels` is not an object");
        check("{}", "");
        assert!(read("[1]").is_err() && read("{").is_err());
    }

    #[test]
    fn channels_say_the_modality_where_they_know_it() {
        let modality = |json: &str| read(json).unwrap().0.modality();
        assert_eq!(modality(r#"{"modality":{"0":"CT"}}"#), Some(Modality::Ct));
        assert_eq!(modality(r#"{"modality":"MRI"}"#), Some(Modality::Mr));
        assert_eq!(
            modality(r#"{"channel_names":{"0":"ADC","1":"T2"}}"#),
            Some(Modality::Mr)
        );
        assert_eq!(modality(r#"{"channel_names":{"0":"noNorm"}}"#), None);
        let (mixed, _) = read(r#"{"channel_names":{"0":"CT","1":"PET"}}"#).unwrap();
        assert!(mixed.has_channels);
        assert_eq!(mixed.modality(), None);
        assert_eq!(mixed.modality_of(1), Some(Modality::Nuclear));
    }

    #[test]
    fn a_list_has_numbers_or_is_counted() {
        let read = |text| said(&read_list(text).0);
        assert_eq!(read("a\n\nb c\n"), "1=a; 2=b c");
        assert_eq!(read("background\na\nb"), "1=a; 2=b");
        assert_eq!(
            read("\u{feff}0 background\r\n3: c\r\n1\ta b\r\n"),
            "1=a b; 3=c"
        );
        let (labels, faults) = read_list("1 a\nb\n2 c");
        assert_eq!(said(&labels), "1=a; 2=c");
        assert_eq!(faults, [(2, "`b` has no number and name".to_owned())]);
    }
}
