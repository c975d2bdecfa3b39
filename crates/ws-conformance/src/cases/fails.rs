//! Cases of frames that a testee has to refuse.

use crate::case::{Case, Roles};
use crate::dialogue::Peer;
use crate::wire::Frame;

/// Creates a case of frames for which the testee has to fail the connection with this code. A
/// message goes and comes before them, so that a testee which never listens does not seem to obey.
pub(crate) fn fails(
    id: &str,
    roles: Roles,
    title: &'static str,
    sections: &'static [&'static str],
    codes: &'static [u16],
    frames: impl Fn() -> Vec<Frame> + Send + Sync + 'static,
) -> Case {
    let case = Case::new(id, roles, title, sections, move |peer: &mut Peer<'_>| {
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
