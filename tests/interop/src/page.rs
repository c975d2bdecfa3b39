//! The page that a browser opens, and the receiver of its report.

use std::fs;
use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::install::sources;
use crate::process::Output;

/// The longest report.
const MAX_REPORT: u64 = 64 * 1024;

/// A server of the page. It serves until it is dropped.
pub(crate) struct Page {
    server: Arc<Server>,
}

impl Page {
    /// Starts to serve. The report becomes the content of `report`.
    pub(crate) fn serve(report: &Output) -> Result<Self> {
        let server = Server::http((Ipv4Addr::LOCALHOST, 0));
        let server = Arc::new(server.map_err(|error| anyhow!("no page for the browser: {error}"))?);
        let serving = Arc::clone(&server);
        let report = report.clone();
        thread::spawn(move || {
            for request in serving.incoming_requests() {
                // A browser that closes the connection too early is found by the missing report.
                drop(answer(request, &report));
            }
        });
        Ok(Self { server })
    }

    /// Returns the origin of the page (RFC 6454 §6.2).
    pub(crate) fn origin(&self) -> Result<String> {
        let address = self.server.server_addr().to_ip();
        let address = address.context("the page has no address")?;
        Ok(format!("http://{address}"))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

fn answer(mut request: Request, output: &Output) -> Result<()> {
    let path = request.url().split('?').next().unwrap_or_default();
    let (name, kind) = match (request.method(), path) {
        (Method::Get, "/") => ("page.html", "text/html"),
        (Method::Get, "/checks.mjs") => ("checks.mjs", "text/javascript"),
        (Method::Post, "/report") => {
            let mut report = String::new();
            request
                .as_reader()
                .take(MAX_REPORT)
                .read_to_string(&mut report)?;
            output.push(format!("{report}\n").as_bytes());
            output.push(b"");
            return Ok(request.respond(Response::empty(204))?);
        }
        _ => return Ok(request.respond(Response::empty(404))?),
    };
    let kind = Header::from_bytes("Content-Type", kind).expect("a valid header");
    let file = Response::from_string(fs::read_to_string(sources().join(name))?);
    Ok(request.respond(file.with_header(kind))?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    fn ask(page: &Page, request: &str) -> String {
        let address = page.server.server_addr().to_ip().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        write!(stream, "{request}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_page_is_served_and_its_report_comes_back() {
        let mut report = Output::new();
        let page = Page::serve(&report).unwrap();
        assert!(page.origin().unwrap().starts_with("http://127.0.0.1:"));
        let get = |path: &str| ask(&page, &format!("GET {path} HTTP/1.0\r\n\r\n"));
        assert!(get("/?server=x").contains("<!doctype html>"));
        assert!(get("/checks.mjs").contains("text/javascript"));
        assert!(get("/secret").starts_with("HTTP/1.0 404"));
        ask(
            &page,
            "POST /report HTTP/1.0\r\nContent-Length: 11\r\n\r\nok a\nok b c",
        );
        for expected in [Some("ok a"), Some("ok b c"), None] {
            let line = report.line(Duration::from_secs(5)).unwrap();
            assert_eq!(line.as_deref(), expected);
        }
    }
}
