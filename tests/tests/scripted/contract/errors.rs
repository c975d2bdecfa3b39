//! Errors of sending: a closed, broken or stalled connection, and messages that are refused.

use std::task::Poll;
use std::time::Duration;

use futures_util::SinkExt;
use ws_driver::{CloseCode, Error, Message, MessageKind, Timeout, TryFeedError, WebSocket};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::{End, Peer};
use ws_tests::wire::CLOSE;

use super::{Framing, Place, fill, wait};

#[test]
fn after_start_close_everything_but_flush_is_refused() {
    for end in End::BOTH {
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            let long = "x".repeat(124);
            assert!(matches!(
                tx.start_close(CloseCode::NORMAL, &long),
                Err(Error::Send(_))
            ));
            assert!(matches!(
                tx.start_close(CloseCode::ABNORMAL, ""),
                Err(Error::Send(_))
            ));
            tx.start_close(CloseCode::NORMAL, "bye").unwrap();
            assert!(matches!(
                tx.start_close(CloseCode::NORMAL, ""),
                Err(Error::Closed(None))
            ));
            assert!(
                matches!(exec::run(tx.send("late")), Err(Error::Closed(None))),
                "{who}"
            );
            assert!(matches!(
                exec::run(tx.feed("late")),
                Err(Error::Closed(None))
            ));
            assert!(matches!(exec::run(tx.ready()), Err(Error::Closed(None))));
            assert!(matches!(
                exec::run(tx.send_ping("")),
                Err(Error::Closed(None))
            ));
            assert!(matches!(
                exec::run(tx.send_pong("")),
                Err(Error::Closed(None))
            ));
            assert!(matches!(
                tx.try_feed("late"),
                Err(TryFeedError::Closed("late"))
            ));
            exec::run(tx.flush()).unwrap();
            let frames = peer.take_frames();
            assert_eq!(frames.len(), 1);
            assert_eq!((frames[0].opcode(), frames[0].close_code()), (CLOSE, 1000));
        });
    }
}

#[test]
fn a_broken_or_stalled_transport_is_an_error_of_every_way_to_send() {
    for end in End::BOTH {
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            peer.break_writes();
            assert!(
                matches!(exec::run(tx.send("x")), Err(Error::Io(_))),
                "{who}"
            );
            assert!(
                matches!(exec::run(tx.send("x")), Err(Error::Io(_))),
                "{who}"
            );
            assert!(matches!(exec::run(tx.ready()), Err(Error::Io(_))), "{who}");
            assert!(matches!(tx.try_feed("x"), Err(TryFeedError::Closed("x"))));
        });
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            peer.window(0);
            let before = clock::elapsed();
            let sent = exec::run(tx.send("x"));
            assert_eq!(clock::elapsed() - before, Duration::from_secs(30));
            // For a `Sender`, the error is `Unreceived`, because no task polls the receiver.
            let expected = match who {
                "Sender" => Timeout::Unreceived,
                _ => Timeout::WriteStall,
            };
            assert!(
                matches!(sent, Err(Error::Timeout(it)) if it == expected),
                "{who} {sent:?}"
            );
            assert!(
                matches!(exec::run(tx.send("x")), Err(Error::Closed(None))),
                "{who}"
            );
        });
        on_each!(end, Framing::Whole, |tx, _peer, _other, who| {
            let sent = exec::run(tx.send_ping([0; 126]));
            assert!(matches!(sent, Err(Error::Send(_))), "{who}");
            let sent = exec::run(tx.send_pong([0; 126]));
            assert!(matches!(sent, Err(Error::Send(_))), "{who}");
        });
    }
}

#[test]
fn a_close_that_cannot_be_written_ends_a_flush_after_the_close_timeout() {
    for end in End::BOTH {
        on_each!(end, Framing::Whole, |tx, peer, _other, who| {
            peer.window(0);
            tx.start_close(CloseCode::NORMAL, "").unwrap();
            let before = clock::elapsed();
            let flushed = exec::run(tx.flush());
            assert!(
                matches!(flushed, Err(Error::Timeout(Timeout::Close))),
                "{who} {flushed:?}"
            );
            assert_eq!(clock::elapsed() - before, Duration::from_secs(5));
        });
    }
}

#[test]
fn a_ping_returns_the_reason_when_its_connection_ends() {
    for end in End::BOTH {
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        peer.window(0);
        let answer = exec::run(ws.ping());
        assert!(
            matches!(answer, Err(Error::Timeout(Timeout::WriteStall))),
            "{answer:?}"
        );
        assert!(matches!(
            exec::run(ws.recv()),
            Err(Error::Timeout(Timeout::WriteStall))
        ));
    }
}

