//! Both sides of an opening handshake, with the headers that a browser sends.

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

/// Returns the encoded request of the client.
#[must_use]
pub fn request() -> Vec<u8> {
    begin().request().to_vec()
}

/// Does the server's part: reads the request and returns the encoded answer.
///
/// # Panics
///
/// If `request` does not come from [`request()`].
#[must_use]
pub fn accept(request: &[u8]) -> Vec<u8> {
    let mut server = ServerHandshake::new(OriginPolicy::default());
    let progress = server.receive(request).expect("a valid request");
    let offer = progress.done.expect("a complete request");
    let answer = Answer::new().protocol("chat.v2");
    offer.accept(answer).expect("a valid answer").encode()
}

/// Does the client's part: makes the request and reads the server's answer.
///
/// # Panics
///
/// If `answer` does not come from [`accept`].
#[must_use]
pub fn client(answer: &[u8]) -> Established {
    let progress = begin().receive(answer).expect("a valid answer");
    progress.done.expect("a complete answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_on_the_protocol() {
        let established = client(&accept(&request()));
        assert_eq!(established.agreed().protocol(), Some("chat.v2"));
    }
}
