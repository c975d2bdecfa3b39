//! HAProxy and nghttpx between our client, which uses HTTP/2, and Hypercorn.

use anyhow::{Result, bail};

use super::reverse_proxy::Front;
use super::{Check, examples};
use crate::foreign::{Foreign, Http, Over};
use crate::ours::Route;
use crate::scripts::{self, Hypercorn};
use crate::stage::Stage;

pub(super) const CHECKS: &[Check] = &[
    Check::new("HTTP/2 to the server", |stage| {
        forwarded(stage, Http::Http2)
    }),
    Check::new("HTTP/1.1 to the server", |stage| {
        forwarded(stage, Http::Http1)
    }),
];

/// Lets Hypercorn check our client through the proxy, which uses this version of HTTP to it.
fn forwarded(stage: &Stage<'_>, upstream: Http) -> Result<()> {
    let route = match stage.pairing.foreign {
        Foreign::Haproxy => Route::Haproxy,
        Foreign::Nghttpx => Route::Nghttpx,
        foreign => bail!("{foreign} is no proxy for HTTP/2"),
    };
    let server = Hypercorn::start(stage, upstream, Over::Tcp)?;
    let mut front = Front::start(stage, route, server.port()?, upstream)?;
    let origin = match stage.pairing.over {
        Over::Tcp => "ws://127.0.0.1",
        Over::Tls => "wss://localhost",
    };
    let url = format!("{origin}:{}", front.port);
    let mut lines = Vec::new();
    server.check(stage, &url, |line| lines.push(line.to_owned()))?;
    front.was_used(stage)?;
    examples::all_are_good(&lines, &scripts::checks(Foreign::Hypercorn))
}
