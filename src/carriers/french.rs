//! What carriers' French wording says, one row a phrase: the second witness of those who write it.
//!
//! Gathered from labels of La Poste and Canada Post that public integrations carry (2023–2026). Matched in whole
//! words without accents and capitals, like [`wording`](super::wording), whose rules for doubt hold here too.

use super::wording::{Bearing, Meaning, bearing};
use crate::domain::event::{DeliveredTo, EventStatus};

use EventStatus as S;

/// The first row that matches counts: bad news before good.
const PHRASES: &[(&str, EventStatus)] = &[
    // Handed over after all, though somebody was not at home.
    ("livre a un voisin", S::Delivered),
    ("livre chez un voisin", S::Delivered),
    ("livre a votre voisin", S::Delivered),
    ("livre chez votre voisin", S::Delivered),
    ("remis a un voisin", S::Delivered),
    ("remis a votre voisin", S::Delivered),
    ("remis au gardien", S::Delivered),
    // On the way back.
    ("livre a l expediteur", S::Returned),
    ("distribue a l expediteur", S::Returned),
    ("remis a l expediteur", S::Returned),
    ("avec succes a l expediteur", S::Returned),
    ("a l expediteur", S::Returning),
    ("a l exp", S::Returning),
    ("a son expediteur", S::Returning),
    ("retour expediteur", S::Returning),
    ("en cours de retour", S::Returning),
    // The end of the goods.
    ("detruit", S::Destroyed),
    ("elimine", S::Destroyed),
    ("perdu", S::Lost),
    ("egare", S::Lost),
    ("endommage", S::Damaged),
    ("abime", S::Damaged),
    ("annule", S::Cancelled),
    // Not handed over.
    ("pas pu etre livre", S::AttemptFailed),
    ("pas pu etre distribue", S::AttemptFailed),
    ("pas ete livre", S::AttemptFailed),
    ("pas ete distribue", S::AttemptFailed),
    ("non distribuable", S::AttemptFailed),
    ("non livrable", S::AttemptFailed),
    ("livraison impossible", S::AttemptFailed),
    ("impossible de livrer", S::AttemptFailed),
    ("impossible livrer", S::AttemptFailed),
    ("echec de livraison", S::AttemptFailed),
    ("tentative de livraison", S::AttemptFailed),
    ("etait absent", S::AttemptFailed),
    ("etiez absent", S::AttemptFailed),
    ("absence du destinataire", S::AttemptFailed),
    ("destinataire absent", S::AttemptFailed),
    ("refuse", S::AttemptFailed),
    // Customs.
    ("retenu en douane", S::CustomsHeld),
    ("retenu aux douanes", S::CustomsHeld),
    ("bloque en douane", S::CustomsHeld),
    ("sortie de douane", S::CustomsReleased),
    ("sorti de douane", S::CustomsReleased),
    ("dedouane", S::CustomsReleased),
    ("dedouanement termine", S::CustomsReleased),
    ("entree en douane", S::CustomsPresented),
    ("presente a la douane", S::CustomsPresented),
    ("dedouanement", S::CustomsPresented),
    ("en douane", S::CustomsPresented),
    // Fetched, before waiting to be.
    ("a ete retire", S::Delivered),
    ("retire par", S::Delivered),
    // Waiting.
    ("livre en point de retrait", S::AvailableForCollection),
    ("livre dans votre point de retrait", S::AvailableForCollection),
    ("livre dans le point de retrait", S::AvailableForCollection),
    ("livre au point de retrait", S::AvailableForCollection),
    ("livre en relais", S::AvailableForCollection),
    ("livre en consigne", S::AvailableForCollection),
    ("livre au bureau de poste", S::AvailableForCollection),
    ("etre retire", S::AvailableForCollection),
    ("vous attend", S::AvailableForCollection),
    ("est disponible", S::AvailableForCollection),
    ("disponible pour le ramassage", S::AvailableForCollection),
    ("avis a ete laisse", S::AvailableForCollection),
    ("adresse incomplete", S::Exception),
    ("adresse incorrecte", S::Exception),
    ("adresse inexacte", S::Exception),
    ("retarde", S::Delayed),
    ("en retard", S::Delayed),
    ("reportee", S::Delayed),
    ("delai possible", S::Delayed),
    ("retenu", S::Delayed),
    // To the door.
    ("en cours de livraison", S::OutForDelivery),
    ("mettre en livraison", S::OutForDelivery),
    ("mis en livraison", S::OutForDelivery),
    ("mis en distribution", S::OutForDelivery),
    ("sorti pour livraison", S::OutForDelivery),
    ("livre", S::Delivered),
    ("livree", S::Delivered),
    ("distribue", S::Delivered),
    ("distribuee", S::Delivered),
    ("remis au destinataire", S::Delivered),
    ("remis en main propre", S::Delivered),
    ("depose dans votre boite aux lettres", S::Delivered),
    // Before the journey, and on it.
    ("bientot nous etre confie", S::InfoReceived),
    ("renseignements electroniques", S::InfoReceived),
    ("pris en charge", S::PickedUp),
    ("depose dans un point postal", S::PickedUp),
    ("est arrive", S::Arrived),
    ("a quitte", S::Departed),
    ("est parti", S::Departed),
];

