//! Keys that can be replaced while the daemon runs.
//!
//! A ring is fed from a file, from a text, or from both. Reading it again takes over what changed; what cannot
//! be read or understood then leaves the keys as they were and is logged, without a letter of it. Reading blocks:
//! whoever does it in async code does it on a thread for that.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::signing::BadKey;
use crate::config::{ConfigError, KeySource};

/// More than any list of keys has.
const FILE_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, thiserror::Error)]
enum NotRead {
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("the file is larger than a key")]
    TooLarge,
    #[error("{0}")]
    Key(#[from] BadKey),
}

pub struct KeyRing<K> {
    /// As the configuration names it.
    name: String,
    file: Option<PathBuf>,
    text: SecretString,
    parse: fn(&str) -> Result<Vec<K>, BadKey>,
    current: RwLock<Current<K>>,
}

struct Current<K> {
    keys: Arc<Vec<K>>,
    /// Of the texts they were read from.
    digest: [u8; 32],
}

/// Keys of one word each, several of them while one takes over from another.
pub fn words<K: FromStr>(text: &str) -> Result<Vec<K>, BadKey>
where
    BadKey: From<K::Err>,
{
    let words = text.split(|letter: char| letter.is_whitespace() || letter == ',');
    let keys: Vec<K> = words.filter(|word| !word.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(BadKey::Absent) } else { Ok(keys) }
}

/// Secrets of any form, one a line.
pub fn lines(text: &str) -> Result<Vec<SecretString>, BadKey> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let secrets: Vec<SecretString> = lines.map(SecretString::from).collect();
    if secrets.is_empty() { Err(BadKey::Absent) } else { Ok(secrets) }
}

/// All that a provider signs and checks with.
pub type Rings = Vec<Arc<dyn Refresh>>;

/// A ring of any keys.
pub trait Refresh: Send + Sync {
    /// Reads again, and says whether anything changed. Blocks.
    fn refresh(&self) -> bool;
}

impl<K> KeyRing<K> {
    /// Reads for the first time, and blocks. None: no key is named.
    pub fn open(
        name: &str,
        source: &KeySource,
        parse: fn(&str) -> Result<Vec<K>, BadKey>,
    ) -> Result<Option<Arc<Self>>, ConfigError> {
        if source.is_empty() {
            return Ok(None);
        }
        let file = Some(&source.file).filter(|path| !path.is_empty()).map(PathBuf::from);
        let text = source.text.clone();
        let texts = read(file.as_ref(), &text);
        let current = texts.and_then(|texts| understand(&texts, parse)).map_err(|error| {
            let key = if file.is_some() { format!("{name}_file") } else { name.to_owned() };
            ConfigError::Invalid { key, reason: error.to_string() }
        })?;
        Ok(Some(Arc::new(Self { name: name.to_owned(), file, text, parse, current: RwLock::new(current) })))
    }

    /// The same where the provider cannot do without: `wanted_by` is what it is switched on with.
    pub fn needed(
        name: &str,
        source: &KeySource,
        parse: fn(&str) -> Result<Vec<K>, BadKey>,
        wanted_by: &str,
    ) -> Result<Arc<Self>, ConfigError> {
        Self::open(name, source, parse)?.ok_or_else(|| ConfigError::Invalid {
            key: name.to_owned(),
            reason: format!("has to be set where {wanted_by} is, or its _file"),
        })
    }

    pub fn keys(&self) -> Arc<Vec<K>> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).keys)
    }
}

fn read(file: Option<&PathBuf>, text: &SecretString) -> Result<Vec<SecretString>, NotRead> {
    let mut texts = Vec::new();
    if let Some(path) = file {
        let mut content = String::new();
        File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut content)?;
        let content = SecretString::from(content);
        if content.expose_secret().len() as u64 > FILE_BYTES_MAX {
            return Err(NotRead::TooLarge);
        }
        texts.push(content);
    }
    if !text.expose_secret().is_empty() {
        texts.push(text.clone());
    }
    Ok(texts)
}

fn understand<K>(
    texts: &[SecretString],
    parse: fn(&str) -> Result<Vec<K>, BadKey>,
) -> Result<Current<K>, NotRead> {
    let mut keys = Vec::new();
    for text in texts {
        keys.extend(parse(text.expose_secret())?);
    }
    Ok(Current { keys: Arc::new(keys), digest: digest(texts) })
}

