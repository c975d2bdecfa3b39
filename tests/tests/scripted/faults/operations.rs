//! A fault at operation N of the transport, for every N: the operation fails, stalls, is shortened,
//! or is interrupted.

use ws_driver::{CloseCode, Config, Error, Message};
use ws_tests::clock;
use ws_tests::exec;
use ws_tests::scripted::{End, Fault, Op, Peer, Ws};
use ws_tests::wire::{self, BINARY, CONTINUATION, PING};

use super::SECOND;

const FAULTS: [Fault; 4] = [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt];

/// The outcome of a run.
#[derive(Debug, Default)]
struct Outcome {
    received: Vec<Message>,
    receive_errors: Vec<Error>,
    other_errors: Vec<Error>,
    /// `true` if receiving waited for input that never arrived.
    starved: bool,
}

/// Returns the segments that the peer sends, and the messages in them.
fn script(from: wire::From) -> (Vec<Vec<u8>>, Vec<Message>) {
    let segments = vec![
        from.text("one"),
        [from.frame(PING, b"p"), from.fragment(BINARY, &[1; 300])].concat(),
        [from.frame(CONTINUATION, &[2; 300]), from.text("two")].concat(),
        from.text("three"),
    ];
    let messages = vec![
        "one".into(),
        [[1; 300], [2; 300]].concat().into(),
        "two".into(),
        "three".into(),
    ];
    (segments, messages)
}

/// Receives to the end, and asserts that the connection then refuses to send. If receiving waits
/// for input that never arrives, closes the connection.
fn finish(ws: &mut Ws, outcome: &mut Outcome) {
    loop {
        match exec::try_run(ws.recv()) {
            None => {
                outcome.starved = true;
                match exec::run(ws.close(CloseCode::NORMAL, "")) {
                    Ok(()) => {}
                    Err(error) => outcome.other_errors.push(error),
                }
                break;
            }
            Some(Ok(Some(message))) => outcome.received.push(message),
            Some(Ok(None)) => break,
            Some(Err(error)) => {
                outcome.receive_errors.push(error);
                break;
            }
        }
    }
    for _ in 0..3 {
        assert!(
            exec::expect_ready(exec::glance(ws.recv()))
                .unwrap()
                .is_none()
        );
    }
    let closed = |result: Result<(), Error>| {
        assert!(matches!(result, Err(Error::Closed(_))), "{result:?}");
    };
    closed(exec::expect_ready(exec::glance(ws.send("late"))));
    closed(exec::expect_ready(exec::glance(ws.feed("late"))));
    match exec::expect_ready(exec::glance(ws.flush())) {
        // `flush` succeeds only if everything had been written before the end.
        Ok(()) => assert!(ws.end().unwrap().clean),
        result => closed(result),
    }
    // The transport may not have ended yet.
    let closed = exec::run(ws.close(CloseCode::NORMAL, ""));
    assert_eq!(closed.is_ok(), ws.end().unwrap().clean, "{closed:?}");
    assert!(ws.get_ref().is_none());
}

/// Runs `play` with each fault at operation 0, 1, 2 and so on, until a run ends before its fault
/// occurs.
fn each_fault(
    ending: impl Fn(&Peer, wire::From),
    mut play: impl FnMut(&mut Ws, &mut Outcome),
    check: impl Fn(&Outcome, &Ws, &Peer),
) {
    for end in End::BOTH {
        let (segments, expected) = script(end.peer());
        for fault in FAULTS {
            for at in 0.. {
                assert!(at < 200, "the run does not end");
                let (mut ws, peer) = end.open(&Config::default());
                let before = clock::elapsed();
                segments
                    .iter()
                    .for_each(|segment| peer.push(segment.clone()));
                ending(&peer, end.peer());
                peer.fault(at, fault);
                let mut outcome = Outcome::default();
                play(&mut ws, &mut outcome);
                finish(&mut ws, &mut outcome);
                let context = format!("{end:?}, {fault:?} at {at}: {outcome:?}");
                assert!(peer.is_dropped(), "{context}");
                assert!(clock::elapsed() - before <= 41 * SECOND, "{context}");
                assert!(expected.starts_with(&outcome.received), "{context}");
                assert!(outcome.receive_errors.len() <= 1, "{context}");
                if matches!(fault, Fault::Shorten | Fault::Interrupt) || peer.fault_waits() {
                    assert!(outcome.received == expected, "{context}");
                    assert!(outcome.receive_errors.is_empty(), "{context}");
                    assert!(outcome.other_errors.is_empty(), "{context}");
                    assert_eq!(clock::elapsed(), before, "{context}");
                    check(&outcome, &ws, &peer);
                }
                let (_, cut) = wire::parse(&peer.take_output());
                assert!(
                    cut == 0 || matches!(fault, Fault::Fail | Fault::Stick),
                    "{context}"
                );
                if peer.fault_waits() {
                    assert!(at > 8, "{context}");
                    break;
                }
            }
        }
    }
}

