//! What came of what a buyer sent, in the words of the page.

use super::buyer_phrases::BuyerPhrases;
use super::tone::Tone;
use crate::domain::merchant::BuyerProof;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    CodeSent,
    Confirmed,
    Extended,
    Objected,
    Withdrawn,
    Added,
    /// What was said so far stands on the page.
    Shown,
    NothingReported,
    WrongProof {
        tries_left: u8,
    },
    /// It was used, or has expired.
    NoCode,
    TooManyTries,
    /// The order does not stand so that it could be done.
    NotNow,
    Incomplete(Vec<Field>),
}

/// A field of the page's forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Proof,
    Days,
    Reason,
    Message,
    Attachments,
}

impl Field {
    /// By the JSON pointer of the same field in a body, or of something in it. None: no form has it.
    pub fn at(pointer: &str) -> Option<Self> {
        match pointer.split('/').nth(1)? {
            "proof" => Some(Self::Proof),
            "days" => Some(Self::Days),
            "reason" => Some(Self::Reason),
            "message" => Some(Self::Message),
            "attachments" => Some(Self::Attachments),
            _ => None,
        }
    }

    fn has_to_be(self, proof: BuyerProof, say: &'static BuyerPhrases) -> &'static str {
        match (self, proof) {
            (Field::Proof, BuyerProof::Code) => say.code_has_to_be,
            (Field::Proof, BuyerProof::Phone) => say.phone_has_to_be,
            (Field::Days, _) => say.days_have_to_be,
            (Field::Reason, _) => say.reason_has_to_be,
            (Field::Message, _) => say.message_has_to_be,
            (Field::Attachments, _) => say.attachments_have_to_be,
        }
    }
}

/// As it stands on the page.
pub struct Word {
    pub tone: Tone,
    pub text: &'static str,
    pub tries_left: Option<u8>,
    /// What each field has to be that is not.
    pub to_mend: Vec<&'static str>,
}

impl Word {
    pub fn new(told: &Told, proof: BuyerProof, say: &'static BuyerPhrases) -> Self {
        let text = match told {
            Told::CodeSent => say.code_sent,
            Told::Confirmed => say.confirmed,
            Told::Extended => say.extended,
            Told::Objected => say.objected,
            Told::Withdrawn => say.withdrawn,
            Told::Added => say.added,
            Told::Shown => say.shown,
            Told::NothingReported => say.nothing_reported,
            Told::WrongProof { .. } => say.wrong_proof,
            Told::NoCode => say.no_code,
            Told::TooManyTries => say.too_many_tries,
            Told::NotNow => say.not_now,
            Told::Incomplete(_) => say.incomplete,
        };
        let tries_left = if let Told::WrongProof { tries_left } = told { Some(*tries_left) } else { None };
        let mut to_mend: Vec<&'static str> = Vec::new();
        if let Told::Incomplete(fields) = told {
            to_mend.extend(fields.iter().map(|field| field.has_to_be(proof, say)));
            // Two wrong addresses are one wrong field.
            to_mend.dedup();
        }
        Self { tone: tone(told), text, tries_left, to_mend }
    }
}

fn tone(told: &Told) -> Tone {
    match told {
        Told::CodeSent
        | Told::Confirmed
        | Told::Extended
        | Told::Withdrawn
        | Told::Added
        | Told::Shown
        | Told::NothingReported => Tone::Done,
        Told::Objected | Told::NoCode | Told::NotNow | Told::Incomplete(_) => Tone::Held,
        Told::WrongProof { .. } | Told::TooManyTries => Tone::Alarm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dispute::Statement;
    use crate::domain::escrow::ReleasePolicy;
    use crate::web::Language;

    #[test]
    fn a_field_that_is_wrong_is_named_with_what_it_has_to_be() {
        let pointers = ["/proof", "/message", "/attachments/0", "/attachments/3", "/act", ""];
        let fields: Vec<Field> = pointers.into_iter().filter_map(Field::at).collect();
        assert_eq!(fields, [Field::Proof, Field::Message, Field::Attachments, Field::Attachments]);
        for language in [Language::English, Language::Chinese] {
            let say = BuyerPhrases::in_language(language);
            let told = Told::Incomplete(fields.clone());
            let expected = [say.code_has_to_be, say.message_has_to_be, say.attachments_have_to_be];
            assert_eq!(Word::new(&told, BuyerProof::Code, say).to_mend, expected);
            let by_phone = Word::new(&told, BuyerProof::Phone, say);
            assert_eq!(by_phone.to_mend[0], say.phone_has_to_be);
            for (phrase, number) in [
                (say.message_has_to_be, Statement::CHARACTERS_MAX),
                (say.attachments_have_to_be, Statement::ATTACHMENTS_MAX),
                (say.attachments_have_to_be, Statement::ATTACHMENT_CHARACTERS_MAX),
                (say.days_have_to_be, ReleasePolicy::EXTENSION_DAYS_MAX as usize),
            ] {
                assert!(phrase.contains(&number.to_string()), "{number} is not in {phrase:?}");
            }
        }
    }
}
