//! The output queue: its room, and the memory that is lent to it.

use ws_proto::{Config, Role};

use crate::support::{BOTH, connection, output, sender};

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
fn an_empty_queue_always_has_room() {
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
fn lent_memory_is_used_and_returned() {
    let mut send = sender(Role::Server);
    assert!(send.lending().wants_buffer());
    assert_eq!(send.lending().lend(Vec::with_capacity(64 << 10)), None);
    assert!(!send.lending().wants_buffer());
    let refused = send.lending().lend(Vec::with_capacity(7));
    assert_eq!(refused.map(|it| it.capacity()), Some(7));
    send.message("small").unwrap();
    let returned = send
        .lending()
        .reclaim()
        .expect("the lent memory, because little of it is used");
    assert_eq!(returned.capacity(), 64 << 10);
    assert!(send.lending().reclaim().is_none());
    assert_eq!(output(&mut send), b"\x81\x05small");
    assert!(send.lending().reclaim().is_some() && send.lending().wants_buffer());
}
