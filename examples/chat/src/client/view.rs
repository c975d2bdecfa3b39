//! The state of a client that outlasts its connections: what it has seen, and what it still sends.
//!
//! The page does the same in `page/chat.js`.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::protocol::{FromClient, FromServer, Join, Refused, Said, Say};
use crate::random;

/// The identities that are remembered. A message that comes again comes soon: after a failure of
/// the store, or between the last place that the server sent and the end of the connection.
const REMEMBERED: usize = 20_000;

/// The messages of one room, as a user sees them.
///
/// Messages are sent one at a time. The next one leaves when the last one has come back from the
/// server, so their order is kept, whatever fails in between. The server gets a message again
/// after each failure. Whoever receives it twice ignores the second one.
#[derive(Debug)]
pub struct View {
    room: String,
    name: String,
    cursor: Option<String>,
    seen: HashSet<String>,
    order: VecDeque<String>,
    outbox: VecDeque<Say>,
    sending: Sending,
}

/// The progress of the first message of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// The connection has not yet sent everything that the client has missed. The message may be
    /// in it.
    CatchingUp,
    /// It may be sent, from this time on if there is one.
    Waiting(Option<Instant>),
    /// It was sent.
    Sent,
}

/// A change that a user should see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A message.
    Message(Said),
    /// The people in the room.
    Here(Vec<String>, usize),
    /// Messages are missing here.
    Gap(Option<u64>),
    /// A text that the server will never accept.
    NotSent(String),
}

