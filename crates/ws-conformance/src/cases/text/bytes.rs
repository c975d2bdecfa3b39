//! 25.3: one invalid byte in a text.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::cases::fails::fails;
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "UTF-8: an invalid byte at many offsets";
const TEXT: usize = 256;
const ROW: usize = 16;
const ROWS: usize = TEXT / ROW;
const ROUNDS: usize = 4;

pub(super) fn cases() -> Vec<Case> {
    let rounds = (0..ROUNDS).flat_map(|round| (0..ROWS).map(move |row| (round, row)));
    let offsets = rounds.map(|(round, row)| offset(round, row));
    offsets
        .zip(1..)
        .map(|(offset, number)| invalid_byte(number, offset))
        .collect()
}

/// Returns an offset within a row of 16 bytes. The offsets of all rounds and rows differ modulo 64
/// within each row of 64 bytes: vectors of 16, 32 and 64 bytes get the byte in every place.
fn offset(round: usize, row: usize) -> usize {
    row * ROW + (4 * (round + row % 4) + row / 4) % ROW
}

fn invalid_byte(number: u8, offset: usize) -> Case {
    let id = format!("25.3.{number}");
    let frames = move || {
        let mut text = vec![b'*'; TEXT];
        text[offset] = 0xff;
        vec![Frame::text(text)]
    };
    let case = fails(&id, Both, TITLE, &rules::INVALID, &[1007], frames);
    case.see(&["RFC 3629 §3"]).does(format!(
        "Sends a message and waits for its echo. Then sends a text of {TEXT} bytes. All are ASCII \
         but the byte ff at offset {offset}."
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_invalid_byte_is_everywhere_in_vectors_of_each_length() {
        let offsets = (0..ROUNDS).flat_map(|round| (0..ROWS).map(move |row| offset(round, row)));
        let offsets: BTreeSet<_> = offsets.collect();
        assert_eq!(offsets.len(), ROUNDS * ROWS);
        assert!(offsets.contains(&0) && offsets.contains(&(TEXT - 1)));
        for len in [16, 32, 64] {
            let places: BTreeSet<_> = offsets.iter().map(|offset| offset % len).collect();
            assert_eq!(places.len(), len);
        }
    }
}
