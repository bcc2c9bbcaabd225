//! A Qdrant server: its generations and which of them is served.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use semihv_vectors::{Difference, Fingerprint};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use crate::about::{About, FORMAT, State, about_id};
use crate::generation::Generation;
use crate::http::{Call, CallError, Http};
use crate::settings::Settings;
use crate::wire::{self, Aliases, CollectionInfo, Collections, Note, Page, Stored, Version};

/// The first with everything that is asked here (queries, vectors in half precision).
const LEAST_VERSION: (u64, u64) = (1, 10);

/// Points of one page.
const A_PAGE: usize = 2_000;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(
        "{server} runs Qdrant {found}; install {} or later",
        version(LEAST_VERSION)
    )]
    Version { server: String, found: String },
    #[error("{server} is no Qdrant, it calls itself {title:?}; give the address of Qdrant")]
    NotQdrant { server: String, title: String },
    #[error(
        "{name} at {server} was not made by semihv, or is damaged: {why}; choose another \
         collection, or build the index anew"
    )]
    Foreign {
        server: String,
        name: String,
        why: &'static str,
    },
    #[error(
        "the index {name} was written in format {found}, this semihv reads {FORMAT}; build it anew"
    )]
    Format { name: String, found: u32 },
    #[error(
        "the vectors in {name} have {found} dimensions, its model {expected}; build the index anew"
    )]
    Dimension {
        name: String,
        found: u64,
        expected: u32,
    },
    #[error(transparent)]
    Fingerprint(#[from] Difference),
}

/// A server. It blocks; ask it from a thread that may wait.
#[derive(Debug, Clone)]
pub struct Qdrant {
    pub(crate) http: Arc<Http>,
}

impl Qdrant {
    /// Asks the server who it is.
    pub fn connect(settings: Settings) -> Result<Self, OpenError> {
        let http = Arc::new(Http::new(settings)?);
        let never = AtomicBool::new(false);
        let said: Version = http.plain(&Call::get("say its version", "/"), &never)?;
        let server = http.server();
        if !said.title.to_lowercase().contains("qdrant") {
            let title = said.title.chars().take(60).collect();
            return Err(OpenError::NotQdrant { server, title });
        }
        if !is_recent(&said.version) {
            let found = said.version.chars().take(60).collect();
            return Err(OpenError::Version { server, found });
        }
        Ok(Self { http })
    }

    /// The generation that is served now. What is opened stays that generation, whatever is built
    /// meanwhile; it lasts until two newer ones were built. `None`: there is none yet.
    pub fn open(&self) -> Result<Option<Generation>, OpenError> {
        let Some(name) = self.served()? else {
            return Ok(None);
        };
        let about = self.about(&name)?;
        let about = about.ok_or_else(|| self.foreign(&name, "it does not say what it is"))?;
        if about.state != State::Complete {
            return Err(self.foreign(&name, "it is not complete"));
        }
        self.check(&name, &about)?;
        Ok(Some(Generation::new(self.http.clone(), name, about)))
    }

    /// The generation that is served now, for this model.
    pub fn open_for(&self, loaded: &Fingerprint) -> Result<Option<Generation>, OpenError> {
        let Some(generation) = self.open()? else {
            return Ok(None);
        };
        crate::VectorPools::expect(&generation, loaded)?;
        Ok(Some(generation))
    }

    fn check(&self, name: &str, about: &About) -> Result<(), OpenError> {
        let call = Call::get("describe a collection", format!("/collections/{name}"));
        let info: CollectionInfo = self.http.ask(&call)?;
        let params = info.config.params;
        let Some(found) = params.dim() else {
            return Err(self.foreign(name, "it has no vectors called clip_sf"));
        };
        if !params.has_words() {
            return Err(self.foreign(name, "it has no sparse vectors called bm25"));
        }
        let expected = about.fingerprint.dim;
        if found != u64::from(expected) {
            return Err(OpenError::Dimension {
                name: name.to_owned(),
                found,
                expected,
            });
        }
        Ok(())
    }

    fn foreign(&self, name: &str, why: &'static str) -> OpenError {
        OpenError::Foreign {
            server: self.http.server(),
            name: name.to_owned(),
            why,
        }
    }

    /// What a collection says of itself. `None`: nothing.
    pub(crate) fn about(&self, name: &str) -> Result<Option<About>, OpenError> {
        let points: Vec<Stored<Value>> = points(&self.http, name, &[about_id()], &json!(false))?;
        let Some(point) = points.into_iter().next() else {
            return Ok(None);
        };
        let format = point.payload.pointer("/note/format");
        let format = format.and_then(Value::as_u64).unwrap_or_default() as u32;
        if format != FORMAT {
            return Err(OpenError::Format {
                name: name.to_owned(),
                found: format,
            });
        }
        let note: Result<Note<About>, _> = serde_json::from_value(point.payload);
        Ok(note.ok().map(|note| note.note))
    }

