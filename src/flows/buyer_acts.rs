//! A buyer does something about an order: with the tracking token, and a proof beyond it.
//!
//! The proof is checked, and the try counted, in the transaction of what is done, under the
//! shipment's lock: tries side by side are counted one after another. A wrong try is written down
//! though nothing else is; what the rules refuse takes the whole transaction back, so that it does
//! not use up a good code, and neither does a look at what was said. Codes go by the machine's clock: people wait for them.

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::act_on_order::{ActError, Wish, write};
use super::advance::Occasion;
use super::tell_merchants::tell;
use super::views::{BuyerStandingView, DisputeView, DisputesView};
use super::{Deps, disputes, notices};
use crate::chance::{self, NoRandomness};
use crate::domain::dispute::{Dispute, Message, Party, Statement};
use crate::domain::escrow::{Act, DisputeOutcome, Obstacle};
use crate::domain::failure::Class;
use crate::domain::id::{DisputeId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::merchant::BuyerProof;
use crate::escrow::proof::{self, NewCode, Verdict};
use crate::escrow::rules::acts::NotNow;
use crate::intake::{Objection, Proven};
use crate::notifications::EscrowNews;
use crate::store::shipments::{self, Shipment};
use crate::store::{StoreError, Tx, buyer_proofs, merchants, orders};

#[derive(Debug, thiserror::Error)]
pub enum BuyerError {
    #[error("there is no such shipment")]
    NotFound,
    #[error("the merchant asks for the last four digits of the telephone number, and sends no codes")]
    NoCodes,
    #[error("this does not prove that you are the buyer")]
    WrongProof { tries_left: u32 },
    #[error("no code is in force: it was used, has expired or was never sent; ask for a new one")]
    NoCode,
    /// Of one code: with another it can be tried again at once.
    #[error("there were too many wrong tries: ask for a new code")]
    CodeSpent,
    #[error("so many codes were sent within an hour that the next one has to wait")]
    TooManyCodes(Wait),
    #[error("there were too many wrong tries: try again later")]
    TooManyTries(Wait),
    #[error(transparent)]
    Act(#[from] ActError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no random numbers: {0}")]
    Random(#[from] NoRandomness),
}

impl BuyerError {
    pub fn class(&self) -> Class {
        match self {
            BuyerError::NotFound => Class::NotFound,
            BuyerError::NoCodes => Class::Conflict,
            BuyerError::WrongProof { .. }
            | BuyerError::NoCode
            | BuyerError::CodeSpent
            | BuyerError::TooManyCodes(_)
            | BuyerError::TooManyTries(_) => Class::Caller,
            BuyerError::Act(error) => error.class(),
            BuyerError::Store(error) => error.class(),
            BuyerError::Random(_) => Class::Bug,
        }
    }
}

/// Whose token it is.
pub async fn find(deps: &Deps, token: &str) -> Result<ShipmentId, BuyerError> {
    let found = shipments::find_by_token(deps.store.reader(), token).await?;
    found.map(|shipment| shipment.id).ok_or(BuyerError::NotFound)
}

/// What the page about an order has to know of it, without a proof of anything: nothing that the timeline does not say.
pub struct Addressed {
    pub shipment: ShipmentId,
    pub proof: BuyerProof,
    /// Something is there that a buyer can speak of: all of it, or a parcel whose money goes by itself.
    pub is_delivered: bool,
}

/// Whose token it is, for the page.
pub async fn find_for_page(deps: &Deps, token: &str) -> Result<Addressed, BuyerError> {
    let db = deps.store.reader();
    let shipment = shipments::find_by_token(db, token).await?.ok_or(BuyerError::NotFound)?;
    let merchant = merchants::find(db, shipment.merchant).await?.ok_or(BuyerError::NotFound)?;
    let order = orders::of_shipment(db, shipment.id).await?;
    // Not by the states: where the money went is for nobody who has only the token.
    let is_delivered = order.shares.iter().any(|share| share.delivered_at.is_some() && !share.taken_back);
    Ok(Addressed { shipment: shipment.id, proof: merchant.buyer_proof, is_delivered })
}

/// A buyer, as the audit names one.
const BUYER: &str = "buyer";

/// Until when nothing more is heard, by the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    pub until: Instant,
    pub seconds: u32,
}

impl Wait {
    fn new(until: Instant, now: Instant) -> Self {
        let seconds = (until - now).num_seconds() + 1;
        Self { until, seconds: u32::try_from(seconds).unwrap_or(1) }
    }
}

/// Sends a new code by way of the merchant. Whether anybody listens there shows in nothing.
pub async fn send_code(deps: &Deps, shipment: ShipmentId) -> Result<(), BuyerError> {
    let (new, occasion) = (NewCode::generate()?, Occasion::new(deps, BUYER.to_owned()));
    let sent: Result<(), BuyerError> = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let shipment = shipments::lock(tx, shipment).await?.ok_or(BuyerError::NotFound)?;
                match asked_for(tx, &shipment).await? {
                    BuyerProof::Phone => return Err(BuyerError::NoCodes),
                    BuyerProof::Code => {}
                }
                let mut standing = buyer_proofs::find(tx, shipment.id).await?;
                let now = occasion.wall;
                let expires_at = proof::send(&mut standing, &new, now)
                    .map_err(|until| BuyerError::TooManyCodes(Wait::new(until, now)))?;
                buyer_proofs::save(tx, shipment.id, &standing).await?;
                let news = EscrowNews::Code { code: new.code, expires_at };
                let notice = notices::of_escrow(&shipment, None, &news);
                tell(tx, &[notice], occasion.now, occasion.wall).await?;
                Ok(())
            })
        })
        .await;
    sent?;
    deps.webhook_bell.notify_one();
    Ok(())
}

