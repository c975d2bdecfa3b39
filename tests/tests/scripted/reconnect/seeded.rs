//! Random runs: every message is delivered, or reported once.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use fastrand::Rng;
use ws_driver::{CloseCode, Connector};
use ws_reconnect::{
    Backoff, Cause, Ended, Event, GaveUp, OnOpen, Queue, Receiver, Reconnecting, SendError, Sender,
    Undelivered, Unsent,
};
use ws_tests::clock;
use ws_tests::scripted::Manual;

use super::ledger::{Ledger, text};
use super::world::{Mood, World, config};

/// A client, whole or split.
enum Client<O: OnOpen<Manual>> {
    Whole(Box<Reconnecting<Manual, O>>),
    Split(Sender<Manual, O>, Receiver<Manual, O>),
}

type Next = Result<Option<Event>, Box<GaveUp>>;

impl<O: OnOpen<Manual>> Client<O> {
    async fn next(&mut self) -> Next {
        match self {
            Self::Whole(client) => client.next().await,
            Self::Split(_, receiver) => receiver.next().await,
        }
    }

    async fn feed(&mut self, text: &str) -> Result<u64, SendError> {
        match self {
            Self::Whole(client) => client.feed(text).await,
            Self::Split(sender, _) => sender.feed(text).await,
        }
    }

    async fn send(&mut self, text: &str) -> Result<u64, SendError> {
        match self {
            Self::Whole(client) => client.send(text).await,
            Self::Split(sender, _) => sender.send(text).await,
        }
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        match self {
            Self::Whole(client) => client.flush().await,
            Self::Split(sender, _) => sender.flush().await,
        }
    }

    /// Waits for the proof. A receiving half takes events in the meantime.
    async fn confirm(&mut self, events: &mut Vec<Next>) -> Result<bool, Ended> {
        match self {
            Self::Whole(client) => client.confirm().await,
            Self::Split(sender, receiver) => {
                let mut confirming = pin!(sender.confirm());
                poll_fn(|cx| {
                    loop {
                        if let Poll::Ready(confirmed) = confirming.as_mut().poll(cx) {
                            return Poll::Ready(confirmed);
                        }
                        events.push(ready!(receiver.poll_next_event(cx)));
                    }
                })
                .await
            }
        }
    }

    /// Splits a whole client, or joins its halves.
    fn reshape(self) -> Self {
        match self {
            Self::Whole(client) => {
                let (sender, receiver) = client.split();
                Self::Split(sender, receiver)
            }
            Self::Split(sender, receiver) => {
                Self::Whole(Box::new(sender.reunite(receiver).unwrap()))
            }
        }
    }

    async fn close(&mut self) -> Undelivered {
        let closed = match self {
            Self::Whole(client) => client.close(CloseCode::NORMAL, "done").await,
            Self::Split(sender, _) => sender.close(CloseCode::NORMAL, "done").await,
        };
        closed.unwrap()
    }

    fn take_undelivered(&mut self) -> Undelivered {
        match self {
            Self::Whole(client) => client.take_undelivered(),
            Self::Split(sender, _) => sender.take_undelivered(),
        }
    }

    fn confirmed(&self) -> u64 {
        match self {
            Self::Whole(client) => client.confirmed(),
            Self::Split(sender, _) => sender.confirmed(),
        }
    }
}

fn queue(random: &mut Rng) -> Queue {
    let queues = [
        Queue::wait(),
        Queue::drop_oldest(),
        Queue::drop_newest(),
        Queue::fail(),
    ];
    let queue = queues[random.usize(..queues.len())];
    queue
        .messages(random.usize(1..10))
        .bytes(random.usize(1..1_000))
}

/// Makes a client with random settings.
fn client(world: &World, seed: u64) -> Client<impl OnOpen<Manual>> {
    let mut random = Rng::with_seed(seed ^ 0xc11e);
    let connector = Connector::new().config(config(&mut random));
    let unsent = [Unsent::Resend, Unsent::HandBack][random.usize(..2)];
    let pace = [None, Some(0), Some(300)][random.usize(..3)].map(Duration::from_millis);
    let (connecting, opening) = (world.clone(), world.clone());
    let client = Reconnecting::new(connector, "ws://server/")
        .backoff(Backoff::default().seed(seed).max_failures(200))
        .queue(queue(&mut random))
        .unsent(unsent)
        .confirm_every(pace)
        .on_connect(move |connector, _| {
            let world = connecting.clone();
            async move { world.connect(&connector).await }
        })
        .on_open(async move |ws| {
            let fails = {
                let mut world = opening.state();
                world.mood == Mood::Random && world.random.u8(..) < 20
            };
            ws.send("hello").await?;
            match fails {
                true => Err(Cause::retry("not today")),
                false => Ok(()),
            }
        });
    let client = Client::Whole(Box::new(client));
    match random.bool() {
        true => client,
        false => client.reshape(),
    }
}

