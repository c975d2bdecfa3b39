use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use super::*;
use crate::case::Http;
use crate::http::ReadRequest;
use crate::settings::StopFlag;
use crate::tls::{HandshakeError, pair};
use crate::transport::Link;

const REQUEST: &[u8] = b":method: CONNECT\r\n:protocol: websocket\r\n:scheme: http\r\n\
    :path: /a\r\n:authority: b\r\nX-Y: z\r\n\r\n";
const ANSWER: &[u8] = b":status: 200\r\n\r\n";
/// More than all windows.
const LONG: usize = 300_000;

fn in_time() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn link(tcp: TcpStream) -> Link {
    tcp.set_nonblocking(true).unwrap();
    let tcp = mio::net::TcpStream::from_std(tcp);
    Link::over_tcp(tcp, &StopFlag::default()).unwrap()
}

/// Returns the suite as a client, and the socket of a server.
fn client() -> (Link, TcpStream) {
    let (near, far) = pair::sockets();
    (link(near).into_http2_server(), far)
}

fn read_head(link: &mut Link) -> Vec<u8> {
    let mut head = Vec::new();
    link.read_head(&mut head, in_time()).unwrap();
    head
}

fn read(link: &mut Link, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = link.take_rest();
    let mut buffer = vec![0; 10_000];
    while bytes.len() < count {
        match link.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                link.wait_or_fail(in_time())?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Opens a stream, and does this at both ends of it.
fn converse(client: impl FnOnce(Link) + Send, server: impl FnOnce(Link)) {
    let (near, far) = pair::sockets();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut link = link(near).into_http2_server();
            link.write_all(REQUEST, in_time()).unwrap();
            assert_eq!(read_head(&mut link), ANSWER);
            client(link);
        });
        let mut link = link(far).into_http2_client();
        let request = read_head(&mut link);
        let text = String::from_utf8(REQUEST.to_vec()).unwrap();
        assert_eq!(request, text.replace("X-Y", "x-y").into_bytes());
        assert!(!link.http2().unwrap().is_hasty());
        link.write_all(ANSWER, in_time()).unwrap();
        server(link);
    });
}

#[test]
fn heads_and_long_data_cross_in_both_directions() {
    let echo = |mut link: Link| {
        let bytes = read(&mut link, LONG).unwrap();
        link.write_all(&bytes, in_time()).unwrap();
        link.linger(in_time());
    };
    let ask = |mut link: Link| {
        let sent: Vec<u8> = (0..LONG).map(|place| (place % 251) as u8).collect();
        link.write_all(&sent, in_time()).unwrap();
        assert!(read(&mut link, LONG).unwrap() == sent);
        assert_eq!(
            read(&mut link, 1).unwrap(),
            b"",
            "the server ends the stream"
        );
    };
    converse(ask, echo);
}

/// Performs the TLS handshake of both sides, and returns the error of the client.
fn agree(of_client: Http, of_server: Http) -> Option<HandshakeError> {
    let (near, far) = pair::sockets();
    let (client, server) = pair::connections_for(of_client, of_server);
    thread::scope(|scope| {
        // The side without HTTP/2 does not notice that the other one requires it.
        scope.spawn(|| link(far).secured(server, of_server, in_time()));
        let secured = link(near).secured(client, of_client, in_time());
        let error = secured.err()?;
        Some(error.downcast().expect("it is the error of a handshake"))
    })
}

#[test]
fn both_sides_agree_on_http2_over_tls() {
    assert_eq!(agree(Http::Two, Http::Two), None);
    assert_eq!(agree(Http::One, Http::One), None);
    assert_eq!(agree(Http::Two, Http::One), Some(HandshakeError::NoHttp2));
    let (near, far) = pair::sockets();
    let (client, server) = pair::connections_for(Http::Two, Http::Two);
    thread::scope(|scope| {
        scope.spawn(|| {
            let link = link(near).secured(client, Http::Two, in_time()).unwrap();
            let mut link = link.into_http2_server();
            link.write_all(REQUEST, in_time()).unwrap();
            assert_eq!(read_head(&mut link), ANSWER);
        });
        let link = link(far).secured(server, Http::Two, in_time()).unwrap();
        let mut link = link.into_http2_client();
        let request = read_head(&mut link);
        assert_eq!(ReadRequest::read(&request).unwrap().target, "/a");
        link.write_all(ANSWER, in_time()).unwrap();
        link.linger(in_time());
    });
}

