//! Messages that are received and sent piece by piece, with bounded memory, whichever future is
//! dropped.

mod faults;
mod files;
mod halves;
mod reading;
mod writing;

use ws_driver::{Error, MessageKind, MessageReader};
use ws_tests::scripted::{End, Ws};
use ws_tests::wire::Frame;

type Reader<'a> = MessageReader<'a, Ws>;

/// Returns an owned copy of the next piece.
async fn piece(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Error> {
    let piece = reader.chunk().await?.map(<[u8]>::to_vec);
    assert!(piece.as_ref().is_none_or(|piece| !piece.is_empty()));
    Ok(piece)
}

/// Returns the rest of the message.
async fn join(reader: &mut Reader<'_>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = piece(reader).await? {
        bytes.extend(piece);
    }
    Ok(bytes)
}

/// Returns the kind and the payload of the next message.
async fn next_joined(ws: &mut Ws) -> Result<Option<(MessageKind, Vec<u8>)>, Error> {
    let Some(mut reader) = ws.recv_stream().await? else {
        return Ok(None);
    };
    Ok(Some((reader.kind(), join(&mut reader).await?)))
}

/// Returns the first byte and the payload of each frame.
fn shape(frames: &[Frame]) -> Vec<(u8, &[u8])> {
    let shape = frames.iter().map(|frame| (frame.first, &frame.payload[..]));
    shape.collect()
}

/// The flag of the last frame of a message, in the first byte of a frame.
const FIN: u8 = 0x80;

/// Returns the length of the header of a short frame that this end receives.
fn header_len(end: End) -> usize {
    match end {
        End::Client => 2,
        End::Server => 6,
    }
}
