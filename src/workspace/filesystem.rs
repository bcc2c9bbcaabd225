//! What kind of disk a folder lies on: decides how the store may journal.

use std::io;
use std::path::Path;

/// Whether shared memory maps and file locks can be trusted, which SQLite's WAL needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSystem {
    Local { name: String },
    Network { name: String },
}

impl FileSystem {
    pub fn name(&self) -> &str {
        match self {
            Self::Local { name } | Self::Network { name } => name,
        }
    }

    pub fn is_network(&self) -> bool {
        matches!(self, Self::Network { .. })
    }
}

/// Magic numbers of `statfs(2)` and whether the file system is shared between machines. A FUSE
/// mount counts as shared: sshfs is the usual one on GPU servers.
const KNOWN: [(u64, &str, bool); 20] = [
    (0x6969, "nfs", true),
    (0xff53_4d42, "cifs", true),
    (0xfe53_4d42, "smb2", true),
    (0x517b, "smb", true),
    (0x6573_5546, "fuse", true),
    (0x0bd0_0bd0, "lustre", true),
    (0x4750_4653, "gpfs", true),
    (0x00c3_6400, "ceph", true),
    (0x0102_1997, "9p", true),
    (0x1983_0326, "beegfs", true),
    (0x5346_414f, "afs", true),
    (0x0116_1970, "gfs2", true),
    (0x7461_636f, "ocfs2", true),
    (0xef53, "ext4", false),
    (0x5846_5342, "xfs", false),
    (0x9123_683e, "btrfs", false),
    (0x2fc1_2fc1, "zfs", false),
    (0x0102_1994, "tmpfs", false),
    (0x794c_7630, "overlayfs", false),
    (0xf2f5_2010, "f2fs", false),
];

/// Asks the kernel what `path` (which must exist) lies on.
pub fn file_system(path: &Path) -> io::Result<FileSystem> {
    let stat = rustix::fs::statfs(path)?;
    Ok(classify(stat.f_type as u64))
}

fn classify(magic: u64) -> FileSystem {
    match KNOWN
        .iter()
        .find(|(known, ..)| *known == (magic & 0xffff_ffff))
    {
        Some((_, name, true)) => FileSystem::Network {
            name: (*name).to_owned(),
        },
        Some((_, name, false)) => FileSystem::Local {
            name: (*name).to_owned(),
        },
        None => FileSystem::Local {
            name: format!("type {magic:#x}"),
        },
    }
}

/// Bytes that an unprivileged writer may still use.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_file_systems_are_told_from_local_ones() {
        assert!(classify(0x6969).is_network());
        assert!(classify(0x6573_5546).is_network());
        assert!(!classify(0xef53).is_network());
        assert!(!classify(0x1234_5678).is_network());
        // Some kernels sign-extend the magic of cifs.
        assert!(classify(0xffff_ffff_ff53_4d42).is_network());
    }

    #[test]
    fn the_temporary_folder_has_a_file_system() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!file_system(folder.path()).unwrap().name().is_empty());
        assert!(free_bytes(folder.path()).unwrap() > 0);
    }
}
