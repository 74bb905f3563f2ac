//! The page a buyer opens on a phone: one honest timeline, in Chinese or English.
//!
//! Promise: a page is a function of its [`TrackingView`] and a [`Language`], and reads well
//! without scripts, fonts or pictures from anywhere, on paper and in the dark.
//!
//! - Nothing on it identifies a person: the view is all it knows.
//! - Every word of ours is there in both languages; a word that is not ours is shown as it
//!   came, and everything is escaped.
//! - What a buyer does is on a page of its own, with forms: [`buyer_page`].
//! - No script, no inline style, no handler, so that [`CONTENT_SECURITY_POLICY`] can forbid
//!   them all.
//! - A planned moment is called planned. It goes away when the parcel is behind it, held,
//!   or not coming any more; only the estimate speaks of the future then.
//!
//! Absent on purpose: a map, a count of days left (a page that is kept open or printed would
//! soon be wrong), the carrier's tracking number (it opens pages that do show a name), and
//! traditional Chinese: whoever reads it is shown the simplified.

mod buyer;
mod buyer_phrases;
mod draft;
mod language;
mod moment;
mod page;
mod phrases;
mod steps;
mod stories;
mod told;
mod tone;
mod words;

use std::sync::LazyLock;

use askama::Template;
use sha2::{Digest, Sha256};

use crate::flows::views::TrackingView;

pub use buyer::BuyerView;
pub use draft::Draft;
pub use language::Language;
pub use told::{Field, Told};

/// What a browser may load for these pages: our stylesheet, and the icon inside the page.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same for the page that has forms, which lead back to it.
pub const CONTENT_SECURITY_POLICY_OF_FORMS: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Belongs at `/assets/tracking.css`.
pub const STYLESHEET: &str = include_str!("tracking.css");

/// Where pages look for [`STYLESHEET`]. The query changes with the content, so that an answer
/// may be cached for ever.
pub fn stylesheet_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| {
        let digest = Sha256::digest(STYLESHEET);
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("/assets/tracking.css?v={short}")
    });
    &PATH
}

/// `token`: the page's own address, under which the buyer can act.
pub fn tracking_page(view: &TrackingView, token: &str, language: Language) -> Result<String, askama::Error> {
    page::TrackingPage::new(view, token, language).render()
}

pub fn buyer_page(view: BuyerView, language: Language) -> Result<String, askama::Error> {
    buyer::BuyerPage::new(view, language).render()
}

/// The same for a token that never was and one that is gone: whoever guesses learns nothing.
pub fn not_found_page(language: Language) -> Result<String, askama::Error> {
    page::NotFoundPage::new(language).render()
}

#[cfg(test)]
mod tests;
