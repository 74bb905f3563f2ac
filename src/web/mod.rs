//! stub until merged
use crate::flows::views::TrackingView;
#[derive(Clone, Copy)]
pub enum Language {
    English,
}
impl Language {
    pub fn negotiate(_: Option<&str>) -> Self {
        Language::English
    }
}
pub const STYLESHEET: &str = "";
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'";
pub fn tracking_page(_: &TrackingView, _: Language) -> Result<String, std::fmt::Error> {
    Ok(String::new())
}
pub fn not_found_page(_: Language) -> Result<String, std::fmt::Error> {
    Ok(String::new())
}
