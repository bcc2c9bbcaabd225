//! What is said of a row that was retrieved.

use semihv_domain::{CaseId, Failure, PassageId, Pool, Snippet};
use semihv_workspace::Store;

use crate::failures::OrFail;

/// What is shown of a row.
pub(crate) struct About {
    pub(crate) key: String,
    pub(crate) source: String,
    pub(crate) licence: Option<String>,
    pub(crate) title: String,
    pub(crate) headings: Vec<String>,
    pub(crate) text: String,
}

pub(crate) fn about(store: &Store, pool: Pool, row: i64) -> Result<Option<About>, Failure> {
    Ok(match pool {
        Pool::Case => store
            .case(CaseId(row))
            .or_fail("retrieve")?
            .map(|case| About {
                text: case
                    .sections
                    .first()
                    .map(|it| it.text.clone())
                    .unwrap_or_default(),
                key: case.key,
                source: case.source_name,
                licence: case.licence,
                title: case.title,
                headings: Vec::new(),
            }),
        Pool::Guideline => {
            let passage = PassageId(row);
            let found = store.guideline_of(passage).or_fail("retrieve")?;
            found.and_then(|(guideline, passages)| {
                let passage = passages.into_iter().find(|it| it.id == passage)?;
                Some(About {
                    key: format!("{}#{}", guideline.key, passage.ordinal),
                    source: guideline.source_name,
                    licence: guideline.licence,
                    title: guideline.title,
                    headings: passage.headings,
                    text: passage.text,
                })
            })
        }
    })
}

/// Letters of a text that no word was looked for in.
const BEGINNING: usize = 240;

pub(crate) fn beginning(text: &str) -> Snippet {
    let text = text.trim();
    let mut shown: String = text.chars().take(BEGINNING).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Snippet {
        text: shown,
        highlights: Vec::new(),
    }
}
