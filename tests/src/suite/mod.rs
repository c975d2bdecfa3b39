//! Behaviours over TCP that hold on every runtime.
//!
//! Each is a function over a [`Suite`]; [`instantiate!`](crate::instantiate) makes tests of all of them. The connection
//! under test runs on its runtime in a thread of its own, the test itself plays the peer.

pub mod both_closes;
pub mod closing;
pub mod closing_slowly;
pub mod closing_words;
pub mod compression;
pub mod handshake_client;
pub mod handshake_server;
pub mod limits;
mod roles;
pub mod split;
pub mod streaming;
pub mod traffic;
pub mod uploads;

use std::future::Future;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use ws_driver::transport::{AnyTransport, Runtime, Wrap};
use ws_driver::{Error, WebSocket};

use crate::socket::{self, RawPeer, TOO_LONG};

/// A runtime to show the behaviours on.
pub trait Suite: 'static {
    /// What the adapter supplies.
    type Runtime: Runtime + Wrap<Stream<Self>>;

    /// Runs a future on a runtime of its own, which ends with it.
    fn block_on<F: Future>(future: F) -> F::Output;

    /// Starts a task on the runtime of the caller.
    fn spawn(future: impl Future<Output = ()> + Send + 'static);

    /// Waits.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;

    /// Makes a stream of the runtime, on which the caller runs.
    fn adopt(stream: TcpStream) -> Stream<Self>;
}

/// A TCP stream of the runtime.
pub type Stream<S> = <<S as Suite>::Runtime as Runtime>::TcpStream;
/// It as a transport.
pub type Transport<S> = AnyTransport<<S as Suite>::Runtime>;
/// A connection over it.
pub type Ws<S> = WebSocket<Transport<S>>;
/// How a server on the runtime accepts.
pub type Acceptor<S> = ws_driver::Acceptor<<S as Suite>::Runtime>;
/// How a client on the runtime connects.
pub type Connector<S> = ws_driver::Connector<<S as Suite>::Runtime>;

/// A result that a thread is working for.
#[derive(Debug)]
pub struct Running<R>(Receiver<R>);

impl<R: Send + 'static> Running<R> {
    /// Starts a thread that does `work`.
    pub fn start(work: impl FnOnce() -> R + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let _ = sender.send(work());
        });
        Self(receiver)
    }

    /// The result.
    ///
    /// # Panics
    ///
    /// If it does not come in time, or the thread panicked.
    #[must_use]
    pub fn finish(self) -> R {
        self.0
            .recv_timeout(TOO_LONG)
            .unwrap_or_else(|error| panic!("the connection under test: {error}"))
    }
}

/// Serves one connection by `serve`, which runs on the runtime; where it listens.
pub fn server<S, R, F>(
    serve: impl FnOnce(Stream<S>) -> F + Send + 'static,
) -> (SocketAddr, Running<R>)
where
    S: Suite,
    R: Send + 'static,
    F: Future<Output = R>,
{
    let (listener, address) = socket::listen();
    let running = Running::start(move || {
        let (stream, _) = listener.accept().expect("a client");
        S::block_on(async move { serve(S::adopt(stream)).await })
    });
    (address, running)
}

