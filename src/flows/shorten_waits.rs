//! Waits that a clock wrote which was ahead.
//!
//! Everything that daemons put off is put off until a time. Where the clock of one was ahead, were it for a moment, that
//! time is as far away as the clock was wrong: leases of the dead would last for hours, and after a clock of the next
//! decade nothing would ever be tried again. So no wait may be longer than the longest that these settings can make,
//! from now on. A wait that is shortened costs an attempt that comes too early, under the same key. Who loses a lease
//! or a claim while it is at work finds out before it stores anything.

use chrono::TimeDelta;

use super::{Deps, poll_carriers, replan, take_notices, take_pushes};
use crate::config::Settings;
use crate::domain::instant::Instant;
use crate::outbox::rules;
use crate::polling;
use crate::store::StoreError;
use crate::store::waits::{self, Wait};

/// So far the clocks of daemons may be apart, and what is claimed while somebody looks: the wait that another one made
/// just now, by a clock a second ahead, is no mistake, and who made it would lose what it is at work on.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(10);

/// The longest that `settings` make of a wait.
fn longest(wait: Wait, settings: &Settings) -> TimeDelta {
    let outbox = &settings.outbox;
    let lease = TimeDelta::seconds(i64::from(outbox.lease_seconds));
    let seconds = |duration: std::time::Duration| TimeDelta::seconds(duration.as_secs() as i64 + 1);
    match wait {
        Wait::OutboxLease | Wait::EndpointLease => lease,
        // What was doubted while its order is frozen is asked about when its lease ends.
        // No replay is spread over longer.
        Wait::OutboxAttempt | Wait::EndpointPause | Wait::MessageAttempt => {
            seconds(rules::longest(&outbox.retry_seconds, outbox.jitter)).max(lease)
        }
        Wait::NumberClaim => poll_carriers::claim_lasts(settings),
        Wait::NextPoll => polling::rules::longest(&settings.polling),
        Wait::NextCall => poll_carriers::LONGEST_REST,
        Wait::PushAttempt => take_pushes::LONGEST_WAIT,
        Wait::NoticeAttempt => take_notices::LONGEST_WAIT,
        Wait::ReplanClaim => replan::LEASE,
        Wait::ReplanAttempt => replan::MUCH_LATER,
    }
}

fn until(wait: Wait, deps: &Deps) -> Instant {
    let begins = match wait {
        Wait::NextPoll => deps.clock.now(),
        Wait::OutboxLease
        | Wait::OutboxAttempt
        | Wait::EndpointLease
        | Wait::EndpointPause
        | Wait::MessageAttempt
        | Wait::NumberClaim
        | Wait::NextCall
        | Wait::PushAttempt
        | Wait::NoticeAttempt
        | Wait::ReplanClaim
        | Wait::ReplanAttempt => deps.clock.wall(),
    };
    begins + longest(wait, &deps.settings) + CLOCKS_APART
}

/// Says how many waits were shortened.
pub async fn run_due(deps: &Deps) -> Result<u64, StoreError> {
    let mut all = 0;
    for wait in Wait::ALL {
        let (wait, until) = (*wait, until(*wait, deps));
        if !waits::is_any_beyond(deps.store.reader(), wait, until).await? {
            continue;
        }
        let write =
            deps.store.write(move |tx| Box::pin(async move { waits::shorten(tx, wait, until).await }));
        let shortened: u64 = write.await?;
        if shortened > 0 {
            tracing::warn!(%wait, shortened, "waits were longer than any that is made: a clock was ahead");
        }
        all += shortened;
    }
    Ok(all)
}
