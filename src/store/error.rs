use sea_orm::{DbErr, RuntimeErr, SqlErr};

use crate::domain::failure::Class;

#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database is away, busy or shutting down. Nothing was changed.
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
        if let Some(SqlErr::UniqueConstraintViolation(what)) = error.sql_err() {
            return StoreError::Duplicate(what);
        }
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => StoreError::Unavailable(text),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                match cause.as_database_error() {
                    Some(database) => match database.code() {
                        Some(code) if CONTENDED.contains(&&*code) => StoreError::Contended(text),
                        // SQLITE_BUSY, SQLITE_LOCKED and their kin.
                        Some(code) if matches!(&*code, "5" | "6" | "261" | "262" | "517") => {
                            StoreError::Contended(text)
                        }
                        // PostgreSQL's class 57P: it is starting or shutting down.
                        Some(code) if code.starts_with("57P") => StoreError::Unavailable(text),
                        _ => StoreError::Statement(text),
                    },
                    None => StoreError::Unavailable(text),
                }
            }
            _ => StoreError::Statement(text),
        }
    }
}
