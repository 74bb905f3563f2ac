//! What is known of one order's money when all is at rest: ours, the provider's, and the audit's, each held against the
//! others and against how its story has to end.

use std::collections::BTreeMap;

use sampan::domain::escrow::{Act, OrderState, ShareOf, TriggerAction};
use sampan::domain::event::{EventStatus, TrackingEvent};
use sampan::domain::id::{ParcelId, ShipmentId};
use sampan::domain::money::Money;
use sampan::domain::outbox::OutboxState;
use sampan::store::orders::{self, Trigger};
use sampan::store::{Store, events, shipments};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;

use super::invariants::{Books, Effects};
use super::shop::Order;
use super::story::{End, Story, needs_second_person};

pub struct Ledger {
    story: Story,
    inquires: bool,
    end: End,
    row: orders::Order,
    triggers: Vec<Trigger>,
    /// How each stands on its way out, by its key.
    ways: BTreeMap<String, Way>,
    events: Vec<TrackingEvent>,
    parcels: Vec<ParcelId>,
    chain: Vec<Entry>,
    /// What became of those that its provider sent.
    notices: Vec<String>,
}

struct Way {
    state: OutboxState,
    is_in_doubt: bool,
}

/// Of the audit's chain.
#[derive(Debug)]
struct Entry {
    actor: String,
    action: String,
    detail: Value,
}

impl Entry {
    fn act(&self) -> Option<Act> {
        (self.action == "order.act")
            .then(|| serde_json::from_value(self.detail.clone()).expect("an act as it was written"))
    }

    fn is_of(&self, action: &str, trigger: &Trigger) -> bool {
        self.action == action && self.detail["trigger"] == trigger.id.to_string()
    }
}

impl Ledger {
    pub async fn read(books: &Books<'_>, order: &Order, id: ShipmentId) -> Self {
        let db = books.store.reader();
        let triggers = orders::triggers(db, id).await.expect("triggers");
        let parcels = shipments::parcels(db, id).await.expect("parcels");
        let mut ways = BTreeMap::new();
        for trigger in &triggers {
            let message = sampan::store::outbox::find(db, trigger.id).await.expect("the outbox");
            let message = message.unwrap_or_else(|| panic!("2: {trigger:?} has no message"));
            let way = Way { state: message.state, is_in_doubt: message.is_in_doubt() };
            ways.insert(trigger.id.to_string(), way);
        }
        let row = orders::of_shipment(db, id).await.expect("an order");
        let mut ends = order.story.ends(order.held);
        let place = ends.iter().position(|end| end.state == row.state).unwrap_or(0);
        let end = ends.swap_remove(place);
        Self {
            story: order.story,
            inquires: books.inquires,
            end,
            row,
            triggers,
            ways,
            events: events::of_shipment(db, id).await.expect("events"),
            parcels: parcels.iter().map(|parcel| parcel.id).collect(),
            chain: chain(books.store, id).await,
            notices: notices(books.store, &order.payment_reference).await,
        }
    }

    /// For each part of the money that goes by itself.
    fn is_done(&self, action: TriggerAction) -> bool {
        let is_of = |trigger: &&Trigger, share: ShareOf| {
            trigger.facts.action == action
                && trigger.facts.parcel == share
                && trigger.acknowledged_at.is_some()
        };
        self.shares().iter().all(|share| self.triggers.iter().any(|trigger| is_of(&trigger, *share)))
    }

    fn shares(&self) -> Vec<ShareOf> {
        if self.story != Story::PlainByParcel {
            return vec![None];
        }
        self.parcels.iter().map(|parcel| Some(parcel.number)).collect()
    }

