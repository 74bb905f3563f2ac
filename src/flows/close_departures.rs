//! At its cut-off a departure is closed, and what was received for it is packed.
//!
//! What is there, who goes and what goes into which bag is decided outside a transaction. One transaction then
//! closes the departure (by a condition, so that of two daemons one does), looks whether all it was
//! decided on is still so, draws the numbers and writes bags, units, parcels and who stayed behind. Where
//! something changed meanwhile nothing is written, and it is decided anew.
//!
//! After that each shipment is told that it is consolidated, in a transaction of its own: a departure of
//! a thousand shipments holds up nobody. A consolidation is known to be unannounced until all were
//! told, and telling again changes nothing.
//!
//! | a crash … | leaves |
//! |---|---|
//! | before the commit | the departure open; it is closed by whoever looks next |
//! | after it | the consolidation, unannounced; its shipments are told by whoever looks next |

mod announce;
mod load;
mod save;
mod setbacks;
mod standing;

use std::sync::Arc;

use tokio::task::JoinError;

use super::{Deps, book_departures};
use crate::consolidation::close::{self, Closing, Excess};
use crate::consolidation::packing::CannotPack;
use crate::domain::id::{ConsolidationId, ParcelId};
use crate::domain::network::{DepartureId, TransportMode};
use crate::domain::sscc::BadSscc;
use crate::domain::waybill::MasterReference;
use crate::faults;
use crate::store::{StoreError, consolidations, departures};
use save::Draft;
pub use setbacks::Setbacks;

#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("what is there for it cannot be packed: {0}")]
    Pack(#[from] CannotPack),
    #[error(
        "there are no serials left behind consolidation.sscc_company_prefix; another extension digit has its own"
    )]
    NoSerials,
    #[error(transparent)]
    Sscc(#[from] BadSscc),
    #[error("what was decided on has changed meanwhile")]
    Changed,
    #[error("the packer fell over: {0}")]
    Packer(#[from] JoinError),
}

impl CloseError {
    /// A database that does not answer has nothing against one departure.
    fn is_of_one_departure(&self) -> bool {
        match self {
            CloseError::Store(StoreError::Unavailable(_)) => false,
            CloseError::Store(
                StoreError::Contended(_)
                | StoreError::Duplicate(_)
                | StoreError::CommitUnknown(_)
                | StoreError::Corrupt { .. }
                | StoreError::Statement(_),
            )
            | CloseError::Pack(_)
            | CloseError::NoSerials
            | CloseError::Sscc(_)
            | CloseError::Changed
            | CloseError::Packer(_) => true,
        }
    }
}

/// Departures and consolidations that are looked at in one run.
const TOGETHER: usize = 200;
/// Scans that come in while one decides cost a round each.
const TRIES_MAX: usize = 8;

/// Departures whose cut-off is over, but for those that failed a while ago.
async fn due(deps: &Deps) -> Result<Vec<DepartureId>, StoreError> {
    let wall = deps.clock.wall();
    let some = TOGETHER + deps.setbacks.count(wall);
    let due = departures::due(deps.store.reader(), deps.clock.now(), some as u64).await?;
    Ok(deps.setbacks.choose(due, wall, TOGETHER))
}

/// The job of the scheduler. A departure that cannot be closed holds up no other.
pub async fn run_due(deps: &Deps) -> Result<(), CloseError> {
    let mut outcome = Ok(());
    for departure in due(deps).await? {
        if deps.stopping.has_begun() {
            return outcome;
        }
        match close_one(deps, &departure).await {
            Ok(_) => deps.setbacks.end(&departure),
            Err(error) => {
                tracing::error!(%departure, %error, "a departure could not be closed at its cut-off");
                if error.is_of_one_departure() {
                    deps.setbacks.add(&departure, deps.clock.wall());
                }
                outcome = Err(error);
            }
        }
    }
    for consolidation in consolidations::unannounced(deps.store.reader(), TOGETHER as u64).await? {
        if deps.stopping.has_begun() {
            return outcome;
        }
        if let Err(error) = announce::announce(deps, &consolidation).await {
            let id = consolidation.id;
            tracing::error!(%id, %error, "not all shipments know that they are consolidated");
            outcome = Err(error.into());
        }
    }
    outcome
}

/// Closes a departure whose cut-off is over. None: nothing was there to go, or somebody else closed it.
pub async fn close_one(deps: &Deps, id: &DepartureId) -> Result<Option<ConsolidationId>, CloseError> {
    let mut tries = 0;
    let written = loop {
        tries += 1;
        match try_to_close(deps, id).await {
            // Whoever plans anew takes rows in another order, and one of the two gives in.
            Err(CloseError::Changed | CloseError::Store(StoreError::Contended(_))) if tries < TRIES_MAX => {}
            done => break done?,
        }
    };
    // Nobody plans on it any more.
    book_departures::look(&deps.store, &deps.network.planner(), id).await?;
    Ok(written)
}

async fn try_to_close(deps: &Deps, id: &DepartureId) -> Result<Option<ConsolidationId>, CloseError> {
    let (network, terms) = (deps.network.current(), Arc::clone(&deps.consolidation));
    let Some(inputs) = load::load(deps.store.reader(), &network, &terms, id).await? else { return Ok(None) };
    let (inputs, closing) = {
        let terms = Arc::clone(&terms);
        // Some tenths of a second where there is much to pack.
        let packer = tokio::task::spawn_blocking(move || {
            close::close(&inputs.departing, &inputs.candidates, &terms).map(|closing| (inputs, closing))
        });
        packer.await??
    };
    let single_pieces = single_pieces(&closing);
    let draft = Draft::new(inputs, closing, deps.clock.now(), deps.clock.wall());
    let written = deps
        .store
        .write(move |tx| Box::pin(async move { save::save(tx, draft, &network, &terms).await }))
        .await?;
    faults::reached("close.committed");
    let Some(written) = written else { return Ok(None) };
    deps.replan_bell.notify_one();
    let (packed, left_behind) = (written.parcels, written.left_behind);
    tracing::info!(departure = %id, packed, left_behind, "a departure is closed");
    for (parcel, excess) in single_pieces {
        tracing::warn!(departure = %id, %parcel, %excess, "no bag takes this parcel: it travels as a single piece");
    }
    let Some(consolidation) = written.consolidation else { return Ok(None) };
    if consolidation.mode == TransportMode::Air && matches!(consolidation.master, MasterReference::Other(_)) {
        let carrier = &consolidation.carrier;
        tracing::warn!(
            departure = %id, carrier, master = %consolidation.master,
            "no waybill number is left of this airline: see consolidation.waybill_stock"
        );
    }
    announce::announce(deps, &consolidation).await?;
    Ok(Some(consolidation.id))
}

/// Which parcels travel by themselves, and what of them is too much for a bag.
fn single_pieces(closing: &Closing) -> Vec<(ParcelId, Excess)> {
    let bags = closing.bags.iter().filter_map(|bag| Some((bag, bag.single_piece?)));
    bags.flat_map(|(bag, excess)| bag.parcels.iter().map(move |parcel| (*parcel, excess))).collect()
}
