//! The places of unsafe code, and the lint levels that enforce them.

use super::Finding;
use super::tokens::{each_ident, inner_lint_level};
use super::workspace::{Package, Source, Workspace};

/// The one package with unsafe code.
const UNSAFE_PACKAGE: &str = "ws-proto";

/// Returns `true` for a place of unsafe code, relative to the package.
fn is_unsafe_place(package: &Package, source: &Source) -> bool {
    package.name == UNSAFE_PACKAGE
        && (source.path.starts_with("src/arch/")
            || matches!(source.path.as_str(), "src/arch.rs" | "src/text.rs"))
}

/// Finds the keyword `unsafe` in other places: blocks, functions, traits, impls, attributes,
/// macros.
pub(super) fn check_places(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        for source in package
            .sources
            .iter()
            .filter(|source| !is_unsafe_place(package, source))
        {
            each_ident(source.tokens(), &mut |ident| {
                if ident == "unsafe" {
                    findings.push(package.finding(
                        &source.path,
                        ident.span().start().line,
                        "`unsafe` outside of ws-proto's src/arch/ and src/text.rs".into(),
                        "write safe code, or put a kernel with a safe function into src/arch/",
                    ));
                }
            });
        }
    }
    findings
}

/// Finds crate roots that do not forbid unsafe code. The library of ws-proto denies it instead, so
/// that its few places can allow it.
pub(super) fn check_roots(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        for source in package.sources.iter().filter(|source| source.is_root) {
            let relaxed = package.name == UNSAFE_PACKAGE && source.path == "src/lib.rs";
            let wanted = if relaxed { "deny" } else { "forbid" };
            let level = inner_lint_level(source.tokens(), "unsafe_code");
            if level.as_deref() != Some(wanted) {
                let what = format!("this crate root does not {wanted} unsafe code");
                let remedy = format!("put `#![{wanted}(unsafe_code)]` at its top");
                findings.push(package.finding(&source.path, 1, what, &remedy));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::{places, workspace};
    use super::*;

    #[test]
    fn every_form_of_unsafe_is_found() {
        for text in [
            "fn f() { unsafe { g() } }",
            "unsafe fn f() {}",
            "unsafe impl Send for S {}",
            "#[unsafe(no_mangle)] fn f() {}",
            "m! { unsafe { g() } }",
        ] {
            let findings = check_places(&workspace("ws-driver", &[("src/a.rs", text)]));
            assert_eq!(places(&findings), ["crates/ws-driver/src/a.rs:1"], "{text}");
        }
    }

    #[test]
    fn the_word_in_comments_strings_and_lint_names_is_not_code() {
        let text = "#![forbid(unsafe_code)]\n// unsafe\n/// unsafe\nconst A: &str = \"unsafe\";";
        assert_eq!(
            check_places(&workspace("ws-driver", &[("src/lib.rs", text)])),
            []
        );
    }

    #[test]
    fn the_places_of_the_core_are_allowed_in_the_core_only() {
        let files = [
            ("src/arch/x86_64.rs", "unsafe fn f() {}"),
            ("src/text.rs", "unsafe { f() }"),
        ];
        assert_eq!(check_places(&workspace("ws-proto", &files)), []);
        assert_eq!(check_places(&workspace("ws-tokio", &files)).len(), 2);
        let other = [("src/mask.rs", "fn a() {}\nfn f() { unsafe { g() } }")];
        let findings = check_places(&workspace("ws-proto", &other));
        assert_eq!(places(&findings), ["crates/ws-proto/src/mask.rs:2"]);
    }

    #[test]
    fn crate_roots_carry_their_lint_level() {
        let forbid = "//! Doc\n#![forbid(unsafe_code)]";
        let deny = "#![deny(unsafe_code)]";
        assert_eq!(
            check_roots(&workspace("ws-tokio", &[("src/lib.rs", forbid)])),
            []
        );
        assert_eq!(
            check_roots(&workspace("ws-proto", &[("src/lib.rs", deny)])),
            []
        );
        assert_eq!(
            check_roots(&workspace("ws-tokio", &[("src/lib.rs", deny)])).len(),
            1
        );
        assert_eq!(
            check_roots(&workspace("ws-proto", &[("src/lib.rs", forbid)])).len(),
            1
        );
        assert_eq!(
            check_roots(&workspace("ws-tokio", &[("src/lib.rs", "fn f() {}")])).len(),
            1
        );
        assert_eq!(
            check_roots(&workspace("ws-tokio", &[("src/part.rs", "fn f() {}")])),
            []
        );
    }
}
