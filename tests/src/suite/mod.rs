//! Tests over TCP that every runtime must pass.
//!
//! Each test is a function that is generic over a [`Suite`]. [`instantiate!`](crate::instantiate)
//! makes a test from each function, for one runtime. The connection under test runs on that
//! runtime, usually in a separate thread. In most tests, the test itself is the peer.

pub mod both_closes;
pub mod budget;
pub mod close_reasons;
pub mod closing;
pub mod closing_slowly;
pub mod compression;
#[cfg(target_os = "linux")]
pub mod crowd;
pub mod dialing;
#[cfg(unix)]
pub use dialing::on_unix as dialing_on_unix;
pub mod handshake_client;
pub mod handshake_server;
pub mod limits;
pub mod listening;
pub mod reconnecting;
mod roles;
pub mod split;
pub mod streaming;
pub mod tls;
pub mod traffic;
pub mod uploads;

use std::future::Future;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use ws_driver::transport::{AnyTransport, Runtime, Wrap};
#[cfg(unix)]
use ws_driver::{AcceptError, Offer};
use ws_driver::{Config, Error, WebSocket};

use crate::socket::{self, RawPeer, TOO_LONG};

/// A runtime to run the tests on.
pub trait Suite: 'static {
    /// The runtime of the adapter.
    type Runtime: Runtime + Wrap<Stream<Self>>;

    /// Runs a future on a new runtime. The runtime ends with the future.
    fn block_on<F: Future>(future: F) -> F::Output;

    /// Starts a task on the caller's runtime.
    fn spawn(future: impl Future<Output = ()> + Send + 'static);

    /// Waits for a duration without blocking the thread.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;

    /// Makes a stream of the runtime from a stream of the standard library. The caller must run on
    /// that runtime.
    fn adopt(stream: TcpStream) -> Stream<Self>;

    /// Makes a listener of the runtime from a listener of the standard library, accepts one
    /// connection, and reads its request.
    #[cfg(unix)]
    fn read_unix(
        acceptor: Acceptor<Self>,
        listener: std::os::unix::net::UnixListener,
    ) -> impl Future<Output = Result<Offer<Transport<Self>>, AcceptError>>;
}

/// A TCP stream of the runtime.
pub type Stream<S> = <<S as Suite>::Runtime as Runtime>::TcpStream;
/// A TCP stream of the runtime as a transport.
pub type Transport<S> = AnyTransport<<S as Suite>::Runtime>;
/// A connection over a TCP stream of the runtime.
pub type Ws<S> = WebSocket<Transport<S>>;
/// An acceptor of the runtime.
pub type Acceptor<S> = ws_driver::Acceptor<<S as Suite>::Runtime>;
/// A connector of the runtime.
pub type Connector<S> = ws_driver::Connector<<S as Suite>::Runtime>;

/// The channel for the result of a running thread.
#[derive(Debug)]
pub struct Running<R>(Receiver<R>);

impl<R: Send + 'static> Running<R> {
    /// Starts a thread that runs `work`.
    pub fn start(work: impl FnOnce() -> R + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let _ = sender.send(work());
        });
        Self(receiver)
    }

    /// Waits for the result of the thread.
    ///
    /// # Panics
    ///
    /// If the result takes longer than [`TOO_LONG`], or if the thread panicked.
    #[must_use]
    pub fn finish(self) -> R {
        self.0
            .recv_timeout(TOO_LONG)
            .unwrap_or_else(|error| panic!("no result of the connection under test: {error}"))
    }
}

/// Starts a thread that accepts one TCP connection and passes the stream to `serve` on the runtime.
/// Returns the address of the listener.
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

/// Starts a thread that runs the client `call` on the runtime. `call` gets the URL of a listener
/// and must connect to it. Returns the peer, which has accepted this TCP connection.
///
/// # Panics
///
/// If the client does not connect.
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

async fn accept<S: Suite>(stream: Stream<S>) -> Ws<S> {
    accept_with::<S>(stream, Config::default()).await
}

async fn accept_with<S: Suite>(stream: Stream<S>, config: Config) -> Ws<S> {
    let acceptor = Acceptor::<S>::new().config(config);
    acceptor.accept(stream).await.expect("the handshake")
}

