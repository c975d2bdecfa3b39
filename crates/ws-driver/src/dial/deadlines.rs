//! The deadlines of connecting: one for everything, and one for each phase.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::{ConnectError, ConnectPhase};
use crate::transport::Timer;
use crate::upgrade::within;

/// The time that each phase may take. `None` for a phase without a limit of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhaseTimeouts {
    resolve: Option<Duration>,
    connect: Option<Duration>,
    proxy: Option<Duration>,
    tls: Option<Duration>,
    handshake: Option<Duration>,
}

impl PhaseTimeouts {
    pub(crate) fn set(&mut self, phase: ConnectPhase, timeout: Duration) {
        *match phase {
            ConnectPhase::Resolve => &mut self.resolve,
            ConnectPhase::Connect => &mut self.connect,
            ConnectPhase::Proxy => &mut self.proxy,
            ConnectPhase::Tls => &mut self.tls,
            ConnectPhase::Handshake => &mut self.handshake,
        } = Some(timeout);
    }

    pub(crate) fn get(&self, phase: ConnectPhase) -> Option<Duration> {
        match phase {
            ConnectPhase::Resolve => self.resolve,
            ConnectPhase::Connect => self.connect,
            ConnectPhase::Proxy => self.proxy,
            ConnectPhase::Tls => self.tls,
            ConnectPhase::Handshake => self.handshake,
        }
    }
}

/// The deadlines of one call, which begins when this is made.
pub(crate) struct Deadlines<'a> {
    total: Instant,
    phases: &'a PhaseTimeouts,
}

impl<'a> Deadlines<'a> {
    pub(crate) fn new<M: Timer>(total: Duration, phases: &'a PhaseTimeouts) -> Self {
        Self {
            total: M::after(total),
            phases,
        }
    }

    /// Returns the deadline of a phase that begins now.
    pub(crate) fn of<M: Timer>(&self, phase: ConnectPhase) -> Instant {
        match self.phases.get(phase) {
            Some(timeout) => self.total.min(M::after(timeout)),
            None => self.total,
        }
    }

    /// Runs a phase. Returns its output.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Timeout`] if the deadline passes.
    pub(crate) async fn run<M: Timer, F: Future>(
        &self,
        timer: &mut M,
        phase: ConnectPhase,
        future: F,
    ) -> Result<F::Output, ConnectError> {
        timer.reset(self.of::<M>(phase));
        let output = within(timer, future).await;
        output.ok_or(ConnectError::Timeout(phase))
    }
}
