//! A small echo peer over blocking sockets. It implements only what the tests of the engine need,
//! and shares no code with the crate.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Starts a server that echoes over every connection, on a thread that ends with the test.
pub(crate) fn echo_server() -> String {
    serve(|stream| {
        let mut reader = BufReader::new(stream);
        accept(&mut reader)?;
        echo(&mut reader, None)
    })
}

/// Starts a server that opens every connection and then sends nothing, until the client is gone.
pub(crate) fn silent_server() -> String {
    serve(|stream| {
        let mut reader = BufReader::new(stream);
        accept(&mut reader)?;
        io::copy(&mut reader, &mut io::sink()).map(drop)
    })
}

/// Starts a server that calls `each` with every connection.
pub(crate) fn serve(each: fn(TcpStream) -> io::Result<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || each(stream));
        }
    });
    url
}

/// Listens on a Unix socket, and passes each connection on to a server over TCP.
#[cfg(unix)]
pub(crate) fn unix_bridge(path: &std::path::Path, url: &str) {
    use std::net::Shutdown;
    use std::os::unix::net::UnixListener;

    let listener = UnixListener::bind(path).unwrap();
    let address = url.trim_start_matches("ws://").to_owned();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = TcpStream::connect(&address).unwrap();
            let (mut near_end, mut far_end) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = io::copy(&mut &near, &mut far_end);
                far_end.shutdown(Shutdown::Write)
            });
            std::thread::spawn(move || {
                let _ = io::copy(&mut &far, &mut near_end);
                near_end.shutdown(Shutdown::Write)
            });
        }
    });
}

/// Opens `resource` as a client and echoes until the end. Returns the text messages.
pub(crate) fn echo_client(
    address: std::net::SocketAddr,
    resource: &str,
) -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut reader = request(address, resource)?;
    let status = skip_head(&mut reader)?;
    assert!(status.starts_with("HTTP/1.1 101 "), "{status}");
    match echo(&mut reader, Some(&mut texts)) {
        // The suite ends TCP with a reset after the closing handshake.
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(texts),
    }
}

/// Sends a request. The answer stays unread.
pub(crate) fn request(
    address: std::net::SocketAddr,
    resource: &str,
) -> io::Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {resource} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )?;
    Ok(BufReader::new(stream))
}

/// Answers any request with the accept value of its key.
fn accept(reader: &mut BufReader<TcpStream>) -> io::Result<()> {
    use base64::Engine;
    use sha1::{Digest, Sha1};
    let mut key = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some(("Sec-WebSocket-Key", value)) => key = value.to_owned(),
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    key.push_str("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = base64::prelude::BASE64_STANDARD.encode(Sha1::digest(key));
    write!(
        reader.get_mut(),
        "HTTP/1.1 101 Switching Protocols\r\nServer: tiny\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// Skips a head and returns its first line.
pub(crate) fn skip_head(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = first.clone();
    while !line.trim_end().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    Ok(first)
}

/// Echoes until a Close, which it answers. Invalid frames that the tests send are answered with
/// Close 1002 or 1007. A client has a list for texts, and masks its frames.
fn echo(reader: &mut BufReader<TcpStream>, mut texts: Option<&mut Vec<String>>) -> io::Result<()> {
    let masks = texts.is_some();
    let mut message: Option<(u8, Vec<u8>)> = None;
    loop {
        let (first, payload) = read_frame(reader)?;
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        let mut send = |opcode, payload: &[u8]| write_frame(reader, opcode, payload, masks);
        let illegal = first & 0x70 != 0
            || matches!(opcode, 3..=7 | 11..)
            || (opcode > 7 && (!fin || payload.len() > 125))
            || (opcode == 0) != (message.is_some() && opcode < 8) && opcode < 8;
        if illegal {
            return send(8, &1002_u16.to_be_bytes());
        }
        match opcode {
            8 => {
                let code = match payload[..] {
                    [] => 1000,
                    [high, low, ..] => u16::from_be_bytes([high, low]),
                    _ => 1002,
                };
                let legal = matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999);
                let code = if legal { code } else { 1002 };
                return send(8, &code.to_be_bytes());
            }
            9 => send(10, &payload)?,
            10 => {}
            _ => {
                let (kind, mut bytes) = message.take().unwrap_or((opcode, Vec::new()));
                bytes.extend(payload);
                if !fin {
                    message = Some((kind, bytes));
                    continue;
                }
                match String::from_utf8(bytes.clone()) {
                    Err(_) if kind == 1 => return send(8, &1007_u16.to_be_bytes()),
                    Ok(text) if kind == 1 => {
                        send(kind, &bytes)?;
                        texts.iter_mut().for_each(|texts| texts.push(text.clone()));
                    }
                    _ => send(kind, &bytes)?,
                }
            }
        }
    }
}

fn read_frame(reader: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut two = [0; 2];
    reader.read_exact(&mut two)?;
    let extended = match two[1] & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = [0; 8];
    reader.read_exact(&mut length[8 - extended..])?;
    let length = match extended {
        0 => u64::from(two[1] & 0x7f),
        _ => u64::from_be_bytes(length),
    };
    let mut key = [0; 4];
    if two[1] & 0x80 != 0 {
        reader.read_exact(&mut key)?;
    }
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    reader.read_exact(&mut payload)?;
    for (byte, key) in payload.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
    Ok((two[0], payload))
}

fn write_frame(
    reader: &mut BufReader<TcpStream>,
    opcode: u8,
    payload: &[u8],
    masks: bool,
) -> io::Result<()> {
    let mask = if masks { 0x80 } else { 0 };
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        len @ 0..=125 => frame.push(mask | len as u8),
        len @ 126..=65_535 => {
            frame.push(mask | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(mask | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    if masks {
        // A key of zeros does not change the payload.
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    reader.get_mut().write_all(&frame)
}
