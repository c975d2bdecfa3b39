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
    /// Splits a reference as the regular expression of RFC 3986, appendix B, does. Every text can
    /// be split.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn join(base: &str, reference: &str) -> Result<String, TargetError> {
        let target = Target::parse(base).unwrap().join(reference)?;
        Ok(target.url())
    }

    #[test]
    fn the_examples_of_the_rfc_are_resolved() {
        for (reference, expected) in [
            // RFC 3986 §5.4.1, normal examples.
            ("g", "ws://a/b/c/g"),
            ("./g", "ws://a/b/c/g"),
            ("g/", "ws://a/b/c/g/"),
            ("/g", "ws://a/g"),
            ("//g", "ws://g/"),
            ("?y", "ws://a/b/c/d;p?y"),
            ("g?y", "ws://a/b/c/g?y"),
            ("#s", "ws://a/b/c/d;p?q"),
            ("g#s", "ws://a/b/c/g"),
            ("g?y#s", "ws://a/b/c/g?y"),
            (";x", "ws://a/b/c/;x"),
            ("g;x", "ws://a/b/c/g;x"),
            ("g;x?y#s", "ws://a/b/c/g;x?y"),
            ("", "ws://a/b/c/d;p?q"),
            (".", "ws://a/b/c/"),
            ("./", "ws://a/b/c/"),
            ("..", "ws://a/b/"),
            ("../", "ws://a/b/"),
            ("../g", "ws://a/b/g"),
            ("../..", "ws://a/"),
            ("../../", "ws://a/"),
            ("../../g", "ws://a/g"),
            // RFC 3986 §5.4.2, abnormal examples.
            ("../../../g", "ws://a/g"),
            ("../../../../g", "ws://a/g"),
            ("/./g", "ws://a/g"),
            ("/../g", "ws://a/g"),
            ("g.", "ws://a/b/c/g."),
            (".g", "ws://a/b/c/.g"),
            ("g..", "ws://a/b/c/g.."),
            ("..g", "ws://a/b/c/..g"),
            ("./../g", "ws://a/b/g"),
            ("./g/.", "ws://a/b/c/g/"),
            ("g/./h", "ws://a/b/c/g/h"),
            ("g/../h", "ws://a/b/c/h"),
            ("g;x=1/./y", "ws://a/b/c/g;x=1/y"),
            ("g;x=1/../y", "ws://a/b/c/y"),
            ("g?y/./x", "ws://a/b/c/g?y/./x"),
            ("g?y/../x", "ws://a/b/c/g?y/../x"),
            ("g#s/./x", "ws://a/b/c/g"),
            ("g#s/../x", "ws://a/b/c/g"),
        ] {
            assert_eq!(
                join("ws://a/b/c/d;p?q", reference).as_deref(),
                Ok(expected),
                "{reference}"
            );
        }
        // RFC 3986 §5.4.1 and §5.4.2: these have another scheme, or a scheme without a host.
        for (reference, error) in [
            ("g:h", TargetError::UnsupportedScheme),
            ("http:g", TargetError::EmptyHost),
            ("ws:g", TargetError::EmptyHost),
        ] {
            assert_eq!(
                join("ws://a/b/c/d;p?q", reference),
                Err(error),
                "{reference}"
            );
        }
    }

    #[test]
    fn absolute_references_name_schemes_hosts_and_ports() {
        for (reference, expected) in [
            ("http://g", "ws://g/"),
            ("https://g", "wss://g/"),
            ("WS://G/a/../b?c#d", "ws://G/b?c"),
            ("wss://g:443/", "wss://g/"),
            ("https://g:80/x", "wss://g:80/x"),
            ("//[::1]:9001/x", "wss://[::1]:9001/x"),
            ("//g?x", "wss://g/?x"),
            ("//g#x/y", "wss://g/"),
            ("?", "wss://a/b?"),
            ("?x:y", "wss://a/b?x:y"),
            ("#x?y", "wss://a/b?q"),
            ("./x:y", "wss://a/x:y"),
            ("/x:y//z", "wss://a/x:y//z"),
            ("/.//g", "wss://a//g"),
            ("/a//../b", "wss://a/a/b"),
            ("/%2e%2E/g", "wss://a/%2e%2E/g"),
            ("\\\\evil/", "wss://a/\\\\evil/"),
        ] {
            assert_eq!(
                join("wss://a/b?q", reference).as_deref(),
                Ok(expected),
                "{reference}"
            );
        }
    }

    #[test]
    fn invalid_references_are_errors() {
        for (reference, error) in [
            ("ftp://g/", TargetError::UnsupportedScheme),
            ("x:y", TargetError::UnsupportedScheme),
            (":x", TargetError::UnsupportedScheme),
            ("1:2", TargetError::UnsupportedScheme),
            ("ws:///x", TargetError::EmptyHost),
            ("///x", TargetError::EmptyHost),
            ("//u:p@g/", TargetError::UserInfoInLocation),
            ("//good\\@evil/", TargetError::UserInfoInLocation),
            ("//g:0/", TargetError::InvalidPort),
            ("//g\\h/", TargetError::InvalidHost),
            ("/a b", TargetError::InvalidPath),
            (" /a", TargetError::InvalidPath),
            ("/a\r\nX: y", TargetError::InvalidPath),
            ("a\0", TargetError::InvalidPath),
            ("?\u{e9}", TargetError::InvalidPath),
            ("//g/a\tb", TargetError::InvalidPath),
        ] {
            assert_eq!(join("ws://a/b", reference), Err(error), "{reference:?}");
        }
    }

    #[test]
    fn credentials_stay_within_the_origin() {
        let base = Target::parse("wss://u:p@a/").unwrap();
        for (reference, kept) in [
            ("/x", true),
            ("?x", true),
            ("", true),
            ("wss://A:443/x", true),
            ("https://a/x", true),
            ("//a/x", true),
            ("//b/x", false),
            ("//a:8443/", false),
            ("ws://a/", false),
            ("ws://a:443/", false),
        ] {
            let target = base.join(reference).unwrap();
            assert_eq!(target.credentials().is_some(), kept, "{reference}");
            assert_eq!(base.is_same_origin(&target), kept, "{reference}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_joined_target_is_stable(
            base in "wss?://[a-c]{1,3}(:80)?(/[a./]{0,8})?(\\?[a/.]{0,3})?",
            reference in prop_oneof!["[a-c:/?#.@%\\[\\]\\\\]{0,16}", "(https?|wss?)://[a-c:@/?#.]{0,12}", ".{0,20}"],
        ) {
            let base = Target::parse(&base).unwrap();
            if let Ok(target) = base.join(&reference) {
                // The URL is parsed as the same target, and joined as the same target.
                prop_assert_eq!(Target::parse(&target.url()), Ok(target.clone()));
                prop_assert!(target.path_and_query().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(target.join(""), Ok(target.clone()));
                // Dot segments are gone, unless they are those of the base.
                let path = |target: &Target| target.path_and_query().split('?').next().map(str::to_owned);
                let joined = path(&target).unwrap_or_default();
                let has_dots = joined.split('/').any(|segment| matches!(segment, "." | ".."));
                prop_assert!(!has_dots || path(&base) == Some(joined));
            }
        }
    }
}
