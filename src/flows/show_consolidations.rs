//! What hubs and operators are shown of consolidations, and their papers. Reads only.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::Deps;
use super::views::{ConsolidationDetailView, ConsolidationPage, ConsolidationView};
use crate::consolidation::labels::BagLabel;
use crate::consolidation::manifest::{self, Manifest, Station, Totals};
use crate::domain::consolidation::{self, MemberState};
use crate::domain::goods::Item;
use crate::domain::id::{ConsolidationId, ParcelId, ShipmentId};
use crate::domain::money::Money;
use crate::domain::network::{DepartureId, HubCode};
use crate::domain::sscc::Sscc;
use crate::domain::waybill::HouseNumber;
use crate::geography::Atlas;
use crate::store::bag_parcels;
use crate::store::consolidations::{self, Bag, Consolidation};
use crate::store::shipments::{self, Parcel, Shipment};
use crate::store::{Reads, StoreError, shipments_at_once};

pub async fn find(deps: &Deps, id: ConsolidationId) -> Result<Option<Consolidation>, StoreError> {
    consolidations::find(deps.store.reader(), id).await
}

pub async fn find_by_departure(deps: &Deps, id: &DepartureId) -> Result<Option<Consolidation>, StoreError> {
    consolidations::find_by_departure(deps.store.reader(), id).await
}

/// Consolidations on one page.
const PAGE: u64 = 100;

/// The last hundred that leave a hub or end there.
pub async fn of_hub(deps: &Deps, hub: &HubCode) -> Result<ConsolidationPage, StoreError> {
    let found = consolidations::of_hub(deps.store.reader(), hub, PAGE).await?;
    Ok(page(&found))
}

/// The last hundred, wherever they run.
pub async fn newest(deps: &Deps) -> Result<ConsolidationPage, StoreError> {
    Ok(page(&consolidations::newest(deps.store.reader(), PAGE).await?))
}

pub fn page(found: &[Consolidation]) -> ConsolidationPage {
    ConsolidationPage { consolidations: found.iter().map(ConsolidationView::from).collect() }
}

/// All about one, with what is missing and what was too many.
pub async fn detail(deps: &Deps, found: &Consolidation) -> Result<ConsolidationDetailView, StoreError> {
    let db = deps.store.reader();
    let bags = consolidations::bags(db, found.id).await?;
    let units = consolidations::units(db, found.id).await?;
    let members = bag_parcels::of_consolidation(db, found.id).await?;
    let surplus = bag_parcels::surplus_of(db, found.id).await?;
    let left_behind = consolidations::left_behind(db, &found.departure).await?;
    let (missing_after, now) = (deps.consolidation.missing_after, deps.clock.now());
    let expected = consolidation::expected(found.opened_at, found.arrive_at, missing_after, now);
    let mut detail = ConsolidationDetailView::new(found, &bags, &units, &members, &left_behind, expected);
    for one in surplus {
        let places = bag_parcels::of_parcel(db, one.parcel).await?;
        let elsewhere = places.iter().find(|placed| placed.member.state == MemberState::Packed);
        detail.add_surplus(&one, elsewhere);
    }
    Ok(detail)
}

/// For the metrics: parcels that are missing by now, and surplus of the last seven days.
pub async fn astray(deps: &Deps) -> Result<(u64, u64), StoreError> {
    let now = deps.clock.now();
    let since = now - TimeDelta::days(7);
    bag_parcels::astray(deps.store.reader(), now - deps.consolidation.missing_after, since).await
}

/// The paper of a closed consolidation. It is made of what never changes, so that it is the same whenever it
/// is asked for; but a hub that was given another name since is called by that.
pub async fn manifest(deps: &Deps, found: &Consolidation) -> Result<Manifest, StoreError> {
    let db = deps.store.reader();
    let contents = contents(db, found.id).await?;
    let bags = consolidations::bags(db, found.id).await?;
    let bags: Vec<_> = bags
        .into_iter()
        .map(|bag| manifest::Bag {
            sscc: bag.sscc,
            unit: bag.unit,
            gateway: bag.gateway,
            clearance: bag.clearance,
            last_mile_carrier: bag.last_mile_carrier,
            weight_grams: bag.grams,
            volume_cm3: bag.cm3,
            single_piece: bag.single_piece,
            parcels: contents.get(&bag.sscc).cloned().unwrap_or_default(),
        })
        .collect();
    let units = consolidations::units(db, found.id).await?.into_iter().map(|unit| {
        let inside = || bags.iter().filter(|bag| bag.unit.as_ref() == Some(&unit.number));
        manifest::Unit {
            tare_grams: unit.tare_grams,
            gross_grams: unit.tare_grams + inside().map(|bag| bag.weight_grams).sum::<u64>(),
            volume_cm3: unit.volume_cm3,
            bags: inside().map(|bag| bag.sscc).collect(),
            unit_type: unit.unit_type,
            number: unit.number.clone(),
        }
    });
    let units: Vec<_> = units.collect();
    Ok(Manifest {
        version: manifest::VERSION,
        consolidation: found.id.to_string(),
        departure: found.departure.clone(),
        mode: found.mode,
        carrier: found.carrier.clone(),
        master: found.master.clone(),
        from: station(deps, &found.from),
        to: station(deps, &found.to),
        depart_at: found.depart_at,
        arrive_at: found.arrive_at,
        closed_at: found.closed_at,
        totals: Totals::of(&units, &bags),
        units,
        bags,
    })
}

