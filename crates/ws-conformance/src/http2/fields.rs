//! The fields of a head: compressed on the wire (RFC 7541), and as text in the suite.

use loona_hpack::{Decoder, Encoder};

/// Names and values, in order. The names of pseudo-header fields begin with a colon.
pub(crate) type Fields = Vec<(String, String)>;

/// A block of a dynamic table of no bytes (RFC 7541 §6.3).
const EMPTY_TABLE: u8 = 0x20;

/// Returns the block of these fields. It neither uses nor fills the dynamic table, so that it is
/// right whatever came before, and whatever table the other side allows.
pub(super) fn encode(fields: &Fields) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.set_max_table_size(0);
    let mut block = vec![EMPTY_TABLE];
    let fields = fields.iter();
    block.extend(encoder.encode(fields.map(|(name, value)| (name.as_bytes(), value.as_bytes()))));
    block
}

/// Returns the fields of a block, or `None` if they cannot be decoded.
pub(super) fn decode(decoder: &mut Decoder<'_>, block: &[u8]) -> Option<Fields> {
    let fields = decoder.decode(block).ok()?.into_iter();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some(
        fields
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
    )
}

/// Returns fields as text: a line for each, and an empty one.
pub(super) fn to_text(fields: &Fields) -> Vec<u8> {
    // RFC 9113 §8.2.1 forbids control characters. They must not look like another line.
    let one_line = |text: &str| text.replace(['\r', '\n'], "\u{fffd}");
    let mut text = String::new();
    for (name, value) in fields {
        text += &format!("{}: {}\r\n", one_line(name), one_line(value));
    }
    (text + "\r\n").into_bytes()
}

/// Returns the fields of a text.
pub(super) fn from_text(text: &[u8]) -> Fields {
    let text = String::from_utf8_lossy(text);
    let lines = text.split("\r\n").filter(|line| !line.is_empty());
    let fields = lines.map(|line| {
        // The first colon may be that of a pseudo-header field.
        let colon = line.char_indices().skip(1).find(|(_, char)| *char == ':');
        let (name, value) = line.split_at(colon.map_or(line.len(), |(place, _)| place));
        let value = value.trim_start_matches(':').trim();
        (name.to_ascii_lowercase(), value.to_owned())
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        let fields = [
            (":status", "200"),
            ("server", "a: b"),
            ("x-y", ""),
            ("server", "c"),
        ];
        let owned = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        owned.to_vec()
    }

    #[test]
    fn fields_survive_compression() {
        let mut decoder = Decoder::new();
        for _ in 0..2 {
            let block = encode(&fields());
            assert_eq!(decode(&mut decoder, &block), Some(fields()));
        }
        // An index that no table has.
        assert_eq!(decode(&mut decoder, b"\xff\xff\xff\x7f"), None);
    }

    #[test]
    fn a_block_of_the_standard_is_decoded() {
        // RFC 7541 §C.4.1, with Huffman codes.
        let block = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let decoded = decode(&mut Decoder::new(), block).expect("it is right");
        let authority = (":authority".to_owned(), "www.example.com".to_owned());
        assert_eq!(decoded.len(), 4);
        assert_eq!(decoded[3], authority);
    }

    #[test]
    fn text_is_a_line_for_each_field() {
        let text = to_text(&fields());
        let expected = ":status: 200\r\nserver: a: b\r\nx-y: \r\nserver: c\r\n\r\n";
        assert_eq!(String::from_utf8(text.clone()).unwrap(), expected);
        assert_eq!(from_text(&text), fields());
    }

    #[test]
    fn a_line_break_in_a_value_is_no_other_field() {
        let fields = vec![("a".to_owned(), "b\r\nc: d".to_owned())];
        assert_eq!(from_text(&to_text(&fields)).len(), 1);
    }
}
