//! However many plan at the same time, no departure is booked beyond what it carries.

use std::sync::Arc;

use sampan::flows::accept_pickup;
use tokio::sync::Barrier;

use crate::on_both_databases;
use crate::support::database::{Database, number};
use crate::support::yard::{MONDAY, Yard, order};

const PLANNERS: usize = 64;
/// 20 kg a day: sixteen of 1,250 g fill it to the gram.
const GRAMS: u32 = 1_250;
const FIT: i64 = 16;
const ONLY: &str = "F1,HKONE,CNONE,air,Jade,direct flight,1;2;3;4;5;6;7,20:00,Asia/Hong_Kong,3,20,1,0,1,1200";

/// 16 litres a day, and more kilograms than anybody has: sixteen of a litre fill it to the cubic centimetre.
const SMALL: &str =
    "F1,HKONE,CNONE,air,Jade,direct flight,1;2;3;4;5;6;7,20:00,Asia/Hong_Kong,3,9000,0.016,0,1,1200";

/// As many as there are planners, all at once: each day's departure has `full` of `what`.
async fn fill(db: &Database, lane: &str, what: &str, full: i64) {
    let yard = Yard::new(db, &[lane]).await;
    let (deps, start) = (yard.at(MONDAY), Arc::new(Barrier::new(PLANNERS)));
    let merchant = yard.keys.merchant;
    let all = (0..PLANNERS).map(|_| {
        let (deps, start) = (deps.clone(), Arc::clone(&start));
        tokio::spawn(async move {
            let body = order("2026-03-02", 1, GRAMS).to_string();
            start.wait().await;
            accept_pickup::accept(&deps, merchant, None, body.as_bytes()).await.map(drop)
        })
    });
    for one in futures_util::future::join_all(all).await {
        one.expect("a planner that does not panic").expect("each finds a way");
    }
    let days = PLANNERS as i64 / FIT;
    for day in 0..days {
        let sql = format!("SELECT {what} AS n FROM departure WHERE id = 'F1-2026030{}'", 2 + day);
        assert_eq!(number(&deps.store, &sql).await, full, "day {day} is full");
    }
    assert_eq!(number(&deps.store, "SELECT COUNT(*) AS n FROM departure WHERE booked_grams > 0").await, days);
    assert_eq!(number(&deps.store, "SELECT COUNT(*) AS n FROM booking").await, PLANNERS as i64);
    yard.is_sound().await;
}

on_both_databases! {
    async fn sixty_four_at_once_fill_one_departure_after_the_other_to_the_gram(db: Database) {
        fill(&db, ONLY, "booked_grams", 20_000).await;
    }

    async fn what_is_light_fills_departures_to_the_cubic_centimetre(db: Database) {
        fill(&db, SMALL, "booked_cm3", 16_000).await;
    }
}
