//! What a person at the terminal sees.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::shippers::AllShipped;
use super::staff::TICK;
use super::world::World;
use crate::cli::printing::say;
use crate::domain::shipment::ShipmentStatus;
use crate::outbound::Request;
use crate::store::{audit, orders, shipments};

pub struct Story {
    bar: ProgressBar,
    interactive: bool,
    total: u64,
    /// The one shipment that is told in full: its reference and its tracking token.
    hero: (String, String),
    told: HashSet<String>,
    day: String,
    told_today: String,
    exit: bool,
    example_key: String,
}

/// How it stood at the end.
pub struct Ended {
    delivered: u64,
    due: u64,
    acknowledged: u64,
}

/// Without anything new for so long, something is broken.
const STUCK: Duration = Duration::from_secs(120);

impl Story {
    pub fn begin(world: &World, shipped: &AllShipped, exit: bool) -> io::Result<Self> {
        let interactive = io::stdout().is_terminal();
        let total = shipped.shipments.len() as u64;
        let bar = if interactive { ProgressBar::new(total) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} delivered  {msg}") {
            bar.set_style(style);
        }
        // The longest way makes the best story.
        let hero = shipped.shipments.iter().max_by_key(|one| {
            let legs = one.answer["plan"]["legs"].as_array().map_or(0, Vec::len);
            let parcels = one.answer["parcels"].as_array().map_or(0, Vec::len);
            (legs, parcels)
        });
        let token = |value: &Value| value["tracking_token"].as_str().unwrap_or_default().to_owned();
        let hero = hero.map(|one| (one.reference.clone(), token(&one.answer))).unwrap_or_default();
        let example_key = shipped.example_key.expose_secret().to_owned();
        let story = Self {
            bar,
            interactive,
            total,
            hero,
            told: HashSet::new(),
            day: String::new(),
            told_today: String::new(),
            exit,
            example_key,
        };
        story.introduce(world, shipped)?;
        Ok(story)
    }

    fn say(&self, line: impl AsRef<str>) -> io::Result<()> {
        if self.interactive {
            self.bar.println(line);
            return Ok(());
        }
        say!("{}", line.as_ref())
    }

    fn introduce(&self, world: &World, shipped: &AllShipped) -> io::Result<()> {
        let mut countries: BTreeMap<&str, u32> = BTreeMap::new();
        for one in &shipped.shipments {
            *countries.entry(&one.country).or_default() += 1;
        }
        let countries: Vec<_> = countries.into_iter().map(|(country, n)| format!("{n} {country}")).collect();
        self.say("Sampan is up, with a carrier and an escrow provider beside it on loopback.\n")?;
        self.say(format!(
            "  {} pickup requests, signed, accepted and planned: {}",
            self.total,
            countries.join(", ")
        ))?;
        self.addresses(world)?;
        self.say(format!("\nThe days pass. In full: {}.\n", self.hero.0))
    }

    fn addresses(&self, world: &World) -> io::Result<()> {
        let api = world.api();
        self.say(format!("  API          {api}/docs/"))?;
        self.say(format!("  tracking     {api}/track/{}", self.hero.1))?;
        self.say(format!(
            "  as merchant  curl -H 'Authorization: Bearer {}' {api}/v1/shipments",
            self.example_key
        ))?;
        self.say(format!("  metrics      {api}/metrics"))
    }

    /// Until everything is delivered and every trigger acknowledged.
    pub async fn tell(
        &mut self,
        world: &World,
        mut staff: JoinHandle<anyhow::Result<()>>,
    ) -> anyhow::Result<Ended> {
        let db = world.daemon.deps.store.reader();
        let mut tick = tokio::time::interval(TICK);
        let mut staff_at_work = true;
        let mut last_change = (std::time::Duration::ZERO, (0, 0));
        let mut waited = Duration::ZERO;
        loop {
            tokio::select! {
                done = &mut staff, if staff_at_work => {
                    done.context("hub staff fell over")??;
                    staff_at_work = false;
                }
                _ = tick.tick() => waited += TICK,
            }
            self.tell_hero(world).await?;
            let counts = shipments::counts(db).await?;
            let delivered =
                counts.iter().find(|(status, _)| *status == ShipmentStatus::Delivered).map_or(0, |c| c.1);
            let (due, acknowledged) = orders::trigger_totals(db).await?;
            self.tell_day(world, &counts, acknowledged)?;
            self.bar.set_position(delivered);
            if delivered == self.total && due == 3 * delivered && acknowledged == due {
                return Ok(Ended { delivered, due, acknowledged });
            }
            if last_change.1 != (delivered, acknowledged) {
                last_change = (waited, (delivered, acknowledged));
            }
            if self.exit && !staff_at_work && waited.saturating_sub(last_change.0) > STUCK {
                bail!(
                    "nothing has moved for {STUCK:?}: {delivered} of {} delivered, {acknowledged} of {due} triggers acknowledged",
                    self.total
                );
            }
        }
    }

    /// One line a day: how many are where.
    fn tell_day(
        &mut self,
        world: &World,
        counts: &[(ShipmentStatus, u64)],
        acknowledged: u64,
    ) -> io::Result<()> {
        let day = world.clock.now().format("%a %e %b").to_string();
        let mut counts = counts.to_vec();
        counts.sort();
        let words: Vec<_> =
            counts.iter().map(|(status, n)| format!("{n} {}", status.as_str().replace('_', " "))).collect();
        let told = format!("{}; {acknowledged} triggers acknowledged", words.join(", "));
        self.bar.set_message(day.clone());
        // A day on which nothing moved is not worth a line.
        if day != self.day && told != self.told_today {
            self.say(format!("{day}  {told}"))?;
            (self.day, self.told_today) = (day, told);
        }
        Ok(())
    }

    /// What is new on the hero's public tracking page.
    async fn tell_hero(&mut self, world: &World) -> anyhow::Result<()> {
        let url = format!("{}/v1/tracking/{}", world.api(), self.hero.1);
        let answer = world.outbound.send(Request::get(url)).await?;
        let view: Value = serde_json::from_slice(&answer.body)?;
        let events = view["events"].as_array().cloned().unwrap_or_default();
        for event in events.iter().rev() {
            let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let parcel = event["parcel"].as_u64().map(|n| format!("parcel {n} ")).unwrap_or_default();
            let place = match (text("/hub"), text("/place_en")) {
                ("", "") => String::new(),
                ("", place) => format!(" in {place}"),
                (hub, place) => format!(" at {hub} {place}"),
            };
            let to = match text("/delivered_to") {
                "" => String::new(),
                to => format!(" ({to})"),
            };
            let status = text("/status").replace('_', " ");
            let at = text("/at/local").get(..16).unwrap_or_default().replace('T', " ");
            let line = format!("    {}  {at}  {parcel}{status}{to}{place}", self.hero.0);
            if self.told.insert(line.clone()) {
                self.say(line)?;
            }
        }
        Ok(())
    }

    /// Says whether everything is as it has to be.
    pub async fn summary(&self, world: &World, ended: &Ended) -> anyhow::Result<bool> {
        let seen = world.escrow.snapshot();
        // Words about freezing come as often as there is cause.
        let happens_once = |action: &str| !matches!(action, "freeze" | "thaw");
        let effects: u64 =
            seen.effects.iter().filter(|(action, _)| happens_once(action)).map(|(_, count)| count).sum();
        let verdict = audit::verify(&world.daemon.deps.store).await?;
        // Shipped, delivered, confirm-receipt: of each order.
        let good = ended.delivered == self.total
            && ended.due == 3 * ended.delivered
            && ended.due == ended.acknowledged
            && seen.effects.get("confirm_receipt") == Some(&self.total)
            && effects == ended.due
            && seen.double_effects == 0
            && verdict.breaks.is_empty();
        self.bar.finish_and_clear();
        say!("")?;
        say!("  accepted               {:6}", self.total)?;
        say!("  delivered              {:6}", ended.delivered)?;
        say!("  triggers due           {:6}", ended.due)?;
        say!("  triggers acknowledged  {:6}", ended.acknowledged)?;
        say!("  took effect            {effects:6}")?;
        say!(
            "  seen twice             {:6}   the provider lost its answer, and was asked again under the same key",
            seen.seen_again
        )?;
        say!("  took effect twice      {:6}", seen.double_effects)?;
        say!("  questions to carriers  {:6}", world.carrier.questions())?;
        say!("  audit                  {:6} entries, {} breaks", verdict.entries, verdict.breaks.len())?;
        say!("")?;
        say!("{}", if good { "Every merchant was paid once." } else { "Something is not as it has to be." })?;
        Ok(good)
    }

    pub fn stay(&self, world: &World) -> io::Result<()> {
        say!("\nStill up; Ctrl-C ends it.")?;
        self.addresses(world)
    }

    pub fn interrupted(&self) -> io::Result<()> {
        self.bar.finish_and_clear();
        say!("\nInterrupted; the temporary folder is gone.")
    }
}