    /// One trigger and one key for what happens once; what is acknowledged took effect, what is not did not and is on
    /// its way no more. Says how many of them the provider knows.
    pub fn invariant_2_each_trigger_takes_effect_once_or_never(&self, effects: &Effects) -> usize {
        let (row, story) = (&self.row, self.story);
        let why = (&row.frozen_because, &self.notices);
        assert_eq!(row.state, self.end.state, "2: {story:?} of {} ({why:?}): {:#?}", row.id, self.chain);
        let of = |trigger: &Trigger| (trigger.facts.action, trigger.facts.parcel);
        let mut actions: Vec<_> = self.triggers.iter().map(of).collect();
        actions.retain(|(action, _)| action.happens_once());
        let all = actions.len();
        actions.sort_unstable();
        actions.dedup();
        assert_eq!(actions.len(), all, "2: one trigger for each action of {story:?} {}", row.id);
        for action in &self.end.done {
            assert!(self.is_done(*action), "2: {action} of {story:?} {} was lost", row.id);
        }
        for trigger in &self.triggers {
            let action = trigger.facts.action;
            let effect = effects.get(&trigger.id.to_string());
            let way = &self.ways[&trigger.id.to_string()];
            let took_effect = effect.is_some_and(|effect| effect.took_effect);
            let about = format!("{story:?}: {trigger:?} is {}, the provider has {effect:?}", way.state);
            let is_known = trigger.acknowledged_at.is_some();
            assert_eq!(is_known, way.state == OutboxState::Acknowledged, "2: {about}");
            let is_expected = !action.happens_once()
                || self.end.done.contains(&action)
                || self.end.possible.contains(&action);
            assert!(is_expected || !took_effect, "2: not in its story, and took effect: {about}");
            if let Some(effect) = effect {
                let ours = (row.id.to_string(), action.to_string());
                assert_eq!((effect.order.clone(), effect.action.clone()), ours, "2: another's key");
            }
            // Whether it took effect a person finds out, where the provider cannot be asked; never of money.
            let moves = matches!(action, TriggerAction::ConfirmReceipt | TriggerAction::Refund);
            let is_doubted = way.is_in_doubt && !self.inquires && !moves;
            let is_over = match way.state {
                OutboxState::Acknowledged => took_effect,
                // A freeze that is taken back while it is on its way may be heard; then its opposite is heard too.
                OutboxState::Parked => !took_effect || is_doubted || !action.happens_once(),
                // The provider refused it.
                OutboxState::Dead => effect.is_some_and(|effect| !effect.took_effect),
                OutboxState::Frozen => is_doubted || row.state == OrderState::Frozen && !took_effect,
                OutboxState::Pending | OutboxState::Waiting => false,
            };
            assert!(is_over, "2: {about}");
        }
        self.triggers.iter().filter(|trigger| effects.contains_key(&trigger.id.to_string())).count()
    }

    /// Of each confirmation.
    pub fn invariant_3_a_confirmation_has_its_grounds(&self) {
        let is_confirm = |trigger: &&Trigger| trigger.facts.action == TriggerAction::ConfirmReceipt;
        for confirm in self.triggers.iter().filter(is_confirm) {
            self.has_evidence(confirm);
            self.nothing_spoke_against(confirm);
        }
    }

    /// A delivered event of every parcel that it is about, stored with the trigger.
    fn has_evidence(&self, confirm: &Trigger) {
        let evidence = &confirm.facts.evidence;
        let is_concerned =
            |parcel: &&ParcelId| confirm.facts.parcel.is_none_or(|number| number == parcel.number);
        let concerned: Vec<_> = self.parcels.iter().filter(is_concerned).collect();
        assert_eq!(evidence.parcels.len(), concerned.len(), "3: evidence for each parcel: {evidence:?}");
        for parcel in concerned {
            let proof = evidence.parcels.iter().find(|proof| proof.parcel == *parcel);
            let proof = proof.unwrap_or_else(|| panic!("3: no evidence for {parcel}: {evidence:?}"));
            let stands = self.events.iter().any(|event| {
                event.parcel == Some(parcel.number)
                    && event.happening.status == EventStatus::Delivered
                    && event.happening.occurred.at == proof.occurred_at
            });
            assert!(stands && proof.status == "delivered", "3: no event stands behind {proof:?}");
        }
    }

    /// No dispute and no freeze at that moment; where there is a window, the buyer's word.
    fn nothing_spoke_against(&self, confirm: &Trigger) {
        let (mut disputes, mut is_frozen, mut is_confirmed) = (0, false, false);
        for entry in self.before("trigger.issued", confirm) {
            match entry.act() {
                Some(Act::DisputeOpened { .. }) => disputes += 1,
                Some(Act::DisputeWithdrawn { .. } | Act::DisputeClosed { .. }) => disputes -= 1,
                Some(Act::Frozen { .. }) => is_frozen = true,
                Some(Act::Thawed { .. }) => is_frozen = false,
                Some(Act::BuyerConfirmed) => is_confirmed = true,
                Some(
                    Act::BuyerExtended { .. }
                    | Act::RefundOrdered { .. }
                    | Act::RefundApproved { .. }
                    | Act::RefundWithdrawn { .. }
                    | Act::Revived
                    | Act::ProviderReleased { .. }
                    | Act::ProviderRefunded { .. }
                    | Act::DisputedThere(_),
                )
                | None => {}
            }
        }
        let story = self.story;
        assert!(
            disputes == 0 && !is_frozen,
            "3: {story:?}: {confirm:?} was made while something spoke against it"
        );
        let has_window = self.row.policy.release == sampan::domain::escrow::ReleaseMode::AfterWindow;
        assert!(is_confirmed || !has_window, "3: {story:?}: {confirm:?} was made within the window");
    }

