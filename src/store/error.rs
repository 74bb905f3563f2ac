use sea_orm::{DbErr, RuntimeErr};

use crate::domain::failure::Class;

#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database is away, busy, shutting down, or its disk has no room. Nothing was changed.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// Something that has to be unique is there already.
    #[error("it is there already: {0}")]
    Duplicate(String),
    /// Two transactions got in each other's way and this one gave in. Nothing was changed.
    #[error("the database asks to try again: {0}")]
    Contended(String),
    /// A commit was sent and no answer came: it is there whole, or not at all.
    #[error("nobody knows whether the commit took effect: {0}")]
    CommitUnknown(String),
    /// A row that no version of Sampan can have written.
    #[error("{table}.{column}: {reason}")]
    Corrupt { table: &'static str, column: &'static str, reason: String },
    #[error("the database refused a statement: {0}")]
    Statement(String),
}

impl StoreError {
    pub fn class(&self) -> Class {
        match self {
            StoreError::Unavailable(_) | StoreError::Contended(_) => Class::Retry,
            StoreError::Duplicate(_) => Class::Conflict,
            StoreError::CommitUnknown(_) => Class::OutcomeUnknown,
            StoreError::Corrupt { .. } | StoreError::Statement(_) => Class::Bug,
        }
    }
}

/// Codes of PostgreSQL: serialization failure, deadlock, lock not available.
const CONTENDED: [&str; 3] = ["40001", "40P01", "55P03"];

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let text = error.to_string();
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => StoreError::Unavailable(text),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                match cause.as_database_error() {
                    Some(database) if database.is_unique_violation() => {
                        StoreError::Duplicate(database.message().to_owned())
                    }
                    Some(database) => refused(database.code().as_deref().unwrap_or_default(), text),
                    None => StoreError::Unavailable(text),
                }
            }
            _ => StoreError::Statement(text),
        }
    }
}

/// What a database says by its code. PostgreSQL's have five letters and digits, SQLite's are numbers.
fn refused(code: &str, text: String) -> StoreError {
    if CONTENDED.contains(&code) {
        return StoreError::Contended(text);
    }
    if code.len() == 5 {
        // A connection that broke, too little room or memory, starting or shutting down, a disk that failed.
        let comes_back = ["08", "53", "57P", "58030"].iter().any(|class| code.starts_with(class));
        return if comes_back { StoreError::Unavailable(text) } else { StoreError::Statement(text) };
    }
    // The lowest byte is what went wrong, the others say where.
    match code.parse::<u32>().map(|number| number & 0xff) {
        Ok(SQLITE_BUSY | SQLITE_LOCKED) => StoreError::Contended(text),
        Ok(SQLITE_IOERR | SQLITE_FULL | SQLITE_CANTOPEN) => StoreError::Unavailable(text),
        _ => StoreError::Statement(text),
    }
}

const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_IOERR: u32 = 10;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: &str) -> Class {
        refused(code, String::new()).class()
    }

    #[test]
    fn what_ends_by_itself_is_worth_another_try_and_the_rest_is_our_fault() {
        // Busy (a snapshot that is old), locked (a shared cache), no room, a failed write and fsync, no such file.
        for sqlite in ["5", "517", "6", "262", "13", "778", "1034", "14"] {
            assert_eq!(class(sqlite), Class::Retry, "{sqlite}");
        }
        for postgres in ["40001", "40P01", "55P03", "53100", "53300", "57P01", "57P03", "58030", "08006"] {
            assert_eq!(class(postgres), Class::Retry, "{postgres}");
        }
        // A constraint, a damaged file, a misspelt statement, a transaction that failed before, a value too long.
        for bug in ["19", "787", "11", "1", "42601", "25P02", "22001", "23503", ""] {
            assert_eq!(class(bug), Class::Bug, "{bug}");
        }
    }
}
