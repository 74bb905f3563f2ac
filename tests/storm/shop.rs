//! Those who want something of the daemons, and don't give up.
//!
//! Each shop sends one order after the other through all that happens to it: [`Act`] by act, each repeated until
//! it is answered, at whichever daemon listens. What they were answered is remembered, and held against the
//! daemons when the storm is over.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta};
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::sync::watch;

use sampan::domain::money::Money;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::fleet::Fleet;
use super::record::{Record, count, held, person};
use super::story::{Deed, Story};
use crate::support::app::Keys;
use crate::support::http::{Client, Response, send};
use crate::support::journey::{Scan, long_ago, pickup, scans, tracking_number};
use crate::support::world::World;

/// What happens to an order from outside, in the order of [`acts`].
#[derive(Debug, Clone)]
enum Act {
    /// The merchant asks for the same pickup again, at two doors at once.
    PickupAgain,
    /// The merchant looks at the shipment.
    Look,
    /// The buyer looks at it.
    Track,
    CallOff,
    /// Under way to the buyer: too late.
    CallOffTooLate,
    Scan(Scan),
    /// The carrier gets to know a parcel's number.
    Label(String),
    /// Something is done about its money.
    Do(Deed),
}

/// An order that was answered 201.
#[derive(Debug, Clone)]
pub struct Order {
    pub body: String,
    pub key: String,
    /// What was answered, word by word.
    pub answer: String,
    pub id: String,
    pub tracking_token: String,
    pub numbers: Vec<String>,
    pub scans: usize,
    pub held: Money,
    pub payment_reference: String,
    pub story: Story,
}

/// What somebody was answered, and whether an answer to the same question may have been lost before.
pub struct Answer {
    pub response: Response,
    pub again: bool,
}

/// What all shops share.
pub struct Street {
    pub fleet: Arc<Fleet>,
    pub world: Arc<World>,
    pub keys: Keys,
    pub record: Arc<Record>,
    /// Orders that were sent all the way.
    pub done: Mutex<Vec<Order>>,
    /// How many orders may have been begun so far: load goes with the storm, and ends when it does.
    pub allowed: watch::Receiver<Option<usize>>,
    pub begun: Mutex<usize>,
    /// Two people's, as an `Authorization` header has them.
    pub operators: [String; 2],
    /// Whether the provider can be asked.
    pub inquires: bool,
    /// Orders that somebody does something about once they are at the door.
    pub at_the_door: Mutex<Option<UnboundedSender<Order>>>,
    pub doors: tokio::sync::Mutex<UnboundedReceiver<Order>>,
}

pub struct Shop {
    pub street: Arc<Street>,
    pub dice: Rng,
}

const PICKUP_LINES: usize = 200;
const TRY_AGAIN_EVERY: Duration = Duration::from_millis(10);
/// A storm leaves no question unanswered for so long, if it was asked so often.
const HOPELESS: Duration = Duration::from_secs(900);
const TRIES_MIN: u32 = 100;

impl Shop {
    /// Until no order is allowed any more.
    pub async fn open(mut self) {
        while self.may_begin().await {
            self.order().await;
        }
    }

    async fn may_begin(&mut self) -> bool {
        let mut allowed = self.street.allowed.clone();
        loop {
            let Some(most) = *allowed.borrow_and_update() else { return false };
            {
                let mut begun = held(&self.street.begun);
                if *begun < most {
                    *begun += 1;
                    return true;
                }
            }
            if allowed.changed().await.is_err() {
                return false;
            }
        }
    }

    async fn order(&mut self) {
        let story = Story::draw(&mut self.dice, self.street.inquires);
        let body = body(&mut self.dice, story);
        let key = format!("key of {}", body["reference"].as_str().expect("a reference"));
        let payment_reference = body["payment"]["reference"].as_str().expect("a reference").to_owned();
        self.pay(&payment_reference, held_for(&body)).await;
        let answer = self.ask("a pickup", async |client| client.post_pickup(&body, Some(&key)).await).await;
        let answer = answer.response;
        if answer.status == 422 && answer.text().contains("urn:sampan:problem:no-route") {
            count(&self.street.record.refused);
            return;
        }
        if answer.status != 201 {
            self.street.record.problem(format!(
                "a good pickup was refused with {}: {}",
                answer.status,
                answer.text()
            ));
            return;
        }
        let accepted = answer.json();
        let is_collected = story != Story::CalledOff;
        let scans = if is_collected { scans(&accepted, long_ago() - TimeDelta::days(2)) } else { Vec::new() };
        let parcels = accepted["parcels"].as_array().expect("parcels");
        let text = |field: &str| accepted[field].as_str().expect("a text").to_owned();
        let order = Order {
            body: body.to_string(),
            key,
            answer: answer.text(),
            id: text("id"),
            tracking_token: text("tracking_token"),
            numbers: parcels.iter().map(tracking_number).collect(),
            scans: scans.len(),
            held: held_for(&body),
            payment_reference,
            story,
        };
        for act in acts(&order, scans, &mut self.dice) {
            self.act(&order, &body, act).await;
        }
        held(&self.street.done).push(order.clone());
        if let Some(at_the_door) = held(&self.street.at_the_door).as_ref() {
            at_the_door.send(order).expect("somebody at the door");
        }
    }

