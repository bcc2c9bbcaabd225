//! DICOM, NIfTI and NPY: any bytes are an error or a picture, in bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semihv_imaging::{Extent, Limits, Look, Place, Scan, render};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        memory: 64 << 20,
        ..Limits::default()
    };
    let Ok(scan) = Scan::open(bytes.to_vec(), None, limits) else {
        return;
    };
    let room = Extent {
        width: 40,
        height: 40,
    };
    for cut in scan.cuts() {
        let last = scan.geometry.slices(cut) - 1;
        let place = Place {
            cut,
            slice: last,
            time: scan.times - 1,
        };
        let _ = scan.overlays(place);
        let _ = render(&scan, &Look { place, ..Look::default() }, room, limits);
    }
});
