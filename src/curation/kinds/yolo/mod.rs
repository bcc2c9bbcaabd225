//! YOLO, as Ultralytics and darknet have it: a text file of boxes and polygons for each image, in
//! `labels/` where the image lies in `images/`, or beside it; a case for every image.

mod line;
mod names;
mod size;

use std::collections::HashSet;

use line::{Drawn, Form};
use names::Classes;
use semihv_domain::{CaseDraft, ImageDraft, Imported, RegionDraft};

use super::keys::{Parts, keys};
use super::nearest::Nearest;
use super::{unread, unreadable, whole_text};
use crate::error::{ImportError, Stop};
use crate::feed::Feed;
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};
use crate::rows::Lines;

const PICTURES: [&str; 9] = [
    "png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif", "jfif",
];
const TEXTS: [&str; 4] = ["txt", "names", "yaml", "yml"];
/// Folders of pictures for which there is one called `labels`; the second is darknet's.
const IMAGE_FOLDERS: [&str; 2] = ["images", "JPEGImages"];
const LABEL_FOLDERS: [&str; 2] = ["labels", "Labels"];
/// Lists of names, the better one first.
const NAME_LISTS: [&str; 2] = ["classes.txt", "obj.names"];
/// The usual YAML file; any other that has `names:` counts after it.
const USUAL_YAML: &str = "data.yaml";
/// Text files that hold no regions, without their ending: wherever labels lie, and beside pictures.
const NO_LABELS: [&str; 2] = ["classes", "readme"];
const NO_LABELS_BESIDE: [&str; 5] = ["labels", "train", "val", "valid", "test"];

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let files = Files::of(&origin)?;
    let read: Vec<&str> = files.labels().chain(files.of_names()).collect();
    feed.expect(&origin, &read);
    let classes = AllClasses::read(feed, &origin, &files);
    let pictures: Vec<&str> = files.pictures(feed);
    let parts: Vec<Parts<'_>> = pictures
        .iter()
        .map(|whole| Parts {
            folder: name::folder(whole),
            stem: name::stem(whole),
            whole,
        })
        .collect();
    let mut used = HashSet::new();
    for (picture, key) in pictures.iter().zip(keys(&parts)) {
        let label = files.label_of(picture);
        let regions = label.as_ref().map_or_else(Vec::new, |label| {
            regions(feed, &origin, (label, picture), &classes)
        });
        used.extend(label);
        if key.trim().is_empty() {
            feed.skip(picture, None, "the picture has no name");
        } else {
            let case = case(&origin, picture, key, regions);
            feed.accept(Imported::Case(case))?;
        }
    }
    for label in files.labels().filter(|label| !used.contains(*label)) {
        feed.skip(label, None, "no image belongs to this label file");
    }
    Ok(())
}

fn case(origin: &Origin, picture: &str, key: String, regions: Vec<RegionDraft>) -> CaseDraft {
    let found = origin.image(picture);
    let stem = name::stem(picture).to_owned();
    CaseDraft {
        key,
        title: stem.clone(),
        language: "en".to_owned(),
        images: vec![ImageDraft {
            key: stem,
            location: found.location,
            is_missing: found.is_missing,
            regions,
            ..ImageDraft::default()
        }],
        ..CaseDraft::default()
    }
}

/// What lies below the origin, each sorted.
struct Files {
    pictures: Vec<String>,
    texts: Vec<String>,
    known: HashSet<String>,
}

impl Files {
    fn of(origin: &Origin) -> Result<Self, ImportError> {
        let wanted: Vec<&str> = PICTURES.iter().chain(&TEXTS).copied().collect();
        let all = origin.with_extension(&wanted);
        let (texts, pictures): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|file| name::has_extension(file, &TEXTS));
        if pictures.is_empty() {
            return Err(ImportError::Layout {
                path: origin.path().to_owned(),
                expected: "picture (*.jpg, *.png and others)",
                advice: "give the folder of images/ and labels/, or an archive of it",
            });
        }
        Ok(Self {
            known: texts.iter().cloned().collect(),
            pictures,
            texts,
        })
    }

    /// Where there is a folder `images`, what lies elsewhere without labels is a chart, a mask, a
    /// logo.
    fn pictures(&self, feed: &mut Feed<'_>) -> Vec<&str> {
        let is_filed = |picture: &str| parts_called(picture, &IMAGE_FOLDERS).next().is_some();
        let has_folder = self.pictures.iter().any(|picture| is_filed(picture));
        let mut taken = Vec::new();
        for picture in &self.pictures {
            if !has_folder || is_filed(picture) || self.label_of(picture).is_some() {
                taken.push(picture.as_str());
            } else {
                let reason = "lies outside of the folder `images` and has no label file";
                feed.skip(picture, None, reason);
            }
        }
        taken
    }

    /// The file of the same stem in `labels`, else beside the picture.
    fn label_of(&self, picture: &str) -> Option<String> {
        let stem = name::stem(picture);
        let parts: Vec<&str> = name::folder(picture).split('/').collect();
        let elsewhere = parts_called(picture, &IMAGE_FOLDERS).flat_map(|at| {
            LABEL_FOLDERS.map(|labels| {
                let mut folders = parts.clone();
                if let Some(folder) = folders.get_mut(at) {
                    *folder = labels;
                }
                folders.join("/")
            })
        });
        elsewhere
            .chain([name::folder(picture).to_owned()])
            .filter_map(|folder| name::join(&folder, &format!("{stem}.txt")))
            .find(|label| self.known.contains(label))
    }

    /// Text files where labels lie: in `labels`, or beside pictures.
    fn labels(&self) -> impl Iterator<Item = &str> {
        let folders: HashSet<&str> = self.pictures.iter().map(|it| name::folder(it)).collect();
        let texts = self.texts.iter().map(String::as_str);
        texts.filter(move |text| {
            if !name::has_extension(text, &["txt"]) || is_called(text, &NO_LABELS) {
                return false;
            }
            let is_filed = parts_called(text, &LABEL_FOLDERS).next().is_some();
            let is_beside = folders.contains(name::folder(text));
            is_filed || (is_beside && !is_called(text, &NO_LABELS_BESIDE))
        })
    }

    /// YAML files first, the usual one before others; then lists.
    fn of_names(&self) -> Vec<&str> {
        let rank = |file: &str| match name::last(file) {
            USUAL_YAML => Some(0),
            _ if name::has_extension(file, &["yaml", "yml"]) => Some(1),
            last => (2..)
                .zip(NAME_LISTS)
                .find(|(_, list)| *list == last)
                .map(|(rank, _)| rank),
        };
        let mut files: Vec<(u32, &str)> = self
            .texts
            .iter()
            .filter_map(|file| Some((rank(file)?, file.as_str())))
            .collect();
        files.sort_unstable();
        files.into_iter().map(|(_, file)| file).collect()
    }
}

