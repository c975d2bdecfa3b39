//! The examples of `ws-axum` and `ws-hyper`, which the clients in `scripts` check.

use std::ffi::OsStr;

use anyhow::{Result, bail};

use super::Check;
use super::reverse_proxy::Front;
use crate::foreign::{Http, Over};
use crate::ours::{Ours, Route};
use crate::pairing::Pairing;
use crate::plan::{Plan, Step};
use crate::process::Process;
use crate::scripts;
use crate::stage::{Stage, free_port, option};

/// The checks of every client.
const CHECKS: &[Check] = &[
    Check::new("echo-axum", |stage| echo(stage, &ECHO, true)),
    Check::new("hyper_service", |stage| echo(stage, &HYPER, true)),
    Check::new("axum_chat", |stage| CHAT.talks(stage, true)),
    Check::new("axum_authentication by message", |stage| {
        BY_MESSAGE.talks(stage, false)
    }),
    Check::new("axum_authentication by a wrong message", |stage| {
        BY_WRONG_MESSAGE.talks(stage, false)
    }),
    Check::new("axum_behind_a_proxy", |stage| {
        BEHIND_A_PROXY.talks(stage, false)
    }),
];

/// The checks of clients that can set headers, and can connect without compression.
const MORE_CHECKS: &[Check] = &[
    Check::new("echo-axum without compression", |stage| {
        echo(stage, &ECHO, false)
    }),
    Check::new("hyper_service without compression", |stage| {
        echo(stage, &HYPER, false)
    }),
    Check::new("axum_chat without compression", |stage| {
        CHAT.talks(stage, false)
    }),
    Check::new("axum_authentication by header", |stage| {
        BY_HEADER.talks(stage, false)
    }),
    Check::new("axum_authentication without a header", |stage| {
        let example = Example {
            headers: &[],
            ..BY_HEADER
        };
        example.refuses(stage, "401")
    }),
    Check::new("page of another origin", |stage| {
        let example = Example {
            headers: &[("Origin", "https://elsewhere.example")],
            ..ECHO
        };
        example.refuses(stage, "403")
    }),
];

/// The examples that serve TLS themselves.
const TLS_CHECKS: &[Check] = &[
    Check::new("echo-axum", |stage| echo(stage, &ECHO, true)),
    Check::new("axum_tls", |stage| TLS.talks(stage, false)),
];

/// The check of a proxy that translates from one version of HTTP to the other.
const TRANSLATED: Check = Check::new("echo-axum over the other version of HTTP", |stage| {
    let upstream = match stage.pairing.http {
        Http::Http1 => Http::Http2,
        Http::Http2 => Http::Http1,
    };
    echo_over(stage, &ECHO, true, upstream)
});

/// The check of streams that HAProxy does not pass. In the version of Debian 12, a stream of a
/// client that does not read stops all streams of the same connection to the server.
const NOT_FOR_HAPROXY: &[&str] = &["one stream is not read"];

/// Returns the checks of a pairing with the examples.
pub(super) fn checks(pairing: &Pairing, route: Route) -> Vec<Check> {
    let mut checks = match (route, pairing.over) {
        (Route::Direct, Over::Tls) => TLS_CHECKS.to_vec(),
        // The API of browsers can neither set headers nor forbid compression.
        _ if pairing.foreign.is_browser() => CHECKS.to_vec(),
        _ => [CHECKS, MORE_CHECKS].concat(),
    };
    if route != Route::Direct && route.has_http2() {
        checks.push(TRANSLATED);
    }
    // This example serves HTTP/1.1 only.
    let is_served = |name: &str| pairing.http == Http::Http1 || !name.starts_with("hyper_service");
    checks.retain(|check| is_served(check.name));
    checks
}

/// An example, and the work of a client.
struct Example {
    name: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    steps: &'static [Step],
}

const ECHO: Example = Example {
    name: "echo-axum",
    path: "",
    headers: &[],
    steps: &[],
};

const HYPER: Example = Example {
    name: "hyper_service",
    path: "echo",
    headers: &[],
    steps: &[],
};

const CHAT: Example = Example {
    name: "axum_chat",
    path: "chat?name=Ann",
    headers: &[],
    steps: &[
        Step::Receive("Ann has joined"),
        Step::Send("Guten Tag, wie geht es? Guten Tag, wie geht es?"),
        Step::Receive("Ann: Guten Tag, wie geht es? Guten Tag, wie geht es?"),
        Step::Close(1000),
    ],
};

const BY_HEADER: Example = Example {
    name: "axum_authentication",
    path: "by-header",
    headers: &[("Authorization", "Bearer secret-of-ann")],
    steps: &[
        Step::Receive("welcome, Ann"),
        Step::Send("hello"),
        Step::Receive("hello"),
        Step::Close(1000),
    ],
};

const BY_MESSAGE: Example = Example {
    name: "axum_authentication",
    path: "by-message",
    headers: &[],
    steps: &[
        Step::Send("secret-of-ann"),
        Step::Receive("welcome, Ann"),
        Step::Send("hello"),
        Step::Receive("hello"),
        Step::Close(1000),
    ],
};

const BY_WRONG_MESSAGE: Example = Example {
    name: "axum_authentication",
    path: "by-message",
    headers: &[],
    steps: &[Step::Send("secret-of-bob"), Step::Closed(1008)],
};

const BEHIND_A_PROXY: Example = Example {
    name: "axum_behind_a_proxy",
    path: "",
    headers: &[],
    steps: &[
        Step::Receive("your address is 127.0.0.1"),
        Step::Closed(1000),
    ],
};