/// Handles the result of `next`. Returns `false` at the end.
fn take<O: OnOpen<Manual>>(next: Next, client: &mut Client<O>, ledger: &mut Ledger) -> bool {
    match next {
        Ok(Some(event)) => {
            ledger.event(event);
            true
        }
        Ok(None) => {
            ledger.undelivered(client.take_undelivered());
            false
        }
        Err(gave_up) => {
            ledger.undelivered(gave_up.undelivered);
            false
        }
    }
}

/// Runs one client. Returns the number of gaps and of messages that the server has read.
fn run(seed: u64) -> (u64, usize) {
    let world = World::new(seed);
    let mut client = client(&world, seed);
    let mut ledger = Ledger::default();
    let mut random = Rng::with_seed(!seed);
    let mut is_open = true;
    for id in 0..random.u64(20..120) {
        let longest = [20, 20, 2_000][random.usize(..3)];
        let text = text(id, random.usize(..longest));
        match random.u8(..10) {
            0..4 => {
                if let Some(next) = world.run(client.next(), true)
                    && !take(next, &mut client, &mut ledger)
                {
                    is_open = false;
                    break;
                }
            }
            4..7 => match world.run(client.feed(&text), true) {
                Some(Ok(number)) => ledger.accept(number, text),
                // A dropped `feed` has not accepted the message.
                None | Some(Err(_)) => ledger.refuse(text),
            },
            7..9 => match world.run(client.send(&text), ledger.is_certain()) {
                Some(Ok(number)) => ledger.accept(number, text),
                Some(Err(_)) => ledger.refuse(text),
                None => ledger.send_was_dropped(text),
            },
            _ => {
                if random.bool() {
                    let mut events = Vec::new();
                    world.run(client.confirm(&mut events), true);
                    for next in events {
                        is_open &= take(next, &mut client, &mut ledger);
                    }
                    if !is_open {
                        break;
                    }
                } else {
                    world.run(client.flush(), true);
                }
                if random.bool() {
                    client = client.reshape();
                }
                if random.bool() {
                    clock::advance(Duration::from_millis(random.u64(..90_000)));
                }
            }
        }
    }
    if is_open {
        let mood = [Mood::Healthy, Mood::Gone][random.usize(..2)];
        world.state().mood = mood;
        if mood == Mood::Healthy && random.bool() {
            // If the queue is full, there must be an event soon.
            world.run(client.flush(), false).unwrap().ok();
        }
        if mood == Mood::Healthy || random.bool() {
            let undelivered = world.run(client.close(), false).unwrap();
            ledger.undelivered(undelivered);
        }
        while is_open {
            let next = world.run(client.next(), false).unwrap();
            is_open = take(next, &mut client, &mut ledger);
        }
    }
    let next = world.run(client.next(), false).unwrap();
    assert!(matches!(next, Ok(None)), "{next:?}");
    let ended = world.run(client.feed("late"), false).unwrap();
    assert!(matches!(ended, Err(SendError::Ended(_))));
    let gaps = ledger.gaps;
    let mut state = world.state();
    let unread = state.unread();
    ledger.check(&state.read, &unread, client.confirmed());
    (gaps, state.read.len())
}

#[test]
fn every_message_is_delivered_or_reported_once() {
    let mut gaps = 0;
    let mut read = 0;
    for seed in 0..1_000 {
        let run = std::panic::catch_unwind(|| run(seed));
        let (some, messages) = run.unwrap_or_else(|_| panic!("the run with seed {seed} failed"));
        gaps += some;
        read += messages;
    }
    // The runs are worth something.
    assert!(gaps > 1_000, "only {gaps} gaps");
    assert!(read > 10_000, "only {read} messages were read");
}