async fn asked_for(tx: &Tx, shipment: &Shipment) -> Result<BuyerProof, BuyerError> {
    let merchant = merchants::find(tx, shipment.merchant).await?;
    Ok(merchant.ok_or(BuyerError::NotFound)?.buyer_proof)
}

/// Whether it is the buyer: then whether the very act was done with this proof before. What it says has to be committed
/// either way.
async fn proven(
    tx: &Tx,
    shipment: &Shipment,
    said: &SecretString,
    wish: &BuyerWish,
    now: Instant,
) -> Result<Result<Before, BuyerError>, BuyerError> {
    let mut standing = buyer_proofs::find(tx, shipment.id).await?;
    let verdict = match asked_for(tx, shipment).await? {
        BuyerProof::Code => {
            proof::check_code(&mut standing, said.expose_secret(), wish.digest().as_deref(), now)
        }
        BuyerProof::Phone => {
            let phones = shipments::consignee_phones(tx, &[shipment.id]).await?;
            let phone = phones.first().map_or("", |(_, phone)| phone.as_str());
            proof::check_phone(&mut standing, phone, said.expose_secret(), now)
        }
    };
    buyer_proofs::save(tx, shipment.id, &standing).await?;
    Ok(match verdict {
        Verdict::Good => Ok(Before::Nothing),
        Verdict::GoodBefore => Ok(Before::Done),
        Verdict::Wrong { tries_left } => Err(BuyerError::WrongProof { tries_left }),
        Verdict::NoCode => Err(BuyerError::NoCode),
        Verdict::TooMany { until: None } => Err(BuyerError::CodeSpent),
        Verdict::TooMany { until: Some(until) } => Err(BuyerError::TooManyTries(Wait::new(until, now))),
    })
}

enum Before {
    Nothing,
    /// The same, and its answer may have been lost.
    Done,
}

/// What a buyer can do.
pub enum BuyerWish {
    Confirm,
    Extend {
        days: u32,
    },
    Dispute(Objection),
    Withdraw,
    Say(Statement),
    /// At what was said in the disputes so far.
    Look,
}

impl BuyerWish {
    /// The same for the same wish; none of one that changes nothing, and so may be repeated.
    fn digest(&self) -> Option<String> {
        let said = |kind: &str, said: &Statement| json!([kind, said.message, said.attachments]);
        let text = match self {
            BuyerWish::Confirm => json!(["confirm"]),
            BuyerWish::Extend { days } => json!(["extend", days]),
            BuyerWish::Dispute(objection) => said(objection.reason.as_str(), &objection.said),
            BuyerWish::Withdraw => json!(["withdraw"]),
            BuyerWish::Say(statement) => said("say", statement),
            BuyerWish::Look => return None,
        };
        Some(proof::digest(&text.to_string()))
    }
}

/// What a buyer is shown of it.
pub enum Done {
    Order(BuyerStandingView),
    Dispute(DisputeView),
    Disputes(DisputesView),
}

