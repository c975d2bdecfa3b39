//! The functions with which the catalog is written.

use std::time::Duration;

use crate::case::{Case, CaseId};
use crate::script::{
    CloseProfile, Event, Expected, Frame, JudgedBy, Pacing, Payload, Script, Side, Step, Task,
};
use crate::verdict::Behavior;

/// The text of most cases.
pub(super) const HELLO: Payload = Payload::text("Hello, world!");

impl Case {
    /// Returns a case after which the suite closes normally.
    pub(super) fn normal(id: CaseId, title: &'static str, task: Task) -> Self {
        let close = CloseProfile {
            by: Side::Suite,
            codes: vec![1000],
            clean: true,
            wrong_side_is_fatal: false,
            automatic: true,
        };
        let script = Script {
            task,
            expected: Vec::new(),
            close,
            judged_by: JudgedBy::Events,
        };
        Self::scripted(id, title, script)
    }

    /// Returns a script after which the suite closes normally.
    pub(super) fn steps(id: CaseId, title: &'static str, steps: Vec<Step>) -> Self {
        Self::normal(id, title, Task::Steps(steps))
    }

    /// Returns a script that makes the testee fail the connection with `code`.
    pub(super) fn violation(id: CaseId, title: &'static str, code: u16, steps: Vec<Step>) -> Self {
        Self::steps(id, title, steps).edit(|script| {
            script.close = CloseProfile {
                by: Side::Testee,
                codes: vec![code],
                clean: false,
                // A testee that accepts invalid text has not noticed the fault.
                wrong_side_is_fatal: code == 1007,
                automatic: false,
            };
        })
    }

    /// Returns the two texts about the case.
    pub(super) fn says(
        self,
        description: impl Into<String>,
        expectation: impl Into<String>,
    ) -> Self {
        self.does(description).wants(expectation)
    }

    /// Returns the events of a testee that does well.
    pub(super) fn expects(self, events: Vec<Event>) -> Self {
        self.leads_to(Behavior::Ok, events)
    }

    /// Returns the events of a testee that could do better.
    pub(super) fn tolerates(self, events: Vec<Event>) -> Self {
        self.leads_to(Behavior::NonStrict, events)
    }

    /// Tolerates that the testee fails the connection before it sends an echo. Other cases must not
    /// take the time for the echo, so the case runs alone.
    pub(super) fn tolerates_no_echo(self) -> Self {
        self.tolerates(vec![]).alone()
    }

    fn leads_to(self, behavior: Behavior, events: Vec<Event>) -> Self {
        self.edit(|script| script.expected.push(Expected { behavior, events }))
    }

    /// Sends no Close when the expected events are there: a step of the script may.
    pub(super) fn without_automatic_close(self) -> Self {
        self.edit(|script| script.close.automatic = false)
    }

    /// Sets the close codes that the testee may send.
    pub(super) fn accepts_codes(self, codes: Vec<u16>) -> Self {
        self.edit(|script| script.close.codes = codes)
    }

    /// Allows that TCP ends without a closing handshake.
    pub(super) fn need_not_be_clean(self) -> Self {
        self.edit(|script| script.close.clean = false)
    }

    /// Sets the facts that decide the case.
    pub(super) fn judged_by(self, judged_by: JudgedBy) -> Self {
        self.edit(|script| script.judged_by = judged_by)
    }
}

/// Returns the frames as steps, all written alike.
pub(super) fn frames(pacing: Pacing, frames: Vec<Frame>) -> Vec<Step> {
    let step = |frame: Frame| Step::Frame(frame.paced(pacing));
    frames.into_iter().map(step).collect()
}

pub(super) fn message(binary: bool, payload: Payload) -> Step {
    Step::Message {
        binary,
        payload,
        fragment: None,
    }
}

pub(super) fn close(code: u16, reason: Payload) -> Step {
    Step::Close { code, reason }
}

pub(super) fn fail_after(millis: u64) -> Step {
    Step::FailAfter(Duration::from_millis(millis))
}

pub(super) fn close_after(millis: u64) -> Step {
    Step::CloseAfter(Duration::from_millis(millis))
}

/// Returns the steps with one more at the end.
pub(super) fn then(mut steps: Vec<Step>, last: Step) -> Vec<Step> {
    steps.push(last);
    steps
}

pub(super) fn text_echo(payload: Payload) -> Event {
    Event::Message {
        binary: false,
        payload,
    }
}