/// Who took a parcel that was delivered. The first row that matches counts.
const RECIPIENTS: &[(&str, DeliveredTo)] = &[
    ("voisin", DeliveredTo::Neighbour),
    ("voisine", DeliveredTo::Neighbour),
    ("retire", DeliveredTo::Collected),
    ("point de retrait", DeliveredTo::Collected),
    ("bureau de poste", DeliveredTo::Collected),
    ("guichet", DeliveredTo::Collected),
    ("consigne", DeliveredTo::Locker),
    ("casier a colis", DeliveredTo::Locker),
    ("boite a colis", DeliveredTo::Locker),
    ("boite postale communautaire", DeliveredTo::Locker),
    ("gardien", DeliveredTo::Mailroom),
    ("gardienne", DeliveredTo::Mailroom),
    ("concierge", DeliveredTo::Mailroom),
    ("accueil", DeliveredTo::Mailroom),
    ("salle de courrier", DeliveredTo::Mailroom),
    ("au destinataire", DeliveredTo::Addressee),
    ("en main propre", DeliveredTo::Addressee),
];

/// Words that take back what follows them closely: `sera livré`, `pour être livré`.
const DOUBTS: &[&str] = &[
    "ne", "n", "pas", "non", "jamais", "sans", "avant", "si", "sera", "seront", "serait", "etre", "pourra",
    "devrait", "prevu", "prevue", "peut",
];

/// How many words back a doubt reaches, within one clause.
const DOUBT_WORDS: usize = 3;

pub fn meaning(text: &str) -> Meaning {
    let text = words(text);
    let mut doubted = false;
    for (phrase, status) in PHRASES {
        for before in occurrences(&text, phrase) {
            let is_claim = matches!(bearing(*status), Bearing::Onward | Bearing::Over);
            if !is_claim || !is_doubted(before) {
                return Meaning::Says(*status);
            }
            doubted = true;
        }
    }
    if doubted { Meaning::Doubted } else { Meaning::Nothing }
}

/// What follows these words is a person's name: it stays in the raw event, and nowhere else.
const NAMES_FOLLOW: &[&str] = &[
    "voisin",
    "voisine",
    "par m.",
    "par mme",
    "à m.",
    "à mme",
    "signé par",
    "signe par",
    "réceptionné par",
    "reçu par",
];

/// A text up to where it would name somebody.
pub fn without_names(text: &str) -> String {
    let small = text.to_ascii_lowercase();
    let end = NAMES_FOLLOW.iter().filter_map(|words| Some(small.find(words)? + words.len())).min();
    text[..end.unwrap_or(text.len())].to_owned()
}

pub fn recipient(text: &str) -> DeliveredTo {
    let text = words(text);
    let found = RECIPIENTS.iter().find(|(phrase, _)| occurrences(&text, phrase).next().is_some());
    found.map_or(DeliveredTo::Unspecified, |(_, to)| *to)
}

