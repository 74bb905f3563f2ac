//! Notices whose provider says itself, when it is asked, whether it sent them.
//!
//! Asking costs a call, and anybody can make us ask: so nobody is asked about a payment that no order of ours has, about
//! a notice that is kept already, or about more than a few at a time; about one that nobody can read only when no other
//! is being asked about. What the provider does not say is refused for now, and comes again; nothing is kept before it
//! says yes.

use super::NoticeError;
use crate::escrow::provider::{NotBelieved, Notice, Provider, Said, Vouched};
use crate::escrow::registry::payment_of;
use crate::flows::{Deps, ask_providers};
use crate::store::{escrow_notices, orders};

/// None: it is to be acknowledged, and there is nothing in it to keep.
pub async fn vouched(
    deps: &Deps,
    provider: &Provider,
    vouched: &dyn Vouched,
    header: &(dyn Fn(&str) -> Option<String> + Sync),
    body: &[u8],
) -> Result<Option<Notice>, NoticeError> {
    let Some(notice) = vouched.read(body)? else { return Ok(None) };
    // Before anything else is looked up: what no signature is on is not heard at all.
    let question = vouched.ask(&header, body)?;
    let db = deps.store.reader();
    let is_unreadable = matches!(notice.says, Said::Unreadable(_));
    let payment = payment_of(provider.name, &notice.payment_reference);
    let is_ours = orders::owner_of_payment(db, provider.name, payment).await?.is_some();
    if !(is_ours || is_unreadable) || escrow_notices::is_kept(db, provider.name, &notice.id).await? {
        return Ok(None);
    }
    let Some(_turn) = deps.passes.turn_to_vouch(is_ours) else {
        return Err(NoticeError::NotNow("too many notices are being asked about".to_owned()));
    };
    let answer = ask_providers::send(deps, provider, question).await;
    let answer = answer.map_err(|error| NoticeError::NotNow(error.to_string()))?;
    match vouched.read_word(&answer).map_err(NoticeError::NotNow)? {
        true => Ok(Some(notice)),
        false => Err(NotBelieved("the provider says that it did not send this".to_owned()).into()),
    }
}
