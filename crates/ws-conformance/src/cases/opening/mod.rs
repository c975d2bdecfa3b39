//! Groups 20 and 22: the opening handshake, byte by byte.

mod client_requests;
mod refusals;
mod requests;
mod response_streams;
mod responses;
mod strange_requests;

pub(super) use refusals::opened_or_refused;

use crate::case::Case;

/// Group 20: requests to a server.
pub(super) fn server() -> Vec<Case> {
    [
        requests::cases(),
        refusals::cases(),
        strange_requests::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Group 22: the request of a client, and responses to it.
pub(super) fn client() -> Vec<Case> {
    [
        client_requests::cases(),
        responses::cases(),
        response_streams::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
