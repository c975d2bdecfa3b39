//! The offers and answers in Sec-WebSocket-Extensions (RFC 6455 §9.1, RFC 7692 §7.1).

use super::Coding;

pub(crate) const DEFLATE: &str = "permessage-deflate";

/// An extension with its parameters, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) name: String,
    pub(super) parameters: Vec<(String, Option<String>)>,
}

impl Extension {
    /// Returns the extensions of all lines.
    pub(crate) fn list(lines: &[&str]) -> Vec<Self> {
        let items = lines.iter().flat_map(|line| line.split(','));
        let items = items.map(str::trim).filter(|item| !item.is_empty());
        items.map(Self::read).collect()
    }

    fn read(item: &str) -> Self {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_owned();
        let parameter = |part: &str| match part.split_once('=') {
            Some((name, value)) => {
                let value = value.trim().trim_matches('"');
                (name.trim().to_owned(), Some(value.to_owned()))
            }
            None => (part.to_owned(), None),
        };
        Self {
            name,
            parameters: parts.map(parameter).collect(),
        }
    }

    pub(crate) fn is_deflate(&self) -> bool {
        self.name.eq_ignore_ascii_case(DEFLATE)
    }

    pub(crate) fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|(name, _)| name == parameter)
    }

    /// Returns the number that is the value of a parameter.
    pub(crate) fn number(&self, parameter: &str) -> Option<u8> {
        let mut named = self.parameters.iter().filter(|(name, _)| name == parameter);
        named.next()?.1.as_deref()?.parse().ok()
    }

    /// Returns the fault that makes the extension invalid in a server's answer, regardless of the
    /// offer.
    pub(crate) fn fault(&self) -> Option<String> {
        let mut seen = Vec::new();
        for (name, value) in &self.parameters {
            let right = match name.as_str() {
                "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
                "server_max_window_bits" | "client_max_window_bits" => {
                    let value = value.as_deref().unwrap_or_default();
                    (8..=15_u8).any(|bits| bits.to_string() == value)
                }
                _ => false,
            };
            if !right || seen.contains(&name) {
                return Some(format!(
                    "the parameter `{name}` is unknown, repeated, or has a wrong value"
                ));
            }
            seen.push(name);
        }
        (!self.is_deflate())
            .then(|| format!("the extension `{}` is none that was offered", self.name))
    }

    /// Returns the limits of a server's messages if this is agreed.
    pub(crate) fn of_server(&self) -> Coding {
        self.coding("server_max_window_bits", "server_no_context_takeover")
    }

    /// Returns the limits of a client's messages if this is agreed.
    pub(crate) fn of_client(&self) -> Coding {
        self.coding("client_max_window_bits", "client_no_context_takeover")
    }

    fn coding(&self, window_bits: &str, no_context_takeover: &str) -> Coding {
        Coding {
            window_bits: self.number(window_bits).unwrap_or(15),
            context_takeover: !self.has(no_context_takeover),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart() {
        let list = Extension::list(&["a; b=1; c , ,permessage-deflate", "d;e=\"10\""]);
        let names: Vec<_> = list.iter().map(|extension| &*extension.name).collect();
        assert_eq!(names, ["a", "permessage-deflate", "d"]);
        assert!(list[0].has("c") && !list[0].has("d") && list[1].is_deflate());
        assert_eq!(
            (list[0].number("b"), list[2].number("e")),
            (Some(1), Some(10))
        );
    }

    #[test]
    fn what_is_agreed_binds_one_side() {
        let agreed = "x; server_max_window_bits=9; client_no_context_takeover";
        let agreed = &Extension::list(&[agreed])[0];
        let (server, client) = (agreed.of_server(), agreed.of_client());
        assert_eq!((server.window_bits, server.context_takeover), (9, true));
        assert_eq!((client.window_bits, client.context_takeover), (15, false));
    }

    #[test]
    fn each_fault_of_an_answer_is_found() {
        let fault = |text: &str| Extension::list(&[text])[0].fault();
        for right in [
            "server_max_window_bits=8",
            "client_max_window_bits=15; server_no_context_takeover",
        ] {
            assert_eq!(fault(&format!("permessage-deflate; {right}")), None);
        }
        for wrong in [
            "server_max_window_bits=7",
            "server_max_window_bits=08",
            "client_max_window_bits",
            "server_no_context_takeover=1",
            "x",
            "client_no_context_takeover; client_no_context_takeover",
        ] {
            assert!(
                fault(&format!("permessage-deflate; {wrong}")).is_some(),
                "{wrong}"
            );
        }
        assert!(fault("x-other").is_some());
    }
}
