//! Pictures and volumes with label files of the same name: folders `images` and `masks`, masks
//! beside their images, and the layout of the Medical Segmentation Decathlon and nnU-Net.
//!
//! Names decide what belongs together; no pixel is read. A mask's regions are references to its
//! file, one for each named number.

mod dataset;
mod member;

use std::collections::{BTreeMap, HashSet};

use dataset::{DataSet, Labels};
use member::{Member, Role};
use semihv_domain::{CaseDraft, ImageDraft, Imported, RegionDraft, Shape};
use semihv_imaging::ALL_SEGMENTS;

use super::keys::{Parts, keys};
use super::nearest::Nearest;
use super::whole_text;
use crate::error::{ImportError, Stop};
use crate::feed::Feed;
use crate::importer::ImportRequest;
use crate::origin::{Origin, name};

const PICTURES: [&str; 13] = [
    "nii", "png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif", "npy", "dcm", "hdr", "gz",
];
const TEXTS: [&str; 2] = ["json", "txt"];
const DATA_SET: &str = "dataset.json";
const LISTS: [&str; 2] = ["labels.txt", "classes.txt"];
/// What all that a file outlines is called, where nobody says what its numbers mean.
const UNNAMED: &str = "mask";

pub(crate) fn read(request: &ImportRequest, feed: &mut Feed<'_>) -> Result<(), Stop> {
    let origin = feed.origin(&request.path)?;
    let (texts, pictures) = files(&origin)?;
    feed.expect(&origin, &texts);
    let said = Said::read(feed, &origin, &texts);
    let members: Vec<Member<'_>> = pictures.iter().map(|file| Member::of(file)).collect();
    let masks = masks(&members);
    let cases = cases(&members, &masks, &said);
    let parts: Vec<Parts<'_>> = cases.keys().map(Identity::parts).collect();
    let mut used: HashSet<Belongs<'_>> = HashSet::new();
    for ((case, images), key) in cases.iter().zip(keys(&parts)) {
        let belongs = (case.group, case.stem);
        used.insert(belongs);
        let of_case = masks.get(&belongs).map_or(&[][..], Vec::as_slice);
        let regions = regions(&origin, of_case, &said);
        if key.trim().is_empty() {
            feed.skip(case.file, None, "the image has no name");
        } else {
            let draft = draft(&origin, (case, key), images, (&regions, &said));
            feed.accept(Imported::Case(draft))?;
        }
    }
    for (belongs, files) in &masks {
        for file in files.iter().filter(|_| !used.contains(belongs)) {
            feed.skip(file, None, "no image belongs to this mask");
        }
    }
    Ok(())
}

/// Files that say what numbers mean, and pictures and volumes; each sorted.
fn files(origin: &Origin) -> Result<(Vec<String>, Vec<String>), ImportError> {
    let wanted: Vec<&str> = PICTURES.iter().chain(&TEXTS).copied().collect();
    let all = origin.with_extension(&wanted);
    let (mut texts, mut pictures): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|file| name::has_extension(file, &TEXTS));
    texts.retain(|file| {
        let last = name::last(file);
        last == DATA_SET || LISTS.contains(&last)
    });
    pictures.retain(|file| {
        let is_packed = name::has_extension(file, &["gz"]);
        !is_packed || name::has_extension(name::stem(file), &["nii"])
    });
    if pictures.is_empty() {
        return Err(ImportError::Layout {
            path: origin.path().to_owned(),
            expected: "picture or volume (*.png, *.nii.gz and others)",
            advice: "give the folder of images/ and masks/ or of imagesTr/ and labelsTr/",
        });
    }
    Ok((texts, pictures))
}

/// What the files say about numbers, channels and the set.
#[derive(Default)]
struct Said {
    sets: Nearest<DataSet>,
    lists: Nearest<Labels>,
}

impl Said {
    fn read(feed: &mut Feed<'_>, origin: &Origin, texts: &[String]) -> Self {
        let mut said = Self::default();
        for file in texts {
            let read = whole_text(feed, origin, file);
            let read = if name::last(file) == DATA_SET {
                read.and_then(|text| dataset::read(&text))
                    .map(|(set, faults)| {
                        said.sets.add(file, set);
                        faults.into_iter().map(|reason| (None, reason)).collect()
                    })
            } else {
                read.map(|text| {
                    let (labels, faults) = dataset::read_list(&text);
                    said.lists.add(file, labels);
                    let faults = faults.into_iter();
                    faults.map(|(line, reason)| (Some(line), reason)).collect()
                })
            };
            let faults: Vec<(Option<u64>, String)> =
                read.unwrap_or_else(|reason| vec![(None, reason)]);
            for (line, reason) in faults {
                feed.skip(file, line, reason);
            }
        }
        said
    }

    fn labels(&self, mask: &str) -> &[(u32, String)] {
        let of_set = self.sets.of(mask).map(|set| &set.labels);
        let named = of_set.filter(|labels| !labels.is_empty());
        named
            .or_else(|| self.lists.of(mask))
            .map_or(&[], Vec::as_slice)
    }
}

