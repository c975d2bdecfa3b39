//! Readers and writers on halves: wake-ups, dropped readers and writers, closing, and moving
//! between threads.

use std::pin::pin;

use ws_driver::{CloseCode, Config, Error, MessageKind, SendError, TryFeedError};
use ws_tests::exec::{self, Task};
use ws_tests::scripted::{self, End, Peer, Scripted};
use ws_tests::wire::{self, BINARY, CONTINUATION, PING, PONG, TEXT};

use super::{FIN, shape};

/// The halves of a connection, and the other end of its transport. The transport can be split.
type Halves = (
    ws_driver::Sender<Scripted>,
    ws_driver::Receiver<Scripted>,
    Peer,
);

fn split(end: End) -> Halves {
    let (ws, peer) = end.open(&Config::default());
    let (tx, rx) = ws.split();
    (tx, rx, peer)
}

#[test]
fn a_piece_wakes_a_waiting_receiver_which_writes_it() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = split(end);
        peer.push(end.peer().fragment(BINARY, b"begun"));
        let mut reader = exec::run(rx.recv_stream()).unwrap().unwrap();
        assert_eq!(exec::run(reader.chunk()).unwrap(), Some(&b"begun"[..]));
        let mut task = Task::new();
        let mut chunk = pin!(reader.chunk());
        assert!(exec::settle(&mut task, chunk.as_mut()).is_pending());
        let mut writer = tx.writer(MessageKind::Text).unwrap();
        exec::expect_ready(exec::glance(writer.write("piece"))).unwrap();
        assert!(task.is_woken());
        assert!(exec::settle(&mut task, chunk.as_mut()).is_pending());
        assert_eq!(shape(&peer.take_frames()), [(TEXT, &b"piece"[..])]);
        exec::run(writer.finish()).unwrap();
        assert_eq!(shape(&peer.take_frames()), [(FIN, &b""[..])]);
    }
}

#[test]
fn dropped_readers_skip_and_dropped_writers_block_on_halves() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = split(end);
        exec::run(tx.writer(MessageKind::Text).unwrap().write("a")).unwrap();
        let refused = exec::run(tx.send("other"));
        assert!(matches!(
            refused,
            Err(Error::Send(SendError::UnfinishedMessage))
        ));
        assert!(matches!(
            tx.try_feed("other"),
            Err(TryFeedError::Unfinished("other"))
        ));
        peer.push(end.peer().frame(PING, b"p"));
        peer.push(end.peer().fragment(BINARY, b"skipped"));
        exec::run(rx.recv_stream()).unwrap().unwrap();
        peer.push(
            [
                end.peer().frame(CONTINUATION, b"too"),
                end.peer().text("next"),
            ]
            .concat(),
        );
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("next".into()));
        exec::run(tx.resume_writer().unwrap().finish()).unwrap();
        assert!(tx.resume_writer().is_none());
        let frames = peer.take_frames();
        let expected = [(TEXT, &b"a"[..]), (FIN | PONG, b"p"), (FIN, b"")];
        assert_eq!(shape(&frames), expected);
        // After the halves are reunited, the connection also skips the rest of a message and
        // resumes a writer.
        exec::run(tx.writer(MessageKind::Text).unwrap().write("b")).unwrap();
        peer.push(end.peer().fragment(BINARY, b"skipped"));
        exec::run(rx.recv_stream()).unwrap().unwrap();
        let mut ws = tx.reunite(rx).unwrap();
        peer.push(
            [
                end.peer().frame(CONTINUATION, b"too"),
                end.peer().text("next"),
            ]
            .concat(),
        );
        assert_eq!(exec::run(ws.recv()).unwrap(), Some("next".into()));
        exec::run(ws.resume_writer().unwrap().finish()).unwrap();
    }
}

#[test]
fn a_reader_on_a_half_reports_that_the_connection_was_closed() {
    for end in End::BOTH {
        let (mut tx, mut rx, peer) = split(end);
        peer.push(end.peer().fragment(BINARY, b"begun"));
        let mut reader = exec::run(rx.recv_stream()).unwrap().unwrap();
        exec::run(reader.chunk()).unwrap();
        let mut closing = Task::new();
        exec::run(tx.close(CloseCode::NORMAL, "")).unwrap();
        let mut close = pin!(tx.closed());
        assert!(exec::settle(&mut closing, close.as_mut()).is_pending());
        // A fragment that the peer sent before its Close still arrives.
        peer.push(end.peer().fragment(CONTINUATION, b"more"));
        let more = exec::run(reader.chunk()).unwrap();
        assert_eq!(more, Some(&b"more"[..]));
        peer.push(end.peer().close(1000, ""));
        peer.end();
        let error = exec::run(reader.chunk()).unwrap_err();
        assert!(matches!(error, Error::Unfinished), "{error:?}");
        assert!(closing.is_woken());
        exec::expect_ready(exec::settle(&mut closing, close)).unwrap();
        assert!(rx.end().unwrap().clean);
    }
}

#[test]
fn readers_writers_and_their_futures_are_send() {
    fn is_send(_: &impl Send) {}
    let (mut ws, _peer) = scripted::server(&Config::default());
    is_send(&ws.recv_stream());
    let mut writer = ws.writer(MessageKind::Text).unwrap();
    is_send(&writer);
    is_send(&writer.write("x"));
    is_send(&writer.finish());
    let (mut ws, peer) = scripted::server(&Config::default());
    peer.push(wire::From::Client.text("x"));
    let mut reader = exec::run(ws.recv_stream()).unwrap().unwrap();
    is_send(&reader);
    is_send(&reader.chunk());
}
