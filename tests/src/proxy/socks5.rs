//! SOCKS5 (RFC 1928) with the authentication of RFC 1929.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Seen, read_byte};

/// Reads a request. Returns `None` if it was refused because of its credentials.
///
/// # Panics
///
/// If the request is not what a client must send.
pub(super) fn read_request(
    client: &mut (impl Read + Write),
    required: Option<(&str, &str)>,
) -> io::Result<Option<Seen>> {
    assert_eq!(read_byte(client)?, 5, "the version");
    let methods = read_text(client)?;
    let Some(credentials) = authenticate(client, methods.as_bytes(), required)? else {
        return Ok(None);
    };
    let mut command = [0; 3];
    client.read_exact(&mut command)?;
    assert_eq!(command, [5, 1, 0], "the command CONNECT");
    let host = match read_byte(client)? {
        1 => {
            let mut address = [0; 4];
            client.read_exact(&mut address)?;
            Ipv4Addr::from(address).to_string()
        }
        3 => read_text(client)?,
        4 => {
            let mut address = [0; 16];
            client.read_exact(&mut address)?;
            Ipv6Addr::from(address).to_string()
        }
        other => panic!("the type {other} of an address"),
    };
    let port = [read_byte(client)?, read_byte(client)?];
    Ok(Some(Seen {
        host,
        port: u16::from_be_bytes(port),
        credentials,
    }))
}

/// Chooses a method and performs it. Returns `None` after a refusal.
#[expect(clippy::option_option, reason = "a refusal, or the credentials if any")]
fn authenticate(
    client: &mut (impl Read + Write),
    methods: &[u8],
    required: Option<(&str, &str)>,
) -> io::Result<Option<Option<(String, String)>>> {
    let Some((user, password)) = required else {
        assert!(methods.contains(&0), "no method is offered");
        client.write_all(&[5, 0])?;
        return Ok(Some(None));
    };
    if !methods.contains(&2) {
        client.write_all(&[5, 0xff])?;
        return Ok(None);
    }
    client.write_all(&[5, 2])?;
    assert_eq!(read_byte(client)?, 1, "the version of the authentication");
    let sent = (read_text(client)?, read_text(client)?);
    let is_right = (&*sent.0, &*sent.1) == (user, password);
    client.write_all(&[1, u8::from(!is_right)])?;
    Ok(is_right.then_some(Some(sent)))
}

/// Reads a text after its length.
fn read_text(client: &mut impl Read) -> io::Result<String> {
    let mut text = vec![0; usize::from(read_byte(client)?)];
    client.read_exact(&mut text)?;
    Ok(String::from_utf8(text).expect("UTF-8"))
}

/// Opens the tunnel. The bound address is a name, as some proxies send it.
pub(super) fn accept(client: &mut impl Write) -> io::Result<()> {
    client.write_all(b"\x05\x00\x00\x03\x05proxy\x12\x67")
}
