//! The wall clock of one daemon, and what is preloaded to move it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = include_str!("weather.c");

/// Builds what is preloaded.
pub fn build(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("weather.c"), folder.join("weather.so"));
    std::fs::write(&source, SOURCE).expect("a file");
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o"]).arg(&library).arg(&source);
    let built = cc.arg("-ldl").output().expect("cc, which linking needs as well");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

/// The file that the daemon maps: see `weather.c`.
pub struct Weather {
    pub path: PathBuf,
    file: File,
}

impl Weather {
    pub fn new(path: PathBuf) -> Self {
        let file = File::create(&path).expect("a file");
        let weather = Self { path, file };
        weather.write(0, 0);
        weather.write(1, 0);
        weather
    }

    pub fn set_ahead(&self, seconds: i64) {
        self.write(0, seconds * 1_000_000_000);
    }

    pub fn set_full(&self, is_full: bool) {
        self.write(1, i64::from(is_full));
    }

    fn write(&self, place: u64, number: i64) {
        self.file.write_all_at(&number.to_ne_bytes(), 8 * place).expect("a file of memory");
    }
}
