//! The work of a client in `scripts`, which gets it as JSON.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::foreign::Over;
use crate::stage::Stage;

/// The work of a client. It connects, and performs the checks of all scripts or these steps.
#[derive(Serialize)]
pub(crate) struct Plan<'a> {
    pub(crate) url: &'a str,
    /// The authority of a server over TLS. A browser knows it otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authority: Option<&'a Path>,
    /// Headers of the request. A browser cannot set them.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// `true` if both sides have to agree on compression. If not, the client does not offer it,
    /// unless it is a browser.
    pub(crate) compressed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) steps: Option<&'a [Step]>,
    /// Checks that the route to the server cannot pass. They are not done.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) without: &'a [&'a str],
}

/// A step of a client.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Send this text.
    Send(&'static str),
    /// Receive this text.
    Receive(&'static str),
    /// Close the connection with this code. The same code must come back.
    Close(u16),
    /// Wait until the server closes the connection with this code.
    Closed(u16),
}

impl<'a> Plan<'a> {
    /// All checks of the scripts, with compression.
    pub(crate) fn all(stage: &Stage<'a>, url: &'a str) -> Self {
        let authority = stage.certificates().authority.as_path();
        Self {
            url,
            authority: (stage.pairing.over == Over::Tls).then_some(authority),
            headers: &[],
            compressed: true,
            steps: None,
            without: &[],
        }
    }

    /// Returns the plan as JSON.
    pub(crate) fn json(&self) -> Result<String> {
        serde_json::to_string(self).context("the path of the authority is not UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_what_the_scripts_read() {
        let plan = Plan {
            url: "ws://127.0.0.1:1",
            authority: None,
            headers: &[("A", "b")],
            compressed: true,
            steps: Some(&[Step::Send("hello"), Step::Closed(1008)]),
            without: &[],
        };
        assert_eq!(
            plan.json().unwrap(),
            r#"{"url":"ws://127.0.0.1:1","headers":[["A","b"]],"compressed":true,"steps":[{"send":"hello"},{"closed":1008}]}"#
        );
    }
}
