//! WebSockets of this program through a proxy.

use anyhow::Result;
use ws_test_certificates::IdentityFiles;

use crate::dialogue::Dialogue;
use crate::stage::{Backend, EchoClient, Stage, connect};

/// Connects our client to the proxy at `url`, which connects to `backend`, and lets it echo.
pub(super) fn client_through(
    stage: &Stage<'_>,
    url: &str,
    backend: &Backend,
    identity: Option<&IdentityFiles>,
) -> Result<()> {
    converse(backend, stage.client_as(url, identity)?)
}

/// Accepts the connection of our client, which a proxy forwards to `backend`, and lets it echo.
pub(super) fn converse(backend: &Backend, mut client: EchoClient) -> Result<()> {
    let mut dialogue = Dialogue::accept(backend.accept()?)?;
    dialogue.converse()?;
    dialogue.close()?;
    drop(dialogue);
    client.done()
}

/// Connects to the proxy at `port`, which connects to our server, and lets it echo.
pub(super) fn server_through(port: u16) -> Result<()> {
    let mut dialogue = Dialogue::connect(connect(port)?, "localhost")?;
    dialogue.converse()?;
    dialogue.close()
}
