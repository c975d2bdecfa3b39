//! Faulty certificates of our server, and the clients in `scripts`.

use anyhow::{Context, Result, ensure};

use super::Check;
use crate::certificates::Defect;
use crate::plan::Plan;
use crate::process::PATIENCE;
use crate::scripts::client_of;
use crate::stage::Stage;

pub(super) const NODE_CHECKS: &[Check] = &[
    Check::new("expired certificate", |stage| {
        faulty(stage, Defect::Expired, "certificate has expired")
    }),
    Check::new("certificate that is not valid yet", |stage| {
        faulty(stage, Defect::NotYetValid, "certificate is not yet valid")
    }),
    Check::new("certificate for another name", |stage| {
        faulty(
            stage,
            Defect::WrongName,
            "does not match certificate's altnames",
        )
    }),
    Check::new("certificate of an unknown issuer", |stage| {
        faulty(
            stage,
            Defect::UnknownIssuer,
            "unable to verify the first certificate",
        )
    }),
];

pub(super) const PYTHON_CHECKS: &[Check] = &[
    Check::new("expired certificate", |stage| {
        faulty(stage, Defect::Expired, "certificate has expired")
    }),
    Check::new("certificate that is not valid yet", |stage| {
        faulty(stage, Defect::NotYetValid, "certificate is not yet valid")
    }),
    Check::new("certificate for another name", |stage| {
        faulty(stage, Defect::WrongName, "Hostname mismatch")
    }),
    Check::new("certificate of an unknown issuer", |stage| {
        faulty(
            stage,
            Defect::UnknownIssuer,
            "unable to get local issuer certificate",
        )
    }),
];

/// Lets our server present a faulty certificate. The script must refuse it for this reason.
fn faulty(stage: &Stage<'_>, defect: Defect, reason: &str) -> Result<()> {
    let mut server = stage.tls_server_with(stage.certificates().faulty(defect))?;
    let mut script = stage.spawn(
        "script",
        client_of(stage, &Plan::all(stage, &server.named_url()))?,
    )?;
    let line = script
        .line(PATIENCE)?
        .context("the script printed nothing")?;
    let is_refused = line.starts_with("failed connection: ") && line.contains(reason);
    ensure!(
        is_refused,
        "the script printed {line:?}, expected {reason:?}"
    );
    server.serves()
}
