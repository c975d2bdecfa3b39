//! The allowed dependencies of each crate.

use std::collections::BTreeSet;

use cargo_metadata::DependencyKind;

use super::Finding;
use super::workspace::{Dependency, Package, Workspace};

/// The packages that may be in `[dependencies]` and `[build-dependencies]`. Tests may use any
/// package.
enum Allowed {
    /// These always, and `optional` only with a feature that is not enabled by default.
    Only {
        always: &'static [&'static str],
        optional: &'static [&'static str],
    },
    /// All except these.
    AllBut(&'static [&'static str]),
}

/// The table. Packages that it does not list may use anything.
const TABLE: &[(&str, Allowed)] = &[
    (
        "ws-proto",
        Allowed::Only {
            // thiserror writes the impls of error types. It is a macro that needs no std and adds
            // no code of its own.
            always: &["bytes", "simdutf8", "thiserror"],
            // serde_core has the traits alone, without the macros of serde.
            optional: &["serde_core", "serde_json", "zlib-rs"],
        },
    ),
    (
        "ws-handshake",
        Allowed::Only {
            always: &["base64", "http", "sha1", "ws-proto"],
            optional: &[],
        },
    ),
    (
        "ws-driver",
        Allowed::Only {
            always: &[
                "bytes",
                "futures-core",
                "futures-sink",
                "getrandom",
                "http",
                // Only under `cfg(loom)`, in place of std's locks.
                "loom",
                // As for ws-proto.
                "thiserror",
                "ws-handshake",
                "ws-proto",
            ],
            // libc for one error number without a name in socket2.
            optional: &[
                "fastrand",
                "futures-io",
                "libc",
                "serde_core",
                "serde_json",
                "socket2",
                "tracing",
            ],
        },
    ),
    (
        "ws-tokio",
        Allowed::Only {
            always: &["tokio", "ws-driver"],
            // native-tls itself, for its ALPN: tokio-native-tls would only add a layer of unsafe
            // code. openssl for the causes of errors, which native-tls does not return.
            optional: &["native-tls", "openssl", "ws-tls"],
        },
    ),
    (
        "ws-async-std",
        Allowed::Only {
            // ws-smol for its timer, and async-io, because both runtimes use one reactor.
            always: &["async-io", "async-std", "ws-driver", "ws-smol"],
            optional: &["ws-tls"],
        },
    ),
    (
        "ws-smol",
        Allowed::Only {
            // The parts of smol that it needs; futures-io for the traits of streams.
            always: &["async-io", "async-net", "futures-io", "ws-driver"],
            optional: &["ws-tls"],
        },
    ),
    (
        "ws-tls",
        Allowed::Only {
            always: &["rustls", "thiserror", "ws-driver"],
            optional: &["rustls-platform-verifier", "webpki-roots"],
        },
    ),
    (
        "ws-hyper",
        Allowed::Only {
            always: &["hyper", "thiserror", "ws-driver"],
            // The wrappers of TCP streams, from which the streams are taken back.
            optional: &[
                "async-net",
                "async-std",
                "hyper-util",
                "smol-hyper",
                "tokio",
                "ws-async-std",
                "ws-smol",
                "ws-tokio",
            ],
        },
    ),
    (
        "ws-h2",
        Allowed::Only {
            // tokio only for the traits of streams, which h2 requires.
            always: &["bytes", "h2", "tokio", "ws-driver"],
            optional: &[],
        },
    ),
    (
        "ws-topics",
        Allowed::Only {
            // loom as for ws-driver.
            always: &["loom", "slab", "thiserror", "ws-driver"],
            // futures-core for the stream of signals of redis.
            optional: &["futures-core", "redis"],
        },
    ),
    (
        "ws-reconnect",
        Allowed::Only {
            // fastrand for the jitter, and httpdate for dates in `Retry-After`.
            always: &[
                "fastrand",
                "futures-core",
                "futures-sink",
                "httpdate",
                "thiserror",
                "ws-driver",
            ],
            optional: &[],
        },
    ),
    (
        "ws-axum",
        Allowed::Only {
            // axum-core without axum: the part for libraries, which changes rarely.
            always: &["axum-core", "thiserror", "tokio", "ws-hyper", "ws-tokio"],
            optional: &[],
        },
    ),
    // An example of what a program needs: the adapter, and the crates above it.
    (
        "chat",
        Allowed::AllBut(&[
            "ws-driver",
            "ws-handshake",
            "ws-hyper",
            "ws-proto",
            "ws-tls",
        ]),
    ),
    // A fault in shared code would stay hidden. flate2 would be the same zlib as ours when features
    // unify.
    (
        "ws-conformance",
        Allowed::AllBut(&[
            "flate2",
            "ws-async-std",
            "ws-driver",
            "ws-handshake",
            "ws-proto",
            "ws-smol",
            "ws-tokio",
            "zlib-rs",
        ]),
    ),
];

/// Finds dependencies that the table does not allow.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    TABLE
        .iter()
        .filter_map(|(name, allowed)| Some((workspace.package(name)?, allowed)))
        .flat_map(|(package, allowed)| {
            package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .filter_map(|dependency| check_one(package, dependency, allowed))
                .chain(check_defaults(package, allowed))
        })
        .collect()
}

