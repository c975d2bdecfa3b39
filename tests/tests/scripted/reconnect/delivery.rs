//! Proof of delivery, and the queue while no connection is open.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures_util::SinkExt;
use ws_driver::handshake::Agreed;
use ws_driver::transport::AnyTransport;
use ws_driver::{CloseCode, ConnectError, Connector};
use ws_reconnect::{Backoff, Event, Gap, OnOpen, Queue, Reconnecting, SendError, Unsent};
use ws_tests::clock;
use ws_tests::exec::{self, attempt};
use ws_tests::scripted::{self, Manual, Op, Peer};
use ws_tests::wire::{self, CLOSE, PING, PONG, TEXT};

use super::{MILLISECOND, SECOND};

/// The other ends of all connections, and `true` while the server can be reached.
#[derive(Clone, Default)]
struct Net(Arc<Mutex<(Vec<Peer>, bool)>>);

impl Net {
    /// Returns a client, and the network that it connects over.
    fn client() -> (Reconnecting<Manual>, Self) {
        let net = Self::default();
        net.set_up(true);
        let connecting = net.clone();
        let client = Reconnecting::new(Connector::new(), "ws://server/")
            .backoff(Backoff::default().first(10 * MILLISECOND))
            .on_connect(move |connector, _| {
                let opened = connecting.open();
                async move {
                    let transport = AnyTransport::new(opened.ok_or(ConnectError::Lost)?);
                    Ok(connector.upgraded_on(transport, Agreed::new(), []))
                }
            });
        (client, net)
    }

    fn set_up(&self, is_up: bool) {
        self.0.lock().unwrap().1 = is_up;
    }

    fn open(&self) -> Option<scripted::Scripted> {
        let mut state = self.0.lock().unwrap();
        let (transport, peer) = scripted::pair();
        state.1.then(|| {
            state.0.push(peer);
            transport
        })
    }

    /// Returns the other end of the newest connection.
    fn peer(&self) -> Peer {
        self.0.lock().unwrap().0.last().unwrap().clone()
    }
}

/// Returns the next event, and advances time until then.
fn next<O: OnOpen<Manual>>(client: &mut Reconnecting<Manual, O>) -> Event {
    exec::run(client.next()).unwrap().expect("an event")
}

fn open<O: OnOpen<Manual>>(client: &mut Reconnecting<Manual, O>) {
    let event = next(client);
    assert!(matches!(event, Event::Open(_)), "{event:?}");
}

fn gap<O: OnOpen<Manual>>(client: &mut Reconnecting<Manual, O>) -> Box<Gap> {
    match next(client) {
        Event::Gap(gap) => gap,
        other => panic!("{other:?}"),
    }
}

/// Writes everything without receiving an event. Time does not pass.
fn settle<O: OnOpen<Manual>>(client: &mut Reconnecting<Manual, O>) {
    assert!(attempt(client.next()).is_pending());
}

fn feed<O: OnOpen<Manual>>(client: &mut Reconnecting<Manual, O>, text: &str) -> u64 {
    exec::run(client.feed(text)).unwrap()
}

/// Takes the frames that the server has received, as opcode and payload.
fn frames(peer: &Peer) -> Vec<(u8, Vec<u8>)> {
    let frames = peer.take_frames();
    frames
        .into_iter()
        .map(|frame| (frame.opcode(), frame.payload))
        .collect()
}

fn texts(peer: &Peer) -> Vec<String> {
    let frames = frames(peer);
    let texts = frames.into_iter().filter(|(opcode, _)| *opcode == TEXT);
    texts
        .map(|(_, payload)| String::from_utf8(payload).unwrap())
        .collect()
}

fn pong(peer: &Peer, payload: &[u8]) {
    peer.push(wire::From::Server.frame(PONG, payload));
}

/// Takes the frames. Returns the payload of the only Ping among them.
fn ping(peer: &Peer) -> Vec<u8> {
    let pings = frames(peer)
        .into_iter()
        .filter(|(opcode, _)| *opcode == PING);
    let mut pings: Vec<_> = pings.collect();
    assert_eq!(pings.len(), 1);
    pings.remove(0).1
}

