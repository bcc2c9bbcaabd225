//! The fields of the language: their names, what they mean, how their values are read.

use semihv_domain::{Modality, QueryError, QuestionKind, Tag};

use super::{Condition, HasWhat, Named, WrittenValue, YearRange};
use crate::Has;

/// A field as help and completion show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldAbout {
    pub name: &'static str,
    pub about: &'static str,
    pub example: &'static str,
}

/// All fields, the most used first.
pub fn fields() -> impl Iterator<Item = FieldAbout> {
    Field::ALL.into_iter().map(Field::about)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Modality,
    Has,
    Type,
    Tag,
    Year,
    Id,
    Key,
    Named(Named),
}

impl Field {
    pub(crate) const ALL: [Self; 14] = [
        Self::Modality,
        Self::Named(Named::Source),
        Self::Named(Named::Model),
        Self::Tag,
        Self::Has,
        Self::Type,
        Self::Named(Named::Language),
        Self::Year,
        Self::Named(Named::Class),
        Self::Named(Named::Split),
        Self::Named(Named::Part),
        Self::Named(Named::Licence),
        Self::Key,
        Self::Id,
    ];

    pub(crate) fn about(self) -> FieldAbout {
        let (name, about, example) = match self {
            Self::Modality => ("modality", "how the image was made", "modality:CT,MR"),
            Self::Has => ("has", "what a row comes with", "has:region"),
            Self::Type => ("type", "closed or open questions", "type:closed"),
            Self::Tag => ("tag", "a tag somebody set", "tag:laterality"),
            Self::Year => ("year", "a year or a range of years", "year:2018..2024"),
            Self::Id => ("id", "the row's number", "id:42"),
            Self::Key => ("key", "the source's own id", "key:MPX1009"),
            Self::Named(named) => return named_about(named),
        };
        FieldAbout {
            name,
            about,
            example,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.about().name
    }

    /// Finds a field by its name or a spelling people expect to work.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = match name.as_str() {
            "body_part" => "part",
            "language" => "lang",
            "license" => "licence",
            "kind" => "type",
            name => name,
        };
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

fn named_about(named: Named) -> FieldAbout {
    let (about, example) = match named {
        Named::Source => ("where the rows came from", "source:medpix2"),
        Named::Model => ("a model that answered", "model:huatuo wrong"),
        Named::Language => ("the language of the text", "lang:zh"),
        Named::Class => ("the published class of a question", "class:PRES"),
        Named::Split => ("train, validation or test", "split:test"),
        Named::Licence => ("under which terms it came", "licence:CC-BY-4.0"),
        Named::Part => ("the part of the body", "part:\"left lung\""),
    };
    FieldAbout {
        name: named.name(),
        about,
        example,
    }
}

/// Reads `name:values`; `column` is where the name stands.
pub(super) fn condition(
    name: &str,
    values: Vec<WrittenValue>,
    column: usize,
) -> Result<Condition, QueryError> {
    let Some(field) = Field::parse(name) else {
        return Err(unknown_field(name, column));
    };
    if values.is_empty() {
        return Err(QueryError {
            message: format!("`{}:` has no value", field.name()),
            column: column + name.chars().count() + 1,
            hint: Some(format!("for example `{}`", field.about().example)),
        });
    }
    Ok(match field {
        Field::Modality => Condition::Modality(each(&values, modality)?),
        Field::Type => Condition::Kind(each(&values, question_kind)?),
        Field::Has => Condition::Has(each(&values, has)?),
        Field::Tag => Condition::Tags(each(&values, tag)?),
        Field::Year => Condition::Years(each(&values, years)?),
        Field::Id => Condition::Ids(each(&values, id)?),
        Field::Key => Condition::Keys(values.into_iter().map(|value| value.text).collect()),
        Field::Named(named) => Condition::Named(named, values),
    })
}

/// The valid spelling that is most like the written one, if one is like it at all.
pub(crate) fn nearest<'a>(
    written: &str,
    valid: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_lowercase();
    let reach = (written.chars().count() / 3).max(2);
    valid
        .into_iter()
        .map(|name| (strsim::osa_distance(&written, &name.to_lowercase()), name))
        .filter(|&(distance, name)| distance <= reach && distance < name.chars().count())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

fn unknown_field(name: &str, column: usize) -> QueryError {
    let names = Field::ALL.map(Field::name);
    let hint = match nearest(name, names) {
        Some(name) => format!("did you mean `{name}:`?"),
        None => format!(
            "fields are {}; to search for the text itself, put it in quotation marks",
            names.join(", ")
        ),
    };
    QueryError {
        message: format!("there is no field `{name}`"),
        column,
        hint: Some(hint),
    }
}

fn each<T>(
    values: &[WrittenValue],
    read: fn(&WrittenValue) -> Result<T, QueryError>,
) -> Result<Vec<T>, QueryError> {
    values.iter().map(read).collect()
}

fn modality(value: &WrittenValue) -> Result<Modality, QueryError> {
    let names = Modality::ALL.map(Modality::name);
    match Modality::parse(&value.text) {
        Some(Modality::Other) if !value.text.eq_ignore_ascii_case("other") => {
            Err(unknown_value("modality", value, &names))
        }
        Some(modality) => Ok(modality),
        None => Err(unknown_value("modality", value, &names)),
    }
}

fn question_kind(value: &WrittenValue) -> Result<QuestionKind, QueryError> {
    match value.text.to_lowercase().as_str() {
        "closed" => Ok(QuestionKind::Closed),
        "open" => Ok(QuestionKind::Open),
        _ => Err(unknown_value("type", value, &["closed", "open"])),
    }
}

fn has(value: &WrittenValue) -> Result<HasWhat, QueryError> {
    match value.text.to_lowercase().as_str() {
        "note" => Ok(HasWhat::Note),
        "tag" => Ok(HasWhat::Tag),
        name => Has::parse(name).map(HasWhat::Indexed).ok_or_else(|| {
            let names: Vec<&str> = has_names().collect();
            unknown_value("has", value, &names)
        }),
    }
}

/// What can stand behind `has:`.
pub(crate) fn has_names() -> impl Iterator<Item = &'static str> {
    Has::ALL.map(Has::name).into_iter().chain(["note", "tag"])
}

