//! What a text says, in whichever language it is written.
//!
//! Aggregators pass on the texts of carriers of all countries, and carriers the texts of their partners abroad. All
//! three readers look at each text: bad news from one of them counts whatever the others say, then doubt,
//! then what is on the way; a delivery is one only where nobody says otherwise. Of languages that none of
//! them reads only the words are known that take a delivery back, or speak of its sender: they are doubt.

use super::wording::{self, Bearing, Meaning, bearing};
use super::{chinese, french};
use crate::domain::event::{DeliveredTo, EventStatus};

/// Whole words of German, Dutch, Spanish, Italian, Portuguese, Polish, the north and Russian.
const DOUBTS: &[&str] = &[
    "nicht",
    "kein",
    "keine",
    "fehlgeschlagen",
    "erfolglos",
    "verweigert",
    "absender",
    "absenders",
    "zurück",
    "zurückgesendet",
    "rücksendung",
    "retoure",
    "abholung",
    "abholbereit",
    "filiale",
    "paketshop",
    "niet",
    "geen",
    "afzender",
    "retour",
    "mislukt",
    "geweigerd",
    "afhaalpunt",
    "no entregado",
    "no se",
    "no ha",
    "no pudo",
    "fallido",
    "fallida",
    "remitente",
    "devuelto",
    "devolución",
    "rechazado",
    "recogida",
    "non",
    "mittente",
    "reso",
    "restituito",
    "rifiutato",
    "ritiro",
    "giacenza",
    "não",
    "remetente",
    "devolvido",
    "recusado",
    "nie",
    "zwrot",
    "zwrócona",
    "nadawcy",
    "nadawca",
    "odmowa",
    "odbioru",
    "inte",
    "avsändare",
    "avsändaren",
    "ikke",
    "afsender",
    "avsender",
    "retur",
    "не",
    "возврат",
    "отправителю",
    "отправитель",
    "неудачная",
];

/// Of languages without spaces between words.
const DOUBTS_WITHIN: &[&str] =
    &["退", "拒", "返送", "差出人", "不在", "持戻", "持ち戻", "반송", "불가", "미배달"];

/// What a delivery that a carrier claims is worth by these words.
pub fn meaning(texts: &[&str]) -> Meaning {
    let told = texts.iter().flat_map(|text| {
        let read = [chinese::meaning(&[text]), wording::meaning_of_anybodys(&[text]), french::meaning(text)];
        let is_read = read.iter().any(|meaning| *meaning != Meaning::Nothing);
        let doubted = (!is_read && is_doubted(text)).then_some(Meaning::Doubted);
        read.into_iter().chain(doubted)
    });
    // Of those that weigh the same the first one.
    told.fold(Meaning::Nothing, |most, one| if weight(one) > weight(most) { one } else { most })
}

fn weight(meaning: Meaning) -> u8 {
    match meaning {
        Meaning::Nothing => 0,
        Meaning::Says(EventStatus::Delivered) => 1,
        Meaning::Says(EventStatus::Returned) => 5,
        Meaning::Says(status) => match bearing(status) {
            Bearing::Before | Bearing::Onward | Bearing::Over => 2,
            Bearing::Adverse => 4,
        },
        Meaning::Doubted => 3,
    }
}

fn is_doubted(text: &str) -> bool {
    let spaced: String =
        text.chars().map(|letter| if letter.is_alphanumeric() { letter } else { ' ' }).collect();
    let words = spaced.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let padded = format!(" {words} ");
    DOUBTS.iter().any(|doubt| padded.contains(&format!(" {doubt} ")))
        || DOUBTS_WITHIN.iter().any(|doubt| text.contains(doubt))
}

pub fn recipient(texts: &[&str]) -> DeliveredTo {
    let in_french = texts.iter().map(|text| french::recipient(text));
    let named = [chinese::recipient(texts), wording::recipient(texts)].into_iter().chain(in_french);
    named.into_iter().find(|to| *to != DeliveredTo::Unspecified).unwrap_or(DeliveredTo::Unspecified)
}

#[cfg(test)]
mod tests {
    use EventStatus as S;

    use super::*;

    #[test]
    fn each_language_is_read_and_bad_news_counts_from_any() {
        for (texts, expected) in [
            (["已签收", ""], Meaning::Says(S::Delivered)),
            (["Delivered", "已签收"], Meaning::Says(S::Delivered)),
            (["Votre colis est livré.", "Delivered"], Meaning::Says(S::Delivered)),
            (["退回件已签收", "Delivered"], Meaning::Says(S::Returned)),
            (["Delivered", "寄件人已签收"], Meaning::Says(S::Returned)),
            (["收件人拒收，快件退回", ""], Meaning::Says(S::Returning)),
            (["未签收", "Delivered"], Meaning::Says(S::AttemptFailed)),
            (["已投放至丰巢快递柜，请及时取件", "Delivered"], Meaning::Says(S::AvailableForCollection)),
            (["Retourné à l'expéditeur", ""], Meaning::Says(S::Returning)),
            (["Delivered", "Il va être livré"], Meaning::Doubted),
            (["Zustellung nicht erfolgreich", ""], Meaning::Doubted),
            (["Entregado al remitente", ""], Meaning::Doubted),
            (["Вручение отправителю", ""], Meaning::Doubted),
            (["差出人に返送", ""], Meaning::Doubted),
            (["Zugestellt", ""], Meaning::Nothing),
            (["Получено адресатом", ""], Meaning::Nothing),
            (["Zugestellt", "Delivered"], Meaning::Says(S::Delivered)),
        ] {
            assert_eq!(meaning(&texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn who_took_it_is_read_in_each_language() {
        for (text, expected) in [
            ("已签收，签收人是【前台】", DeliveredTo::Mailroom),
            ("Delivered to a neighbour", DeliveredTo::Neighbour),
            ("Livré chez votre voisin", DeliveredTo::Neighbour),
            ("Zugestellt", DeliveredTo::Unspecified),
        ] {
            assert_eq!(recipient(&[text]), expected, "{text}");
        }
    }
}