/// Which of a file's folders are called so, the last first.
fn parts_called<'a>(file: &'a str, names: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
    let parts: Vec<&str> = name::folder(file).split('/').collect();
    (0..parts.len())
        .rev()
        .filter(move |at| parts.get(*at).is_some_and(|part| is_one_of(part, names)))
}

/// `README.roboflow.txt` is a README, too.
fn is_called(text: &str, names: &[&str]) -> bool {
    let first = name::last(text).split('.').next().unwrap_or_default();
    is_one_of(first, names)
}

fn is_one_of(written: &str, names: &[&str]) -> bool {
    names.iter().any(|name| written.eq_ignore_ascii_case(name))
}

/// The names of classes, from wherever they are said.
#[derive(Default)]
struct AllClasses {
    yaml: Nearest<Classes>,
    lists: Nearest<Classes>,
}

impl AllClasses {
    fn read(feed: &mut Feed<'_>, origin: &Origin, files: &Files) -> Self {
        let mut all = Self::default();
        for file in files.of_names() {
            let text = match whole_text(feed, origin, file) {
                Ok(text) => text,
                Err(reason) => {
                    feed.skip(file, None, reason);
                    continue;
                }
            };
            if NAME_LISTS.contains(&name::last(file)) {
                all.lists.add(file, names::of_list(&text));
            } else if let Some((classes, faults)) = names::of_yaml(&text) {
                for (line, reason) in faults {
                    feed.skip(file, Some(line), reason);
                }
                if classes.has_names() {
                    all.yaml.add(file, classes);
                }
            }
        }
        all
    }

    /// Names above the labels or the picture; those that lie elsewhere only where they are the only
    /// ones, since another set's would be wrong.
    fn of(&self, label: &str, picture: &str) -> Option<&Classes> {
        let above = |all| Nearest::of(all, label).or_else(|| Nearest::of(all, picture));
        let found = above(&self.yaml).or_else(|| above(&self.lists));
        found.or_else(|| {
            if self.yaml.is_empty() {
                self.lists.only()
            } else {
                self.yaml.only()
            }
        })
    }
}

fn regions(
    feed: &mut Feed<'_>,
    origin: &Origin,
    (label, picture): (&str, &str),
    classes: &AllClasses,
) -> Vec<RegionDraft> {
    let classes = classes.of(label, picture);
    let form = classes.map_or(Form::Outline, |classes| classes.form);
    let drawn = drawn(feed, origin, label, form);
    if drawn.is_empty() {
        // The size is not needed: an empty file says that there is nothing to see.
        return Vec::new();
    }
    let (width, height) = match size::of(origin, picture) {
        Ok(size) => size,
        Err(reason) => {
            let reason = format!("its regions have no place, {picture} {reason}");
            feed.skip(label, None, reason);
            return Vec::new();
        }
    };
    let mut regions = Vec::new();
    for (line, drawn) in drawn {
        let name = classes.and_then(|classes| classes.name(drawn.class));
        let name = name.map_or_else(|| format!("class {}", drawn.class), str::to_owned);
        match drawn.shape(width, height) {
            Some(shape) => regions.push(RegionDraft::new(name, shape)),
            None => feed.skip(label, Some(line), "its box lies outside of the picture"),
        }
    }
    regions
}

/// The sound lines, each with its number; a file that breaks off keeps those before.
fn drawn(feed: &mut Feed<'_>, origin: &Origin, label: &str, form: Form) -> Vec<(u64, Drawn)> {
    let mut drawn = Vec::new();
    let mut lines = match feed.open(origin, label) {
        Ok(reader) => Lines::new(reader),
        Err(stop) => {
            feed.skip(label, None, unread(stop));
            return drawn;
        }
    };
    loop {
        match lines.next() {
            Ok(None) => return drawn,
            Ok(Some(row)) => {
                let read = row.content.text().and_then(|line| line::read(line, form));
                match read {
                    Ok(read) => drawn.push((row.number, read)),
                    Err(reason) => feed.skip(label, Some(row.number), reason),
                }
            }
            Err(source) => {
                feed.skip(label, None, unreadable(&source));
                return drawn;
            }
        }
    }
}
