//! As much of Qdrant's interface as the client uses, exact and in memory, with faults on demand.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use semihv_remote::{ApiKey, Patience, Qdrant, Settings, VectorPools};
use serde_json::{Map, Value, json};

use crate::samples::{Both, Peer, Rows, WordPeer, built};

/// What goes wrong with one answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Status(u16, &'static str),
    Slow(Duration),
    /// In the middle of an answer.
    Cut,
    Say(String),
    Endless,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) key: Option<String>,
    pub(crate) body: Value,
}

#[derive(Default)]
struct State {
    collections: BTreeMap<String, Collection>,
    aliases: BTreeMap<String, String>,
    faults: VecDeque<(&'static str, Fault)>,
    asked: Vec<Asked>,
    version: String,
    key: Option<String>,
}

#[derive(Default)]
struct Collection {
    config: Value,
    points: BTreeMap<String, Value>,
}

/// A server on a port of its own.
#[derive(Clone)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    pub(crate) port: u16,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State {
            version: "1.17.0".to_owned(),
            ..State::default()
        };
        let fake = Self {
            state: Arc::new(Mutex::new(state)),
            port,
        };
        let served = fake.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                thread::spawn(move || served.serve(stream));
            }
        });
        fake
    }

    /// The next answers to paths that contain a text go wrong.
    pub(crate) fn fail(&self, path: &'static str, faults: impl IntoIterator<Item = Fault>) {
        let mut state = self.state.lock().unwrap();
        state
            .faults
            .extend(faults.into_iter().map(|fault| (path, fault)));
    }

    pub(crate) fn version(&self, version: &str) {
        version.clone_into(&mut self.state.lock().unwrap().version);
    }

    pub(crate) fn want_key(&self, key: &str) {
        self.state.lock().unwrap().key = Some(key.to_owned());
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    pub(crate) fn collections(&self) -> Vec<String> {
        self.state
            .lock()
            .unwrap()
            .collections
            .keys()
            .cloned()
            .collect()
    }

    pub(crate) fn add_collection(&self, name: &str) {
        let mut state = self.state.lock().unwrap();
        state
            .collections
            .insert(name.to_owned(), Collection::default());
    }

    pub(crate) fn alias(&self, alias: &str, name: &str) {
        let mut state = self.state.lock().unwrap();
        state.aliases.insert(alias.to_owned(), name.to_owned());
    }

    /// Changes the points of a collection behind the client's back.
    pub(crate) fn meddle(&self, name: &str, with: impl Fn(&mut BTreeMap<String, Value>)) {
        with(
            &mut self
                .state
                .lock()
                .unwrap()
                .collections
                .get_mut(name)
                .unwrap()
                .points,
        );
    }

    pub(crate) fn settings(&self, key: Option<ApiKey>) -> Settings {
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut settings = Settings::new(&url, "semihv", key).unwrap();
        settings.patience = Patience {
            answer: Duration::from_secs(20),
            first_wait: Duration::from_millis(1),
            ..Patience::default()
        };
        settings
    }

    pub(crate) fn connect(&self) -> Qdrant {
        Qdrant::connect(self.settings(None)).unwrap()
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let (asked, is_allowed) = self.read(&stream)?;
        let fault = self.next_fault(&asked.path);
        let (status, body) = match &fault {
            Some(Fault::Status(status, body)) => (*status, (*body).to_owned()),
            Some(Fault::Say(text)) => (200, text.clone()),
            _ if !is_allowed => (401, "Must provide an API key".to_owned()),
            _ => self.answer(&asked),
        };
        if let Some(Fault::Slow(pause)) = fault {
            thread::sleep(pause);
        }
        let length = match fault {
            Some(Fault::Endless) => usize::MAX / 4,
            _ => body.len(),
        };
        let head =
            format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        match fault {
            Some(Fault::Cut) => stream.write_all(&body.as_bytes()[..body.len() / 2]).ok(),
            Some(Fault::Endless) => loop {
                stream.write_all(&[b' '; 1 << 12]).ok()?;
            },
            _ => stream.write_all(body.as_bytes()).ok(),
        }
    }

    fn read(&self, stream: &TcpStream) -> Option<(Asked, bool)> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let (mut length, mut key) = (0, None);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            match name.to_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "api-key" => key = Some(value.to_owned()),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        let asked = Asked {
            method,
            path,
            key,
            body,
        };
        let mut state = self.state.lock().unwrap();
        state.asked.push(asked.clone());
        let is_allowed = state.key.is_none() || state.key == asked.key;
        Some((asked, is_allowed))
    }

    fn next_fault(&self, path: &str) -> Option<Fault> {
        let faults = &mut self.state.lock().unwrap().faults;
        let next = faults
            .front()
            .filter(|(part, _)| path.contains(part))
            .cloned();
        if next.is_some() {
            faults.pop_front();
        }
        next.map(|(_, fault)| fault)
    }

    fn answer(&self, asked: &Asked) -> (u16, String) {
        let state = &mut *self.state.lock().unwrap();
        let path = asked.path.split('?').next().unwrap();
        if path == "/" {
            let said = json!({"title": "qdrant - vector search engine", "version": state.version});
            return (200, said.to_string());
        }
        match state.result(&asked.method, path, &asked.body) {
            Ok(result) => (
                200,
                json!({"result": result, "status": "ok", "time": 0.0}).to_string(),
            ),
            Err((status, why)) => (
                status,
                json!({"status": {"error": why}, "time": 0.0}).to_string(),
            ),
        }
    }
}

