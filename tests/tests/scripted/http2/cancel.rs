//! Futures over HTTP/2 that are dropped at every await.

use std::pin::pin;

use ws_tests::exec::{self, Task};
use ws_tests::http2::{self, Output};
use ws_tests::scripted::{self, Peer};
use ws_tests::steps::echo_one;
use ws_tests::wire::TEXT;

use super::{Client, Form, echoes, frames, open, push_conversation};

const PIECES: [usize; 3] = [3, 100, 4096];

/// Returns a client over a slow transport. Each operation is pending once, and then moves at most
/// `piece` bytes.
fn reluctant(form: Form, piece: usize) -> (Client, Peer) {
    let (client, peer) = open(form);
    peer.hesitate();
    peer.pieces(piece, piece);
    (client, peer)
}

#[test]
fn an_echo_loop_dropped_at_every_await_answers_each_message_once() {
    for form in Form::BOTH {
        for piece in PIECES {
            let (mut client, peer) = reluctant(form, piece);
            let messages = push_conversation(&peer);
            let step = async |client: &mut Client| client.run(async |ws| echo_one(ws).await).await;
            while exec::run_dropping(&mut client, step).unwrap() {}
            assert!(client.ws.end().unwrap().clean);
            client.settle(&peer);
            let output = Output::parse(&peer.take_output());
            assert!(
                frames(&output) == echoes(&messages),
                "{form:?} in pieces of {piece}"
            );
        }
    }
}

#[test]
fn a_send_dropped_after_any_number_of_polls_has_sent_the_message_once() {
    let long = "long ".repeat(40);
    for form in Form::BOTH {
        for polls in 1.. {
            let (mut client, peer) = reluctant(form, 20);
            let mut done = false;
            {
                let mut send = pin!(client.run(async |ws| ws.send(&long).await));
                for _ in 0..polls {
                    done = Task::new().poll(send.as_mut()).is_ready();
                    if done {
                        break;
                    }
                }
            }
            let mut expected = vec![(TEXT, long.clone().into_bytes())];
            if !done {
                exec::run(client.run(async |ws| ws.send("next").await)).unwrap();
                expected.push((TEXT, b"next".to_vec()));
            }
            client.settle(&peer);
            let output = Output::parse(&peer.take_output());
            assert_eq!(
                frames(&output),
                expected,
                "{form:?}, dropped after {polls} polls"
            );
            if done {
                assert!(
                    polls > 1 || form == Form::Session,
                    "the send was never dropped half way"
                );
                break;
            }
        }
    }
}

#[test]
fn a_close_dropped_at_every_await_closes_once() {
    for form in Form::BOTH {
        for piece in PIECES {
            let (mut client, peer) = reluctant(form, piece);
            push_conversation(&peer);
            let close = async |client: &mut Client| {
                let closing = async |ws: &mut super::Ws| ws.close(1001_u16.into(), "bye").await;
                client.run(closing).await
            };
            exec::run_dropping(&mut client, close).unwrap();
            client.settle(&peer);
            let output = Output::parse(&peer.take_output());
            let sent = frames(&output);
            assert_eq!(sent.len(), 1, "{form:?} in pieces of {piece}: {sent:?}");
            assert!(output.has_ended);
        }
    }
}

#[test]
fn an_opening_dropped_at_any_await_drops_the_transport() {
    for form in Form::BOTH {
        let mut has_request = false;
        for polls in 1..150 {
            let (transport, peer) = scripted::pair();
            peer.hesitate();
            peer.pieces(20, 20);
            peer.push(http2::settings(100));
            {
                let mut opening = pin!(Client::open(form, transport));
                for _ in 0..polls {
                    assert!(Task::new().poll(opening.as_mut()).is_pending());
                }
            }
            assert!(peer.is_dropped(), "{form:?} after {polls} polls");
            has_request |= Output::parse(&peer.take_output()).has_request;
        }
        assert!(has_request, "{form:?}");
    }
}