async fn connect<S: Suite>(url: &str) -> Ws<S> {
    let connector = Connector::<S>::new();
    connector.connect(url).await.expect("the handshake")
}

/// Sends each message back piece by piece, until the connection ends.
async fn echo_in_pieces<S: Suite>(ws: Ws<S>) -> Result<(), Error> {
    let (mut tx, mut rx) = ws.split();
    while let Some(mut reader) = rx.recv_stream().await? {
        let mut writer = tx.writer(reader.kind())?;
        while let Some(piece) = reader.chunk().await? {
            writer.write(piece).await?;
        }
        writer.finish().await?;
    }
    Ok(())
}

/// Returns random letters. `turn` is the number of the message, and selects one of `sizes`. The
/// first eight messages have exactly the selected length. For later messages, the selected length
/// is the maximum.
fn letters(random: &mut fastrand::Rng, turn: usize, sizes: [usize; 8]) -> Vec<u8> {
    let most = sizes[turn % sizes.len()];
    let len = if turn < sizes.len() {
        most
    } else {
        random.usize(0..=most)
    };
    // Random letters at some positions are enough. A random letter for each position would be slow.
    let mut letters = vec![random.u8(b'a'..=b'z'); len];
    for at in (0..len).step_by(7) {
        letters[at] = random.u8(b'a'..=b'z');
    }
    letters
}

/// A task on the runtime of the connection under test.
struct Task<R>(Receiver<R>);

fn start<S: Suite, R: Send + 'static>(future: impl Future<Output = R> + Send + 'static) -> Task<R> {
    let (done, receiver) = mpsc::channel();
    S::spawn(async move {
        let _ = done.send(future.await);
    });
    Task(receiver)
}

