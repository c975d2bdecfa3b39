//! The authentication of a request (RFC 9110 §11.6.2).

use http::header::HeaderValue;

use crate::credentials::{Credentials, secret_value};
use crate::request::RequestError;

/// The authentication that a caller chose. It is checked when it is sent.
#[derive(Clone)]
pub(crate) enum Authentication {
    /// RFC 7617.
    Basic(Credentials),
    /// A token (RFC 6750).
    Bearer(String),
}

impl Authentication {
    pub(crate) fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self::Basic(Credentials::new(user, password))
    }

    pub(crate) fn bearer(token: impl Into<String>) -> Self {
        Self::Bearer(token.into())
    }

    /// Returns the value of the `Authorization` header, marked as sensitive.
    pub(crate) fn header_value(&self) -> Result<HeaderValue, RequestError> {
        match self {
            Self::Basic(credentials) => Ok(credentials.basic()?),
            Self::Bearer(token) => bearer(token).ok_or(RequestError::InvalidBearerToken),
        }
    }
}

/// The grammar `b64token` (RFC 6750 §2.1) has fewer characters. Real tokens have others, which
/// cannot break the header either.
fn bearer(token: &str) -> Option<HeaderValue> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    secret_value(format!("Bearer {token}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_visible_ascii() {
        for token in [
            "a",
            "AZaz09-._~+/==",
            "eyJh.eyJz.c2ln",
            "with:colon|and{others}",
        ] {
            let value = Authentication::bearer(token).header_value().unwrap();
            assert_eq!(value, format!("Bearer {token}"));
            assert!(value.is_sensitive());
        }
        let controls = (0..=0x20_u8).chain([0x7f]).map(char::from);
        let invalid = controls.map(|control| format!("a{control}b"));
        for token in invalid.chain([String::new(), "\u{e9}".into()]) {
            let result = Authentication::bearer(&*token).header_value();
            assert_eq!(result, Err(RequestError::InvalidBearerToken), "{token:?}");
        }
    }
}
