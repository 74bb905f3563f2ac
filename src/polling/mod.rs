//! When to ask a carrier about a parcel again.
//!
//! Promise: a parcel is asked about as often as its stage is worth, and no more; a
//! carrier that fails or does not know the number yet is left alone for longer and
//! longer, up to a bound; a carrier that names a time is asked no earlier. A delivered
//! parcel is watched a while for corrections and returns, then let go. No parcel is ever
//! dropped because its carrier fails.
//!
//! Who is worth a call most, by what was learnt, is said by [`policy`].
//! What may be asked of an account is kept by [`quota`], what a call of it costs by [`demand`], and by
//! [`crate::domain::breaker`] while its carrier fails.

pub mod demand;
pub mod foresight;
pub mod policy;
pub mod quota;
pub mod rules;
