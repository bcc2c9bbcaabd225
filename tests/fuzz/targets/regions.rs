//! DICOM SEG and RTSTRUCT, label maps, pictures of labels: any bytes are an error or regions, on
//! any scan, in bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semihv_imaging::{ALL_SEGMENTS, Cut, Geometry, Limits, Place, RegionFile};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        memory: 64 << 20,
        ..Limits::default()
    };
    let Ok(file) = RegionFile::open(bytes.to_vec(), None, limits) else {
        return;
    };
    let placed = Geometry {
        extent: [24, 20, 6],
        spacing: Some([1.0, 1.5, 3.0]),
        directions: Some([[1.0, 0.0, 0.0], [0.0, 0.8, 0.6], [0.0, -0.6, 0.8]]),
        origin: [-10.0, 5.0, 0.0],
    };
    for onto in [placed, Geometry::flat([16, 16, 3])] {
        for cut in Cut::ALL {
            let place = Place {
                cut,
                slice: 1,
                time: 0,
            };
            let first = file.segments().first().map_or(0, |segment| segment.number);
            for number in [ALL_SEGMENTS, first] {
                let _ = file.mask(number, &onto, place);
                let _ = file.presence(number, &onto, cut);
            }
        }
    }
});
