//! Safetensors: a header is believed as far as the file goes, and a projection in it multiplies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semihv_encoders::Projection;
use semihv_encoders::tensors::Tensors;

fuzz_target!(|bytes: &[u8]| {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        return;
    };
    let path = folder.path().join("x.safetensors");
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    if let Ok(tensors) = Tensors::open(&path) {
        let names: Vec<String> = tensors.names().map(str::to_owned).collect();
        for name in names {
            let Ok(read) = tensors.bytes(&name) else {
                panic!("{name} was believed and cannot be read");
            };
            assert!(read.len() <= bytes.len());
            if let Ok(numbers) = tensors.f32s(&name) {
                let shape = &tensors.entry(&name).unwrap().shape;
                assert_eq!(numbers.len(), shape.iter().product::<usize>(), "{name}");
            }
            let _ = tensors.i64s(&name);
        }
    }
    if let Ok(projection) = Projection::open(&path) {
        assert!(projection.dim() > 0);
        for dim in 0..8 {
            let vector = vec![0.5; dim];
            for made in [projection.text(&vector), projection.image(&vector)] {
                // Of another dimension it is refused.
                assert!(made.is_err() || made.is_ok_and(|it| it.len() == projection.dim()));
            }
        }
    }
});
