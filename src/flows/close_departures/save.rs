//! A closed departure, written down.

use std::collections::{BTreeMap, BTreeSet};

use super::CloseError;
use super::load::{Inputs, load_of};
use crate::chance;
use crate::consolidation::close::Closing;
use crate::consolidation::terms::Terms;
use crate::domain::consolidation::{ConsolidationState, MemberState};
use crate::domain::id::{ConsolidationId, ParcelId, ShipmentId};
use crate::domain::instant::Instant;
use crate::domain::network::TransportMode;
use crate::domain::sscc::Sscc;
use crate::domain::waybill::MasterReference;
use crate::faults;
use crate::routing::Network;
use crate::store::bag_parcels::{self, Member};
use crate::store::consolidations::{self, Bag, Consolidation, LeftBehind, Unit};
use crate::store::{StoreError, Tx, departures, replans, serials};

/// All that will be written but for the numbers.
pub struct Draft {
    id: ConsolidationId,
    inputs: Inputs,
    closing: Closing,
    now: Instant,
    wall: Instant,
}

impl Draft {
    pub fn new(inputs: Inputs, closing: Closing, now: Instant, wall: Instant) -> Self {
        Self { id: ConsolidationId::from_uuid(chance::id()), inputs, closing, now, wall }
    }
}

pub struct Written {
    /// None: nothing was there to go.
    pub consolidation: Option<Consolidation>,
    pub parcels: usize,
    pub left_behind: usize,
}

/// None: somebody else closed it.
pub async fn save(
    tx: &Tx,
    draft: Draft,
    network: &Network,
    terms: &Terms,
) -> Result<Option<Written>, CloseError> {
    let inputs = &draft.inputs;
    // From here on nobody books it or takes its booking back.
    if !departures::close(tx, &inputs.departing.id, draft.wall).await? {
        return Ok(None);
    }
    // And nobody takes anything out of the bags that it came in.
    consolidations::hold(tx, came_in(inputs)).await?;
    let again = load_of(tx, network, terms, inputs.booked.clone()).await?;
    if again != *inputs {
        return Err(CloseError::Changed);
    }
    leave_behind(tx, &draft).await?;
    let parcels = draft.closing.bags.iter().map(|bag| bag.parcels.len()).sum();
    let consolidation = if parcels > 0 { Some(pack(tx, &draft, terms).await?) } else { None };
    faults::reached("close.before_commit");
    Ok(Some(Written { consolidation, parcels, left_behind: draft.closing.left_behind.len() }))
}

/// They stay booked until they are planned anew, which gives the room back.
async fn leave_behind(tx: &Tx, draft: &Draft) -> Result<(), StoreError> {
    let departure = &draft.inputs.departing.id;
    let left = &draft.closing.left_behind;
    let rows: Vec<_> =
        left.iter().map(|left| LeftBehind { shipment: left.shipment, reason: left.reason.clone() }).collect();
    consolidations::insert_left_behind(tx, departure, &rows, draft.now).await?;
    let mut by_reason: BTreeMap<&str, Vec<ShipmentId>> = BTreeMap::new();
    for left in left {
        by_reason.entry(&left.reason).or_default().push(left.shipment);
    }
    for (reason, shipments) in by_reason {
        replans::request(tx, &shipments, reason, draft.now, draft.wall).await?;
    }
    Ok(())
}