pub async fn act(
    deps: &Deps,
    shipment: ShipmentId,
    Proven { proof, said }: Proven<BuyerWish>,
) -> Result<Done, BuyerError> {
    let occasion = Occasion::new(deps, BUYER.to_owned());
    let dispute_days = deps.settings.escrow.dispute_days;
    let done: Result<Result<Done, BuyerError>, BuyerError> = deps
        .store
        .write(move |tx| {
            Box::pin(async move {
                let shipment = shipments::lock(tx, shipment).await?.ok_or(BuyerError::NotFound)?;
                match proven(tx, &shipment, &proof, &said, occasion.wall).await? {
                    Ok(Before::Nothing) => perform(tx, shipment, said, dispute_days, &occasion).await.map(Ok),
                    Ok(Before::Done) => answer_again(tx, shipment.id, &said).await.map(Ok),
                    // Committed: the try counts.
                    Err(refused) => Ok(Err(refused)),
                }
            })
        })
        .await;
    let done = done??;
    deps.outbox_bell.notify_one();
    deps.webhook_bell.notify_one();
    Ok(done)
}

async fn perform(
    tx: &Tx,
    shipment: Shipment,
    wish: BuyerWish,
    dispute_days: u32,
    occasion: &Occasion,
) -> Result<Done, BuyerError> {
    let act = match wish {
        BuyerWish::Confirm => Act::BuyerConfirmed,
        BuyerWish::Extend { days } => Act::BuyerExtended { days },
        BuyerWish::Dispute(objection) => return open(tx, shipment, objection, dispute_days, occasion).await,
        BuyerWish::Withdraw => {
            let dispute = disputes::open_one(tx, shipment.id).await?.ok_or_else(none_open)?;
            let act = Act::DisputeWithdrawn { dispute: dispute.id };
            let before = shipment.clone();
            write(tx, shipment, Wish::Do(act), &[], occasion).await?;
            let closed =
                disputes::end(tx, &before, dispute, DisputeOutcome::Withdrawn, None, occasion).await?;
            return Ok(Done::Dispute(DisputeView::load(tx, &closed).await?));
        }
        BuyerWish::Look => {
            let disputes = disputes::views(tx, shipment.id).await?;
            return Ok(Done::Disputes(DisputesView { disputes }));
        }
        BuyerWish::Say(said) => {
            let dispute = disputes::open_one(tx, shipment.id).await?.ok_or_else(none_open)?;
            disputes::say(tx, shipment, &dispute, Party::Buyer, said, occasion).await?;
            return Ok(Done::Dispute(DisputeView::load(tx, &dispute).await?));
        }
    };
    let order = write(tx, shipment, Wish::Do(act), &[], occasion).await?;
    Ok(Done::Order(BuyerStandingView::from(&order)))
}

/// How what was done stands now.
async fn answer_again(tx: &Tx, shipment: ShipmentId, wish: &BuyerWish) -> Result<Done, BuyerError> {
    let disputes = disputes::views(tx, shipment).await?;
    Ok(match wish {
        BuyerWish::Confirm | BuyerWish::Extend { .. } => {
            Done::Order(BuyerStandingView::from(&orders::of_shipment(tx, shipment).await?))
        }
        BuyerWish::Look => Done::Disputes(DisputesView { disputes }),
        BuyerWish::Dispute(_) | BuyerWish::Withdraw | BuyerWish::Say(_) => {
            Done::Dispute(disputes.into_iter().next().ok_or_else(none_open)?)
        }
    })
}

fn none_open() -> ActError {
    NotNow::from(Obstacle::NoDispute).into()
}

/// Freezes the order and writes the dispute down, or neither.
async fn open(
    tx: &Tx,
    shipment: Shipment,
    Objection { reason, said }: Objection,
    days: u32,
    occasion: &Occasion,
) -> Result<Done, BuyerError> {
    let dispute = Dispute {
        id: DisputeId::from_uuid(chance::id()),
        shipment: shipment.id,
        reason,
        opened_at: occasion.now,
        decide_by: occasion.now + TimeDelta::days(i64::from(days)),
        closed: None,
    };
    let news = EscrowNews::DisputeOpened {
        dispute: dispute.id,
        opened_at: dispute.opened_at,
        reason: reason.to_string(),
        decide_by: dispute.decide_by,
    };
    let notice = notices::of_escrow(&shipment, None, &news);
    let act = Act::DisputeOpened { dispute: dispute.id, reason };
    write(tx, shipment, Wish::Do(act), &[], occasion).await?;
    crate::store::disputes::insert(tx, &dispute, disputes::first_reminder(&dispute)).await?;
    if !said.is_empty() {
        let message = Message { party: Party::Buyer, said, at: occasion.now };
        crate::store::disputes::insert_message(tx, &dispute, 1, &message).await?;
    }
    tell(tx, &[notice], occasion.now, occasion.wall).await?;
    Ok(Done::Dispute(DisputeView::load(tx, &dispute).await?))
}
