//! A bridge between the suite over TLS and testees without TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

/// Starts a bridge to a server without TLS. Returns its address for TLS.
pub(crate) fn in_front_of(server: SocketAddr, config: &Arc<ServerConfig>) -> SocketAddr {
    let config = config.clone();
    listen(move |secure| {
        let tls = ServerConnection::new(config.clone()).unwrap();
        carry(&secure, &TcpStream::connect(server)?, tls.into())
    })
}

/// Starts a bridge for a client without TLS to a server over TLS with the name `localhost`. Returns
/// its address.
pub(crate) fn to(server: SocketAddr, config: &Arc<ClientConfig>) -> SocketAddr {
    let config = config.clone();
    listen(move |plain| {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(config.clone(), name).unwrap();
        carry(&TcpStream::connect(server)?, &plain, tls.into())
    })
}

/// Serves each connection in a thread of its own, until the process ends. Returns the address.
pub(crate) fn listen(
    serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let serve = serve.clone();
            // An error ends the connection. The suite judges the end.
            thread::spawn(move || serve(tcp));
        }
    });
    address
}

fn carry(mut secure: &TcpStream, plain: &TcpStream, mut tls: Connection) -> io::Result<()> {
    secure.set_nodelay(true)?;
    plain.set_nodelay(true)?;
    while tls.is_handshaking() || tls.wants_write() {
        tls.complete_io(&mut secure)?;
    }
    let tls = Mutex::new(tls);
    let both_ways = |end: io::Result<()>| {
        if end.is_err() {
            let _ = secure.shutdown(Shutdown::Both);
            let _ = plain.shutdown(Shutdown::Both);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| both_ways(decrypt(secure, plain, &tls)));
        both_ways(encrypt(plain, secure, &tls));
    });
    Ok(())
}

/// Passes bytes from TLS to plain TCP.
fn decrypt(
    mut secure: &TcpStream,
    mut plain: &TcpStream,
    tls: &Mutex<Connection>,
) -> io::Result<()> {
    let mut buffer = [0; 1 << 14];
    let mut input = &[][..];
    loop {
        let mut bytes = Vec::new();
        let end = tls.lock().unwrap().reader().read_to_end(&mut bytes);
        plain.write_all(&bytes)?;
        match end {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => return plain.shutdown(Shutdown::Write),
        }
        if input.is_empty() {
            let count = secure.read(&mut buffer)?;
            input = &buffer[..count];
        }
        let mut tls = tls.lock().unwrap();
        tls.read_tls(&mut input)?;
        tls.process_new_packets().map_err(io::Error::other)?;
    }
}

/// Passes bytes from plain TCP to TLS.
fn encrypt(
    mut plain: &TcpStream,
    mut secure: &TcpStream,
    tls: &Mutex<Connection>,
) -> io::Result<()> {
    let mut buffer = [0; 1 << 14];
    loop {
        let count = plain.read(&mut buffer)?;
        let mut records = Vec::new();
        let mut tls = tls.lock().unwrap();
        match count {
            0 => tls.send_close_notify(),
            _ => tls.writer().write_all(&buffer[..count])?,
        }
        while tls.wants_write() {
            tls.write_tls(&mut records)?;
        }
        drop(tls);
        secure.write_all(&records)?;
        if count == 0 {
            return secure.shutdown(Shutdown::Write);
        }
    }
}