fn numbers(gap: &Gap) -> Vec<u64> {
    gap.undelivered.unconfirmed.iter().collect()
}

#[test]
fn a_pong_confirms_the_messages_before_its_ping() {
    let (mut client, net) = Net::client();
    open(&mut client);
    let peer = net.peer();
    for text in ["one", "two", "three"] {
        feed(&mut client, text);
    }
    settle(&mut client);
    let payload = ping(&peer);
    feed(&mut client, "four");
    settle(&mut client);
    assert_eq!(client.confirmed(), 0);
    pong(&peer, &payload);
    settle(&mut client);
    assert_eq!(client.confirmed(), 3);
    peer.reset();
    let gap = gap(&mut client);
    assert_eq!(numbers(&gap), [4]);
    assert!(gap.undelivered.unsent.is_empty() && gap.undelivered.dropped.is_empty());
    open(&mut client);
    assert_eq!(texts(&net.peer()), [""; 0]);
}

#[test]
fn a_pong_that_answers_no_ping_confirms_nothing() {
    let (mut client, net) = Net::client();
    open(&mut client);
    feed(&mut client, "one");
    settle(&mut client);
    let payload = ping(&net.peer());
    for wrong in [
        &b""[..],
        b"#",
        &payload[1..],
        &[&payload[..], b"x"].concat(),
    ] {
        pong(&net.peer(), wrong);
    }
    settle(&mut client);
    assert_eq!(client.confirmed(), 0);
}

#[test]
fn pings_are_paced_and_sent_only_on_demand() {
    let (client, net) = Net::client();
    let mut client = client.confirm_every(10 * SECOND);
    open(&mut client);
    let peer = net.peer();
    settle(&mut client);
    clock::advance(1_000 * SECOND);
    settle(&mut client);
    assert_eq!(frames(&peer), []);

    feed(&mut client, "one");
    settle(&mut client);
    let payload = ping(&peer);
    // One Ping is on its way, so no other follows.
    feed(&mut client, "two");
    settle(&mut client);
    clock::advance(1_000 * SECOND);
    settle(&mut client);
    assert_eq!(frames(&peer), [(TEXT, b"two".to_vec())]);
    // After the Pong, the next one may follow at once, because the last one was long ago.
    pong(&peer, &payload);
    settle(&mut client);
    let payload = ping(&peer);
    pong(&peer, &payload);
    settle(&mut client);
    assert_eq!(client.confirmed(), 2);
    // But not earlier than the pace, and then without another message.
    feed(&mut client, "three");
    settle(&mut client);
    assert_eq!(frames(&peer), [(TEXT, b"three".to_vec())]);
    clock::advance(10 * SECOND - MILLISECOND);
    settle(&mut client);
    assert_eq!(frames(&peer), []);
    clock::advance(MILLISECOND);
    settle(&mut client);
    ping(&peer);
}

#[test]
fn without_pings_everything_written_is_unconfirmed() {
    let (client, net) = Net::client();
    let mut client = client.confirm_every(None);
    open(&mut client);
    feed(&mut client, "one");
    settle(&mut client);
    clock::advance(100 * SECOND);
    settle(&mut client);
    assert_eq!(frames(&net.peer()), [(TEXT, b"one".to_vec())]);
    net.peer().end();
    assert_eq!(numbers(&gap(&mut client)), [1]);
}

/// Loses a connection that has taken "one" and part of "two two". Returns the client and its
/// network after that.
fn cut(unsent: Unsent) -> (Reconnecting<Manual>, Net) {
    let (client, net) = Net::client();
    let mut client = client.unsent(unsent);
    open(&mut client);
    // A frame of a client has 6 bytes of header.
    net.peer().window(9 + 8);
    for text in ["one", "two two", "three"] {
        feed(&mut client, text);
    }
    settle(&mut client);
    assert_eq!(net.peer().output_len(), 17);
    net.peer().reset();
    (client, net)
}

