//! A small disk for the database, and filling it.
//!
//! A tmpfs of its own that shrinks to what is on it, where mounting is permitted. Where it is not, a daemon on
//! SQLite is told by what is preloaded into it (`weather.c`) that there is no room; a PostgreSQL cannot be told
//! so. Whoever runs the storm learns which of them it was.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub struct Disk {
    pub folder: PathBuf,
    is_mounted: bool,
}

/// More than any storm writes.
const LARGE: &str = "size=8g";

impl Disk {
    /// On a folder that is made here, belonging to `owner` (user and group).
    pub fn new(folder: PathBuf, owner: Option<(u32, u32)>) -> Self {
        std::fs::create_dir(&folder).expect("a folder for the disk");
        let owner = owner.map(|(user, group)| format!(",uid={user},gid={group}")).unwrap_or_default();
        let options = format!("{LARGE},mode=0700{owner}");
        let mounted = mount(&["-t", "tmpfs", "-o", &options, "sampan-storm"], &folder);
        let is_mounted = mounted.status.success();
        if !is_mounted {
            let why = String::from_utf8_lossy(&mounted.stderr).into_owned();
            eprintln!("\n!!! NO SMALL DISK CAN BE MOUNTED HERE: {why}");
        }
        Self { folder, is_mounted }
    }

    /// A folder like any other.
    pub fn none(folder: PathBuf) -> Self {
        Self { folder, is_mounted: false }
    }

    pub fn is_mounted(&self) -> bool {
        self.is_mounted
    }

    /// False: what is on it grew at this moment, or it is not mounted.
    pub fn fill(&self) -> bool {
        let used = Command::new("df").args(["--output=used", "--block-size=1"]).arg(&self.folder).output();
        let used = String::from_utf8(used.expect("df").stdout).expect("a number");
        let used: u64 = used.lines().nth(1).and_then(|line| line.trim().parse().ok()).expect("a number");
        // A size of nought would be no limit.
        self.is_mounted && self.resize(&format!("size={}", used.max(4_096)))
    }

    pub fn free(&self) {
        assert!(!self.is_mounted || self.resize(LARGE), "the disk cannot be made large again");
    }

    fn resize(&self, size: &str) -> bool {
        mount(&["-o", &format!("remount,{size}")], &self.folder).status.success()
    }
}

fn mount(arguments: &[&str], folder: &Path) -> Output {
    Command::new("mount").args(arguments).arg(folder).output().expect("mount")
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount").arg("--lazy").arg(&self.folder).output();
        }
    }
}
