//! Messages that are small on the wire, and large or endless after inflating.

use anyhow::{Context, Result};
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output, create_comp_flags_from_zip_params,
};
use ws_test_client::Peer;
use ws_test_client::compression::compressed;
use ws_test_client::peer::PATIENCE;
use ws_test_client::wire::From::Client;
use ws_test_client::wire::{BINARY, CONTINUATION};

use super::unfinished::{MAX_MESSAGE, close_code};
use super::{Field, MIB};
use crate::finding::{Bytes, Finding, fresh_echo};

/// The inflated size of the bomb.
const BOMB: u64 = 1024 * MIB;

/// The number of bytes of each frame of a fragmented message.
const FRAGMENT: usize = 4096;

/// The most compressed bytes of a message: its own limit, a little more, and a constant.
const MAX_COMPRESSED: u64 = MAX_MESSAGE + MAX_MESSAGE / 1024 + 64 * 1024;

/// Sends 1 GiB in one frame of about 1 MiB, and also in fragments.
pub(super) fn bomb(field: &Field) -> Result<Vec<Finding>> {
    let bomb = compressed_zeros()?;
    let mut findings = vec![Finding::note("bytes of the bomb", Bytes(bomb.len() as u64))];
    let whole = compressed(Client.frame(BINARY, &bomb));
    findings.push(thrown("in one frame", field, &whole)?);
    let mut fragments = bomb.chunks(FRAGMENT);
    let first = fragments.next().unwrap_or_default();
    let mut wire = compressed(Client.fragment(BINARY, first));
    for fragment in fragments {
        wire.extend(Client.fragment(CONTINUATION, fragment));
    }
    wire.extend(Client.frame(CONTINUATION, b""));
    findings.push(thrown("in fragments", field, &wire)?);
    findings.push(fresh_echo("echo afterwards, at once", &field.target));
    Ok(findings)
}

/// Sends empty blocks, which never reach a limit on the inflated size.
pub(super) fn empty_blocks(field: &Field) -> Result<Vec<Finding>> {
    let blocks = b"\x00\x00\x00\xff\xff".repeat(10_000);
    let mut peer = open(field)?;
    peer.send(&compressed(Client.fragment(BINARY, &blocks)))?;
    let more = Client.fragment(CONTINUATION, &blocks);
    // After its limit, the server reads for a while and discards the bytes.
    let flood = peer.flood(&more, 4 * MAX_COMPRESSED, PATIENCE)?;
    Ok(vec![
        Finding::note("bytes taken in all", Bytes(flood.accepted)),
        close_code("after 16 MiB of nothing", &mut peer, 1009),
    ])
}

fn thrown(what: &str, field: &Field, wire: &[u8]) -> Result<Finding> {
    let mut peer = open(field)?;
    // The server may have ended the connection before all bytes are written.
    let _ = peer.send(wire);
    Ok(close_code(what, &mut peer, 1009))
}

/// Opens a connection that compresses.
fn open(field: &Field) -> Result<Peer> {
    let (peer, _) = Peer::open_offering(field.target.address, "permessage-deflate")?;
    Ok(peer)
}

/// Compresses [`BOMB`] zeros with deflate.
fn compressed_zeros() -> Result<Vec<u8>> {
    const PIECE: u64 = 16 * MIB;
    let zeros = vec![0; usize::try_from(PIECE)?];
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(9, 0, 0));
    let mut piece = Vec::new();
    let (status, _) = compress_to_output(&mut compressor, &zeros, TDEFLFlush::Full, |bytes| {
        piece.extend_from_slice(bytes);
        true
    });
    (status == TDEFLStatus::Okay)
        .then(|| piece.repeat((BOMB / PIECE) as usize))
        .context("the bomb was not made")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bomb_is_small() {
        let bomb = compressed_zeros().unwrap();
        assert!((bomb.len() as u64) < 2 * MIB, "{}", bomb.len());
        assert!(bomb.ends_with(&[0, 0, 0xff, 0xff]));
    }
}
