//! Resolving a reference, for example the `Location` of a redirect (RFC 3986 §5).

use super::{Target, TargetError};

impl Target {
    /// Resolves a reference against this target (RFC 3986 §5.2), for example the `Location` of a
    /// redirect.
    ///
    /// * Every form of a reference is resolved: absolute, `//host/path`, `/path`, `path`, `?query`,
    ///   `#fragment`, and the empty reference.
    /// * `http` is read as `ws`, and `https` as `wss`.
    /// * A fragment is dropped.
    /// * The [`credentials`](Self::credentials) of this target are kept if the result has the same
    ///   origin. A reference with a user name or password is refused, because it may come from a
    ///   server (RFC 9110 §4.2.4).
    ///
    /// ```
    /// use ws_handshake::Target;
    ///
    /// let target = Target::parse("wss://example.com/a/b?c")?;
    /// assert_eq!(target.join("../d")?.url(), "wss://example.com/d");
    /// assert_eq!(target.join("https://example.org/e#f")?.url(), "wss://example.org/e");
    /// # Ok::<(), ws_handshake::TargetError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TargetError`] if the result is not a valid URL of a WebSocket.
    pub fn join(&self, location: &str) -> Result<Self, TargetError> {
        let reference = Reference::parse(location);
        let secure = match reference.scheme {
            Some(scheme) => is_secure(scheme)?,
            None => self.secure,
        };
        let Some(authority) = reference.authority else {
            // With a scheme, the authority must follow.
            return match reference.scheme {
                Some(_) => Err(TargetError::EmptyHost),
                None => self.with_path(&reference),
            };
        };
        if authority.contains('@') {
            return Err(TargetError::UserInfoInLocation);
        }
        let path = remove_dot_segments(reference.path);
        let resource = with_query(path, reference.query);
        let mut target = Self::from_parts(secure, authority, &resource)?;
        if self.is_same_origin(&target) {
            target.credentials.clone_from(&self.credentials);
        }
        Ok(target)
    }

    /// Resolves a reference without an authority.
    fn with_path(&self, reference: &Reference<'_>) -> Result<Self, TargetError> {
        let (path, query) = match self.path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path_and_query.as_str(), None),
        };
        let resource = if reference.path.is_empty() {
            with_query(path.to_owned(), reference.query.or(query))
        } else {
            let merged = merge(path, reference.path);
            with_query(remove_dot_segments(&merged), reference.query)
        };
        Ok(Self {
            path_and_query: super::path_and_query(&resource)?,
            ..self.clone()
        })
    }
}

/// The parts of a reference (RFC 3986 §4.1). The fragment is dropped.
#[derive(Debug)]
struct Reference<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Splits a reference as the regular expression of RFC 3986, appendix B, does. Every text can be
    /// split.
    fn parse(reference: &'a str) -> Self {
        let rest = reference.split('#').next().unwrap_or_default();
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if !scheme.contains('/') => (Some(scheme), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self {
            scheme,
            authority,
            path,
            query,
        }
    }
}

/// Reads the scheme of a reference. Servers write `http` in `Location`, also for a WebSocket.
fn is_secure(scheme: &str) -> Result<bool, TargetError> {
    let is_one_of = |names: [&str; 2]| names.iter().any(|name| scheme.eq_ignore_ascii_case(name));
    if is_one_of(["wss", "https"]) {
        Ok(true)
    } else if is_one_of(["ws", "http"]) {
        Ok(false)
    } else {
        Err(TargetError::UnsupportedScheme)
    }
}

/// Appends a path to the base (RFC 3986 §5.2.3). The path of the base begins with a slash.
fn merge(base: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let (directory, _) = base.rsplit_once('/').unwrap_or_default();
    format!("{directory}/{path}")
}

/// Resolves the segments `.` and `..` of a path that is empty or begins with a slash (RFC 3986
/// §5.2.4).
fn remove_dot_segments(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let mut rest = path.strip_prefix('/');
    while let Some(current) = rest {
        let (segment, next) = match current.split_once('/') {
            Some((segment, next)) => (segment, Some(next)),
            None => (current, None),
        };
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
        // A dot segment at the end stands for a directory, so the path ends with a slash.
        if next.is_none() && matches!(segment, "." | "..") {
            segments.push("");
        }
        rest = next;
    }
    let mut resolved = String::with_capacity(path.len());
    for segment in segments {
        resolved.push('/');
        resolved.push_str(segment);
    }
    resolved
}

fn with_query(mut path: String, query: Option<&str>) -> String {
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    path
}
