//! Closing after a write error: the end is never clean, and closing reports the error.

use std::time::Duration;

use ws_driver::{CloseCode, Config};
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Scripted};
use ws_tests::steps::{Receive, timed};

use super::is_broken_pipe;

#[test]
fn a_close_of_the_peer_after_a_write_error_is_returned_but_the_end_is_not_clean() {
    for end in End::BOTH {
        for receive in Receive::ALL {
            for arrives in ["before", "after"] {
                for (len, ends) in [(1, true), (1, false), (100_000, true)] {
                    let context = format!("{end:?} {receive:?} {arrives} {len} {ends}");
                    let (mut ws, peer) = end.open(&Config::default());
                    let last_words = [end.peer().text("last words"), end.peer().close(1000, "bye")];
                    if arrives == "before" {
                        peer.push(last_words.concat());
                    }
                    peer.break_writes();
                    let sent = exec::run(ws.send(vec![1; len])).unwrap_err();
                    assert!(is_broken_pipe(&sent), "{context}: {sent:?}");
                    if arrives == "after" {
                        peer.push(last_words.concat());
                    }
                    if ends {
                        peer.end();
                    }
                    let message = exec::run(receive.next(&mut ws)).unwrap();
                    assert_eq!(message.as_deref(), Some(&b"last words"[..]), "{context}");
                    let (none, time) = timed(|| exec::run(receive.next(&mut ws)).unwrap());
                    assert!(none.is_none(), "{context}");
                    assert_eq!(time, Duration::ZERO, "{context}");
                    assert!(exec::run(receive.next(&mut ws)).unwrap().is_none());
                    let ended = ws.end().unwrap();
                    assert_eq!((ended.code().number(), ended.reason()), (1000, "bye"));
                    assert!(!ended.clean, "{context}");
                    let late = exec::run(ws.send("late")).unwrap_err();
                    assert_eq!(
                        late.peer_close(),
                        ended.peer.as_ref(),
                        "{context}: {late:?}"
                    );
                    assert!(peer.is_dropped(), "{context}");
                    assert!(peer.take_output().is_empty());
                }
            }
        }
    }
}

#[test]
fn close_reports_a_write_error_even_if_the_peer_closes() {
    for end in End::BOTH {
        for arrives in [false, true] {
            let (mut ws, peer) = end.open(&Config::default());
            peer.break_writes();
            assert!(is_broken_pipe(&exec::run(ws.send("x")).unwrap_err()));
            if arrives {
                peer.push(end.peer().close(1000, ""));
                peer.end();
            }
            let (closed, time) = timed(|| exec::run(ws.close(CloseCode::NORMAL, "")));
            let error = closed.unwrap_err();
            assert!(is_broken_pipe(&error), "{end:?} {arrives}: {error:?}");
            assert_eq!(time, Duration::ZERO);
            assert!(!ws.end().unwrap().clean);
            assert!(exec::run(ws.recv()).unwrap().is_none());
        }
    }
}

#[test]
fn a_close_of_the_peer_after_a_write_error_of_the_sender_is_no_clean_end() {
    for end in End::BOTH {
        for order in Order::BOTH {
            for closes in [false, true] {
                let context = format!("{end:?} {order:?} {closes}");
                let (mut tx, mut rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
                peer.break_writes();
                assert!(is_broken_pipe(&exec::run(tx.send("x")).unwrap_err()));
                peer.push([end.peer().text("last"), end.peer().close(1000, "")].concat());
                peer.end();
                let mut tasks = Tasks::new(order);
                let receives = tasks.spawn(async {
                    let mut got = Vec::new();
                    for _ in 0..4 {
                        got.push(rx.recv().await);
                    }
                    got
                });
                let closing = tasks.spawn(async {
                    if closes {
                        tx.close(CloseCode::NORMAL, "").await
                    } else {
                        tx.flush().await
                    }
                });
                assert!(tasks.run(), "{context}: a task waits forever");
                let closed = closing.output().unwrap().unwrap_err();
                assert!(closed.is_disconnect(), "{context}: {closed:?}");
                assert!(!closes || is_broken_pipe(&closed), "{context}: {closed:?}");
                let got = receives.output().unwrap();
                assert!(
                    matches!(&got[..], [Ok(Some(last)), Ok(None), Ok(None), Ok(None)]
                        if *last == "last".into()),
                    "{context}: {got:?}"
                );
                drop(tasks);
                assert!(!tx.end().unwrap().clean && !rx.end().unwrap().clean);
                assert!(peer.is_dropped());
            }
        }
    }
}

#[test]
fn close_of_a_sender_without_a_receiver_reports_its_write_error() {
    for end in End::BOTH {
        for arrives in [false, true] {
            let (mut tx, rx, peer) = scripted::halves::<Scripted>(end, &Config::default());
            peer.break_writes();
            assert!(is_broken_pipe(&exec::run(tx.send("x")).unwrap_err()));
            drop(rx);
            if arrives {
                peer.push(end.peer().close(1000, ""));
                peer.end();
            }
            for _ in 0..2 {
                let error = exec::run(tx.close(CloseCode::NORMAL, "")).unwrap_err();
                assert!(is_broken_pipe(&error), "{end:?} {arrives}: {error:?}");
            }
            assert!(!tx.end().unwrap().clean);
            assert!(peer.is_dropped());
        }
    }
}

/// Both ends have sent a Close, but ours does not reach the peer.
#[test]
fn our_own_close_that_was_not_written_makes_no_clean_end() {
    for end in End::BOTH {
        let (mut ws, peer) = end.open(&Config::default());
        ws.start_close(CloseCode::NORMAL, "").unwrap();
        peer.break_writes();
        assert!(is_broken_pipe(&exec::run(ws.flush()).unwrap_err()));
        peer.push(end.peer().close(1000, ""));
        peer.end();
        assert!(exec::run(ws.recv()).unwrap().is_none());
        let closed = exec::run(ws.close(CloseCode::NORMAL, "")).unwrap_err();
        assert!(is_broken_pipe(&closed), "{end:?}: {closed:?}");
        assert!(!ws.end().unwrap().clean);
        assert!(peer.take_output().is_empty());
    }
}
