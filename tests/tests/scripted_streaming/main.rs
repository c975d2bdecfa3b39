//! Messages piece by piece through the driver: in step with the transport, with bounded memory, whatever is dropped.

#![forbid(unsafe_code)]

mod faults;
mod files;
mod halves;
mod reading;
mod writing;

use ws_driver::{Error, MessageKind, MessageReader};
use ws_tests::scripted::{End, Ws};
use ws_tests::wire::Frame;

type Reader<'a> = MessageReader<'a, Ws>;

/// The next piece, in memory of its own.
async fn piece(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Error> {
    let piece = reader.chunk().await?.map(<[u8]>::to_vec);
    assert!(piece.as_ref().is_none_or(|piece| !piece.is_empty()));
    Ok(piece)
}

/// All pieces, joined.
async fn join(reader: &mut Reader<'_>) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    while let Some(piece) = piece(reader).await? {
        octets.extend(piece);
    }
    Ok(octets)
}

/// The next message, joined.
async fn joined(ws: &mut Ws) -> Result<Option<(MessageKind, Vec<u8>)>, Error> {
    let Some(mut reader) = ws.recv_stream().await? else {
        return Ok(None);
    };
    Ok(Some((reader.kind(), join(&mut reader).await?)))
}

/// First octets and payloads.
fn shape(frames: &[Frame]) -> Vec<(u8, &[u8])> {
    let shape = |frame: &'_ Frame| frame.first;
    frames
        .iter()
        .map(|frame| (shape(frame), &frame.payload[..]))
        .collect()
}

const FIN: u8 = 0x80;

/// Octets in the header of a short frame to this end.
fn from_header(end: End) -> usize {
    match end {
        End::Client => 2,
        End::Server => 6,
    }
}
