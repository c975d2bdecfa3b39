//! The floor over TLS on tokio. It uses rustls directly, because tokio-rustls reads 4 KiB at a
//! time, and took 13 % more processor time for texts of 1 KiB.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, BufRead, IoSlice, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use ws_bench_programs::floor;

/// The largest number of bytes that are encrypted for one write. The servers of this project have
/// the same limit.
const BUFFER_LIMIT: usize = 64 << 10;

/// Echoes bytes over TLS on 127.0.0.1, until the process is terminated.
#[derive(Parser)]
struct Options {
    /// The port to listen on
    #[arg(long)]
    port: u16,
    /// The files of the certificate and of the private key, in PEM
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"], required = true)]
    tls: Vec<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let config = Arc::new(config(&options.tls)?);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    Ok(runtime.block_on(serve(options.port, config))?)
}

fn config(tls: &[PathBuf]) -> Result<ServerConfig, Box<dyn Error>> {
    let [certificate, key] = tls else {
        return Err("a certificate and a key are required".into());
    };
    let chain: Result<_, _> = CertificateDer::pem_file_iter(certificate)?.collect();
    let key = PrivateKeyDer::from_pem_file(key)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain?, key)?)
}

async fn serve(port: u16, config: Arc<ServerConfig>) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        tokio::spawn(echo(tcp, connection));
    }
}

async fn echo(mut tcp: TcpStream, mut tls: ServerConnection) -> io::Result<()> {
    tls.set_buffer_limit(Some(BUFFER_LIMIT));
    let mut buffer = floor::buffer();
    let mut plaintext = Vec::with_capacity(floor::BUFFER_LEN);
    loop {
        let len = match tcp.read(&mut buffer).await? {
            0 => return Ok(()),
            len => len,
        };
        let mut input = &buffer[..len];
        while !input.is_empty() {
            tls.read_tls(&mut input)?;
            tls.process_new_packets().map_err(io::Error::other)?;
            let mut reader = tls.reader();
            while let Ok(bytes @ [_, ..]) = reader.fill_buf() {
                let len = bytes.len();
                plaintext.extend_from_slice(bytes);
                reader.consume(len);
            }
            if input.is_empty() || plaintext.len() >= BUFFER_LIMIT {
                let mut written = 0;
                while written < plaintext.len() || tls.wants_write() {
                    written += tls.writer().write(&plaintext[written..])?;
                    write(&tcp, &mut tls).await?;
                }
                plaintext.clear();
            }
        }
    }
}

/// Writes all that is encrypted.
async fn write(tcp: &TcpStream, tls: &mut ServerConnection) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(&mut Socket(tcp)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tcp.writable().await?,
            written => drop(written?),
        }
    }
    Ok(())
}

/// A socket that does not block.
struct Socket<'a>(&'a TcpStream);

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
