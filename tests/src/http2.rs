//! Frames of HTTP/2 (RFC 9113) that are written and parsed by hand, for a server of one stream.

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The bytes with which a client begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The stream of the first request.
pub const STREAM: u32 = 1;

/// The largest window (RFC 9113 §6.9.1).
pub const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The default window of a connection (RFC 9113 §6.9.2).
const DEFAULT_WINDOW: u32 = 65_535;

/// The longest payload of a frame, by default (RFC 9113 §4.2).
const MAX_FRAME: usize = 16_384;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("a short payload");
    let [_, len @ ..] = len.to_be_bytes();
    [&len[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns the settings of a server that opens WebSockets. `window` is the number of bytes that the
/// client may send in a stream at first. The window of the connection is the largest.
#[must_use]
pub fn settings(window: u32) -> Vec<u8> {
    let mut payload = Vec::new();
    // SETTINGS_INITIAL_WINDOW_SIZE, and SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3).
    for (id, value) in [(4_u16, window), (8, 1)] {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    [
        frame(SETTINGS, 0, 0, &payload),
        frame(SETTINGS, ACK, 0, &[]),
        window_update(0, MAX_WINDOW - DEFAULT_WINDOW),
    ]
    .concat()
}

/// Returns a response with the status 200.
#[must_use]
pub fn response() -> Vec<u8> {
    // RFC 7541 Appendix A: `:status 200` is the entry 8 of the static table.
    frame(HEADERS, END_HEADERS, STREAM, &[0x88])
}

/// Returns a response with the status 403, and the beginning of its body.
#[must_use]
pub fn refusal(body: &[u8]) -> Vec<u8> {
    // A literal with an indexed name (RFC 7541 §6.2.2). The value has 3 bytes.
    let status = [&[0x08, 3][..], b"403"].concat();
    [frame(HEADERS, END_HEADERS, STREAM, &status), data(body)].concat()
}

/// Returns the reset of the stream.
#[must_use]
pub fn reset(code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, STREAM, &code.to_be_bytes())
}

/// Returns frames with data of the stream.
#[must_use]
pub fn data(bytes: &[u8]) -> Vec<u8> {
    let frames = bytes.chunks(MAX_FRAME);
    frames
        .flat_map(|part| frame(DATA, 0, STREAM, part))
        .collect()
}

/// Returns the end of the stream.
#[must_use]
pub fn end() -> Vec<u8> {
    frame(DATA, END_STREAM, STREAM, &[])
}

/// Returns a frame that allows the client to send `len` more bytes. The stream 0 is the connection.
#[must_use]
pub fn window_update(stream: u32, len: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &len.to_be_bytes())
}

/// The output of a client.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The data of the stream.
    pub data: Vec<u8>,
    /// `true` after a request.
    pub has_request: bool,
    /// `true` after the end of the stream.
    pub has_ended: bool,
    /// The error code of RST_STREAM.
    pub reset: Option<u32>,
    /// The error code of GOAWAY.
    pub go_away: Option<u32>,
    /// The length of an incomplete frame at the end.
    pub cut: usize,
}

impl Output {
    /// Parses the output of a client.
    ///
    /// # Panics
    ///
    /// If data follows the end of the stream.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut output = Self::default();
        let mut rest = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
        while let Some((header, after)) = rest.split_at_checked(9) {
            let len = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            let Some((payload, after)) = after.split_at_checked(len as usize) else {
                break;
            };
            output.take(header[3], header[4], payload);
            rest = after;
        }
        output.cut = rest.len();
        output
    }

    fn take(&mut self, kind: u8, flags: u8, payload: &[u8]) {
        let code = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
        match kind {
            DATA => {
                assert!(!self.has_ended, "data after the end of the stream");
                self.data.extend_from_slice(payload);
                self.has_ended = flags & END_STREAM != 0;
            }
            HEADERS => self.has_request = true,
            RST_STREAM => self.reset = Some(code(payload)),
            GOAWAY => self.go_away = Some(code(&payload[4..8])),
            _ => {}
        }
    }
}
