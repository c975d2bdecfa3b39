use super::*;
use crate::deflate::Coding;

fn read_in_pieces(testee: Role, bytes: &[u8], size: usize) -> Vec<Received> {
    feed(&mut Reader::new(testee), bytes, size)
}

/// Everything but the frames.
fn feed(reader: &mut Reader, bytes: &[u8], size: usize) -> Vec<Received> {
    let mut out = VecDeque::new();
    for mut piece in bytes.chunks(size) {
        while reader.step(&mut piece, &mut out) {}
    }
    out.retain(|item| !matches!(item, Received::Frame { .. }));
    out.into()
}

/// Reads what a server sends.
fn read(bytes: &[u8]) -> Vec<Received> {
    let whole = read_in_pieces(Role::Server, bytes, bytes.len());
    for size in 1..bytes.len() {
        let pieces = read_in_pieces(Role::Server, bytes, size);
        assert_eq!(whole, pieces, "in pieces of {size}");
    }
    whole
}

fn violations(bytes: &[u8]) -> Vec<Violation> {
    let violation = |item| match item {
        Received::Violation(violation) => Some(violation),
        _ => None,
    };
    read(bytes).into_iter().filter_map(violation).collect()
}

#[test]
fn messages_are_joined_and_controls_between_fragments_kept_apart() {
    let bytes = b"\x01\x02He\x89\x01!\x00\x02ll\x8a\x00\x80\x01o\x82\x01\xff\x88\x02\x03\xe8";
    let expected = [
        Received::Ping(b"!".to_vec()),
        Received::Pong(vec![]),
        Received::Message {
            binary: false,
            payload: b"Hello".to_vec(),
        },
        Received::Message {
            binary: true,
            payload: vec![0xff],
        },
        Received::Close(vec![3, 0xe8]),
    ];
    assert_eq!(read(bytes), expected);
}

#[test]
fn a_masked_frame_of_a_client_is_unmasked() {
    let bytes = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let expected = [Received::Message {
        binary: false,
        payload: b"Hello".to_vec(),
    }];
    for size in 1..=bytes.len() {
        assert_eq!(read_in_pieces(Role::Client, bytes, size), expected);
    }
}

#[test]
fn who_must_not_mask_and_who_must() {
    assert_eq!(violations(b"\x81\x80\0\0\0\0"), [Violation::Masked]);
    let unmasked = read_in_pieces(Role::Client, b"\x81\0", 2);
    assert_eq!(unmasked[0], Received::Violation(Violation::NotMasked));
}

#[test]
fn reserved_bits_and_opcodes_are_violations() {
    assert_eq!(violations(b"\xa1\0"), [Violation::ReservedBits(2)]);
    assert_eq!(violations(b"\x83\0"), [Violation::ReservedOpcode(3)]);
    assert_eq!(violations(b"\x07\0"), [Violation::ReservedOpcode(7)]);
    assert_eq!(violations(b"\x8b\0"), [Violation::ReservedOpcode(11)]);
}

#[test]
fn control_frames_are_short_and_whole() {
    assert_eq!(violations(b"\x09\0"), [Violation::FragmentedControl]);
    let long = [&b"\x88\x7e\0\x7e"[..], &[0; 126]].concat();
    assert_eq!(violations(&long), [Violation::LongControl]);
    assert_eq!(violations(&[&b"\x89\x7d"[..], &[0; 125]].concat()), []);
    assert_eq!(violations(b"\x88\x01a"), [Violation::OneByteClose]);
}

#[test]
fn a_control_frame_has_no_long_form_of_its_length() {
    assert_eq!(
        violations(b"\x8a\x7e\0\0"),
        [Violation::LongControl, Violation::LongLengthForm(0)]
    );
}

#[test]
fn messages_follow_each_other() {
    assert_eq!(violations(b"\x80\0"), [Violation::StrayContinuation]);
    assert_eq!(violations(b"\x01\0\x81\0"), [Violation::UnfinishedMessage]);
}

#[test]
fn lengths_have_their_shortest_form() {
    assert_eq!(violations(b"\x82\x7e\0\0"), [Violation::LongLengthForm(0)]);
    assert_eq!(
        violations(b"\x82\x7f\0\0\0\0\0\0\0\0"),
        [Violation::LongLengthForm(0)]
    );
    assert_eq!(
        violations(b"\x82\x7f\x80\0\0\0\0\0\0\0"),
        [Violation::HugeLength(1 << 63)]
    );
    assert_eq!(violations(b"\x82\x7f\0\0\0\0\0\x01\0\0"), []);
    assert_eq!(violations(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), []);
}

