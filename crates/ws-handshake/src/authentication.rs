//! The authentication of a request (RFC 9110 §11.6.2).

use http::header::HeaderValue;

use crate::credentials::Credentials;
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
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
