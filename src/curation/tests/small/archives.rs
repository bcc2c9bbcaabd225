//! Archives read in place, damaged and hostile ones, and the images in them.

use std::fs;
use std::io::Write;

use semihv_curation::{ImportError, ImportRequest, MAX_IMAGE_BYTES, ReadImageError, read_bytes};

use crate::given::{CASE, cases, folder, import, reasons, try_import};

pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn archives_are_read_in_place_and_their_images_too() {
    let long_name = format!("set/images/{}.png", "x".repeat(150));
    let line = CASE.replace("images/ct-001.png", &long_name["set/".len()..]);
    let files: [(&str, &[u8]); 4] = [
        ("set/cases.jsonl", line.as_bytes()),
        ("__MACOSX/set/._cases.jsonl", b"litter"),
        ("set/.DS_Store", b"litter"),
        (&long_name, b"pixels"),
    ];
    let folder = folder(&[
        ("a.zip", &zip_of(&files)),
        ("b.tar", &tar_of(&files)),
        ("c.tar.gz", &gzip_of(&tar_of(&files))),
    ]);
    for archive in ["a.zip", "b.tar", "c.tar.gz"] {
        let read = import("jsonl", &folder.path().join(archive));
        assert_eq!(reasons(&read), [""; 0], "{archive}");
        let image = &cases(&read)[0].images[0];
        assert!(!image.is_missing, "{archive}");
        assert!(image.location.ends_with(&format!("{archive}!/{long_name}")));
        assert_eq!(read_bytes(&image.location).unwrap(), b"pixels", "{archive}");
    }
    fs::write(
        folder.path().join("d.jsonl.gz"),
        gzip_of(b"{\"key\":\"a\"}"),
    )
    .unwrap();
    assert_eq!(
        cases(&import("jsonl", &folder.path().join("d.jsonl.gz"))).len(),
        1
    );
}

#[test]
fn an_archive_entry_that_leads_out_is_skipped() {
    let files: [(&str, &[u8]); 2] = [
        ("../evil.jsonl", b"{\"key\":\"e\"}"),
        ("a.jsonl", b"{\"key\":\"a\"}"),
    ];
    let folder = folder(&[("a.zip", &zip_of(&files))]);
    let read = import("jsonl", &folder.path().join("a.zip"));
    assert_eq!(cases(&read).len(), 1);
    assert_eq!(
        reasons(&read),
        ["../evil.jsonl: its name leads out of the archive"]
    );
    let location = format!("{}!/../evil.jsonl", folder.path().join("a.zip").display());
    assert!(matches!(
        read_bytes(&location),
        Err(ReadImageError::Missing { .. })
    ));
}

#[test]
fn a_truncated_archive_says_so() {
    let line = CASE.repeat(1000);
    let files: [(&str, &[u8]); 1] = [("cases.jsonl", line.as_bytes())];
    let (zip, tar) = (zip_of(&files), tar_of(&files));
    let gzip = gzip_of(&tar);
    let folder = folder(&[
        ("a.zip", &zip[..zip.len() / 2]),
        ("b.tar", &tar[..tar.len() / 2]),
        ("c.tar.gz", &gzip[..gzip.len() / 2]),
    ]);
    for archive in ["a.zip", "b.tar", "c.tar.gz"] {
        let request = ImportRequest::of(folder.path().join(archive));
        let said = try_import("jsonl", &request).unwrap_err().to_string();
        assert!(
            said.contains(archive) && said.contains("download or copy it again"),
            "{said}"
        );
    }
}

#[test]
fn a_zip_member_that_was_changed_fails_its_checksum() {
    let mut bytes = zip_of(&[("a.png", &[7; 4000])]);
    let place = bytes
        .windows(4)
        .position(|window| window == b".png")
        .unwrap()
        + 8;
    bytes[place] ^= 0x55;
    let folder = folder(&[("a.zip", &bytes)]);
    let location = format!("{}!/a.png", folder.path().join("a.zip").display());
    assert!(matches!(
        read_bytes(&location),
        Err(ReadImageError::Read { .. })
    ));
}

#[test]
fn a_zip_member_that_is_longer_than_it_says_ends_there() {
    let mut bytes = zip_of(&[("a.png", &vec![0; 1 << 20])]);
    let listing = bytes
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    bytes[listing + 24..listing + 28].copy_from_slice(&10_u32.to_le_bytes());
    let folder = folder(&[("a.zip", &bytes)]);
    let location = format!("{}!/a.png", folder.path().join("a.zip").display());
    let Err(ReadImageError::Read { source, .. }) = read_bytes(&location) else {
        panic!("a bomb was read");
    };
    assert!(
        source.to_string().contains("longer than it says"),
        "{source}"
    );
}

#[test]
fn an_image_that_is_too_large_is_not_read() {
    let folder = folder(&[("a.png", b"")]);
    let path = folder.path().join("a.png");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(MAX_IMAGE_BYTES + 1).unwrap();
    let said = read_bytes(path.to_str().unwrap()).unwrap_err().to_string();
    assert!(
        said.ends_with("is over 256 MB, more than is read of one image"),
        "{said}"
    );
}

#[test]
fn what_is_neither_file_nor_folder_is_not_waited_for() {
    let folder = folder(&[]);
    let path = folder.path().join("socket.jsonl");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let said = try_import("jsonl", &ImportRequest::of(&path)).unwrap_err();
    assert!(matches!(said, ImportError::Read { .. }), "{said}");
    assert!(matches!(
        read_bytes(path.to_str().unwrap()),
        Err(ReadImageError::Read { .. })
    ));
}

#[test]
fn reading_an_image_that_is_gone_says_where_it_was() {
    let said = read_bytes("/no/such.zip!/a.png").unwrap_err().to_string();
    assert!(
        said.starts_with("/no/such.zip!/a.png is not there any more"),
        "{said}"
    );
}