fn peer_closes(peer: &Peer, from: wire::From) {
    peer.push(from.close(1000, "bye"));
    peer.end();
}

fn is_clean(_: &Outcome, ws: &Ws, peer: &Peer) {
    let end = ws.end().unwrap();
    assert!(end.clean, "{end:?}");
    assert!(end.peer.is_some());
    assert!(peer.is_shut_down());
}

#[test]
fn a_loop_that_sends_each_answer_survives_any_fault() {
    each_fault(
        peer_closes,
        |ws, outcome| {
            while let Some(received) = exec::try_run(ws.recv()) {
                match received {
                    Ok(Some(message)) => {
                        outcome.received.push(message.clone());
                        if let Err(error) = exec::run(ws.send(message)) {
                            outcome.other_errors.push(error);
                            return;
                        }
                    }
                    Ok(None) => return,
                    Err(error) => {
                        outcome.receive_errors.push(error);
                        return;
                    }
                }
            }
        },
        is_clean,
    );
}

#[test]
fn an_echo_loop_survives_any_fault() {
    each_fault(
        peer_closes,
        |ws, outcome| {
            loop {
                match exec::try_run(ws.recv_ref()) {
                    Some(Ok(Some((message, out)))) => {
                        outcome.received.push(message.to_message());
                        if let Some(Err(error)) = exec::try_run(out.feed(message)) {
                            outcome.other_errors.push(error);
                        }
                    }
                    Some(Ok(None)) | None => return,
                    Some(Err(error)) => {
                        outcome.receive_errors.push(error);
                        return;
                    }
                }
            }
        },
        is_clean,
    );
}

#[test]
fn our_own_close_survives_any_fault() {
    each_fault(
        |peer, from| {
            peer.push(from.close(1001, ""));
            peer.end();
        },
        |ws, outcome| {
            if let Err(error) = ws.start_close(CloseCode::NORMAL, "done") {
                outcome.other_errors.push(error);
            }
        },
        is_clean,
    );
}

#[test]
fn a_violation_survives_any_fault_and_is_reported_if_it_arrived() {
    for end in End::BOTH {
        for fault in FAULTS {
            for at in 0.. {
                assert!(at < 100);
                let (mut ws, peer) = end.open(&Config::default());
                let before = clock::elapsed();
                peer.push([end.peer().text("good"), end.peer().frame(0xb, b"bad")].concat());
                peer.end();
                peer.fault(at, fault);
                let mut outcome = Outcome::default();
                finish(&mut ws, &mut outcome);
                let context = format!("{end:?}, {fault:?} at {at}: {outcome:?}");
                let reads = peer
                    .take_log()
                    .iter()
                    .filter(|op| matches!(op, Op::Read { .. }))
                    .count();
                if reads > 0 {
                    assert_eq!(outcome.received, ["good".into()], "{context}");
                    let code = outcome.receive_errors[0].violation_code();
                    assert_eq!(code, Some(CloseCode::PROTOCOL_ERROR), "{context}");
                    assert!(clock::elapsed() - before <= SECOND, "{context}");
                }
                if peer.fault_waits() {
                    let frames = peer.take_frames();
                    assert_eq!(frames.len(), 1, "{context}");
                    assert_eq!(frames[0].close_code(), 1002);
                    assert!(peer.is_shut_down());
                    break;
                }
            }
        }
    }
}
