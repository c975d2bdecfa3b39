use super::super::pair::streams;
use super::*;

/// Reads all bytes until the end.
fn read_to_end(stream: &mut TlsStream) -> Vec<u8> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 1000]);
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return bytes,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn was_said_goodbye_to(stream: &mut TlsStream) -> bool {
    stream.tls.process_new_packets().unwrap().peer_has_closed()
}

#[test]
fn records_that_take_several_reads_come_whole() {
    let (mut client, mut server) = streams();
    let bytes = vec![7; 40_000];
    assert_eq!(client.write(&bytes).unwrap(), bytes.len());
    drop(client);
    assert!(read_to_end(&mut server) == bytes);
}

#[test]
fn the_end_of_a_stream_says_goodbye() {
    let (client, mut server) = streams();
    drop(client);
    assert_eq!(read_to_end(&mut server), b"");
    assert!(was_said_goodbye_to(&mut server));
}

#[test]
fn an_end_without_goodbye_is_the_end_all_the_same() {
    let (mut client, mut server) = streams();
    client.write_all(b"Hello").unwrap();
    client.resets = true;
    drop(client);
    assert_eq!(read_to_end(&mut server), b"Hello");
    assert!(!was_said_goodbye_to(&mut server));
}

#[test]
fn each_direction_ends_on_its_own() {
    let (mut client, mut server) = streams();
    client.write_all(b"Hello").unwrap();
    client.shutdown_write().unwrap();
    assert_eq!(read_to_end(&mut server), b"Hello");
    assert!(was_said_goodbye_to(&mut server));
    server.write_all(b"Good day").unwrap();
    drop(server);
    assert_eq!(read_to_end(&mut client), b"Good day");
}
