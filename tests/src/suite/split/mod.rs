//! Halves of connections in tasks of their own, and connections as streams and sinks.

mod closing;
mod closing_sinks;
mod endings;
mod sinks;
mod traffic;

pub use closing::{
    a_close_of_the_sender_needs_no_receiver, a_close_of_the_sender_waits_for_the_receiver,
    a_close_that_the_receiver_does_not_see_times_out, a_violation_reaches_both_halves,
};
pub use closing_sinks::{
    a_closed_sink_leaves_every_message_to_the_stream, a_program_that_answers_loses_no_message,
    forwarding_a_stream_to_its_end_leaves_every_message_to_receive,
    the_method_close_of_a_connection_discards,
};
pub use endings::{
    a_close_of_the_sender_returns_once_it_was_written,
    a_close_of_the_sender_that_nobody_takes_times_out, a_receiver_tells_the_peer_why_it_closes,
    a_sender_that_waits_learns_of_every_end,
};
pub use sinks::{
    a_connection_is_split_by_futures_as_well, methods_and_traits_mean_the_same,
    send_all_and_feed_mean_what_they_do_for_any_sink, streams_are_forwarded_to_sinks,
};
pub use traffic::{
    a_peer_that_never_reads_does_not_keep_the_receiver_from_receiving,
    halves_are_joined_and_the_connection_goes_on, halves_that_moved_between_threads_work,
    two_tasks_move_large_traffic_in_both_directions_at_once,
    what_is_fed_is_sent_by_a_receiver_that_waits_in_another_task,
};

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ws_driver::{Message, Receiver, Sender};

use super::{Acceptor, Connector, Stream, Suite, Transport, Ws};
use crate::socket::TOO_LONG;

type Tx<S> = Sender<Transport<S>>;
type Rx<S> = Receiver<Transport<S>>;

/// What a task came to.
struct Task<R>(mpsc::Receiver<R>);

/// Starts a task.
fn start<S: Suite, R: Send + 'static>(future: impl Future<Output = R> + Send + 'static) -> Task<R> {
    let (done, receiver) = mpsc::channel();
    S::spawn(async move {
        let _ = done.send(future.await);
    });
    Task(receiver)
}

impl<R> Task<R> {
    /// Waits for it on the runtime.
    async fn finish<S: Suite>(self) -> R {
        let start = Instant::now();
        loop {
            match self.0.try_recv() {
                Ok(result) => return result,
                Err(mpsc::TryRecvError::Empty) => {
                    assert!(start.elapsed() < TOO_LONG, "a task hangs");
                    S::sleep(Duration::from_millis(1)).await;
                }
                Err(mpsc::TryRecvError::Disconnected) => panic!("a task panicked"),
            }
        }
    }
}

async fn accept<S: Suite>(stream: Stream<S>) -> Ws<S> {
    let acceptor = Acceptor::<S>::new();
    acceptor.accept(stream).await.expect("the handshake")
}

async fn connect<S: Suite>(url: &str) -> Ws<S> {
    let connector = Connector::<S>::new();
    connector.connect(url).await.expect("the handshake")
}

/// Messages of all sizes and both kinds, others for each seed.
fn messages(seed: u64) -> impl Iterator<Item = Message> + Send {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..120_usize).map(move |turn| {
        let most = [0, 1, 125, 126, 3000, 65_535, 65_536, 1 << 20][turn % 8];
        let len = if turn < 8 {
            most
        } else {
            random.usize(0..=most)
        };
        let mut octets = vec![random.u8(b'a'..=b'z'); len];
        for at in (0..len).step_by(11) {
            octets[at] = random.u8(b'a'..=b'z');
        }
        if random.bool() {
            Message::from(String::from_utf8(octets).expect("letters"))
        } else {
            Message::from(octets)
        }
    })
}
