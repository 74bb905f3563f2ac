//! What is still to happen, in the order of its time, and of its being written down.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::carrier::TrackingNumber;
use crate::domain::id::{ConsolidationId, ParcelId, ShipmentId, TriggerId};
use crate::domain::instant::Instant;
use crate::domain::network::HubCode;

#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// A merchant posts a pickup request.
    Post {
        pickup: usize,
    },
    /// A merchant calls a shipment off.
    CallOff {
        shipment: ShipmentId,
    },
    /// The first hub has it.
    Receive {
        parcel: ParcelId,
    },
    Depart {
        consolidation: ConsolidationId,
    },
    Arrive {
        consolidation: ConsolidationId,
    },
    Unpack {
        hub: HubCode,
        parcel: ParcelId,
    },
    Customs {
        parcel: ParcelId,
        hub: HubCode,
        look: Look,
    },
    HandOver {
        parcel: ParcelId,
        hub: HubCode,
        number: TrackingNumber,
    },
    /// What a scanner that was offline tells late.
    Scan {
        hub: HubCode,
        body: Value,
    },
    /// A carrier tells by itself.
    Push {
        shipment: ShipmentId,
        body: String,
    },
    /// A buyer says something of the money.
    Buyer {
        shipment: ShipmentId,
        says: Says,
        /// Asked for so far.
        codes: u32,
    },
    /// An operator decides the dispute that is open.
    Decide {
        shipment: ShipmentId,
    },
    /// An operator orders the money back of what does not come.
    GiveBack {
        shipment: ShipmentId,
    },
    /// An operator has a doubt, and holds the money.
    Freeze {
        shipment: ShipmentId,
    },
    /// The doubt is gone.
    Thaw {
        shipment: ShipmentId,
        /// So far.
        tries: u32,
    },
    /// Another one approves refunds that wait.
    Approve {
        shipment: ShipmentId,
    },
    /// An operator sees to money that has failed.
    Settle {
        shipment: ShipmentId,
        /// So far.
        tries: u32,
    },
    /// An operator takes a trigger out.
    Park {
        shipment: ShipmentId,
    },
    /// She lets it go again.
    Revive {
        shipment: ShipmentId,
        trigger: TriggerId,
        /// So far.
        tries: u32,
    },
    /// The provider says by itself how a trade stands.
    Notice {
        shipment: ShipmentId,
        reference: String,
        number: u64,
    },
    /// By which the provider pays by itself.
    Deadline {
        shipment: ShipmentId,
        reference: String,
    },
    /// A carrier has told all that it will ever tell of a label.
    NoMoreNews,
    /// An operator says that a consolidation's departure does not leave.
    CancelFlight {
        consolidation: ConsolidationId,
    },
    /// The daemon does what is due.
    Jobs,
    /// Everything is checked.
    Midnight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Presented,
    Held,
    Released,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Confirm,
    Extend,
    Object,
    Withdraw,
}

impl Task {
    /// Whose money it is about.
    pub fn is_about_money_of(&self) -> Option<ShipmentId> {
        match self {
            Task::Buyer { shipment, .. }
            | Task::Decide { shipment }
            | Task::GiveBack { shipment }
            | Task::Freeze { shipment }
            | Task::Thaw { shipment, .. }
            | Task::Approve { shipment } => Some(*shipment),
            Task::Post { .. }
            | Task::CallOff { .. }
            | Task::Receive { .. }
            | Task::Depart { .. }
            | Task::Arrive { .. }
            | Task::Unpack { .. }
            | Task::Customs { .. }
            | Task::HandOver { .. }
            | Task::Scan { .. }
            | Task::Push { .. }
            | Task::Park { .. }
            | Task::Revive { .. }
            | Task::Notice { .. }
            | Task::Deadline { .. }
            | Task::Settle { .. }
            | Task::NoMoreNews
            | Task::CancelFlight { .. }
            | Task::Jobs
            | Task::Midnight => None,
        }
    }
}

#[derive(Default)]
pub struct Diary {
    entries: BTreeMap<(Instant, u64), Task>,
    written: u64,
}

impl Diary {
    pub fn note(&mut self, at: Instant, task: Task) {
        self.written += 1;
        self.entries.insert((at, self.written), task);
    }

    pub fn next(&mut self) -> Option<(Instant, Task)> {
        self.entries.pop_first().map(|((at, _), task)| (at, task))
    }

    /// Requests that are posted until then, some of them not for the first time.
    pub fn posts_until(&self, at: Instant) -> u64 {
        let soon = self.entries.range(..=(at, u64::MAX));
        soon.filter(|(_, task)| matches!(task, Task::Post { .. })).count() as u64
    }

    /// What somebody has to do yet; the daemon itself always has something.
    pub fn of_anybody(&self) -> Option<&Task> {
        self.entries.values().find(|task| !matches!(task, Task::Jobs | Task::Midnight))
    }
}