    /// What was not acknowledged when the order froze is taken out at once, before anything else becomes of it.
    pub fn invariant_3_what_is_on_its_way_is_taken_out_of_a_frozen_order(&self) {
        let moves = [TriggerAction::ConfirmReceipt, TriggerAction::Refund];
        let whole = |trigger: &&Trigger| trigger.facts.parcel.is_none();
        for trigger in self.triggers.iter().filter(whole).filter(|one| moves.contains(&one.facts.action)) {
            let (mut is_open, mut has_to_go) = (false, false);
            for entry in &self.chain {
                has_to_go |= is_open && entry.action == "order.state" && entry.detail["to"] == "frozen";
                if entry.detail["trigger"] != trigger.id.to_string() || entry.action == "trigger.rewritten" {
                    continue;
                }
                let (action, story) = (entry.action.as_str(), self.story);
                assert!(!has_to_go || action == "trigger.taken_out", "3: {story:?}: {action} of {trigger:?}");
                has_to_go = false;
                is_open = matches!(action, "trigger.issued" | "trigger.put_back" | "trigger.revived");
            }
            assert!(!has_to_go, "3: {:?}: {trigger:?} was left on its way", self.story);
        }
    }

    /// By the provider's own books: each part once, and to whom the story says.
    pub fn invariant_4_the_money_went_where_it_should(&self, effects: &Effects, trade: Option<&Value>) {
        let (story, held) = (self.story, self.row.held);
        let row_is = |state: OrderState| self.row.state == state;
        let minor = |field: &str| trade.map_or(0, |trade| trade[field].as_i64().expect("a number"));
        let (released, refunded) = (minor("released_minor"), minor("refunded_minor"));
        assert!(released + refunded <= held.minor, "4: {released} and {refunded} of {held:?} moved");
        let expected = (self.end.released_minor, self.end.refunded_minor);
        assert_eq!((released, refunded), expected, "4: {story:?} of {held:?}: {trade:?}");
        let mut ours = BTreeMap::new();
        for trigger in &self.triggers {
            let effect = effects.get(&trigger.id.to_string()).filter(|effect| effect.took_effect);
            let Some(effect) = effect else { continue };
            *ours.entry(trigger.facts.action).or_insert(0) += effect.moved_minor;
            if effect.moved_minor > 0 {
                let said = Money::parse(&trigger.facts.amount, held.currency).expect("an amount");
                assert_eq!(effect.moved_minor, said.minor, "4: {trigger:?} moved another amount");
            }
        }
        let moved = |action| ours.get(&action).copied().unwrap_or(0);
        let by_itself = minor("released_by_itself_minor");
        assert!(by_itself == 0 || story.may_be_released_by_provider(), "4: {story:?} {trade:?}");
        // In a race the money may move while the provider is told that it may not.
        let (is_frozen, says) = (row_is(OrderState::Frozen), trade.map(|trade| &trade["frozen"]));
        if is_frozen || row_is(OrderState::Confirmed) && !story.is_a_race() {
            assert_eq!(says, Some(&Value::Bool(is_frozen)), "4: the provider of {story:?} {trade:?}");
        }
        let all = (moved(TriggerAction::ConfirmReceipt) + by_itself, moved(TriggerAction::Refund));
        assert_eq!(all, (released, refunded), "4: what moved is what we are told of, {story:?}");
        let others =
            [TriggerAction::Shipped, TriggerAction::Delivered, TriggerAction::Freeze, TriggerAction::Thaw];
        assert_eq!(others.map(moved), [0; 4], "4: {story:?} moves money by the wrong word");
    }

