//! Hub staff: they scan each parcel where and when its plan has it, a little late as people are.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::world::Colleague;
use crate::domain::instant::{Instant, cut, rfc3339};
use crate::domain::network::HubCode;
use crate::outbound::Request;

/// What staff do with one shipment's parcels.
pub struct Itinerary {
    parcels: Vec<String>,
    legs: Vec<Leg>,
}

struct Leg {
    kind: String,
    from: String,
    to: String,
    departure: Option<String>,
    depart_at: Instant,
    arrive_at: Instant,
}

impl Itinerary {
    /// From the answer to a pickup request.
    pub fn of(answer: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let instant = |value: &Value| value.as_str()?.parse::<Instant>().ok();
        let parcels = answer["parcels"].as_array()?.iter().filter_map(|parcel| text(&parcel["id"])).collect();
        let leg = |leg: &Value| {
            Some(Leg {
                kind: text(&leg["kind"])?,
                from: text(&leg["from"])?,
                to: text(&leg["to"])?,
                departure: text(&leg["departure"]),
                depart_at: instant(&leg["depart_at"])?,
                arrive_at: instant(&leg["arrive_at"])?,
            })
        };
        let legs = answer["plan"]["legs"].as_array()?.iter().map(leg).collect::<Option<_>>()?;
        Some(Self { parcels, legs })
    }
}

/// Something to do at a hub.
struct Task {
    hub: HubCode,
    scan: Value,
    /// A label to book with the last mile's carrier before.
    label: Option<String>,
}

/// Does everything there is to do, when it is due. Returns when all parcels are handed over.
pub async fn work(colleague: Colleague, itineraries: Vec<Itinerary>, seed: u64) -> anyhow::Result<()> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut diary: BTreeMap<Instant, Vec<Task>> = BTreeMap::new();
    for itinerary in &itineraries {
        for (n, parcel) in itinerary.parcels.iter().enumerate() {
            write_diary(&mut diary, &mut dice, itinerary, parcel, n)?;
        }
    }
    while let Some((at, tasks)) = diary.pop_first() {
        tokio::time::sleep(colleague.clock.until(at)).await;
        // Whatever became due while the last calls were made is done together.
        let mut due = tasks;
        while let Some(entry) = diary.first_entry() {
            if *entry.key() > colleague.clock.now() {
                break;
            }
            due.extend(entry.remove());
        }
        colleague.report(due).await?;
    }
    Ok(())
}

fn write_diary(
    diary: &mut BTreeMap<Instant, Vec<Task>>,
    dice: &mut fastrand::Rng,
    itinerary: &Itinerary,
    parcel: &str,
    n: usize,
) -> anyhow::Result<()> {
    let mut note =
        |at: Instant, hub: &str, kind: &str, more: Value, label: Option<String>| -> anyhow::Result<()> {
            let mut scan = json!({"parcel": parcel, "kind": kind, "occurred_at": rfc3339(at)});
            if let (Some(scan), Some(more)) = (scan.as_object_mut(), more.as_object()) {
                scan.extend(more.clone());
            }
            diary.entry(at).or_default().push(Task { hub: hub.parse()?, scan, label });
            Ok(())
        };
    let mut late = |at: Instant| cut(at + chrono::Duration::seconds(dice.i64(60..1_200) + 15 * n as i64));
    for leg in &itinerary.legs {
        match leg.kind.as_str() {
            "first_mile" => note(late(leg.arrive_at), &leg.to, "received", json!({}), None)?,
            "line_haul" => {
                let departure = json!({"departure": leg.departure});
                note(leg.depart_at, &leg.from, "departed", departure.clone(), None)?;
                note(late(leg.arrive_at), &leg.to, "arrived", departure, None)?;
            }
            _ => {
                let arrived_at =
                    itinerary.legs.iter().rev().nth(1).map_or(leg.depart_at, |last| last.arrive_at);
                let customs = leg.depart_at - arrived_at;
                let presented_at = arrived_at + (customs / 4).max(chrono::Duration::minutes(25));
                note(cut(presented_at), &leg.from, "customs_presented", json!({}), None)?;
                // One in ten is looked into.
                let released_at = if n == 0 && late(leg.depart_at).timestamp() % 10 == 0 {
                    let note_to = json!({"note": "value to be confirmed"});
                    note(cut(presented_at + customs / 4), &leg.from, "customs_held", note_to, None)?;
                    late(leg.depart_at + chrono::Duration::hours(9))
                } else {
                    late(leg.depart_at)
                };
                note(released_at, &leg.from, "customs_released", json!({}), None)?;
                let number = number_for(parcel);
                let handed = json!({"carrier": "dhl_unified", "tracking_number": number});
                note(late(released_at), &leg.from, "handed_over", handed, Some(number))?;
            }
        }
    }
    Ok(())
}

/// A carrier's number for a parcel's label, made from the end of its id, where ids differ.
fn number_for(parcel: &str) -> String {
    let tail: String = parcel.chars().rev().filter(|c| *c != '-').take(13).collect();
    format!("SBX{}", tail.chars().rev().collect::<String>().to_uppercase())
}

impl Colleague {
    async fn report(&self, tasks: Vec<Task>) -> anyhow::Result<()> {
        let mut by_hub: BTreeMap<HubCode, Vec<Value>> = BTreeMap::new();
        for task in tasks {
            if let Some(number) = task.label {
                self.book(&number).await?;
            }
            by_hub.entry(task.hub).or_default().push(task.scan);
        }
        for (hub, scans) in by_hub {
            for some in scans.chunks(500) {
                self.scan(&hub, some).await?;
            }
        }
        Ok(())
    }

    async fn book(&self, number: &str) -> anyhow::Result<()> {
        let label = json!({"trackingNumber": number, "countryCode": "CN", "place": "Shanghai"});
        let url = format!("{}/sandbox/labels", self.carrier_url);
        let request =
            Request::post(url, label.to_string().into_bytes()).header("content-type", "application/json");
        let answer = self.outbound.send(request).await?;
        if answer.status != 201 {
            bail!("the sandbox carrier refused a label: {}", String::from_utf8_lossy(&answer.body));
        }
        Ok(())
    }

    async fn scan(&self, hub: &HubCode, scans: &[Value]) -> anyhow::Result<()> {
        let key = self.key(hub).with_context(|| format!("a key of hub {hub}"))?;
        let url = format!("{}/v1/hubs/{hub}/scans", self.api);
        let body = Value::from(scans).to_string().into_bytes();
        let request =
            Request::post(url, body).header("content-type", "application/json").header("authorization", key);
        let answer = self.outbound.send(request).await?;
        let results: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let refused =
            results["results"].as_array().and_then(|all| all.iter().find(|one| one["problem"].is_object()));
        match (answer.status, refused) {
            (200, None) => Ok(()),
            _ => bail!("{hub} scanned and was answered {}: {}", answer.status, refused.unwrap_or(&results)),
        }
    }
}

/// How often the story looks around.
pub const TICK: Duration = Duration::from_millis(250);
