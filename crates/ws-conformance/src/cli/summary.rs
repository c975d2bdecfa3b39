//! The summary for programs. Fields are added, never changed, while `schema` stays the same.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use ws_conformance::case::CaseId;
use ws_conformance::expect::Unexpected;
use ws_conformance::role::Role;

use super::conclusion::Judged;

#[derive(Serialize)]
pub(super) struct Summary<'a> {
    schema: u32,
    role: Role,
    seed: u64,
    seconds: f64,
    outdir: &'a Path,
    /// The reason why the run was not possible or not completed.
    error: Option<String>,
    agents: Vec<Agent<'a>>,
}

#[derive(Serialize)]
struct Agent<'a> {
    agent: &'a str,
    cases: usize,
    ok: usize,
    non_strict: usize,
    informational: usize,
    unimplemented: usize,
    not_applicable: usize,
    failed: usize,
    missing: usize,
    unstable: Vec<CaseId>,
    unexpected: Vec<Case>,
}

#[derive(Serialize)]
struct Case {
    case: CaseId,
    behavior: Option<String>,
    behavior_close: Option<String>,
    problem: String,
}

impl<'a> Summary<'a> {
    pub(super) fn new(
        role: Role,
        seed: u64,
        took: Duration,
        outdir: &'a Path,
        error: Option<String>,
        agents: &'a [Judged],
    ) -> Self {
        Self {
            schema: 1,
            role,
            seed,
            seconds: took.as_secs_f64(),
            outdir,
            error,
            agents: agents.iter().map(Agent::new).collect(),
        }
    }
}

impl<'a> Agent<'a> {
    fn new(judged: &'a Judged) -> Self {
        let total = judged.assessment.total();
        Self {
            agent: &judged.testee.agent,
            cases: total.cases,
            ok: total.ok,
            non_strict: total.non_strict,
            informational: total.informational,
            unimplemented: total.unimplemented,
            not_applicable: total.not_applicable,
            failed: total.failed,
            missing: judged.assessment.missing,
            unstable: judged.unstable().map(|(case, _)| case).collect(),
            unexpected: judged.assessment.unexpected.iter().map(Case::new).collect(),
        }
    }
}

impl Case {
    fn new(unexpected: &Unexpected) -> Self {
        let verdict = unexpected.verdict;
        Self {
            case: unexpected.case,
            behavior: verdict.map(|verdict| verdict.behavior.to_string()),
            behavior_close: verdict.map(|verdict| verdict.close.to_string()),
            problem: unexpected.deviation.to_string(),
        }
    }
}
