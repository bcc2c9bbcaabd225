//! What the name of a file says: image or mask, and to which files of the other kind it belongs.

use crate::origin::name;

/// Folders of images, the sets of nnU-Net and of the Medical Segmentation Decathlon last.
const IMAGE_FOLDERS: [&str; 6] = ["images", "image", "imgs", "img", "imagestr", "imagests"];
const MASK_FOLDERS: [&str; 10] = [
    "masks",
    "mask",
    "labels",
    "label",
    "annotations",
    "annotation",
    "segmentations",
    "segmentation",
    "labelstr",
    "labelsts",
];
/// The last word of a mask's name, behind `_` or `-`.
const MASK_WORDS: [&str; 4] = ["mask", "seg", "label", "segmentation"];
/// `case_0000`: the digits of a channel in nnU-Net's names.
const CHANNEL_DIGITS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Image,
    Mask,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) role: Role,
    /// The folder without its part `images` or `masks`: the same for files that belong together.
    pub(super) group: String,
    /// Without endings; of a mask also without `_mask`.
    pub(super) stem: &'a str,
    /// Above `imagesTr`, where the file lies in such a folder: names may end in a channel there.
    pub(super) set: Option<String>,
}

impl<'a> Member<'a> {
    pub(super) fn of(name: &'a str) -> Self {
        let parts: Vec<&str> = name::folder(name).split('/').collect();
        let folder = parts
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, part)| Some((at, role_of_folder(part)?)));
        let whole_stem = stem(name);
        let bare = without_mask_word(whole_stem);
        let role = match folder {
            Some((_, Role::Mask)) => Role::Mask,
            _ if bare.is_some() => Role::Mask,
            _ => Role::Image,
        };
        let mut set = None;
        let mut group: Vec<String> = parts.iter().map(|&part| part.to_owned()).collect();
        if let Some((at, _)) = folder {
            let written = group.remove(at).to_lowercase();
            // What is for training is not for testing.
            if let Some(split) = ["tr", "ts"].into_iter().find(|end| written.ends_with(end)) {
                set = Some(group.get(..at).unwrap_or_default().join("/"));
                group.insert(at, split.to_owned());
            }
        }
        group.retain(|part| !part.is_empty());
        Self {
            name,
            role,
            group: group.join("/"),
            stem: bare.filter(|_| role == Role::Mask).unwrap_or(whole_stem),
            set,
        }
    }

    /// The name without its channel, and the channel.
    pub(super) fn channel(&self) -> Option<(&'a str, u32)> {
        let (case, digits) = self.stem.rsplit_once('_')?;
        let is_channel =
            digits.len() == CHANNEL_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        let channel = digits.parse().ok().filter(|_| is_channel)?;
        (!case.is_empty()).then_some((case, channel))
    }
}

fn role_of_folder(part: &str) -> Option<Role> {
    let is_one_of = |names: &[&str]| names.iter().any(|name| part.eq_ignore_ascii_case(name));
    if is_one_of(&IMAGE_FOLDERS) {
        Some(Role::Image)
    } else if is_one_of(&MASK_FOLDERS) {
        Some(Role::Mask)
    } else {
        None
    }
}

/// The last part of a name without `.nii.gz`, `.nii`, `.png` and the like.
fn stem(file: &str) -> &str {
    let stem = name::stem(file);
    match stem.rsplit_once('.') {
        Some((bare, ending)) if !bare.is_empty() && ending.eq_ignore_ascii_case("nii") => bare,
        _ => stem,
    }
}

/// `a_mask` and `a-seg` are masks of `a`; `a_mask_1` is another of them.
fn without_mask_word(stem: &str) -> Option<&str> {
    let without = |stem: &'_ str| -> Option<usize> {
        let at = stem.rfind(['_', '-'])?;
        let word = stem.get(at + 1..)?;
        let is_word = MASK_WORDS.iter().any(|it| word.eq_ignore_ascii_case(it));
        (is_word && at > 0).then_some(at)
    };
    let unnumbered = stem.rsplit_once('_').filter(|(_, digits)| {
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    });
    let at = without(stem).or_else(|| without(unnumbered?.0))?;
    stem.get(..at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let member = Member::of(name);
        let said = format!("{:?} `{}` {}", member.role, member.group, member.stem);
        assert_eq!(said, expected);
    }

    #[test]
    fn files_of_one_group_and_stem_belong_together() {
        check("images/a.jpg", "Image `` a");
        check("masks/a.png", "Mask `` a");
        check("set/train/Images/a.b.tif", "Image `set/train` a.b");
        check("set/Segmentations/train/a.b.npy", "Mask `set/train` a.b");
        check("x/a.dcm", "Image `x` a");
    }

    #[test]
    fn training_and_test_are_groups_of_their_own() {
        check("Task01/imagesTr/a.nii.gz", "Image `Task01/tr` a");
        check("Task01/labelsTr/a.nii.gz", "Mask `Task01/tr` a");
        check("Task01/imagesTs/a.NII", "Image `Task01/ts` a");
        assert_eq!(
            Member::of("Task01/imagesTr/a.nii").set.as_deref(),
            Some("Task01")
        );
        assert_eq!(Member::of("images/a.nii").set, None);
    }

    #[test]
    fn a_mask_may_say_so_in_its_name() {
        for name in ["a_mask", "a-mask", "a_seg", "a_Label", "a_segmentation"] {
            check(&format!("{name}.nii.gz"), "Mask `` a");
            check(&format!("masks/{name}.png"), "Mask `` a");
            check(&format!("images/{name}.png"), "Mask `` a");
        }
        check("x/a (1)_mask_1.png", "Mask `x` a (1)");
        check("_mask.png", "Image `` _mask");
        check("mask.png", "Image `` mask");
        check("a_masked_1.png", "Image `` a_masked_1");
    }

    #[test]
    fn a_channel_is_four_digits() {
        let channel = |name| Member::of(name).channel();
        assert_eq!(channel("imagesTr/la_003_0001.nii.gz"), Some(("la_003", 1)));
        assert_eq!(channel("imagesTr/la_003.nii.gz"), None);
        assert_eq!(channel("imagesTr/la_+001.nii.gz"), None);
        assert_eq!(channel("imagesTr/_0000.nii.gz"), None);
    }
}
