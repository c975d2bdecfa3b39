//! Tests of the state that is kept, or not kept, between messages.

use alloc::vec::Vec;

use super::{
    DEFAULTS, HELLO, compress, compressor, decompress_all, decompressor, hex, noise, words,
};
use crate::deflate::compressor::{Compressor, CompressorOptions};
use crate::deflate::decompressor::{Decompressor, InflateError};

#[test]
fn the_window_survives_a_final_block() {
    // The third message refers to the first across the end of a stream. The last message contains
    // ends of streams, and refers to output before them.
    let wires = [
        "f248cdc9c90700",
        "0300",
        "f200110000",
        "0300f30011000300f200110000",
    ];
    let mut peer = decompressor();
    let received = wires.map(|wire| decompress_all(&mut peer, &hex(wire)).unwrap());
    assert_eq!(received, [HELLO, b"", HELLO, b"HelloHello"]);
    // Without takeover, references work only inside a message.
    let mut peer = Decompressor::new(false, 15);
    let wire = hex("f348cdc9c90700f200110000");
    assert_eq!(decompress_all(&mut peer, &wire).unwrap(), b"HelloHello");
    let mut out = Vec::new();
    let refused = peer.push(&hex("f200110000"), &mut out, 100);
    assert_eq!(refused, Err(InflateError::Malformed));
}

#[test]
fn without_takeover_no_message_refers_to_another() {
    let options = CompressorOptions {
        takeover: false,
        ..DEFAULTS
    };
    let mut own = Compressor::new(options);
    let payload = words(2000, 9);
    let first = compress(&mut own, &payload);
    for _ in 0..3 {
        assert_eq!(compress(&mut own, &payload), first);
        drop(own.take_state());
        assert!(!own.has_state());
    }
    let mut peer = Decompressor::new(false, 15);
    for _ in 0..3 {
        assert_eq!(decompress_all(&mut peer, &first).as_ref(), Ok(&payload));
        let state = peer.take_state().unwrap();
        assert!(!peer.has_state());
        assert!(peer.put_state(state).is_none());
        peer = Decompressor::new(false, 9);
        assert_eq!(
            peer.push(&hex("f200110000"), &mut Vec::new(), 100),
            Err(InflateError::Malformed)
        );
        peer = Decompressor::new(false, 15);
    }
}

#[test]
fn reused_memory_carries_no_data_over() {
    for level in 0..=9 {
        let options = CompressorOptions {
            level,
            takeover: false,
            ..DEFAULTS
        };
        let payload = words(5000, 9);
        let fresh = compress(&mut Compressor::new(options), &payload);
        let mut used = Compressor::new(options);
        compress(&mut used, &[noise(100_000, 3), payload.clone()].concat());
        let mut next = Compressor::new(options);
        assert!(next.put_state(used.take_state().unwrap()).is_none());
        assert!(!used.has_state() && next.has_state());
        assert_eq!(compress(&mut next, &payload), fresh);
        let mut other = Compressor::new(CompressorOptions {
            window_bits: 9,
            ..options
        });
        assert!(other.put_state(next.take_state().unwrap()).is_some());
        assert!(!other.has_state());
    }
}

#[test]
fn memory_in_use_cannot_be_taken() {
    let mut own = compressor();
    let mut out = Vec::new();
    own.push(HELLO, &mut out);
    assert!(own.take_state().is_none());
    own.compress(&[], &mut out);
    assert!(own.take_state().is_some());
    for takeover in [true, false] {
        let mut peer = Decompressor::new(takeover, 15);
        peer.push(&hex("f248"), &mut Vec::new(), 100).unwrap();
        assert!(peer.take_state().is_none());
        decompress_all(&mut peer, &hex("cdc9c90700")).unwrap();
        assert_eq!(peer.take_state().is_some(), !takeover);
    }
}

#[test]
fn messages_decompress_after_a_message_of_another_compressor_and_a_reset() {
    let mut own = compressor();
    let mut peer = decompressor();
    let prepared = compress(&mut compressor(), &noise(40_000, 1));
    for payload in [words(5000, 1), words(5000, 1), b"".to_vec(), words(80, 1)] {
        let wire = compress(&mut own, &payload);
        assert_eq!(decompress_all(&mut peer, &wire).unwrap(), payload);
        assert_eq!(decompress_all(&mut peer, &prepared).unwrap().len(), 40_000);
        own.reset();
    }
}