#[test]
fn what_never_left_completely_is_sent_again() {
    let (mut client, net) = cut(Unsent::Resend);
    let gap = gap(&mut client);
    assert_eq!(numbers(&gap), [1]);
    assert!(gap.undelivered.unsent.is_empty());
    open(&mut client);
    settle(&mut client);
    assert_eq!(texts(&net.peer()), ["two two", "three"]);
    net.peer().end();
    assert_eq!(numbers(&self::gap(&mut client)), [2, 3]);
}

#[test]
fn what_never_left_completely_is_handed_back() {
    let (mut client, net) = cut(Unsent::HandBack);
    let gap = gap(&mut client);
    assert_eq!(numbers(&gap), [1]);
    let expected = [(2, "two two".into()), (3, "three".into())];
    assert_eq!(gap.undelivered.unsent, expected);
    open(&mut client);
    settle(&mut client);
    assert_eq!(texts(&net.peer()), [""; 0]);
}

#[test]
fn what_the_hook_sends_precedes_queued_messages_and_has_no_number() {
    let (client, net) = Net::client();
    let mut client = client.on_open(async |ws| Ok(ws.feed("hello").await?));
    assert_eq!(feed(&mut client, "one"), 1);
    open(&mut client);
    settle(&mut client);
    assert_eq!(texts(&net.peer()), ["hello", "one"]);
    net.peer().end();
    assert_eq!(numbers(&gap(&mut client)), [1]);
}

/// Returns a client whose server cannot be reached yet.
fn down(queue: Queue) -> (Reconnecting<Manual>, Net) {
    let (client, net) = Net::client();
    net.set_up(false);
    (client.queue(queue.messages(2)), net)
}

/// Opens the connection. Returns the dropped numbers and the messages that arrive.
fn up(client: &mut Reconnecting<Manual>, net: &Net) -> (Vec<u64>, Vec<String>) {
    net.set_up(true);
    let dropped = gap(client).undelivered.dropped.iter().collect();
    open(client);
    settle(client);
    (dropped, texts(&net.peer()))
}

#[test]
fn the_oldest_messages_make_room() {
    let (mut client, net) = down(Queue::drop_oldest());
    for number in 1..=5 {
        assert_eq!(feed(&mut client, &number.to_string()), number);
    }
    let (dropped, texts) = up(&mut client, &net);
    assert_eq!(
        (dropped, texts),
        (vec![1, 2, 3], vec!["4".into(), "5".into()])
    );
}

#[test]
fn the_newest_messages_are_dropped() {
    let (mut client, net) = down(Queue::drop_newest());
    for number in 1..=5 {
        assert_eq!(feed(&mut client, &number.to_string()), number);
    }
    let (dropped, texts) = up(&mut client, &net);
    assert_eq!(
        (dropped, texts),
        (vec![3, 4, 5], vec!["1".into(), "2".into()])
    );
}

#[test]
fn a_full_queue_is_an_error() {
    let (mut client, net) = down(Queue::fail());
    feed(&mut client, "1");
    feed(&mut client, "2");
    let full = exec::run(client.feed("3")).unwrap_err();
    assert!(matches!(full, SendError::Full(_)));
    assert_eq!(full.into_message(), "3".into());
    net.set_up(true);
    open(&mut client);
    assert_eq!(feed(&mut client, "3"), 3);
    settle(&mut client);
    assert_eq!(texts(&net.peer()), ["1", "2", "3"]);
}

#[test]
fn a_full_queue_waits_and_connects_in_the_meantime() {
    let (mut client, net) = down(Queue::wait());
    feed(&mut client, "1");
    feed(&mut client, "2");
    assert!(attempt(client.feed("3")).is_pending());
    net.set_up(true);
    assert_eq!(exec::run(client.feed("3")), Ok(3));
    open(&mut client);
    settle(&mut client);
    assert_eq!(texts(&net.peer()), ["1", "2", "3"]);
}

#[test]
fn the_bytes_of_the_queue_are_bounded() {
    let (mut client, _net) = down(Queue::fail().bytes(10));
    let long = "x".repeat(100);
    // A longer message has room in an empty queue.
    feed(&mut client, &long);
    assert!(exec::run(client.feed("y")).is_err());
}

