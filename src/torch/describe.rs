//! What this worker is.

use std::io::{self, Write as _};

use semihv_domain::worker::{PROTOCOL, Welcome};

use crate::cuda::{self, Found, TORCH};

pub(crate) fn welcome() -> Welcome {
    Welcome {
        v: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        torch: TORCH.to_owned(),
        cuda: cuda::devices(),
        threads: tch::get_num_threads().max(1) as usize,
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        pid: std::process::id(),
        caps: ["embed", "train-retriever"].map(str::to_owned).to_vec(),
    }
}

/// For `--describe`: the version is called what it is, beside what `hello` answers.
pub(crate) fn print(found: &Found) -> io::Result<()> {
    let welcome = welcome();
    let words = serde_json::json!({
        "version": welcome.version,
        "protocol": welcome.v,
        "torch": welcome.torch,
        "libtorch": loaded(),
        "cuda": welcome.cuda,
        "threads": welcome.threads,
        "host": welcome.host,
        "pid": welcome.pid,
        "caps": welcome.caps,
        "notes": found.words,
    });
    writeln!(io::stdout(), "{words:#}")
}

/// Which libtorch runs, of the several a machine may have.
fn loaded() -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps
        .lines()
        .find(|line| line.ends_with("/libtorch_cpu.so"))?;
    line.find('/')
        .and_then(|at| line.get(at..))
        .map(str::to_owned)
}
