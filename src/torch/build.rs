//! Writes the place of libtorch into what is linked, so that no environment variable is needed.
//!
//! The rpath that tch asks for stays in its own crate; ours is known because torch-sys is a direct
//! dependency and says where it found libtorch.

use std::env;
use std::fs;
use std::path::Path;

/// What torch-sys of this version insists on.
const EXPECTED: &str = "2.13.0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    if let Ok(folder) = env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
    println!("cargo:rustc-env=SEMIHV_TORCH_VERSION={}", version());
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib/semihv/libtorch/lib");
    // The old kind of tag also serves the libraries that libtorch itself names.
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");
}

/// libtorch's own word, without its flavour (`+cpu`).
fn version() -> String {
    let folder = env::var("DEP_TCH_LIBTORCH_LIB").unwrap_or_default();
    let said = Path::new(&folder).with_file_name("build-version");
    let said = fs::read_to_string(said).unwrap_or_default();
    let version = said.trim().split('+').next().unwrap_or_default();
    if version.is_empty() {
        EXPECTED.to_owned()
    } else {
        version.to_owned()
    }
}
