//! A testee that sends the frames that a test lists.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use super::{End, Miss, Outcome, Peer};
use crate::role::Role;
use crate::settings::Settings;
use crate::transport::Link;
use crate::wire::Frame;

/// A testee with this role, which ends TCP after its frames or not at all.
#[derive(Clone, Copy)]
pub(crate) struct Scripted {
    pub(crate) role: Role,
    pub(crate) ends_tcp: bool,
}

impl Scripted {
    pub(crate) const fn new(role: Role) -> Self {
        let ends_tcp = true;
        Self { role, ends_tcp }
    }

    /// Plays a dialogue with the testee, which sends these frames.
    pub(crate) fn play(
        self,
        frames: &[Frame],
        dialogue: &dyn Fn(&mut Peer<'_>) -> Outcome,
    ) -> Played {
        let receiver = match self.role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        let frames = frames.iter();
        let bytes = frames.flat_map(|frame| frame.encode(frame.header(receiver, [1, 2, 3, 4])));
        self.play_bytes(&bytes.collect::<Vec<_>>(), dialogue)
    }

    /// Plays a dialogue with the testee, which sends these bytes.
    pub(crate) fn play_bytes(
        self,
        bytes: &[u8],
        dialogue: &dyn Fn(&mut Peer<'_>) -> Outcome,
    ) -> Played {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut testee = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        testee.write_all(bytes).unwrap();
        if self.ends_tcp {
            testee.shutdown(Shutdown::Write).unwrap();
        }
        stream.set_nonblocking(true).unwrap();
        let stream = mio::net::TcpStream::from_std(stream);
        let settings = Settings::default().with_time_scale(0.2);
        let link = Link::over_tcp(stream, &settings.stop).unwrap();
        let limit = Duration::from_secs(60);
        let mut peer = Peer::new(self.role, link, None, &settings, 1, limit);
        let outcome = peer.play(dialogue);
        let end = peer.said.end;
        drop(peer);
        let mut received = Vec::new();
        // Unread bytes reset TCP. What came before the reset counts.
        let _ = testee.read_to_end(&mut received);
        Played {
            outcome,
            end,
            received,
        }
    }
}

/// The results of a dialogue.
pub(crate) struct Played {
    pub(crate) outcome: Outcome,
    /// The end of the connection.
    pub(crate) end: End,
    /// The bytes that the testee received.
    pub(crate) received: Vec<u8>,
}

/// Returns the level of an outcome in a word.
pub(crate) fn level(outcome: &Outcome) -> &'static str {
    match outcome {
        Ok(_) => "passed",
        Err(Miss::Must(_)) => "MUST",
        Err(Miss::Should(_)) => "SHOULD",
        Err(Miss::Informs(_)) => "informs",
        Err(Miss::NotApplicable(_)) => "not applicable",
        Err(Miss::Unsupported(_)) => "unsupported",
        Err(Miss::CutOff) => "cut off",
    }
}
