//! The registry of a server: admission, counts, and the shutdown of all connections.
//!
//! A seat is the place of one connection in its registry. The connection holds one pointer to it.
//! It looks at its seat only where it waits, so a connection that does not wait pays nothing.

mod account;
mod admission;
mod budget;
mod ledger;
mod meter;
mod obey;
mod registry;
mod report;
mod seat;
mod seated;
mod shutdown;
#[cfg(feature = "stats")]
mod stats;

pub use admission::{Admission, Unavailable};
pub use budget::Budget;
pub use registry::{Counts, Registry};
pub use report::Report;
pub use shutdown::Shutdown;

pub(crate) use admission::Until;
pub(crate) use seated::Seated;
#[cfg(feature = "stats")]
pub(crate) use stats::LastCount;
