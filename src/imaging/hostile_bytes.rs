//! Bytes from strangers: real pictures, damaged in every way, never panic and never cost more
//! memory than allowed.

use crate::test_data::data;
use crate::{
    ALL_SEGMENTS, Extent, Limits, Look, Place, RegionFile, Scan, decode, fit, probe, render,
};
use proptest::prelude::*;

fn real_files(limit: usize) -> Vec<Vec<u8>> {
    let Some(data) = data() else {
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
        let shown = fit(pixels.into_raster(None), room);
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

/// Cuts and flips of every DICOM and NIfTI file; all that a whole run would do is done where
/// `SEMIHV_DAMAGE` says how many of each: `20,200`.
#[test]
fn damaged_scans_are_an_error_or_a_picture() {
    let Some(data) = data() else {
        return;
    };
    let counts = std::env::var("SEMIHV_DAMAGE").unwrap_or_else(|_| "1,2".to_owned());
    let (cuts, flips) = counts.split_once(',').unwrap();
    let (cuts, flips): (u64, u64) = (cuts.parse().unwrap(), flips.parse().unwrap());
    let mut slowest = (std::time::Duration::ZERO, String::new());
    for path in files_below(&data.join("dicom"))
        .into_iter()
        .chain(files_below(&data.join("nifti")))
    {
        let whole = std::fs::read(&path).unwrap();
        if whole.is_empty() || whole.len() > 4 << 20 {
            continue;
        }
        let mut state = whole.len() as u64;
        let mut random = move || {
            // xorshift: the same damage in every run.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        for which in 0..cuts + flips {
            let mut bytes = whole.clone();
            if which < cuts {
                bytes.truncate(random() % whole.len());
            } else {
                // Headers decide the most.
                let reach = if which % 2 == 0 {
                    whole.len()
                } else {
                    whole.len().min(2048)
                };
                let at = random() % reach;
                bytes[at] ^= 1 << (random() % 8);
            }
            let start = std::time::Instant::now();
            looked_at(bytes);
            if start.elapsed() > slowest.0 {
                slowest = (start.elapsed(), path.display().to_string());
            }
        }
    }
    println!("slowest: {:?} {}", slowest.0, slowest.1);
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn looked_at(bytes: Vec<u8>) {
    let limits = Limits {
        memory: 256 << 20,
        ..Limits::default()
    };
    let regions = RegionFile::open(bytes.clone(), None, limits);
    let Ok(scan) = Scan::open(bytes, None, limits) else {
        return;
    };
    let look = scan.first_look();
    if let Ok(regions) = regions {
        let _ = regions.mask(ALL_SEGMENTS, &scan.geometry, look.place);
        let _ = regions.presence(ALL_SEGMENTS, &scan.geometry, look.place.cut);
    }
    let last = scan.geometry.slices(look.place.cut) - 1;
    for slice in [look.place.slice, last] {
        let place = Place {
            slice,
            ..look.place
        };
        let _ = scan.overlays(place);
        let room = Extent {
            width: 40,
            height: 40,
        };
        if let Ok(raster) = render(&scan, &Look { place, ..look }, room, limits) {
            assert!(raster.width() <= 40 && raster.height() <= 40);
        }
    }
}
