use super::*;

fn read_in_pieces(testee: Role, bytes: &[u8], size: usize) -> Vec<Received> {
    let mut reader = Reader::new(testee);
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
    assert_eq!(whole, read_in_pieces(Role::Server, bytes, 1), "in pieces");
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
