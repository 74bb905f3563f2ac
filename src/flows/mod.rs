//! Stories that need several capabilities, one file each.
//!
//! Every step that changes something is one transaction of the store; what the next
//! step needs after a crash is in the database by then. Ids, tokens and times are fixed
//! before a transaction begins. No network call happens inside one.
//!
//! | a crash … | leaves |
//! |---|---|
//! | before `accept_pickup` commits | nothing; the merchant asks again |
//! | after it, before the answer | the shipment; the same key or reference finds it |
//! | before a poll's commit | the claim, which ends by itself; the number is asked about again |
//! | before a closing's commit | the departure open; it is closed by whoever looks next |
//! | after it | the consolidation; its shipments are told of it by whoever looks next |
//! | after a delivery's commit | the trigger in the outbox |
//! | after a trigger was sent | its lease; it is sent again under the same key |
//! | before a provider's notice is taken in | the notice, stored before it was answered; it is taken in later |
//! | before a page of a nightly comparison is saved | the page; it is compared again |
//! | after a change of the network | the queue of the plans it may break; any daemon works it off |
//! | before new plans are committed | the old ones, and the queue; the claim ends by itself |
//! | after a batch of samples was added up | the sums without the samples, in one commit |
//! | after a merchant was told | its endpoint's lease; it is told again under the same id |

pub mod accept_pickup;
pub mod act_on_order;
pub mod advance;
pub mod ask_carriers;
pub mod ask_providers;
pub mod authenticate;
pub mod bell;
pub mod book_departures;
pub mod buyer_acts;
pub mod cancel_shipment;
pub mod change_clearance;
pub mod change_network;
pub mod close_departures;
mod deconsolidate;
pub mod disputes;
pub mod forget_answers;
pub mod gazetteer;
pub mod hold_departures;
pub mod import_network;
pub mod learn_stage_times;
pub mod manage_webhooks;
pub mod notices;
pub mod own_payment;
pub mod poll_carriers;
pub mod read_pickup;
pub mod reconcile;
pub mod record_bag_scans;
pub mod record_scans;
pub mod replan;
pub mod replay_webhooks;
pub mod send_triggers;
pub mod send_webhooks;
pub mod settle_order;
pub mod shorten_waits;
pub mod show;
pub mod show_consolidations;
pub mod show_orders;
pub mod take_notices;
pub mod take_pushes;
pub mod tell_merchants;
pub mod tend_outbox;
pub mod views;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::Notify;

use ask_carriers::Asker;
use ask_providers::Passes;
use bell::{Bell, Bells};
use close_departures::Setbacks;
use poll_carriers::{Foreseen, Lines};

use crate::carriers::Registry;
use crate::clock::Clock;
use crate::config::Settings;
use crate::consolidation::terms::Terms;
use crate::domain::id::MerchantId;
use crate::domain::instant::{Instant, from_micros};
use crate::escrow::registry::Providers;
use crate::outbound::Outbound;
use crate::routing::{Network, Planner};
use crate::store::Store;
use crate::tracking::StageTimes;

/// What flows are handed: every part, built once.
#[derive(Clone)]
pub struct Deps {
    pub clock: Clock,
    pub store: Store,
    pub settings: Arc<Settings>,
    pub outbound: Outbound,
    pub carriers: Registry,
    pub providers: Providers,
    pub passes: Passes,
    pub network: SharedNetwork,
    pub stage_times: SharedStageTimes,
    pub consolidation: Arc<Terms>,
    /// Rung when there is something to send.
    pub outbox_bell: Bell,
    /// Rung when there is something to tell a merchant.
    pub webhook_bell: Bell,
    /// Both, as other daemons ring them.
    pub bells: Bells,
    /// Rung when a carrier sent something.
    pub push_bell: Arc<Notify>,
    /// Rung when an escrow provider sent something.
    pub notice_bell: Arc<Notify>,
    /// Rung when plans are to be looked at again.
    pub replan_bell: Arc<Notify>,
    pub cutoffs: Cutoffs,
    pub in_flight: InFlight,
    pub pulse: Pulse,
    pub asker: Asker,
    pub lines: Lines,
    pub foreseen: Foreseen,
    pub setbacks: Setbacks,
    pub stopping: Stopping,
    pub side_by_side: SideBySide,
}

