//! A fault at every operation of the transport below HTTP/2.

use std::io;

use ws_driver::{ConnectError, Error, Message};
use ws_tests::exec;
use ws_tests::http2::{MAX_WINDOW, Output};
use ws_tests::scripted::{self, Fault, Peer};

use super::{Client, Form, Ws, echoes, frames, open, push_conversation, try_serve};

const FAULTS: [Fault; 4] = [Fault::Fail, Fault::Stick, Fault::Shorten, Fault::Interrupt];

/// Echoes every message, and closes. Adds the messages to `received`.
async fn echo(ws: &mut Ws, received: &mut Vec<Message>) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        received.push(message.clone());
        ws.feed(message).await?;
    }
    ws.close(ws_driver::CloseCode::NORMAL, "").await
}

/// Echoes a conversation. Returns the messages that were received and the result. `None` if the
/// echo waits forever.
fn converse(client: &mut Client, peer: &Peer) -> (Vec<Message>, Option<Result<(), Error>>) {
    let mut received = Vec::new();
    let result = exec::try_run(client.run(async |ws| echo(ws, &mut received).await));
    client.settle(peer);
    (received, result)
}

#[test]
fn a_fault_in_the_conversation_loses_and_repeats_nothing() {
    for form in Form::BOTH {
        for fault in FAULTS {
            for at in 0.. {
                let context = format!("{form:?} {fault:?} {at}");
                let (mut client, peer) = open(form);
                let messages = push_conversation(&peer);
                peer.fault(at, fault);
                let (received, result) = converse(&mut client, &peer);
                let is_over = peer.fault_waits();
                let output = Output::parse(&peer.take_output());
                let sent = frames(&output);
                assert!(messages.starts_with(&received), "{context}");
                assert!(echoes(&messages).starts_with(&sent), "{context}");
                match (fault, result) {
                    (Fault::Shorten | Fault::Interrupt, Some(Ok(()))) => {
                        assert!(sent == echoes(&messages), "{context}: {}", sent.len());
                        assert_eq!((output.cut, output.reset), (0, None), "{context}");
                        // The connection has ended, too. Nothing else uses the session.
                        assert!(output.has_ended, "{context}");
                        assert_eq!(output.go_away, Some(0), "{context}");
                        assert!(peer.is_shut_down() && peer.is_dropped(), "{context}");
                    }
                    // A read that is stuck, and no timeout.
                    (Fault::Stick, None) => {}
                    (Fault::Fail | Fault::Stick, Some(result)) => {
                        let is_loss = result.as_ref().map_or_else(Error::is_disconnect, |()| true);
                        assert!(is_loss, "{context}: {result:?}");
                        assert!(sent.len() <= received.len() + 1, "{context}");
                    }
                    (_, result) => panic!("{context}: {result:?}"),
                }
                if is_over {
                    assert!(at > 10, "{context}");
                    break;
                }
            }
        }
    }
}

#[test]
fn a_fault_while_the_connection_opens_is_reported() {
    for form in Form::BOTH {
        for fault in FAULTS {
            for at in 0.. {
                let context = format!("{form:?} {fault:?} {at}");
                let (transport, peer) = scripted::pair();
                peer.fault(at, fault);
                let result = try_serve(Client::open(form, transport), &peer, MAX_WINDOW);
                let result = result.unwrap_or_else(|| panic!("{context} hangs"));
                if peer.fault_waits() {
                    assert!(at > 3, "{context}");
                    break;
                }
                match (fault, result) {
                    (Fault::Fail, Err(ConnectError::Io(error))) => {
                        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{context}");
                    }
                    (Fault::Stick, Err(error)) => assert!(error.is_timeout(), "{context}"),
                    (Fault::Shorten | Fault::Interrupt, Ok(_)) => {}
                    // The last operation flushes what the server does not wait for.
                    (Fault::Fail | Fault::Stick, Ok(_)) if at > 5 => {}
                    (_, result) => panic!("{context}: {:?}", result.map(drop)),
                }
                if !matches!(fault, Fault::Shorten | Fault::Interrupt) {
                    assert!(peer.is_dropped(), "{context}");
                }
            }
        }
    }
}