    /// What was issued before it was acknowledged, and something that somebody did, or that happened, before that.
    pub fn invariant_8_every_effect_has_grounds_in_the_chain(&self) {
        for trigger in self.triggers.iter().filter(|trigger| trigger.acknowledged_at.is_some()) {
            let story = self.story;
            let times = |action| self.chain.iter().filter(|entry| entry.is_of(action, trigger)).count();
            let counted = (times("trigger.issued"), times("trigger.acknowledged"));
            assert_eq!(counted, (1, 1), "8: {story:?}: the chain does not know {trigger:?} once");
            let place = |action| self.chain.iter().position(|entry| entry.is_of(action, trigger));
            assert!(place("trigger.issued") < place("trigger.acknowledged"), "8: {trigger:?}");
            let before: Vec<&Entry> = self.before("trigger.issued", trigger).collect();
            let did =
                |is: fn(&Act) -> bool| before.iter().any(|entry| entry.act().is_some_and(|act| is(&act)));
            let has_grounds = match trigger.facts.action {
                TriggerAction::Shipped | TriggerAction::Delivered | TriggerAction::ConfirmReceipt => {
                    !trigger.facts.evidence.parcels.is_empty()
                }
                TriggerAction::Refund => is_refund_in_order(&before, self.row.held),
                TriggerAction::Freeze => {
                    story == Story::CalledOff
                        || did(|act| {
                            matches!(
                                act,
                                Act::Frozen { .. } | Act::DisputeOpened { .. } | Act::RefundOrdered { .. }
                            )
                        })
                }
                TriggerAction::Thaw => did(|act| {
                    matches!(
                        act,
                        Act::Thawed { .. }
                            | Act::DisputeWithdrawn { .. }
                            | Act::DisputeClosed { .. }
                            | Act::RefundApproved { .. }
                    )
                }),
                // No storm's orders come into China by a way that has its payments declared.
                TriggerAction::DeclareCustoms => false,
            };
            assert!(has_grounds, "8: {story:?}: nothing in the chain stands behind {trigger:?}");
        }
    }

    /// What people were told that it is done, and nothing twice.
    pub fn invariant_8_everybodys_word_is_in_the_chain(&self) {
        let (story, mut expected) = (self.story, self.story.acts(self.row.held));
        let mut found = BTreeMap::<String, usize>::new();
        for act in self.chain.iter().filter(|entry| entry.action == "order.act") {
            *found.entry(act.detail["act"].as_str().expect("its kind").to_owned()).or_default() += 1;
        }
        for (kind, times) in &found {
            let (fewest, most) = expected.remove(kind.as_str()).unwrap_or((0, 0));
            assert!((fewest..=most).contains(times), "8: {story:?}: {kind} is in the chain {times} times");
        }
        let lost: Vec<_> = expected.iter().filter(|(_, (fewest, _))| *fewest > 0).collect();
        assert!(lost.is_empty(), "8: {story:?}: the chain knows nothing of {lost:?}");
    }

    fn before(&self, action: &'static str, trigger: &Trigger) -> impl Iterator<Item = &Entry> {
        self.chain.iter().take_while(move |entry| !entry.is_of(action, trigger))
    }
}

/// Ordered by one person, and where the amount asks for it approved by another.
fn is_refund_in_order(before: &[&Entry], held: Money) -> bool {
    let mut ordered = None;
    for entry in before {
        match entry.act() {
            Some(Act::RefundOrdered { amount_minor, .. }) => {
                let amount = Money::new(amount_minor, held.currency);
                ordered = Some((entry.actor.clone(), !needs_second_person(amount)));
            }
            Some(Act::RefundApproved { .. }) => {
                if let Some((by, is_approved)) = &mut ordered {
                    *is_approved |= *by != entry.actor;
                }
            }
            Some(_) | None => {}
        }
    }
    ordered.is_some_and(|(_, is_approved)| is_approved)
}

async fn chain(store: &Store, id: ShipmentId) -> Vec<Entry> {
    let db = store.reader();
    let sql = "SELECT actor, action, detail FROM audit_entry WHERE shipment_id = $1 ORDER BY seq";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.uuid().into()]);
    let rows = db.query_all_raw(statement).await.expect("the audit's chain");
    let entry = |row: &sea_orm::QueryResult| {
        let text = |column: &str| row.try_get::<String>("", column).expect("a text");
        let detail = serde_json::from_str(&text("detail")).expect("JSON");
        Entry { actor: text("actor"), action: text("action"), detail }
    };
    rows.iter().map(entry).collect()
}

async fn notices(store: &Store, payment_reference: &str) -> Vec<String> {
    let db = store.reader();
    let sql = "SELECT 'tried ' || CAST(attempts AS TEXT) || ' times, settled ' \
         || COALESCE(CAST(settled_at AS TEXT), 'never') || ': ' || COALESCE(problem, 'taken in') AS n \
         FROM escrow_notice WHERE notice_id = $1";
    let values = [format!("notice {payment_reference}").into()];
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await;
    let rows = rows.expect("what the provider sent");
    rows.iter().map(|row| row.try_get::<String>("", "n").expect("a text")).collect()
}
