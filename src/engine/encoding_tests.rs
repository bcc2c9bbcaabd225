//! Models of texts and of pictures beside each other, by a worker of a few lines of Python.

use std::path::Path;

use semihv_imaging::phantom::phantoms;

use crate::Engine;
use crate::tests::Bench;

/// A folder called `words` takes texts, one called `looks` pictures, `both` either.
const WORKER: &str = r#"
import base64, json, struct, sys
KINDS = {"words": (2, 8, False), "looks": (3, 0, True), "both": (2, 8, True)}
LOOK = {"side": 2, "resize": "squash", "crop": "centre-down", "interpolation": "bicubic",
        "mean": [0, 0, 0], "std": [1, 1, 1]}
for line in sys.stdin:
    ask = json.loads(line)
    name = ask.get("folder", ask.get("model", "")).split("/")[-1]
    if ask["op"] == "hello":
        ok = {"v": 1, "version": "0", "torch": "0", "cuda": None, "threads": 1, "host": "h",
              "pid": 1, "caps": ["embed"]}
    elif ask["op"] == "open":
        dim, context, looks = KINDS[name]
        ok = {"name": name, "kind": "k", "dim": dim, "context": context, "normalised": False,
              "picture": LOOK if looks else None,
              "fingerprint": {"weights": name, "tokenizer": "t", "preprocess": "p-" + name}}
    else:
        dim, context, looks = KINDS[name]
        assert context or not ask.get("texts"), "texts"
        assert looks or not ask.get("pictures"), "pictures"
        count = len(ask.get("texts", [])) + len(ask.get("pictures", []))
        row = struct.pack("<%df" % dim, *([3.0, 4.0] + [0.0] * (dim - 2)))
        ok = {"dim": dim, "data_b64_f32": base64.b64encode(row * count).decode()}
    print(json.dumps({"id": ask["id"], "ok": ok}), flush=True)
"#;

fn engine(bench: &Bench, settings: &str) -> Engine {
    let worker = bench.write("worker.py", WORKER);
    let command = format!("python3 -u {}", worker.display());
    let file = format!("[settings]\nencoder_command = {command:?}\n{settings}\n");
    bench.write(".config/semihv/config.toml", &file);
    bench.open()
}

/// A text and a picture as they are put into an index.
#[track_caller]
fn check(settings: &str, name: &str, [text, picture]: [&[f32]; 2]) {
    let bench = Bench::new();
    let encoding = engine(&bench, settings).encoding().unwrap();
    assert_eq!(encoding.fingerprint.name, name);
    assert_eq!(encoding.fingerprint.dim as usize, text.len());
    let texts = encoding.texts(&["a", " "]).unwrap();
    assert_eq!(texts, [Some(text.to_vec()), None]);
    let drawn = semihv_imaging::Raster::Grey(phantoms()[0].draw().to_luma8());
    let looked = encoding.look(&drawn).unwrap();
    assert_eq!(encoding.pictures(vec![looked]).unwrap(), [picture]);
}

#[test]
fn one_model_of_both_has_one_space() {
    let same: &[f32] = &[3.0, 4.0];
    check("encoder = \"both\"", "both", [same, same]);
    check(
        "encoder = \"both\"\nimage_encoder = \"both\"",
        "both",
        [same, same],
    );
}

#[test]
fn two_models_share_no_number_and_neither_speaks_louder() {
    check(
        "encoder = \"words\"\nimage_encoder = \"looks\"",
        "words with pictures by looks",
        [&[0.6, 0.8, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.6, 0.8, 0.0]],
    );
    check(
        "encoder = \"both\"\nimage_encoder = \"looks\"",
        "both with pictures by looks",
        [&[0.6, 0.8, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.6, 0.8, 0.0]],
    );
}

