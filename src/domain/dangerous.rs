//! Dangerous goods, as carriers and planners speak of them.

use std::fmt;
use std::str::FromStr;

use super::network::TransportMode;
use super::text::{serde_as_text, words};

/// The four digits under which the United Nations list a substance or an article: `UN3481`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnNumber(u16);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UN number such as UN3481")]
pub struct BadUnNumber(String);

impl FromStr for UnNumber {
    type Err = BadUnNumber;

    fn from_str(text: &str) -> Result<Self, BadUnNumber> {
        let digits = text.strip_prefix("UN").filter(|digits| digits.len() == 4);
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok());
        number.map(UnNumber).ok_or_else(|| BadUnNumber(text.chars().take(16).collect()))
    }
}

impl fmt::Display for UnNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UN{:04}", self.0)
    }
}

serde_as_text!(UnNumber);

words! {
    /// Whether a mode of transport takes certain goods.
    Acceptance {
        /// Every lane of the mode that takes dangerous goods at all.
        Allowed = "allowed",
        /// Only a lane that names them: cells alone, say, fly on cargo aircraft only.
        Declared = "declared",
        Forbidden = "forbidden",
    }
}

/// One entry of a shipment's dangerous goods, and which modes take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DangerousCarriage {
    pub un: UnNumber,
    /// In the order of [`TransportMode::ALL`].
    pub by_mode: [Acceptance; 4],
}

impl DangerousCarriage {
    pub fn by(&self, mode: TransportMode) -> Acceptance {
        self.by_mode[mode as usize]
    }
}

/// Which dangerous goods a lane takes, of those that its mode does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LaneGoods {
    /// What the mode allows without being asked.
    #[default]
    ByMode,
    None,
    /// Everything the mode does not forbid.
    All,
    /// These, of what the mode does not forbid, and nothing else.
    Only(Vec<UnNumber>),
}

impl LaneGoods {
    pub fn takes(&self, goods: &DangerousCarriage, mode: TransportMode) -> bool {
        match (goods.by(mode), self) {
            (Acceptance::Forbidden, _) | (_, LaneGoods::None) => false,
            (_, LaneGoods::All) => true,
            (_, LaneGoods::Only(these)) => these.contains(&goods.un),
            (acceptance, LaneGoods::ByMode) => acceptance == Acceptance::Allowed,
        }
    }
}

impl fmt::Display for LaneGoods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LaneGoods::ByMode => Ok(()),
            LaneGoods::None => f.write_str("none"),
            LaneGoods::All => f.write_str("all"),
            LaneGoods::Only(these) => {
                let these: Vec<_> = these.iter().map(ToString::to_string).collect();
                f.write_str(&these.join(";"))
            }
        }
    }
}

impl FromStr for LaneGoods {
    type Err = BadUnNumber;

    /// Empty, `none`, `all`, or UN numbers with `;` between them.
    fn from_str(text: &str) -> Result<Self, BadUnNumber> {
        match text {
            "" => Ok(LaneGoods::ByMode),
            "none" => Ok(LaneGoods::None),
            "all" => Ok(LaneGoods::All),
            these => Ok(LaneGoods::Only(these.split(';').map(str::parse).collect::<Result<_, _>>()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_un_number_has_four_digits() {
        assert_eq!("UN0027".parse::<UnNumber>().expect("a number").to_string(), "UN0027");
        for text in ["UN27", "3481", "un3481", "UN34811", "UN+481", ""] {
            assert!(text.parse::<UnNumber>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_lane_takes_what_its_mode_allows_and_what_it_names() {
        use Acceptance::{Allowed, Declared, Forbidden};
        let goods = |by_air| DangerousCarriage {
            un: "UN3480".parse().expect("a number"),
            by_mode: [by_air, Allowed, Allowed, Allowed],
        };
        for (lane, takes) in [
            ("", [true, false, false]),
            ("none", [false, false, false]),
            ("all", [true, true, false]),
            ("UN1266;UN3480", [true, true, false]),
            ("UN1266", [false, false, false]),
        ] {
            let lane: LaneGoods = lane.parse().expect("goods");
            let taken =
                [Allowed, Declared, Forbidden].map(|by_air| lane.takes(&goods(by_air), TransportMode::Air));
            assert_eq!(taken, takes, "{lane}");
            assert_eq!(lane.to_string().parse::<LaneGoods>().expect("goods"), lane);
        }
        assert!("UN1;x".parse::<LaneGoods>().is_err());
    }
}
