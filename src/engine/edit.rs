//! What people write: stored durably before it is acknowledged, with its undo.

use semihv_domain::{Failure, FailureKind, HitVerdict, NoteId, Pool, Region, Target};
use semihv_workspace::{Store, StoreError};

use crate::engine::{locked, now};
use crate::failures::OrFail;
use crate::{Changed, Edit, Engine, Event, RetrieveSpec};

/// An edit that is on disk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edited {
    pub changed: Vec<Target>,
    /// What takes exactly this back; `None` where nothing changed or drafts are concerned.
    pub undo: Option<Edit>,
}

impl Engine {
    /// Returns after the edit is safe against a power cut.
    pub fn edit(&self, edit: &Edit) -> Result<Edited, Failure> {
        self.refuse_when_read_only("edit")?;
        if let Edit::Judge {
            spec,
            pool,
            row,
            verdict,
        } = edit
        {
            return self.judged(spec, (*pool, *row), *verdict);
        }
        if let Edit::SeeAlerts { run } = edit {
            self.see_alerts(run.as_deref())?;
            return Ok(Edited::default());
        }
        if crate::launching::edited(self, edit)? {
            self.tell(&Event::Changed(Changed::Runs));
            return Ok(Edited::default());
        }
        refuse_empty_note(edit)?;
        refuse_unsound_region(edit)?;
        let author = self.settings().author.value;
        let mut pen = locked(&self.inner.pen);
        let store = pen.as_mut().ok_or_else(closed)?;
        let edited = perform(store, edit, &author).or_fail("edit")?;
        drop(pen);
        refuse_untouched_region(edit, &edited)?;
        if !edited.changed.is_empty() {
            self.tell(&Event::Changed(Changed::Annotations(
                edited.changed.clone(),
            )));
        }
        Ok(edited)
    }
}

impl Engine {
    /// Judging goes to a journal, not to the store.
    fn judged(
        &self,
        spec: &RetrieveSpec,
        place: (Pool, i64),
        verdict: HitVerdict,
    ) -> Result<Edited, Failure> {
        let before = self.judged_rows(spec)?;
        let undone = match verdict {
            HitVerdict::Grade { .. } => HitVerdict::Grade {
                grade: before.grades.get(&place).copied(),
            },
            HitVerdict::Pin { .. } => HitVerdict::Pin {
                on: before.pinned.contains(&place),
            },
            HitVerdict::Exclude { .. } => HitVerdict::Exclude {
                on: before.excluded.contains(&place),
            },
        };
        self.judge(spec, place, verdict)?;
        self.tell(&Event::Changed(Changed::Judged));
        let (pool, row) = place;
        let undo = (undone != verdict).then(|| Edit::Judge {
            spec: Box::new(spec.clone()),
            pool,
            row,
            verdict: undone,
        });
        Ok(Edited {
            changed: Vec::new(),
            undo,
        })
    }
}

fn refuse_empty_note(edit: &Edit) -> Result<(), Failure> {
    match edit {
        Edit::WriteNote { text, .. } | Edit::ReplaceNote { text, .. } if text.trim().is_empty() => {
            let summary = "a note needs some words";
            Err(Failure::new("edit", FailureKind::User, summary))
        }
        _ => Ok(()),
    }
}

fn refuse_unsound_region(edit: &Edit) -> Result<(), Failure> {
    let (label, is_sound) = match edit {
        Edit::DrawRegion { region, .. } => (&region.label, region.shape.is_sound()),
        Edit::PutRegion { region } => (&region.label, region.shape.is_sound()),
        Edit::NameRegion { label, .. } => (label, true),
        _ => return Ok(()),
    };
    let said = |summary| Err(Failure::new("edit", FailureKind::User, summary));
    if label.trim().is_empty() {
        return said("a region needs a name");
    }
    if !is_sound {
        return said("a region needs sizes that are numbers and not negative");
    }
    Ok(())
}

/// A region that was not stored must not look as if it had been.
fn refuse_untouched_region(edit: &Edit, edited: &Edited) -> Result<(), Failure> {
    let (summary, hint) = match edit {
        _ if !edited.changed.is_empty() => return Ok(()),
        Edit::DrawRegion { .. } => (
            "the image is not in the workspace any more".to_owned(),
            "import its source again",
        ),
        Edit::PutRegion { region } => (
            format!("there is no region {} of yours", region.id.0),
            "what a source says stays as it is",
        ),
        Edit::NameRegion { region, .. } | Edit::EraseRegion { region } => (
            format!("there is no region {} of yours", region.0),
            "what a source says stays as it is; `semihv regions IMAGE` lists the ids",
        ),
        _ => return Ok(()),
    };
    Err(Failure::new("edit", FailureKind::User, summary).with_hint(hint))
}