/// How much is done at the same time of what does not wait for each other: all that a flow wants, or in a
/// simulation one thing after the other, so that each run is like the last.
#[derive(Debug, Clone, Copy, Default)]
pub enum SideBySide {
    #[default]
    AsWanted,
    OneByOne,
}

impl SideBySide {
    pub fn most(self, wanted: usize) -> usize {
        match self {
            SideBySide::AsWanted => wanted,
            SideBySide::OneByOne => 1,
        }
    }
}

/// Set once, when the daemon is told to stop: nothing more is claimed.
#[derive(Clone, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Until when departures' cut-offs have been looked at, by the journey's time; 0: not yet.
#[derive(Clone, Default)]
pub struct Cutoffs(Arc<AtomicI64>);

impl Cutoffs {
    pub fn looked_at_until(&self) -> Instant {
        from_micros(self.0.load(Ordering::Relaxed))
    }

    pub fn look_on_from(&self, at: Instant) {
        self.0.store(at.timestamp_micros(), Ordering::Relaxed);
    }
}

/// When the scheduler last ticked, by the machine's clock, and how often it did.
#[derive(Clone, Default)]
pub struct Pulse(Arc<(AtomicI64, AtomicU64)>);

impl Pulse {
    pub fn beat(&self, wall: Instant) {
        self.0.0.store(wall.timestamp(), Ordering::Relaxed);
        self.0.1.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether it ticked within the last seconds. One that ticked in the future did so before the clock was set back.
    pub fn beats(&self, wall: Instant) -> bool {
        (wall.timestamp() - self.0.0.load(Ordering::Relaxed)).abs() < 10
    }

    pub fn count(&self) -> u64 {
        self.0.1.load(Ordering::Relaxed)
    }
}

/// The network in force, made ready for planning, read by many, replaced whole.
#[derive(Clone)]
pub struct SharedNetwork(Arc<RwLock<(i64, Arc<Planner>)>>);

impl SharedNetwork {
    pub fn new(edition: i64, planner: Planner) -> Self {
        Self(Arc::new(RwLock::new((edition, Arc::new(planner)))))
    }

    pub fn current(&self) -> Arc<Network> {
        Arc::clone(self.planner().network())
    }

    pub fn planner(&self) -> Arc<Planner> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Both of one moment.
    pub fn edition_and_planner(&self) -> (i64, Arc<Planner>) {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (current.0, Arc::clone(&current.1))
    }

    /// 0: none was imported yet.
    pub fn edition(&self) -> i64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).0
    }

    pub fn replace(&self, edition: i64, planner: Planner) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (edition, Arc::new(planner));
    }
}

/// What deliveries taught, read by many, replaced whole.
#[derive(Clone)]
pub struct SharedStageTimes(Arc<RwLock<Arc<StageTimes>>>);

impl SharedStageTimes {
    pub fn new(learned: StageTimes) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(learned))))
    }

    pub fn current(&self) -> Arc<StageTimes> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn replace(&self, learned: StageTimes) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(learned);
    }
}

/// Which idempotency keys this daemon is at work on.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<HashSet<(MerchantId, String)>>>);

/// Holds a key until it is dropped.
pub struct Flight {
    all: InFlight,
    key: (MerchantId, String),
}

impl InFlight {
    /// None: somebody is at work on this key already.
    pub fn begin(&self, merchant: MerchantId, key: &str) -> Option<Flight> {
        let key = (merchant, key.to_owned());
        let began = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        began.then(|| Flight { all: self.clone(), key })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
