//! 23.6: messages about as long as common buffers.

use crate::case::Case;
use crate::case::Roles::Both;
use crate::dialogue::passed;
use crate::wire::Frame;

use super::rules;

const TITLE: &str = "Framing: lengths around those of buffers";
/// Lengths of buffers, and how the lengths around each are written.
const EDGES: [(usize, &str); 3] = [
    (4096, "4095, 4096 and 4097"),
    (32_768, "32,767, 32,768 and 32,769"),
    (65_536, "65,535, 65,536 and 65,537"),
];
/// Characters of one to four bytes.
const CHARACTERS: &str = "Hé€𝄞";
/// Cuts characters, since their lengths add up to ten.
const FRAGMENT: usize = 999;

/// The division of a message into frames.
#[derive(Clone, Copy)]
enum Form {
    OneFrame,
    TwoFragments,
    ManyFragments,
}

pub(super) fn cases() -> Vec<Case> {
    let mut number = 0;
    let mut cases = Vec::new();
    for form in [Form::OneFrame, Form::TwoFragments, Form::ManyFragments] {
        for binary in [false, true] {
            for (edge, lengths) in EDGES {
                number += 1;
                cases.push(around(number, (edge, lengths), binary, form));
            }
        }
    }
    cases
}

fn around(number: u8, (edge, lengths): (usize, &str), binary: bool, form: Form) -> Case {
    let id = format!("23.6.{number}");
    let rule = match form {
        Form::OneFrame => &rules::PARSED_AS_FRAMES,
        Form::TwoFragments | Form::ManyFragments => &rules::FRAGMENTS,
    };
    let case = Case::new(&id, Both, TITLE, rule, move |peer| {
        peer.open()?;
        let messages = [edge - 1, edge, edge + 1].map(|len| message(len, binary));
        for message in &messages {
            peer.send_together(&form.frames(message))?;
            peer.expect_echo(message)?;
        }
        let all = messages.each_ref().map(|message| form.frames(message));
        peer.send_together(&all.concat())?;
        for message in &messages {
            peer.expect_echo(message)?;
        }
        passed("All echoes are right.")
    });
    let kind = if binary { "binary messages" } else { "texts" };
    case.does(format!(
        "Sends {kind} of {lengths} bytes {}. Sends each after the echo of the one before, then \
         all of them again in one write.",
        form.describe()
    ))
    .wants("The testee echoes all messages in order.")
}

impl Form {
    fn describe(self) -> &'static str {
        match self {
            Self::OneFrame => "in one frame each",
            Self::TwoFragments => "in two fragments each, cut in the middle",
            Self::ManyFragments => "in fragments of 999 bytes",
        }
    }

    fn frames(self, message: &Frame) -> Vec<Frame> {
        let payload = message.payload.as_bytes();
        let len = match self {
            Self::OneFrame => return vec![message.clone()],
            Self::TwoFragments => payload.len().div_ceil(2),
            Self::ManyFragments => FRAGMENT,
        };
        let mut frames: Vec<_> = payload
            .chunks(len)
            .map(|piece| Frame::continuation(piece.to_vec()).unfinished())
            .collect();
        if let Some(first) = frames.first_mut() {
            first.opcode = message.opcode;
        }
        if let Some(last) = frames.last_mut() {
            last.fin = true;
        }
        frames
    }
}

fn message(len: usize, binary: bool) -> Frame {
    match binary {
        true => Frame::binary(
            (0..len)
                .map(|index| (index % 251) as u8)
                .collect::<Vec<_>>(),
        ),
        false => {
            let mut text = CHARACTERS.repeat(len / CHARACTERS.len());
            text.extend(std::iter::repeat_n('*', len % CHARACTERS.len()));
            Frame::text(text.into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_length_and_its_fragments_add_up_to_it() {
        for binary in [false, true] {
            let message = message(4097, binary);
            let whole = message.payload.as_bytes();
            assert_eq!(whole.len(), 4097);
            assert!(binary || std::str::from_utf8(&whole).is_ok());
            for (form, count) in [
                (Form::OneFrame, 1),
                (Form::TwoFragments, 2),
                (Form::ManyFragments, 5),
            ] {
                let frames = form.frames(&message);
                let pieces: Vec<_> = frames
                    .iter()
                    .flat_map(|frame| frame.payload.as_bytes().to_vec())
                    .collect();
                assert_eq!(frames.len(), count);
                assert_eq!(pieces, *whole);
                assert_eq!(frames[0].opcode, message.opcode);
                assert!(frames.iter().skip(1).all(|frame| frame.opcode == 0));
                assert_eq!(frames.iter().filter(|frame| frame.fin).count(), 1);
                assert!(frames[count - 1].fin);
            }
        }
    }
}
