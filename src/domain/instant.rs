//! Instants, cut to the microsecond.
//!
//! PostgreSQL keeps microseconds and SQLite keeps whatever it is given; an instant
//! that went through a database must equal the one that did not, so every instant
//! is cut when it is made.

use chrono::{DateTime, SecondsFormat, Utc};

pub type Instant = DateTime<Utc>;

/// `instant` without what is finer than a microsecond.
pub fn cut(instant: Instant) -> Instant {
    from_micros(instant.timestamp_micros())
}

/// The instant `micros` microseconds after 1970-01-01T00:00Z. A number that no
/// calendar reaches becomes the nearest one that it does.
pub fn from_micros(micros: i64) -> Instant {
    DateTime::from_timestamp_micros(micros).unwrap_or(if micros < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

/// As the API writes it: RFC 3339 in UTC, with fractions only where there are any.
pub fn rfc3339(instant: Instant) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
