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
    ("livre a son expediteur", S::Returned),
    ("remis a son expediteur", S::Returned),
    ("livre a l envoyeur", S::Returned),
    ("distribue a l envoyeur", S::Returned),
    ("remis a l envoyeur", S::Returned),
    ("avec succes a l expediteur", S::Returned),
    ("a l expediteur", S::Returning),
    ("a l exp", S::Returning),
    ("a son expediteur", S::Returning),
    ("retour expediteur", S::Returning),
    ("en cours de retour", S::Returning),
    ("envoyeur", S::Returning),
    ("retourne", S::Returning),
    ("retournee", S::Returning),
    ("renvoye", S::Returning),
    ("renvoyee", S::Returning),
    // The end of the goods.
    ("detruit", S::Destroyed),
    ("elimine", S::Destroyed),
    ("perdu", S::Lost),
    ("egare", S::Lost),
    ("endommage", S::Damaged),
    ("abime", S::Damaged),
    ("annule", S::Cancelled),
    // Not handed over.
    ("pas pu", S::AttemptFailed),
    ("pas ete", S::AttemptFailed),
    ("non remis", S::AttemptFailed),
    ("non remise", S::AttemptFailed),
    ("non livre", S::AttemptFailed),
    ("non livree", S::AttemptFailed),
    ("non distribue", S::AttemptFailed),
    ("non distribuee", S::AttemptFailed),
    ("non retire", S::AttemptFailed),
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
    ("etre retire", S::AvailableForCollection),
    ("vous attend", S::AvailableForCollection),
    ("est disponible", S::AvailableForCollection),
    ("disponible pour le ramassage", S::AvailableForCollection),
    ("avis a ete laisse", S::AvailableForCollection),
    ("mauvaise adresse", S::Exception),
    ("mauvais destinataire", S::Exception),
    ("par erreur", S::Exception),
    // To the consignee's new address, or back: it does not say.
    ("reexpedie", S::Exception),
    ("reexpediee", S::Exception),
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

/// Behind these a place where it waits makes it wait there.
const PUT_DOWN: &[&str] =
    &["livre", "livree", "distribue", "distribuee", "remis", "remise", "depose", "deposee", "achemine"];

/// Where it waits until somebody comes for it.
const POINTS: &[&str] = &[
    "point de retrait",
    "relais",
    "bureau de poste",
    "agence",
    "commercant",
    "commerce",
    "magasin",
    "pickup",
    "consigne",
    "point de proximite",
];

/// Somebody came, or the sender did.
const NOT_WAITING: &[&str] =
    &["retire", "retiree", "recupere", "au destinataire", "en main propre", "expediteur", "sera", "va etre"];

fn waits(text: &str) -> bool {
    text.split('|').any(|clause| {
        let clause = format!("{clause} ");
        let says = |words: &[&str]| words.iter().any(|word| occurrences(&clause, word).next().is_some());
        let put_down = PUT_DOWN.iter().flat_map(|verb| occurrences(&clause, verb)).map(|(_, after)| after);
        let mut at_points =
            put_down.filter(|after| POINTS.iter().any(|point| occurrences(after, point).next().is_some()));
        at_points.next().is_some() && !says(NOT_WAITING)
    })
}

pub fn meaning(text: &str) -> Meaning {
    let text = words(text);
    let waits = waits(&text);
    let mut doubted = false;
    for (phrase, status) in PHRASES {
        for (before, _) in occurrences(&text, phrase) {
            if waits && bearing(*status) != Bearing::Adverse && *status != S::Returned {
                return Meaning::Says(S::AvailableForCollection);
            }
            let is_claim = matches!(bearing(*status), Bearing::Onward | Bearing::Over);
            if !is_claim || !is_doubted(before) {
                return Meaning::Says(*status);
            }
            doubted = true;
        }
    }
    match (waits, doubted) {
        (true, _) => Meaning::Says(S::AvailableForCollection),
        (false, true) => Meaning::Doubted,
        (false, false) => Meaning::Nothing,
    }
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

/// What stands before and after each occurrence of `phrase` in whole words.
fn occurrences<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(phrase).filter_map(move |(at, _)| {
        let (before, after) = (&text[..at], &text[at + phrase.len()..]);
        (before.ends_with(' ') && after.starts_with(' ')).then_some((before, after))
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
            ("Votre colis a été livré dans un point de retrait", S::AvailableForCollection),
            ("Livré au relais Pickup", S::AvailableForCollection),
            ("Votre colis a été livré dans votre relais", S::AvailableForCollection),
            ("Votre colis a été livré chez un commerçant", S::AvailableForCollection),
            ("Votre colis a été livré en Pickup Station", S::AvailableForCollection),
            ("Votre colis a été déposé au bureau de poste", S::AvailableForCollection),
            ("Votre colis a été retiré en point de retrait", S::Delivered),
            ("Votre colis a été remis au destinataire au bureau de poste", S::Delivered),
            ("Votre colis a été livré à son expéditeur", S::Returned),
            ("Distribué à l'envoyeur", S::Returned),
            ("Votre colis a été retourné", S::Returning),
            ("Votre colis a été renvoyé", S::Returning),
            ("Votre colis a été réexpédié", S::Exception),
            ("La livraison n'a pas pu être effectuée", S::AttemptFailed),
            ("Votre colis n'a pas été remis", S::AttemptFailed),
            ("Non remis", S::AttemptFailed),
            ("Livré à une mauvaise adresse", S::Exception),
            ("Un avis a été laissé. Livré au relais", S::AvailableForCollection),
            ("Votre colis endommagé a été livré au relais", S::Damaged),
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
        for label in ["Votre colis est en transit", "Déposé par l'expéditeur au bureau de poste"] {
            assert_eq!(meaning(label), Meaning::Nothing, "{label}");
        }
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