    /// What is left to do about orders once they are with the courier, until no more come.
    pub async fn stand_at_the_door(mut self) {
        let street = Arc::clone(&self.street);
        loop {
            let next = street.doors.lock().await.recv().await;
            let Some(order) = next else { return };
            for deed in order.story.at_the_door() {
                self.do_deed(&order, deed).await;
            }
        }
    }

    async fn act(&mut self, order: &Order, body: &Value, act: Act) {
        let path = format!("/v1/shipments/{}", order.id);
        let (answer, fine): (Answer, &[u16]) = match &act {
            Act::PickupAgain => return self.pickup_again(order, body).await,
            Act::Label(number) => {
                let number = number.parse().expect("a tracking number");
                return self.street.world.carrier.book_at(number, "Shanghai", long_ago());
            }
            Act::Do(deed) => return self.do_deed(order, *deed).await,
            Act::Look => (self.ask("a look", async |client| client.get(&path).await).await, &[200]),
            Act::Track => (self.track(order).await, &[200]),
            Act::CallOff => (self.call_off(&path).await, &[200]),
            Act::CallOffTooLate => (self.call_off(&path).await, &[409]),
            Act::Scan(scan) => {
                let scanned = async |client: &Client| client.scan(&scan.hub, &scan.body).await;
                // 200: it was recorded, and nobody could say so.
                (self.ask("a scan", scanned).await, &[200, 201])
            }
        };
        let answer = answer.response;
        if !fine.contains(&answer.status) {
            let problem =
                format!("{act:?} of {} was answered {}: {}", order.id, answer.status, answer.text());
            self.street.record.problem(problem);
        }
    }

    async fn pickup_again(&mut self, order: &Order, body: &Value) {
        let mut other = Shop { street: Arc::clone(&self.street), dice: self.dice.fork() };
        let again = async |client: &Client| client.post_pickup(body, Some(&order.key)).await;
        let both = tokio::join!(self.ask("a pickup again", again), other.ask("a pickup again", again));
        for answer in [both.0.response, both.1.response] {
            if answer.status != 201 || answer.text() != order.answer {
                let said = answer.text();
                self.street
                    .record
                    .problem(format!("{} was answered otherwise the second time: {said}", order.key));
            }
        }
    }

    async fn call_off(&mut self, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.street.keys.api_key);
        let path = format!("{path}/cancel");
        let headers = [("authorization", bearer.as_str())];
        self.ask("a cancellation", async |client| send(client.address, "POST", &path, &headers, b"").await)
            .await
    }

    async fn track(&mut self, order: &Order) -> Answer {
        let front = if self.dice.bool() { "/track" } else { "/v1/tracking" };
        let path = format!("{front}/{}", order.tracking_token);
        let answer = self
            .ask("a buyer's look", async |client| send(client.address, "GET", &path, &[], b"").await)
            .await;
        if let Some(found) = person::found_in(&answer.response.text()) {
            self.street.record.problem(format!("{path} shows {found:?}"));
        }
        answer
    }

    /// Asks until there is an answer, as anybody does who has something to lose.
    pub async fn ask(
        &mut self,
        what: &str,
        question: impl AsyncFn(&Client) -> io::Result<Response>,
    ) -> Answer {
        let (begun, record) = (Instant::now(), Arc::clone(&self.street.record));
        let mut ticks = tokio::time::interval(TRY_AGAIN_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut last, mut again, mut tries) = (String::new(), false, 0);
        loop {
            ticks.tick().await;
            tries += 1;
            let is_hopeless = begun.elapsed() > HOPELESS && tries > TRIES_MIN;
            assert!(!is_hopeless, "{what} was not answered within {HOPELESS:?}: {last}");
            let Some(address) = self.street.fleet.any(&mut self.dice) else { continue };
            let client = Client { address, keys: self.street.keys.clone() };
            let asked = tokio::time::timeout(HOPELESS, question(&client)).await;
            let asked_before = std::mem::replace(&mut again, true);
            match asked {
                Err(_) => record.problem(format!("{what}: neither an answer nor an end within {HOPELESS:?}")),
                Ok(Err(error)) => {
                    count(&record.unanswered);
                    last = error.to_string();
                }
                Ok(Ok(answer)) if is_for_now(&answer) => {
                    count(&record.not_now);
                    last = answer.text();
                }
                Ok(Ok(answer)) => {
                    count(&record.questions);
                    if answer.status < 500 {
                        return Answer { response: answer, again: asked_before };
                    }
                    record.problem(format!("{what} was answered {}: {}", answer.status, answer.text()));
                    last = answer.text();
                }
            }
        }
    }
}

