//! Testees of groups 20 to 22: one server and one client with a small opening handshake of their
//! own, and lists of changes that make something wrong with it.

mod client;
mod extensions;
mod head;
mod negotiation;
mod reading;
mod server;

use std::io;
use std::net::TcpStream;

use crate::testee::{Testee, Times};
use crate::testees::{Fault, Pace, Role, connection};

pub(crate) fn testees() -> Vec<Testee> {
    let lists = [
        server::list::testees(),
        negotiation::list::testees(),
        client::list::testees(),
    ];
    lists.into_iter().flatten().collect()
}

/// Echoes until the connection ends. `extension` is the agreed one, if any.
fn echo(
    tcp: &TcpStream,
    fault: &str,
    role: Role,
    times: Times,
    extension: Option<&str>,
) -> io::Result<()> {
    let fault: Fault = fault.parse().expect("a fault has this name");
    let pace = Pace::scaled(times.scale);
    // The endpoint does not support values between quotation marks.
    let extension = extension.map(|it| it.replace('"', ""));
    connection::echo_opened(tcp, fault, role, pace, extension.as_deref())
}
