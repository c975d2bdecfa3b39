//! Futures over TLS that are dropped at every await.

use std::pin::pin;

use ws_driver::Config;
use ws_tests::exec::{self, Task};
use ws_tests::scripted::End;
use ws_tests::steps::echo_one;
use ws_tests::tls::{self, TlsPeer, Wss};
use ws_tests::wire::TEXT;

use super::{LARGE, conversation, echoes, frames};

const PIECES: [usize; 3] = [1, 100, 4096];

/// Returns a connection over a slow transport. Each operation is pending once, and then moves at
/// most `piece` bytes.
fn reluctant(end: End, piece: usize) -> (Wss, TlsPeer) {
    let (ws, peer) = tls::open(end, &Config::default());
    peer.below.hesitate();
    peer.below.pieces(piece, piece);
    (ws, peer)
}

#[test]
fn an_echo_loop_dropped_at_every_await_answers_each_message_once() {
    for end in End::BOTH {
        for piece in PIECES {
            let (mut ws, mut peer) = reluctant(end, piece);
            let (input, _) = conversation(end.peer(), LARGE);
            for frame in &input {
                peer.push(frame);
            }
            peer.close_notify();
            peer.below.end();
            while exec::run_dropping(&mut ws, async |ws| echo_one(ws).await).unwrap() {}
            assert!(ws.end().unwrap().clean);
            assert!(
                frames(&mut peer) == echoes(end),
                "{end:?} in pieces of {piece}"
            );
        }
    }
}

#[test]
fn a_send_dropped_after_any_number_of_polls_has_sent_the_message_once() {
    let long = "long ".repeat(40);
    for end in End::BOTH {
        for polls in 1.. {
            let (mut ws, mut peer) = reluctant(end, 20);
            let mut done = false;
            {
                let mut send = pin!(ws.send(&long));
                for _ in 0..polls {
                    done = Task::new().poll(send.as_mut()).is_ready();
                    if done {
                        break;
                    }
                }
            }
            if done {
                assert!(polls > 5, "the send was never dropped half way");
                assert_eq!(frames(&mut peer), [(TEXT, long.clone().into_bytes())]);
                break;
            }
            exec::run(ws.send("next")).unwrap();
            let expected = [(TEXT, long.clone().into_bytes()), (TEXT, b"next".to_vec())];
            assert_eq!(frames(&mut peer), expected, "dropped after {polls} polls");
        }
    }
}
