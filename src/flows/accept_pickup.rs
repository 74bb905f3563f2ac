//! A pickup request becomes a shipment with a plan and an order, exactly once.
//!
//! Everything is decided before the one transaction that writes it: the request, the
//! shipment, its parcels, its plan, the order's hold, the first event, the audit and the
//! answer itself, under the merchant's idempotency key. A crash before its commit leaves
//! nothing. After it, whoever asks again under the same key gets the same answer, and
//! whoever asks under the same reference is told which shipment it became.
//!
//! Two merchants can name one payment; that is no reason to refuse the second one's goods,
//! and whose payment it is, is nobody else's business. Its order is marked as contested,
//! and no money ever moves on its evidence.
//!
//! The departures of the plan are booked in the same transaction; where one has become full since it was
//! planned on, or a new network has come into force, nothing is written and the plan is made again.
//!
//! Only an acceptance is kept under a key. A refusal changes nothing, so the corrected
//! body may use the same key.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::book_departures::{self, BookError, Loads, Wanted};
use super::import_network::{self, LoadError};
use super::tell_merchants::tell;
use super::views::{AcceptedView, PlanView, ShipmentView};
use super::{Deps, Flight, notices, read_pickup};
use crate::chance::{self, NoRandomness};
use crate::domain::escrow::{OrderState, ReleaseBy, ReleasePolicy, ShareState};
use crate::domain::event::{EventStatus, Occurred, OffsetSource, TrackingEvent};
use crate::domain::failure::Class;
use crate::domain::goods::Item;
use crate::domain::id::{MerchantId, OrderId, ParcelId, PlanId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::network::DepartureId;
use crate::domain::plan::Plan;
use crate::domain::shipment::ShipmentStatus;
use crate::escrow::provider::Since;
use crate::escrow::registry::payment_of;
use crate::escrow::split::split_among_all_in_steps;
use crate::faults;
use crate::geography::Located;
use crate::intake::{FieldError, NewParcel, Payment, PickupRequest};
use crate::merchants;
use crate::routing::{NoRoute, Planner};
use crate::store::audit::{self, Change};
use crate::store::idempotency::{self, StoredAnswer};
use crate::store::merchants::Merchant;
use crate::store::orders::{self, Order};
use crate::store::shipments::{self, Accepted, Parcel, Shipment};
use crate::store::{Reads, Store, StoreError, Tx, events, network};
use crate::tracking;

#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("{} fields are wrong", .0.len())]
    Fields(Vec<FieldError>),
    #[error(transparent)]
    NoRoute(#[from] NoRoute),
    #[error("the reference {reference:?} is shipment {shipment} already")]
    ReferenceTaken { reference: String, shipment: ShipmentId },
    #[error("the payment {reference:?} is held for shipment {shipment} already")]
    PaymentTaken { reference: String, shipment: ShipmentId },
    /// Others took what was free, time and again.
    #[error("departure {0} has just become full; try again")]
    Contended(DepartureId),
    /// What the plan was made on is not in force any more.
    #[error("a new network came into force meanwhile; try again")]
    NewEdition,
    #[error(transparent)]
    Network(#[from] LoadError),
    #[error("this idempotency key was used for another body")]
    KeyReused,
    #[error("a request under this idempotency key is still at work")]
    KeyInFlight,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no random numbers: {0}")]
    Random(#[from] NoRandomness),
    #[error("the answer cannot be written: {0}")]
    Answer(#[from] serde_json::Error),
}

impl AcceptError {
    pub fn class(&self) -> Class {
        match self {
            AcceptError::NotJson(_) | AcceptError::Fields(_) | AcceptError::KeyReused => Class::Caller,
            AcceptError::NoRoute(error) => error.class(),
            AcceptError::ReferenceTaken { .. }
            | AcceptError::PaymentTaken { .. }
            | AcceptError::KeyInFlight => Class::Conflict,
            AcceptError::Contended(_) | AcceptError::NewEdition => Class::Retry,
            AcceptError::Store(error) | AcceptError::Network(LoadError::Store(error)) => error.class(),
            AcceptError::Network(LoadError::Bad(_)) => Class::Bug,
            AcceptError::Random(_) | AcceptError::Answer(_) => Class::Bug,
        }
    }
}

impl From<BookError> for AcceptError {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Full(departure) => AcceptError::Contended(departure),
            BookError::Store(error) => AcceptError::Store(error),
        }
    }
}

/// An answer to give, as it was given the first time.
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub replayed: bool,
}

const CREATED: u16 = 201;

/// On whose behalf, and how its orders are released that say nothing of it.
pub struct Customer {
    merchant: MerchantId,
    policy: ReleasePolicy,
}

impl From<&Merchant> for Customer {
    fn from(merchant: &Merchant) -> Self {
        Self { merchant: merchant.id, policy: merchant.release_policy.clone() }
    }
}

impl From<MerchantId> for Customer {
    fn from(merchant: MerchantId) -> Self {
        Self { merchant, policy: ReleasePolicy::default() }
    }
}

pub async fn accept(
    deps: &Deps,
    customer: impl Into<Customer>,
    key: Option<String>,
    body: &[u8],
) -> Result<Answer, AcceptError> {
    let customer = customer.into();
    let merchant = customer.merchant;
    let request_hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let _flight = match &key {
        Some(key) => Some(begin(deps, merchant, key)?),
        None => None,
    };
    if let Some(key) = &key
        && let Some(answer) = answered(deps.store.reader(), merchant, key, &request_hash).await?
    {
        return Ok(answer);
    }
    let text = std::str::from_utf8(body).map_err(|error| AcceptError::NotJson(error.to_string()))?;
    let json = serde_json::from_str(text).map_err(|error| AcceptError::NotJson(error.to_string()))?;
    let request = read_pickup::read(&json, deps.clock.now(), &deps.providers.names(), &deps.providers)
        .map_err(AcceptError::Fields)?;
    let idempotency = key.map(|key| (key, request_hash));
    let mut tries = 0;
    loop {
        let draft = draft(deps, &customer, &request, text)?;
        tries += 1;
        match save(deps, draft, idempotency.clone()).await {
            Err(AcceptError::Contended(departure)) if tries < TRIES_MAX => {
                book_departures::look(&deps.store, &deps.network.planner(), &departure).await?;
            }
            Err(AcceptError::NewEdition) if tries < TRIES_MAX => {
                import_network::refresh(deps).await?;
            }
            done => return done,
        }
    }
}

/// Each try that finds a departure full learns of it, so that nobody needs many.
const TRIES_MAX: usize = 50;

async fn save(
    deps: &Deps,
    draft: Draft,
    idempotency: Option<(String, String)>,
) -> Result<Answer, AcceptError> {
    let store = deps.store.clone();
    let (claims, wall) = (Claims::of(&draft), deps.clock.wall());
    let written = deps
        .store
        .write(move |tx| Box::pin(async move { write(&store, tx, draft, idempotency, wall).await }))
        .await;
    faults::reached("accept.committed");
    match written {
        Ok(Written { answer, loads, to_tell }) => {
            deps.network.booked(&loads);
            if to_tell {
                deps.webhook_bell.notify_one();
            }
            Ok(answer)
        }
        // On PostgreSQL two who claim the same may both look before either has written.
        Err(AcceptError::Store(StoreError::Duplicate(what))) => {
            claims.refuse_repeats(deps.store.reader()).await?;
            Err(AcceptError::Store(StoreError::Duplicate(what)))
        }
        Err(refused) => Err(refused),
    }
}

/// What a request claims for itself alone.
struct Claims {
    merchant: MerchantId,
    reference: String,
    provider: String,
    payment_reference: String,
}

impl Claims {
    fn of(draft: &Draft) -> Self {
        Self {
            merchant: draft.accepted.shipment.merchant,
            reference: draft.accepted.shipment.reference.clone(),
            provider: draft.order.provider.clone(),
            payment_reference: draft.order.payment_reference.clone(),
        }
    }

    /// Says which shipment has it already.
    async fn refuse_repeats(&self, db: &impl Reads) -> Result<(), AcceptError> {
        // The reference last: whoever sees the payment of one that is just committed sees its
        // reference too, and the same request again always gets the same refusal.
        let paid = orders::by_payment(db, self.merchant, &self.provider, &self.payment_reference).await?;
        if let Some(shipment) = shipments::by_reference(db, self.merchant, &self.reference).await? {
            return Err(AcceptError::ReferenceTaken { reference: self.reference.clone(), shipment });
        }
        if let Some(shipment) = paid {
            return Err(AcceptError::PaymentTaken { reference: self.payment_reference.clone(), shipment });
        }
        Ok(())
    }
}

fn begin(deps: &Deps, merchant: MerchantId, key: &str) -> Result<Flight, AcceptError> {
    deps.in_flight.begin(merchant, key).ok_or(AcceptError::KeyInFlight)
}

async fn answered(
    db: &impl Reads,
    merchant: MerchantId,
    key: &str,
    request_hash: &str,
) -> Result<Option<Answer>, AcceptError> {
    match idempotency::find(db, merchant, key).await? {
        None => Ok(None),
        Some(stored) if stored.request_hash == request_hash => {
            Ok(Some(Answer { status: stored.status, body: stored.body, replayed: true }))
        }
        Some(_) => Err(AcceptError::KeyReused),
    }
}

/// All that will be written, decided.
struct Draft {
    accepted: Accepted,
    order: Order,
    wanted: Wanted,
    /// Of the network that the plan was made on.
    edition: i64,
    event: TrackingEvent,
    change: Change,
    answer: String,
}

fn draft(
    deps: &Deps,
    customer: &Customer,
    request: &PickupRequest,
    body: &str,
) -> Result<Draft, AcceptError> {
    let merchant = customer.merchant;
    let now = deps.clock.now();
    let id = ShipmentId::from_uuid(chance::id());
    let (edition, planner) = deps.network.edition_and_planner();
    let (located, plan, wanted) = plan(&planner, request, id, now)?;
    let parcels: Vec<_> = request
        .parcels
        .iter()
        .cloned()
        .zip(1..)
        .map(|(parcel, number)| Parcel {
            id: ParcelId { shipment: id, number },
            reference: parcel.reference,
            weight: parcel.weight,
            size: parcel.size,
            items: parcel.items,
            status: ShipmentStatus::Accepted,
            hub: None,
            delivered_to: None,
        })
        .collect();
    let shipment = Shipment {
        id,
        merchant,
        order: OrderId::from_uuid(chance::id()),
        plan: PlanId::from_uuid(chance::id()),
        reference: request.reference.clone(),
        tracking_token: merchants::new_tracking_token()?,
        status: ShipmentStatus::Accepted,
        service: request.service,
        clearance: request.clearance,
        pickup: request.pickup.clone(),
        consignee: request.consignee.clone(),
        pickup_zone: located.zone,
        estimate: tracking::estimate(&plan, None, &deps.stage_times.current(), now),
        delivered_at: None,
        created_at: now,
        updated_at: now,
        audit: audit::beginning(),
    };
    let after = deps.providers.get(&request.payment.provider).and_then(|provider| provider.releases_after);
    let Payment { provider, held, .. } = &request.payment;
    let step_minor = deps.providers.step_minor(provider, held.currency);
    let mut order = order(customer, request, &shipment, step_minor);
    order.release_deadline_at = after.and_then(|after| after.deadline(Since::Payment, now));
    let view = ShipmentView::new(&shipment, &parcels, &deps.settings.http.public_url);
    let answer = serde_json::to_string(&AcceptedView { shipment: view, plan: PlanView::from(&plan) })?;
    let change = Change {
        actor: format!("merchant {merchant}"),
        action: "shipment.accepted".to_owned(),
        detail: json!({"reference": shipment.reference, "parcels": parcels.len(), "held": order.held, "shares": order.shares, "policy": order.policy}),
    };
    let event = accepted_event(now, &shipment);
    let accepted = Accepted { shipment, parcels, plan, body: body.to_owned() };
    Ok(Draft { accepted, order, wanted, edition, event, change, answer })
}

fn order(customer: &Customer, request: &PickupRequest, shipment: &Shipment, step_minor: i64) -> Order {
    let policy = request.payment.policy.clone().unwrap_or_else(|| customer.policy.clone());
    Order {
        id: shipment.order,
        shipment: shipment.id,
        merchant: shipment.merchant,
        provider: request.payment.provider.clone(),
        payment_reference: request.payment.reference.clone(),
        held: request.payment.held,
        shares: shares(&policy, request, step_minor),
        policy,
        state: OrderState::Held,
        frozen_because: None,
        contested: false,
        updated_at: shipment.created_at,
        acts: 0,
        wake_at: None,
        provider_frozen: false,
        freezes: 0,
        release_deadline_at: None,
        deadline_told_at: None,
    }
}

/// The money, in the parts in which it is released, none finer than its provider moves it. What a parcel is worth is what
/// its goods are.
fn shares(policy: &ReleasePolicy, request: &PickupRequest, step_minor: i64) -> Vec<ShareState> {
    let share = |of, held_minor| ShareState {
        of,
        held_minor,
        state: OrderState::Held,
        because: None,
        delivered_at: None,
        taken_back: false,
        buyer_confirmed: false,
    };
    let held_minor = request.payment.held.minor;
    match policy.release_by {
        ReleaseBy::Order => vec![share(None, held_minor)],
        ReleaseBy::Parcel => {
            let worth = |parcel: &NewParcel| {
                let each = parcel.items.iter().map(Item::worth_minor);
                each.fold(0_u64, u64::saturating_add)
            };
            let mut items = request.parcels.iter().flat_map(|parcel| &parcel.items);
            let first = items.next().map(|item| item.unit_price.currency);
            let is_one_currency = items.all(|item| Some(item.unit_price.currency) == first);
            let weighs = |parcel: &NewParcel| u64::from(parcel.weight.0);
            let weights: Vec<_> = match is_one_currency {
                true => request.parcels.iter().map(worth).collect(),
                // What cannot be added up is not compared.
                false => request.parcels.iter().map(weighs).collect(),
            };
            (1..)
                .zip(split_among_all_in_steps(held_minor, step_minor, &weights))
                .map(|(number, minor)| share(Some(number), minor))
                .collect()
        }
    }
}

fn plan(
    planner: &Planner,
    request: &PickupRequest,
    shipment: ShipmentId,
    now: Instant,
) -> Result<(Located, Plan, Wanted), AcceptError> {
    let (located, ask) = read_pickup::ask(request).map_err(AcceptError::Fields)?;
    let plan = planner.plan(&ask, now)?;
    let (grams, cm3) = (u64::from(ask.weight.0), ask.volume_cm3);
    let wanted = book_departures::wanted(planner.network(), shipment, &plan, grams, cm3);
    Ok((located, plan, wanted))
}

fn accepted_event(now: Instant, shipment: &Shipment) -> TrackingEvent {
    let occurred = Occurred {
        at: now,
        local_time: now.with_timezone(&shipment.pickup_zone).to_rfc3339(),
        offset_source: OffsetSource::FacilityZone,
    };
    let description = "pickup request accepted";
    let mut event = TrackingEvent::of_our_own(EventStatus::InfoReceived, "accepted", description, occurred);
    event.happening.location.country = Some(shipment.pickup.address.country.to_string());
    event
}

struct Written {
    answer: Answer,
    loads: Loads,
    /// Whether there is something new to tell the merchant.
    to_tell: bool,
}

async fn write(
    store: &Store,
    tx: &Tx,
    mut draft: Draft,
    idempotency: Option<(String, String)>,
    wall: Instant,
) -> Result<Written, AcceptError> {
    let Shipment { id, merchant, created_at, .. } = draft.accepted.shipment;
    if let Some((key, request_hash)) = &idempotency {
        if !idempotency::try_lock(store, tx, merchant, key).await? {
            return Err(AcceptError::KeyInFlight);
        }
        if let Some(answer) = answered(tx, merchant, key, request_hash).await? {
            return Ok(Written { answer, loads: Vec::new(), to_tell: false });
        }
    }
    // Held until this is committed: who changes the network finds every plan that was made before, and none
    // is saved after that was made on what it was.
    if network::edition_held(tx).await? != draft.edition {
        return Err(AcceptError::NewEdition);
    }
    Claims::of(&draft).refuse_repeats(tx).await?;
    let shipment = &mut draft.accepted.shipment;
    audit::append(tx, id, &mut shipment.audit, std::slice::from_ref(&draft.change), created_at).await?;
    shipments::insert(tx, &draft.accepted).await?;
    events::insert(tx, id, std::slice::from_ref(&draft.event)).await?;
    let payment = payment_of(&draft.order.provider, &draft.order.payment_reference).to_owned();
    draft.order.contested = !orders::own_payment(tx, &draft.order, &payment).await?;
    orders::insert(tx, &draft.order).await?;
    if let Some((key, request_hash)) = idempotency {
        let stored = StoredAnswer { request_hash, status: CREATED, body: draft.answer.clone() };
        idempotency::insert(tx, merchant, &key, stored, created_at).await?;
    }
    let notice = notices::pickup_accepted(&draft.accepted.shipment, draft.accepted.parcels.len());
    let to_tell = tell(tx, &[notice], created_at, wall).await?;
    // Last, since whoever plans on the same departure waits from here until this is committed.
    let loads = book_departures::book(tx, &[draft.wanted], created_at, wall).await?;
    faults::reached("accept.before_commit");
    let answer = Answer { status: CREATED, body: draft.answer, replayed: false };
    Ok(Written { answer, loads, to_tell })
}
