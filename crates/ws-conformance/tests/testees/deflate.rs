//! permessage-deflate (RFC 7692) by a library, and the ways to get it wrong.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};

use super::{Fault, Role};

const NAME: &str = "permessage-deflate";
/// What a message ends with that is not sent (§7.2.1).
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];
/// The largest window, and the only one that the library's compressor has.
const LARGEST_WINDOW: u8 = 15;

/// What a client offers.
pub(crate) fn offer(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::UnknownParameter => Some("permessage-deflate; level=9"),
        Fault::SmallestWindow => {
            Some("permessage-deflate; client_max_window_bits; server_max_window_bits=8")
        }
        _ if fault.compresses() => Some("permessage-deflate; client_max_window_bits"),
        _ => None,
    }
}

/// What a server answers to these offers: it takes the first one.
pub(crate) fn answer(fault: Fault, offers: &str) -> Option<String> {
    let first = offers.split(',').next().unwrap_or_default();
    if !fault.compresses() || !first.trim().starts_with(NAME) {
        return None;
    }
    let asked = first.split(';').map(str::trim);
    let asked = asked.filter(|parameter| parameter.starts_with("server_"));
    let more = match fault {
        Fault::UnknownParameter => Some("level=9"),
        Fault::SmallestWindow => Some("client_max_window_bits=8"),
        _ => None,
    };
    let parts: Vec<_> = [NAME].into_iter().chain(asked).chain(more).collect();
    Some(parts.join("; "))
}

/// The compression of a connection.
pub(crate) struct Deflate {
    fault: Fault,
    compressor: Box<CompressorOxide>,
    decompressor: Box<InflateState>,
    own_context: bool,
    peer_context: bool,
}

impl Deflate {
    /// By what the server answered.
    pub(crate) fn new(fault: Fault, role: Role, answer: &str) -> Self {
        let has = |name: &str| answer.contains(name);
        let (own, peer) = match role {
            Role::Server => ("server", "client"),
            Role::Client => ("client", "server"),
        };
        let own_context = !has(&format!("{own}_no_context_takeover"));
        let peer_context = !has(&format!("{peer}_no_context_takeover"));
        let window = answer.split_once(&format!("{own}_max_window_bits="));
        let window = window.and_then(|(_, rest)| rest.split(';').next()?.trim().parse().ok());
        let small = window.is_some_and(|bits: u8| bits < LARGEST_WINDOW);
        Self {
            fault,
            compressor: compressor(small && fault != Fault::WindowIgnored),
            decompressor: InflateState::new_boxed(DataFormat::Raw),
            own_context: own_context || fault == Fault::ContextKept,
            peer_context: peer_context && fault != Fault::ContextLost,
        }
    }

    /// A message, compressed.
    pub(crate) fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        let flush = match self.fault {
            Fault::FinalBlocks => TDEFLFlush::Finish,
            _ => TDEFLFlush::Sync,
        };
        let mut out = Vec::new();
        compress_to_output(&mut self.compressor, message, flush, |octets| {
            out.extend_from_slice(octets);
            true
        });
        match flush {
            // §7.2.3.4: the stream is over, and an octet follows it that the tail makes a block of.
            TDEFLFlush::Finish => out.push(0),
            _ => out.truncate(out.len() - TAIL.len()),
        }
        if !self.own_context || self.fault == Fault::FinalBlocks {
            self.compressor.reset();
        }
        out
    }

    /// What a message was before, if it can be found out.
    pub(crate) fn decompress(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        if !self.peer_context {
            *self.decompressor = InflateState::new(DataFormat::Raw);
        }
        let (mut out, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        for mut piece in [message, TAIL] {
            loop {
                let step = inflate(&mut self.decompressor, piece, &mut buffer, MZFlush::Sync);
                piece = &piece[step.bytes_consumed..];
                out.extend_from_slice(&buffer[..step.bytes_written]);
                match step.status {
                    Err(miniz_oxide::MZError::Buf) => break,
                    Err(_) => return None,
                    Ok(_) if step.bytes_consumed == 0 && step.bytes_written == 0 => break,
                    Ok(_) => {}
                }
            }
        }
        Some(out)
    }
}

/// One that in a small window refers to nothing but the octet before: the library has no small windows.
fn compressor(small_window: bool) -> Box<CompressorOxide> {
    const LEVEL: i32 = 6;
    const RAW: i32 = -15;
    let (default_strategy, run_lengths) = (0, 3);
    let strategy = if small_window {
        run_lengths
    } else {
        default_strategy
    };
    let flags = create_comp_flags_from_zip_params(LEVEL, RAW, strategy);
    Box::new(CompressorOxide::new(flags))
}

impl std::fmt::Debug for Deflate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deflate")
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}