/// Small letters without accents, a space between words and at both ends, `|` between clauses.
fn words(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 8);
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            '.' | ',' | ';' | ':' | '!' => spaced.push_str(" | "),
            'à' | 'â' | 'ä' => spaced.push('a'),
            'é' | 'è' | 'ê' | 'ë' => spaced.push('e'),
            'î' | 'ï' => spaced.push('i'),
            'ô' | 'ö' => spaced.push('o'),
            'ù' | 'û' | 'ü' => spaced.push('u'),
            'ç' => spaced.push('c'),
            letter if letter.is_alphanumeric() => spaced.push(letter),
            _ => spaced.push(' '),
        }
    }
    format!(" {} ", spaced.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What stands before each occurrence of `phrase` in whole words.
fn occurrences<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(phrase).filter_map(move |(at, _)| {
        let (before, after) = (&text[..at], &text[at + phrase.len()..]);
        (before.ends_with(' ') && after.starts_with(' ')).then_some(before)
    })
}

fn is_doubted(before: &str) -> bool {
    let clause = before.split_ascii_whitespace().rev().take_while(|word| *word != "|");
    clause.take(DOUBT_WORDS).any(|word| DOUBTS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_says_what_happened() {
        for (label, expected) in [
            ("Votre colis est livré.", S::Delivered),
            ("VOTRE COLIS A ETE LIVRE", S::Delivered),
            ("Votre courrier a été distribué dans votre boîte aux lettres.", S::Delivered),
            ("Vous étiez absent : votre colis a été remis à un voisin.", S::Delivered),
            ("Votre colis a été retiré au guichet", S::Delivered),
            ("Votre colis vous attend au bureau de poste", S::AvailableForCollection),
            ("Votre colis est disponible en point de retrait", S::AvailableForCollection),
            ("En attente d’être retiré au guichet", S::AvailableForCollection),
            ("Votre colis n'a pas pu être livré", S::AttemptFailed),
            ("Le destinataire était absent lors de la livraison", S::AttemptFailed),
            ("Distribué à l’expéditeur", S::Returned),
            ("L'article a été renvoyé avec succès à l'expéditeur.", S::Returned),
            ("Retourné à l'expéditeur", S::Returning),
            ("Votre colis est endommagé", S::Damaged),
            ("Votre colis est arrivé dans le pays du destinataire", S::Arrived),
            ("Retenu en Douane", S::CustomsHeld),
            ("Livré à la porte avant du destinataire", S::Delivered),
        ] {
            assert_eq!(meaning(label), Meaning::Says(expected), "{label}");
        }
    }

    #[test]
    fn what_is_put_off_or_taken_back_is_doubted() {
        for label in ["Votre colis sera livré demain", "Il va être livré", "Votre colis n'est pas livré"]
        {
            assert_eq!(meaning(label), Meaning::Doubted, "{label}");
        }
        assert_eq!(meaning("Votre colis est en transit"), Meaning::Nothing);
    }

    #[test]
    fn a_name_is_left_out() {
        for (label, expected) in [
            ("Remis à votre voisin M. DURAND", "Remis à votre voisin"),
            ("Livré. Signé par DURAND", "Livré. Signé par"),
            ("Votre colis est livré.", "Votre colis est livré."),
        ] {
            assert_eq!(without_names(label), expected);
        }
    }

    #[test]
    fn a_delivery_tells_to_whom() {
        for (label, expected) in [
            ("Votre colis est livré", DeliveredTo::Unspecified),
            ("Livré au gardien", DeliveredTo::Mailroom),
            ("Livré chez votre voisin", DeliveredTo::Neighbour),
            ("Votre colis a été retiré au guichet", DeliveredTo::Collected),
            ("Livré à la boîte postale communautaire ou au casier à colis", DeliveredTo::Locker),
            ("Remis en main propre", DeliveredTo::Addressee),
            ("Distribué dans votre boîte aux lettres", DeliveredTo::Unspecified),
        ] {
            assert_eq!(recipient(label), expected, "{label}");
        }
    }
}
