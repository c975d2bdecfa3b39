//! A user name and a password, for a server or for a proxy.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;

use crate::percent;

/// A user name and a password, for basic authentication (RFC 7617) or for a SOCKS5 proxy (RFC
/// 1929).
///
/// Any text can be stored. The rules of the scheme are checked when the credentials are used:
/// neither part may have control characters, and the user name for basic authentication has no
/// colon.
///
/// ```
/// use ws_handshake::Credentials;
///
/// let credentials = Credentials::new("alice", "correct horse");
/// assert_eq!((credentials.user(), credentials.password()), ("alice", "correct horse"));
/// assert_eq!(format!("{credentials:?}"), "Credentials { .. }");
/// ```
///
/// `Debug` shows neither part.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// Creates credentials. Both parts are sent as UTF-8.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
        }
    }

    /// Returns the user name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Parses the part of a URL before the `@`, and decodes it (RFC 3986 §3.2.1). Returns
    /// `Ok(None)` if user and password are empty.
    pub(crate) fn from_userinfo(userinfo: &str) -> Result<Option<Self>, InvalidUserInfo> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let decode = |part| percent::decode(part).ok_or(InvalidUserInfo);
        let credentials = Self::new(decode(user)?, decode(password)?);
        credentials
            .check_characters()
            .map_err(|_| InvalidUserInfo)?;
        let is_empty = credentials.user.is_empty() && credentials.password.is_empty();
        Ok((!is_empty).then_some(credentials))
    }

    /// Checks the rule that holds for every scheme (RFC 7617 §2).
    pub(crate) fn check_characters(&self) -> Result<(), CredentialsError> {
        let mut characters = self.user.chars().chain(self.password.chars());
        if characters.any(char::is_control) {
            return Err(CredentialsError::ControlCharacter);
        }
        Ok(())
    }

    /// Checks the rules of basic authentication (RFC 7617 §2).
    pub(crate) fn check_basic(&self) -> Result<(), CredentialsError> {
        if self.user.contains(':') {
            return Err(CredentialsError::ColonInUser);
        }
        self.check_characters()
    }

    /// Returns the value of the header for basic authentication (RFC 7617 §2).
    pub(crate) fn basic(&self) -> Result<HeaderValue, CredentialsError> {
        self.check_basic()?;
        let pair = format!("{}:{}", self.user, self.password);
        secret_value(format!("Basic {}", STANDARD.encode(pair)))
            .ok_or(CredentialsError::ControlCharacter)
    }
}

/// Returns a header value that is marked as sensitive. `None` if the text has control bytes.
pub(crate) fn secret_value(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// The part of a URL before the `@` is malformed. Does not contain the part, which is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidUserInfo;

/// The reason why [`Credentials`] cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The user name for basic authentication has a colon, which ends the name (RFC 7617 §2).
    ColonInUser,
    /// The user name or the password has a control character, for example a line end (RFC 7617 §2).
    ControlCharacter,
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ColonInUser => {
                "the user name has a colon, which basic authentication cannot send; use another one"
            }
            Self::ControlCharacter => {
                "the user name or the password has a line end or another control character; \
                 remove it"
            }
        })
    }
}

impl std::error::Error for CredentialsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_authentication_encodes_utf_8() {
        for (user, password, value) in [
            // The examples of RFC 7617 §2 and §2.1.
            (
                "Aladdin",
                "open sesame",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            ),
            ("test", "123\u{a3}", "Basic dGVzdDoxMjPCow=="),
            ("", "", "Basic Og=="),
            ("a", "b:c", "Basic YTpiOmM="),
        ] {
            let header = Credentials::new(user, password).basic().unwrap();
            assert_eq!(header, value);
            assert!(header.is_sensitive());
        }
    }

    #[test]
    fn a_colon_in_the_user_name_is_an_error_for_basic_authentication_alone() {
        let credentials = Credentials::new("a:b", "c");
        assert_eq!(credentials.basic(), Err(CredentialsError::ColonInUser));
        assert_eq!(credentials.check_characters(), Ok(()));
    }

    #[test]
    fn control_characters_are_errors_in_both_parts() {
        let controls = (0..=0x1f_u8)
            .chain([0x7f])
            .map(char::from)
            .chain(['\u{85}']);
        for control in controls {
            let text = format!("a{control}b");
            for credentials in [Credentials::new(&*text, "c"), Credentials::new("c", &*text)] {
                let error = Err(CredentialsError::ControlCharacter);
                assert_eq!(credentials.basic(), error, "{text:?}");
            }
        }
    }

    #[test]
    fn the_part_before_the_at_sign_is_decoded() {
        let some = |user, password| Ok(Some(Credentials::new(user, password)));
        for (userinfo, expected) in [
            ("", Ok(None)),
            (":", Ok(None)),
            ("u", some("u", "")),
            ("u:", some("u", "")),
            (":p", some("", "p")),
            ("u:p:q", some("u", "p:q")),
            ("%3a:%40%C3%A9", some(":", "@\u{e9}")),
            ("u:%0d", Err(InvalidUserInfo)),
            ("u:%00", Err(InvalidUserInfo)),
            ("u@v:p", Err(InvalidUserInfo)),
            ("u:%", Err(InvalidUserInfo)),
        ] {
            assert_eq!(Credentials::from_userinfo(userinfo), expected, "{userinfo}");
        }
    }
}
