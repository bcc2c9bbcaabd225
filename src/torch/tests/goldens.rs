//! Vectors against those of transformers, open_clip and timm (`tests/golden/encoders.py`).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use semihv_domain::worker::Embedded;
use semihv_torch::Model;
use serde::Deserialize;
use tch::Device;

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    text_vectors: Vec<Vec<f32>>,
    picture_vectors: Vec<Vec<f32>>,
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn data(name: &str) -> PathBuf {
    here().join("testdata").join(name)
}

fn expected(name: &str) -> Expected {
    let text = std::fs::read_to_string(data(name).join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The same numbers as the script draws.
fn noise(count: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let draw = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(draw).collect()
}

/// The cosine and the largest difference, relative to the largest number of theirs.
fn compare(ours: &[f32], theirs: &[f32]) -> (f64, f64) {
    assert_eq!(ours.len(), theirs.len());
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let terms = a.iter().zip(b);
        terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let cosine = dot(ours, theirs) / (dot(ours, ours) * dot(theirs, theirs)).sqrt();
    let largest = theirs.iter().map(|it| it.abs()).fold(0.0, f32::max);
    let differences = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    let difference = differences.fold(0.0, f32::max) / largest;
    (cosine, f64::from(difference))
}

/// Single precision in another order of sums: 1e-5 of the largest number, the direction to 1e-6.
#[track_caller]
fn near(ours: &[f32], theirs: &[f32]) {
    let (cosine, difference) = compare(ours, theirs);
    assert!(cosine > 1.0 - 1e-6, "cosine {cosine}");
    assert!(difference < 1e-5, "difference {difference}");
}

#[track_caller]
fn check(name: &str, kind: &str) {
    let model = Model::open(&data(name), Device::Cpu).unwrap();
    let expected = expected(name);
    assert_eq!(model.opened().kind, kind);
    let dim = model.opened().dim;
    let side = model.opened().picture.as_ref().map_or(0, |it| it.side);
    let pictures: Vec<Vec<u8>> = (0..expected.picture_vectors.len() as u32)
        .map(|at| noise((side * side * 3) as usize, 77 + at))
        .collect();
    let together = model.embed(&expected.texts, &pictures).unwrap();
    let theirs = expected
        .text_vectors
        .iter()
        .chain(&expected.picture_vectors);
    assert_eq!(together.len() / dim, theirs.clone().count());
    for (ours, theirs) in together.chunks_exact(dim).zip(theirs) {
        near(ours, theirs);
    }
    // One by one and all at once are the same.
    for (text, vector) in expected.texts.iter().zip(together.chunks_exact(dim)) {
        near(
            &model.embed(std::slice::from_ref(text), &[]).unwrap(),
            vector,
        );
    }
}

#[test]
fn clip_is_that_of_transformers() {
    check("clip", "clip");
}

#[test]
fn siglip_is_that_of_transformers() {
    check("siglip", "siglip");
}

#[test]
fn bert_in_two_shards_with_a_list_of_words_is_that_of_transformers() {
    check("bert", "bert");
}

#[test]
fn biomedclips_kind_is_that_of_open_clip() {
    check("open-clip", "open-clip");
}

#[test]
fn efficientnet_lite0_is_that_of_its_authors_in_pytorch() {
    check("efficientnet-lite0", "efficientnet-lite0");
}

#[test]
fn efficientnet_with_its_real_weights_is_that_of_its_authors() {
    let folder = here().join("../../third_party/efficientnet-lite0");
    if !folder.join("fetched").exists() {
        // Fetched by `src/torch/fetch-libtorch efficientnet`; `tests/run` insists on it.
        assert!(
            std::env::var_os("SEMIHV_NEED_EFFICIENTNET").is_none(),
            "no EfficientNet"
        );
        return;
    }
    let model = Model::open(&folder, Device::Cpu).unwrap();
    assert_eq!((model.opened().dim, model.opened().context), (1280, 0));
    let golden = std::fs::read_to_string(data("efficientnet.json")).unwrap();
    let golden: Embedded = serde_json::from_str(&golden).unwrap();
    let theirs = golden.unpack(2).unwrap();
    let pictures: Vec<Vec<u8>> = (0..2).map(|at| noise(224 * 224 * 3, 77 + at)).collect();
    let ours = model.embed(&[], &pictures).unwrap();
    for (ours, theirs) in ours.chunks_exact(1280).zip(&theirs) {
        let (cosine, difference) = compare(ours, theirs);
        println!("EfficientNet-lite0: cosine {cosine}, difference {difference}");
        near(ours, theirs);
    }
}

#[derive(Deserialize)]
struct MiniLm {
    texts: Vec<String>,
    #[serde(flatten)]
    vectors: Embedded,
}

#[test]
fn minilm_with_its_real_weights_is_that_of_transformers() {
    let folder = here().join("../../third_party/minilm");
    if !folder.join("fetched").exists() {
        // Fetched by `src/torch/fetch-libtorch minilm`; `tests/run` insists on it.
        assert!(
            std::env::var_os("SEMIHV_NEED_MINILM").is_none(),
            "no MiniLM"
        );
        return;
    }
    let model = Model::open(&folder, Device::Cpu).unwrap();
    assert!(model.opened().normalised);
    let golden = std::fs::read_to_string(data("minilm.json")).unwrap();
    let golden: MiniLm = serde_json::from_str(&golden).unwrap();
    let theirs = golden.vectors.unpack(golden.texts.len()).unwrap();
    let ours = model.embed(&golden.texts, &[]).unwrap();
    assert!(theirs.len() >= 20);
    for (ours, theirs) in ours.chunks_exact(384).zip(&theirs) {
        near(ours, theirs);
    }
}
