//! The catalogue: every case, in order.

mod auto_fragmentation;
mod build;
mod closing;
mod compression;
mod fragmentation;
mod framing;
mod limits;
mod opcodes;
mod ping;
mod rsv;
mod utf8;
mod utf8_samples;

/// The sequences of 6.5 to 6.23.
pub(crate) use utf8_samples::families as utf8_families;

use std::sync::LazyLock;
use std::time::Duration;

use crate::case_id::CaseId;
use crate::script::{CloseProfile, CompressedEchoes, Demand, Expected, Rule, Step, Task};

/// A case: what it does and what it expects.
#[derive(Clone, Debug)]
pub struct Case {
    id: CaseId,
    number: usize,
    title: &'static str,
    description: String,
    expectation: String,
    task: Task,
    expected: Vec<Expected>,
    close: CloseProfile,
    rule: Rule,
}

/// Every case, in order of its id.
pub fn all() -> &'static [Case] {
    static ALL: LazyLock<Vec<Case>> = LazyLock::new(|| {
        let mut cases = [
            framing::cases(),
            ping::cases(),
            rsv::cases(),
            opcodes::cases(),
            fragmentation::cases(),
            utf8::cases(),
            closing::cases(),
            limits::cases(),
            auto_fragmentation::cases(),
            compression::cases(),
        ]
        .concat();
        for (position, case) in cases.iter_mut().enumerate() {
            case.number = position + 1;
        }
        cases
    });
    &ALL
}

/// The case of this id.
pub fn find(id: CaseId) -> Option<&'static Case> {
    let cases = all();
    let found = cases.binary_search_by_key(&id, Case::id).ok()?;
    Some(&cases[found])
}

impl Case {
    /// Its name.
    pub fn id(&self) -> CaseId {
        self.id
    }

    /// Its position, from 1, in the full list of 517 cases.
    pub fn number(&self) -> usize {
        self.number
    }

    /// What its family is about, in a few words.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What it does.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What it expects.
    pub fn expectation(&self) -> &str {
        &self.expectation
    }

    /// What it does, step by step.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The lists of events that lead to a verdict, the best first.
    pub fn expected(&self) -> &[Expected] {
        &self.expected
    }

    /// How the connection should end.
    pub fn close(&self) -> &CloseProfile {
        &self.close
    }

    /// How it is judged beyond its events.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Whether its duration says something about the testee.
    pub fn reports_time(&self) -> bool {
        matches!(self.rule, Rule::Echoes | Rule::EqualEchoes)
    }

    /// Whether it says something about how the testee compresses.
    pub fn reports_compression(&self) -> bool {
        self.compressed_echoes().is_some()
    }

    /// What compression is to be like, if there is to be any.
    pub(crate) fn demands(&self) -> &'static [Demand] {
        self.compressed_echoes()
            .map_or(&[], |echoes| echoes.demands)
    }

    /// What it does, if every message is compressed.
    fn compressed_echoes(&self) -> Option<&CompressedEchoes> {
        match &self.task {
            Task::CompressedEchoes(echoes) => Some(echoes),
            Task::Script(_) | Task::BigEcho { .. } | Task::EchoLoop { .. } => None,
        }
    }

    /// How long it takes if nothing but its own timers ends it.
    pub fn time_limit(&self) -> Duration {
        match &self.task {
            Task::Script(steps) => steps.iter().map(step_time).sum(),
            Task::BigEcho { limit, .. } | Task::EchoLoop { limit, .. } => *limit,
            Task::CompressedEchoes(echoes) => echoes.limit,
        }
    }
}

fn step_time(step: &Step) -> Duration {
    match step {
        Step::Wait { time, .. } | Step::FailAfter(time) | Step::CloseAfter(time) => *time,
        _ => Duration::ZERO,
    }
}