fn digest(texts: &[SecretString]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text.expose_secret().len().to_be_bytes());
        digest.update(text.expose_secret());
    }
    digest.finalize().into()
}

impl<K: Send + Sync> Refresh for KeyRing<K> {
    fn refresh(&self) -> bool {
        if self.file.is_none() {
            return false;
        }
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner).digest;
        let texts = read(self.file.as_ref(), &self.text);
        let new = match texts {
            Ok(texts) if digest(&texts) == known => return false,
            Ok(texts) => understand(&texts, self.parse),
            Err(error) => Err(error),
        };
        match new {
            Ok(new) => {
                tracing::info!(key = self.name, "a key was replaced");
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
                true
            }
            Err(error) => {
                tracing::error!(%error, key = self.name, "a key that changed cannot be used; the one before it stays");
                false
            }
        }
    }
}

/// The file is no secret; what is in it is.
impl<K> std::fmt::Debug for KeyRing<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("name", &self.name).field("file", &self.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::signing::test_keys::{MERCHANT, MERCHANT_PUBLIC, PROVIDER, PROVIDER_PUBLIC};
    use super::super::signing::{RsaPrivate, RsaPublic};
    use super::*;
    use crate::standard_webhooks::Secret;

    fn source(file: &std::path::Path, text: &str) -> KeySource {
        KeySource { file: file.display().to_string(), text: text.to_owned().into() }
    }

    #[test]
    fn a_key_is_replaced_when_its_file_is_and_stays_when_the_new_one_is_broken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        std::fs::write(&path, MERCHANT).expect("a file");
        let ring = KeyRing::open("escrow.x.private_key", &source(&path, ""), RsaPrivate::parse_one);
        let ring = ring.expect("a key").expect("a ring");
        let signed = |ring: &KeyRing<RsaPrivate>| ring.keys()[0].sign(b"x");
        let before = signed(&ring);
        assert!(!ring.refresh(), "nothing changed");
        for broken in ["", "-----BEGIN PRIVATE KEY-----\n", &"x".repeat(70_000)] {
            std::fs::write(&path, broken).expect("a file");
            assert!(!ring.refresh());
        }
        std::fs::remove_file(&path).expect("no file");
        assert!(!ring.refresh());
        assert_eq!(signed(&ring), before);
        std::fs::write(&path, PROVIDER).expect("a file");
        assert!(ring.refresh());
        assert_ne!(signed(&ring), before);
    }

    #[test]
    fn a_file_and_a_text_both_count_and_neither_is_needed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.pem");
        std::fs::write(&path, MERCHANT_PUBLIC).expect("a file");
        let ring = KeyRing::open("k", &source(&path, PROVIDER_PUBLIC), RsaPublic::parse_all);
        assert_eq!(ring.expect("keys").expect("a ring").keys().len(), 2);
        let none = KeyRing::open("k", &KeySource::default(), RsaPublic::parse_all);
        assert!(none.expect("nothing wrong").is_none());
    }

    #[test]
    fn secrets_stand_on_lines_and_an_empty_file_has_none() {
        let shown =
            |text| lines(text).map(|all| all.iter().map(|one| one.expose_secret().to_owned()).collect());
        let two: Vec<String> = vec!["open, sesame".to_owned(), "next".to_owned()];
        assert_eq!(shown(" open, sesame\r\n\nnext\n"), Ok(two));
        assert_eq!(shown("\n \n"), Err(BadKey::Absent));
        assert_eq!(words::<Secret>(" \n,").map(drop), Err(BadKey::Absent));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key_and_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        let error = |source: &KeySource| {
            KeyRing::open("escrow.x.private_key", source, RsaPrivate::parse_one)
                .expect_err("refused")
                .to_string()
        };
        assert!(error(&source(&path, "")).starts_with("escrow.x.private_key_file: the file cannot be read"));
        let text = KeySource { file: String::new(), text: "c2VjcmV0LXNlY3JldA==".to_owned().into() };
        let said = error(&text);
        assert!(said.starts_with("escrow.x.private_key: ") && !said.contains("c2Vj"), "{said}");
        std::fs::write(&path, MERCHANT).expect("a file");
        let ring =
            KeyRing::open("k", &source(&path, ""), RsaPrivate::parse_one).expect("a key").expect("a ring");
        assert!(!format!("{ring:?}").contains("MII"));
    }
}
