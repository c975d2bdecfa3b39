//! Tests of the TLS records in which the suite's writes are sent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::{io, thread};

use ws_conformance::servers::{Target, run_case};
use ws_conformance::tls::Trust;
use ws_conformance::{cases, verdict::Verdict};

use crate::certificates;
use crate::{bridge, patient, plain_server};

const APPLICATION_DATA: u8 = 23;
/// The length of a record of one byte: a byte of payload, its type, and the tag (RFC 8446 §5.2).
const ONE_BYTE: usize = 1 + 1 + 16;

/// Returns the address of a listener before a server, and the bytes that were sent to the server.
fn overheard(server: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let address = bridge::listen(move |mut tcp| {
        let mut server = TcpStream::connect(server)?;
        let (mut back, mut from) = (tcp.try_clone()?, server.try_clone()?);
        thread::spawn(move || io::copy(&mut from, &mut back).and(back.shutdown(Shutdown::Write)));
        let mut buffer = [0; 4096];
        loop {
            let count = tcp.read(&mut buffer)?;
            ear.lock().unwrap().extend_from_slice(&buffer[..count]);
            server.write_all(&buffer[..count])?;
            if count == 0 {
                return server.shutdown(Shutdown::Write);
            }
        }
    });
    (address, heard)
}

/// Returns the lengths of the records with application data.
fn lengths(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some((header, rest)) = bytes.split_first_chunk::<5>() {
        let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if header[0] == APPLICATION_DATA {
            lengths.push(len);
        }
        bytes = &rest[len..];
    }
    lengths
}

#[test]
fn what_is_written_byte_by_byte_is_a_record_for_each() {
    let files = certificates::signed("localhost");
    let secure = bridge::in_front_of(plain_server(), &files.server());
    let (address, heard) = overheard(secure);
    let target = Target::new(&format!("wss://localhost:{}", address.port())).unwrap();
    let target = target.with_trust(&Trust::only(&files.authority()).unwrap());
    // A Ping of 125 bytes, byte by byte.
    let case = cases::find("2.6".parse().unwrap()).unwrap();
    let record = run_case(&target, case, &patient());
    assert_eq!(record.verdict, Verdict::GOOD, "{record:#?}");
    let heard = heard.lock().unwrap();
    let lengths = lengths(&heard);
    let single = lengths.iter().filter(|&&len| len == ONE_BYTE).count();
    // The first two share a write, as in the original.
    assert_eq!(single, 2 + 4 + 125 - 2, "{lengths:?}");
}
