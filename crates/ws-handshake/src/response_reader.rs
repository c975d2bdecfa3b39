//! Reading the response to one request: interim heads, the final head, and the body of a refusal.
//!
//! The handshake and the tunnel through a proxy have the same rules. They differ in the status that
//! they accept.

use http::header::{HeaderMap, LOCATION};
use http::{Response, StatusCode};

use crate::field_lines::{OddLines, parse_fields};
use crate::head::{Head, HeadReader, HttpVersion, StatusLine};
use crate::head_error::HeadError;
use crate::head_rules::HeadRules;
use crate::limits::Progress;
use crate::refusal_body::RefusalBody;

/// The reason why a response is not the expected one.
#[derive(Clone)]
pub(crate) enum ResponseFault {
    /// The connection ended before the first byte of a final response.
    ConnectionClosed,
    Head(HeadError),
    Refused(Box<Response<Vec<u8>>>),
    /// The connection ended within a head.
    TruncatedHead,
}

impl From<HeadError> for ResponseFault {
    fn from(error: HeadError) -> Self {
        // All heads of a response share one limit. So the limit may be reached within a start line
        // that is not too long.
        Self::Head(match error {
            HeadError::StartLineTooLong => HeadError::HeadTooLong,
            error => error,
        })
    }
}

/// The head of a final response.
pub(crate) struct FinalHead {
    pub(crate) version: HttpVersion,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

impl FinalHead {
    pub(crate) fn into_response<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if self.version == HttpVersion::Http10 {
            *response.version_mut() = http::Version::HTTP_10;
        }
        response
    }
}

/// The judgment about a final head.
pub(crate) enum Verdict<T> {
    /// The response has no body for this crate. All bytes after the head belong to the caller.
    Accepted(T),
    /// The body follows.
    Refused(FinalHead),
}

/// A reader of one response. `E` is the error of its user.
pub(crate) struct ResponseReader<E> {
    state: State<E>,
}

enum State<E> {
    Head(HeadReader),
    Body(RefusalBody),
    /// The result has been returned. All bytes after the head belong to the caller.
    Done,
    /// The error was returned. Later calls return it again.
    Failed {
        error: E,
        refused: bool,
    },
}

impl<E: Clone + From<ResponseFault>> ResponseReader<E> {
    pub(crate) fn new(rules: HeadRules) -> Self {
        Self {
            state: State::Head(HeadReader::new(rules)),
        }
    }

    /// Reads input, which may be split at any byte. `judge` is called with the final head.
    ///
    /// A malformed head that begins with the status line of a refusal is a refusal as well: with
    /// the complete lines before the fault, and without a body.
    pub(crate) fn receive<T>(
        &mut self,
        input: &[u8],
        judge: impl Fn(FinalHead) -> Result<Verdict<T>, E>,
    ) -> Result<Progress<T>, E> {
        let result = self.advance(input, judge);
        if let Err(error) = &result {
            self.state = State::Failed {
                error: error.clone(),
                refused: self.is_refused(),
            };
        }
        result
    }

    /// Returns `true` if the head of a refusal has arrived.
    pub(crate) fn is_refused(&self) -> bool {
        match self.state {
            State::Head(_) | State::Done => false,
            State::Body(_) => true,
            State::Failed { refused, .. } => refused,
        }
    }

    /// Ends the response. Returns the reason why it is not complete. `judge` is called if the input
    /// ends within a final head.
    pub(crate) fn end_of_input<T>(
        &mut self,
        judge: impl Fn(FinalHead) -> Result<Verdict<T>, E>,
    ) -> E {
        if let State::Head(reader) = &mut self.state
            && let Some(head) = refusal_in(reader, &[], judge)
        {
            self.refuse(head);
        }
        self.fail()
    }

