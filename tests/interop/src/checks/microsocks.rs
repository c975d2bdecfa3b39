//! MicroSocks as a SOCKS proxy of our client.

use anyhow::Result;

use super::forward::{Kind, OUTGOING, PASSWORD, Proxy, Reasons, Rules, USER};
use crate::stage::{Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const KIND: Kind = Kind {
    scheme: "socks5h",
    start,
    reasons: Reasons {
        wrong_password: "refused the user name and password",
        no_password: "requires authentication",
        forbidden: None,
        unreachable: "refused the connection of the proxy",
    },
};

fn start(stage: &Stage<'_>, rules: &Rules) -> Result<Proxy> {
    let port = free_port()?;
    let mut command = stage.tool(Tool::Microsocks)?;
    command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
    command.args(["-b", &OUTGOING.to_string()]);
    if rules.is_guarded {
        command.args(["-u", USER, "-P", PASSWORD]);
    }
    let mut process = stage.spawn("microsocks", command)?;
    wait_for_port(&mut process, port)?;
    Ok(Proxy { process, port })
}