fn tag(value: &WrittenValue) -> Result<Tag, QueryError> {
    Tag::parse(&value.text).ok_or_else(|| QueryError {
        message: format!("`{}` is not a tag", value.text),
        column: value.column,
        hint: Some("tags are 1 to 40 letters, digits, `-`, `_`, `/` or `.`".to_owned()),
    })
}

fn years(value: &WrittenValue) -> Result<YearRange, QueryError> {
    let refused = |hint: &str| QueryError {
        message: format!("`{}` is no year and no range of years", value.text),
        column: value.column,
        hint: Some(hint.to_owned()),
    };
    let year = |text: &str, open_end: i32| match text {
        "" => Ok(open_end),
        text => text
            .parse::<i32>()
            .map_err(|_| refused("for example `year:2021`, `year:2018..2024` or `year:2018..`")),
    };
    let (from, to) = value
        .text
        .split_once("..")
        .unwrap_or((&value.text, &value.text));
    let (from, to) = (year(from, i32::MIN)?, year(to, i32::MAX)?);
    if from > to {
        return Err(refused("the earlier year stands first"));
    }
    Ok(YearRange { from, to })
}

fn id(value: &WrittenValue) -> Result<i64, QueryError> {
    value.text.parse().map_err(|_| QueryError {
        message: format!("`{}` is no row number", value.text),
        column: value.column,
        hint: Some("for example `id:42`; the source's own id is `key:`".to_owned()),
    })
}

fn unknown_value(field: &str, value: &WrittenValue, valid: &[&str]) -> QueryError {
    let hint = match nearest(&value.text, valid.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of {}", valid.join(", ")),
    };
    QueryError {
        message: format!("`{field}` knows no `{}`", value.text),
        column: value.column,
        hint: Some(hint),
    }
}
