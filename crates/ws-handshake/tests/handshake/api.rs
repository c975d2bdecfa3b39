//! The traits of the public types, and the form of the error texts.

use std::error::Error;

use ws_handshake::{
    Accepted, Agreed, Answer, AnswerError, AnyRequest, ClientError, ClientHandshake, Credentials,
    CredentialsError, DeflateError, DeflateParameter, Established, Extension, ExtensionError,
    HeadError, HeadLimits, IpRange, IpRangeError, OriginPolicy, Progress, Proxies, Proxy,
    ProxyScheme, ProxyUrlError, ProxyVariableError, RedirectError, Redirects, RejectReason,
    Rejection, Request, RequestError, ServerHandshake, ServerRules, Socks5, Socks5Error,
    Socks5Refusal, Target, TargetError, Tunnel, TunnelError, UpgradeRequest,
};

fn is_error<T: Error + Clone + Send + Sync + Unpin + 'static>() {}
fn is_plain<T: std::fmt::Debug + Send + Sync + Unpin + 'static>() {}

#[test]
fn errors_are_static_send_and_sync() {
    is_error::<AnswerError>();
    is_error::<ClientError>();
    is_error::<CredentialsError>();
    is_error::<DeflateError>();
    is_error::<ExtensionError>();
    is_error::<HeadError>();
    is_error::<IpRangeError>();
    is_error::<ProxyUrlError>();
    is_error::<ProxyVariableError>();
    is_error::<RedirectError>();
    is_error::<Rejection>();
    is_error::<RequestError>();
    is_error::<Socks5Error>();
    is_error::<TargetError>();
    is_error::<TunnelError>();
}

#[test]
fn types_are_debug_send_and_sync() {
    is_plain::<Accepted>();
    is_plain::<Agreed>();
    is_plain::<Answer>();
    is_plain::<ClientHandshake>();
    is_plain::<Credentials>();
    is_plain::<Established>();
    is_plain::<Extension>();
    is_plain::<UpgradeRequest>();
    is_plain::<IpRange>();
    is_plain::<OriginPolicy>();
    is_plain::<AnyRequest>();
    is_plain::<HeadLimits>();
    is_plain::<ServerRules>();
    is_plain::<Progress<UpgradeRequest>>();
    is_plain::<Proxies>();
    is_plain::<Proxy>();
    is_plain::<ProxyScheme>();
    is_plain::<Redirects>();
    is_plain::<RejectReason>();
    is_plain::<Request>();
    is_plain::<ServerHandshake>();
    is_plain::<Socks5>();
    is_plain::<Socks5Refusal>();
    is_plain::<Target>();
    is_plain::<Tunnel>();
}

#[test]
fn error_texts_have_a_problem_and_a_remedy() {
    let deflate = DeflateError::DuplicateParameter(DeflateParameter::ServerMaxWindowBits);
    let errors: [Box<dyn Error>; 11] = [
        Box::new(Target::parse("http://h").unwrap_err()),
        Box::new(ExtensionError::InvalidName),
        Box::new(AnswerError::ProtocolNotOffered("chat".into())),
        Box::new(AnswerError::Deflate(deflate.clone())),
        Box::new(ClientError::Deflate(deflate)),
        Box::new(RequestError::InvalidProtocol("a b".into())),
        Box::new(ClientError::WrongAccept),
        Box::new(ClientError::Head(HeadError::TooManyHeaders)),
        Box::new(ClientError::Head(HeadError::TlsOnPlainConnection)),
        Box::new(HeadError::InvalidHeader),
        Box::new(RequestError::ReservedHeader(http::header::HOST)),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(
            text.contains("; "),
            "not of the form `problem; remedy`: {text}"
        );
    }
}

#[test]
fn error_texts_of_addresses_and_proxies_have_a_problem_and_a_remedy() {
    let errors: Vec<Box<dyn Error>> = vec![
        Box::new(CredentialsError::ColonInUser),
        Box::new(CredentialsError::ControlCharacter),
        Box::new(IpRangeError::InvalidAddress),
        Box::new(IpRangeError::InvalidLength),
        Box::new(ProxyUrlError::EmptyHost),
        Box::new(ProxyUrlError::InvalidHost),
        Box::new(ProxyUrlError::InvalidPort),
        Box::new(ProxyUrlError::InvalidUserInfo),
        Box::new(ProxyUrlError::Path),
        Box::new(ProxyUrlError::UnsupportedScheme),
        Box::new(RedirectError::DuplicateLocation),
        Box::new(RedirectError::Insecure),
        Box::new(RedirectError::Location(TargetError::InvalidPath)),
        Box::new(RedirectError::TooMany),
        Box::new(RequestError::DuplicateAuthorization),
        Box::new(RequestError::InvalidBearerToken),
        Box::new(Socks5Error::AuthenticationFailed),
        Box::new(Socks5Error::AuthenticationRequired),
        Box::new(Socks5Error::ConnectionClosed),
        Box::new(Socks5Error::CredentialsLength),
        Box::new(Socks5Error::InvalidAddressType(2)),
        Box::new(Socks5Error::InvalidHost),
        Box::new(Socks5Error::MethodNotOffered(1)),
        Box::new(Socks5Error::NameTooLong),
        Box::new(Socks5Error::NoAcceptableMethod),
        Box::new(Socks5Error::Truncated),
        Box::new(Socks5Error::WrongVersion(4)),
        Box::new(TargetError::InvalidUserInfo),
        Box::new(TargetError::UserInfoInLocation),
        Box::new(TunnelError::ConnectionClosed),
        Box::new(TunnelError::Head(HeadError::MalformedStartLine)),
        Box::new(TunnelError::Head(HeadError::TlsOnPlainConnection)),
        Box::new(TunnelError::Head(HeadError::TooManyHeaders)),
        Box::new(TunnelError::InvalidHost),
        Box::new(TunnelError::Refused(Box::default())),
        Box::new(TunnelError::TruncatedHead),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.contains("; "), "{text}");
        assert!(
            !text.ends_with('.') && !text.starts_with(char::is_uppercase),
            "{text}"
        );
    }
}

#[test]
fn error_texts_have_no_item_paths() {
    // Users of a driver do not use the items of this crate, so the texts must not refer to such
    // items.
    let deflate = DeflateError::ServerMaxWindowBitsMissing;
    let errors: [Box<dyn Error>; 5] = [
        Box::new(AnswerError::Deflate(deflate)),
        Box::new(AnswerError::ExtensionNotOffered("x".into())),
        Box::new(AnswerError::ProtocolNotOffered("chat".into())),
        Box::new(AnswerError::ReservedHeader(http::header::HOST)),
        Box::new(RequestError::ReservedHeader(http::header::HOST)),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(!text.contains("::"), "{text}");
    }
}

#[test]
fn an_agreement_can_be_built_by_the_caller() {
    let params = ws_proto::DeflateParams::default();
    let extension = Extension::new("permessage-deflate").unwrap();
    let agreed = Agreed::new()
        .with_protocol("chat")
        .with_extension(extension.clone())
        .with_deflate(params);
    assert_eq!(agreed.protocol(), Some("chat"));
    assert_eq!(agreed.extensions(), [extension]);
    assert_eq!(agreed.deflate(), Some(params));
    assert_eq!(Agreed::new(), Agreed::default());
}
