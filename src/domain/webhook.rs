//! What merchants are told, which of it they want, and what became of it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::instant::Instant;
use super::text::{serde_as_text, words};

words! {
    /// What happened, as the `type` of a message says it.
    WebhookKind {
        PickupAccepted = "pickup.accepted",
        PickupCancelled = "pickup.cancelled",
        /// Every parcel of the shipment is in our hands.
        PickupPickedUp = "pickup.picked_up",
        ShipmentStatusChanged = "shipment.status_changed",
        /// The way of a shipment was planned anew.
        ShipmentReplanned = "shipment.replanned",
        /// There is no way for a shipment any more: a person has to look.
        ShipmentUnroutable = "shipment.unroutable",
        EscrowStateChanged = "escrow.state_changed",
        EscrowTriggerAcknowledged = "escrow.trigger_acknowledged",
        /// The provider refused, or every try failed.
        EscrowTriggerFailed = "escrow.trigger_failed",
        EscrowDeadlineNear = "escrow.deadline_near",
        EscrowDisputeOpened = "escrow.dispute_opened",
        /// Somebody said something in it; what, is to be fetched.
        EscrowDisputeMessage = "escrow.dispute_message",
        EscrowDisputeClosed = "escrow.dispute_closed",
        /// A one-time code for the buyer. Its body is seen by its receiver alone.
        EscrowCode = "escrow.code",
        /// Another endpoint of the merchant is told nothing any more.
        WebhookDisabled = "webhook.disabled",
        /// The merchant asked for it.
        Ping = "ping",
    }
}

words! {
    /// The first word of a kind.
    WebhookFamily {
        Pickup = "pickup",
        Shipment = "shipment",
        Escrow = "escrow",
        Webhook = "webhook",
    }
}

impl WebhookKind {
    pub const fn family(self) -> Option<WebhookFamily> {
        match self {
            WebhookKind::PickupAccepted | WebhookKind::PickupCancelled | WebhookKind::PickupPickedUp => {
                Some(WebhookFamily::Pickup)
            }
            WebhookKind::ShipmentStatusChanged
            | WebhookKind::ShipmentReplanned
            | WebhookKind::ShipmentUnroutable => Some(WebhookFamily::Shipment),
            WebhookKind::EscrowStateChanged
            | WebhookKind::EscrowTriggerAcknowledged
            | WebhookKind::EscrowTriggerFailed
            | WebhookKind::EscrowDeadlineNear
            | WebhookKind::EscrowDisputeOpened
            | WebhookKind::EscrowDisputeMessage
            | WebhookKind::EscrowDisputeClosed
            | WebhookKind::EscrowCode => Some(WebhookFamily::Escrow),
            WebhookKind::WebhookDisabled => Some(WebhookFamily::Webhook),
            WebhookKind::Ping => None,
        }
    }

    /// Whether every endpoint gets it, whatever it subscribed to: it is about the endpoints themselves.
    pub const fn is_for_every_endpoint(self) -> bool {
        matches!(self, WebhookKind::Ping | WebhookKind::WebhookDisabled)
    }

    /// Whether its body is nobody's business but its receiver's.
    pub const fn is_withheld(self) -> bool {
        matches!(self, WebhookKind::EscrowCode)
    }
}

/// One entry of a subscription: `*`, `escrow.*` or `escrow.state_changed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    Everything,
    Family(WebhookFamily),
    Kind(WebhookKind),
}

impl Pattern {
    pub fn covers(self, kind: WebhookKind) -> bool {
        match self {
            Pattern::Everything => true,
            Pattern::Family(family) => kind.family() == Some(family),
            Pattern::Kind(wanted) => kind == wanted,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Everything => f.write_str("*"),
            Pattern::Family(family) => write!(f, "{family}.*"),
            Pattern::Kind(kind) => kind.fmt(f),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no kind of event: known are *, {families} and {kinds}")]
pub struct NotAPattern {
    found: String,
    families: String,
    kinds: String,
}

impl FromStr for Pattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let read = match text.strip_suffix('*') {
            Some("") => Some(Pattern::Everything),
            Some(family) => {
                family.strip_suffix('.').and_then(|family| family.parse().ok()).map(Pattern::Family)
            }
            None => text.parse().ok().map(Pattern::Kind),
        };
        read.ok_or_else(|| NotAPattern {
            found: text.chars().take(40).collect(),
            families: list(WebhookFamily::ALL.iter().map(|family| Pattern::Family(*family))),
            kinds: list(WebhookKind::ALL.iter().map(|kind| Pattern::Kind(*kind))),
        })
    }
}

fn list(patterns: impl Iterator<Item = Pattern>) -> String {
    patterns.map(|pattern| pattern.to_string()).collect::<Vec<_>>().join(", ")
}

serde_as_text!(Pattern);

/// Which kinds somebody wants. Never nothing, and nothing in it twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription(BTreeSet<Pattern>);

impl Subscription {
    pub fn everything() -> Self {
        Self(BTreeSet::from([Pattern::Everything]))
    }

