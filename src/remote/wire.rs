//! What is said to Qdrant and what it answers, as its REST interface writes both.

use semihv_vectors::How;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::Xxh3;

use crate::about::row_id;
use crate::pools::{Among, PoolError, Row, Wanted};
use crate::weights::{Sparse, Summary};

/// Text and image together, normalised.
pub(crate) const FUSED: &str = "clip_sf";
/// The words.
pub(crate) const WORDS: &str = "bm25";
/// Raw, for telling what each modality gave to a score.
pub(crate) const TEXT: &str = "text_part";
pub(crate) const IMAGE: &str = "image_part";

/// Values of `holds`.
pub(crate) const HOLDS_VECTOR: &str = "vector";
pub(crate) const HOLDS_WORDS: &str = "words";

/// Fields that are filtered by, and their kinds.
pub(crate) const FILTERED: [(&str, &str); 7] = [
    ("pool", "keyword"),
    ("holds", "keyword"),
    ("source", "keyword"),
    ("modality", "keyword"),
    ("licence", "keyword"),
    ("patient_id", "keyword"),
    ("case_id", "integer"),
];

/// A collection for vectors of so many dimensions.
pub(crate) fn new_collection(dim: u32) -> Value {
    // The parts are looked up by their rows alone: no graph, half precision, on disk.
    let part = json!({
        "size": dim, "distance": "Dot", "on_disk": true, "datatype": "float16",
        "hnsw_config": {"m": 0},
    });
    json!({
        // The vectors have length one when they are sent: the product is the cosine.
        "vectors": {FUSED: {"size": dim, "distance": "Dot"}, TEXT: part, IMAGE: part},
        "sparse_vectors": {WORDS: {}},
    })
}

/// A row as a point.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Point {
    pub(crate) id: String,
    pub(crate) vector: Vectors,
    pub(crate) payload: Payload,
    /// Of everything that is sent.
    #[serde(skip)]
    hash: u64,
}

#[derive(Debug, Clone, Serialize, Default)]
pub(crate) struct Vectors {
    #[serde(rename = "clip_sf", skip_serializing_if = "Option::is_none")]
    fused: Option<Vec<f32>>,
    #[serde(rename = "text_part", skip_serializing_if = "Option::is_none")]
    text: Option<Vec<f32>>,
    #[serde(rename = "image_part", skip_serializing_if = "Option::is_none")]
    image: Option<Vec<f32>>,
    #[serde(rename = "bm25", skip_serializing_if = "Option::is_none")]
    words: Option<Sparse>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Payload {
    pool: String,
    key: i64,
    /// In hexadecimal: integers of Qdrant have a sign.
    content_hash: String,
    /// With it a build that goes on sends only what is missing.
    row_hash: String,
    holds: Vec<&'static str>,
    source: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    name: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<String>,
}

impl Point {
    pub(crate) fn of(pool: &str, row: &Row, weighed: (Summary, u32)) -> Result<Self, PoolError> {
        let (summary, dim) = weighed;
        let fused = row.fused(dim)?.map(|fused| fused.as_slice().to_vec());
        let words = row.words.as_ref().map(|words| summary.document(words));
        let mut holds = Vec::new();
        holds.extend(fused.is_some().then_some(HOLDS_VECTOR));
        holds.extend(words.is_some().then_some(HOLDS_WORDS));
        let mut point = Self {
            id: row_id(pool, row.key),
            vector: Vectors {
                fused,
                text: row.text.clone(),
                image: row.image.clone(),
                words,
            },
            payload: Payload {
                pool: pool.to_owned(),
                key: row.key,
                content_hash: format!("{:016x}", row.content_hash),
                row_hash: String::new(),
                holds,
                source: row.facets.source.clone(),
                name: row.facets.name.clone(),
                modality: row.facets.modality.clone(),
                licence: row.facets.licence.clone(),
                case_id: row.facets.case,
                patient_id: row.facets.patient.clone(),
            },
            hash: 0,
        };
        point.hash = point.mark();
        point.payload.row_hash = format!("{:016x}", point.hash);
        Ok(point)
    }

    pub(crate) fn row_hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn has_vector(&self) -> bool {
        self.vector.fused.is_some()
    }

    pub(crate) fn has_words(&self) -> bool {
        self.vector.words.is_some()
    }

