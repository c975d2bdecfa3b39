use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use super::*;
use crate::cases;
use crate::endpoint::{CaseRun, Connection};
use crate::role::Role;
use crate::settings::Settings;
use crate::tls::{TlsStream, pair};

const TIMEOUT: Duration = Duration::from_secs(60);

fn in_time() -> Instant {
    Instant::now() + TIMEOUT
}

/// Returns a link over TLS, and the server at its other end.
fn link() -> (Link, TlsStream) {
    let (tls, server) = pair::connections();
    let (near, far) = pair::sockets();
    near.set_nonblocking(true).unwrap();
    let link = Link::over_tcp(TcpStream::from_std(near), &StopFlag::default()).unwrap();
    let mut server = pair::blocking(far, server);
    let mut link = thread::scope(|scope| {
        scope.spawn(|| server.shake_hands().unwrap());
        link.secured(tls, Http::One, in_time()).unwrap()
    });
    // Session tickets follow the handshake. Unread, they would turn the end into a reset.
    server.write_all(b".").unwrap();
    let read = link.when_ready(in_time(), |transport| transport.read(&mut [0]));
    assert_eq!(read.unwrap(), 1);
    (link, server)
}

/// Writes until there is no room. Returns the number of bytes.
fn fill(link: &mut Link) -> usize {
    let bytes = vec![0; 50_000];
    let mut filled = 0;
    loop {
        match link.write(&bytes) {
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("{error}"),
        }
    }
}

fn read(stream: &mut TlsStream, mut count: usize) {
    let mut buffer = vec![0; 50_000];
    while count > 0 {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "{count} bytes are missing");
        count -= read;
    }
}

#[test]
fn what_tls_still_holds_is_written_while_the_link_waits() {
    let (mut link, mut server) = link();
    let filled = fill(&mut link);
    thread::scope(|scope| {
        let reader = scope.spawn(|| read(&mut server, filled));
        let deadline = in_time();
        while !reader.is_finished() {
            link.wait_or_fail(deadline).unwrap();
        }
    });
}

#[test]
fn what_tls_still_holds_is_written_before_the_end() {
    let (mut link, mut server) = link();
    let filled = fill(&mut link);
    thread::scope(|scope| {
        scope.spawn(|| read(&mut server, filled));
        link.flush(in_time()).unwrap();
        drop(link);
    });
}

/// Plays a case against a client at the other end.
fn play(near: std::net::TcpStream, id: &str) {
    near.set_nonblocking(true).unwrap();
    let link = Link::over_tcp(TcpStream::from_std(near), &StopFlag::default()).unwrap();
    let settings = Settings::default();
    let case = cases::find(id.parse().unwrap()).unwrap();
    let connection = Connection::new(Role::Client, &settings, 1);
    let run = CaseRun::new(case.script().unwrap(), &settings);
    let mut endpoint = Endpoint::new(connection, run, Instant::now(), in_time());
    link.drive(&mut endpoint).unwrap();
}

#[test]
fn what_has_arrived_is_read_before_the_next_write() {
    let (near, mut far) = pair::sockets();
    // After a Close of the client, its case sends nothing more.
    far.write_all(b"\x88\x82\0\0\0\0\x03\xe8").unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    play(near, "2.6");
    let mut written = Vec::new();
    far.read_to_end(&mut written).unwrap();
    assert_eq!(written, b"");
}

#[test]
fn a_short_wait_is_not_rounded_up_to_a_millisecond() {
    const PIECES: usize = 127;
    let (near, mut far) = pair::sockets();
    let times = thread::scope(|scope| {
        scope.spawn(|| play(near, "2.6"));
        let mut times = Vec::new();
        let mut buffer = [0; PIECES];
        while times.len() < PIECES {
            let count = far.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "{} bytes arrived", times.len());
            times.resize(times.len() + count, Instant::now());
        }
        drop(far);
        times
    });
    // A busy machine delays some of the bytes.
    let quick = |span: &[Instant]| span[50] - span[0] < Duration::from_millis(45);
    assert!(times.windows(51).any(quick));
}

#[test]
fn a_side_that_never_says_anything_is_given_up() {
    let (tls, _) = pair::connections();
    let (near, _far) = pair::sockets();
    near.set_nonblocking(true).unwrap();
    let link = Link::over_tcp(TcpStream::from_std(near), &StopFlag::default()).unwrap();
    let error = link.secured(tls, Http::One, Instant::now()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(
        error.downcast::<HandshakeError>().unwrap(),
        HandshakeError::TimedOut
    );
}
