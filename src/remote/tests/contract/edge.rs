//! Qdrant's own segment engine behind a small REST front.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use semihv_remote::{ApiKey, Qdrant, Settings, VectorPools};
use tempfile::TempDir;

use crate::peers;
use crate::samples::{Both, Peer, Rows, WordPeer, built};

pub(crate) const KEY: &str = "sesame-3141";

/// A server in a folder. It ends with this process: it reads a pipe that this process holds.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(python: &Path, folder: &Path, port: u16) -> Self {
        let mut child = Command::new(python)
            .arg(peers::script("qdrant_edge_server.py"))
            .arg(folder)
            .arg(port.to_string())
            .env("QDRANT_KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let port = line
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("no port but {line:?}"));
        Self { child, port }
    }

    /// As a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn connect(&self, collection: &str) -> Qdrant {
        let key = ApiKey::new("SEMIHV_TEST_KEY", KEY).unwrap();
        let url = format!("http://127.0.0.1:{}", self.port);
        Qdrant::connect(Settings::new(&url, collection, Some(key)).unwrap()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn python() -> Option<PathBuf> {
    peers::python("qdrant_edge, qdrant_client")
}

/// One server for all tests of this process; each has collections of its own.
pub(crate) struct Edge(&'static Server);

impl Edge {
    pub(crate) fn shared() -> Option<Self> {
        static SERVER: OnceLock<Option<(Server, TempDir)>> = OnceLock::new();
        let server = SERVER.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            Some((Server::start(&python()?, folder.path(), 0), folder))
        });
        server.as_ref().map(|(server, _)| Self(server))
    }

    pub(crate) fn fresh(&self) -> Qdrant {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        self.0
            .connect(&format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Peer for Edge {
    fn vectors(&self, rows: &Rows) -> Box<dyn VectorPools> {
        Box::new(built(&self.fresh(), rows))
    }
}

impl WordPeer for Edge {
    fn engine(&self, rows: &Rows) -> Box<dyn Both> {
        Box::new(built(&self.fresh(), rows))
    }
}
