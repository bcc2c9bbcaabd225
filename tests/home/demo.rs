//! A demo in a home, and the workbench on it.

use std::path::PathBuf;

use semihv_testkit::Pty;

use crate::home::Home;

impl Home {
    pub(crate) fn demo(&self) -> PathBuf {
        self.path().join("demo")
    }

    /// A home with a demo that was made before.
    pub(crate) fn with_demo() -> Self {
        let home = Self::new();
        let made = home.run(&["demo", "--dir", home.demo().to_str().unwrap()]);
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        home
    }

    /// The workbench on the demo, ready for keys.
    pub(crate) fn open_demo(&self) -> Pty {
        let pty = self.program().arg(self.demo()).start();
        pty.wait_for("questions");
        pty.wait_for("ct-001");
        // The first question is selected, and its answers stand below.
        pty.wait_for("basalt-1b");
        pty
    }
}
