//! Who must act when something fails.

/// Every error of every capability has one of these classes. The HTTP door maps
/// it to a status code, the scheduler to "again later", "park" or "page somebody".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The caller sent something that will never be right; sending it again won't help.
    Caller,
    NotFound,
    /// It contradicts what is already there.
    Conflict,
    /// Nothing was done; the same attempt can succeed later.
    Retry,
    /// It may have taken effect. Ask by its idempotency key before repeating.
    OutcomeUnknown,
    /// Our own fault: a person must look.
    Bug,
}
