//! Folders and inputs that are wrong: a reply that says so, never a dead worker.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use semihv_domain::worker::{Embedded, OpenedModel, Reply, pack_picture};
use semihv_torch::Session;
use serde_json::{Value, json};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

fn hello() -> Session {
    let mut session = Session::default();
    let reply = ask(
        &mut session,
        json!({"op": "hello", "v": 1, "client": "tests"}),
    );
    assert!(reply["ok"].is_object(), "{reply}");
    session
}

fn ask(session: &mut Session, mut request: Value) -> Value {
    request["id"] = json!(7);
    let reply = session.answer(request.to_string().as_bytes());
    assert!(!reply.contains('\n'));
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(reply["id"], 7);
    reply
}

fn open(session: &mut Session, folder: &Path) -> Value {
    ask(session, json!({"op": "open", "folder": folder}))
}

#[track_caller]
fn refused(reply: &Value, code: &str, word: &str) {
    assert_eq!(reply["err"]["code"], code, "{reply}");
    let msg = reply["err"]["msg"].as_str().unwrap();
    assert!(msg.contains(word), "{msg}");
}

/// A copy of a model to spoil.
fn copied(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(data(name)).unwrap().flatten() {
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

fn opened(session: &mut Session, name: &str) -> OpenedModel {
    let reply = open(session, &data(name));
    serde_json::from_value(reply["ok"].clone()).unwrap()
}

#[test]
fn another_version_is_refused_with_both_numbers() {
    let mut session = Session::default();
    let reply = ask(
        &mut session,
        json!({"op": "hello", "v": 9, "client": "tests"}),
    );
    refused(
        &reply,
        "version",
        "version 9 of the protocol, this worker 1",
    );
    let reply = open(&mut session, &data("bert"));
    refused(&reply, "no-hello", "hello");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let mut session = hello();
    refused(
        &open(&mut session, Path::new("/nowhere/at/all")),
        "io",
        "/nowhere/at/all",
    );
    let empty = tempfile::tempdir().unwrap();
    refused(
        &open(&mut session, empty.path()),
        "bad-model",
        "no model.safetensors",
    );
}

#[test]
fn what_is_wrong_with_a_folder_is_said() {
    let mut session = hello();
    for (name, file, text, word) in [
        (
            "clip",
            "config.json",
            "{\"model_type\": \"mamba\"}",
            "mamba",
        ),
        ("clip", "config.json", "{", "config.json"),
        ("clip", "tokenizer.json", "{}", "tokenizer.json"),
        ("clip", "model.safetensors", "short", "safetensors"),
        ("siglip", "preprocessor_config.json", "{\"size\": 99}", "99"),
        ("open-clip", "vocab.txt", "a\nb\n", "vocab.txt has no [CLS]"),
        (
            "bert",
            "model-00002-of-00002.safetensors",
            "",
            "safetensors",
        ),
    ] {
        let folder = copied(name);
        fs::write(folder.path().join(file), text).unwrap();
        refused(&open(&mut session, folder.path()), "bad-model", word);
    }
}

#[test]
fn a_config_that_lies_about_shapes_is_found_when_opened() {
    let mut session = hello();
    for (change, word) in [
        (json!({"num_attention_heads": 5}), "heads"),
        (json!({"num_attention_heads": 0}), "heads"),
        (json!({"hidden_act": "swish"}), "swish"),
        (json!({"image_size": 24}), "24"),
    ] {
        let folder = copied("clip");
        let path = folder.path().join("config.json");
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for (key, value) in change.as_object().unwrap() {
            config["vision_config"][key] = value.clone();
        }
        fs::write(&path, config.to_string()).unwrap();
        refused(&open(&mut session, folder.path()), "bad-model", word);
    }
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let mut session = hello();
    let clip = opened(&mut session, "clip").name;
    let bert = opened(&mut session, "bert").name;
    let mut embed = |model: &str, texts: Value, pictures: Value| {
        let request = json!({"op": "embed", "model": model, "texts": texts, "pictures": pictures});
        ask(&mut session, request)
    };
    refused(&embed(&clip, json!([]), json!([])), "bad-input", "neither");
    refused(
        &embed(&clip, json!([]), json!(["AAAA"])),
        "bad-input",
        "3 bytes",
    );
    refused(
        &embed(&clip, json!([]), json!(["??"])),
        "bad-input",
        "picture 0",
    );
    refused(
        &embed(&clip, json!([1]), json!([])),
        "bad-request",
        "no request",
    );
    refused(
        &embed(&bert, json!([]), json!(["AAAA"])),
        "bad-input",
        "no pictures",
    );
    refused(
        &embed("other", json!(["a"]), json!([])),
        "no-model",
        "other",
    );
    let many = vec!["a"; 50_000];
    refused(&embed(&clip, json!(many), json!([])), "too-many", "at most");
    // After all of that it still works.
    let picture = pack_picture(&vec![9; 16 * 16 * 3]);
    let reply = embed(&clip, json!(["", "a"]), json!([picture]));
    let reply: Reply<Embedded> = serde_json::from_value(reply).unwrap();
    assert!(matches!(reply.outcome, semihv_domain::worker::Outcome::Done(it) if it.dim == 12));
}

#[test]
fn a_model_of_pictures_refuses_texts_and_works_on() {
    let mut session = hello();
    let model = opened(&mut session, "efficientnet-lite0");
    assert_eq!(model.context, 0);
    assert_eq!(model.fingerprint.tokenizer, "none");
    let mut embed = |texts: Value, pictures: Value| {
        let request = json!({
            "op": "embed", "model": model.name, "texts": texts, "pictures": pictures,
        });
        ask(&mut session, request)
    };
    let picture = pack_picture(&vec![9; 40 * 40 * 3]);
    for pictures in [json!([]), json!([picture])] {
        refused(
            &embed(json!(["a"]), pictures),
            "bad-input",
            "takes no texts",
        );
    }
    let reply = embed(json!([]), json!([picture]));
    let reply: Reply<Embedded> = serde_json::from_value(reply).unwrap();
    assert!(matches!(reply.outcome, semihv_domain::worker::Outcome::Done(it) if it.dim == 128));
}

#[test]
fn weights_of_another_efficientnet_are_named() {
    let mut session = hello();
    for (before, after, word) in [
        (
            "_blocks.15._depthwise",
            "_blocks.99._depthwise",
            "15 blocks",
        ),
        ("_blocks.3._bn1.bias", "_blocks.3._bnx.bias", "_bn1.bias"),
        (
            "_blocks.3._bn1.bias",
            "_blocks.3._se_reduce.weight",
            "channels",
        ),
        ("_bn0.running_var", "_bn0.running_vax", "_bn0.running_var"),
        ("_conv_stem.weight", "_conv_stem.weighs", "_conv_stem"),
    ] {
        let folder = copied("efficientnet-lite0");
        let path = folder.path().join("model.safetensors");
        rename(&path, before, after);
        refused(&open(&mut session, folder.path()), "bad-model", word);
    }
    let folder = copied("efficientnet-lite0");
    fs::remove_file(folder.path().join("preprocessor_config.json")).unwrap();
    let reply = open(&mut session, folder.path());
    refused(&reply, "bad-model", "preprocessor_config.json");
}

/// Gives tensors other names.
fn rename(path: &Path, before: &str, after: &str) {
    let bytes = fs::read(path).unwrap();
    let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..end]).unwrap();
    assert!(header.contains(before));
    let header = header.replace(before, after);
    let mut changed = (header.len() as u64).to_le_bytes().to_vec();
    changed.extend(header.as_bytes());
    changed.extend(&bytes[end..]);
    fs::write(path, changed).unwrap();
}

