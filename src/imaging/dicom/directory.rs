//! A DICOMDIR: the list of the files on a disc (PS3.3 annex F, PS3.10 chapter 8).
//!
//! Names are given as they are written: whoever opens them must refuse those that lead elsewhere.

use super::file::File;
use super::tags;
use super::{DataSet, file};
use crate::Limits;

const CLASS: &str = "1.2.840.10008.1.3.10";

/// The group in front of every file is far shorter.
const LONGEST_START: usize = 4096;

/// Whether a file is a DICOMDIR, whatever it is called.
pub fn is_directory(bytes: &[u8]) -> bool {
    let start = bytes.get(..LONGEST_START).unwrap_or(bytes);
    if !file::has_preamble(start) {
        return false;
    }
    let meta = file::meta(&start.to_vec().into());
    meta.and_then(|meta| meta.text(tags::MEDIA_CLASS))
        .as_deref()
        == Some(CLASS)
}

/// The files that a DICOMDIR lists, in its order: of each the names of the folders from the
/// DICOMDIR's own to the file, and the file's. Empty where the bytes are none.
pub fn directory(bytes: Vec<u8>, limits: Limits) -> Vec<Vec<String>> {
    let Ok(file) = File::read(bytes.into(), limits) else {
        return Vec::new();
    };
    let records = file.data.items(tags::DIRECTORY_RECORDS);
    records.iter().filter_map(listed).collect()
}

/// Patients, studies and series have records without a file.
fn listed(record: &DataSet) -> Option<Vec<String>> {
    record
        .has(tags::REFERENCED_FILE)
        .then(|| record.texts(tags::REFERENCED_FILE))
        .filter(|names| names.iter().any(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::made::{element, file, sequence};
    use super::*;
    use crate::test_data::data;

    /// One record for each text, and one without a file in front.
    fn made(class: &str, files: &[&str]) -> Vec<u8> {
        let mut records = vec![element(0x0004_1430, *b"CS", b"PATIENT ")];
        let listed = |names: &&str| element(tags::REFERENCED_FILE, *b"CS", names.as_bytes());
        records.extend(files.iter().map(listed));
        file(class, &[sequence(tags::DIRECTORY_RECORDS, &records)])
    }

    #[test]
    fn every_record_with_a_file_is_listed_by_its_names() {
        let bytes = made(CLASS, &["PAT1\\ST1 \\IM1", "README", "..\\X "]);
        assert!(is_directory(&bytes));
        let listed = directory(bytes, Limits::default());
        assert_eq!(
            listed,
            [vec!["PAT1", "ST1", "IM1"], vec!["README"], vec!["..", "X"]]
        );
    }

    #[test]
    fn another_object_and_no_object_list_nothing() {
        assert!(!is_directory(&made("1.2.840.10008.5.1.4.1.1.2", &[])));
        assert!(!is_directory(b"DICM"));
        assert!(directory(made(CLASS, &[]), Limits::default()).is_empty());
        assert!(directory(vec![7; 300], Limits::default()).is_empty());
    }

    #[test]
    fn a_directory_that_is_cut_off_anywhere_lists_what_is_left() {
        let whole = made(CLASS, &["A\\B", "C"]);
        for end in 0..whole.len() {
            let cut = whole.get(..end).unwrap_or_default().to_vec();
            assert!(directory(cut, Limits::default()).len() <= 2);
        }
    }

    #[test]
    fn real_directories_list_the_same_files_in_every_encoding() {
        let Some(data) = data() else {
            return;
        };
        let folder = data.join("dicom/pydicom-test-files/dicomdirtests");
        for kind in [
            "",
            "-implicit",
            "-bigEnd",
            "-nooffset",
            "-nopatient",
            "-reordered",
        ] {
            let bytes = std::fs::read(folder.join(format!("DICOMDIR{kind}"))).unwrap();
            assert!(is_directory(&bytes), "{kind}");
            let mut listed = directory(bytes, Limits::default());
            listed.sort();
            assert_eq!(
                (listed.len(), listed[0].join("/")),
                (31, "77654033/CR1/6154".to_owned())
            );
        }
    }
}