/// `recv` reports the reason for the end once. `close` and `Sender::closed` report it each time.
#[test]
fn a_waiting_call_reports_a_loss_and_later_calls_report_that_the_connection_is_closed() {
    for end in End::BOTH {
        for is_lost in [true, false] {
            let end_connection = |peer: &Peer| {
                if !is_lost {
                    peer.push(end.peer().frame(3, b""));
                }
                peer.end();
            };
            let is_reason = |error: &Error| match is_lost {
                true => matches!(error, Error::Lost),
                false => matches!(error, Error::Receive(_)),
            };
            for operation in [
                "send",
                "feed",
                "ready",
                "flush",
                "send_ping",
                "ping",
                "write",
            ] {
                let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
                peer.window(0);
                fill(&mut ws);
                end_connection(&peer);
                let waited = wait(&mut ws, operation);
                let is_expected = match &waited {
                    Poll::Ready(Err(Error::Closed(None))) => !is_lost,
                    Poll::Ready(Err(error)) => is_lost && is_reason(error),
                    _ => false,
                };
                assert!(is_expected, "{operation} {is_lost}: {waited:?}");
                assert!(is_reason(&exec::run(ws.recv()).unwrap_err()));
                assert!(exec::run(ws.recv()).unwrap().is_none());
                assert!(is_reason(
                    &exec::run(ws.close(CloseCode::NORMAL, "")).unwrap_err()
                ));
                assert!(matches!(exec::run(ws.send("x")), Err(Error::Closed(None))));
            }
            let Place { ws, peer, .. } = Place::open(end, Framing::Whole);
            let (mut tx, mut rx) = ws.split();
            end_connection(&peer);
            assert!(is_reason(&exec::run(rx.recv()).unwrap_err()));
            assert!(matches!(exec::run(tx.send("x")), Err(Error::Closed(None))));
            assert!(is_reason(
                &exec::run(tx.close(CloseCode::NORMAL, "")).unwrap_err()
            ));
            assert!(is_reason(&exec::run(tx.closed()).unwrap_err()));
        }
    }
}

#[test]
fn an_unfinished_streamed_message_makes_other_messages_refused() {
    for end in End::BOTH {
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        let mut writer = ws.writer(MessageKind::Text).unwrap();
        exec::run(writer.write("piece")).unwrap();
        assert!(matches!(
            ws.try_feed("x"),
            Err(TryFeedError::Unfinished("x"))
        ));
        assert!(matches!(exec::run(ws.send("x")), Err(Error::Send(_))));
        peer.push(end.peer().text("question"));
        let (_, out) = exec::run(ws.recv_ref()).unwrap().unwrap();
        assert!(matches!(
            out.try_feed("x"),
            Err(TryFeedError::Unfinished("x"))
        ));
        assert!(matches!(exec::run(out.feed("x")), Err(Error::Send(_))));
        let (mut tx, _rx) = ws.split();
        assert!(matches!(
            tx.try_feed("x"),
            Err(TryFeedError::Unfinished("x"))
        ));
        assert!(matches!(exec::run(tx.feed("x")), Err(Error::Send(_))));
    }
}

#[test]
fn a_write_stall_while_messages_are_unread_is_reported_as_unreceived() {
    for end in End::BOTH {
        for is_sending in [false, true] {
            let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
            peer.window(0);
            if is_sending {
                peer.push_forever(&end.peer().frame(2, &[3; 10_000]));
            }
            let expected = match is_sending {
                true => Timeout::Unreceived,
                false => Timeout::WriteStall,
            };
            let sent = exec::run(ws.send("x"));
            assert!(
                matches!(sent, Err(Error::Timeout(it)) if it == expected),
                "{sent:?}"
            );
        }
    }
}

/// Closing a sink sends the Close and discards no message of the peer.
#[test]
fn messages_can_be_received_after_a_sink_was_closed() {
    for end in End::BOTH {
        let Place { mut ws, peer, .. } = Place::open(end, Framing::Whole);
        peer.push(end.peer().text("under way"));
        exec::run(SinkExt::feed(&mut ws, Message::from("last"))).unwrap();
        exec::run(SinkExt::close(&mut ws)).unwrap();
        exec::run(SinkExt::close(&mut ws)).unwrap();
        let opcodes: Vec<u8> = peer.take_frames().iter().map(|it| it.opcode()).collect();
        assert_eq!(opcodes, [1, CLOSE]);
        peer.push(end.peer().close(1000, ""));
        assert_eq!(
            exec::run(WebSocket::recv(&mut ws)).unwrap(),
            Some("under way".into())
        );
        assert!(exec::run(ws.recv()).unwrap().is_none());
        assert!(ws.end().unwrap().clean);
    }
}
