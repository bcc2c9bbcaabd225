//! Small DICOM files for tests, written here byte by byte.

/// One element, its representation written out, low byte first.
pub(crate) fn element(tag: u32, representation: [u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(((tag >> 16) as u16).to_le_bytes());
    bytes.extend((tag as u16).to_le_bytes());
    bytes.extend(representation);
    if matches!(&representation, b"SQ" | b"OW" | b"OB") {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

pub(crate) fn short(tag: u32, value: u16) -> Vec<u8> {
    element(tag, *b"US", &value.to_le_bytes())
}

/// A sequence of items.
pub(crate) fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        bytes.extend([0xFE, 0xFF, 0x00, 0xE0]);
        bytes.extend((item.len() as u32).to_le_bytes());
        bytes.extend(item);
    }
    element(tag, *b"SQ", &bytes)
}

/// A file of a class, explicit and low byte first.
pub(crate) fn file(class: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(0x0002_0002, *b"UI", class.as_bytes()));
    bytes.extend(element(0x0002_0010, *b"UI", b"1.2.840.10008.1.2.1\0"));
    bytes.extend(elements.concat());
    bytes
}
