//! `AnyTransport`: any transport as one type.

use ws_driver::testing::duplex;
use ws_driver::transport::{AnyTransport, Split};
use ws_driver::{CloseCode, Config, WebSocket};
use ws_tests::clock::ManualTimer;
use ws_tests::exec::{self, Order, Tasks};
use ws_tests::scripted::{self, End, Manual, Op, Scripted, Whole};
use ws_tests::steps::{assert_works, echo, opcodes, take_over};
use ws_tests::wire::{PING, PONG, TEXT};

type Any = AnyTransport<Manual>;

#[test]
fn transports_of_two_kinds_have_one_type() {
    fn is_send<T: Send + 'static>(_: &T) {}
    for end in End::BOTH {
        let (transport, peer) = scripted::pair();
        let (here, there) = duplex::<ManualTimer>(100);
        let all: Vec<Any> = vec![Any::new(transport), Any::new(here)];
        let mut connections: Vec<WebSocket<Any>> = all
            .into_iter()
            .map(|any| take_over(end, &Config::default(), any, []))
            .collect();
        is_send(&connections);
        for _ in 0..3 {
            peer.push(end.peer().text("echo"));
            assert!(exec::attempt(echo(&mut connections[0])).is_pending());
            assert_eq!(peer.take_frames()[0].whole(), (TEXT, &b"echo"[..]));
        }
        let log = peer.take_log();
        let writes = log.iter().filter(|op| matches!(op, Op::Write { .. }));
        assert_eq!(writes.count(), 3);
        let other_end = match end {
            End::Client => End::Server,
            End::Server => End::Client,
        };
        let mut other = take_over(other_end, &Config::default(), there, []);
        exec::run(other.send("over there")).unwrap();
        let got = exec::run(connections[1].recv()).unwrap();
        assert_eq!(got, Some("over there".into()));
        peer.push(end.peer().close(1000, ""));
        peer.end();
        exec::run(connections[0].close(CloseCode::NORMAL, "")).unwrap();
        assert!(connections[0].end().unwrap().clean);
        assert!(peer.is_dropped());
    }
}

#[test]
fn a_boxed_transport_can_be_split_reunited_and_unboxed() {
    for end in End::BOTH {
        let (transport, peer) = scripted::pair();
        let boxed = Any::new(Whole::new(transport));
        let ws = take_over(end, &Config::default(), boxed, end.peer().text("left"));
        let (mut tx, mut rx) = ws.split();
        assert_eq!(exec::run(rx.recv()).unwrap(), Some("left".into()));
        let mut tasks = Tasks::new(Order::Newest);
        let receiving = tasks.spawn(async { (rx.recv().await, rx) });
        tasks.settle();
        exec::run(tx.feed("fed")).unwrap();
        tasks.settle();
        assert_eq!(opcodes(&peer.take_frames()), [TEXT]);
        exec::run(tx.send("sent")).unwrap();
        peer.push(end.peer().frame(PING, b"p"));
        tasks.settle();
        assert_eq!(opcodes(&peer.take_frames()), [TEXT, PONG]);
        peer.push(end.peer().text("m"));
        tasks.settle();
        let (got, rx) = receiving.output().unwrap();
        assert_eq!(got.unwrap(), Some("m".into()));
        let mut ws = tx.reunite(rx).unwrap();
        assert_works(&mut ws, end, &peer);
        let (boxed, unread) = ws
            .into_parts()
            .unwrap_or_else(|_| panic!("not taken apart"));
        assert!(unread.is_empty() && !peer.is_dropped());
        let boxed = boxed.downcast::<Scripted>().expect_err("another type");
        let whole: Whole = boxed.downcast().expect("the type that was boxed");
        let mut ws = take_over(end, &Config::default(), whole, unread);
        assert_works(&mut ws, end, &peer);
    }
}

#[test]
fn halves_of_two_boxed_transports_are_not_reunited() {
    let boxed = || Any::new(Whole::new(scripted::pair().0));
    let ((read, _), (_, write)) = (boxed().split(), boxed().split());
    assert!(Any::reunite(read, write).is_none());
    let (read, write) = boxed().split();
    assert!(Any::reunite(read, write).is_some());
    let ((read, _), (_, write)) = (boxed().split(), Any::new(scripted::pair().0).split());
    assert!(Any::reunite(read, write).is_none());
}

/// The TCP stream of a runtime must keep its type, because its halves depend on this type.
#[test]
fn tcp_is_recognized_and_not_boxed() {
    let (transport, _peer) = scripted::pair();
    let any = Any::new(transport);
    assert!(any.tcp().is_some());
    assert!(
        any.downcast::<Whole>()
            .unwrap_err()
            .downcast::<Scripted>()
            .is_ok()
    );
    assert!(Any::new(Whole::new(scripted::pair().0)).tcp().is_none());
}