/// Whether the same question can get another answer by itself. A notice is not believed by a daemon whose clock is
/// wrong; a question that a starved machine takes seconds to read is answered 408.
pub fn is_for_now(answer: &Response) -> bool {
    let says = |code: &str| answer.text().contains(code);
    matches!(answer.status, 408 | 503)
        || answer.status == 409 && says("idempotency-key-in-flight")
        || answer.status == 401 && says("not-the-providers")
}

/// A sample pickup of somebody whose name must not be read, to be collected in one to eight days.
fn body(dice: &mut Rng, story: Story) -> Value {
    let mut body = pickup(dice.usize(0..PICKUP_LINES));
    let at = |text: &Value| DateTime::parse_from_rfc3339(text.as_str().expect("a text")).expect("a time");
    let is_soon = at(&body["pickup"]["from"]) < chrono::Utc::now() + TimeDelta::days(1);
    for side in ["from", "until"] {
        let days = if is_soon { 7 } else { 0 };
        body["pickup"][side] = json!((at(&body["pickup"][side]) + TimeDelta::days(days)).to_rfc3339());
    }
    body["pickup"]["contact"] = json!({"name": person::CONTACT, "phone": person::CONTACT_PHONE});
    let consignee = &mut body["consignee"];
    consignee["name"] = json!(person::CONSIGNEE);
    consignee["phone"] = json!(person::CONSIGNEE_PHONE);
    consignee["lines"] = json!([person::CONSIGNEE_LINE]);
    body["payment"]["release_policy"] = story.policy();
    body
}

fn held_for(body: &Value) -> Money {
    let text = |field: &str| body["payment"][field].as_str().expect("a text");
    let currency = text("currency").parse().expect("a currency");
    Money::parse(text("amount"), currency).expect("an amount")
}

fn acts(order: &Order, scans: Vec<Scan>, dice: &mut Rng) -> Vec<Act> {
    let mut acts = Vec::new();
    if dice.f64() < 0.3 {
        acts.push(Act::PickupAgain);
    }
    if order.story == Story::CalledOff {
        acts.push(Act::CallOff);
        if dice.bool() {
            acts.push(Act::CallOff);
        }
        acts.push(Act::Track);
        return acts;
    }
    // Half of the numbers are known to the carrier only after it is asked for the first time; not where somebody
    // waits at the door while the storm lasts.
    let is_awaited = !order.story.at_the_door().is_empty();
    let (early, late): (Vec<_>, Vec<_>) =
        order.numbers.iter().cloned().partition(|_| is_awaited || dice.bool());
    acts.extend(early.into_iter().map(Act::Label));
    let (half_way, to_courier) = (scans.len() / 2, scans.len() - order.numbers.len());
    let mut deeds: Vec<_> =
        order.story.on_the_way().into_iter().map(|deed| (dice.usize(0..=to_courier), deed)).collect();
    // In their own order, each at a place of its own chance.
    let mut places: Vec<_> = deeds.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    deeds.iter_mut().zip(places).for_each(|(deed, place)| deed.0 = place);
    for (nth, scan) in scans.into_iter().enumerate() {
        acts.extend(deeds.iter().filter(|(place, _)| *place == nth).map(|(_, deed)| Act::Do(*deed)));
        if dice.f64() < 0.05 {
            acts.push(Act::Scan(scan.clone()));
        }
        acts.push(Act::Scan(scan));
        if nth == half_way && dice.f64() < 0.3 {
            acts.push(Act::CallOffTooLate);
        }
    }
    acts.push(if dice.bool() { Act::Look } else { Act::Track });
    acts.extend(late.into_iter().map(Act::Label));
    acts
}
