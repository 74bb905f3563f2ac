//! What a scan of one parcel means for the bag it is in, or should be in.
//!
//! Putting a parcel into a bag is refused where it does not belong there, and it is said where it does.
//! At the other end every scan of a parcel by itself takes it out of its bag. What was expected in a consolidation
//! and is not seen there is missing; what comes out of one that it was not in is surplus, and kept as such. Open is
//! the one that people say they take parcels out of: nothing is missing in another one that only waits.
//!
//! All of it happens in the transaction of the scan: a repeat changes nothing.

use super::record_scans::ScanError;
use crate::domain::consolidation::MemberState;
use crate::domain::event::ScanKind;
use crate::domain::id::ConsolidationId;
use crate::domain::network::{DepartureState, HubCode};
use crate::domain::sscc::Sscc;
use crate::intake::{FieldError, Scan};
use crate::store::bag_parcels::{self, Placed, Surplus};
use crate::store::consolidations::{self, Consolidation};
use crate::store::{StoreError, Tx, departures};

/// What a scan that is fine changes beside the parcel's own timeline.
#[derive(Debug, Default)]
pub struct Change {
    /// The parcel is seen where its consolidation ends.
    unpacked_from: Option<ConsolidationId>,
    /// It did not leave with the others, or is seen where they are not.
    removed_from: Option<ConsolidationId>,
    /// It came out of this one and was not in it.
    surplus_in: Option<ConsolidationId>,
    /// Somebody takes parcels out of this one: what the scan names, or else where the parcel is by the books.
    opened: Option<ConsolidationId>,
}

fn wrong(detail: String) -> ScanError {
    ScanError::Fields(vec![FieldError { pointer: "/bag".to_owned(), detail }])
}

/// `(00)…`, as it stands below the bars.
fn printed(sscc: Sscc) -> String {
    format!("(00){sscc}")
}

/// Looks before anything is written. The caller holds the shipment.
pub async fn look(tx: &Tx, scan: &Scan, hub: &HubCode) -> Result<Change, ScanError> {
    let places = bag_parcels::of_parcel(tx, scan.parcel).await?;
    let packed = places.iter().find(|placed| placed.member.state == MemberState::Packed);
    match (scan.kind, scan.bag) {
        (ScanKind::Packed, Some(bag)) => {
            refuse_wrong_bag(tx, scan, bag, packed, hub).await?;
            Ok(Change::default())
        }
        (ScanKind::Unpacked, bag) => unpacking(tx, scan, bag, &places, hub).await,
        (ScanKind::Offloaded, _) => {
            let named = packed.filter(|placed| scan.departure.as_ref() == Some(&placed.departure));
            Ok(Change { removed_from: named.map(|placed| placed.member.consolidation), ..Change::default() })
        }
        _ => {
            let unpacked_from = ending_here(packed, hub);
            let removed_from = elsewhere(scan, packed, hub);
            Ok(Change { unpacked_from, removed_from, opened: unpacked_from, ..Change::default() })
        }
    }
}

/// The bag that a parcel cannot be in, as it is seen where that bag is not: back where it left from, at a hub
/// that is neither end of its way, or leaving with another departure. What was reported late of the time before it
/// was packed says nothing.
fn elsewhere(scan: &Scan, packed: Option<&Placed>, hub: &HubCode) -> Option<ConsolidationId> {
    let placed = packed.filter(|placed| placed.to != *hub)?;
    let is_at_its_start = placed.from == *hub;
    let is_out = match scan.kind {
        ScanKind::Received | ScanKind::Arrived | ScanKind::Unpacked => {
            scan.occurred_at > if is_at_its_start { placed.depart_at } else { placed.cutoff_at }
        }
        ScanKind::Departed => {
            let is_other = scan.departure.as_ref().is_some_and(|named| *named != placed.departure);
            is_other && (is_at_its_start || scan.occurred_at > placed.cutoff_at)
        }
        ScanKind::Offloaded
        | ScanKind::CustomsPresented
        | ScanKind::CustomsHeld
        | ScanKind::CustomsReleased
        | ScanKind::HandedOver
        | ScanKind::Packed => false,
    };
    is_out.then_some(placed.member.consolidation)
}

fn ending_here(packed: Option<&Placed>, hub: &HubCode) -> Option<ConsolidationId> {
    packed.filter(|placed| placed.to == *hub).map(|placed| placed.member.consolidation)
}

