//! The page with which a browser runs the cases.

use crate::http::{PRODUCT, ReadRequest};

const PAGE: &str = include_str!("../../templates/browser.html");

/// Returns the response with the page, if a browser has requested it.
pub(super) fn response(head: &[u8]) -> Option<String> {
    let request = ReadRequest::read(head)?;
    let path = request.target.split('?').next()?;
    if request.version > 1
        || request.method != "GET"
        || path != "/"
        || !request.all("Upgrade").is_empty()
    {
        return None;
    }
    let len = PAGE.len();
    Some(format!(
        "HTTP/1.1 200 OK\r\nServer: {PRODUCT}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {len}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{PAGE}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_the_page_and_clients_do_not() {
        let answer = |head: &str| response(format!("{head}\r\n\r\n").as_bytes());
        let page = answer("GET /?agent=a HTTP/1.1\r\nHost: a").unwrap();
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        for head in [
            "POST / HTTP/1.1",
            "GET /favicon.ico HTTP/1.1",
            "GET / HTTP/1.1\r\nUpgrade: websocket",
            "nonsense",
        ] {
            assert_eq!(answer(head), None, "{head}");
        }
    }
}
