//! Where the server is, how it is entered, and how long it is waited for.

use std::env::{self, VarError};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;

/// Names that fit into a path and into every file system.
const LONGEST_NAME: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{url:?} is no address of a server: {why}; write it as https://host:6333")]
    Url { url: String, why: String },
    #[error(
        "{name:?} cannot name a collection; use letters, digits, - and _, at most {LONGEST_NAME}"
    )]
    Collection { name: String },
    #[error("the settings name {variable} for the key of the server, but it is not set; export it")]
    NoKey { variable: String },
    #[error("what {variable} holds is no key: it has line breaks or other invisible characters")]
    Key { variable: String },
    #[error(
        "the key of the server would travel readable for all over http; use https, or a tunnel \
         to this machine"
    )]
    Readable,
}

/// Where the server is.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) url: Url,
    pub(crate) collection: String,
    pub(crate) key: Option<ApiKey>,
    pub patience: Patience,
}

impl Settings {
    /// `collection` is the name under which the served generation is known.
    pub fn new(url: &str, collection: &str, key: Option<ApiKey>) -> Result<Self, SettingsError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let length = collection.len();
        if !(1..=LONGEST_NAME).contains(&length) || !collection.chars().all(fits) {
            return Err(SettingsError::Collection {
                name: collection.to_owned(),
            });
        }
        let url = checked(url)?;
        if key.is_some() && url.scheme() == "http" && !is_loopback(&url) {
            return Err(SettingsError::Readable);
        }
        Ok(Self {
            url,
            collection: collection.to_owned(),
            key,
            patience: Patience::default(),
        })
    }
}

/// How long the server is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub connect: Duration,
    /// For one answer, whole.
    pub answer: Duration,
    /// How often something is asked at most, when the server is overloaded or the line is cut.
    pub tries: u32,
    /// Doubled with every try.
    pub first_wait: Duration,
    /// Bytes of one answer.
    pub largest_answer: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_mins(1),
            tries: 5,
            first_wait: Duration::from_millis(200),
            largest_answer: 64 << 20,
        }
    }
}

/// The key of a server: it is sent, and shown nowhere.
#[derive(Clone)]
pub struct ApiKey {
    pub(crate) variable: String,
    header: HeaderValue,
}

impl ApiKey {
    /// From an environment variable: settings are files, and files are shared.
    pub fn from_env(variable: &str) -> Result<Self, SettingsError> {
        match env::var(variable) {
            Ok(key) => Self::new(variable, &key),
            Err(VarError::NotPresent) => Err(SettingsError::NoKey {
                variable: variable.to_owned(),
            }),
            Err(VarError::NotUnicode(_)) => Err(SettingsError::Key {
                variable: variable.to_owned(),
            }),
        }
    }

    /// `variable` is what messages call it.
    pub fn new(variable: &str, key: &str) -> Result<Self, SettingsError> {
        let variable = variable.to_owned();
        let key = key.trim();
        if key.is_empty() {
            return Err(SettingsError::NoKey { variable });
        }
        let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        match HeaderValue::from_str(key) {
            Ok(mut header) if is_visible => {
                header.set_sensitive(true);
                Ok(Self { variable, header })
            }
            _ => Err(SettingsError::Key { variable }),
        }
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// A text of the server without the key, should it repeat it.
    pub(crate) fn hidden(&self, text: &str) -> String {
        match self.header.to_str() {
            Ok(key) => text.replace(key, "(the key)"),
            Err(_) => text.to_owned(),
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey(from {})", self.variable)
    }
}

fn checked(written: &str) -> Result<Url, SettingsError> {
    let refused = |shown: &str, why: &str| SettingsError::Url {
        url: shown.to_owned(),
        why: why.to_owned(),
    };
    let url = Url::parse(written.trim()).map_err(|error| refused(written, &error.to_string()))?;
    // A password must not reach a message, so that the address is not shown with it.
    if !url.username().is_empty() || url.password().is_some() {
        let host = url.host_str().unwrap_or_default();
        return Err(refused(host, "a name or password stands in it"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(written, "it is neither http nor https"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused(written, "something stands behind ? or #"));
    }
    let mut url = url;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(url: &str) -> String {
        Settings::new(url, "semihv", None).unwrap_err().to_string()
    }

    #[test]
    fn addresses_are_checked() {
        for url in [
            "https://qdrant.example:6333",
            "http://127.0.0.1:6333/",
            "https://gate.example/qdrant/",
        ] {
            Settings::new(url, "semihv", None).unwrap();
        }
        assert!(refused("qdrant").contains("write it as https://host:6333"));
        assert!(refused("ftp://host").contains("neither http nor https"));
        assert!(refused("http://host/?a=1").contains("behind ? or #"));
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let message = refused("https://me:secret@host:6333");
        assert!(message.contains("password") && !message.contains("secret"));
    }

    #[test]
    fn a_collection_has_a_plain_name() {
        for name in ["", "a/b", "semihv?", "../x", &"x".repeat(101)] {
            assert!(Settings::new("http://localhost", name, None).is_err());
        }
    }

    #[test]
    fn a_key_does_not_travel_readable() {
        let key = || Some(ApiKey::new("KEY", "sesame").unwrap());
        let open = Settings::new("http://qdrant.example", "semihv", key());
        assert!(matches!(open, Err(SettingsError::Readable)));
        for url in [
            "https://qdrant.example",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            Settings::new(url, "semihv", key()).unwrap();
        }
    }

    #[test]
    fn a_key_is_shown_nowhere() {
        let key = ApiKey::new("KEY", "sesame\n").unwrap();
        let settings = Settings::new("http://localhost", "semihv", Some(key.clone())).unwrap();
        assert!(!format!("{settings:?}").contains("sesame"));
        assert_eq!(key.hidden("no sesame here"), "no (the key) here");
        let wrong = ApiKey::new("KEY", "ses\name").unwrap_err().to_string();
        assert!(wrong.contains("KEY") && !wrong.contains("ses"));
        let unset = ApiKey::from_env("SEMIHV_TEST_NO_SUCH_KEY").unwrap_err();
        assert!(unset.to_string().contains("SEMIHV_TEST_NO_SUCH_KEY"));
    }
}