async fn refuse_wrong_bag(
    tx: &Tx,
    scan: &Scan,
    sscc: Sscc,
    packed: Option<&Placed>,
    hub: &HubCode,
) -> Result<(), ScanError> {
    let bag = consolidations::bag(tx, sscc).await?;
    let bag = bag.ok_or_else(|| wrong(format!("no bag has the number {}", printed(sscc))))?;
    let parcel = scan.parcel;
    match packed {
        Some(placed) if placed.member.sscc == sscc && placed.from == *hub => Ok(()),
        Some(placed) if placed.member.sscc == sscc => {
            Err(wrong(format!("{} was packed at {}, not at {hub}", printed(sscc), placed.from)))
        }
        Some(placed) => {
            let (number, belongs) = (placed.bag_number, printed(placed.member.sscc));
            let departure = &placed.departure;
            Err(wrong(format!("{parcel} belongs in bag {number} of {departure}, {belongs}")))
        }
        None => {
            let of = consolidation(tx, bag.consolidation).await?.departure;
            let held = departures::held_by(tx, &[parcel.shipment]).await?;
            let open = held.iter().filter(|held| held.state == DepartureState::Open);
            let booked: Vec<_> = open.map(|held| held.booking.departure.to_string()).collect();
            let planned = match booked.is_empty() {
                true => "it is planned on no other departure".to_owned(),
                false => format!("it is planned on {}", booked.join(", ")),
            };
            Err(wrong(format!("{parcel} is not on {of}; {planned}")))
        }
    }
}

async fn consolidation(tx: &Tx, id: ConsolidationId) -> Result<Consolidation, StoreError> {
    let found = consolidations::find(tx, id).await?;
    let lost = || StoreError::Corrupt {
        table: "bag",
        column: "consolidation_id",
        reason: format!("there is no consolidation {id}"),
    };
    found.ok_or_else(lost)
}

async fn unpacking(
    tx: &Tx,
    scan: &Scan,
    bag: Option<Sscc>,
    places: &[Placed],
    hub: &HubCode,
) -> Result<Change, ScanError> {
    let named = match (bag, &scan.departure) {
        (Some(sscc), _) => {
            let bag = consolidations::bag(tx, sscc).await?;
            let bag = bag.ok_or_else(|| wrong(format!("no bag has the number {}", printed(sscc))))?;
            Some(consolidation(tx, bag.consolidation).await?)
        }
        (None, Some(departure)) => consolidations::find_by_departure(tx, departure).await?,
        (None, None) => None,
    };
    if let Some(named) = named.as_ref().filter(|named| named.to != *hub) {
        let (departure, from, to) = (&named.departure, &named.from, &named.to);
        return Err(wrong(format!("{departure} runs from {from} to {to}")));
    }
    let is_here = |placed: &&Placed| placed.to == *hub && placed.member.state != MemberState::Removed;
    let expected: Vec<_> = places.iter().filter(is_here).collect();
    let packed = expected.iter().find(|placed| placed.member.state == MemberState::Packed);
    let named = named.map(|named| named.id);
    let is_expected =
        |named: &ConsolidationId| expected.iter().any(|placed| placed.member.consolidation == *named);
    let surplus_in = named.filter(|named| !is_expected(named));
    if expected.is_empty() && surplus_in.is_none() {
        let parcel = scan.parcel;
        let detail =
            format!("{parcel} is not expected at {hub}: name the bag or the departure it came out of");
        return Err(wrong(detail));
    }
    let unpacked_from = packed.map(|placed| placed.member.consolidation);
    let elsewhere_packed = places.iter().find(|placed| placed.member.state == MemberState::Packed);
    let removed_from = elsewhere(scan, elsewhere_packed, hub);
    Ok(Change { unpacked_from, surplus_in, removed_from, opened: named.or(unpacked_from) })
}

/// Writes it down, last in the transaction: from here on others who unpack the same consolidation wait.
pub async fn apply(tx: &Tx, scan: &Scan, hub: &HubCode, change: &Change) -> Result<(), StoreError> {
    let Change { unpacked_from, removed_from, surplus_in, opened } = *change;
    consolidations::hold(tx, [unpacked_from, removed_from, surplus_in, opened].into_iter().flatten()).await?;
    if let Some(id) = unpacked_from {
        bag_parcels::unpack(tx, &[(scan.parcel, id)], scan.occurred_at).await?;
    }
    if let Some(id) = removed_from {
        bag_parcels::remove(tx, scan.parcel, id).await?;
    }
    if let Some(consolidation) = surplus_in {
        let (parcel, hub, scanned_at) = (scan.parcel, hub.clone(), scan.occurred_at);
        bag_parcels::insert_surplus(tx, &Surplus { consolidation, parcel, hub, scanned_at }).await?;
    }
    if let Some(id) = opened {
        consolidations::open(tx, id, scan.occurred_at).await?;
    }
    for id in [unpacked_from, removed_from].into_iter().flatten().filter(|id| opened != Some(*id)) {
        consolidations::settle(tx, id).await?;
    }
    Ok(())
}