/// Group and stem: what images and masks that belong together share.
type Belongs<'a> = (&'a str, &'a str);
type Masks<'a> = BTreeMap<Belongs<'a>, Vec<&'a str>>;

fn masks<'a>(members: &'a [Member<'a>]) -> Masks<'a> {
    let mut masks: Masks<'a> = BTreeMap::new();
    for mask in members.iter().filter(|member| member.role == Role::Mask) {
        let belongs = (mask.group.as_str(), mask.stem);
        masks.entry(belongs).or_default().push(mask.name);
    }
    masks
}

/// What makes a case, in the order in which cases are handed over.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity<'a> {
    folder: &'a str,
    stem: &'a str,
    /// The image; of several channels the first.
    file: &'a str,
    group: &'a str,
}

impl<'a> Identity<'a> {
    fn parts(&self) -> Parts<'a> {
        Parts {
            folder: self.folder,
            stem: self.stem,
            whole: self.file,
        }
    }
}

/// An image of a case.
struct Taken<'a> {
    file: &'a str,
    key: &'a str,
    channel: Option<u32>,
}

type Cases<'a> = BTreeMap<Identity<'a>, Vec<Taken<'a>>>;

fn cases<'a>(members: &'a [Member<'a>], masks: &Masks<'a>, said: &Said) -> Cases<'a> {
    let images = || members.iter().filter(|member| member.role == Role::Image);
    // Proof that names end in channels: a mask that has the name without it.
    let has_channels: HashSet<&str> = images()
        .filter(|image| is_channel_of_a_mask(image, masks))
        .filter_map(|image| image.set.as_deref())
        .collect();
    let mut cases: Cases<'a> = BTreeMap::new();
    let mut firsts: BTreeMap<Belongs<'a>, &'a str> = BTreeMap::new();
    for image in images() {
        let is_channel = is_channel_of_a_mask(image, masks)
            || image.set.as_deref().is_some_and(|set| {
                let is_said = said.sets.of(image.name).is_some_and(|set| set.has_channels);
                let has_own = masks.contains_key(&(image.group.as_str(), image.stem));
                !has_own && (is_said || has_channels.contains(set))
            });
        let folder = name::folder(image.name);
        let channel = image.channel().filter(|_| is_channel);
        let (stem, file) = match channel {
            Some((case, _)) => (case, *firsts.entry((folder, case)).or_insert(image.name)),
            None => (image.stem, image.name),
        };
        let identity = Identity {
            folder,
            stem,
            file,
            group: image.group.as_str(),
        };
        cases.entry(identity).or_default().push(Taken {
            file: image.name,
            key: image.stem,
            channel: channel.map(|(_, channel)| channel),
        });
    }
    cases
}

/// A mask of the very same name comes first: `scan_0001` may be the name of a case.
fn is_channel_of_a_mask(image: &Member<'_>, masks: &Masks<'_>) -> bool {
    let group = image.group.as_str();
    let without = image.channel().map(|(case, _)| (group, case));
    without.is_some_and(|case| masks.contains_key(&case))
        && !masks.contains_key(&(group, image.stem))
}

fn regions(origin: &Origin, masks: &[&str], said: &Said) -> Vec<RegionDraft> {
    let mut regions = Vec::new();
    for mask in masks {
        let file = origin.image(mask).location;
        let region = |label: &str, segment: u32| {
            let file = file.clone();
            RegionDraft::new(label, Shape::Mask { file, segment })
        };
        let labels = said.labels(mask);
        if labels.is_empty() {
            regions.push(region(UNNAMED, ALL_SEGMENTS));
        }
        let named = labels.iter().map(|(number, name)| region(name, *number));
        regions.extend(named);
    }
    regions
}

fn draft(
    origin: &Origin,
    (case, key): (&Identity<'_>, String),
    images: &[Taken<'_>],
    (regions, said): (&[RegionDraft], &Said),
) -> CaseDraft {
    let set = said.sets.of(case.file);
    let image = |taken: &Taken<'_>| {
        let found = origin.image(taken.file);
        let is_shared = images.iter().filter(|other| other.key == taken.key).count() > 1;
        let key = if is_shared {
            name::last(taken.file)
        } else {
            taken.key
        };
        ImageDraft {
            key: key.to_owned(),
            location: found.location,
            is_missing: found.is_missing,
            modality: set.and_then(|set| match taken.channel {
                Some(channel) => set.modality_of(channel),
                None => set.modality(),
            }),
            regions: regions.to_vec(),
            ..ImageDraft::default()
        }
    };
    CaseDraft {
        key,
        title: case.stem.to_owned(),
        modality: set.and_then(DataSet::modality),
        language: "en".to_owned(),
        licence: set.and_then(|set| set.licence.clone()),
        images: images.iter().map(image).collect(),
        ..CaseDraft::default()
    }
}
