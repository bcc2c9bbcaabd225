//! One contract for everything that can stand behind the retriever: the index on disk, Qdrant's
//! interface written again in Rust, Qdrant's own engine, and PostgreSQL with pgvector.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking and say aloud what is missing"
)]

mod checks;
mod edge;
mod fake;
mod faults;
mod generations;
mod local;
mod peers;
mod postgres;
mod samples;
mod word_checks;

/// The vector part of the contract for a peer; `None` where it is missing.
macro_rules! vector_contract {
    ($name:ident, $peer:expr) => {
        mod $name {
            use crate::checks;
            use crate::samples::Peer;

            #[track_caller]
            fn run(check: fn(&dyn Peer)) {
                if let Some(peer) = $peer {
                    check(&peer);
                }
            }

            #[test]
            fn the_nearest_are_the_exact_ones() {
                run(checks::nearest);
            }
            #[test]
            fn licences_choose_rows() {
                run(checks::licences);
            }
            #[test]
            fn nothing_but_chosen_rows_is_found() {
                run(checks::among);
            }
            #[test]
            fn barred_rows_are_never_found() {
                run(checks::barred);
            }
            #[test]
            fn an_appended_row_is_found_and_replaces_its_older_self() {
                run(checks::append);
            }
            #[test]
            fn an_erased_row_is_gone() {
                run(checks::erase);
            }
            #[test]
            fn an_empty_pool_answers_nothing_and_an_unknown_one_is_said() {
                run(checks::pools);
            }
            #[test]
            fn a_query_of_another_dimension_or_without_numbers_is_refused() {
                run(checks::refused);
            }
            #[test]
            fn another_model_is_named_by_what_differs() {
                run(checks::fingerprint_check);
            }
            #[test]
            fn raw_vectors_and_content_hashes_come_back() {
                run(checks::parts);
            }
        }
    };
}

/// The words, for peers that have them.
macro_rules! word_contract {
    ($name:ident, $peer:expr) => {
        mod $name {
            use crate::samples::{WordPeer, sentences};
            use crate::word_checks;

            #[track_caller]
            fn run(check: fn(&dyn WordPeer)) {
                if let Some(peer) = $peer {
                    check(&peer);
                }
            }

            #[test]
            fn words_rank_as_the_index_on_disk_ranks_them() {
                assert!(sentences(300).len() == 300);
                run(word_checks::agreement);
            }
            #[test]
            fn words_are_filtered_like_vectors() {
                run(word_checks::filters);
            }
            #[test]
            fn an_appended_text_is_found_by_a_new_word() {
                run(word_checks::append);
            }
            #[test]
            fn a_query_of_no_words_finds_nothing() {
                run(word_checks::nothing);
            }
        }
    };
}

vector_contract!(local_vectors, Some(crate::local::Local));
word_contract!(local_words, Some(crate::local::Local));
vector_contract!(fake_vectors, Some(crate::fake::Fake::start()));
word_contract!(fake_words, Some(crate::fake::Fake::start()));
vector_contract!(edge_vectors, crate::edge::Edge::shared());
word_contract!(edge_words, crate::edge::Edge::shared());
vector_contract!(postgres_vectors, crate::postgres::Postgres::shared());
