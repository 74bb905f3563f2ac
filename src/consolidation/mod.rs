//! Which parcels travel together, in what, and under which papers.
