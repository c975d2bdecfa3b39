//! The queue of what is to be sent: its room, and the memory that is lent to it.

use ws_proto::{Config, Role};

use crate::BOTH;
use crate::support::{self, connection, halves};

#[test]
fn room_ends_at_the_high_water_mark() {
    let config = Config::default().high_water_mark(10);
    let mut server = connection(Role::Server, &config);
    assert!(server.send.has_room());
    server.send.message("1234567").unwrap();
    assert_eq!(server.send.queued(), 9);
    assert!(server.send.has_room());
    server.send.message("x").unwrap();
    assert!(!server.send.has_room());
    server.send.advance(3);
    assert!(server.send.has_room());
}

#[test]
fn an_empty_queue_has_room_whatever_the_mark() {
    for role in BOTH {
        let mut connection = connection(role, &Config::default().high_water_mark(0));
        assert!(connection.send.has_room());
        connection.send.message("x").unwrap();
        assert!(!connection.send.has_room());
        let queued = connection.send.queued();
        connection.send.advance(queued - 1);
        assert!(!connection.send.has_room());
        connection.send.advance(1);
        assert!(connection.send.has_room());
    }
}

#[test]
fn memory_to_encode_into_is_lent_and_given_back() {
    let (_, mut send) = halves(Role::Server, &Config::default());
    assert!(send.lending().wants_buffer());
    assert_eq!(send.lending().lend(Vec::with_capacity(64 << 10)), None);
    assert!(!send.lending().wants_buffer());
    let own = send.lending().lend(Vec::with_capacity(7));
    assert_eq!(own.map(|own| own.capacity()), Some(7));
    send.message("small").unwrap();
    let given_back = send.lending().reclaim().expect("little of it is in use");
    assert_eq!(given_back.capacity(), 64 << 10);
    assert!(send.lending().reclaim().is_none());
    assert_eq!(support::output(&mut send), b"\x81\x05small");
    assert!(send.lending().reclaim().is_some() && send.lending().wants_buffer());
}
