//! A testee: a name, a description, the groups that it is run against, and the code that it runs.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ws_conformance::role::Role;

use crate::house::House;

/// The group of cases over HTTP/2.
pub(crate) const HTTP_2: u8 = 28;

/// An endpoint that is wrong on purpose, or a correct one of an unusual kind.
pub(crate) struct Testee {
    pub(crate) name: String,
    /// The fault, or the unusual property: the end of a sentence that begins with "It".
    pub(crate) does: String,
    pub(crate) groups: Vec<u8>,
    pub(crate) is_correct: bool,
    /// The cases that it gets although they are too long for each testee.
    pub(crate) long_cases: &'static [&'static str],
    pub(crate) play: Play,
}

/// The code of a testee. An error ends a connection, and means no more than that.
pub(crate) enum Play {
    /// Makes a server for one case.
    Server(Make),
    /// Opens one connection and echoes until it ends.
    Client(Ask),
}

type Make = Box<dyn Fn(Times) -> Serve + Send + Sync>;
/// Serves one connection, in a thread of its own.
pub(crate) type Serve = Arc<dyn Fn(Accepted) -> io::Result<()> + Send + Sync>;
type Ask = Box<dyn Fn(&Asked<'_>) -> io::Result<()> + Send + Sync>;

/// A connection to a server.
pub(crate) struct Accepted {
    pub(crate) tcp: TcpStream,
    pub(crate) house: House,
    pub(crate) times: Times,
}

/// The connection that a client has to make.
pub(crate) struct Asked<'a> {
    /// The address of the suite.
    pub(crate) address: SocketAddr,
    /// The path and the query to request.
    pub(crate) target: &'a str,
    pub(crate) times: Times,
}

/// Times of a testee, which follow the time scale of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) scale: f64,
}

impl Times {
    /// A duration, scaled like the time limits of the suite.
    pub(crate) fn scaled(self, time: Duration) -> Duration {
        time.mul_f64(self.scale)
    }
}

impl Testee {
    /// A server. Each case gets a new one, of which the connections may share a state.
    pub(crate) fn server(
        name: impl Into<String>,
        does: impl Into<String>,
        groups: &[u8],
        make: impl Fn(Times) -> Serve + Send + Sync + 'static,
    ) -> Self {
        let play = Play::Server(Box::new(make));
        Self::new(name.into(), does.into(), groups, play)
    }

    pub(crate) fn client(
        name: impl Into<String>,
        does: impl Into<String>,
        groups: &[u8],
        ask: impl Fn(&Asked<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::new(
            name.into(),
            does.into(),
            groups,
            Play::Client(Box::new(ask)),
        )
    }

    fn new(name: String, does: String, groups: &[u8], play: Play) -> Self {
        Self {
            name,
            does,
            groups: groups.to_vec(),
            is_correct: false,
            long_cases: &[],
            play,
        }
    }

    /// It is correct: no case fails it.
    pub(crate) fn correct(self) -> Self {
        Self {
            is_correct: true,
            ..self
        }
    }

    /// It gets these long cases, too.
    pub(crate) fn with_long_cases(self, long_cases: &'static [&'static str]) -> Self {
        Self { long_cases, ..self }
    }

    pub(crate) fn role(&self) -> Role {
        match self.play {
            Play::Server(_) => Role::Server,
            Play::Client(_) => Role::Client,
        }
    }

    /// Returns `true` if it is an endpoint of HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        self.groups.contains(&HTTP_2)
    }

    /// Returns `true` if this text is in the role, the name or the groups, as in `server none
    /// [23]`.
    pub(crate) fn matches(&self, text: &str) -> bool {
        format!("{} {:?}", self.key(), self.groups).contains(text)
    }

    /// The name with the role, as the stored file has it.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.role(), self.name)
    }
}
