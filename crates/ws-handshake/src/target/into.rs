//! Conversions into a [`Target`].

use http::Uri;

use super::{Target, TargetError};

/// A value that can be converted into a [`Target`]: a URL as text, an [`http::Uri`], or a parsed
/// target.
///
/// ```
/// use ws_handshake::IntoTarget;
///
/// let target = "wss://example.com/feed".into_target()?;
/// let uri = http::Uri::from_static("wss://example.com/feed");
/// assert_eq!(uri.into_target()?, target);
/// assert_eq!((&target).into_target()?, target);
/// # Ok::<(), ws_handshake::TargetError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the URL of a WebSocket",
    label = "neither a URL nor a target",
    note = "write a URL, as `&str`, `String` or `http::Uri`, or parse a `Target`"
)]
pub trait IntoTarget {
    /// Converts the value by the rules of [`Target::parse`].
    ///
    /// # Errors
    ///
    /// [`TargetError`] if the value is not a valid URL of a WebSocket.
    fn into_target(self) -> Result<Target, TargetError>;
}

/// Implements [`IntoTarget`] for each type. With a blanket implementation over `TryInto`, the
/// compiler would not show the message of `on_unimplemented`.
macro_rules! into_target {
    ($($from:ty, |$place:ident| $target:expr;)+) => {$(
        impl IntoTarget for $from {
            fn into_target(self) -> Result<Target, TargetError> {
                let $place = self;
                $target
            }
        }
    )+};
}

into_target! {
    &str, |url| Target::parse(url);
    &String, |url| Target::parse(url);
    String, |url| Target::parse(&url);
    &Uri, |uri| uri.try_into();
    Uri, |uri| uri.try_into();
    &Target, |target| Ok(target.clone());
    Target, |target| Ok(target);
}

/// Converts a URI by the rules of [`Target::parse`]. A fragment is not an error here, because
/// [`Uri`] drops fragments.
impl TryFrom<&Uri> for Target {
    type Error = TargetError;

    fn try_from(uri: &Uri) -> Result<Self, Self::Error> {
        Self::parse(&uri.to_string())
    }
}

/// Converts a URI by the rules of [`Target::parse`]. A fragment is not an error here, because
/// [`Uri`] drops fragments.
impl TryFrom<Uri> for Target {
    type Error = TargetError;

    fn try_from(uri: Uri) -> Result<Self, Self::Error> {
        Self::try_from(&uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_checked_like_a_url() {
        for url in [
            "ws://h",
            "wSs://h:443/a/b?c=d",
            "ws://h?x=1",
            "ws://[::1]:9001//",
            "ws://127.0.0.1:9001/runCase?case=1&agent=x",
            "h:80",
            "/path",
            "*",
            "http://h/",
            "ws://user:secret@h/",
            "ws://h:0/",
        ] {
            let uri: Uri = url.parse().unwrap();
            // `Uri` adds a slash if the path is empty.
            assert_eq!(Target::try_from(&uri), Target::parse(url), "{url}");
            assert_eq!(uri.into_target(), url.into_target(), "{url}");
        }
    }

    #[test]
    fn every_kind_of_url_is_converted_into_a_target() {
        let target = Target::parse("ws://h/a?b").unwrap();
        let url = String::from("ws://h/a?b");
        let uri: Uri = url.parse().unwrap();
        for other in [
            "ws://h/a?b".into_target(),
            (&url).into_target(),
            url.into_target(),
            (&uri).into_target(),
            uri.into_target(),
            (&target).into_target(),
            target.clone().into_target(),
        ] {
            assert_eq!(other.as_ref(), Ok(&target));
        }
    }
}
