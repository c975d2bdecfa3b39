//! The lint levels of crate roots, by which the compiler finds unsafe code.

use super::Finding;
use super::workspace::Workspace;

/// Finds crate roots that do not forbid unsafe code. The library of ws-proto denies it instead, so
/// that its few places can allow it.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        for source in package.sources.iter().filter(|source| source.is_root) {
            let is_relaxed = package.name == "ws-proto" && source.path == "src/lib.rs";
            let wanted = if is_relaxed { "deny" } else { "forbid" };
            let attribute = format!("#![{wanted}(unsafe_code)]");
            if !source.text.lines().any(|line| line == attribute) {
                let what = format!("this crate root does not {wanted} unsafe code");
                let remedy = format!("put `{attribute}` at its top");
                findings.push(package.finding(&source.path, 1, what, &remedy));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::workspace::testing::workspace;
    use super::*;

    #[test]
    fn crate_roots_carry_their_lint_level() {
        let forbid = "//! Doc\n#![forbid(unsafe_code)]";
        let deny = "#![deny(unsafe_code)]";
        for (package, file, text, findings) in [
            ("ws-tokio", "src/lib.rs", forbid, 0),
            ("ws-proto", "src/lib.rs", deny, 0),
            ("ws-tokio", "src/lib.rs", deny, 1),
            ("ws-proto", "src/lib.rs", forbid, 1),
            ("ws-tokio", "src/lib.rs", "// #![forbid(unsafe_code)]", 1),
            ("ws-tokio", "src/part.rs", "fn f() {}", 0),
        ] {
            let found = check(&workspace(package, &[(file, text)])).len();
            assert_eq!(found, findings, "{package}: {text}");
        }
    }
}