#[test]
fn flush_waits_for_a_connection() {
    let (mut client, net) = down(Queue::wait());
    feed(&mut client, "1");
    assert!(attempt(client.flush()).is_pending());
    net.set_up(true);
    exec::run(client.flush()).unwrap();
    assert_eq!(texts(&net.peer()), ["1"]);
}

#[test]
fn send_returns_when_the_message_was_written_or_queued() {
    let (mut client, net) = Net::client();
    assert_eq!(exec::run(client.send("queued")), Ok(1));
    open(&mut client);
    assert_eq!(exec::run(client.send("written")), Ok(2));
    assert_eq!(texts(&net.peer()), ["queued", "written"]);
    net.peer().window(0);
    assert!(attempt(client.send("waits")).is_pending());
    net.peer().window(usize::MAX);
    exec::run(client.flush()).unwrap();
    assert_eq!(texts(&net.peer()), ["waits"]);
}

#[test]
fn a_sink_writes_the_messages_that_it_is_fed_together() {
    let (mut client, net) = Net::client();
    open(&mut client);
    exec::run(async {
        for text in ["one", "two", "three"] {
            SinkExt::feed(&mut client, text.into()).await.unwrap();
        }
        let _ = net.peer().take_log();
        SinkExt::flush(&mut client).await.unwrap();
    });
    let log = net.peer().take_log();
    let writes = log.iter().filter(|op| matches!(op, Op::Write { .. }));
    assert_eq!(writes.count(), 1, "{log:?}");
    assert_eq!(texts(&net.peer()), ["one", "two", "three"]);
}

#[test]
fn messages_that_sending_finds_precede_the_gap() {
    let (mut client, net) = Net::client();
    open(&mut client);
    net.peer().push(wire::From::Server.text("news"));
    net.peer().end();
    net.peer().break_writes();
    // Finds that nothing can be written, and connects again.
    exec::run(client.send("lost")).unwrap();
    exec::run(client.flush()).unwrap();
    assert_eq!(texts(&net.peer()), ["lost"]);
    let event = next(&mut client);
    assert!(
        matches!(&event, Event::Message(message) if message.as_text() == Some("news")),
        "{event:?}"
    );
    gap(&mut client);
    open(&mut client);
}

#[test]
fn gaps_that_were_not_received_become_one() {
    let (mut client, net) = Net::client();
    open(&mut client);
    for number in 1..=3 {
        exec::run(client.send("x")).unwrap();
        assert_eq!(net.0.lock().unwrap().0.len(), number);
        net.peer().reset();
        net.peer().break_writes();
        exec::run(client.feed("y")).unwrap();
        exec::run(client.flush()).unwrap();
    }
    let gap = gap(&mut client);
    // The last message is on the connection that is open.
    assert_eq!(numbers(&gap), [1, 2, 3, 4, 5]);
    let event = next(&mut client);
    assert!(matches!(event, Event::Open(open) if open.connection == 4));
}

#[test]
fn confirm_waits_for_the_proof_of_every_message() {
    for pace in [None, Some(SECOND)] {
        let (client, net) = Net::client();
        let mut client = client.confirm_every(pace);
        feed(&mut client, "one");
        // Connects. The event must be received first.
        assert_eq!(exec::run(client.confirm()), Ok(false));
        open(&mut client);
        assert!(attempt(client.confirm()).is_pending());
        let payload = ping(&net.peer());
        pong(&net.peer(), &payload);
        assert_eq!(exec::run(client.confirm()), Ok(true));
        assert_eq!(client.confirmed(), 1);

        feed(&mut client, "two");
        net.peer().push(wire::From::Server.text("news"));
        assert_eq!(exec::run(client.confirm()), Ok(false));
        assert!(matches!(next(&mut client), Event::Message(_)));
        assert!(attempt(client.confirm()).is_pending());
        net.peer().reset();
        assert_eq!(exec::run(client.confirm()), Ok(false));
        assert_eq!(numbers(&gap(&mut client)), [2]);
        open(&mut client);
        assert_eq!(exec::run(client.confirm()), Ok(true));
        net.peer().push(wire::From::Server.close(1000, ""));
        net.peer().end();
        feed(&mut client, "three");
        assert!(exec::run(client.confirm()).is_err());
    }
}

