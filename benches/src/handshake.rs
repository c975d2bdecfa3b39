//! Both sides of an opening handshake, as a browser and a server have it.

use ws_handshake::{Answer, ClientHandshake, Established, OriginPolicy, Request};
use ws_handshake::{ServerHandshake, Target};

fn begin() -> ClientHandshake {
    let target = Target::parse("ws://example.com/chat?room=1").expect("a valid target");
    Request::new()
        .protocol("chat.v2")
        .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
        .header("Accept-Language", "en-GB,en;q=0.5")
        .header("Cookie", "session=0123456789abcdef0123456789abcdef")
        .build(&target, *b"the sample nonce")
        .expect("a valid request")
}

/// The octets of the request.
#[must_use]
pub fn request() -> Vec<u8> {
    begin().request().to_vec()
}

/// What a server answers.
///
/// # Panics
///
/// If this is not a request from [`request`].
#[must_use]
pub fn accept(request: &[u8]) -> Vec<u8> {
    let mut server = ServerHandshake::new(OriginPolicy::default());
    let progress = server.receive(request).expect("a valid request");
    let offer = progress.done.expect("a complete request");
    let answer = Answer::new().protocol("chat.v2");
    offer.accept(answer).expect("a valid answer").encode()
}

/// The client's part: the request is made, and the answer to it read.
///
/// # Panics
///
/// If this is not an answer from [`accept`].
#[must_use]
pub fn client(answer: &[u8]) -> Established {
    let progress = begin().receive(answer).expect("a valid answer");
    progress.done.expect("a complete answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sides_agree() {
        let established = client(&accept(&request()));
        assert_eq!(established.agreed().protocol(), Some("chat.v2"));
    }
}
