//! Tinyproxy as an HTTP proxy of our client.

use std::fs;

use anyhow::Result;

use super::forward::{Kind, OUTGOING, PASSWORD, Proxy, Reasons, Rules, USER};
use crate::stage::{Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const KIND: Kind = Kind {
    scheme: "http",
    start,
    reasons: Reasons {
        // RFC 9110 §15.5.8 would be 407.
        wrong_password: "401",
        no_password: "407",
        forbidden: Some("403"),
        unreachable: "500",
    },
};

fn start(stage: &Stage<'_>, rules: &Rules) -> Result<Proxy> {
    let port = free_port()?;
    let config = stage.file("tinyproxy.conf")?;
    let access = if rules.is_guarded {
        format!("BasicAuth {USER} {PASSWORD}")
    } else {
        String::new()
    };
    let text = format!(
        "Port {port}\n\
         Listen 127.0.0.1\n\
         Bind {OUTGOING}\n\
         ConnectPort {}\n\
         {access}\n",
        rules.port
    );
    fs::write(&config, text)?;
    let mut command = stage.tool(Tool::Tinyproxy)?;
    command.args(["-d", "-c"]).arg(&config);
    let mut process = stage.spawn("tinyproxy", command)?;
    wait_for_port(&mut process, port)?;
    Ok(Proxy { process, port })
}
