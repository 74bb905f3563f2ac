//! The daemon, and what it stands on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;

use super::carrier::Fate;
use super::diary::{Diary, Task};
use super::faults::Faults;
use super::invariants::Remembered;
use super::outside::{API_KEY, CARRIER, ESCROW, Outside, Private, Shop};
use super::report::Tally;
use super::trace::Trace;
use super::workload::{self, Pickup};
use super::{Options, Scene, Trouble, provider};
use crate::app;
use crate::chance::Seeded;
use crate::clock::{Clock, Hands};
use crate::config::{self, Settings};
use crate::domain::escrow::{ReleaseBy, ReleaseMode, ReleasePolicy};
use crate::domain::event::DeliveredTo;
use crate::domain::id::{ConsolidationId, MerchantId, ParcelId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::merchant::BuyerProof;
use crate::domain::place::Country;
use crate::faults::Fuse;
use crate::flows::authenticate::{self, AuthError, create_merchant};
use crate::flows::{Deps, SideBySide, import_network, manage_webhooks};
use crate::outbound::Outbound;
use crate::standard_webhooks::Secret;
use crate::store::Store;

pub struct World {
    /// Of the daemon that runs just now.
    pub deps: Deps,
    pub now: Instant,
    pub started_at: Instant,
    pub diary: Diary,
    pub dice: fastrand::Rng,
    pub faults: Faults,
    pub trace: Trace,
    pub outside: Arc<Outside>,
    pub pickups: Vec<Pickup>,
    pub merchants: BTreeMap<Country, Merchant>,
    /// What was accepted, and what nobody but we know becomes of each parcel.
    pub shipments: BTreeMap<ShipmentId, Accepted>,
    /// By the place of the pickup in the workload.
    pub accepted_as: BTreeMap<usize, ShipmentId>,
    pub consolidations: BTreeSet<ConsolidationId>,
    /// What was seen of shipments when they were checked last.
    pub remembered: BTreeMap<ShipmentId, Remembered>,
    pub tally: Tally,
    /// What the carrier signs with.
    pub push_secret: Secret,
    hands: Hands,
    skew: TimeDelta,
    fuse: Fuse,
    settings: Arc<Settings>,
    _seeded: Seeded,
}

/// As it was set up.
#[derive(Debug, Clone)]
pub struct Merchant {
    pub id: MerchantId,
    pub policy: ReleasePolicy,
    pub proof: BuyerProof,
}

pub struct Accepted {
    pub merchant: MerchantId,
    /// How its buyer proves to be the buyer.
    pub proof: BuyerProof,
    pub phone_tail: String,
    pub release_by: ReleaseBy,
    /// Somebody did something about its money.
    pub is_objected: bool,
    /// Of each parcel, in their order; none: nothing went wrong so far.
    pub fates: BTreeMap<ParcelId, Ending>,
}

/// How a parcel's way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// On its way yet, in somebody's hands.
    Open,
    NeverCollected,
    CalledOff,
    LostBetweenHubs,
    HeldForEver,
    WithCarrier(Fate),
}

/// What one of these is drawn with has no part in what another is.
const OF_OUTSIDE: u64 = 0x6f75_7473_6964_6521;
const OF_DAEMON: u64 = 0x6461_656d_6f6e_2121;

impl World {
    pub async fn new(options: &Options, scene: &Scene<'_>) -> Result<Self, Trouble> {
        let mut dice = fastrand::Rng::with_seed(options.seed);
        let (started_at, pickups) = workload::make(options, scene, &mut dice)?;
        let (clock, hands) = Clock::by_hand(started_at);
        let seeded = Seeded::new(options.seed ^ OF_DAEMON, clock.clone());
        let (fuse, faults) = (Fuse::default(), options.faults.faults());
        let store = Store::in_memory(fuse.clone()).await?;
        import_network::import(&store, scene.network, started_at).await?;
        let (secret, push_secret) = (secret()?, secret()?);
        let settings = Arc::new(settings(&secret, &push_secret)?);
        let time = (started_at, options.days);
        let outside =
            Outside::new(clock.clone(), fuse.clone(), options.seed ^ OF_OUTSIDE, secret, faults, time);
        let deps = daemon(&settings, &clock, store, &outside).await?;
        let mut world = Self {
            deps,
            now: started_at,
            started_at,
            diary: Diary::default(),
            dice,
            faults,
            trace: Trace::default(),
            outside,
            pickups,
            merchants: BTreeMap::new(),
            shipments: BTreeMap::new(),
            accepted_as: BTreeMap::new(),
            consolidations: BTreeSet::new(),
            remembered: BTreeMap::new(),
            tally: Tally::default(),
            push_secret,
            hands,
            skew: TimeDelta::zero(),
            fuse,
            settings,
            _seeded: seeded,
        };
        world.open_shops().await?;
        for (pickup, post_at) in world.pickups.iter().map(|pickup| pickup.post_at).enumerate() {
            world.diary.note(post_at, Task::Post { pickup });
        }
        Ok(world)
    }