#[test]
fn a_direction_ends_alone() {
    let half = |mut link: Link| {
        link.shutdown_write();
        assert_eq!(read(&mut link, 4).unwrap(), b"late");
    };
    let whole = |mut link: Link| {
        assert_eq!(read(&mut link, 1).unwrap(), b"");
        link.write_all(b"late", in_time()).unwrap();
        link.linger(in_time());
    };
    converse(half, whole);
}

#[test]
fn a_reset_is_seen() {
    let reset = |mut link: Link| {
        link.write_all(b"ab", in_time()).unwrap();
        link.reset_at_end();
    };
    let seen = |mut link: Link| {
        assert_eq!(read(&mut link, 2).unwrap(), b"ab");
        let error = read(&mut link, 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(link.is_broken());
    };
    converse(reset, seen);
}

#[test]
fn a_request_needs_the_setting_of_the_server() {
    for (parameters, kind) in [
        (&[(setting::ENABLE_CONNECT_PROTOCOL, 1)][..], None),
        (
            &[(setting::ENABLE_CONNECT_PROTOCOL, 0)],
            Some(io::ErrorKind::InvalidData),
        ),
        (&[], Some(io::ErrorKind::InvalidData)),
    ] {
        let (mut link, mut server) = client();
        let settings = Frame::settings(parameters).encode();
        server.write_all(&settings).unwrap();
        let written = link.write_all(REQUEST, in_time());
        assert_eq!(written.err().map(|error| error.kind()), kind);
    }
}

#[test]
fn a_server_without_http2_is_told_from_one_that_does_not_answer() {
    let (mut link, mut server) = client();
    server
        .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    let error = link.write_all(REQUEST, in_time()).unwrap_err();
    assert_eq!(error.to_string(), NO_HTTP2);
    let (mut link, _server) = client();
    let error = link.write_all(REQUEST, Instant::now()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

/// Returns the result of reading these frames of a server after its answer.
fn read_after_answer(frames: &[Frame]) -> io::Result<Vec<u8>> {
    let (mut link, mut server) = client();
    let settings = Frame::settings(&[(setting::ENABLE_CONNECT_PROTOCOL, 1)]);
    server.write_all(&settings.encode()).unwrap();
    link.write_all(REQUEST, in_time()).unwrap();
    let status = |status: &str| vec![(":status".to_owned(), status.to_owned())];
    let heads = [
        Frame::headers(1, &status("103")),
        Frame::headers(1, &status("200")),
    ];
    for frame in heads.iter().chain(frames) {
        server.write_all(&frame.encode()).unwrap();
    }
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_head(&mut link), ANSWER);
    read(&mut link, usize::MAX)
}

#[test]
fn a_violation_follows_the_bytes_before_it() {
    let data = |len: usize| Frame::data(1, vec![0; len]);
    let bytes = read_after_answer(&[data(10).padded(7), Frame::ping(*b"01234567"), data(5)]);
    assert_eq!(bytes.unwrap().len(), 15);
    let violations = [
        vec![data(40_000), data(30_000)],
        vec![data(1).with(flag::END_STREAM), data(1)],
        vec![Frame::headers(1, &vec![("a".to_owned(), "b".to_owned())])],
        vec![Frame::new(kind::CONTINUATION, 1, "")],
        vec![Frame::data(1, *b"\x09").with(flag::PADDED)],
    ];
    for frames in violations {
        let error = read_after_answer(&frames).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{frames:?}");
    }
}

#[test]
fn a_client_that_does_not_wait_is_noticed() {
    let (near, mut far) = pair::sockets();
    let fields = fields::from_text(REQUEST);
    let hasty = [
        PREFACE,
        &Frame::settings(&[]).encode(),
        &Frame::headers(1, &fields).encode(),
    ];
    far.write_all(&hasty.concat()).unwrap();
    let mut link = link(near).into_http2_client();
    let request = ReadRequest::read(&read_head(&mut link)).unwrap();
    assert_eq!((&*request.target, request.fault().is_some()), ("/a", true));
    assert!(link.http2().unwrap().is_hasty());
}