/// Returns a finding for each optional dependency that the default features enable.
fn check_defaults(package: &Package, allowed: &Allowed) -> Vec<Finding> {
    let Allowed::Only { optional, .. } = allowed else {
        return Vec::new();
    };
    let enabled = enabled_by_default(package);
    let names = optional.iter().filter(|name| enabled.contains(**name));
    names
        .map(|name| {
            let line = line_of(package, "default");
            let what = format!("{} depends on `{name}` by default", package.name);
            let remedy = "remove its feature from `default`";
            package.finding("Cargo.toml", line, what, remedy)
        })
        .collect()
}

/// Returns the dependencies and features that `default` enables, directly or not.
fn enabled_by_default(package: &Package) -> BTreeSet<&str> {
    let mut enabled = BTreeSet::new();
    let mut pending = vec!["default"];
    while let Some(feature) = pending.pop() {
        for enables in package.features.get(feature).into_iter().flatten() {
            let name = enables.strip_prefix("dep:").unwrap_or(enables);
            // `name?/feature` does not enable `name`.
            let name = name.split_once('/').map_or(name, |(name, _)| name);
            if !name.ends_with('?') && enabled.insert(name) {
                pending.push(name);
            }
        }
    }
    enabled
}

fn check_one(package: &Package, dependency: &Dependency, allowed: &Allowed) -> Option<Finding> {
    let name = dependency.name.as_str();
    let remedy = match allowed {
        Allowed::Only { always, .. } if always.contains(&name) => return None,
        Allowed::Only { optional, .. } if optional.contains(&name) => {
            if dependency.optional {
                return None;
            }
            "make it optional, and enable it by a feature".to_owned()
        }
        Allowed::Only { always, optional } => {
            let list = [*always, *optional].concat().join(", ");
            let table = file!().replace('\\', "/");
            format!("it may use {list}; add a new entry to {table}, with a reason")
        }
        Allowed::AllBut(list) if !list.contains(&name) => return None,
        Allowed::AllBut(_) => "write the code again, or move it to another package".to_owned(),
    };
    let what = format!("the dependency `{name}` of {} is not allowed", package.name);
    Some(package.finding("Cargo.toml", line_of(package, name), what, &remedy))
}

/// Returns the line of the dependency in the manifest, or line 1 if it is renamed.
fn line_of(package: &Package, dependency: &str) -> usize {
    let names = |line: &str| {
        line.trim_start()
            .trim_start_matches("[dependencies.")
            .strip_prefix(dependency)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=', ']']))
    };
    package
        .manifest
        .lines()
        .position(names)
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::{package, places, workspace};
    use super::*;

    fn with(name: &str, dependencies: &[(&str, DependencyKind, bool)]) -> Workspace {
        let mut package = package(name, &[]);
        package.manifest.push_str("[dependencies]\n");
        for (name, kind, optional) in dependencies {
            package
                .manifest
                .push_str(&format!("{name}.workspace = true\n"));
            let (name, kind, optional) = ((*name).into(), *kind, *optional);
            package.dependencies.push(Dependency {
                name,
                kind,
                optional,
            });
        }
        Workspace {
            packages: vec![package],
            ..workspace("", &[])
        }
    }

    #[test]
    fn dependencies_outside_of_the_table_are_found() {
        use DependencyKind::{Build, Development, Normal};

        for (package, dependency, is_found) in [
            ("ws-proto", ("bytes", Normal, false), false),
            ("ws-proto", ("zlib-rs", Normal, true), false),
            ("ws-proto", ("http", Normal, true), true),
            ("ws-proto", ("cc", Build, false), true),
            ("ws-proto", ("tokio", Development, false), false),
            ("ws-tokio", ("ws-tls", Normal, false), true),
            ("ws-conformance", ("miniz_oxide", Normal, false), false),
            ("ws-conformance", ("ws-proto", Normal, false), true),
            ("ws-conformance", ("flate2", Normal, false), true),
            ("ws-peers", ("anything", Normal, false), false),
        ] {
            let findings = check(&with(package, &[dependency]));
            let expected = format!("crates/{package}/Cargo.toml:4");
            let expected = Vec::from_iter(is_found.then_some(expected));
            assert_eq!(places(&findings), expected, "{package}: {dependency:?}");
        }
    }

    #[test]
    fn what_must_be_optional_is_found_if_it_is_a_default() {
        let with_defaults = |defaults: &[&str]| {
            let mut workspace = with("ws-tokio", &[("ws-tls", DependencyKind::Normal, true)]);
            let package = &mut workspace.packages[0];
            package.manifest.push_str("[features]\ndefault = []\n");
            for (feature, enables) in [
                ("default", defaults),
                ("ring", &["rustls", "ws-tls/ring"]),
                ("rustls", &["dep:ws-tls"]),
                ("weak", &["ws-tls?/ring"]),
            ] {
                let enables = enables.iter().map(|name| (*name).into()).collect();
                package.features.insert(feature.into(), enables);
            }
            check(&workspace)
        };
        assert_eq!(with_defaults(&["weak"]), []);
        for defaults in ["rustls", "ring", "ws-tls/ring", "dep:ws-tls"] {
            let findings = with_defaults(&[defaults]);
            assert_eq!(places(&findings), ["crates/ws-tokio/Cargo.toml:6"]);
            assert!(findings[0].what.contains("by default"), "{findings:?}");
        }
    }
}
