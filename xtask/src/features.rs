//! The features that this machine can build.

use std::env;
use std::process::{Command, Stdio};

use cargo_metadata::Metadata;

use crate::packages::is_chosen;

/// The package and the feature that need the headers of OpenSSL.
const NATIVE_TLS: (&str, &str) = ("ws-tokio", "native-tls");

/// Returns the arguments of cargo that enable all features of `packages`, or of the workspace if
/// `packages` is empty. Leaves out `native-tls` and prints a note if OpenSSL is not installed.
pub(crate) fn all(metadata: &Metadata, packages: &[String]) -> Vec<String> {
    let (package, feature) = NATIVE_TLS;
    if !is_chosen(packages, package) || has_openssl() {
        return vec!["--all-features".into()];
    }
    println!(
        "note: `{feature}` of {package} is left out, because pkg-config does not find OpenSSL: \
         install libssl-dev or openssl-devel"
    );
    vec!["--features".into(), all_but_native_tls(metadata, packages)]
}

/// Returns a list such as `ws-proto/deflate,ws-tokio/tls`.
fn all_but_native_tls(metadata: &Metadata, packages: &[String]) -> String {
    let mut list = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        if is_chosen(packages, name) {
            let features = package.features.keys();
            let features = features.filter(|feature| (name, feature.as_str()) != NATIVE_TLS);
            list.extend(features.map(|feature| format!("{name}/{feature}")));
        }
    }
    list.join(",")
}

/// Returns `true` if openssl-sys will find OpenSSL, or if this platform has a TLS of its own.
fn has_openssl() -> bool {
    if cfg!(any(windows, target_vendor = "apple")) {
        return true;
    }
    let is_set = |name: &&str| env::var_os(name).is_some();
    if ["OPENSSL_DIR", "OPENSSL_LIB_DIR"].iter().any(is_set) {
        return true;
    }
    let program = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let found = Command::new(program)
        .args(["--exists", "openssl"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project;

    #[test]
    fn the_list_has_all_features_of_the_packages_but_one() {
        let metadata = project::metadata().unwrap();
        let of_all = all_but_native_tls(&metadata, &[]);
        let of_all: Vec<_> = of_all.split(',').collect();
        for feature in ["ws-tokio/tls", "ws-smol/tls", "ws-driver/deflate"] {
            assert!(of_all.contains(&feature), "{of_all:?}");
        }
        assert!(!of_all.contains(&"ws-tokio/native-tls"), "{of_all:?}");
        let features = |package: &cargo_metadata::Package| package.features.len();
        let count: usize = metadata
            .workspace_packages()
            .into_iter()
            .map(features)
            .sum();
        assert_eq!(of_all.len(), count - 1);

        let of_one = all_but_native_tls(&metadata, &["ws-proto".into()]);
        assert!(of_one.split(',').all(|name| name.starts_with("ws-proto/")));
    }
}