#[test]
fn an_invalid_text_is_seen_within_its_frame_and_at_its_end() {
    assert_eq!(violations(b"\x81\x09a\xff\xffb"), [Violation::InvalidText]);
    assert_eq!(
        violations(b"\x81\x04a\xff\xffb"),
        [Violation::InvalidText; 2]
    );
    assert_eq!(violations(b"\x01\x01\xce\x80\x01\xba"), []);
    assert_eq!(violations(b"\x81\x01\xce"), [Violation::InvalidText]);
}

#[test]
fn a_frame_behind_a_violation_is_read() {
    let items = read(b"\xa1\0\x88\0");
    assert_eq!(items.last(), Some(&Received::Close(vec![])));
}

/// A reader of what a server sends that may compress.
fn inflating() -> Reader {
    let mut reader = Reader::new(Role::Server);
    reader.inflate_with(Inflater::new(Coding {
        window_bits: 15,
        context_takeover: true,
    }));
    reader
}

#[test]
fn compressed_and_other_messages_are_read_side_by_side() {
    let bytes = b"\x41\x03\xf2\x48\xcd\x89\0\x80\x04\xc9\xc9\x07\0\x81\x01a";
    let text = |text: &str| Received::Message {
        binary: false,
        payload: text.into(),
    };
    for size in 1..=bytes.len() {
        let expected = [Received::Ping(vec![]), text("Hello"), text("a")];
        assert_eq!(feed(&mut inflating(), bytes, size), expected);
    }
    let garbage = feed(&mut inflating(), b"\xc1\x01\x06", 3);
    assert_eq!(garbage[0], Received::Undecodable(Undecodable::Malformed));
}

#[test]
fn rsv1_stands_at_the_beginning_of_a_message_only() {
    assert_eq!(violations(b"\xc2\0"), [Violation::ReservedBits(4)]);
    for (bytes, expected) in [
        (&b"\xe2\0"[..], Violation::ReservedBits(6)),
        (b"\xc9\0", Violation::CompressedControl),
        (b"\x02\0\xc9\0", Violation::CompressedControl),
        (b"\x02\0\xc0\0", Violation::CompressedContinuation),
    ] {
        let mut items = feed(&mut inflating(), bytes, bytes.len());
        items.retain(|item| matches!(item, Received::Violation(_)));
        assert_eq!(items, [Received::Violation(expected)]);
    }
}

#[test]
fn the_head_of_a_payload_is_kept() {
    let payload: Vec<u8> = (0..100).collect();
    let (mut reader, mut out) = (Reader::new(Role::Server), VecDeque::new());
    for mut piece in [&b"\x82\x64"[..], &payload].concat().chunks(40) {
        while reader.step(&mut piece, &mut out) {}
    }
    let Some(Received::Frame { head, .. }) = out.pop_front() else {
        panic!("{out:?}");
    };
    assert_eq!(head, payload[..HEAD]);
}

/// The violations of a frame with a payload of zeros, and the length that is kept of it.
fn read_long(first: u8, len: usize) -> (Vec<Violation>, usize) {
    const PIECE: usize = 1 << 20;
    let mut reader = Reader::new(Role::Server);
    let header = [&[first, 127][..], &(len as u64).to_be_bytes()].concat();
    let mut items = feed(&mut reader, &header, header.len());
    let zeros = vec![0; PIECE];
    for start in (0..len).step_by(PIECE) {
        items.extend(feed(&mut reader, &zeros[..PIECE.min(len - start)], PIECE));
    }
    let mut kept = 0;
    let violations = items.into_iter().filter_map(|item| match item {
        Received::Violation(violation) => Some(violation),
        Received::Message { payload, .. } | Received::Ping(payload) => {
            kept = payload.len();
            None
        }
        _ => None,
    });
    (violations.collect(), kept)
}

#[test]
fn no_frame_fills_the_memory() {
    const MORE: usize = MAX_MESSAGE + (4 << 20);
    assert_eq!(read_long(0x82, MAX_MESSAGE), (vec![], MAX_MESSAGE));
    let endless = vec![Violation::EndlessMessage];
    assert_eq!(read_long(0x82, MORE), (endless, MAX_MESSAGE));
    let (violations, kept) = read_long(0x89, MORE);
    assert_eq!(violations, [Violation::LongControl]);
    assert!(kept <= MAX_MESSAGE + (1 << 20), "{kept}");
}