    fn mark(&self) -> u64 {
        let mut hash = Xxh3::new();
        let Vectors {
            fused,
            text,
            image,
            words,
        } = &self.vector;
        let weights = words.as_ref().map(|words| &words.values);
        for part in [fused.as_ref(), text.as_ref(), image.as_ref(), weights] {
            for value in part.into_iter().flatten() {
                hash.update(&value.to_le_bytes());
            }
            hash.update(b"|");
        }
        let terms = words.iter().flat_map(|words| &words.indices);
        terms.for_each(|term| hash.update(&term.to_le_bytes()));
        hash.update(format!("{:?}", self.payload).as_bytes());
        hash.digest()
    }
}

/// A point that says something of the generation.
pub(crate) fn note(id: &str, payload: &impl Serialize) -> Value {
    json!({"id": id, "vector": {}, "payload": {"note": payload}})
}

/// The conditions of a search.
pub(crate) fn filter(pool: &str, wanted: &Wanted) -> Value {
    let mut must = vec![is("pool", pool)];
    if !wanted.licences.is_empty() {
        must.push(json!({"key": "licence", "match": {"any": wanted.licences}}));
    }
    match &wanted.among {
        None => {}
        Some(Among::Keys(keys)) => must.push(json!({"has_id": ids(pool, keys)})),
        Some(Among::Cases(cases)) => {
            must.push(json!({"key": "case_id", "match": {"any": cases}}));
        }
    }
    let barred = &wanted.barred;
    let mut must_not = Vec::new();
    if !barred.cases.is_empty() {
        must_not.push(json!({"key": "case_id", "match": {"any": barred.cases}}));
    }
    if !barred.patients.is_empty() {
        must_not.push(json!({"key": "patient_id", "match": {"any": barred.patients}}));
    }
    if !barred.keys.is_empty() {
        must_not.push(json!({"has_id": ids(pool, &barred.keys)}));
    }
    let mut filter = Map::new();
    filter.insert("must".to_owned(), Value::Array(must));
    if !must_not.is_empty() {
        filter.insert("must_not".to_owned(), Value::Array(must_not));
    }
    Value::Object(filter)
}

fn ids(pool: &str, keys: &[i64]) -> Vec<String> {
    keys.iter().map(|key| row_id(pool, *key)).collect()
}

/// The rows of a pool that hold something.
pub(crate) fn holding(pool: &str, what: &str) -> Value {
    json!({"must": [is("pool", pool), is("holds", what)]})
}

pub(crate) fn in_pool(pool: &str) -> Value {
    json!({"must": [is("pool", pool)]})
}

fn is(key: &str, value: &str) -> Value {
    json!({"key": key, "match": {"value": value}})
}

/// A search. The vector is not made a `Value`, which would write it in double precision.
#[derive(Serialize)]
pub(crate) struct QueryBody<'a, V: Serialize> {
    query: &'a V,
    using: &'static str,
    filter: Value,
    limit: usize,
    params: Value,
    with_payload: [&'static str; 4],
}

impl<'a, V: Serialize> QueryBody<'a, V> {
    pub(crate) fn new(query: &'a V, using: &'static str, pool: &str, wanted: &Wanted) -> Self {
        Self {
            query,
            using,
            filter: filter(pool, wanted),
            limit: wanted.k,
            params: json!({"exact": wanted.how == How::Exact}),
            with_payload: ["key", "case_id", "source", "name"],
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    #[serde(default)]
    pub(crate) title: String,
    pub(crate) version: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Collections {
    pub(crate) collections: Vec<Named>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Aliases {
    pub(crate) aliases: Vec<Alias>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Alias {
    pub(crate) alias_name: String,
    pub(crate) collection_name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) points: Vec<FoundPoint>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FoundPoint {
    pub(crate) score: f32,
    pub(crate) payload: FoundPayload,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FoundPayload {
    pub(crate) key: i64,
    #[serde(default)]
    pub(crate) case_id: Option<i64>,
    #[serde(default)]
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) name: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page<P> {
    pub(crate) points: Vec<Stored<P>>,
    pub(crate) next_page_offset: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Stored<P> {
    pub(crate) id: String,
    pub(crate) payload: P,
    #[serde(default)]
    pub(crate) vector: Option<StoredParts>,
}

#[derive(Debug, Deserialize, Default)]
pub(crate) struct StoredParts {
    #[serde(rename = "text_part")]
    pub(crate) text: Option<Vec<f32>>,
    #[serde(rename = "image_part")]
    pub(crate) image: Option<Vec<f32>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Note<P> {
    pub(crate) note: P,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Keyed {
    pub(crate) key: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Hashed {
    pub(crate) key: i64,
    pub(crate) content_hash: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Marked {
    pub(crate) key: i64,
    pub(crate) row_hash: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Count {
    pub(crate) count: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CollectionInfo {
    pub(crate) config: Config,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    pub(crate) params: Params,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    vectors: Map<String, Value>,
    #[serde(default)]
    sparse_vectors: Option<Map<String, Value>>,
}

impl Params {
    /// Dimensions of the vectors that are searched.
    pub(crate) fn dim(&self) -> Option<u64> {
        self.vectors.get(FUSED)?.get("size")?.as_u64()
    }

    pub(crate) fn has_words(&self) -> bool {
        let sparse = self.sparse_vectors.as_ref();
        sparse.is_some_and(|sparse| sparse.contains_key(WORDS))
    }
}