impl<R> Task<R> {
    /// Waits for the result without blocking the runtime.
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

/// Makes a test from each function of the suite, for one runtime.
#[macro_export]
macro_rules! instantiate {
    ($suite:ty) => {
        $crate::instantiate! { $suite, handshake_server:
            a_request_that_breaks_a_rule_gets_a_complete_refusal_and_then_the_end,
            a_refusal_reaches_a_client_that_keeps_sending,
            a_request_in_any_permitted_form_is_accepted,
            frames_after_the_request_are_received,
            a_request_that_stalls_times_out,
            a_request_that_ends_early_is_reported_as_lost,
            the_handshake_timeout_excludes_the_decision,
            an_offer_shows_the_request,
            an_offer_can_be_rejected_in_any_way,
            an_offered_subprotocol_is_chosen_and_another_is_an_error,
            origins_are_checked_against_the_policy,
        }
        $crate::instantiate! { $suite, handshake_client:
            a_wrong_answer_is_an_error_that_names_the_rule,
            an_answer_that_ends_early_is_reported_as_lost,
            a_refusal_reaches_the_caller_with_head_and_body,
            an_answer_in_any_permitted_form_is_accepted,
            frames_after_the_answer_are_received,
            the_request_has_all_required_and_configured_headers,
            an_answer_that_stalls_times_out,
            bad_urls_and_requests_are_errors_before_anything_is_sent,
            a_refused_connection_names_the_address,
        }
        $crate::instantiate! { $suite, closing:
            a_violation_is_answered_before_the_caller_can_drop_the_connection,
            a_violation_amid_unread_input_causes_no_reset,
            a_violation_by_a_server_is_answered_with_a_close,
            a_peer_that_never_ends_is_dropped_within_the_failure_deadline,
            an_echo_and_the_close_arrive_but_no_pong,
            close_against_a_silent_peer_times_out,
            a_close_by_the_peer_ends_with_the_server_first,
            a_client_waits_for_the_server_to_end_first,
            simultaneous_closes_are_clean,
            an_end_without_a_close_is_reported_as_lost,
            a_reset_after_both_closes_is_clean,
            a_dropped_connection_ends_the_transport,
        }
        $crate::instantiate! { $suite, both_closes:
            the_close_of_the_peer_is_reported_after_a_failed_write,
            the_close_of_the_peer_is_reported_after_a_failed_close,
            our_close_does_not_hide_the_close_of_the_peer,
        }
        $crate::instantiate! { $suite, budget:
            the_greediest_make_room_for_the_others,
        }
        $crate::instantiate! { $suite, close_reasons:
            a_close_without_a_code_has_no_payload,
            an_invalid_close_is_refused_and_changes_nothing,
        }
        $crate::instantiate! { $suite, closing_slowly:
            a_peer_that_reads_slowly_gets_everything_and_the_close,
            data_in_system_buffers_arrives_before_the_close,
            closing_does_not_wait_for_a_peer_that_stops_reading,
            the_time_for_an_answer_begins_with_our_close,
            both_closes_end_receiving_although_the_peer_lingers,
            a_server_closes_at_once_after_both_closes,
            close_waits_for_the_end_of_the_transport,
            many_messages_in_the_queue_arrive_before_the_close,
        }
        $crate::instantiate! { $suite, compression:
            compressed_messages_are_echoed_in_every_way,
            messages_of_every_level_and_threshold_are_decoded,
            every_pair_of_takeover_modes_is_agreed_on,
            windows_of_every_size_are_agreed_on,
            compression_is_agreed_on_only_if_both_ends_enable_it,
            a_peer_without_compression_gets_none_and_may_send_none,
            compressed_messages_of_another_client_are_decoded,
            a_corrupt_message_fails_the_connection_of_a_server,
            a_corrupt_message_fails_the_connection_of_a_client,
        }
        $crate::instantiate! { $suite, dialing:
            a_later_address_is_used_if_the_first_ones_refuse,
            every_address_that_refuses_is_named,
            an_ip_address_is_not_resolved,
            localhost_reaches_a_server_without_ipv6,
            an_error_of_the_resolver_is_reported,
            a_line_end_in_a_text_of_the_caller_sends_nothing,
            a_line_end_makes_neither_an_extension_nor_a_proxy,
            messages_pass_through_every_proxy,
            an_ip_address_is_passed_to_the_proxy,
            variables_choose_the_proxy,
            an_http_proxy_refuses_credentials,
            a_socks_proxy_refuses_credentials,
            a_refusal_of_a_proxy_is_complete_and_soon,
            a_wrong_answer_of_a_proxy_is_an_error,
            a_proxy_that_cannot_be_reached_is_named,
            an_untrusted_proxy_receives_no_request,
            the_death_of_a_proxy_fails_the_connection,
            redirects_on_one_server_are_followed,
            another_server_receives_no_secret,
            the_proxy_is_chosen_again_for_a_redirect,
            tls_is_not_given_up_by_a_redirect,
            a_loop_of_redirects_ends,
            an_unusable_location_is_an_error,
        }
        #[cfg(unix)]
        $crate::instantiate! { $suite, dialing_on_unix:
            a_unix_socket_connects_client_and_server,
            a_unix_socket_that_cannot_be_reached_is_an_error,
            socket_options_are_in_effect,
            a_refused_connection_with_options_is_refused,
            options_that_cannot_be_set_are_errors_of_the_attempt,
        }
        $crate::instantiate! { $suite, limits:
            a_higher_message_limit_permits_long_frames,
            a_limit_is_not_undone_by_a_configuration,
        }
        $crate::instantiate! { $suite, listening:
            a_proxy_header_names_the_client,
            a_connection_without_a_required_proxy_header_is_refused,
            plain_requests_are_answered_on_the_same_port,
        }
        $crate::instantiate! { $suite, reconnecting:
            a_client_outlives_restarts_of_its_server,
            a_client_outlives_proxies_that_die_in_a_message,
            a_client_outlives_the_connections_of_a_compressing_tls_server,
        }
        $crate::instantiate! { $suite, uploads:
            pings_are_answered_by_an_end_that_only_sends,
            a_keepalive_does_not_end_an_upload,
            a_write_stall_reports_which_end_does_not_receive,
            an_end_that_receives_in_time_does_not_stall,
        }
        $crate::instantiate! { $suite, split:
            two_tasks_move_large_traffic_in_both_directions_at_once,
            streams_are_forwarded_to_sinks,
            a_connection_can_be_split_by_futures,
            fed_messages_are_sent_by_a_receiver_that_waits_in_another_task,
            halves_that_moved_between_threads_work,
            joined_halves_continue_the_connection,
            a_close_of_the_sender_waits_for_the_receiver,
            a_close_of_the_sender_needs_no_receiver,
            a_close_of_the_sender_times_out_while_no_task_receives,
            both_halves_report_a_violation,
            a_peer_that_never_reads_does_not_keep_the_receiver_from_receiving,
            send_all_and_feed_work_as_for_any_sink,
            methods_and_traits_give_equal_results,
            closing_a_sink_keeps_every_message_for_the_stream,
            forwarding_to_the_end_keeps_every_received_message,
            a_program_that_answers_loses_no_message,
            close_of_a_connection_discards_messages,
            a_receiver_closes_with_code_and_reason,
            closed_returns_however_the_connection_ends,
            a_close_of_the_sender_returns_once_it_was_written,
            a_close_of_the_sender_times_out_if_the_peer_does_not_read,
        }
        $crate::instantiate! { $suite, streaming:
            messages_are_echoed_piece_by_piece_by_a_server,
            messages_are_echoed_piece_by_piece_by_a_client,
            a_message_over_the_limits_passes_both_ways_at_once,
            a_dropped_reader_loses_only_its_message,
        }
        $crate::instantiate! { $suite, tls:
            messages_of_every_length_are_echoed_over_tls,
            two_tasks_move_much_data_over_tls_in_both_directions_at_once,
            keys_are_refreshed_amid_traffic_in_both_directions,
            pings_over_tls_are_answered_by_an_end_that_only_sends,
            a_write_over_tls_that_stalls_times_out,
            a_peer_that_reads_again_in_time_gets_every_record,
            a_client_that_stalls_in_any_part_of_the_handshakes_times_out,
            one_deadline_of_a_server_covers_tls_and_the_request,
            a_server_that_stalls_times_out_in_that_phase,
            one_deadline_of_a_client_covers_tls_and_the_response,
            a_client_that_floods_the_tls_handshake_is_dropped,
            a_faulty_certificate_is_reported_by_both_ends,
            a_server_with_a_long_chain_receives_the_alert,
            both_ends_report_a_missing_client_certificate,
            both_ends_report_a_missing_client_certificate_in_tls_1_2,
            both_ends_report_a_client_certificate_of_another_authority,
            an_accepted_client_certificate_is_visible,
            a_plain_request_at_a_tls_port_is_answered_in_http,
            a_plain_client_at_a_tls_port_reports_the_response,
            a_tls_client_at_a_plain_port_reports_that_it_is_no_tls,
            other_input_at_a_tls_port_is_answered_by_an_alert,
            a_client_that_ends_within_the_tls_handshake_is_lost,
            a_server_that_ends_within_the_tls_handshake_is_lost,
            a_reset_within_the_tls_handshake_is_a_disconnect,
            an_end_between_the_handshakes_is_reported_as_lost,
            a_refused_client_that_lingers_is_dropped,
            configurations_that_list_h2_negotiate_http_1_1,
            a_client_that_offers_only_h2_is_refused,
            a_second_connection_of_a_connector_resumes_the_session,
            a_replaced_certificate_is_used_by_later_connections,
            a_peer_that_ends_its_direction_gets_everything,
            a_session_that_ends_without_a_close_is_lost,
            a_cut_after_both_closes_is_clean,
            a_dropped_connection_ends_tls_without_a_close_notify,
            a_refusal_over_tls_is_complete,
            tls_follows_a_proxy_header,
            plain_requests_over_tls_are_answered,
            a_damaged_record_is_an_error_of_tls,
        }
        $crate::instantiate! { $suite, traffic:
            chopped_traffic_is_echoed_unchanged_by_a_server,
            chopped_traffic_is_echoed_unchanged_by_a_client,
            a_message_of_16_mib_is_echoed,
            the_message_limit_is_exact,
            pings_are_answered_although_the_peer_does_not_read,
            a_peer_that_does_not_read_is_held_back,
            a_stalled_write_times_out,
            futures_dropped_on_a_socket_lose_nothing,
            many_connections_run_side_by_side,
        }
    };
    ($suite:ty, $module:ident: $($test:ident,)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[test]
                fn $test() {
                    $crate::suite::$module::$test::<$suite>();
                }
            )*
        }
    };
}