const TLS: Example = Example {
    name: "axum_tls",
    path: "watch",
    headers: &[],
    steps: &[
        Step::Send("how many?"),
        Step::Receive("0"),
        Step::Close(1000),
    ],
};

/// Lets the client perform all checks of its script with an example that echoes.
fn echo(stage: &Stage<'_>, example: &Example, compressed: bool) -> Result<()> {
    echo_over(stage, example, compressed, stage.pairing.http)
}

/// Does the same. A proxy uses this version of HTTP to the example.
fn echo_over(stage: &Stage<'_>, example: &Example, compressed: bool, upstream: Http) -> Result<()> {
    let lines = example.visit_over(stage, compressed, upstream)?;
    let mut checks = scripts::checks(stage.pairing.foreign);
    checks.retain(|check| !without(stage, upstream).contains(check));
    all_are_good(&lines, &checks)
}

fn without(stage: &Stage<'_>, upstream: Http) -> &'static [&'static str] {
    match (stage.pairing.ours, upstream) {
        (Ours::Examples(Route::Haproxy), Http::Http2) => NOT_FOR_HAPROXY,
        _ => &[],
    }
}

impl Example {
    /// Lets the client take its steps.
    fn talks(&self, stage: &Stage<'_>, compressed: bool) -> Result<()> {
        let lines = self.visit(stage, compressed)?;
        all_are_good(&lines, &["negotiated", "dialogue"])
    }

    /// The example must refuse the request of the client with this status.
    fn refuses(&self, stage: &Stage<'_>, status: &str) -> Result<()> {
        let lines = self.visit(stage, true)?;
        match &lines[..] {
            [line] if is_refusal(&lines) && line.contains(status) => Ok(()),
            lines => bail!("expected status {status}, the client printed {lines:?}"),
        }
    }

    /// Starts the example, and lets the client of the pairing follow its plan.
    fn visit(&self, stage: &Stage<'_>, compressed: bool) -> Result<Vec<String>> {
        self.visit_over(stage, compressed, stage.pairing.http)
    }

    /// Does the same. A proxy uses this version of HTTP to the example.
    fn visit_over(
        &self,
        stage: &Stage<'_>,
        compressed: bool,
        upstream: Http,
    ) -> Result<Vec<String>> {
        let Ours::Examples(route) = stage.pairing.ours else {
            bail!("the peers are no examples");
        };
        let port = free_port()?;
        let mut server = self.start(stage, route, port)?;
        let front = Front::start(stage, route, port, upstream)?;
        let origin = match stage.pairing.over {
            Over::Tcp => "ws://127.0.0.1",
            Over::Tls => "wss://localhost",
        };
        let url = format!("{origin}:{}/{}", front.port, self.path);
        let plan = Plan {
            headers: self.headers,
            compressed,
            steps: (!self.steps.is_empty()).then_some(self.steps),
            without: without(stage, upstream),
            ..Plan::all(stage, &url)
        };
        let mut lines = Vec::new();
        scripts::visit(stage, &plan, |line| lines.push(line.to_owned()))?;
        // A browser may have connected again, over HTTP/1.1.
        if self.name == ECHO.name && !is_refusal(&lines) {
            server.expect(match upstream {
                Http::Http1 => "opened over HTTP/1.1\n",
                Http::Http2 => "opened over HTTP/2.0\n",
            })?;
        }
        Ok(lines)
    }

    fn start(&self, stage: &Stage<'_>, route: Route, port: u16) -> Result<Process> {
        let (number, address) = (port.to_string(), format!("127.0.0.1:{port}"));
        let files = &stage.certificates().server;
        let arguments = match self.name {
            "echo-axum" => {
                let mut arguments = ["--verbose", "--port", &number].map(OsStr::new).to_vec();
                if route == Route::Direct && stage.pairing.over == Over::Tls {
                    arguments.extend(option("--tls", files));
                }
                arguments
            }
            "axum_tls" => vec![
                OsStr::new(&address),
                files.certificate.as_os_str(),
                files.key.as_os_str(),
            ],
            _ => vec![OsStr::new(&address)],
        };
        stage.example(self.name, port, &arguments)
    }
}

/// Returns `true` if the client has reported that it could not connect.
fn is_refusal(lines: &[String]) -> bool {
    matches!(lines, [line] if line.starts_with("failed connection: "))
}

/// Checks that the client has reported these checks, and no failure.
pub(super) fn all_are_good(lines: &[String], checks: &[&str]) -> Result<()> {
    if let Some(failed) = lines.iter().find_map(|line| line.strip_prefix("failed ")) {
        bail!("{failed}");
    }
    let is_done = |check: &&&str| {
        lines
            .iter()
            .any(|line| line.strip_prefix("ok ") == Some(check))
    };
    match checks.iter().find(|check| !is_done(check)) {
        Some(missing) => bail!("{missing} was not done"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_of_the_client_counts() {
        let lines = ["ok text", "ok close"].map(str::to_owned);
        all_are_good(&lines, &["text", "close"]).unwrap();
        let error = all_are_good(&lines, &["text", "json"]).unwrap_err();
        assert_eq!(error.to_string(), "json was not done");
        let lines = ["ok text", "failed close: no answer"].map(str::to_owned);
        let error = all_are_good(&lines, &["text"]).unwrap_err();
        assert_eq!(error.to_string(), "close: no answer");
    }
}