async fn pack(tx: &Tx, draft: &Draft, terms: &Terms) -> Result<Consolidation, CloseError> {
    let (inputs, closing) = (&draft.inputs, &draft.closing);
    let dated = &inputs.booked.dated;
    let consolidation = Consolidation {
        id: draft.id,
        departure: dated.id.clone(),
        from: dated.from.clone(),
        to: dated.to.clone(),
        mode: inputs.departing.mode,
        carrier: inputs.carrier.clone(),
        master: master(tx, inputs, terms).await?,
        state: ConsolidationState::Packed,
        depart_at: dated.depart_at,
        arrive_at: dated.arrive_at,
        cutoff_at: dated.cutoff_at,
        closed_at: draft.now,
        opened_at: None,
        dissolved_at: None,
    };
    let numbers = bag_numbers(tx, terms, closing.bags.len()).await?;
    let units: Vec<Unit> = closing
        .units
        .iter()
        .map(|unit| Unit {
            consolidation: draft.id,
            number: unit.number.clone(),
            unit_type: unit.unit_type.code.clone(),
            tare_grams: unit.unit_type.tare_grams,
            volume_cm3: unit.unit_type.volume_cm3,
        })
        .collect();
    let bags = closing.bags.iter().zip(&numbers).zip(1..).map(|((bag, sscc), number)| Bag {
        sscc: *sscc,
        consolidation: draft.id,
        number,
        unit: bag.unit.map(|unit| closing.units[unit].number.clone()),
        gateway: bag.way.gateway.clone(),
        clearance: bag.way.clearance,
        last_mile_carrier: bag.way.last_mile_carrier.clone(),
        grams: bag.grams,
        cm3: bag.cm3,
        parcels: bag.parcels.len() as u32,
        single_piece: bag.single_piece.is_some(),
    });
    consolidations::insert(tx, &consolidation, &bags.collect::<Vec<_>>(), &units).await?;
    put_in(tx, draft, &numbers).await?;
    Ok(consolidation)
}

fn came_in(inputs: &Inputs) -> BTreeSet<ConsolidationId> {
    inputs.forwarded.iter().map(|(_, consolidation)| *consolidation).collect()
}

/// Parcels into their bags, out of those that they came in. Nobody said that those were opened.
async fn put_in(tx: &Tx, draft: &Draft, numbers: &[Sscc]) -> Result<(), StoreError> {
    let (inputs, closing) = (&draft.inputs, &draft.closing);
    let going: BTreeSet<ParcelId> = closing.bags.iter().flat_map(|bag| bag.parcels.iter().copied()).collect();
    let forwarded = inputs.forwarded.iter().filter(|(parcel, _)| going.contains(parcel)).copied();
    bag_parcels::unpack(tx, &forwarded.collect::<Vec<_>>(), inputs.departing.cutoff_at).await?;
    for consolidation in came_in(inputs) {
        consolidations::settle(tx, consolidation).await?;
    }
    let members = closing.bags.iter().zip(numbers).flat_map(|(bag, sscc)| {
        bag.parcels.iter().map(|parcel| {
            let unpacked_at = inputs.arrived.get(parcel).copied();
            let state = if unpacked_at.is_some() { MemberState::Unpacked } else { MemberState::Packed };
            Member { parcel: *parcel, consolidation: draft.id, sscc: *sscc, state, unpacked_at }
        })
    });
    bag_parcels::insert(tx, &members.collect::<Vec<_>>()).await?;
    let first_seen_at =
        inputs.arrived.iter().filter(|(parcel, _)| going.contains(parcel)).map(|(_, at)| *at).min();
    match first_seen_at {
        Some(at) => consolidations::open(tx, draft.id, at).await,
        None => Ok(()),
    }
}

async fn bag_numbers(tx: &Tx, terms: &Terms, count: usize) -> Result<Vec<Sscc>, CloseError> {
    let name = format!("sscc {}", terms.sscc);
    let first = serials::draw(tx, &name, count as u64, terms.sscc.serials()).await?;
    let first = first.ok_or(CloseError::NoSerials)?;
    let numbers = (first..first + count as u64).map(|serial| Sscc::new(terms.sscc, serial));
    Ok(numbers.collect::<Result<_, _>>()?)
}

/// By air the next number of the airline's stock, otherwise one of our own.
async fn master(tx: &Tx, inputs: &Inputs, terms: &Terms) -> Result<MasterReference, StoreError> {
    let departing = &inputs.departing;
    let stocks = terms.stocks(&inputs.carrier).filter(|_| departing.mode == TransportMode::Air);
    for stock in stocks {
        let name = format!("waybill {}", stock.name());
        while let Some(serial) = serials::draw(tx, &name, 1, u64::from(stock.size())).await? {
            let Some(number) = stock.nth(serial) else { break };
            let master = MasterReference::Air(number);
            // Of a stock that once had another beginning it may have been given out.
            if !consolidations::is_taken(tx, &master).await? {
                return Ok(master);
            }
        }
    }
    Ok(MasterReference::of_departure(&departing.id))
}
