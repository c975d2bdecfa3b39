//! Frames that are encoded by hand, byte by byte.

use ws_proto::{MaskKey, MaskSource, MessageKind, Role};

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
pub(crate) const FIN: u8 = 0x80;

pub(crate) fn opcode(kind: MessageKind) -> u8 {
    match kind {
        MessageKind::Text => TEXT,
        MessageKind::Binary => BINARY,
    }
}

/// Returns masking key number `n` of [`Keys`] and [`Wire`].
pub(crate) fn nth_key(n: u32) -> [u8; 4] {
    n.wrapping_add(1).wrapping_mul(0x9e37_79b9).to_le_bytes()
}

/// A source of predictable masking keys.
#[derive(Default)]
pub(crate) struct Keys(u32);

impl MaskSource for Keys {
    fn next_key(&mut self) -> MaskKey {
        let key = nth_key(self.0);
        self.0 = self.0.wrapping_add(1);
        MaskKey::new(key)
    }
}

/// An encoder of frames for the end with a given role.
pub(crate) struct Wire {
    pub(crate) bytes: Vec<u8>,
    masks: bool,
    frames: u32,
}

impl Wire {
    pub(crate) fn from(sender: Role) -> Self {
        Self {
            bytes: Vec::new(),
            masks: sender == Role::Client,
            frames: 0,
        }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a frame whose length is encoded in the shortest form.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        let len = payload.len();
        match len {
            0..=125 => self.header(first, len as u8, &[]),
            126..=0xffff => self.header(first, 126, &(len as u16).to_be_bytes()),
            _ => self.header(first, 127, &(len as u64).to_be_bytes()),
        }
        self.payload(payload);
    }

    /// Appends a header with its mask bit and key. [`payload`](Self::payload) appends the payload.
    pub(crate) fn header(&mut self, first: u8, short_len: u8, long_len: &[u8]) {
        let mask = if self.masks { 0x80 } else { 0 };
        self.raw(&[first, mask | short_len]);
        self.raw(long_len);
        if self.masks {
            self.raw(&nth_key(self.frames));
        }
        self.frames += 1;
    }

    /// Appends the payload of the last header.
    pub(crate) fn payload(&mut self, payload: &[u8]) {
        let key = if self.masks {
            nth_key(self.frames - 1)
        } else {
            [0; 4]
        };
        for (i, byte) in payload.iter().enumerate() {
            self.bytes.push(byte ^ key[i % 4]);
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.frame(FIN | TEXT, text.as_bytes());
    }

    pub(crate) fn close(&mut self, code: u16, reason: &[u8]) {
        let payload = [&code.to_be_bytes()[..], reason].concat();
        self.frame(FIN | CLOSE, &payload);
    }

    /// Appends a message in fragments of `len` bytes. The last frame is shorter. It is empty if
    /// `len` divides the length of the payload.
    pub(crate) fn fragments(&mut self, opcode: u8, payload: &[u8], len: usize) {
        let mut opcode = opcode;
        for piece in payload.chunks_exact(len) {
            self.frame(opcode, piece);
            opcode = CONTINUATION;
        }
        self.frame(FIN | opcode, payload.chunks_exact(len).remainder());
    }

    /// Appends a message with one frame for each piece.
    pub(crate) fn pieces<P: AsRef<[u8]>>(
        &mut self,
        opcode: u8,
        pieces: impl ExactSizeIterator<Item = P>,
    ) {
        let last = pieces.len() - 1;
        for (i, piece) in pieces.enumerate() {
            let opcode = if i == 0 { opcode } else { CONTINUATION };
            let fin = if i == last { FIN } else { 0 };
            self.frame(fin | opcode, piece.as_ref());
        }
    }
}

/// Returns the bytes of frames that the end with this role sends.
pub(crate) fn frames_from(sender: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    let mut wire = Wire::from(sender);
    script(&mut wire);
    wire.bytes
}

/// Returns the bytes of frames that are sent to the end with this role.
pub(crate) fn frames_to(receiver: Role, script: impl Fn(&mut Wire)) -> Vec<u8> {
    frames_from(receiver.peer(), script)
}