fn closed() -> Failure {
    Failure::new("edit", FailureKind::Internal, "the workspace is closed")
}

fn perform(store: &mut Store, edit: &Edit, author: &str) -> Result<Edited, StoreError> {
    let signed = (author, now());
    match edit {
        // Not of the store: performed before this.
        Edit::Judge { .. }
        | Edit::SeeAlerts { .. }
        | Edit::Launch(_)
        | Edit::CancelRun { .. }
        | Edit::ResumeRun { .. } => Ok(Edited::default()),
        Edit::AddTag { targets, tag } => {
            let changed = store.add_tag(targets, tag, signed)?;
            let (targets, tag) = (changed.clone(), tag.clone());
            Ok(tagged(changed, Edit::RemoveTag { targets, tag }))
        }
        Edit::RemoveTag { targets, tag } => {
            let changed = store.remove_tag(targets, tag)?;
            let (targets, tag) = (changed.clone(), tag.clone());
            Ok(tagged(changed, Edit::AddTag { targets, tag }))
        }
        Edit::WriteNote { target, text } => {
            let note = store.write_note(*target, text, signed)?;
            let undo = Some(Edit::DeleteNote { note });
            let changed = vec![*target];
            Ok(Edited { changed, undo })
        }
        Edit::ReplaceNote { note, text } => replace_note(store, *note, text),
        Edit::DeleteNote { note } => delete_note(store, *note),
        Edit::KeepDraft { target, text } => {
            store.keep_draft(*target, text, signed.1)?;
            Ok(Edited::default())
        }
        Edit::DropDraft { target } => {
            store.drop_draft(*target)?;
            Ok(Edited::default())
        }
        Edit::DrawRegion { image, region } => {
            let drawn = store.add_region(*image, region, signed)?;
            Ok(drawn.map_or_else(Edited::default, |region| Edited {
                changed: vec![Target::Image(*image)],
                undo: Some(Edit::EraseRegion { region }),
            }))
        }
        Edit::PutRegion { region } => put_region(store, region),
        Edit::NameRegion { region, label } => match store.region(*region)? {
            Some(region) => put_region(
                store,
                &Region {
                    label: label.trim().to_owned(),
                    ..region
                },
            ),
            None => Ok(Edited::default()),
        },
        Edit::EraseRegion { region } => {
            let erased = store.remove_region(*region)?;
            Ok(erased.map_or_else(Edited::default, without_region))
        }
    }
}

fn without_region(region: Region) -> Edited {
    let changed = vec![Target::Image(region.image)];
    let region = Box::new(region);
    let undo = Some(Edit::PutRegion { region });
    Edited { changed, undo }
}

fn tagged(changed: Vec<Target>, undo: Edit) -> Edited {
    let undo = (!changed.is_empty()).then_some(undo);
    Edited { changed, undo }
}

fn put_region(store: &mut Store, region: &Region) -> Result<Edited, StoreError> {
    let before = store.region(region.id)?;
    if !store.restore_region(region)? {
        return Ok(Edited::default());
    }
    let undo = match before {
        Some(before) => Edit::PutRegion {
            region: Box::new(before),
        },
        None => Edit::EraseRegion { region: region.id },
    };
    Ok(Edited {
        changed: vec![Target::Image(region.image)],
        undo: Some(undo),
    })
}

fn replace_note(store: &mut Store, note: NoteId, text: &str) -> Result<Edited, StoreError> {
    let before = store.note_text(note)?;
    let changed = store.replace_note(note, text, now())?.into_iter().collect();
    let undo = before.map(|text| Edit::ReplaceNote { note, text });
    Ok(Edited { changed, undo })
}

fn delete_note(store: &mut Store, note: NoteId) -> Result<Edited, StoreError> {
    let text = store.note_text(note)?;
    let target = store.delete_note(note)?;
    let undo = target
        .zip(text)
        .map(|(target, text)| Edit::WriteNote { target, text });
    let changed = target.into_iter().collect();
    Ok(Edited { changed, undo })
}