/// The labels of its bags, in their order.
pub async fn labels(deps: &Deps, found: &Consolidation) -> Result<Vec<BagLabel>, StoreError> {
    let bags = consolidations::bags(deps.store.reader(), found.id).await?;
    let of = bags.len() as u64;
    Ok(bags.into_iter().map(|bag| label_of(found, bag, of)).collect())
}

/// The label of one bag. None: there is no such bag in it.
pub async fn label(deps: &Deps, found: &Consolidation, sscc: Sscc) -> Result<Option<BagLabel>, StoreError> {
    let db = deps.store.reader();
    let bag = consolidations::bag(db, sscc).await?.filter(|bag| bag.consolidation == found.id);
    let Some(bag) = bag else { return Ok(None) };
    let of = consolidations::count_bags(db, found.id).await?;
    Ok(Some(label_of(found, bag, of)))
}

fn label_of(found: &Consolidation, bag: Bag, of: u64) -> BagLabel {
    BagLabel {
        sscc: bag.sscc,
        single_piece: bag.single_piece,
        number: u64::from(bag.number),
        of,
        gateway: bag.gateway,
        clearance: bag.clearance,
        last_mile_carrier: bag.last_mile_carrier,
        departure: found.departure.clone(),
        master: found.master.clone(),
        unit: bag.unit,
        weight_grams: bag.grams,
        parcels: u64::from(bag.parcels),
    }
}

fn station(deps: &Deps, code: &HubCode) -> Station {
    let network = deps.network.current();
    let hub = network.hub(code);
    Station {
        code: code.clone(),
        name: hub.map_or_else(|| code.to_string(), |hub| hub.name_en.clone()),
        zone: hub.map_or(Tz::UTC, |hub| hub.zone),
    }
}

/// The parcels of a consolidation by the number of their bag, in the order of shipments and parcels.
async fn contents(
    db: &impl Reads,
    id: ConsolidationId,
) -> Result<HashMap<Sscc, Vec<manifest::Parcel>>, StoreError> {
    let members = bag_parcels::of_consolidation(db, id).await?;
    let mut ids: Vec<ShipmentId> = members.iter().map(|member| member.parcel.shipment).collect();
    ids.dedup();
    let mut found: HashMap<ShipmentId, Shipment> = HashMap::with_capacity(ids.len());
    let mut parcels: BTreeMap<ParcelId, Parcel> = BTreeMap::new();
    for some in ids.chunks(500) {
        let some_found = shipments_at_once::find(db, some).await?.into_iter();
        found.extend(some_found.map(|shipment| (shipment.id, shipment)));
        parcels.extend(shipments::parcels_of(db, some).await?.into_iter().map(|parcel| (parcel.id, parcel)));
    }
    let mut contents: HashMap<_, Vec<_>> = HashMap::new();
    for member in members {
        let shipment = found.get(&member.parcel.shipment);
        if let Some((shipment, parcel)) = shipment.zip(parcels.get(&member.parcel)) {
            contents.entry(member.sscc).or_default().push(entry(shipment, parcel));
        }
    }
    Ok(contents)
}

fn entry(shipment: &Shipment, parcel: &Parcel) -> manifest::Parcel {
    let division = shipment.consignee.division;
    let atlas = Atlas::embedded();
    // Chongqing and its like are a province and a city in one.
    let city = atlas.division(division.city()).or_else(|| atlas.division(division.province()));
    let city = city.map(|place| place.name_en.clone());
    let items = &parcel.items;
    let described = items.iter().map(|item| format!("{} x {}", item.quantity, item.description));
    manifest::Parcel {
        id: parcel.id,
        house: HouseNumber::of(shipment.id),
        reference: parcel.reference.clone(),
        weight_grams: parcel.weight,
        size_mm: parcel.size,
        description: described.collect::<Vec<_>>().join("; "),
        hs_codes: once_each(items.iter().map(|item| item.hs_code.clone())),
        declared: declared(items),
        origins: once_each(items.iter().map(|item| item.origin)),
        dangerous: once_each(items.iter().filter_map(|item| Some(item.dangerous_goods.as_ref()?.un))),
        division,
        city: city.unwrap_or_default(),
    }
}

fn once_each<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// What the items are worth together, in each of their currencies.
fn declared(items: &[Item]) -> Vec<Money> {
    let mut sums: Vec<Money> = Vec::new();
    for item in items {
        let price = item.unit_price;
        let minor = price.minor.saturating_mul(i64::from(item.quantity));
        match sums.iter_mut().find(|sum| sum.currency == price.currency) {
            Some(sum) => sum.minor = sum.minor.saturating_add(minor),
            None => sums.push(Money::new(minor, price.currency)),
        }
    }
    sums
}
