//! Rows to be searched, made up, and how a peer is filled with them.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;

use semihv_remote::{
    Among, BuildPlan, Corpus, Facets, Generation, Qdrant, Row, VectorPools, Wanted, Watch,
    WordPools, Words,
};
use semihv_vectors::{Fingerprint, How, fuse};

pub(crate) const DIM: u32 = 24;
pub(crate) const POOLS: [&str; 3] = ["case", "guideline", "empty"];

pub(crate) type Rows = Vec<(&'static str, Row)>;

/// Something behind the retriever.
pub(crate) trait Peer {
    /// Filled with rows; the pools are [`POOLS`].
    fn vectors(&self, rows: &Rows) -> Box<dyn VectorPools>;
}

pub(crate) trait WordPeer {
    fn engine(&self, rows: &Rows) -> Box<dyn Both>;
}

pub(crate) trait Both: VectorPools + WordPools {}
impl<T: VectorPools + WordPools> Both for T {}

/// Numbers that look random and are the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    pub(crate) fn vector(&mut self) -> Vec<f32> {
        let mut part = || self.roll(2_000) as f32 / 1_000.0 - 1.0;
        (0..DIM).map(|_| part()).collect()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

pub(crate) fn fingerprint() -> Fingerprint {
    Fingerprint {
        name: "clip-sf".to_owned(),
        weights: "3fa0".to_owned(),
        preprocess: "224".to_owned(),
        tokenizer: "bpe".to_owned(),
        context_length: 77,
        fusion: Fingerprint::FUSION.to_owned(),
        dim: DIM,
        dtype: "f16".to_owned(),
        instructions: "none".to_owned(),
        seed: u64::MAX,
    }
}

/// 300 images of 100 cases of 40 patients, and 120 passages.
pub(crate) fn rows() -> Rows {
    let mut dice = Dice(7);
    let licences = [Some("CC-BY-4.0"), Some("CC-BY-NC-4.0"), None];
    let mut rows = Vec::new();
    for image in 1..=300_i64 {
        let case = (image - 1) / 3 + 1;
        rows.push((
            "case",
            Row {
                key: image,
                content_hash: u64::MAX - image as u64,
                text: (image % 3 != 0).then(|| dice.vector()),
                image: (image % 3 != 1).then(|| dice.vector()),
                words: None,
                facets: Facets {
                    source: "made".to_owned(),
                    name: vec![format!("c{case}"), format!("i{image}")],
                    modality: Some(dice.pick(&["CT", "MR"]).to_owned()),
                    licence: licences[case as usize % 3].map(str::to_owned),
                    case: Some(case),
                    patient: Some(format!("made/p{}", case % 40)),
                },
            },
        ));
    }
    for passage in 1..=120_i64 {
        rows.push((
            "guideline",
            Row {
                key: passage,
                content_hash: passage as u64,
                text: Some(dice.vector()),
                facets: Facets {
                    source: "society".to_owned(),
                    licence: licences[passage as usize % 3].map(str::to_owned),
                    ..Facets::default()
                },
                ..Row::default()
            },
        ));
    }
    rows
}

pub(crate) fn exact(k: usize) -> Wanted {
    Wanted {
        how: How::Exact,
        ..Wanted::best(k)
    }
}

pub(crate) fn passes(row: &Row, wanted: &Wanted) -> bool {
    let facets = &row.facets;
    let barred = &wanted.barred;
    let is_licensed = wanted.licences.is_empty()
        || facets
            .licence
            .as_ref()
            .is_some_and(|licence| wanted.licences.contains(licence));
    let is_barred = barred.keys.contains(&row.key)
        || facets.case.is_some_and(|case| barred.cases.contains(&case))
        || facets
            .patient
            .as_ref()
            .is_some_and(|patient| barred.patients.contains(patient));
    let is_among = match &wanted.among {
        None => true,
        Some(Among::Keys(keys)) => keys.contains(&row.key),
        Some(Among::Cases(cases)) => facets.case.is_some_and(|case| cases.contains(&case)),
    };
    is_licensed && is_among && !is_barred
}

/// The exact answer: key and cosine, best first.
pub(crate) fn truth(rows: &Rows, pool: &str, query: &[f32], wanted: &Wanted) -> Vec<(i64, f64)> {
    let query = fuse(Some(query), None).unwrap();
    let mut found: Vec<(i64, f64)> = rows
        .iter()
        .filter(|(of, row)| *of == pool && passes(row, wanted))
        .filter_map(|(_, row)| {
            let vector = row.fused(DIM).unwrap()?;
            let pairs = vector.as_slice().iter().zip(query.as_slice());
            Some((
                row.key,
                pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum(),
            ))
        })
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found
}

pub(crate) fn corpus(rows: &Rows) -> Corpus {
    let mut corpus = Corpus::of_pools(POOLS);
    for (pool, row) in rows {
        corpus.count(pool, row.words.as_ref());
    }
    corpus
}

pub(crate) fn plan(rows: &Rows) -> BuildPlan {
    BuildPlan {
        fingerprint: fingerprint(),
        corpus: corpus(rows),
        rows: rows.len(),
    }
}

/// A generation on a server of Qdrant's kind.
pub(crate) fn built(qdrant: &Qdrant, rows: &Rows) -> Generation {
    let cancelled = AtomicBool::new(false);
    let watch = Watch {
        progress: &mut |_| {},
        cancelled: &cancelled,
    };
    let mut build = qdrant.build(plan(rows), watch).unwrap();
    for (pool, row) in rows {
        build.push(pool, row).unwrap();
    }
    build.finish().unwrap();
    qdrant.open().unwrap().unwrap()
}

const FINDINGS: [&str; 28] = [
    "effusion",
    "pneumothorax",
    "consolidation",
    "nodule",
    "mass",
    "fracture",
    "haemorrhage",
    "infarct",
    "oedema",
    "abscess",
    "stenosis",
    "aneurysm",
    "calcification",
    "atelectasis",
    "lymphadenopathy",
    "fibrosis",
    "cyst",
    "metastases",
    "thrombus",
    "hydronephrosis",
    "ascites",
    "emphysema",
    "cavitation",
    "dissection",
    "hernia",
    "enhancement",
    "displacement",
    "thickening",
];
const PLACES: [&str; 22] = [
    "lung",
    "pleura",
    "liver",
    "spleen",
    "kidney",
    "brain",
    "spine",
    "femur",
    "pelvis",
    "aorta",
    "heart",
    "pancreas",
    "bladder",
    "thyroid",
    "hilum",
    "mediastinum",
    "cerebellum",
    "ventricle",
    "humerus",
    "colon",
    "ovary",
    "sinus",
];
const WORDS_OF_DEGREE: [&str; 14] = [
    "small",
    "large",
    "bilateral",
    "left",
    "right",
    "acute",
    "chronic",
    "diffuse",
    "focal",
    "multiple",
    "mild",
    "severe",
    "stable",
    "new",
];
const SIGNS: [&str; 14] = [
    "fever",
    "cough",
    "dyspnoea",
    "pain",
    "haematuria",
    "weakness",
    "headache",
    "weight loss",
    "jaundice",
    "syncope",
    "swelling",
    "seizures",
    "vomiting",
    "fatigue",
];

/// A made-up sentence of a report.
fn sentence(dice: &mut Dice) -> String {
    let finding = dice.pick(&FINDINGS);
    let degree = dice.pick(&WORDS_OF_DEGREE);
    let place = dice.pick(&PLACES);
    let sign = dice.pick(&SIGNS);
    let age = 20 + dice.roll(70);
    match dice.roll(6) {
        0 => format!("A {degree} {finding} is seen in the {place}."),
        1 => format!(
            "No {finding} of the {place} was found, but {degree} {} remains.",
            dice.pick(&FINDINGS)
        ),
        2 => format!(
            "A {age}-year-old with {sign} and {}; imaging of the {place} shows {finding}.",
            dice.pick(&SIGNS)
        ),
        3 => format!(
            "{place} {finding}, {degree}, with {finding} of the {} as well.",
            dice.pick(&PLACES)
        ),
        4 => {
            format!("Findings are consistent with {degree} {finding} of the {place} after {sign}.")
        }
        _ => format!(
            "In {sign}, look for {degree} {finding} and {} in the {place}.",
            dice.pick(&FINDINGS)
        ),
    }
}

/// Different sentences: equal ones would tie.
pub(crate) fn sentences(count: usize) -> Vec<String> {
    let mut dice = Dice(11);
    let mut seen = HashSet::new();
    let mut sentences = Vec::new();
    while sentences.len() < count {
        let length = 1 + dice.roll(5);
        let made: Vec<String> = (0..length).map(|_| sentence(&mut dice)).collect();
        let made = made.join(" ");
        if seen.insert(made.clone()) {
            sentences.push(made);
        }
    }
    sentences
}

/// 400 cases and 200 passages with words; the passages have vectors as well.
pub(crate) fn texts() -> Rows {
    let mut dice = Dice(13);
    let mut rows = Vec::new();
    for (number, body) in (1..).zip(sentences(600)) {
        let is_case = number <= 400;
        let title = sentence(&mut dice);
        let licence = (number % 2 == 0).then(|| "CC-BY-4.0".to_owned());
        let row = Row {
            key: if is_case { -number } else { number },
            content_hash: number as u64,
            text: (!is_case).then(|| dice.vector()),
            words: Some(Words { title, body }),
            facets: Facets {
                source: "made".to_owned(),
                licence,
                case: is_case.then_some(number),
                patient: is_case.then(|| format!("made/p{}", number % 90)),
                ..Facets::default()
            },
            ..Row::default()
        };
        rows.push((if is_case { "case" } else { "guideline" }, row));
    }
    rows
}

/// Long and short, with words that stand nowhere.
pub(crate) fn questions() -> Vec<String> {
    let mut dice = Dice(17);
    let mut asked: Vec<String> = (0..30)
        .map(|number| {
            let many = 1 + number % 6;
            let made: Vec<String> = (0..many).map(|_| sentence(&mut dice)).collect();
            made.join(" ")
        })
        .collect();
    asked.extend(["pneumothorax", "sarcoidosis effusion", "the lung of the"].map(str::to_owned));
    asked
}
