//! Names and keywords that a layer must not contain, because they belong to another layer. The
//! types that a layer must not use are in `crates/clippy.toml`.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::Finding;
use super::workspace::{Package, Workspace};

/// A pattern that some packages must not contain.
struct Ban {
    packages: &'static [&'static str],
    part: Part,
    pattern: &'static str,
    remedy: &'static str,
}

/// A part of the files of a package.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The code of `src` without test modules, comments and strings.
    Code,
    /// All lines of sources and of `Cargo.toml`, but not doc comments and dependencies of tests:
    /// examples are written for the reader's runtime.
    AllButDocs,
}

/// A file that may contain a pattern despite a ban: package, file, part of the pattern.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    // The variables of curl for proxies. A caller without an environment has `from_vars`.
    ("ws-handshake", "src/proxy/env.rs", "std::"),
    // The kernels, and the text that is known to be UTF-8.
    ("ws-proto", "src/arch/", "unsafe_code"),
    ("ws-proto", "src/text.rs", "unsafe_code"),
];

const ADAPTERS: &[&str] = &["ws-async-std", "ws-smol", "ws-tokio"];
const SHARED: &[&str] = &["ws-driver", "ws-handshake", "ws-proto"];
const WITHOUT_IO: &[&str] = &["ws-handshake", "ws-proto"];

const BANS: &[Ban] = &[
    Ban {
        packages: WITHOUT_IO,
        part: Part::Code,
        pattern: r"\bstd::(env|fs|os|process|thread)\b",
        remedy: "this crate does no I/O and has no threads: take values as arguments",
    },
    Ban {
        packages: WITHOUT_IO,
        part: Part::Code,
        pattern: r"\b(std|core)::\{",
        remedy: "write a `use` for each module, so that the other rules find its name",
    },
    Ban {
        packages: WITHOUT_IO,
        part: Part::Code,
        pattern: r"\b(async|await)\b",
        remedy: "this crate is not asynchronous: return a result, and let the caller call again",
    },
    Ban {
        packages: WITHOUT_IO,
        part: Part::Code,
        pattern: r"\b(fastrand|getrandom|rand)\b",
        remedy: "this crate has no entropy: take masking keys and nonces as arguments",
    },
    Ban {
        packages: &["ws-proto"],
        part: Part::Code,
        pattern: r"\b(http|httparse)\b",
        remedy: "HTTP belongs to ws-handshake",
    },
    Ban {
        packages: &["ws-proto"],
        part: Part::Code,
        // The root denies unsafe code. Only a lint attribute can allow it.
        pattern: r"(allow|expect|warn)\([^)]*\bunsafe_code\b",
        remedy: "write safe code, or put a kernel with a safe function into src/arch/",
    },
    Ban {
        packages: &["ws-handshake"],
        part: Part::Code,
        pattern: r"\b(FrameHeader|OpCode|Opcode)\b",
        remedy: "frames belong to ws-proto",
    },
    Ban {
        packages: &["ws-driver"],
        part: Part::Code,
        pattern: r"\b(FrameHeader|OpCode|Opcode)\b",
        remedy: "rules about opcodes and masks belong to ws-proto: call it",
    },
    Ban {
        packages: ADAPTERS,
        part: Part::Code,
        pattern: r"\b((CloseCode|Control|MaskKey|Step)::|(FrameHeader|OpCode|Opcode)\b)",
        remedy: "an adapter passes on bytes and deadlines: rules about frames and closing belong \
                 to ws-proto, and reactions to ws-driver",
    },
    Ban {
        packages: SHARED,
        part: Part::AllButDocs,
        // `tokio_util` and `TokioIo` are names, `smolder` is not.
        pattern: r"(?x)\b\w*?
            (?i:async[-_]?(executor|global|io|std) | compio | embassy | glommio | monoio | smol
             | tokio)
            ([^a-z]|$)",
        remedy: "describe the requirement (a transport, a timer), and leave the name of the \
                 runtime to the adapter",
    },
];

/// A string that ends in its line, or continues after a backslash.
pub(super) const STRING: &str = r#""(?:[^"\\\n]|\\(?s:.))*""#;

static DOCS: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^\s*//[/!].*$"));
static NO_CODE: LazyLock<Regex> = LazyLock::new(|| regex(&format!(r"'\\?.'|{STRING}|//.*")));
static TESTS: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?m)^#\[cfg\((all\()?test\b.*\]\n+mod \w+ \{"));

pub(super) fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is well formed")
}

/// Finds names and keywords that do not belong to the layer.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ban in BANS {
        let pattern = regex(ban.pattern);
        let packages = ban.packages.iter();
        for package in packages.filter_map(|name| workspace.package(name)) {
            ban.check(&pattern, package, &mut findings);
        }
    }
    findings
}

impl Ban {
    fn check(&self, pattern: &Regex, package: &Package, findings: &mut Vec<Finding>) {
        for (file, text) in self.part.files(package) {
            for found in pattern.find_iter(&text) {
                let is_exempt = EXCEPTIONS.iter().any(|(name, path, part)| {
                    package.name == *name && file.starts_with(path) && found.as_str().contains(part)
                });
                if !is_exempt {
                    let line = text[..found.start()].matches('\n').count() + 1;
                    let found = found.as_str().trim();
                    let what = format!("{} contains `{found}`", package.name);
                    findings.push(package.finding(file, line, what, self.remedy));
                }
            }
        }
    }
}

