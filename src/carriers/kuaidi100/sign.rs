//! Kuaidi100's signatures: MD5 in capital hexadecimal digits.

use md5::{Digest, Md5};

pub fn upper_md5(parts: &[&str]) -> String {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02X}")).collect()
}
