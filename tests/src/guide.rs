//! The guide and the README as documentation, so that every Rust block in them becomes a doctest.

#[doc = include_str!("../../README.md")]
mod readme {}

#[doc = include_str!("../../docs/README.md")]
mod guide {}

#[doc = include_str!("../../docs/connecting.md")]
mod connecting {}

#[doc = include_str!("../../docs/network.md")]
mod network {}

#[doc = include_str!("../../docs/network-errors.md")]
mod network_errors {}

#[doc = include_str!("../../docs/receiving.md")]
mod receiving {}

#[doc = include_str!("../../docs/sending.md")]
mod sending {}

#[doc = include_str!("../../docs/json.md")]
mod json {}

#[doc = include_str!("../../docs/topics.md")]
mod topics {}

#[doc = include_str!("../../docs/chat.md")]
mod chat {}

#[doc = include_str!("../../docs/reconnecting.md")]
mod reconnecting {}

#[doc = include_str!("../../docs/closing.md")]
mod closing {}

#[doc = include_str!("../../docs/cancel-safety.md")]
mod cancel_safety {}

#[doc = include_str!("../../docs/halves.md")]
mod halves {}

#[doc = include_str!("../../docs/limits.md")]
mod limits {}

#[doc = include_str!("../../docs/compression.md")]
mod compression {}

#[doc = include_str!("../../docs/serving.md")]
mod serving {}

#[doc = include_str!("../../docs/operations.md")]
mod operations {}

#[doc = include_str!("../../docs/capacity.md")]
mod capacity {}

#[doc = include_str!("../../docs/observability.md")]
mod observability {}

#[doc = include_str!("../../docs/testing.md")]
mod testing {}

#[doc = include_str!("../../docs/tls.md")]
mod tls {}

#[doc = include_str!("../../docs/http2.md")]
mod http2 {}

#[doc = include_str!("../../docs/hyper-and-axum.md")]
mod hyper_and_axum {}