impl Part {
    /// Returns the paths of the files, and their texts, in which all lines keep their numbers.
    fn files(self, package: &Package) -> Vec<(&str, Cow<'_, str>)> {
        let sources = package.sources.iter();
        let mut files: Vec<_> = sources
            .filter(|source| self == Self::AllButDocs || is_shipped(&source.path))
            .map(|source| (&*source.path, self.of(&source.text)))
            .collect();
        if self == Self::AllButDocs {
            let manifest = without_dev_dependencies(&package.manifest);
            files.push(("Cargo.toml", manifest.into()));
        }
        files
    }

    fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Code => {
                let tests = TESTS.find(text).map_or(text.len(), |tests| tests.start());
                blank(&text[..tests], &NO_CODE)
            }
            Self::AllButDocs => blank(text, &DOCS),
        }
    }
}

/// Returns `true` if the file is a part of the library, and not a test module.
fn is_shipped(path: &str) -> bool {
    path.starts_with("src/") && !path.ends_with("/tests.rs") && !path.contains("/tests/")
}

/// Returns the text with nothing but line feeds in the place of each match.
pub(super) fn blank<'a>(text: &'a str, pattern: &Regex) -> Cow<'a, str> {
    pattern.replace_all(text, |found: &regex::Captures<'_>| {
        "\n".repeat(found[0].matches('\n').count())
    })
}

fn without_dev_dependencies(manifest: &str) -> String {
    let mut is_for_tests = false;
    let lines = manifest.lines().map(|line| {
        if line.starts_with('[') {
            is_for_tests = line.trim_end().ends_with("dev-dependencies]");
        }
        if is_for_tests { "" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::{places, workspace};
    use super::*;

    fn found(package: &str, text: &str) -> usize {
        found_in(package, "src/a.rs", text)
    }

    fn found_in(package: &str, file: &str, text: &str) -> usize {
        check(&workspace(package, &[(file, text)])).len()
    }

    #[test]
    fn each_layer_is_kept_from_the_others() {
        for (package, text) in [
            ("ws-proto", "use std::fs;"),
            ("ws-proto", "use std::{env, fmt};"),
            ("ws-proto", "async fn f() {}"),
            ("ws-proto", "http::Request"),
            ("ws-handshake", "let key = getrandom::fill(&mut b);"),
            ("ws-handshake", "f('\"'); std::thread::sleep(\"\")"),
            ("ws-handshake", "OpCode::Text"),
            ("ws-driver", "use ws_proto::FrameHeader;"),
            ("ws-smol", "use ws_driver::OpCode;"),
            ("ws-tokio", "use ws_driver::Control::*;"),
            ("ws-tokio", "match step { Step::Control(_) => {} }"),
        ] {
            assert!(found(package, text) > 0, "{text}");
        }
    }

    #[test]
    fn other_code_and_comments_and_strings_and_tests_pass() {
        for (package, text) in [
            ("ws-proto", "use std::io::IoSlice; // no std::fs here"),
            ("ws-proto", "const A: &str = \"in \\\n std::fs\";"),
            ("ws-proto", "match step { Step::Control(_) => {} }"),
            ("ws-proto", "#[cfg(test)]\nmod tests {\n use std::env;\n}"),
            ("ws-proto", "#[cfg(all(test, unix))]\nmod a {\n std::env\n}"),
            ("ws-driver", "use std::thread; async fn f() {}"),
            ("ws-tokio", "pub use ws_driver::{CloseCode, MaskKey};"),
        ] {
            assert_eq!(found(package, text), 0, "{text}");
        }
        for file in ["tests/a.rs", "src/recv/tests.rs", "src/tests/c.rs"] {
            assert_eq!(found_in("ws-proto", file, "std::fs"), 0, "{file}");
        }
    }

    #[test]
    fn an_exception_holds_for_one_path_in_one_file() {
        let env = "std::env::var_os(name)";
        assert_eq!(found_in("ws-handshake", "src/proxy/env.rs", env), 0);
        assert_eq!(found_in("ws-handshake", "src/proxy/url.rs", env), 1);
        let allow = "#[expect(\n    unsafe_code,\n    reason = \"\")]";
        assert_eq!(found_in("ws-proto", "src/arch/x86_64.rs", allow), 0);
        assert_eq!(found_in("ws-proto", "src/text.rs", allow), 0);
        assert_eq!(found_in("ws-proto", "src/mask.rs", allow), 1);
        assert_eq!(found("ws-proto", "#![deny(unsafe_code)]"), 0);
    }

    #[test]
    fn every_spelling_of_a_runtime_is_found_in_code_and_comments() {
        for text in [
            "use tokio::io;",
            "// like tokio's",
            "use tokio_util::x;",
            "async_std::task",
            "struct TokioIo;",
            "// ws-smol",
            "struct WsSmol;",
            "use async_io::Timer;",
            "AsyncStd",
        ] {
            assert_eq!(found("ws-driver", text), 1, "{text}");
        }
        for text in [
            "async fn io()",
            "smolder",
            "std::io",
            "// asynchronous I/O, async, io",
            "/// `ws_tokio::accept`",
        ] {
            assert_eq!(found("ws-driver", text), 0, "{text}");
        }
        assert_eq!(found("ws-tokio", "// for tokio"), 0);
    }

    #[test]
    fn manifests_are_checked_without_the_dependencies_of_tests() {
        let mut workspace = workspace("ws-proto", &[]);
        workspace.packages[0].manifest.push_str(
            "[dependencies]\ntokio = \"1\"\n[dev-dependencies]\nsmol = \"2\"\n\
             [build-dependencies]\nsmol = \"2\"\n",
        );
        let lines = [4, 8].map(|line| format!("crates/ws-proto/Cargo.toml:{line}"));
        assert_eq!(places(&check(&workspace)), lines);
    }
}
