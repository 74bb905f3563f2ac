//! What we hold of orders' money, compared with what their providers say of it.
//!
//! Provider by provider and page by page: every order whose money has not moved, then every one that was settled in the
//! last days. Each order is read, asked about and read again: one that changed meanwhile is asked
//! about once more, and one that is being sent to at this moment is left to the next comparison. Only so many are
//! asked about at once, and a provider that answers no more is left alone, which is said.
//!
//! Nothing is changed but what the provider's answer proves, and that in the way of its notices and of triggers in
//! doubt ([`prove`]). What is proven is committed before its page is saved: a crash between the two leaves the order
//! right, and the difference in its audit alone.

mod ask;
pub mod nightly;
mod prove;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::ask::Asked;
use super::Deps;
use crate::domain::id::ShipmentId;
use crate::domain::instant::Instant;
use crate::escrow::provider::Provider;
use crate::escrow::reconciliation::report::Totals;
use crate::escrow::reconciliation::{Account, Difference, DifferenceKind, Hold, compare};
use crate::store::StoreError;
use crate::store::reconciliations::{self, Days};

/// Orders of one page.
const PAGE: usize = 32;
/// So many questions without an answer, one after the other: the provider is down.
const UNANSWERED_MAX: u32 = 5;

/// What is compared.
#[derive(Debug, Clone)]
pub struct Scope {
    /// None: every one.
    pub provider: Option<String>,
    pub days: Days,
}

/// Where a comparison goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Place {
    /// With the next provider behind this one.
    Behind {
        provider: String,
    },
    Open {
        provider: String,
        after: ShipmentId,
        unanswered: u32,
    },
    Settled {
        provider: String,
        after_at: Instant,
        after: ShipmentId,
        unanswered: u32,
    },
    Over,
}

impl Place {
    pub fn beginning() -> Self {
        Place::Behind { provider: String::new() }
    }
}

#[derive(Debug)]
pub struct Page {
    pub differences: Vec<Difference>,
    pub totals: Totals,
    pub next: Place,
}

impl Page {
    fn new(differences: Vec<Difference>, next: Place) -> Self {
        let mut totals = Totals::default();
        totals.count(&differences);
        Self { differences, totals, next }
    }
}

/// One page further.
pub async fn step(deps: &Deps, scope: &Scope, place: Place) -> Result<Page, StoreError> {
    let db = deps.store.reader();
    match place {
        Place::Over => Ok(Page::new(Vec::new(), Place::Over)),
        Place::Behind { provider } => next_provider(deps, scope, &provider).await,
        Place::Open { provider, after, unanswered } => {
            let found = reconciliations::open(db, &provider, after, PAGE).await?;
            let next = match found.last() {
                Some(last) => Place::Open { provider: provider.clone(), after: *last, unanswered },
                None => settled_of(&provider, scope, unanswered),
            };
            of_orders(deps, scope, &provider, &found, next).await
        }
        Place::Settled { provider, after_at, after, unanswered } => {
            let (behind, began_at) = ((after_at, after), scope.days.began_at);
            let found = reconciliations::settled(db, &provider, behind, began_at, PAGE).await?;
            let next = match found.last().copied() {
                Some((after_at, after)) => {
                    Place::Settled { provider: provider.clone(), after_at, after, unanswered }
                }
                None => Place::Behind { provider: provider.clone() },
            };
            let shipments: Vec<ShipmentId> = found.into_iter().map(|(_, shipment)| shipment).collect();
            of_orders(deps, scope, &provider, &shipments, next).await
        }
    }
}

fn settled_of(provider: &str, scope: &Scope, unanswered: u32) -> Place {
    let (provider, after) = (provider.to_owned(), ShipmentId::from_uuid(Uuid::nil()));
    Place::Settled { provider, after_at: scope.days.since, after, unanswered }
}

