//! Tests of compressed messages, without a socket.

use std::time::Instant;

use super::*;
use crate::cases;
use crate::data_sets::DataSet;
use crate::deflate::{self, Agreement, Inflater, Stream};
use crate::role::Role;
use crate::settings::Settings;

/// Returns the endpoint for a client that agrees to this offer.
fn endpoint<'a>(id: &str, offer: Option<&str>, settings: &'a Settings) -> Endpoint<CaseRun<'a>> {
    let case = cases::find(id.parse().unwrap()).unwrap();
    let script = case.script().unwrap();
    let agreed = deflate::agree(offer.as_slice(), script.demands()).unwrap();
    let agreement = agreed.map(|(_, agreement)| agreement);
    let now = Instant::now();
    let connection = Connection::new(Role::Client, settings, 1).with_compression(agreement);
    Endpoint::new(connection, CaseRun::new(script, settings), now, now)
}

fn quick() -> Settings {
    Settings::default().with_messages(3)
}

fn written(endpoint: &mut Endpoint<CaseRun<'_>>) -> Vec<u8> {
    let mut written = Vec::new();
    while let Some(bytes) = endpoint.next_write(Instant::now()).map(<[u8]>::to_vec) {
        endpoint.wrote(bytes.len(), Instant::now());
        written.extend(bytes);
    }
    written
}

/// Returns a frame of a client with a masking key of zeros and a short payload.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    assert!(len < 126);
    [&[first, 0x80 | len, 0, 0, 0, 0], payload].concat()
}

const OFFER: Option<&str> = Some("permessage-deflate; client_max_window_bits");
const TEXT: u8 = 0x81;
const RSV1: u8 = 0x40;
const CLOSE: &[u8] = b"\x88\x02\x03\xe8";

fn plain(number: usize) -> Vec<u8> {
    DataSet::Json.message(number, 16).to_vec()
}

#[test]
fn messages_are_sent_compressed_and_echoes_may_be_plain() {
    let settings = quick();
    let mut endpoint = endpoint("12.1.1", OFFER, &settings);
    let agreement = agreement();
    let mut inflater = Inflater::new(agreement.outgoing(Role::Client));
    for number in 0..3 {
        let written = written(&mut endpoint);
        assert_eq!(written[0], TEXT | RSV1);
        let mut out = Vec::new();
        inflater.begin();
        inflater.push(&written[2..], &mut out, 1000).unwrap();
        inflater.end(&mut out, 1000).unwrap();
        assert_eq!(out, plain(number));
        endpoint.handle_read(&frame(TEXT, &plain(number)), Instant::now());
    }
    assert_eq!(endpoint.handler.echoes, Echoes::Complete);
    assert_eq!(written(&mut endpoint), CLOSE);
    assert_eq!(endpoint.handler.shortened(), Some((3, 1000)));
    let traffic = endpoint.handler.traffic.unwrap().entry(10, 20);
    assert_eq!(traffic["outgoingWebSocketMessages"], 3);
    assert_eq!(traffic["outgoingOctetsAppLevel"], 48);
    assert_eq!(traffic["incomingOctetsWireLevel"], 3 * (16 + 6));
    assert_eq!(traffic["incomingCompressionRatio"], 1.0);
    assert_eq!(traffic["preopenIncomingOctetsWireLevel"], 20);
}

fn agreement() -> Agreement {
    let case = cases::find("12.1.1".parse().unwrap()).unwrap();
    let demands = case.script().unwrap().demands();
    deflate::agree(OFFER.as_slice(), demands)
        .unwrap()
        .unwrap()
        .1
}

/// Returns a message of the suite's own stream, as a testee would send it.
fn compressed(number: usize) -> Vec<u8> {
    let coding = agreement().incoming(Role::Client);
    Stream::new(DataSet::Json, 16, coding)
        .message(number)
        .to_vec()
}

#[test]
fn echoes_may_be_compressed_and_fragmented() {
    let settings = quick();
    let mut endpoint = endpoint("12.1.1", OFFER, &settings);
    for number in 0..3 {
        let bytes = compressed(number);
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let frames = [frame(1 | RSV1, first), frame(0x80, second)].concat();
        endpoint.handle_read(&frames, Instant::now());
    }
    assert_eq!(endpoint.handler.echoes, Echoes::Complete);
    assert!(endpoint.connection.channel.ending.violations.is_empty());
}

#[test]
fn other_bytes_end_the_case() {
    let settings = quick();
    let mut endpoint = endpoint("12.1.1", OFFER, &settings);
    written(&mut endpoint);
    endpoint.handle_read(&frame(TEXT, &plain(1)), Instant::now());
    assert!(matches!(endpoint.handler.echoes, Echoes::Wrong(_)));
    assert_eq!(written(&mut endpoint), CLOSE);
    assert!(endpoint.handler.traffic.is_none());
}

#[test]
fn without_agreement_the_suite_closes_at_once() {
    let settings = quick();
    for offer in [None, Some("x-other")] {
        let mut endpoint = endpoint("12.1.1", offer, &settings);
        assert_eq!(endpoint.handler.echoes, Echoes::NotAgreed);
        assert_eq!(written(&mut endpoint), CLOSE);
        endpoint.handle_read(&frame(TEXT, &plain(0)), Instant::now());
        assert_eq!(endpoint.handler.echoes, Echoes::NotAgreed);
    }
}

#[test]
fn the_compressed_bytes_are_cut_into_frames() {
    let settings = quick();
    let mut endpoint = endpoint("12.1.11", OFFER, &settings);
    let written = written(&mut endpoint);
    assert_eq!(written[..4], [1 | RSV1, 126, 1, 0], "256 bytes");
    assert_eq!(written[260], 0x80, "the last continuation, without RSV1");
}

/// Returns the violations of a testee that sends these bytes, and `true` if TCP is over.
fn broken(bytes: &[u8]) -> (Vec<String>, bool) {
    let settings = quick();
    let mut endpoint = endpoint("12.1.1", OFFER, &settings);
    endpoint.handle_read(bytes, Instant::now());
    let ending = endpoint.connection.channel.ending;
    (ending.violations, ending.dropped_by_me)
}

#[test]
fn rsv1_belongs_to_the_first_frame_of_a_message() {
    let violation = |bytes: &[u8]| broken(bytes).0;
    let first = frame(1 | RSV1, &compressed(0));
    let again = [first, frame(0x80 | RSV1, b"")].concat();
    assert_eq!(violation(&again), ["a continuation has RSV1 set"]);
    let ping = frame(0x89 | RSV1, b"");
    assert_eq!(violation(&ping), ["a control frame has RSV1 set"]);
    let other = violation(&frame(TEXT | 0x60, b""));
    assert_eq!(other, ["the reserved bits of a frame have the value 6"]);
}

#[test]
fn what_cannot_be_inflated_ends_tcp() {
    let (violations, dropped) = broken(&frame(TEXT | RSV1, b"\x06"));
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(dropped);
}

#[test]
fn compressed_texts_are_utf8() {
    let stored = b"\x00\x01\x00\xfe\xff\xce\x00";
    let (violations, dropped) = broken(&frame(TEXT | RSV1, stored));
    assert_eq!(violations, ["a text message is not UTF-8"]);
    assert!(!dropped);
}
