//! The CUDA half of libtorch, taken from the user's own PyTorch.
//!
//! The program is built against libtorch for CPUs. Opened before anything asks for a GPU, the
//! library registers itself; asked too late, CUDA stays off for the whole process.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

/// The libtorch this was built with: another version has other symbols.
pub(crate) const TORCH: &str = env!("SEMIHV_TORCH_VERSION");

/// Names a `libtorch_cuda.so`, or the folder `torch` of a PyTorch.
const NAMED: &str = "SEMIHV_TORCH_CUDA";
const LIBRARY: &str = "libtorch_cuda.so";

#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What a person should know; nothing here is fatal.
    pub words: Vec<String>,
}

pub(crate) fn open() -> Found {
    let mut found = Found::default();
    let named = env::var_os(NAMED).filter(|it| !it.is_empty());
    let Some(library) = named
        .as_ref()
        .map(|it| library(Path::new(it)))
        .or_else(discovered)
    else {
        return found;
    };
    match version_beside(&library) {
        Some(version) if version == TORCH => {}
        version => {
            let version = version.unwrap_or_else(|| "an unknown version".to_owned());
            let path = library.display();
            found.words.push(format!(
                "{path} is of PyTorch {version}, this was built with {TORCH}; computing on the CPU"
            ));
            return found;
        }
    }
    match load(&library) {
        Ok(()) if tch::Cuda::is_available() => {}
        Ok(()) => found.words.push(format!(
            "{} is loaded, but there is no GPU that answers; computing on the CPU",
            library.display()
        )),
        Err(error) => found.words.push(format!("{error}; computing on the CPU")),
    }
    found
}

/// A folder `torch`, its `lib`, or the file itself.
fn library(path: &Path) -> PathBuf {
    let inside = [path.join("lib").join(LIBRARY), path.join(LIBRARY)];
    let file = inside.into_iter().find(|file| file.is_file());
    file.unwrap_or_else(|| path.to_owned())
}

/// The PyTorch of the Python that runs here; only where there is a GPU, for it takes time.
fn discovered() -> Option<PathBuf> {
    if !Path::new("/dev/nvidiactl").exists() {
        return None;
    }
    let script = "import importlib.util as u; print(u.find_spec('torch').origin)";
    let asked = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let origin = String::from_utf8(asked.stdout).ok()?;
    let library = Path::new(origin.trim()).parent()?.join("lib").join(LIBRARY);
    library.is_file().then_some(library)
}

/// `torch/version.py` beside `torch/lib`, or `build-version` of a libtorch.
fn version_beside(library: &Path) -> Option<String> {
    let root = library.parent()?.parent()?;
    if let Ok(text) = fs::read_to_string(root.join("version.py")) {
        let line = text.lines().find(|line| line.starts_with("__version__"))?;
        let quoted = line.split(['\'', '"']).nth(1)?;
        return quoted.split('+').next().map(str::to_owned);
    }
    let text = fs::read_to_string(root.join("build-version")).ok()?;
    text.trim().split('+').next().map(str::to_owned)
}

#[expect(unsafe_code, reason = "a library runs its own code when it is opened")]
fn load(path: &Path) -> Result<(), libloading::Error> {
    // SAFETY: the user's own PyTorch, of the version whose other half is already running here.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }?;
    // It must never be closed: torch keeps pointers into it.
    std::mem::forget(library);
    Ok(())
}

pub(crate) fn devices() -> Option<semihv_domain::worker::Cuda> {
    let devices = tch::Cuda::device_count();
    (devices > 0 && tch::Cuda::is_available()).then_some(semihv_domain::worker::Cuda { devices })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, text: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        let library = folder.path().join("lib").join(LIBRARY);
        assert_eq!(version_beside(&library).as_deref(), expected);
    }

    #[test]
    fn versions_are_read_without_their_flavour() {
        check(
            "version.py",
            "a\n__version__ = '2.13.0+cu130'\n",
            Some("2.13.0"),
        );
        check("build-version", "2.13.0\n", Some("2.13.0"));
        check("other", "2.13.0\n", None);
    }
}