#[test]
fn close_writes_what_is_queued_and_proves_it() {
    let (mut client, net) = Net::client();
    open(&mut client);
    feed(&mut client, "one");
    assert!(attempt(client.close(CloseCode::GOING_AWAY, "bye")).is_pending());
    let sent = net.peer().take_frames();
    let opcodes: Vec<_> = sent.iter().map(|frame| frame.opcode()).collect();
    assert_eq!(opcodes, [TEXT, PING, CLOSE]);
    let late = exec::run(client.feed("late"));
    assert!(matches!(late, Err(SendError::Ended(_))));
    pong(&net.peer(), &sent[1].payload);
    // 1001 would be a reason to connect again if the server had begun to close.
    net.peer().push(wire::From::Server.close(1001, ""));
    net.peer().end();
    let undelivered = exec::run(client.close(CloseCode::GOING_AWAY, "bye")).unwrap();
    assert!(undelivered.is_empty(), "{undelivered:?}");
    assert!(exec::run(client.next()).unwrap().is_none());
    assert!(client.end().unwrap().clean);
}

#[test]
fn a_close_that_crosses_ours_proves_nothing() {
    let (mut client, net) = Net::client();
    open(&mut client);
    feed(&mut client, "one");
    assert!(attempt(client.close(CloseCode::NORMAL, "")).is_pending());
    net.peer().push(wire::From::Server.close(1012, ""));
    net.peer().end();
    let undelivered = exec::run(client.close(CloseCode::NORMAL, "")).unwrap();
    assert_eq!(undelivered.unconfirmed.iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn closing_without_a_connection_returns_the_queue() {
    let (mut client, _net) = down(Queue::drop_oldest());
    for text in ["1", "2", "3"] {
        feed(&mut client, text);
    }
    let Poll::Ready(undelivered) = attempt(client.close(CloseCode::NORMAL, "")) else {
        panic!("close waits");
    };
    let undelivered = undelivered.unwrap();
    assert_eq!(undelivered.unsent, [(2, "2".into()), (3, "3".into())]);
    assert_eq!(undelivered.dropped.iter().collect::<Vec<_>>(), [1]);
    assert!(exec::run(client.next()).unwrap().is_none());
}

#[test]
fn a_code_that_must_not_be_sent_closes_nothing() {
    let (mut client, net) = Net::client();
    open(&mut client);
    assert!(exec::run(client.close(CloseCode::ABNORMAL, "")).is_err());
    exec::run(client.send("still open")).unwrap();
    assert_eq!(texts(&net.peer()), ["still open"]);
}

#[test]
fn the_end_of_the_server_is_the_end() {
    let (mut client, net) = Net::client();
    open(&mut client);
    feed(&mut client, "one");
    settle(&mut client);
    net.peer().push(wire::From::Server.text("last"));
    net.peer().push(wire::From::Server.close(1000, "done"));
    net.peer().end();
    assert!(matches!(next(&mut client), Event::Message(_)));
    assert!(exec::run(client.next()).unwrap().is_none());
    assert_eq!(client.end().unwrap().reason(), "done");
    let unconfirmed = client.take_undelivered().unconfirmed;
    assert_eq!(unconfirmed.iter().collect::<Vec<_>>(), [1]);
    assert!(client.take_undelivered().is_empty());
}

#[test]
fn giving_up_returns_everything() {
    let (client, net) = Net::client();
    let mut client = client.backoff(Backoff::default().max_failures(3));
    open(&mut client);
    net.peer().window(9);
    feed(&mut client, "one");
    feed(&mut client, "two");
    settle(&mut client);
    net.set_up(false);
    net.peer().reset();
    assert!(attempt(client.next()).is_pending());
    feed(&mut client, "three");
    let gave_up = exec::run(client.next()).unwrap_err();
    let undelivered = &gave_up.undelivered;
    assert_eq!(undelivered.unconfirmed.iter().collect::<Vec<_>>(), [1]);
    assert_eq!(undelivered.unsent, [(2, "two".into()), (3, "three".into())]);
    assert!(gave_up.to_string().contains("3 failures"), "{gave_up}");
    assert!(exec::run(client.next()).unwrap().is_none());
}
