//! Halves of connections in separate tasks, and connections as streams and sinks.

mod closing;
mod closing_sinks;
mod endings;
mod sinks;
mod traffic;

pub use closing::*;
pub use closing_sinks::*;
pub use endings::*;
pub use sinks::*;
pub use traffic::*;

use ws_driver::{Message, Receiver, Sender};

use super::{Transport, letters};

type Tx<S> = Sender<Transport<S>>;
type Rx<S> = Receiver<Transport<S>>;

/// Returns messages of both kinds and of many lengths. The messages are random and depend only on
/// `seed`.
fn messages(seed: u64) -> impl Iterator<Item = Message> + Send {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..120_usize).map(move |turn| {
        let sizes = [0, 1, 125, 126, 3000, 65_535, 65_536, 1 << 20];
        let bytes = letters(&mut random, turn, sizes);
        if random.bool() {
            Message::from(String::from_utf8(bytes).expect("letters"))
        } else {
            Message::from(bytes)
        }
    })
}