    /// One merchant a country, each with an endpoint.
    async fn open_shops(&mut self) -> Result<(), Trouble> {
        let countries: BTreeSet<Country> = self.pickups.iter().map(|pickup| pickup.country).collect();
        for country in countries {
            let settles_in = workload::currency(&self.pickups, country)
                .ok_or_else(|| Trouble::Workload("a body's first item has no currency".to_owned()))?;
            let name = format!("Harbour Goods {country}");
            let new = create_merchant(&self.deps.store, name, country, settles_in, self.now).await?;
            let url = format!("https://shop-{}.example/hooks", country.as_str().to_lowercase());
            let job = |error: String| Trouble::Job { job: "register", error };
            let registered = manage_webhooks::register(&self.deps, new.id, &json!({"url": url})).await;
            let registered = registered.map_err(|error| job(error.to_string()))?;
            let secret = registered.webhook.secret.and_then(|secret| secret.parse().ok());
            let secret = secret.ok_or_else(|| job("an endpoint without a secret".to_owned()))?;
            self.outside.books().shops.insert(url, Shop { merchant: new.id, secret });
            let merchant = self.terms(new.id);
            let (policy, proof) = (merchant.policy.clone(), merchant.proof);
            authenticate::set_escrow(&self.deps.store, new.id, policy, proof).await?;
            self.merchants.insert(country, merchant);
        }
        for at in 0..self.pickups.len() {
            let deadline = provider::deadline(self, self.pickups[at].post_at);
            let (reference, held) = &self.pickups[at].payment;
            self.outside.books().provider.hold(reference, *held, deadline, self.now);
        }
        Ok(())
    }

    /// Where things go wrong, merchants differ in when they are paid and how buyers prove themselves.
    fn terms(&mut self, id: MerchantId) -> Merchant {
        if self.faults.acts == 0.0 {
            return Merchant { id, policy: ReleasePolicy::default(), proof: BuyerProof::Code };
        }
        let dice = &mut self.dice;
        let release = dice.choice([ReleaseMode::OnDelivery, ReleaseMode::AfterWindow]);
        let release_by = dice.choice([ReleaseBy::Order, ReleaseBy::Parcel]);
        let policy = ReleasePolicy {
            release: release.unwrap_or(ReleaseMode::OnDelivery),
            days: dice.u32(1..5),
            dwell_minutes: if dice.bool() { dice.u32(1..600) } else { 0 },
            wait_for_window: if dice.bool() { vec![DeliveredTo::Locker] } else { Vec::new() },
            release_by: release_by.unwrap_or(ReleaseBy::Order),
        };
        let proof = if dice.bool() { BuyerProof::Code } else { BuyerProof::Phone };
        Merchant { id, policy, proof }
    }

