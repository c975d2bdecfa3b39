//! The traits of the public types, and the form of the error texts.

#![forbid(unsafe_code)]

use std::error::Error;

use ws_handshake::{
    Accepted, Agreed, Answer, AnswerError, ClientError, ClientHandshake, DeflateError,
    DeflateParameter, Established, Extension, ExtensionError, HeadError, OriginPolicy, Progress,
    RejectReason, Rejection, Request, RequestError, ServerHandshake, Target, TargetError,
    UpgradeRequest,
};

fn is_error<T: Error + Clone + Send + Sync + Unpin + 'static>() {}
fn is_plain<T: std::fmt::Debug + Send + Sync + Unpin + 'static>() {}

#[test]
fn errors_are_static_send_and_sync() {
    is_error::<AnswerError>();
    is_error::<ClientError>();
    is_error::<DeflateError>();
    is_error::<ExtensionError>();
    is_error::<HeadError>();
    is_error::<Rejection>();
    is_error::<RequestError>();
    is_error::<TargetError>();
}

#[test]
fn types_are_debug_send_and_sync() {
    is_plain::<Accepted>();
    is_plain::<Agreed>();
    is_plain::<Answer>();
    is_plain::<ClientHandshake>();
    is_plain::<Established>();
    is_plain::<Extension>();
    is_plain::<UpgradeRequest>();
    is_plain::<OriginPolicy>();
    is_plain::<Progress<UpgradeRequest>>();
    is_plain::<RejectReason>();
    is_plain::<Request>();
    is_plain::<ServerHandshake>();
    is_plain::<Target>();
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
