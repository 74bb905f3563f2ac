//! What operators are shown of orders' money: one, and those that wait for a person. Reads only.

use std::fmt;
use std::str::FromStr;

use super::Deps;
use super::views::{OrderPage, OrderView};
use crate::domain::escrow::OrderState;
use crate::domain::instant::from_micros;
use crate::store::StoreError;
use crate::store::orders::{self, Order};
use crate::store::waiting_orders::{self, Place, STATES, waiting};

pub async fn one(deps: &Deps, order: &Order) -> Result<OrderView, StoreError> {
    let acts = orders::acts(deps.store.reader(), order).await?;
    Ok(OrderView::new(order, &acts))
}

/// A state in which orders wait for a person.
pub fn read_state(text: &str) -> Result<OrderState, String> {
    let state = STATES.into_iter().find(|state| state.as_str() == text);
    state.ok_or_else(|| format!("has to be {}", STATES.map(|state| state.to_string()).join(" or ")))
}

/// Behind which order a page goes on, as callers keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(Place);

#[derive(Debug, thiserror::Error)]
#[error("is none that was given out")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self((at, shipment)) = self;
        write!(f, "{}.{shipment}", at.timestamp_micros())
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (at, shipment) = text.split_once('.').ok_or(BadCursor)?;
        let at = from_micros(at.parse().map_err(|_| BadCursor)?);
        Ok(Self((at, shipment.parse().map_err(|_| BadCursor)?)))
    }
}

/// Orders that wait for a person, in one state or in all of those: two or three questions, however many they are.
pub async fn waiting_page(
    deps: &Deps,
    state: Option<OrderState>,
    after: Option<Cursor>,
    limit: usize,
) -> Result<OrderPage, StoreError> {
    let db = deps.store.reader();
    let place = |order: &Order| (order.updated_at, order.shipment);
    let mut found = Vec::new();
    for state in STATES.into_iter().filter(|one| state.is_none_or(|state| state == *one)) {
        // One more than asked for tells whether there is another page.
        found.extend(waiting(db, state, after.map(|Cursor(place)| place), limit as u64 + 1).await?);
    }
    found.sort_by_key(place);
    let more = found.len() > limit;
    found.truncate(limit);
    let acts = waiting_orders::acts(db, &found).await?;
    let view = |order: &Order| OrderView::new(order, acts.get(&order.shipment).map_or(&[], Vec::as_slice));
    let last = found.last().filter(|_| more).map(|last| Cursor(place(last)).to_string());
    Ok(OrderPage { orders: found.iter().map(view).collect(), next_cursor: last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ShipmentId;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        let cursor = Cursor((from_micros(-5), ShipmentId::from_uuid(uuid::Uuid::from_u128(7))));
        assert_eq!(cursor.to_string().parse::<Cursor>().expect("a cursor"), cursor);
        for bad in ["", ".", "5", "5.", "5.shp_", "x.shp_00000000000000000000000007"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
