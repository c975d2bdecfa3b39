//! Tests of topics through their public interface.

#![forbid(unsafe_code)]

mod clients;
mod hub;
mod model;
mod shared;
mod waiting;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ws_topics::{Event, Subscription, TooSlow};

/// An item of a subscription, in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Message(String),
    Lagged(u64),
    End,
    TooSlow,
    Nothing,
}

/// Polls a subscription once.
fn poll(subscription: &mut Subscription) -> Item {
    match subscription.poll_recv(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => Item::Nothing,
        Poll::Ready(received) => item(received),
    }
}

fn item(received: Result<Option<Event>, TooSlow>) -> Item {
    match received {
        Ok(Some(Event::Message(message))) => {
            Item::Message(String::from_utf8(message.as_bytes().into()).unwrap())
        }
        Ok(Some(Event::Lagged(missed))) => Item::Lagged(missed),
        Ok(None) => Item::End,
        Ok(Some(other)) => panic!("an unknown event {other:?}"),
        Err(_) => Item::TooSlow,
    }
}

/// Polls a future once, without a waker.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn message(text: impl Into<String>) -> Item {
    Item::Message(text.into())
}
