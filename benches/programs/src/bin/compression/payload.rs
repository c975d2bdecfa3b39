//! The messages that are compressed.

use ws_bench_programs::content::Content;

/// The total length of the messages of one payload. It is more than the longest window, so that no
/// message can refer to its own copy when the messages are repeated.
const TOTAL_LEN: usize = 256 * 1024;

/// The guide, as an example of prose.
const PROSE: &[&str] = &[
    include_str!("../../../../../ARCHITECTURE.md"),
    include_str!("../../../../../docs/closing.md"),
    include_str!("../../../../../docs/network.md"),
    include_str!("../../../../../docs/network-errors.md"),
    include_str!("../../../../../docs/sending.md"),
    include_str!("../../../../../docs/serving.md"),
    include_str!("../../../../../docs/tls.md"),
];

/// Messages of the same kind and length.
pub(crate) struct Payload {
    pub(crate) name: &'static str,
    pub(crate) messages: Vec<Vec<u8>>,
}

/// Makes all payloads.
pub(crate) fn all() -> [Payload; 4] {
    let prose = PROSE.concat().into_bytes();
    let prose = |index: usize, len: usize| -> Vec<u8> {
        let from = index * len % prose.len();
        prose.iter().cycle().skip(from).take(len).copied().collect()
    };
    [
        payload("json-1k", 1 << 10, |index, len| {
            Content::Json.message(index, len)
        }),
        payload("json-64k", 64 << 10, |index, len| {
            Content::Json.message(index, len)
        }),
        payload("prose-64k", 64 << 10, prose),
        // Compressed data has no repetitions, like random bytes.
        payload("compressed-64k", 64 << 10, |index, len| {
            Content::Binary.message(index, len)
        }),
    ]
}

fn payload(name: &'static str, len: usize, message: impl Fn(usize, usize) -> Vec<u8>) -> Payload {
    Payload {
        name,
        messages: (0..TOTAL_LEN / len)
            .map(|index| message(index, len))
            .collect(),
    }
}
