//! The whole daemon, from its doors to its database and its outside world, on SQLite and on PostgreSQL.
//!
//! One binary: a second one would link everything again. [`support`] has the databases,
//! the daemons and the merchants; each other file tells one kind of story.

mod support;

mod alarms;
mod any_order;
mod bodies;
mod buyers;
mod calls;
mod capacity;
mod carriers;
mod clearance;
mod commands;
mod consolidations;
mod crash;
mod declarations;
mod door;
mod escrow;
mod estimates;
mod late_parcels;
mod migrations;
mod missing;
mod notices;
mod numbers;
mod operations;
mod outbox;
mod pack;
mod paid;
mod papers;
mod pickups;
mod planning;
mod plans;
mod poll_plan;
mod polling;
mod provider;
mod pushes;
mod reconciliation;
mod replan;
mod replan_packed;
mod replays;
mod replicas;
mod scans;
mod separated;
mod setbacks;
mod shipments;
mod signatures;
mod simulate;
mod subscriptions;
mod tracking;
mod vouched;
mod waiting;
mod waits;
mod way_out;
mod webhooks;
mod writes;
