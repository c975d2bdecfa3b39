//! permessage-deflate (RFC 7692) by a library, and the ways to get it wrong.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::Role;
use super::rules::DeflateRules;

const NAME: &str = "permessage-deflate";
/// The end of each message, which is not sent (§7.2.1).
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];
/// An empty block that ends a stream. A message that ends within a block swallows it.
const LAST_BLOCK: &[u8] = &[1, 0, 0, 0xff, 0xff];
/// The largest window, and the only one of the library's compressor.
pub(super) const LARGEST_WINDOW: u8 = 15;
/// The space that is added to the output when it is full.
static STEP: [u8; 1 << 16] = [0; 1 << 16];

/// Returns the offer of a client.
pub(crate) fn offer(rules: &DeflateRules) -> Option<String> {
    rules.agrees.then(|| format!("{NAME}{}", rules.offer))
}

/// Returns the answer of a server to these offers. It agrees to the first one.
pub(crate) fn answer(rules: &DeflateRules, offers: &str) -> Option<String> {
    let first = offers.split(',').next().unwrap_or_default();
    if !rules.agrees || !first.trim().starts_with(NAME) {
        return None;
    }
    let agreed = |parameter: &&str| {
        let needs_no_value = !parameter.ends_with("max_window_bits");
        parameter.starts_with("server_")
            || rules.agrees_for_client && parameter.starts_with("client_") && needs_no_value
    };
    let parameters = first.split(';').map(str::trim).filter(agreed);
    let parameters: String = parameters.map(|it| format!("; {it}")).collect();
    Some(format!("{NAME}{parameters}{}", rules.answer))
}

/// The compression of a connection.
pub(crate) struct Deflate {
    rules: DeflateRules,
    compressor: Box<CompressorOxide>,
    /// The last bytes of the peer's messages, to which later ones may refer.
    history: Vec<u8>,
    own_context: bool,
    peer_context: bool,
    /// The longest distance of references in the peer's messages.
    reach: usize,
    /// `true` if nothing can be inflated any more.
    has_ended: bool,
}

impl Deflate {
    /// The compression that a server's answer agrees to.
    pub(crate) fn new(rules: DeflateRules, role: Role, answer: &str) -> Self {
        let (own, peer) = match role {
            Role::Server => ("server", "client"),
            Role::Client => ("client", "server"),
        };
        let has_context = |side| !answer.contains(&format!("{side}_no_context_takeover"));
        let window = |side| {
            let value = answer.split_once(&format!("{side}_max_window_bits="));
            let value = value.and_then(|(_, rest)| rest.split(';').next()?.trim().parse().ok());
            value.unwrap_or(LARGEST_WINDOW)
        };
        let is_small = window(own) < LARGEST_WINDOW;
        Self {
            rules,
            compressor: compressor(is_small && rules.small_windows),
            history: Vec::new(),
            own_context: has_context(own) || !rules.resets_own_context,
            peer_context: has_context(peer),
            reach: (rules.reach)(window(peer)),
            has_ended: false,
        }
    }

    /// Compresses a message.
    pub(crate) fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        let flush = match self.rules.final_blocks {
            true => TDEFLFlush::Finish,
            false => TDEFLFlush::Sync,
        };
        let mut out = Vec::new();
        compress_to_output(&mut self.compressor, message, flush, |bytes| {
            out.extend_from_slice(bytes);
            true
        });
        match self.rules.final_blocks {
            // §7.2.3.4: the stream ends, and the tail makes a block of the byte that follows it.
            true => out.push(0),
            false => out.truncate(out.len() - TAIL.len()),
        }
        if !self.own_context || self.rules.final_blocks {
            self.compressor.reset();
        }
        out
    }

    /// Decompresses a message, up to one byte more than `max`. Returns as much of it as is right,
    /// and `true` if that is all.
    pub(crate) fn decompress(&mut self, message: &[u8], max: usize) -> (Vec<u8>, bool) {
        if !self.peer_context {
            self.history.clear();
        } else if !self.rules.keeps_peer_context {
            self.forget();
        }
        let start = self.history.len();
        let mut out = std::mem::take(&mut self.history);
        let input = [message, TAIL, LAST_BLOCK].concat();
        let is_right = !self.has_ended && self.inflate(&input, &mut out, start + max);
        self.has_ended |= self.rules.ends_with_stream && message.first().is_some_and(is_last);
        let plain = out.split_off(start);
        out.extend_from_slice(&plain);
        out.drain(..out.len().saturating_sub(self.reach));
        self.history = out;
        let len = plain.len().min(self.rules.truncates_at);
        (plain[..len].to_vec(), is_right)
    }

    /// Forgets the messages of the peer, but not their length.
    pub(super) fn forget(&mut self) {
        self.history.fill(0);
    }

    /// Appends the contents of deflate streams to `out`, up to one byte more than `max`. Returns
    /// `true` if nothing is wrong with them.
    fn inflate(&self, mut input: &[u8], out: &mut Vec<u8>, max: usize) -> bool {
        const FLAGS: u32 = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let mut stream = Box::<DecompressorOxide>::default();
        let mut len = out.len();
        loop {
            if out.len() == len {
                self.make_room(out, max + 1);
            }
            let (status, read, written) = decompress(&mut stream, input, out, len, FLAGS);
            (input, len) = (&input[read..], len + written);
            match status {
                TINFLStatus::HasMoreOutput if len <= max => {}
                // The last block ends a stream, and another stream may follow.
                TINFLStatus::Done if !input.is_empty() && !self.rules.takes_one_stream => {
                    *stream = DecompressorOxide::default();
                }
                _ => {
                    out.truncate(len);
                    return status == TINFLStatus::Done;
                }
            }
        }
    }

    /// Makes room for output. References find nothing but zeros where they do not reach.
    fn make_room(&self, out: &mut Vec<u8>, max: usize) {
        let len = out.len();
        if self.reach >= 1 << LARGEST_WINDOW {
            out.extend_from_slice(&STEP[..STEP.len().min(max - len)]);
            return;
        }
        if let Some(far) = len.checked_sub(self.reach + 1) {
            out[far] = 0;
        }
        out.push(0);
    }
}

/// Returns `true` for the first byte of a block that is the last one of its stream.
fn is_last(first: &u8) -> bool {
    first & 1 == 1
}

/// Returns a compressor. In a small window it refers to nothing but the byte before, because the
/// library has no small windows.
fn compressor(small_window: bool) -> Box<CompressorOxide> {
    const LEVEL: i32 = 6;
    const RAW: i32 = -15;
    const DEFAULT: i32 = 0;
    const RUN_LENGTHS: i32 = 3;
    let strategy = if small_window { RUN_LENGTHS } else { DEFAULT };
    let flags = create_comp_flags_from_zip_params(LEVEL, RAW, strategy);
    Box::new(CompressorOxide::new(flags))
}

impl std::fmt::Debug for Deflate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deflate").finish_non_exhaustive()
    }
}