#[test]
fn weights_that_are_no_numbers_are_noticed() {
    let mut session = hello();
    let folder = copied("bert");
    let path = folder.path().join("model-00001-of-00002.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let reply = open(&mut session, folder.path());
    let name = reply["ok"]["name"].as_str().unwrap();
    let reply = ask(
        &mut session,
        json!({"op": "embed", "model": name, "texts": ["a"]}),
    );
    refused(&reply, "not-a-number", "text 0");
}

#[test]
fn a_changed_folder_is_read_anew_and_has_another_name() {
    let mut session = hello();
    let folder = copied("bert");
    let before = open(&mut session, folder.path());
    assert_eq!(open(&mut session, folder.path()), before);
    let path = folder.path().join("model-00001-of-00002.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&0.5_f32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let after = open(&mut session, folder.path());
    assert_ne!(after["ok"]["name"], before["ok"]["name"]);
    assert_ne!(
        after["ok"]["fingerprint"]["weights"],
        before["ok"]["fingerprint"]["weights"]
    );
}

#[test]
fn garbage_is_answered() {
    let mut session = hello();
    for line in [
        "",
        "{",
        "[]",
        "null",
        "\"\"",
        "{\"id\":3}",
        "{\"id\":-1,\"op\":\"hello\"}",
    ] {
        let reply: Value = serde_json::from_str(&session.answer(line.as_bytes())).unwrap();
        refused(&reply, "bad-request", "no request");
    }
    session.answer(&[0xff, 0xfe]);
}
