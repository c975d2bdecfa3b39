//! Halves: proof of delivery while another task receives, and reuniting.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ws_driver::handshake::Agreed;
use ws_driver::transport::AnyTransport;
use ws_driver::{CloseCode, Connector};
use ws_reconnect::{Backoff, Event, NoHook, Receiver, Reconnecting, Sender};
use ws_tests::exec::{self, Order, Task, Tasks, attempt};
use ws_tests::scripted::{self, Manual, Peer};
use ws_tests::wire::{self, PING, PONG, TEXT};

use super::{MILLISECOND, SECOND};

/// The other ends of all connections.
type Peers = Arc<Mutex<Vec<Peer>>>;

fn client() -> (Reconnecting<Manual>, Peers) {
    let peers = Peers::default();
    let opening = Arc::clone(&peers);
    let client = Reconnecting::new(Connector::new(), "ws://server/")
        .backoff(Backoff::default().first(10 * MILLISECOND))
        .on_connect(move |connector, _| {
            let (transport, peer) = scripted::pair();
            opening.lock().unwrap().push(peer);
            let transport = AnyTransport::new(transport);
            async move { Ok(connector.upgraded_on(transport, Agreed::new(), [])) }
        });
    (client, peers)
}

/// Returns the other end of the newest connection.
fn peer(peers: &Peers) -> Peer {
    peers.lock().unwrap().last().unwrap().clone()
}

/// Returns halves with an open connection, and its other end.
fn halves() -> (Sender<Manual>, Receiver<Manual>, Peers) {
    let (client, peers) = client();
    let (tx, mut rx) = client.split();
    assert!(matches!(next(&mut rx), Event::Open(_)));
    (tx, rx, peers)
}

fn next(rx: &mut Receiver<Manual>) -> Event {
    exec::run(rx.next()).unwrap().expect("an event")
}

/// Takes the frames of a connection. Returns its texts, and answers its Pings.
fn answer(peer: &Peer) -> Vec<String> {
    let mut texts = Vec::new();
    for frame in peer.take_frames() {
        match frame.opcode() {
            TEXT => texts.push(String::from_utf8(frame.payload).unwrap()),
            PING => peer.push(wire::From::Server.frame(PONG, &frame.payload)),
            other => panic!("opcode {other}"),
        }
    }
    texts
}

#[test]
fn a_sender_alone_waits_for_the_proof() {
    for pace in [None, Some(SECOND)] {
        let (client, peers) = client();
        let (mut tx, mut rx) = client.confirm_every(pace).split();
        assert!(matches!(next(&mut rx), Event::Open(_)));
        exec::run(tx.feed("one")).unwrap();
        assert!(attempt(tx.confirm()).is_pending());
        assert_eq!(answer(&peer(&peers)), ["one"]);
        assert_eq!(exec::run(tx.confirm()), Ok(true));
        assert_eq!(tx.confirmed(), 1);
    }
}

#[test]
fn the_proof_behind_messages_waits_for_the_receiver() {
    for order in Order::BOTH {
        let (mut tx, mut rx, peers) = halves();
        let peer = peer(&peers);
        exec::run(tx.feed("one")).unwrap();
        let mut tasks = Tasks::new(order);
        let confirming = tasks.spawn(async move { (tx.confirm().await, tx) });
        tasks.settle();
        peer.push(wire::From::Server.text("news"));
        peer.push(wire::From::Server.text("more news"));
        assert_eq!(answer(&peer), ["one"]);
        tasks.settle();
        assert!(
            confirming.output().is_none(),
            "messages stand before the Pong"
        );
        let receiving = tasks.spawn(async move {
            let mut messages = Vec::new();
            while messages.len() < 2 {
                if let Some(Event::Message(message)) = rx.next().await.unwrap() {
                    messages.push(message);
                }
            }
            (messages, rx)
        });
        tasks.settle();
        let (messages, _rx) = receiving.output().expect("both messages");
        assert_eq!(messages, ["news".into(), "more news".into()]);
        let (confirmed, tx) = confirming.output().expect("the proof");
        assert_eq!((confirmed, tx.confirmed()), (Ok(true), 1));
    }
}

#[test]
fn the_receiver_may_take_the_gap_late() {
    let (mut tx, mut rx, peers) = halves();
    exec::run(tx.send("lost")).unwrap();
    peer(&peers).reset();
    let mut tasks = Tasks::new(Order::Oldest);
    let confirming = tasks.spawn(async move { tx.confirm().await });
    // Connects again. The gap reports the message, so it must be received.
    assert!(!tasks.run());
    assert_eq!(peers.lock().unwrap().len(), 2);
    assert!(confirming.output().is_none());
    let receiving = tasks.spawn(async move {
        let gap = rx.next().await.unwrap();
        let open = rx.next().await.unwrap();
        (gap, open, rx)
    });
    tasks.settle();
    let (gap, open, _rx) = receiving.output().expect("two events");
    let Some(Event::Gap(gap)) = gap else {
        panic!("{gap:?}");
    };
    assert_eq!(gap.undelivered.unconfirmed.iter().collect::<Vec<_>>(), [1]);
    assert!(matches!(open, Some(Event::Open(_))));
    assert_eq!(confirming.output(), Some(Ok(true)));
}

#[test]
fn a_sender_without_a_receiver_does_not_wait_for_it() {
    let (mut tx, rx, peers) = halves();
    exec::run(tx.feed("one")).unwrap();
    peer(&peers).push(wire::From::Server.text("news"));
    {
        let mut task = Task::new();
        let mut confirming = std::pin::pin!(tx.confirm());
        assert!(exec::settle(&mut task, confirming.as_mut()).is_pending());
        assert!(!task.is_woken());
        drop(rx);
        assert!(task.is_woken());
        assert_eq!(exec::run(confirming), Ok(false));
    }
    assert_eq!(exec::run(tx.confirm()), Ok(false));
}

