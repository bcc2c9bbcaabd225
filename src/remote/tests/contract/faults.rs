//! What the client does when the server or the line does not do its part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use semihv_remote::{
    ApiKey, BuildError, CallError, OpenError, PoolError, Qdrant, Settings, VectorPools, Watch,
};

use crate::fake::{Fake, Fault};
use crate::samples::{DIM, Dice, built, exact, plan, rows};

/// The error with everything under it, as it is shown.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[track_caller]
fn search_fails(fake: &Fake, faults: impl IntoIterator<Item = Fault>) -> String {
    let engine = built(&fake.connect(), &rows());
    fake.fail("points/query", faults);
    let query = Dice(1).vector();
    said(&engine.nearest("case", &query, &exact(3)).unwrap_err())
}

#[test]
fn trouble_that_passes_is_waited_out() {
    let fake = Fake::start();
    let engine = built(&fake.connect(), &rows());
    let overloaded = || Fault::Status(503, "");
    for faults in [
        vec![
            overloaded(),
            Fault::Status(429, "slow down"),
            overloaded(),
            Fault::Status(500, "oops"),
        ],
        vec![Fault::Cut, Fault::Cut],
    ] {
        fake.fail("points/query", faults);
        let query = Dice(1).vector();
        assert_eq!(engine.nearest("case", &query, &exact(3)).unwrap().len(), 3);
    }
}

#[test]
fn trouble_that_stays_is_said_with_the_words_of_the_server() {
    let fake = Fake::start();
    let broken = Fault::Status(
        500,
        r#"{"status":{"error":"disk full\u001b[2J"},"time":0.1}"#,
    );
    let text = search_fails(&fake, vec![broken; 5]);
    assert!(text.contains("disk full") && text.contains("500"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let before = fake.asked().len();
    let text = search_fails(
        &fake,
        [Fault::Status(400, r#"{"status":{"error":"bad filter"}}"#)],
    );
    assert!(text.contains("bad filter"), "{text}");
    // What the server refuses is not asked again.
    let asked = fake.asked();
    let queries = asked[before..]
        .iter()
        .filter(|asked| asked.path.ends_with("query"));
    assert_eq!(queries.count(), 1);
    let text = search_fails(&Fake::start(), vec![Fault::Status(503, ""); 5]);
    assert!(text.contains("too busy (503); try again later"), "{text}");
}

#[test]
fn a_slow_server_is_given_up() {
    let fake = Fake::start();
    built(&fake.connect(), &rows());
    let mut settings = fake.settings(None);
    settings.patience.answer = Duration::from_millis(300);
    let qdrant = Qdrant::connect(settings).unwrap();
    fake.fail("/aliases", [Fault::Slow(Duration::from_secs(5))]);
    let began = Instant::now();
    let error = qdrant.open().unwrap_err();
    assert!(
        matches!(error, OpenError::Call(CallError::Slow { .. })),
        "{error:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_line_that_is_always_cut_is_said() {
    let text = search_fails(&Fake::start(), vec![Fault::Cut; 5]);
    assert!(
        text.contains("was cut") || text.contains("cannot be reached"),
        "{text}"
    );
}

#[test]
fn garbage_is_no_answer() {
    for garbage in [
        "<html>login</html>",
        "{\"result\": 7}",
        "",
        "{\"result\":{\"points\":[{\"score\":\"high\"}]}}",
    ] {
        let text = search_fails(&Fake::start(), [Fault::Say(garbage.to_owned())]);
        assert!(
            text.contains("does not answer as Qdrant does"),
            "{garbage}: {text}"
        );
    }
}

#[test]
fn an_endless_answer_ends() {
    let fake = Fake::start();
    built(&fake.connect(), &rows());
    let mut settings = fake.settings(None);
    settings.patience.largest_answer = 1 << 20;
    let qdrant = Qdrant::connect(settings).unwrap();
    fake.fail("/aliases", [Fault::Endless]);
    let error = qdrant.open().unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Call(CallError::TooLarge {
                limit: 1_048_576,
                ..
            })
        ),
        "{error:?}"
    );
}

#[test]
fn nobody_there_is_said() {
    let mut settings = Settings::new("http://127.0.0.1:9", "semihv", None).unwrap();
    settings.patience.first_wait = Duration::from_millis(1);
    let error = Qdrant::connect(settings).unwrap_err();
    let text = said(&error);
    assert!(
        text.contains("http://127.0.0.1:9 cannot be reached"),
        "{text}"
    );
}

#[test]
fn an_old_version_and_another_program_are_said() {
    let fake = Fake::start();
    fake.version("1.9.2");
    let old = Qdrant::connect(fake.settings(None))
        .unwrap_err()
        .to_string();
    assert!(
        old.contains("runs Qdrant 1.9.2; install 1.10 or later"),
        "{old}"
    );
    fake.fail(
        "/",
        [Fault::Say(
            r#"{"version":"8.1.0","tagline":"You Know, for Search"}"#.to_owned(),
        )],
    );
    let other = Qdrant::connect(fake.settings(None))
        .unwrap_err()
        .to_string();
    assert!(other.contains("is no Qdrant"), "{other}");
}

#[test]
fn a_key_is_sent_and_never_said() {
    let fake = Fake::start();
    fake.want_key("sesame");
    let key = |key| Some(ApiKey::new("QDRANT_KEY", key).unwrap());
    let qdrant = Qdrant::connect(fake.settings(key("sesame"))).unwrap();
    assert!(
        fake.asked()
            .iter()
            .all(|asked| asked.key.as_deref() == Some("sesame"))
    );
    let without = Qdrant::connect(fake.settings(None))
        .unwrap_err()
        .to_string();
    assert!(without.contains("qdrant_key_env"), "{without}");
    let wrong = Qdrant::connect(fake.settings(key("simsalabim"))).unwrap_err();
    assert!(said(&wrong).contains("the key in QDRANT_KEY"), "{wrong}");
    fake.fail("/aliases", vec![Fault::Status(400, "you said sesame"); 1]);
    let repeated = qdrant.open().unwrap_err();
    for text in [
        said(&wrong),
        format!("{wrong:?}"),
        said(&repeated),
        format!("{qdrant:?} {repeated:?}"),
    ] {
        assert!(
            !text.contains("simsalabim") && !text.contains("sesame"),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_number_is_never_sent() {
    let fake = Fake::start();
    let engine = built(&fake.connect(), &rows());
    let before = fake.asked().len();
    let broken = vec![f32::NAN; DIM as usize];
    let error = engine.nearest("case", &broken, &exact(3)).unwrap_err();
    assert!(matches!(error, PoolError::Query(_)));
    assert!(engine.nearest("case", &[1.0], &exact(3)).is_err());
    assert_eq!(fake.asked().len(), before);
}

#[test]
fn a_cancelled_build_stops_while_it_waits() {
    let fake = Fake::start();
    let mut settings = fake.settings(None);
    settings.patience.first_wait = Duration::from_secs(20);
    let qdrant = Qdrant::connect(settings).unwrap();
    fake.fail("/points?wait", vec![Fault::Status(503, ""); 5]);
    let cancelled = Arc::new(AtomicBool::new(false));
    let later = Arc::clone(&cancelled);
    let presser = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        later.store(true, Ordering::Relaxed);
    });
    let began = Instant::now();
    let watch = Watch {
        progress: &mut |_| {},
        cancelled: &cancelled,
    };
    let error = qdrant.build(plan(&rows()), watch).unwrap_err();
    assert!(matches!(error, BuildError::Cancelled), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
    presser.join().unwrap();
}
