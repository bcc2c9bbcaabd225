//! Bytes from strangers: real pictures, damaged in every way, never panic and never cost more
//! memory than allowed.

use std::path::PathBuf;

use crate::{Extent, Limits, decode, fit, probe};
use proptest::prelude::*;

/// Where the real files lie: the folder named by `SEMIHV_DATA`, or `../shared/data` beside the
/// repository.
fn data() -> Option<PathBuf> {
    let beside = || {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(3)
            .map(|above| above.join("shared/data"))
    };
    std::env::var_os("SEMIHV_DATA")
        .map(PathBuf::from)
        .or_else(beside)
        .filter(|folder| folder.is_dir())
}

fn real_files(limit: usize) -> Vec<Vec<u8>> {
    let Some(data) = data() else {
        assert!(
            std::env::var("CI").is_err(),
            "the real pictures must be there in CI; set SEMIHV_DATA"
        );
        println!("not run on real pictures: SEMIHV_DATA is not set");
        return Vec::new();
    };
    let folders = [
        "medpix2/MedPix-2-0/images",
        "vqa-rad/data_RAD/images",
        "covid-chestxray/images/ARDS",
    ];
    let mut files = Vec::new();
    for folder in folders {
        let mut paths: Vec<_> = std::fs::read_dir(data.join(folder))
            .unwrap()
            .map(|found| found.unwrap().path())
            .collect();
        paths.sort();
        files.extend(paths.into_iter().take(limit / folders.len()));
    }
    files
        .into_iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// Small pictures in every format: damage in them reaches every decoder quickly.
fn small_files() -> Vec<Vec<u8>> {
    use image::ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let picture = image::RgbaImage::from_fn(23, 17, |x, y| {
        image::Rgba([(x * 11) as u8, (y * 15) as u8, (x * y) as u8, 255])
    });
    let picture = image::DynamicImage::ImageRgba8(picture);
    [Png, Jpeg, Tiff, WebP, Gif, Bmp]
        .into_iter()
        .flat_map(|format| {
            let colour: image::DynamicImage = match format {
                Jpeg => picture.to_rgb8().into(),
                _ => picture.clone(),
            };
            let deep: image::DynamicImage = picture.to_luma16().into();
            let depths = match format {
                Png | Tiff => vec![colour, deep],
                _ => vec![colour],
            };
            depths.into_iter().map(move |image| {
                let mut bytes = std::io::Cursor::new(Vec::new());
                image.write_to(&mut bytes, format).unwrap();
                bytes.into_inner()
            })
        })
        .collect()
}

#[derive(Debug, Clone)]
enum Damage {
    Set(usize, u8),
    Flip(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    // Headers decide the most, so half of all damage hits the first bytes.
    let place = || prop_oneof![0_usize..128, any::<usize>()];
    prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        4 => (place(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => place().prop_map(Damage::Cut),
        1 => (place(), 1_usize..64).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (place(), 1_usize..64).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match *damage {
        Damage::Set(at, byte) => bytes[at % length] = byte,
        Damage::Flip(at, bit) => bytes[at % length] ^= 1 << bit,
        Damage::Cut(at) => bytes.truncate(at % length),
        Damage::Remove(at, count) => {
            let at = at % length;
            bytes.drain(at..(at + count).min(length));
        }
        Damage::Repeat(at, count) => {
            let at = at % length;
            let piece = bytes[at..(at + count).min(length)].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

fn survives(bytes: &[u8]) {
    let limits = Limits {
        side: 8192,
        memory: 64 << 20,
    };
    let _ = probe(bytes);
    if let Ok(pixels) = decode(bytes, limits) {
        let room = Extent {
            width: 40,
            height: 40,
        };
        let shown = fit(pixels.into_raster(), room);
        assert!(shown.width() <= 40 && shown.height() <= 40);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_small_pictures_of_every_format_never_panic(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..8),
    ) {
        thread_local!(static FILES: Vec<Vec<u8>> = small_files());
        let mut bytes = FILES.with(|files| which.get(files).clone());
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        survives(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn damaged_real_pictures_never_panic(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..8),
    ) {
        thread_local!(static FILES: Vec<Vec<u8>> = real_files(18));
        FILES.with(|files| {
            if files.is_empty() {
                return;
            }
            let mut bytes = which.get(files).clone();
            for damage in &damages {
                apply(&mut bytes, damage);
            }
            survives(&bytes);
        });
    }
}

#[test]
fn real_pictures_decode_to_the_size_their_header_says() {
    for bytes in real_files(60) {
        let header = probe(&bytes).unwrap();
        let pixels = decode(&bytes, Limits::default()).unwrap();
        assert_eq!(
            (pixels.width(), pixels.height()),
            (header.width, header.height)
        );
    }
}