async fn next_provider(deps: &Deps, scope: &Scope, after: &str) -> Result<Page, StoreError> {
    let db = deps.store.reader();
    let next = match &scope.provider {
        Some(only) => Some(only.clone()).filter(|only| after < only.as_str()),
        None => reconciliations::next_provider(db, after).await?,
    };
    let Some(name) = next else { return Ok(Page::new(Vec::new(), Place::Over)) };
    let nobody = ShipmentId::from_uuid(Uuid::nil());
    if deps.providers.get(&name).is_some_and(|provider| provider.abilities.inquire.is_some()) {
        let next = Place::Open { provider: name, after: nobody, unanswered: 0 };
        return Ok(Page::new(Vec::new(), next));
    }
    let has_open = !reconciliations::open(db, &name, nobody, 1).await?.is_empty();
    let found = has_open.then(|| {
        let theirs = match deps.providers.get(&name) {
            Some(_) => "there is no way to ask it",
            None => "it is not configured",
        };
        let ours = "it holds orders' money".to_owned();
        Difference::of_provider(DifferenceKind::CannotBeAsked, &name, ours, theirs.to_owned())
    });
    Ok(Page::new(found.into_iter().collect(), Place::Behind { provider: name }))
}

/// Asks about the orders of some shipments. `next`: where it goes on if the provider answers.
async fn of_orders(
    deps: &Deps,
    scope: &Scope,
    name: &str,
    shipments: &[ShipmentId],
    mut next: Place,
) -> Result<Page, StoreError> {
    let Some(provider) = deps.providers.get(name) else {
        return Ok(Page::new(Vec::new(), Place::Behind { provider: name.to_owned() }));
    };
    let mut page = Page::new(Vec::new(), Place::Over);
    let mut unanswered = match &next {
        Place::Open { unanswered, .. } | Place::Settled { unanswered, .. } => *unanswered,
        Place::Behind { .. } | Place::Over => 0,
    };
    let together = deps.settings.escrow.reconciliation.concurrency_max;
    for some in shipments.chunks(together) {
        let asked = join_all(some.iter().map(|shipment| ask::about(deps, provider, *shipment, scope.days)));
        let asked: Vec<Asked> = asked.await.into_iter().collect::<Result<_, _>>()?;
        let silent = take_in(deps, provider, asked, &mut page, &mut unanswered).await?;
        if unanswered >= UNANSWERED_MAX {
            let theirs = silent.unwrap_or_default();
            let ours = "not all of its orders were compared".to_owned();
            let down = Difference::of_provider(DifferenceKind::ProviderDown, name, ours, theirs);
            page.differences.push(down);
            next = Place::Behind { provider: name.to_owned() };
            break;
        }
    }
    page.totals.count(&page.differences);
    page.next = going_on(next, unanswered);
    Ok(page)
}

fn going_on(next: Place, now_unanswered: u32) -> Place {
    match next {
        Place::Open { provider, after, .. } => Place::Open { provider, after, unanswered: now_unanswered },
        Place::Settled { provider, after_at, after, .. } => {
            Place::Settled { provider, after_at, after, unanswered: now_unanswered }
        }
        next @ (Place::Behind { .. } | Place::Over) => next,
    }
}

/// Compares what some orders' questions came to, and has believed what is proven. Why the last of them was not
/// answered, if it was not.
async fn take_in(
    deps: &Deps,
    provider: &Provider,
    asked: Vec<Asked>,
    page: &mut Page,
    unanswered: &mut u32,
) -> Result<Option<String>, StoreError> {
    let mut silent = None;
    let (mut holds, mut accounts): (Vec<Hold>, Vec<Account>) = (Vec::new(), Vec::new());
    for one in asked {
        match one {
            Asked::Changing => page.totals.changing += 1,
            Asked::Gone => {}
            Asked::Said(hold, account) => {
                match &account.trade {
                    Ok(_) => (*unanswered, silent) = (0, None),
                    Err(silence) if silence.is_down => {
                        *unanswered += 1;
                        silent = Some(silence.reason.clone());
                    }
                    Err(_) => {}
                }
                page.totals.orders += u64::from(account.trade.is_ok());
                page.totals.triggers += account.commands.len() as u64;
                holds.push(*hold);
                accounts.push(account);
            }
        }
    }
    for mut difference in compare(&holds, &accounts, deps.clock.wall()) {
        let trade = accounts.iter().find(|account| Some(account.order) == difference.order);
        let trade = trade.and_then(|account| account.trade.as_ref().ok());
        prove::prove(deps, provider, &mut difference, trade).await?;
        page.differences.push(difference);
    }
    Ok(silent)
}
