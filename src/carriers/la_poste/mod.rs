//! La Poste Suivi v2: Colissimo, Chronopost and registered letters of France.
//!
//! Up to ten numbers a question, the key in a header. One number is answered with an object, several with a
//! list; each entry is a shipment or says with a code of its own why there is none. Labels are French,
//! and [`french`](super::french) reads them beside the code. Events name no place.

mod config;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use secrecy::{ExposeSecret, SecretString};

use super::{Abilities, Adapter, Occasion, Opening, Question, Track};
use crate::config::ConfigError;
use crate::outbound::{Request, percent_encoded};

pub const ADAPTER: Adapter = Adapter {
    code: "la_poste",
    name: "La Poste",
    numbers_max: 10,
    wants_phone: false,
    aggregates: false,
    open,
    read: translate::read,
};

fn open(mut opening: Opening) -> Result<Option<Abilities>, ConfigError> {
    let config::Settings { api_key } = opening.settings()?;
    if api_key.expose_secret().is_empty() {
        return Ok(None);
    }
    Ok(Some(Abilities::tracking(LaPoste { base_url: opening.base_url, api_key })))
}

struct LaPoste {
    base_url: String,
    api_key: SecretString,
}

impl Track for LaPoste {
    fn request(&self, questions: &[Question], _occasion: &Occasion) -> Request {
        let numbers: Vec<_> = questions.iter().map(|one| percent_encoded(one.number.as_str())).collect();
        Request::get(format!("{}/suivi/v2/idships/{}?lang=fr_FR", self.base_url, numbers.join(",")))
            .header("X-Okapi-Key", self.api_key.expose_secret())
            .header("Accept", "application/json")
    }
}
