//! The count of wholly written messages.

use std::num::NonZeroUsize;

use bytes::Bytes;
use ws_proto::{
    CloseCode, CloseFrame, CloseReason, Config, ControlPayload, MessageKind, Prepared, SendHalf,
};

use crate::support::Keys;

/// Returns the end of each message in `output`, a sequence of frames with or without masks.
fn ends(output: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < output.len() {
        let (first, second) = (output[at], output[at + 1]);
        let (len, header) = match second & 0x7f {
            126 => (
                u16::from_be_bytes([output[at + 2], output[at + 3]]).into(),
                4,
            ),
            127 => {
                let bytes = output[at + 2..at + 10].try_into().unwrap();
                (u64::from_be_bytes(bytes) as usize, 10)
            }
            len => (usize::from(len), 2),
        };
        at += header + usize::from(second >> 7) * 4 + len;
        if first & 0x80 != 0 && first & 0x0f < 8 {
            ends.push(at);
        }
    }
    ends
}

/// Queues every kind of message, and writes `step` bytes at a time. Compares the count with the
/// output after each write.
fn check(mut send: SendHalf, step: usize) {
    send.message("before").unwrap();
    send.count_written();
    assert_eq!(send.written(), 0);
    send.message("a").unwrap();
    send.message("").unwrap();
    send.message("").unwrap();
    send.ping(&ControlPayload::new(b"?").unwrap()).unwrap();
    send.message(Bytes::from(vec![1; 10_000])).unwrap();
    send.message(&Prepared::new("prepared")).unwrap();
    send.message(&Prepared::new(vec![2; 10_000])).unwrap();
    send.begin(MessageKind::Text).unwrap();
    send.write(b"piece").unwrap();
    send.write(b"s").unwrap();
    send.finish().unwrap();
    send.message(vec![3; 30_000]).unwrap();
    let close = CloseFrame::new(CloseCode::NORMAL, CloseReason::default());
    send.start_close(close).unwrap();

    let mut output = Vec::new();
    let mut counts = Vec::new();
    while send.queued() > 0 {
        let mut slices = [&[][..]; 8];
        let used = send.slices(&mut slices);
        let mut bytes = slices[..used].concat();
        bytes.truncate(step);
        output.extend_from_slice(&bytes);
        send.advance(bytes.len());
        counts.push((output.len(), send.written()));
    }
    let ends = ends(&output);
    assert_eq!(ends.len(), 9);
    for (taken, count) in counts {
        // The first message was queued before counting began.
        let expected = ends.iter().skip(1).filter(|end| **end <= taken).count();
        assert_eq!(count, expected as u64, "after {taken} bytes");
    }
    assert_eq!(send.written(), 8);
}

#[test]
fn a_message_counts_once_its_last_byte_was_taken() {
    let whole = Config::default();
    let fragments = Config::default().fragment_len(NonZeroUsize::new(700).unwrap());
    for config in [whole, fragments] {
        for step in [1, 7, 1_000, 20_000, usize::MAX] {
            check(SendHalf::server(&config), step);
            check(SendHalf::client(&config, Keys::default()), step);
        }
    }
}

#[cfg(feature = "deflate")]
#[test]
fn compressed_messages_count_once() {
    use ws_proto::{DeflateConfig, DeflateParams};

    for len in [None, NonZeroUsize::new(10)] {
        let config = len.map_or_else(Config::default, |len| Config::default().fragment_len(len));
        for step in [1, 7, usize::MAX] {
            let mut send = SendHalf::server(&config);
            send.deflate(&DeflateParams::default(), &DeflateConfig::default());
            check(send, step);
        }
    }
}

#[test]
fn lent_payloads_count() {
    let mut send = SendHalf::server(&Config::default());
    send.count_written();
    let payload = vec![1; 10_000];
    let mut rest = send.lending().lend_payload(&payload[..]).unwrap();
    send.lending().advance(&mut rest, 5_000);
    assert_eq!(send.written(), 0);
    let left = send.queued();
    send.lending().advance(&mut rest, left);
    assert_eq!(send.written(), 1);
}

#[test]
fn lost_messages_never_count() {
    let mut send = SendHalf::server(&Config::default());
    send.count_written();
    send.message("one").unwrap();
    send.message("two").unwrap();
    send.advance(6);
    send.output_lost();
    assert_eq!((send.written(), send.queued()), (1, 0));
    send.advance(100);
    assert_eq!(send.written(), 1);
}

/// Begins to count inside a message, which `end` ends. Only the next message counts.
fn begins_inside(mut send: SendHalf, end: impl FnOnce(&mut SendHalf)) {
    send.count_written();
    end(&mut send);
    let mut counts = Vec::new();
    let earlier = write_all(&mut send, &mut counts);
    assert_eq!(ends(&earlier).last(), Some(&earlier.len()));
    send.message("next").unwrap();
    assert!(counts.iter().all(|count| *count == 0), "{counts:?}");
    write_all(&mut send, &mut counts);
    assert_eq!(send.written(), 1);
}

/// Writes until the queue is empty. Adds the count after each write.
fn write_all(send: &mut SendHalf, counts: &mut Vec<u64>) -> Vec<u8> {
    let mut output = Vec::new();
    while send.queued() > 0 {
        let mut slices = [&[][..]; 8];
        let used = send.slices(&mut slices);
        let bytes = slices[..used].concat();
        output.extend_from_slice(&bytes);
        send.advance(bytes.len());
        counts.push(send.written());
    }
    output
}

#[test]
fn a_message_that_has_begun_does_not_count() {
    let fragments = Config::default().fragment_len(NonZeroUsize::new(700).unwrap());
    let mut send = SendHalf::server(&fragments);
    send.message(vec![1; 10_000]).unwrap();
    begins_inside(send, |_| {});

    let mut send = SendHalf::server(&Config::default());
    send.begin(MessageKind::Text).unwrap();
    send.write(b"piece").unwrap();
    begins_inside(send, |send| send.finish().unwrap());
}

#[cfg(feature = "deflate")]
#[test]
fn a_message_that_is_being_compressed_does_not_count() {
    use ws_proto::{DeflateConfig, DeflateParams};

    let mut send = SendHalf::server(&Config::default());
    send.deflate(&DeflateParams::default(), &DeflateConfig::default());
    send.lending().compress_in_steps();
    send.message(vec![1; 1 << 20]).unwrap();
    assert!(send.is_busy());
    begins_inside(send, |send| {
        while send.is_busy() {
            send.lending().work();
        }
    });
}

#[test]
fn nothing_counts_before_counting_begins() {
    let mut send = SendHalf::server(&Config::default());
    send.message("one").unwrap();
    send.advance(send.queued());
    assert_eq!(send.written(), 0);
}
