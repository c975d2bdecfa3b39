//! Connections that wait for memory while others give some back, end, or wait as well.
//!
//! The timer never fires, so only wake-ups end a wait.

use ws_proto::{LimitError, Message, ReceiveError};

use super::registry::{Nowhere, open_with};
use super::*;
use crate::serve::{Budget, Registry};

/// A message of this length needs memory of 4, 8 and 16 KiB, one after the other.
const LEN: usize = 13 * 1024;

const LIMIT: usize = 17 * 1024;

fn message() -> Vec<u8> {
    let mut frame = b"\x82\xfe\0\0\0\0\0\0".to_vec();
    frame[2..4].copy_from_slice(&u16::try_from(LEN).unwrap().to_be_bytes());
    frame.resize(frame.len() + LEN, 0);
    frame
}

/// Opens a connection to a peer that has sent a message.
fn reader(registry: &Registry<Nowhere>) -> WebSocket<Near> {
    let peer = peer(Answer::EndAfterUs, true);
    peer.send(&message(), false);
    open_with(registry, peer).unwrap()
}

/// Opens a connection that has queued as much as the whole budget for a peer that reads nothing.
fn holder(registry: &Registry<Nowhere>) -> (WebSocket<Near>, Arc<Peer>) {
    let peer = peer(Answer::EndAfterUs, false);
    let mut ws = open_with(registry, Arc::clone(&peer)).unwrap();
    block_on(ws.feed(vec![0; LIMIT])).unwrap();
    (ws, peer)
}

fn server() -> (Budget, Registry<Nowhere>) {
    let budget = Budget::new(LIMIT);
    let registry = Registry::new().budget(&budget);
    (budget, registry)
}

fn receive(mut ws: WebSocket<Near>) -> Result<Option<Message>, Error> {
    block_on(ws.recv())
}

fn expect_whole(received: Result<Option<Message>, Error>) {
    assert_eq!(received.unwrap().unwrap().as_bytes().len(), LEN);
}

#[test]
fn a_waiting_connection_is_woken_when_another_ends() {
    explore(2, || {
        let (budget, registry) = server();
        let (holder, _peer) = holder(&registry);
        let reader = reader(&registry);
        let receives = thread::spawn(move || receive(reader));
        drop(holder);
        expect_whole(receives.join().unwrap());
        assert_eq!((budget.used(), budget.ended(), budget.waiting()), (0, 0, 0));
    });
}

#[test]
fn a_waiting_connection_is_woken_when_another_has_written() {
    explore(2, || {
        let (budget, registry) = server();
        let (mut holder, peer) = holder(&registry);
        let reader = reader(&registry);
        let receives = thread::spawn(move || receive(reader));
        peer.reads_again();
        block_on(holder.flush()).unwrap();
        expect_whole(receives.join().unwrap());
        assert_eq!((budget.used(), budget.ended()), (0, 0));
        drop(holder);
    });
}

#[test]
fn two_messages_that_do_not_fit_end_at_most_one_connection() {
    explore(2, || {
        let (budget, registry) = server();
        let (first, second) = (reader(&registry), reader(&registry));
        let receives = thread::spawn(move || receive(first));
        let received = [receive(second), receives.join().unwrap()];
        let over = ReceiveError::Limit(LimitError::OverBudget);
        let mut ended = 0;
        for received in received {
            match received {
                Err(Error::Receive(error)) if error == over => ended += 1,
                received => expect_whole(received),
            }
        }
        assert!(ended <= 1 && ended == budget.ended());
        assert_eq!((budget.used(), budget.waiting()), (0, 0));
    });
}