#[test]
fn a_model_for_one_of_both_leaves_the_other_to_counting() {
    for (settings, name, dim) in [
        (
            "encoder = \"looks\"",
            "counted-1 with pictures by looks",
            643,
        ),
        (
            "image_encoder = \"looks\"",
            "counted-1 with pictures by looks",
            643,
        ),
        (
            "encoder = \"words\"",
            "words with pictures by counted-1",
            386,
        ),
        (
            "encoder = \"both\"\nimage_encoder = \"counted\"",
            "both with pictures by counted-1",
            386,
        ),
    ] {
        let bench = Bench::new();
        let encoding = engine(&bench, settings).encoding().unwrap();
        assert_eq!(encoding.fingerprint.name, name);
        assert_eq!(encoding.fingerprint.dim, dim, "{name}");
        let text = encoding.texts(&["a nodule"]).unwrap().pop().flatten();
        assert_eq!(text.unwrap().len(), dim as usize);
    }
}

#[test]
fn a_model_in_the_wrong_place_is_named() {
    for (settings, word) in [
        (
            "encoder = \"looks\"\nimage_encoder = \"both\"",
            "looks takes no texts",
        ),
        (
            "encoder = \"both\"\nimage_encoder = \"words\"",
            "words takes no pictures",
        ),
    ] {
        let bench = Bench::new();
        let failure = engine(&bench, settings).encoding().err().unwrap();
        assert!(failure.summary.contains(word), "{failure:?}");
        assert!(failure.hint.unwrap().contains("encoder"));
    }
}

#[test]
fn a_retriever_is_trained_on_what_both_models_make() {
    let bench = Bench::new();
    let engine = engine(&bench, "encoder = \"words\"\nimage_encoder = \"looks\"");
    let drawn = semihv_imaging::png(&phantoms()[0].draw()).unwrap();
    let row = r#"{"key":"a","title":"A nodule","images":[{"key":"i","path":"i.png"}]}"#;
    let cases = bench.write("set/cases.jsonl", row);
    std::fs::write(cases.with_file_name("i.png"), drawn).unwrap();
    crate::tests::import(&engine, "jsonl", &cases, "set");
    let path = bench.folder.path().join("features.safetensors");
    let counts = engine.write_features(&path, &[], &mut |_, _| true).unwrap();
    assert_eq!(counts.unwrap().pairs, 1);
    let tensors = opened(&path);
    assert_eq!(tensors.metadata("text_encoder"), Some("words"));
    assert_eq!(tensors.metadata("image_encoder"), Some("looks"));
    // Raw: a projection finds its own lengths.
    assert_eq!(tensors.f32s("text").unwrap(), [3.0, 4.0]);
    assert_eq!(tensors.f32s("image").unwrap(), [3.0, 4.0, 0.0]);
}

#[test]
fn projected_vectors_speak_equally_loud_however_long_they_came_out() {
    use semihv_encoders::tensors::{Named, write};
    let bench = Bench::new();
    let matrix = |name: &str, shape: [usize; 2], values: Vec<f32>| Named {
        name: name.to_owned(),
        shape: shape.to_vec(),
        values: values.into(),
    };
    let path = bench.folder.path().join("ws/learned.safetensors");
    let tensors = [
        matrix("text.weight", [2, 2], vec![0.1, 0.0, 0.0, 0.1]),
        matrix("image.weight", [2, 3], vec![9.0, 0.0, 0.0, 0.0, 9.0, 0.0]),
    ];
    let said = [("fingerprint".to_owned(), "f".to_owned())].into();
    write(&mut std::fs::File::create(&path).unwrap(), &tensors, &said).unwrap();
    let settings =
        "encoder = \"words\"\nimage_encoder = \"looks\"\nretriever = \"learned.safetensors\"";
    let encoding = engine(&bench, settings).encoding().unwrap();
    assert_eq!(encoding.fingerprint.dim, 2);
    let text = encoding.texts(&["a"]).unwrap().pop().flatten().unwrap();
    let drawn = semihv_imaging::Raster::Grey(phantoms()[0].draw().to_luma8());
    let looked = encoding.look(&drawn).unwrap();
    let image = encoding.pictures(vec![looked]).unwrap().pop().unwrap();
    for vector in [text, image] {
        assert!((vector[0] - 0.6).abs() < 1e-6 && (vector[1] - 0.8).abs() < 1e-6);
    }
}

fn opened(path: &Path) -> semihv_encoders::tensors::Tensors {
    semihv_encoders::tensors::Tensors::open(path).unwrap()
}
