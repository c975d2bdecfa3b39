//! A testee that sends the frames that a test lists.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use super::{End, Miss, Outcome, Peer};
use crate::role::Role;
use crate::settings::Settings;
use crate::transport::Link;
use crate::wire::Frame;

/// A testee with this role, which ends TCP behind its frames or not at all.
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

    /// Plays a dialogue with the testee. Returns its outcome and the end of its connection.
    pub(crate) fn play(
        self,
        frames: &[Frame],
        dialogue: &dyn Fn(&mut Peer<'_>) -> Outcome,
    ) -> (Outcome, End) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut testee = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let receiver = match self.role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        for frame in frames {
            let header = frame.header(receiver, [1, 2, 3, 4]);
            testee.write_all(&frame.encode(header)).unwrap();
        }
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
        (outcome, peer.said.end)
    }
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