    /// The collection behind the alias.
    pub(crate) fn served(&self) -> Result<Option<String>, CallError> {
        let aliases: Aliases = self.http.ask(&Call::get("list aliases", "/aliases"))?;
        let wanted = &self.http.settings().collection;
        let ours = aliases.aliases.into_iter();
        Ok(ours
            .filter(|alias| &alias.alias_name == wanted)
            .map(|alias| alias.collection_name)
            .next())
    }

    /// The generations that are there, complete or not.
    pub(crate) fn numbers(&self) -> Result<BTreeSet<u64>, CallError> {
        let call = Call::get("list collections", "/collections");
        let listed: Collections = self.http.ask(&call)?;
        let names = listed.collections.iter();
        Ok(names
            .filter_map(|named| self.number_of(&named.name))
            .collect())
    }

    /// The collection of a generation.
    pub(crate) fn name_of(&self, generation: u64) -> String {
        format!("{}-g{generation:06}", self.http.settings().collection)
    }

    /// `None`: the collection is none of ours.
    pub(crate) fn number_of(&self, name: &str) -> Option<u64> {
        let ours = &self.http.settings().collection;
        let digits = name.strip_prefix(ours.as_str())?.strip_prefix("-g")?;
        let number = digits.parse().ok()?;
        // Only names as they are written here: another's collection must never be deleted.
        (self.name_of(number) == name).then_some(number)
    }

    /// From one moment to the next.
    pub(crate) fn switch_to(&self, name: &str) -> Result<(), CallError> {
        let alias = &self.http.settings().collection;
        let body = json!({"actions": [
            {"delete_alias": {"alias_name": alias}},
            {"create_alias": {"collection_name": name, "alias_name": alias}},
        ]});
        let call = Call::post("switch to a new index", "/collections/aliases").json(&body)?;
        self.http.ask::<IgnoredAny>(&call)?;
        Ok(())
    }

    pub(crate) fn delete(&self, name: &str) -> Result<(), CallError> {
        let call = Call::delete("delete an old index", format!("/collections/{name}"));
        match self.http.ask::<IgnoredAny>(&call) {
            Ok(_) => Ok(()),
            Err(error) if error.is_missing() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Some points of a collection; those that are not there are left out.
pub(crate) fn points<P: DeserializeOwned>(
    http: &Http,
    name: &str,
    ids: &[String],
    with_vector: &Value,
) -> Result<Vec<Stored<P>>, CallError> {
    let body = json!({"ids": ids, "with_payload": true, "with_vector": with_vector});
    let path = format!("/collections/{name}/points");
    http.ask(&Call::post("read points", path).json(&body)?)
}

/// Every point that passes, a page at a time.
pub(crate) fn scroll<P: DeserializeOwned>(
    http: &Http,
    name: &str,
    (filter, fields): (Value, &[&str]),
    each: &mut dyn FnMut(Stored<P>),
) -> Result<(), CallError> {
    let mut offset = None;
    loop {
        let mut body = json!({
            "filter": filter, "limit": A_PAGE, "with_payload": fields, "with_vector": false,
        });
        if let (Some(offset), Some(body)) = (offset.take(), body.as_object_mut()) {
            body.insert("offset".to_owned(), offset);
        }
        let path = format!("/collections/{name}/points/scroll");
        let page: Page<P> = http.ask(&Call::post("list points", path).json(&body)?)?;
        page.points.into_iter().for_each(&mut *each);
        match page.next_page_offset {
            None | Some(Value::Null) => return Ok(()),
            next => offset = next,
        }
    }
}

pub(crate) fn count(http: &Http, name: &str, filter: &Value) -> Result<u64, CallError> {
    let body = json!({"filter": filter, "exact": true});
    let path = format!("/collections/{name}/points/count");
    let counted: wire::Count = http.ask(&Call::post("count points", path).json(&body)?)?;
    Ok(counted.count)
}

fn version((major, minor): (u64, u64)) -> String {
    format!("{major}.{minor}")
}

fn is_recent(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= LEAST_VERSION,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn versions_are_compared_as_numbers() {
        for recent in ["1.10.0", "1.16.3", "2.0.0", "1.15.0-dev"] {
            assert!(is_recent(recent), "{recent}");
        }
        for old in ["1.9.7", "0.11.0", "", "one.two", "1"] {
            assert!(!is_recent(old), "{old}");
        }
    }
}