type Answer = Result<Value, (u16, String)>;

impl State {
    fn result(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        match (method, path) {
            ("GET", "/collections") => {
                let named = self.collections.keys().map(|name| json!({"name": name}));
                return Ok(json!({"collections": named.collect::<Vec<_>>()}));
            }
            ("GET", "/aliases") => {
                let named = self.aliases.iter();
                let named = named
                    .map(|(alias, name)| json!({"alias_name": alias, "collection_name": name}));
                return Ok(json!({"aliases": named.collect::<Vec<_>>()}));
            }
            ("POST", "/collections/aliases") => return Ok(self.change_aliases(body)),
            _ => {}
        }
        let rest = path.strip_prefix("/collections/").unwrap();
        let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let name = self
            .aliases
            .get(name)
            .cloned()
            .unwrap_or_else(|| name.to_owned());
        match (method, rest) {
            ("PUT", "") if self.collections.contains_key(&name) => {
                Err((409, "it already exists".to_owned()))
            }
            ("PUT", "") => {
                let made = Collection {
                    config: body.clone(),
                    points: BTreeMap::new(),
                };
                self.collections.insert(name, made);
                Ok(json!(true))
            }
            ("DELETE", "") => {
                self.aliases.retain(|_, of| *of != name);
                Ok(json!(self.collections.remove(&name).is_some()))
            }
            _ => {
                let missing = || {
                    (
                        404,
                        format!("Not found: Collection `{name}` doesn't exist!"),
                    )
                };
                self.collections
                    .get_mut(&name)
                    .ok_or_else(missing)?
                    .result(method, rest, body)
            }
        }
    }

    fn change_aliases(&mut self, body: &Value) -> Value {
        for action in body["actions"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            if let Some(gone) = action.get("delete_alias") {
                self.aliases.remove(&text(&gone["alias_name"]));
            } else {
                let made = &action["create_alias"];
                self.aliases
                    .insert(text(&made["alias_name"]), text(&made["collection_name"]));
            }
        }
        json!(true)
    }
}

impl Collection {
    fn result(&mut self, method: &str, rest: &str, body: &Value) -> Answer {
        let done = json!({"operation_id": 0, "status": "completed"});
        match (method, rest) {
            ("GET", "") => Ok(json!({"status": "green", "config": {"params": self.config}})),
            ("PUT", "index") => Ok(done),
            ("PUT", "points") => {
                for point in body["points"].as_array().unwrap() {
                    let id = point["id"].as_str().unwrap().to_owned();
                    self.points.insert(id, point.clone());
                }
                Ok(done)
            }
            ("POST", "points/delete") => {
                for id in body["points"].as_array().unwrap() {
                    self.points.remove(id.as_str().unwrap());
                }
                Ok(done)
            }
            ("POST", "points") => {
                let ids = body["ids"].as_array().unwrap().iter();
                let found = ids.filter_map(|id| self.points.get(id.as_str().unwrap()).cloned());
                Ok(found.collect())
            }
            ("POST", "points/count") => Ok(json!({"count": self.passing(&body["filter"]).count()})),
            ("POST", "points/scroll") => Ok(self.scroll(body)),
            ("POST", "points/query") => self.query(body),
            other => panic!("{other:?} is not asked of Qdrant"),
        }
    }

