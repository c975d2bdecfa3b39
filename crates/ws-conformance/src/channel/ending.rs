//! The end of a connection.

/// The end of a connection, as reports and verdicts need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The suite was the first to send a Close.
    pub(crate) closed_by_me: bool,
    /// The suite failed the connection.
    pub(crate) failed_by_me: bool,
    /// The suite ended TCP.
    pub(crate) dropped_by_me: bool,
    /// The closing handshake was completed.
    pub(crate) was_clean: bool,
    /// The reason why the end was not clean.
    pub(crate) not_clean_reason: Option<&'static str>,
    /// The testee, a server, did not end TCP in time.
    pub(crate) server_drop_timeout: bool,
    /// The testee did not complete the opening handshake in time.
    pub(crate) open_handshake_timeout: bool,
    /// The testee did not answer a Close in time.
    pub(crate) close_handshake_timeout: bool,
    /// The suite's close code.
    pub(crate) local_code: Option<u16>,
    /// The suite's close reason.
    pub(crate) local_reason: Option<String>,
    /// The testee's close code.
    pub(crate) remote_code: Option<u16>,
    /// The testee's close reason.
    pub(crate) remote_reason: Option<String>,
    /// The violations of the testee, in order.
    pub(crate) violations: Vec<String>,
}
