//! Tests of texts and of the block that they share.

use super::*;

fn text_buffer() -> MessageBuffer {
    let mut buffer = MessageBuffer::default();
    buffer.begin(MessageKind::Text);
    buffer
}

#[test]
fn try_from_refuses_bytes_that_are_not_utf8() {
    assert_eq!(
        Text::try_from(Bytes::from_static("κ".as_bytes())).unwrap(),
        "κ"
    );
    let refused = Text::try_from(Bytes::from_static(b"\xff")).unwrap_err();
    assert_eq!(refused.0, b"\xff"[..]);
}

#[test]
fn a_text_of_any_length_is_that_of_its_str() {
    assert_eq!(size_of::<Text>(), size_of::<Bytes>());
    let all = "ü".repeat(MAX_SHORT_LEN);
    for len in (0..=all.len()).step_by(2) {
        let text = Text::from(&all[..len]);
        assert_eq!(text, all[..len]);
        assert_eq!(text.clone().into_bytes(), &all.as_bytes()[..len]);
        assert_eq!(text, Text::from(String::from(&all[..len])));
        assert!(text <= Text::from("ü".repeat(100)));
        let is_short = matches!(text.0, Repr::Short { .. });
        assert_eq!(is_short, len <= MAX_SHORT_LEN);
    }
    assert_eq!(Text::default(), "");
}

#[test]
fn a_set_finds_a_text_by_its_str() {
    let set = alloc::collections::BTreeSet::from([Text::from("a"), Text::from("κ")]);
    assert!(set.contains("κ") && !set.contains("b"));
    #[cfg(feature = "std")]
    {
        let set = std::collections::HashSet::from([Text::from("a"), Text::from("κ")]);
        assert!(set.contains("κ") && !set.contains("b"));
    }
}

#[test]
fn a_buffer_returns_only_complete_characters() {
    let mut buffer = text_buffer();
    buffer.append(b"a\xce", None, 3).unwrap();
    assert_eq!(buffer.message(), MessageRef::Text("a"));
    assert_eq!(buffer.finish(), Err(InvalidUtf8));
    buffer.append(b"\xba", None, 1).unwrap();
    assert_eq!(buffer.finish(), Ok(()));
    assert_eq!(buffer.message(), MessageRef::Text("aκ"));
    assert_eq!(buffer.take(), Message::from("aκ"));
    assert!(buffer.bytes().is_empty());
}

#[test]
fn a_buffer_is_empty_after_invalid_text() {
    let mut buffer = text_buffer();
    buffer.append(b"ab", None, 4).unwrap();
    assert_eq!(buffer.append(b"c\xff", None, 2), Err(InvalidUtf8));
    assert_eq!(buffer.message(), MessageRef::Text(""));
}

#[test]
fn ascii_after_an_incomplete_character_is_refused() {
    let key = MaskKey::new([0x12, 0x9a, 0xf7, 0x01]);
    for mask in [None, Some(key)] {
        let append = |buffer: &mut MessageBuffer, text: &[u8]| {
            let mut payload = text.to_vec();
            if let Some(key) = mask {
                key.apply(&mut payload);
            }
            buffer.append(&payload, mask, payload.len() as u64)
        };
        let mut buffer = text_buffer();
        append(&mut buffer, b"plain, ").unwrap();
        append(&mut buffer, b"\xce").unwrap();
        append(&mut buffer, b"\xba, plain").unwrap();
        assert_eq!(buffer.message(), MessageRef::Text("plain, κ, plain"));
        append(&mut buffer, b"\xce").unwrap();
        assert_eq!(append(&mut buffer, b"plain"), Err(InvalidUtf8));
    }
}

#[test]
fn a_block_clears_its_text_on_mutable_access() {
    let mut block = TextBlock::new(b"hello".to_vec().into());
    block.unmask_text(1..3, None).unwrap();
    assert_eq!(block.text(), "el");
    assert_eq!(&*block.shrink(1..5), b"hello");
    assert_eq!((block.text(), block.bytes()), ("el", &b"ello"[..]));
    assert_eq!(&*block.shrink(1..3), b"ello");
    assert_eq!((block.text(), block.bytes()), ("", &b"ll"[..]));
    let mut block = TextBlock::new(b"hello".to_vec().into());
    block.unmask_text(1..3, None).unwrap();
    block.bytes_mut().fill(0xff);
    assert_eq!(block.text(), "");
    assert_eq!(block.unmask_text(0..1, None), Err(InvalidUtf8));
    assert_eq!(block.unmask_text(4..9, None), Err(InvalidUtf8));
    assert_eq!(block.text(), "");
}

#[test]
fn capacity_depends_on_the_bytes_that_arrived() {
    let mut bytes = Vec::new();
    append_unmasked(&mut bytes, &[0; 10], None, u64::MAX);
    assert!(bytes.capacity() <= 20 + RESERVE_LEN);
    for _ in 0..100_000 {
        append_unmasked(&mut bytes, &[0], None, 1);
        assert!(bytes.capacity() <= 2 * bytes.len() + RESERVE_LEN);
    }
    let mut announced = Vec::new();
    append_unmasked(&mut announced, &[0; 1000], None, 1500);
    append_unmasked(&mut announced, &[0; 500], None, 500);
    assert!(announced.capacity() <= 1500 + RESERVE_LEN);
}
