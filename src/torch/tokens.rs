//! Texts as tokens, by the tokenizer that lies beside the weights.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{Tokenizer, TruncationParams};

use crate::fault::Fault;
use crate::weights::read_text;

pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    files: Vec<PathBuf>,
}

/// `tokenizer_config.json`, as far as a `vocab.txt` needs it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
}

impl Tokens {
    /// Reads `tokenizer.json`, else `vocab.txt`; texts end at `context` tokens.
    pub(crate) fn open(folder: &Path, context: usize) -> Result<Self, Fault> {
        let refuse = |why: String| Fault::model(folder, why);
        let (mut tokenizer, files) = read(folder)?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams {
                max_length: context,
                ..TruncationParams::default()
            }))
            .map_err(|error| refuse(format!("tokens of at most {context}: {error}")))?;
        Ok(Self { tokenizer, files })
    }

    /// What the vectors depend on.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    pub(crate) fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, Fault> {
        let encoded = self.tokenizer.encode_fast(text, true);
        let encoded = encoded.map_err(|error| Fault::Input(format!("a text: {error}")))?;
        Ok(encoded.get_ids().to_vec())
    }
}

fn read(folder: &Path) -> Result<(Tokenizer, Vec<PathBuf>), Fault> {
    let refuse = |why: String| Fault::model(folder, why);
    let path = folder.join("tokenizer.json");
    if path.is_file() {
        let tokenizer = Tokenizer::from_file(&path)
            .map_err(|error| refuse(format!("tokenizer.json: {error}")))?;
        return Ok((tokenizer, vec![path]));
    }
    let path = folder.join("vocab.txt");
    if !path.is_file() {
        return Err(refuse(
            "there is neither tokenizer.json nor vocab.txt".to_owned(),
        ));
    }
    let mut files = vec![path.clone()];
    let said = folder.join("tokenizer_config.json");
    let said: Said = if said.is_file() {
        files.push(said.clone());
        serde_json::from_str(&read_text(&said)?)
            .map_err(|error| refuse(format!("tokenizer_config.json: {error}")))?
    } else {
        Said::default()
    };
    Ok((word_pieces(&path, &said).map_err(refuse)?, files))
}

/// BERT's tokenizer, as transformers makes it out of a list of words.
fn word_pieces(path: &Path, said: &Said) -> Result<Tokenizer, String> {
    let model = WordPiece::from_file(&path.to_string_lossy())
        .unk_token("[UNK]".to_owned())
        .build()
        .map_err(|error| format!("vocab.txt: {error}"))?;
    let mut tokenizer = Tokenizer::new(model);
    let id = |word: &str| {
        let id = tokenizer.token_to_id(word);
        id.map(|id| (word.to_owned(), id))
            .ok_or_else(|| format!("vocab.txt has no {word}"))
    };
    let (begin, end) = (id("[CLS]")?, id("[SEP]")?);
    tokenizer.with_normalizer(Some(BertNormalizer::new(
        true,
        said.tokenize_chinese_chars.unwrap_or(true),
        said.strip_accents,
        said.do_lower_case.unwrap_or(true),
    )));
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.with_post_processor(Some(BertProcessing::new(end, begin)));
    Ok(tokenizer)
}
