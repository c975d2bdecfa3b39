//! The paths that a layer must not mention, because they belong to another one.

use super::Finding;
use super::tokens::mentions;
use super::workspace::{Package, Source, Workspace};

/// Paths that the sources of some packages must not mention. Tests are excluded.
struct Ban {
    packages: &'static [&'static str],
    /// Consecutive segments, see `Mention::contains`.
    paths: &'static [&'static str],
    why: &'static str,
}

/// Files that may mention one path despite a ban: package, file, path.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    // The variables of curl for proxies. A caller without an environment has `from_vars`.
    ("ws-handshake", "src/proxy/env.rs", "std::env"),
];

const ADAPTERS: &[&str] = &["ws-async-std", "ws-smol", "ws-tokio"];
const WITHOUT_IO: &[&str] = &["ws-handshake", "ws-proto"];

const BANS: &[Ban] = &[
    Ban {
        packages: WITHOUT_IO,
        paths: &[
            "io::BufRead",
            "io::Read",
            "io::Write",
            "std::env",
            "net::TcpListener",
            "net::TcpStream",
            "net::ToSocketAddrs",
            "net::UdpSocket",
            "std::fs",
            "std::os",
            "std::process",
        ],
        why: "this crate does no I/O: take bytes as arguments, and return bytes",
    },
    Ban {
        packages: WITHOUT_IO,
        paths: &["Instant", "SystemTime", "std::time"],
        why: "this crate has no clock: take the time as an argument (`core::time::Duration`)",
    },
    Ban {
        packages: WITHOUT_IO,
        paths: &[
            "Waker",
            "async",
            "await",
            "future::Future",
            "task::Context",
            "task::Poll",
        ],
        why: "this crate is not asynchronous: return a result, and let the caller call again",
    },
    Ban {
        packages: WITHOUT_IO,
        paths: &["Mutex", "RwLock", "std::thread", "thread_local"],
        why: "this crate has no pools, locks or threads: store state in values",
    },
    Ban {
        packages: WITHOUT_IO,
        paths: &["fastrand", "getrandom", "rand"],
        why: "this crate has no entropy: take masking keys and nonces as arguments",
    },
    Ban {
        packages: &["ws-proto"],
        paths: &["http", "httparse"],
        why: "HTTP belongs to ws-handshake",
    },
    Ban {
        packages: &["ws-handshake"],
        paths: &["FrameHeader", "OpCode", "Opcode"],
        why: "frames belong to ws-proto",
    },
    Ban {
        packages: &["ws-driver"],
        paths: &["FrameHeader", "OpCode", "Opcode"],
        why: "rules about opcodes and masks belong to ws-proto: call it",
    },
    Ban {
        packages: ADAPTERS,
        paths: &[
            "CloseCode::",
            "Control::",
            "FrameHeader",
            "MaskKey::",
            "OpCode",
            "Opcode",
            "Step::",
        ],
        why: "an adapter passes on bytes and deadlines: rules about frames and closing belong to \
              ws-proto, and reactions to ws-driver",
    },
];

/// Finds paths that do not belong to the layer.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    BANS.iter()
        .flat_map(|ban| ban.packages.iter().map(move |name| (ban, *name)))
        .filter_map(|(ban, name)| Some((ban, workspace.package(name)?)))
        .flat_map(|(ban, package)| {
            package
                .sources
                .iter()
                .filter(|source| is_shipped(source))
                .flat_map(move |source| check_source(ban, package, source))
        })
        .collect()
}

/// Returns `true` if the file is a part of the library, and not a test module.
fn is_shipped(source: &Source) -> bool {
    source.path.starts_with("src/")
        && !source.path.ends_with("/tests.rs")
        && !source.path.contains("/tests/")
}

fn check_source(ban: &Ban, package: &Package, source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for mention in mentions(source.tokens()) {
        let is_exempt = |path: &str| EXCEPTIONS.contains(&(&package.name, &source.path, path));
        let banned = |path: &&&str| !is_exempt(path) && mention.contains(path);
        if let Some(path) = ban.paths.iter().find(banned) {
            let what = format!("{} mentions `{path}`", package.name);
            findings.push(package.finding(&source.path, mention.line, what, ban.why));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::{places, workspace};
    use super::*;

    fn found(package: &str, text: &str) -> usize {
        check(&workspace(package, &[("src/a.rs", text)])).len()
    }

    #[test]
    fn the_core_does_no_io_and_has_no_clock() {
        assert_eq!(found("ws-proto", "use std::io::{self, Read};"), 1);
        assert_eq!(found("ws-proto", "fn f(r: impl io::Read) {}"), 1);
        assert_eq!(
            found("ws-proto", "use std::{net::TcpStream, time::Instant};"),
            2
        );
        assert_eq!(found("ws-proto", "thread_local! { static A: u8 = 1; }"), 1);
        assert_eq!(found("ws-proto", "async fn f() {}"), 1);
        assert_eq!(
            found("ws-handshake", "let key = getrandom::fill(&mut b);"),
            1
        );
    }

    #[test]
    fn what_only_looks_alike_passes() {
        assert_eq!(
            found(
                "ws-proto",
                "use std::io::IoSlice; use core::time::Duration;"
            ),
            0
        );
        assert_eq!(
            found("ws-proto", "use core::fmt::Write; // no std::fs here"),
            0
        );
        assert_eq!(
            found(
                "ws-handshake",
                "use http::StatusCode; use std::net::Ipv6Addr;"
            ),
            0
        );
        assert_eq!(
            found(
                "ws-proto",
                "#[cfg(test)] mod tests { use std::time::Instant; }"
            ),
            0
        );
        assert_eq!(found("ws-driver", "use std::time::Instant;"), 0);
    }

    #[test]
    fn adapters_match_on_no_steps_or_frames() {
        let text = "fn f() {\n    match step { Step::Control(_) => {} }\n}";
        let findings = check(&workspace("ws-tokio", &[("src/io.rs", text)]));
        assert_eq!(places(&findings), ["crates/ws-tokio/src/io.rs:2"]);
        assert_eq!(found("ws-smol", "use ws_driver::OpCode;"), 1);
        assert_eq!(found("ws-tokio", "use ws_driver::Control::*;"), 1);
        assert_eq!(
            found("ws-tokio", "pub use ws_driver::{CloseCode, MaskKey};"),
            0
        );
        assert_eq!(
            found("ws-proto", "match step { Step::Control(_) => {} }"),
            0
        );
    }

    #[test]
    fn an_exception_holds_for_one_path_in_one_file() {
        let found = |file, text| check(&workspace("ws-handshake", &[(file, text)])).len();
        assert_eq!(found("src/proxy/env.rs", "std::env::var_os(name)"), 0);
        assert_eq!(found("src/proxy/env.rs", "std::fs::read(name)"), 1);
        assert_eq!(found("src/proxy/url.rs", "std::env::var_os(name)"), 1);
    }

    #[test]
    fn only_shipped_sources_count() {
        let text = "use std::net::TcpStream;";
        for path in [
            "tests/a.rs",
            "src/recv/tests.rs",
            "benches/b.rs",
            "src/tests/c.rs",
        ] {
            assert_eq!(check(&workspace("ws-proto", &[(path, text)])), [], "{path}");
        }
    }
}
