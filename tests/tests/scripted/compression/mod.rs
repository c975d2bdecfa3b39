//! Compressed messages (RFC 7692): both ends keep the same context, memory stays bounded, and other
//! tasks can run.

mod context;
mod limits;
mod turns;

use ws_driver::{Config, DeflateConfig, Error, Message};
use ws_tests::exec;
use ws_tests::pairs::Place;
use ws_tests::scripted::Ws;

fn deflating() -> Config {
    Config::default().deflate(DeflateConfig::default())
}

/// Returns a configuration that compresses zeros to a thousandth of their length.
fn dense() -> Config {
    Config::default().deflate(DeflateConfig::default().level(9))
}

/// Returns text whose words repeat, within a message and between messages.
fn words(random: &mut fastrand::Rng, len: usize) -> String {
    let mut text = String::new();
    while text.len() < len {
        let number: u32 = random.u32(..300);
        text.push_str(&format!("κ{} ", number.wrapping_mul(2_654_435_761)));
    }
    text
}

/// Sends the messages and returns the bytes that were written.
fn sent_by(place: &mut Place, messages: &[Message]) -> Vec<u8> {
    let (ws, peer) = place;
    for message in messages {
        exec::run(ws.send(message)).unwrap();
    }
    peer.take_output()
}

/// Receives the next message and returns its length in bytes. `way` selects the receiving call.
async fn length(ws: &mut Ws, way: u8) -> Result<usize, Error> {
    match way {
        0 => Ok(ws.recv().await?.expect("a message").as_bytes().len()),
        1 => {
            let (message, _) = ws.recv_ref().await?.expect("a message");
            Ok(message.as_bytes().len())
        }
        _ => {
            assert!(ws.drive().await?);
            Ok(ws.recv().await?.expect("a message").as_bytes().len())
        }
    }
}
