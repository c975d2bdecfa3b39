//! The messages of the connections that run no case.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::endpoint::{Connection, Handler};
use crate::script::{Event, Pacing, Payload};
use crate::verdict::Behavior;

/// The interval at which the suite checks for a missing result.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Sends one text message, or none, and then a Close.
#[derive(Debug)]
pub(super) struct Reply(pub(super) Option<Value>);

impl Handler for Reply {
    fn opened(&mut self, connection: &mut Connection, now: Instant) {
        if let Some(value) = &self.0 {
            send_text(connection, value);
        }
        connection.close(None, &Payload::EMPTY, now);
    }

    fn received(&mut self, _: Event, _: &mut Connection, _: Instant) {}

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn time_passed(&mut self, _: &mut Connection, _: Instant) {}
}

/// Sends the behavior of a case as soon as the verdict exists, and then a Close.
#[derive(Debug)]
pub(super) struct Status<F> {
    pub(super) result: F,
    pub(super) next_poll: Option<Instant>,
}

impl<F: Fn() -> Option<Behavior>> Handler for Status<F> {
    fn opened(&mut self, connection: &mut Connection, now: Instant) {
        self.time_passed(connection, now);
    }

    fn received(&mut self, _: Event, _: &mut Connection, _: Instant) {}

    fn deadline(&self) -> Option<Instant> {
        self.next_poll
    }

    fn time_passed(&mut self, connection: &mut Connection, now: Instant) {
        match (self.result)() {
            Some(behavior) => {
                self.next_poll = None;
                send_text(connection, &json!({"behavior": behavior}));
                connection.close(None, &Payload::EMPTY, now);
            }
            None => self.next_poll = Some(now + POLL_INTERVAL),
        }
    }
}

fn send_text(connection: &mut Connection, value: &Value) {
    let payload = Payload::from(value.to_string().into_bytes());
    connection.send_message(false, &payload, None, Pacing::Plain);
}