    /// Fails with the reason that the state contains.
    fn fail(&mut self) -> E {
        let refused = self.is_refused();
        let error = match std::mem::replace(&mut self.state, State::Done) {
            State::Head(reader) if reader.is_empty() => ResponseFault::ConnectionClosed.into(),
            State::Head(_) => ResponseFault::TruncatedHead.into(),
            State::Body(body) => ResponseFault::Refused(body.into_response()).into(),
            State::Done => ResponseFault::ConnectionClosed.into(),
            State::Failed { error, .. } => error,
        };
        self.state = State::Failed {
            error: error.clone(),
            refused,
        };
        error
    }

    /// Returns the name of the state, for `Debug`.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.state {
            State::Head(_) => "Head",
            State::Body(_) => "Body",
            State::Done => "Done",
            State::Failed { .. } => "Failed",
        }
    }

    fn refuse(&mut self, head: FinalHead) {
        let response = head.into_response(Vec::new());
        self.state = State::Body(RefusalBody::new(response));
    }

    fn advance<T>(
        &mut self,
        input: &[u8],
        judge: impl Fn(FinalHead) -> Result<Verdict<T>, E>,
    ) -> Result<Progress<T>, E> {
        let mut used = 0;
        // Each iteration reads one head, or the body. An iteration may run without input, because
        // no further byte may be needed to complete a body or to reach a limit.
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let head = match &mut self.state {
                State::Head(reader) => {
                    let received = match reader.receive(rest, StatusLine::check) {
                        Ok((length, None)) => return Ok(Progress::pending(used + length)),
                        Ok((length, Some(head))) => {
                            used += length;
                            final_head(&head)
                        }
                        Err(fault) => match refusal_in(reader, rest, &judge) {
                            Some(head) => {
                                self.refuse(head);
                                return Err(self.fail());
                            }
                            None => Err(fault),
                        },
                    };
                    received.map_err(ResponseFault::from)?
                }
                State::Body(body) => {
                    if body.receive(rest) {
                        return Err(self.fail());
                    }
                    return Ok(Progress::pending(input.len()));
                }
                State::Done => return Ok(Progress::pending(used)),
                State::Failed { error, .. } => return Err(error.clone()),
            };
            match head.map(&judge).transpose()? {
                None => self.next_head(),
                Some(Verdict::Refused(head)) => self.refuse(head),
                Some(Verdict::Accepted(value)) => {
                    self.state = State::Done;
                    return Ok(Progress::done(used, value));
                }
            }
        }
    }

    /// Starts to read the head that follows a `1xx` head. Both heads share one limit.
    fn next_head(&mut self) {
        if let State::Head(reader) = &self.state {
            self.state = State::Head(reader.next());
        }
    }
}

/// Returns the head of a refusal, if its status line is complete. The rest of the head is not, or
/// it is malformed. The lines before that point are enough to tell the caller why the server
/// refused. They are not enough for a redirect, because another `Location` may follow.
fn refusal_in<T, E>(
    reader: &mut HeadReader,
    input: &[u8],
    judge: impl Fn(FinalHead) -> Result<Verdict<T>, E>,
) -> Option<FinalHead> {
    let head = final_head(&reader.complete_lines(input)?).ok()??;
    match judge(head) {
        Ok(Verdict::Refused(mut head)) => {
            head.headers.remove(LOCATION);
            Some(head)
        }
        Ok(Verdict::Accepted(_)) | Err(_) => None,
    }
}

/// Parses a complete head. Returns `None` for a `1xx` head other than 101, which is skipped (RFC
/// 9110 §15.2).
fn final_head(head: &Head<'_>) -> Result<Option<FinalHead>, HeadError> {
    let StatusLine { version, status } = StatusLine::parse(head.start_line)?;
    let odd = match status {
        StatusCode::SWITCHING_PROTOCOLS => OddLines::AcceptedIfUnrelated,
        _ => OddLines::Accepted,
    };
    let headers = parse_fields(head, odd)?;
    // HTTP/1.0 has no 1xx statuses (RFC 9110 §15.2).
    if status.is_informational() && version == HttpVersion::Http10 {
        return Err(HeadError::UnsupportedHttpVersion);
    }
    let is_final = !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS;
    Ok(is_final.then_some(FinalHead {
        version,
        status,
        headers,
    }))
}