#[test]
fn a_sender_without_a_receiver_finds_the_proof_in_front_of_messages() {
    let (mut tx, rx, peers) = halves();
    drop(rx);
    exec::run(tx.feed("one")).unwrap();
    assert!(attempt(tx.confirm()).is_pending());
    answer(&peer(&peers));
    peer(&peers).push(wire::From::Server.text("news"));
    assert_eq!(exec::run(tx.confirm()), Ok(true));
}

#[test]
fn confirm_ends_with_the_client() {
    let (mut tx, mut rx, peers) = halves();
    exec::run(tx.feed("one")).unwrap();
    let mut tasks = Tasks::new(Order::Oldest);
    let confirming = tasks.spawn(async move { tx.confirm().await.is_err() });
    tasks.settle();
    peer(&peers).push(wire::From::Server.close(1000, ""));
    peer(&peers).end();
    let receiving = tasks.spawn(async move { rx.next().await.unwrap().is_none() });
    tasks.settle();
    assert_eq!(receiving.output(), Some(true));
    assert_eq!(confirming.output(), Some(true));
}

#[test]
fn events_report_confirmations() {
    let (client, peers) = client();
    let mut client = client.report_confirmed().confirm_every(Duration::ZERO);
    assert!(matches!(exec::run(client.next()), Ok(Some(Event::Open(_)))));
    exec::run(client.feed("one")).unwrap();
    exec::run(client.feed("two")).unwrap();
    assert!(attempt(client.next()).is_pending());
    assert_eq!(answer(&peer(&peers)), ["one", "two"]);
    let event = exec::run(client.next()).unwrap();
    assert!(matches!(event, Some(Event::Confirmed(2))), "{event:?}");
    assert!(attempt(client.next()).is_pending());
    // A proof that `confirm` has found is reported as well, after the messages before it.
    exec::run(client.feed("three")).unwrap();
    assert!(attempt(client.confirm()).is_pending());
    answer(&peer(&peers));
    assert_eq!(exec::run(client.confirm()), Ok(true));
    let event = exec::run(client.next()).unwrap();
    assert!(matches!(event, Some(Event::Confirmed(3))), "{event:?}");
    // So is one that closing has found.
    exec::run(client.feed("four")).unwrap();
    assert!(attempt(client.close(CloseCode::NORMAL, "")).is_pending());
    let frames = peer(&peers).take_frames();
    peer(&peers).push(wire::From::Server.frame(PONG, &frames[1].payload));
    peer(&peers).push(wire::From::Server.close(1000, ""));
    peer(&peers).end();
    exec::run(client.close(CloseCode::NORMAL, "")).unwrap();
    let event = exec::run(client.next()).unwrap();
    assert!(matches!(event, Some(Event::Confirmed(4))), "{event:?}");
    assert!(exec::run(client.next()).unwrap().is_none());
}

#[test]
fn a_receiver_is_woken_for_a_confirmation_that_the_sender_finds() {
    let (client, peers) = client();
    let (mut tx, mut rx) = client.report_confirmed().split();
    assert!(matches!(next(&mut rx), Event::Open(_)));
    exec::run(tx.feed("one")).unwrap();
    let mut tasks = Tasks::new(Order::Oldest);
    let receiving = tasks.spawn(async move { (rx.next().await, rx) });
    tasks.settle();
    assert_eq!(answer(&peer(&peers)), ["one"]);
    // The sender reads the Pong first.
    assert_eq!(exec::run(tx.confirm()), Ok(true));
    tasks.settle();
    let (event, _rx) = receiving.output().expect("the confirmation");
    assert!(matches!(event, Ok(Some(Event::Confirmed(1)))), "{event:?}");
}

#[test]
fn halves_are_reunited() {
    for sender_first in [false, true] {
        let (mut tx, mut rx, peers) = halves();
        exec::run(tx.feed("one")).unwrap();
        peer(&peers).push(wire::From::Server.text("news"));
        assert!(attempt(tx.confirm()).is_pending());
        let mut client = match sender_first {
            true => tx.reunite(rx).unwrap(),
            false => rx.reunite(tx).unwrap(),
        };
        // A whole client does not wait for a receiver.
        assert_eq!(exec::run(client.confirm()), Ok(false));
        let event = exec::run(client.next()).unwrap();
        assert!(matches!(event, Some(Event::Message(_))), "{event:?}");
        // Once more, while a message waits for a connection.
        peer(&peers).reset();
        assert!(attempt(client.next()).is_pending());
        assert_eq!(exec::run(client.feed("two")), Ok(2));
        (tx, rx) = client.split();
        let mut client = tx.reunite(rx).unwrap();
        let event = exec::run(client.next()).unwrap();
        assert!(matches!(event, Some(Event::Gap(_))), "{event:?}");
        exec::run(client.flush()).unwrap();
        assert_eq!(answer(&peer(&peers)), ["two"]);
    }
}

#[test]
fn halves_of_two_clients_are_returned() {
    let (mut tx, rx, peers) = halves();
    let (other_tx, other_rx, _) = halves();
    let error = tx.reunite(other_rx).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the halves belong to different clients: join each with its own other half"
    );
    let other_rx: Receiver<Manual, NoHook<Manual>>;
    (tx, other_rx) = (error.0, error.1);
    drop((other_tx, other_rx));
    let mut client = rx.reunite(tx).unwrap();
    exec::run(client.send("works")).unwrap();
    assert_eq!(answer(&peer(&peers)), ["works"]);
}
