//! What people write: stored durably before it is acknowledged, with its undo.

use semihv_domain::{Failure, Target};
use semihv_workspace::StoreError;

use crate::engine::{locked, now};
use crate::failures::OrFail;
use crate::{Changed, Edit, Engine, Event};

/// An edit that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub changed: Vec<Target>,
    /// What takes exactly this back; `None` where nothing changed or drafts are concerned.
    pub undo: Option<Edit>,
}

impl Engine {
    /// Returns after the edit is safe against a power cut.
    pub fn edit(&self, edit: &Edit) -> Result<Edited, Failure> {
        self.refuse_when_read_only("edit")?;
        let author = self.settings().author.value;
        let mut pen = locked(&self.inner.pen);
        let store = pen.as_mut().ok_or_else(|| closed())?;
        let edited = perform(store, edit, &author).or_fail("edit")?;
        drop(pen);
        if !edited.changed.is_empty() {
            self.tell(&Event::Changed(Changed::Annotations(
                edited.changed.clone(),
            )));
        }
        Ok(edited)
    }
}

fn closed() -> Failure {
    Failure::new(
        "edit",
        semihv_domain::FailureKind::Internal,
        "the workspace is closed",
    )
}

fn perform(
    store: &mut semihv_workspace::Store,
    edit: &Edit,
    author: &str,
) -> Result<Edited, StoreError> {
    let signed = (author, now());
    Ok(match edit {
        Edit::AddTag { targets, tag } => {
            let changed = store.add_tag(targets, tag, signed)?;
            let undo = Edit::RemoveTag {
                targets: changed.clone(),
                tag: tag.clone(),
            };
            Edited {
                undo: (!changed.is_empty()).then_some(undo),
                changed,
            }
        }
        Edit::RemoveTag { targets, tag } => {
            let changed = store.remove_tag(targets, tag)?;
            let undo = Edit::AddTag {
                targets: changed.clone(),
                tag: tag.clone(),
            };
            Edited {
                undo: (!changed.is_empty()).then_some(undo),
                changed,
            }
        }
        Edit::WriteNote { target, text } => {
            let note = store.write_note(*target, text, signed)?;
            Edited {
                changed: vec![*target],
                undo: Some(Edit::DeleteNote { note }),
            }
        }
        Edit::ReplaceNote { note, text } => {
            let before = store.note_text(*note)?;
            let changed = store.replace_note(*note, text, signed.1)?;
            let undo = before.map(|text| Edit::ReplaceNote { note: *note, text });
            Edited {
                changed: changed.into_iter().collect(),
                undo,
            }
        }
        Edit::DeleteNote { note } => {
            let text = store.note_text(*note)?;
            let changed = store.delete_note(*note)?;
            let undo = changed
                .zip(text)
                .map(|(target, text)| Edit::WriteNote { target, text });
            Edited {
                changed: changed.into_iter().collect(),
                undo,
            }
        }
        Edit::KeepDraft { target, text } => {
            store.keep_draft(*target, text, signed.1)?;
            Edited {
                changed: Vec::new(),
                undo: None,
            }
        }
        Edit::DropDraft { target } => {
            store.drop_draft(*target)?;
            Edited {
                changed: Vec::new(),
                undo: None,
            }
        }
    })
}