    fn passing(&self, filter: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let filter = filter.clone();
        self.points.iter().filter(move |(id, point)| {
            let all = |key: &str| filter[key].as_array().cloned().unwrap_or_default();
            all("must").iter().all(|one| holds(one, id, point))
                && !all("must_not").iter().any(|one| holds(one, id, point))
        })
    }

    fn scroll(&self, body: &Value) -> Value {
        let from = body["offset"].as_str().unwrap_or_default().to_owned();
        let limit = body["limit"].as_u64().unwrap() as usize;
        let mut found: Vec<&Value> = self
            .passing(&body["filter"])
            .filter(|(id, _)| **id >= from)
            .map(|(_, point)| point)
            .collect();
        let next = found.get(limit).map(|point| point["id"].clone());
        found.truncate(limit);
        let found: Vec<Value> = found
            .iter()
            .map(|point| json!({"id": point["id"], "payload": point["payload"]}))
            .collect();
        json!({"points": found, "next_page_offset": next})
    }

    fn query(&self, body: &Value) -> Answer {
        let using = body["using"].as_str().unwrap();
        let query = sparse(&body["query"]);
        let size = self.config["vectors"][using]["size"].as_u64();
        if let Some(size) = size.filter(|size| *size as usize != query.len()) {
            let found = query.len();
            let why = format!("Vector dimension error: expected dim: {size}, got {found}");
            return Err((400, why));
        }
        let is_words = body["query"].get("indices").is_some();
        let mut found: Vec<(f64, Value)> = Vec::new();
        for (id, point) in self.passing(&body["filter"]) {
            let Some(vector) = point["vector"].get(using) else {
                continue;
            };
            let vector = sparse(vector);
            let shared = query
                .iter()
                .filter_map(|(at, value)| Some(value * vector.get(at)?));
            let shared: Vec<f64> = shared.collect();
            if is_words && shared.is_empty() {
                continue;
            }
            let score: f64 = shared.iter().sum();
            let mut payload = Map::new();
            for field in body["with_payload"].as_array().unwrap() {
                let field = field.as_str().unwrap();
                payload.extend(
                    point["payload"]
                        .get(field)
                        .map(|value| (field.to_owned(), value.clone())),
                );
            }
            found.push((
                score,
                json!({"id": id, "version": 1, "score": score, "payload": payload}),
            ));
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.truncate(body["limit"].as_u64().unwrap() as usize);
        let points: Vec<Value> = found.into_iter().map(|(_, point)| point).collect();
        Ok(json!({"points": points}))
    }
}

/// Dense vectors are sparse ones with every place.
fn sparse(vector: &Value) -> BTreeMap<u64, f64> {
    let numbers = |value: &Value| -> Vec<f64> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part.as_f64().unwrap())
            .collect()
    };
    match vector.get("indices") {
        None => (0..).zip(numbers(vector)).collect(),
        Some(indices) => {
            let indices = indices
                .as_array()
                .unwrap()
                .iter()
                .map(|index| index.as_u64().unwrap());
            indices.zip(numbers(&vector["values"])).collect()
        }
    }
}

fn holds(condition: &Value, id: &str, point: &Value) -> bool {
    if let Some(ids) = condition.get("has_id") {
        return ids.as_array().unwrap().iter().any(|one| one == id);
    }
    let value = &point["payload"][condition["key"].as_str().unwrap()];
    let values = value
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![value.clone()]);
    let wanted = &condition["match"];
    match wanted.get("any") {
        Some(any) => any
            .as_array()
            .unwrap()
            .iter()
            .any(|one| values.contains(one)),
        None => values.contains(&wanted["value"]),
    }
}

impl Peer for Fake {
    fn vectors(&self, rows: &Rows) -> Box<dyn VectorPools> {
        Box::new(built(&self.connect(), rows))
    }
}

impl WordPeer for Fake {
    fn engine(&self, rows: &Rows) -> Box<dyn Both> {
        Box::new(built(&self.connect(), rows))
    }
}
