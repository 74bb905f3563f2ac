//! Deaths and stops while many pickups are under way.
