//! Groups 20 and 22: the opening handshake, byte by byte.

mod agreed;
mod client_requests;
mod http_faults;
mod odd;
mod odd_responses;
mod reactions;
mod refusals;
mod requests;
mod response_streams;
mod responses;
mod rules;
mod strange_requests;

pub(super) use reactions::miss;

use crate::case::Case;

/// Group 20: requests to a server.
pub(super) fn server() -> Vec<Case> {
    [
        requests::cases(),
        refusals::cases(),
        http_faults::cases(),
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
        agreed::cases(),
        response_streams::cases(),
        odd_responses::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