    /// What the daemon does in `flow`; none: it ended meanwhile, and its memory with it.
    pub async fn live<T>(&self, flow: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.fuse.end() => None,
            done = flow => Some(done),
        }
    }

    /// Moves the clocks to the next step, and decides whether the daemon will see the end of it.
    pub fn begin_step(&mut self, at: Instant) {
        const WITHIN_PLACES: std::ops::RangeInclusive<u32> = 1..=12;
        self.now = self.now.max(at);
        if self.faults.skew_seconds > 0 && self.dice.f64() < 0.01 {
            self.skew =
                TimeDelta::seconds(self.dice.i64(-self.faults.skew_seconds..=self.faults.skew_seconds));
        }
        self.hands.set(self.now, self.now + self.skew);
        self.trace.begin_step();
        if self.faults.ends > 0.0 && self.dice.f64() < self.faults.ends {
            self.fuse.light(self.dice.u32(WITHIN_PLACES));
        }
    }

    pub fn end_step(&self) {
        self.fuse.put_out();
    }

    /// A new daemon on the database that the one before it left.
    pub async fn restart(&mut self) -> Result<(), Trouble> {
        // What the old one had begun is dropped, and its connection comes back.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        self.tally.restarts += 1;
        let (clock, store) = (self.deps.clock.clone(), self.deps.store.clone());
        self.deps = daemon(&self.settings, &clock, store, &self.outside).await?;
        self.note("the daemon ends, and another begins");
        Ok(())
    }

    pub fn note(&mut self, line: &str) {
        self.trace.note(self.now, line);
    }

    pub fn calm_down(&mut self) {
        self.faults = super::Level::None.faults();
        self.skew = TimeDelta::zero();
        self.outside.books().calm_down();
    }

    pub fn accepted(&mut self, shipment: ShipmentId, pickup: usize, parcels: &[ParcelId]) {
        let Some(merchant) = self.merchants.get(&self.pickups[pickup].country).cloned() else { return };
        let words = self.pickups[pickup].private.clone();
        let digits: Vec<char> =
            words.iter().flat_map(|word| word.chars()).filter(char::is_ascii_digit).collect();
        let phone_tail = digits[digits.len().saturating_sub(4)..].iter().collect();
        let Merchant { id: merchant, policy, proof } = merchant;
        let private =
            Private { merchant, words, parcels: parcels.iter().copied().collect(), policy: policy.clone() };
        self.outside.books().secrets_of.insert(shipment, private);
        let fates = parcels.iter().map(|parcel| (*parcel, Ending::Open)).collect();
        self.accepted_as.insert(pickup, shipment);
        let release_by = policy.release_by;
        let accepted = Accepted { merchant, proof, phone_tail, release_by, is_objected: false, fates };
        self.shipments.insert(shipment, accepted);
    }

    pub fn ends(&mut self, parcel: ParcelId, ending: Ending) {
        if let Some(accepted) = self.shipments.get_mut(&parcel.shipment) {
            accepted.fates.insert(parcel, ending);
        }
    }

    pub fn ending(&self, parcel: ParcelId) -> Ending {
        let accepted = self.shipments.get(&parcel.shipment);
        accepted.and_then(|accepted| accepted.fates.get(&parcel)).copied().unwrap_or(Ending::Open)
    }

    /// Whether something of the given rarity goes wrong now.
    pub fn mishap(&mut self, share: f64) -> bool {
        let share = share * self.faults.mishaps;
        share > 0.0 && self.dice.f64() < share
    }
}

async fn daemon(
    settings: &Arc<Settings>,
    clock: &Clock,
    store: Store,
    outside: &Arc<Outside>,
) -> Result<Deps, Trouble> {
    let outbound = Outbound::simulated(&settings.outbound, outside.clone());
    let deps = app::assemble(Arc::clone(settings), clock.clone(), store, outbound).await?;
    Ok(Deps { side_by_side: SideBySide::OneByOne, ..deps })
}

fn secret() -> Result<Secret, Trouble> {
    Ok(Secret::generate().map_err(AuthError::Random)?)
}

/// The defaults, one call at a time, and carriers asked about as often as the days allow that are to be simulated.
fn settings(secret: &Secret, push_secret: &Secret) -> Result<Settings, Trouble> {
    let settings = config::defaults_with(&format!(
        "[http]\npublic_url = \"https://sampan.example\"\n\
         [carriers.dhl_unified]\nbase_url = \"{CARRIER}\"\napi_key = \"{API_KEY}\"\n\
         push_secret = \"{push_secret}\"\ncalls_per_second = 0\ncalls_per_day = 0\ncalls_per_shipment_and_day = 0\nconcurrency_max = 64\n\
         [outbox]\nconcurrency_max = 1\n\
         [polling]\nprice_minutes = 80.0\nminutes_between_least = 60.0\n\
         [escrow]\nwebhook_url = \"{ESCROW}\"\nwebhook_inquire_url = \"{ESCROW}\"\nwebhook_secret = \"{secret}\"\n",
        secret = secret.to_text(),
        push_secret = push_secret.to_text(),
    ));
    let mut settings = settings.map_err(app::StartError::Config)?;
    settings.webhooks.concurrency_max = 16;
    Ok(settings)
}