    /// Entries that another one covers are left out. None: there is nothing in it.
    pub fn new(patterns: impl IntoIterator<Item = Pattern>) -> Option<Self> {
        let all: BTreeSet<Pattern> = patterns.into_iter().collect();
        let is_covered = |pattern: &Pattern| match pattern {
            Pattern::Everything => false,
            Pattern::Family(_) => all.contains(&Pattern::Everything),
            Pattern::Kind(kind) => all.iter().any(|other| other != pattern && other.covers(*kind)),
        };
        let kept: BTreeSet<Pattern> = all.iter().filter(|pattern| !is_covered(pattern)).copied().collect();
        (!kept.is_empty()).then_some(Self(kept))
    }

    pub fn patterns(&self) -> impl Iterator<Item = Pattern> {
        self.0.iter().copied()
    }

    /// Whether its entries name the kind.
    pub fn covers(&self, kind: WebhookKind) -> bool {
        self.0.iter().any(|pattern| pattern.covers(kind))
    }

    /// Whether an endpoint with this subscription is sent the kind.
    pub fn wants(&self, kind: WebhookKind) -> bool {
        kind.is_for_every_endpoint() || self.covers(kind)
    }
}

words! {
    MessageState {
        /// To be sent, or being sent.
        Pending = "pending",
        /// The receiver has it.
        Acknowledged = "acknowledged",
        /// Every try failed, or nobody wants it any more.
        Dead = "dead",
    }
}

words! {
    /// What of an endpoint's past is sent again.
    Replayed {
        /// What never arrived.
        Dead = "dead",
        /// That, and what did.
        All = "all",
    }
}

impl Replayed {
    pub const fn states(self) -> &'static [MessageState] {
        match self {
            Replayed::Dead => &[MessageState::Dead],
            Replayed::All => &[MessageState::Dead, MessageState::Acknowledged],
        }
    }
}

/// What an endpoint's messages are signed with.
#[derive(Debug, Clone)]
pub struct SigningSecret {
    pub secret: SecretString,
    /// By the machine's clock. None: it is the current one.
    pub until: Option<Instant>,
}

/// An attempt that did not get through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    pub at: Instant,
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;

    fn all_patterns() -> Vec<Pattern> {
        let families = WebhookFamily::ALL.iter().map(|family| Pattern::Family(*family));
        let kinds = WebhookKind::ALL.iter().map(|kind| Pattern::Kind(*kind));
        std::iter::once(Pattern::Everything).chain(families).chain(kinds).collect()
    }

    fn patterns() -> impl Strategy<Value = Vec<Pattern>> {
        let all = all_patterns();
        let most = all.len();
        subsequence(all, 0..=most).prop_shuffle()
    }

    #[test]
    fn a_kind_begins_with_the_name_of_its_family() {
        for kind in WebhookKind::ALL {
            let family = kind.as_str().split_once('.').map(|(family, _)| family);
            assert_eq!(kind.family().map(WebhookFamily::as_str), family, "{kind}");
        }
    }

    #[test]
    fn an_entry_is_a_kind_a_family_or_everything() {
        for pattern in all_patterns() {
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
        for text in [
            "",
            "escrow",
            "escrow.",
            ".*",
            "*.*",
            "**",
            "escrow*",
            "escrow.*.*",
            "ping.*",
            "Escrow.*",
            "escrow.x",
        ] {
            let error = text.parse::<Pattern>().expect_err(text).to_string();
            assert!(error.contains("escrow.*, webhook.* and pickup.accepted"), "{error}");
        }
    }

    #[test]
    fn what_is_about_endpoints_is_wanted_by_all_of_them() {
        let only = Subscription::new([Pattern::Family(WebhookFamily::Pickup)]).expect("a family");
        assert!(only.wants(WebhookKind::Ping) && only.wants(WebhookKind::WebhookDisabled));
        assert!(only.wants(WebhookKind::PickupAccepted) && !only.wants(WebhookKind::EscrowCode));
        assert!(!only.covers(WebhookKind::Ping));
        assert_eq!(Subscription::new([]), None);
    }

    proptest! {
        #[test]
        fn a_subscription_wants_what_any_of_its_entries_covers_and_says_it_once(
            patterns in patterns(),
            kind in select(WebhookKind::ALL),
        ) {
            let covered = patterns.iter().any(|pattern| pattern.covers(kind));
            let Some(subscription) = Subscription::new(patterns.iter().copied()) else {
                prop_assert!(patterns.is_empty());
                return Ok(());
            };
            prop_assert_eq!(subscription.covers(kind), covered);
            prop_assert_eq!(Subscription::new(subscription.patterns()), Some(subscription.clone()));
            let times = subscription.patterns().filter(|pattern| pattern.covers(kind)).count();
            prop_assert_eq!(times, usize::from(covered));
        }
    }
}