impl View {
    /// Makes the view of a client that has received nothing.
    pub fn new(room: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            room: room.into(),
            name: name.into(),
            cursor: None,
            seen: HashSet::new(),
            order: VecDeque::new(),
            outbox: VecDeque::new(),
            sending: Sending::CatchingUp,
        }
    }

    /// Returns the first message for a new connection.
    pub fn join(&mut self) -> FromClient {
        self.sending = Sending::CatchingUp;
        FromClient::Join(Join {
            room: self.room.clone(),
            name: self.name.clone(),
            cursor: self.cursor.clone(),
        })
    }

    /// Adds a message to the outbox.
    pub fn say(&mut self, text: impl Into<String>) {
        let (id, text) = (random::id(), text.into());
        self.outbox.push_back(Say { id, text });
    }

    /// Returns the next message to send on the current connection, if one is due.
    pub fn next_to_send(&mut self, now: Instant) -> Option<FromClient> {
        match self.sending {
            Sending::Waiting(from) if from.is_none_or(|from| from <= now) => {
                let say = self.outbox.front()?.clone();
                self.sending = Sending::Sent;
                Some(FromClient::Say(say))
            }
            _ => None,
        }
    }

    /// Returns the time at which [`next_to_send`](Self::next_to_send) has a message again.
    #[must_use]
    pub fn retry_at(&self) -> Option<Instant> {
        match self.sending {
            Sending::Waiting(from) if !self.outbox.is_empty() => from,
            _ => None,
        }
    }

    /// Returns the number of messages that have not come back from the server.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// Returns `true` once everything that the client had missed has arrived on this connection.
    #[must_use]
    pub fn has_caught_up(&self) -> bool {
        self.sending != Sending::CatchingUp
    }

    /// Returns `true` if the client has received everything, and everything it sent has come back.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.has_caught_up() && self.outbox.is_empty()
    }

    /// Returns the place behind which the next connection continues.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Takes a message of the server.
    pub fn receive(&mut self, message: FromServer, now: Instant) -> Option<Shown> {
        match message {
            FromServer::Welcome(_) => None,
            FromServer::At { cursor } => {
                self.cursor = Some(cursor);
                if self.sending == Sending::CatchingUp {
                    self.sending = Sending::Waiting(None);
                }
                None
            }
            FromServer::Gap { missed } => Some(Shown::Gap(missed)),
            FromServer::Here(here) => Some(Shown::Here(here.names, here.count)),
            FromServer::Message(said) => self.receive_said(said),
            FromServer::Refused(refused) => self.receive_refused(refused, now),
        }
    }

    fn receive_said(&mut self, said: Said) -> Option<Shown> {
        if self.outbox.front().is_some_and(|say| say.id == said.id) {
            self.drop_first();
        }
        if !self.seen.insert(said.id.clone()) {
            return None;
        }
        self.order.push_back(said.id.clone());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        Some(Shown::Message(said))
    }

    fn receive_refused(&mut self, refused: Refused, now: Instant) -> Option<Shown> {
        if self.outbox.front()?.id != refused.id {
            return None;
        }
        let Some(time) = refused.retry_ms else {
            return self.drop_first().map(|say| Shown::NotSent(say.text));
        };
        self.sending = Sending::Waiting(Some(now + Duration::from_millis(time.min(60_000))));
        None
    }

    fn drop_first(&mut self) -> Option<Say> {
        if self.sending != Sending::CatchingUp {
            self.sending = Sending::Waiting(None);
        }
        self.outbox.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Why;

    fn said(say: &Say) -> FromServer {
        FromServer::Message(Said {
            id: say.id.clone(),
            name: "Ann".into(),
            text: say.text.clone(),
            time: 0,
        })
    }

    fn at(cursor: &str) -> FromServer {
        FromServer::At {
            cursor: cursor.into(),
        }
    }

    fn sent(view: &mut View, now: Instant) -> Option<Say> {
        match view.next_to_send(now) {
            Some(FromClient::Say(say)) => Some(say),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    }

    #[test]
    fn messages_leave_one_at_a_time_after_the_history() {
        let now = Instant::now();
        let mut view = View::new("lobby", "Ann");
        view.join();
        view.say("one");
        view.say("two");
        assert_eq!(sent(&mut view, now), None);
        view.receive(at("1-1"), now);
        let one = sent(&mut view, now).expect("the first message");
        assert_eq!(sent(&mut view, now), None);
        assert!(view.receive(said(&one), now).is_some());
        assert_eq!(sent(&mut view, now).expect("the second").text, "two");
    }

    #[test]
    fn a_message_that_arrived_before_the_connection_was_lost_is_not_sent_again() {
        let now = Instant::now();
        let mut view = View::new("lobby", "Ann");
        view.join();
        view.receive(at("1-1"), now);
        view.say("one");
        let one = sent(&mut view, now).expect("the message");
        let FromClient::Join(join) = view.join() else {
            panic!("not a join");
        };
        assert_eq!(join.cursor.as_deref(), Some("1-1"));
        // It is in the history. The server may have it twice.
        assert!(view.receive(said(&one), now).is_some());
        assert_eq!(view.receive(said(&one), now), None);
        view.receive(at("1-3"), now);
        assert_eq!((sent(&mut view, now), view.unsent()), (None, 0));
    }

    #[test]
    fn a_refused_message_is_sent_again_later_or_never() {
        let now = Instant::now();
        let mut view = View::new("lobby", "Ann");
        view.join();
        view.receive(at("1-1"), now);
        view.say("one");
        view.say("two");
        let one = sent(&mut view, now).expect("the message");
        let refuse = |retry_ms| {
            let (id, why) = (one.id.clone(), Why::Rate);
            FromServer::Refused(Refused { id, why, retry_ms })
        };
        view.receive(refuse(Some(200)), now);
        assert_eq!(sent(&mut view, now), None);
        let later = view.retry_at().expect("a time");
        assert_eq!(later, now + Duration::from_millis(200));
        assert_eq!(sent(&mut view, later).as_ref(), Some(&one));
        let shown = view.receive(refuse(None), later);
        assert_eq!(shown, Some(Shown::NotSent("one".into())));
        assert_eq!(sent(&mut view, later).expect("the second").text, "two");
    }
}
