//! The only function of this crate that reads from its environment.

use super::{Proxies, ProxyVariableError};

impl Proxies {
    /// Reads the environment variables that curl reads, and `HTTP_PROXY`, which curl ignores. See
    /// [`from_vars`](Self::from_vars).
    ///
    /// ```
    /// use ws_handshake::Proxies;
    ///
    /// let proxies = Proxies::from_env()?;
    /// # drop(proxies);
    /// # Ok::<(), ws_handshake::ProxyVariableError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ProxyVariableError`] if a variable is not the URL of a proxy.
    pub fn from_env() -> Result<Self, ProxyVariableError> {
        // On Windows, the names of variables are not case-sensitive, so the lower-case name returns
        // the header of the client, too.
        let is_cgi = cfg!(windows) && std::env::var_os("REQUEST_METHOD").is_some();
        // A value that is not UTF-8 must be an error, not a direct connection.
        Self::from_vars(|name| {
            if is_cgi && name.eq_ignore_ascii_case("http_proxy") {
                return None;
            }
            let value = std::env::var_os(name)?;
            Some(value.to_string_lossy().into_owned())
        })
    }
}
