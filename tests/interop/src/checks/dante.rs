//! Dante as a SOCKS proxy of our client.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::forward::{HOSTS, Kind, OUTGOING, PASSWORD, Proxy, Reasons, Rules, USER};
use crate::install::{Installed, is_root};
use crate::namespace;
use crate::stage::{Stage, free_port, wait_for_port};
use crate::tools::Tool;

pub(super) const KIND: Kind = Kind {
    scheme: "socks5h",
    start,
    reasons: Reasons {
        wrong_password: "refused the user name and password",
        no_password: "requires authentication",
        forbidden: Some("rules"),
        unreachable: "refused the connection of the proxy",
    },
};

/// Dante takes users from the files of the system. The files of this program are in their place in
/// the mount namespace of the process.
const SCRIPT: &str = "\
    mount --bind \"$1/hosts\" /etc/hosts\n\
    mount --bind \"$1/passwd\" /etc/passwd\n\
    mount --bind \"$1/shadow\" /etc/shadow\n\
    exec \"$2\" -N 1 -f \"$1/danted.conf\"\n";

fn start(stage: &Stage<'_>, rules: &Rules) -> Result<Proxy> {
    let port = free_port()?;
    let config = stage.file("danted.conf")?;
    let dir = config.parent().context("the file is in a directory")?;
    fs::write(&config, configuration(rules, port))?;
    fs::write(dir.join("hosts"), HOSTS)?;
    fs::write(
        dir.join("passwd"),
        format!("{PASSWD}{USER}:x:1000:1000::/:/bin/false\n"),
    )?;
    fs::write(
        dir.join("shadow"),
        format!("{USER}:{}:1:0:99999:7:::\n", hash(stage)?),
    )?;
    let mut command = namespace::unshare(&stage.tool(Tool::Unshare)?, &["--mount"]);
    command.args(["sh", "-e", "-c", SCRIPT, "sh"]).arg(dir);
    command.arg(stage.tool(Tool::Danted)?.get_program());
    let mut process = stage.spawn("danted", command)?;
    wait_for_port(&mut process, port)?;
    Ok(Proxy { process, port })
}

/// Returns an error if this process cannot make the namespace.
pub(crate) fn probe(installed: &Installed) -> Result<()> {
    let mut command = namespace::unshare(&installed.command(Tool::Unshare)?, &["--mount"]);
    command.arg("true");
    namespace::succeed(command)
}

/// The users that Dante runs as.
const PASSWD: &str = "root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n";

fn configuration(rules: &Rules, port: u16) -> String {
    let method = if rules.is_guarded { "username" } else { "none" };
    // The namespace of an unprivileged user has no other users.
    let unprivileged = if is_root() { "nobody" } else { "root" };
    format!(
        "logoutput: stderr\n\
         internal: 127.0.0.1 port = {port}\n\
         external: {OUTGOING}\n\
         clientmethod: none\n\
         socksmethod: {method}\n\
         user.privileged: root\n\
         user.unprivileged: {unprivileged}\n\
         client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}\n\
         socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 port = {} log: connect error }}\n\
         socks block {{ from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect error }}\n",
        rules.port
    )
}

/// Returns the password as `/etc/shadow` contains it.
fn hash(stage: &Stage<'_>) -> Result<String> {
    let mut command = stage.tool(Tool::Openssl)?;
    let output = command.args(["passwd", "-6", PASSWORD]).output()?;
    ensure!(output.status.success(), "openssl passwd failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
