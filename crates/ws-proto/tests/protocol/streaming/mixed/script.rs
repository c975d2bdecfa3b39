//! The frames that the peer sends: fragmented messages, control frames between the fragments, and
//! at most one fault.

use ws_proto::Role;

use crate::support::{BINARY, BOTH, CLOSE, CONTINUATION, FIN, PING, PONG, Rng, TEXT, Wire};

/// A frame of the script.
#[derive(Clone, Debug)]
pub(super) struct Scripted {
    pub(super) first: u8,
    pub(super) payload: Vec<u8>,
    /// The position in the bytes of the script at which the payload starts.
    pub(super) start: usize,
    /// The position in the bytes of the script at which the payload ends.
    pub(super) end: usize,
}

impl Scripted {
    pub(super) fn is_control(&self) -> bool {
        self.first & 8 != 0
    }

    pub(super) fn is_final(&self) -> bool {
        self.first & FIN != 0
    }

    /// Returns `true` if a fault at this position belongs to this frame.
    pub(super) fn holds(&self, at: usize) -> bool {
        let is_end = self.is_final() && self.end == at;
        !self.is_control() && ((self.start..self.end).contains(&at) || is_end)
    }
}

/// The end of a script.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    None,
    /// The byte at this position is invalid in text. If this is the end of a frame, the last
    /// character of the frame is unfinished instead.
    Text(usize),
    /// The byte at this position is the first of an invalid header.
    Header(usize),
    Close,
}

#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) role: Role,
    pub(super) frames: Vec<Scripted>,
    pub(super) bytes: Vec<u8>,
    pub(super) fault: Fault,
}

pub(super) fn script(seed: u64) -> Script {
    let mut rng = Rng::new(seed);
    let role = BOTH[rng.below(2)];
    let mut wire = Wire::from(role.peer());
    let mut frames = Vec::new();
    let mut put = |wire: &mut Wire, first: u8, payload: &[u8]| {
        wire.frame(first, payload);
        let end = wire.bytes.len();
        let start = end - payload.len();
        let payload = payload.to_vec();
        frames.push(Scripted {
            first,
            payload,
            start,
            end,
        });
        start
    };
    let messages = 1 + rng.below(5);
    let ending = rng.below(6);
    let mut fault = Fault::None;
    for number in 0..messages {
        let last = number + 1 == messages;
        let text = rng.below(2) == 0 || last && ending < 2;
        let len = [0, 1, 5, 30, 70, 200][rng.below(6)];
        let mut payload: Vec<u8> = if text {
            "aκ€😀".chars().cycle().take(len).collect::<String>().into()
        } else {
            (0..len).map(|i| (i * 31) as u8).collect()
        };
        // The position at which the payload stops being valid text.
        let mut bad = None;
        if last && ending == 0 {
            bad = Some(payload.len());
            payload.extend_from_slice(b"\xff behind");
        } else if last && ending == 1 {
            payload.extend_from_slice(b"\xf0\x9f\x98");
            bad = Some(payload.len());
        }
        let fragments = 1 + rng.below(4);
        let mut opcode = if text { TEXT } else { BINARY };
        let mut from = 0;
        for fragment in 0..fragments {
            while rng.below(4) == 0 {
                let first = FIN | [PING, PONG][rng.below(2)];
                put(
                    &mut wire,
                    first,
                    &[number as u8, fragment as u8][..rng.below(3)],
                );
            }
            let is_final = fragment + 1 == fragments;
            if last && is_final && ending == 2 {
                fault = Fault::Header(wire.bytes.len());
                wire.raw(&[0xf7, 0x80]);
                break;
            }
            if last && is_final && ending == 3 {
                put(&mut wire, FIN | CLOSE, b"\x03\xe8");
                fault = Fault::Close;
                wire.raw(&[0xff; 20]);
                break;
            }
            let to = if is_final {
                payload.len()
            } else {
                from + rng.below(payload.len() - from + 1)
            };
            let fin = if is_final { FIN } else { 0 };
            let start = put(&mut wire, fin | opcode, &payload[from..to]);
            if let Some(bad) = bad
                && matches!(fault, Fault::None)
                && from <= bad
                && (bad < to || is_final && bad == to)
            {
                fault = Fault::Text(start + bad - from);
            }
            opcode = CONTINUATION;
            from = to;
        }
    }
    Script {
        role,
        frames,
        bytes: wire.bytes,
        fault,
    }
}