/// Runs a client by `call`, which gets a URL; the peer that it connects to.
///
/// # Panics
///
/// If it does not connect.
pub fn client<S, R, F>(call: impl FnOnce(String) -> F + Send + 'static) -> (RawPeer, Running<R>)
where
    S: Suite,
    R: Send + 'static,
    F: Future<Output = R>,
{
    let (listener, address) = socket::listen();
    let running = Running::start(move || {
        S::block_on(async move { call(format!("ws://{address}/path?query")).await })
    });
    let (stream, _) = listener.accept().expect("a client");
    (RawPeer::new(stream), running)
}

/// Echoes to the end, as the documentation recommends.
///
/// # Errors
///
/// Those of the connection.
pub async fn echo<S: Suite>(ws: &mut Ws<S>) -> Result<(), Error> {
    while let Some((message, out)) = ws.recv_ref().await? {
        out.feed(message).await?;
    }
    Ok(())
}

/// Makes a test of every behaviour for a runtime.
#[macro_export]
macro_rules! instantiate {
    ($suite:ty) => {
        $crate::instantiate! { $suite, handshake_server:
            a_request_that_breaks_a_rule_gets_a_complete_refusal_and_then_the_end,
            a_refusal_reaches_a_client_that_keeps_sending,
            a_request_in_any_permitted_form_is_accepted,
            frames_behind_the_request_are_received,
            a_request_that_stalls_ends_at_the_deadline,
            a_request_that_ends_early_is_lost,
            the_time_of_the_decision_does_not_count,
            an_offer_shows_the_request,
            an_offer_can_be_rejected_in_any_way,
            an_offered_subprotocol_is_chosen_and_another_is_an_error,
            origins_are_those_that_the_policy_lets_in,
        }
        $crate::instantiate! { $suite, handshake_client:
            a_wrong_answer_is_an_error_that_names_the_rule,
            a_server_that_ends_early_is_lost,
            a_refusal_reaches_the_caller_with_head_and_body,
            an_answer_in_any_permitted_form_is_accepted,
            frames_behind_the_answer_are_received,
            the_request_is_complete_and_has_what_was_asked_for,
            a_server_that_stalls_ends_at_the_deadline,
            bad_urls_and_requests_are_errors_before_anything_is_sent,
            nobody_listening_is_an_error_of_io,
        }
        $crate::instantiate! { $suite, closing:
            a_violation_is_closed_before_the_caller_can_drop_the_connection,
            a_violation_amid_unread_input_is_closed_without_a_reset,
            a_violation_by_a_server_is_closed_as_well,
            a_peer_that_never_ends_is_dropped_within_the_failure_deadline,
            an_answer_and_the_close_arrive_and_no_pong,
            close_against_a_silent_peer_times_out,
            a_close_by_the_peer_ends_with_the_server_first,
            a_client_waits_for_the_server_to_end_first,
            simultaneous_closes_are_clean,
            an_end_without_a_close_is_lost,
            a_reset_after_both_closes_is_clean,
            a_dropped_connection_ends_the_transport,
        }
        $crate::instantiate! { $suite, both_closes:
            the_last_words_of_the_peer_outlive_a_write_that_fails,
            the_last_words_of_the_peer_outlive_a_close_that_fails,
            our_close_does_not_hide_that_of_the_peer,
        }
        $crate::instantiate! { $suite, closing_words:
            a_close_without_a_code_has_no_payload,
            a_reason_that_is_too_long_closes_nothing,
        }
        $crate::instantiate! { $suite, closing_slowly:
            a_peer_that_reads_slowly_gets_everything_and_the_close,
            what_the_system_holds_arrives_with_the_close,
            a_peer_that_stops_reading_is_not_waited_for,
            the_time_for_an_answer_begins_with_our_close,
            both_closes_end_receiving_although_the_peer_lingers,
            close_waits_for_the_end_of_the_transport,
            many_messages_in_the_queue_arrive_before_the_close,
        }
        $crate::instantiate! { $suite, compression:
            compressed_messages_are_echoed_in_every_way,
            every_level_and_threshold_is_understood,
            every_pair_of_takeover_modes_is_agreed_on,
            windows_of_every_size_are_agreed_on,
            nothing_is_agreed_unless_both_want_it,
            a_peer_without_compression_sees_none_and_may_send_none,
            compressed_messages_of_a_foreign_client_are_understood,
            a_corrupt_message_fails_the_connection_of_a_server,
            a_corrupt_message_fails_the_connection_of_a_client,
        }
        $crate::instantiate! { $suite, limits:
            a_higher_limit_on_messages_lets_long_frames_in,
            a_limit_is_not_undone_by_a_configuration,
        }
        $crate::instantiate! { $suite, uploads:
            pings_are_answered_by_who_only_sends,
            a_keepalive_lets_an_upload_live,
            who_never_receives_is_told_so,
            who_receives_in_time_goes_on,
        }
        $crate::instantiate! { $suite, split:
            two_tasks_move_large_traffic_in_both_directions_at_once,
            streams_are_forwarded_to_sinks,
            a_connection_is_split_by_futures_as_well,
            what_is_fed_is_sent_by_a_receiver_that_waits_in_another_task,
            halves_that_moved_between_threads_work,
            halves_are_joined_and_the_connection_goes_on,
            a_close_of_the_sender_waits_for_the_receiver,
            a_close_of_the_sender_needs_no_receiver,
            a_close_that_the_receiver_does_not_see_times_out,
            a_violation_reaches_both_halves,
            a_peer_that_never_reads_does_not_keep_the_receiver_from_receiving,
            send_all_and_feed_mean_what_they_do_for_any_sink,
            methods_and_traits_mean_the_same,
            a_closed_sink_leaves_every_message_to_the_stream,
            forwarding_a_stream_to_its_end_leaves_every_message_to_receive,
            a_program_that_answers_loses_no_message,
            the_method_close_of_a_connection_discards,
            a_receiver_tells_the_peer_why_it_closes,
            a_sender_that_waits_learns_of_every_end,
            a_close_of_the_sender_returns_once_it_was_written,
            a_close_of_the_sender_that_nobody_takes_times_out,
        }
        $crate::instantiate! { $suite, streaming:
            messages_are_echoed_piece_by_piece_by_a_server,
            messages_are_echoed_piece_by_piece_by_a_client,
            a_message_over_the_limits_passes_both_ways_at_once,
            readers_dropped_on_a_socket_lose_nothing_but_their_message,
        }
        $crate::instantiate! { $suite, traffic:
            chopped_traffic_is_echoed_octet_by_octet_by_a_server,
            chopped_traffic_is_echoed_octet_by_octet_by_a_client,
            a_message_of_16_mib_is_echoed,
            the_message_limit_is_exact,
            pings_are_answered_while_nobody_reads,
            a_peer_that_never_reads_is_not_read_for_ever,
            a_stalled_write_times_out,
            futures_dropped_on_a_socket_lose_nothing,
            many_connections_run_side_by_side,
        }
    };
    ($suite:ty, $module:ident: $($behaviour:ident,)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[test]
                fn $behaviour() {
                    $crate::suite::$module::$behaviour::<$suite>();
                }
            )*
        }
    };
}
