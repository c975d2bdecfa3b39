//! The events without the feature `tracing`: nothing.

use http::StatusCode;
use ws_proto::SendHalf;

use crate::error::{AcceptError, ConnectError};
use crate::serve::{Report, Unavailable};
use crate::state::Cause;
use crate::transport::Transport;
use crate::websocket::WebSocket;

#[derive(Default)]
pub(crate) struct Trace {}

impl Trace {
    #[inline(always)]
    pub(crate) fn end(&mut self, _: &SendHalf, _: Option<Result<(), Cause>>) {}
}

impl<T: Transport> WebSocket<T> {
    #[inline(always)]
    pub(crate) fn trace_open(&mut self) {}
}

#[inline(always)]
pub(crate) fn not_accepted(_: &AcceptError) {}

#[inline(always)]
pub(crate) fn unavailable(_: &Unavailable) {}

#[inline(always)]
pub(crate) fn rejected(_: &ws_handshake::Rejection) {}

#[inline(always)]
pub(crate) fn refused_by_program(_: StatusCode) {}

#[inline(always)]
pub(crate) fn not_connected(_: &ConnectError) {}

#[inline(always)]
pub(crate) fn shutdown_begins(_: usize, _: usize) {}

#[inline(always)]
pub(crate) fn shutdown_ends(_: &Report) {}
