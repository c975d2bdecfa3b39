//! The cases, by what they are about.

mod client_requests;
mod close_codes;
mod closing;
mod control_frames;
mod deflate_bulk;
mod deflate_context;
mod deflate_faults;
mod deflate_output;
mod deflated;
mod extensions;
mod framing;
mod limits;
mod load;
mod masking;
mod opcodes;
mod refusals;
mod requests;
mod response_streams;
mod responses;
mod segments;
mod strange_requests;
mod subprotocols;
mod text;

use super::Case;
use super::Roles::{Both, Client, Server};
use super::frame::Frame;
use super::http::Head;
use super::outcome::{Miss, Outcome, met};
use super::peer::Peer;

/// Every case, in no order.
pub(super) fn cases() -> Vec<Case> {
    [
        requests::cases(),
        refusals::cases(),
        strange_requests::cases(),
        subprotocols::cases(),
        extensions::cases(),
        client_requests::cases(),
        responses::cases(),
        response_streams::cases(),
        close_codes::cases(),
        closing::cases(),
        framing::cases(),
        masking::cases(),
        opcodes::cases(),
        segments::cases(),
        control_frames::cases(),
        limits::cases(),
        text::cases(),
        deflated::cases(),
        deflate_faults::cases(),
        deflate_context::cases(),
        deflate_bulk::cases(),
        deflate_output::cases(),
        load::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A case of frames for which the testee has to fail the connection with this code. A message goes
/// and comes before them, so that a testee which never listens does not seem to obey.
fn fails(
    id: &str,
    roles: super::Roles,
    title: &'static str,
    rules: &'static [&'static str],
    codes: &'static [u16],
    frames: impl Fn() -> Vec<Frame> + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, roles, title, rules, move |peer| {
        peer.open()?;
        peer.expect_to_be_alive()?;
        peer.send_together(&frames())?;
        peer.expect_fail(codes)
    });
    let codes: Vec<_> = codes.iter().map(u16::to_string).collect();
    let codes = codes.join(" or ");
    case.wants(format!(
        "The connection fails: Close {codes} or the end of TCP, nothing else."
    ))
}
