//! Tests over TLS, with a server that echoes bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, thread};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use ws_test_certificates::{Authority, Identity};

use crate::check::check;
use crate::disturber::Disturbance;
use crate::flow::Flow;
use crate::fresh::{Fresh, Handshake};
use crate::handshake::Target;
use crate::open_loop::OpenLoop;
use crate::pace::Schedule;
use crate::tls;
use crate::traffic::{Compression, Kind, Traffic};
use ws_bench_programs::content::Content;

const TEXT: Kind = Kind {
    content: Content::Ascii,
    len: 20,
};

const SHORT: Duration = Duration::from_millis(50);

/// Starts a server that sends this number of session tickets. `trusted` is the authority that the
/// client trusts.
fn serve(tickets: usize, signer: &Authority, trusted: &Authority) -> Target {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::new(server_config(tickets, &signer.server()));
    thread::spawn(move || {
        for tcp in listener.incoming() {
            let config = Arc::clone(&config);
            thread::spawn(move || echo(tcp.unwrap(), config));
        }
    });
    Target {
        address,
        raw: true,
        deflate: false,
        tls: Some(Arc::new(client_config(trusted))),
    }
}

fn server_config(tickets: usize, identity: &Identity) -> ServerConfig {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.send_tls13_tickets = tickets;
    config
}

fn client_config(trusted: &Authority) -> rustls::ClientConfig {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("ws-load-{}-{number}.pem", std::process::id());
    let file = std::env::temp_dir().join(name);
    fs::write(&file, trusted.certificate()).unwrap();
    let config = tls::config(&file).unwrap();
    fs::remove_file(file).unwrap();
    config
}

fn echo(tcp: TcpStream, config: Arc<ServerConfig>) {
    tcp.set_nodelay(true).unwrap();
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
    let mut buffer = vec![0; 64 << 10];
    // An error only means that the client has gone.
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..len]).is_err() {
            return;
        }
    }
}

fn open_fresh(target: &Target, handshake: Handshake) -> anyhow::Result<u64> {
    let traffic = Traffic::new(TEXT, Compression::Off, 1);
    let mut fresh = Fresh::new(target, handshake, 2, TEXT, &traffic)?;
    fresh.run(SHORT)?;
    fresh.drain()?;
    Ok(fresh.completed())
}

#[test]
fn messages_longer_than_the_buffers_of_sockets_are_echoed() {
    let authority = Authority::new();
    let target = serve(2, &authority, &authority);
    let long = Kind {
        content: Content::Binary,
        len: 8 << 20,
    };
    for kind in [TEXT, long] {
        let checked = check(&target, kind, 2).unwrap();
        let streams = vec![target.open().unwrap().stream, target.open().unwrap().stream];
        let mut flow = Flow::new(streams, &checked.traffic, checked.form, 2).unwrap();
        flow.run(SHORT).unwrap();
        flow.drain().unwrap();
        assert!(flow.completed() >= 4, "{kind:?}");
    }
}

#[test]
fn each_message_of_a_schedule_is_echoed_beside_a_disturbance() {
    let authority = Authority::new();
    let target = serve(2, &authority, &authority);
    let checked = check(&target, TEXT, 1).unwrap();
    let streams = (0..3).map(|_| target.open().unwrap().stream).collect();
    let mut open_loop = OpenLoop::new(streams, &checked.traffic, checked.form).unwrap();
    open_loop.disturb(&target, Disturbance::Pings).unwrap();
    for _ in 0..2 {
        let pace = open_loop.run(Schedule::new(1000, SHORT)).unwrap();
        assert_eq!((pace.latency().count(), pace.lateness().count()), (50, 50));
        assert_eq!(pace.missing(), 0);
    }
    assert!(open_loop.disturbing_amount().unwrap() >= 1000.0);
}

#[test]
fn each_fresh_connection_echoes() {
    let authority = Authority::new();
    let target = serve(2, &authority, &authority);
    for handshake in [Handshake::Full, Handshake::Resumed] {
        assert!(open_fresh(&target, handshake).unwrap() >= 2);
    }
}

#[test]
fn a_full_handshake_is_an_error_where_sessions_must_be_resumed() {
    let authority = Authority::new();
    let target = serve(0, &authority, &authority);
    assert!(open_fresh(&target, Handshake::Full).is_ok());
    let error = open_fresh(&target, Handshake::Resumed).unwrap_err();
    assert!(error.to_string().contains("Full"), "{error}");
}

#[test]
fn only_the_certificate_that_was_verified_is_accepted_without_verification() {
    let (authority, other) = (Authority::new(), Authority::new());
    let target = serve(2, &authority, &authority);
    assert!(open_fresh(&target, Handshake::Full).is_ok());
    let foreign = serve(2, &other, &authority);
    assert!(open_fresh(&foreign, Handshake::Full).is_err());
    let foreign = Target {
        tls: target.tls,
        ..foreign
    };
    assert!(open_fresh(&foreign, Handshake::Full).is_err());
}
