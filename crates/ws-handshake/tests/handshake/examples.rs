//! Tests of the programs in `examples/`.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ws_proto::Config;

#[expect(dead_code, reason = "its `main`")]
#[path = "../../examples/blocking_echo.rs"]
mod blocking_echo;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../examples/in_memory.rs"]
mod in_memory;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// A time that is longer than any step of a test.
const LONG: Duration = Duration::from_secs(20);

/// Returns a configuration whose timeouts are longer than any test. So a connection must end for
/// another reason than a timeout.
fn without_timeouts() -> Config {
    Config::default()
        .close_timeout(LONG * 2)
        .failure_timeout(LONG * 2)
}

/// Builds a masked frame of a client. `first` is its first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        len @ ..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(p, k)| p ^ k));
    frame
}

/// Starts a blocking server, and connects to the server without a handshake.
fn connect(config: Config) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || blocking_echo::serve(&listener, &config));
    let tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(LONG)).unwrap();
    tcp.set_write_timeout(Some(LONG)).unwrap();
    tcp
}

/// Starts a blocking server, and connects with a handshake. `frames` are sent directly after the
/// request.
fn open(config: Config, frames: &[u8]) -> TcpStream {
    let mut tcp = connect(config);
    tcp.write_all(&[REQUEST, frames].concat()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tcp.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    tcp
}

fn expect(tcp: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    tcp.read_exact(&mut read).unwrap();
    assert_eq!(read, bytes);
}

fn expect_end(tcp: &mut TcpStream) {
    assert_eq!(tcp.read(&mut [0]).unwrap(), 0);
}

/// Sends `bytes` over and over. Asserts that the server closes the socket within [`LONG`].
fn flood(tcp: &mut TcpStream, bytes: &[u8]) {
    let start = Instant::now();
    loop {
        match tcp.write_all(bytes) {
            Ok(()) => assert!(start.elapsed() < LONG, "the socket is still open"),
            Err(error) => {
                let kind = error.kind();
                let closed = [
                    ErrorKind::BrokenPipe,
                    ErrorKind::ConnectionAborted,
                    ErrorKind::ConnectionReset,
                ];
                assert!(closed.contains(&kind), "{error}");
                return;
            }
        }
    }
}

#[test]
fn the_blocking_server_echoes_and_completes_the_closing_handshake() {
    let mut tcp = open(without_timeouts(), &frame(0x81, b"after the request"));
    expect(&mut tcp, b"\x81\x11after the request");
    // A fragmented message with a Ping between the fragments, sent byte by byte.
    let bytes = [frame(0x02, b"ab"), frame(0x89, b"?"), frame(0x80, b"c")].concat();
    for byte in bytes {
        tcp.write_all(&[byte]).unwrap();
    }
    expect(&mut tcp, b"\x8a\x01?\x82\x03abc");
    tcp.write_all(&frame(0x88, b"\x03\xe8bye")).unwrap();
    expect(&mut tcp, b"\x88\x02\x03\xe8");
    expect_end(&mut tcp);
}

#[test]
fn the_blocking_server_serves_a_slow_reader() {
    let payload: Vec<u8> = (0..4 << 20).map(|i| (i / 3 % 251) as u8).collect();
    let mut tcp = open(Config::default(), &frame(0x82, &payload));
    expect(&mut tcp, &[0x82, 127, 0, 0, 0, 0, 0, 0x40, 0, 0]);
    for piece in payload.chunks(256 << 10) {
        thread::sleep(Duration::from_millis(10));
        let mut read = vec![0; piece.len()];
        tcp.read_exact(&mut read).unwrap();
        assert!(read == piece);
    }
}

#[test]
fn the_blocking_server_reports_a_violation_and_closes() {
    let mut tcp = open(without_timeouts(), &[]);
    // A message precedes the unmasked frame. The server still echoes the message.
    tcp.write_all(&[frame(0x81, b"x"), b"\x81\x01y".to_vec()].concat())
        .unwrap();
    expect(&mut tcp, b"\x81\x01x\x88\x02\x03\xea");
    expect_end(&mut tcp);
}

#[test]
fn the_blocking_server_does_not_read_forever() {
    // One client continues to send after a violation, and the other client after its Close.
    let config = without_timeouts().close_timeout(Duration::from_secs(1));
    let config = config.failure_timeout(Duration::from_secs(1));
    for (last, answer) in [
        (frame(0x83, b""), b"\x88\x02\x03\xea"),
        (frame(0x88, b"\x03\xe8"), b"\x88\x02\x03\xe8"),
    ] {
        let mut tcp = open(config.clone(), &last);
        expect(&mut tcp, answer);
        expect_end(&mut tcp);
        flood(&mut tcp, &[0; 1 << 20]);
    }
}

#[test]
fn the_blocking_server_does_not_write_forever() {
    // The client reads nothing.
    let config = Config::default().write_stall_timeout(Duration::from_millis(500));
    let mut tcp = open(config, &[]);
    flood(&mut tcp, &frame(0x82, &vec![7; 1 << 20]));
}

#[test]
fn the_blocking_server_pings_a_silent_peer_and_times_out() {
    let time = Duration::from_millis(200);
    // The Pong timeout is longer than the Ping interval, because this thread may be slow to answer.
    let mut tcp = open(Config::default().keepalive(time, 10 * time), &[]);
    expect(&mut tcp, b"\x89\x04\0\0\0\x01");
    // This Pong keeps the connection open. The test does not answer the next Ping.
    tcp.write_all(&frame(0x8a, b"\0\0\0\x01")).unwrap();
    expect(&mut tcp, b"\x89\x04\0\0\0\x02");
    expect_end(&mut tcp);
}

#[test]
fn the_blocking_server_rejects_an_invalid_request() {
    let mut tcp = connect(Config::default());
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    // The server still reads, because a reset could destroy its response.
    for _ in 0..3 {
        tcp.write_all(b"more input").unwrap();
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_conversation_in_memory_is_complete() {
    assert_eq!(
        in_memory::converse().unwrap(),
        [
            "server: GET /chat HTTP/1.1",
            "client: HTTP/1.1 101 Switching Protocols",
            r#"server: text "hello""#,
            "server: a Ping",
            "client: a Pong",
            "client: binary [1, 2, 3]",
            "server: a Close",
            "client: a Close",
            r#"client: closed, 1000 """#,
            r#"server: closed, 1000 "bye""#,
        ]
    );
}
