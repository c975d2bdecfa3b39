//! The protocol options of a settings file.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::settings::Settings;

/// An invalid option.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OptionError {
    /// The option does not exist.
    Unknown {
        /// The name.
        name: String,
    },
    /// The option exists, but this value is not supported.
    Unsupported {
        /// The name.
        name: String,
        /// The value.
        value: Value,
        /// The supported values.
        supported: String,
    },
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => write!(f, "there is no option `{name}`"),
            Self::Unsupported {
                name,
                value,
                supported,
            } => write!(
                f,
                "option `{name}` cannot be {value}: only {supported} is supported"
            ),
        }
    }
}

impl std::error::Error for OptionError {}

/// Sets the options in `settings`.
pub(super) fn apply(
    options: &Map<String, Value>,
    settings: &mut Settings,
) -> Result<(), OptionError> {
    for (name, value) in options {
        match name.as_str() {
            "openHandshakeTimeout" => settings.open_handshake_timeout = seconds(name, value)?,
            "closeHandshakeTimeout" => settings.close_handshake_timeout = seconds(name, value)?,
            "serverConnectionDropTimeout" => settings.server_drop_timeout = seconds(name, value)?,
            "version" if (13..=18).any(|version| *value == json!(version)) => {}
            "versions" if lists_this_version(value) => {}
            // These options have no influence on a case.
            "autoPingSize" | "webStatus" => {}
            _ => check_fixed(name, value)?,
        }
    }
    Ok(())
}

/// Returns the only value that an option may have, because the verdicts depend on it.
fn fixed(name: &str) -> Option<Value> {
    Some(match name {
        "utf8validateIncoming"
        | "maskClientFrames"
        | "requireMaskedClientFrames"
        | "applyMask"
        | "tcpNoDelay" => json!(true),
        "maskServerFrames" | "acceptMaskedServerFrames" | "failByDrop" | "echoCloseCodeReason" => {
            json!(false)
        }
        "maxFramePayloadSize"
        | "maxMessagePayloadSize"
        | "autoFragmentSize"
        | "autoPingInterval"
        | "autoPingTimeout"
        | "maxConnections" => json!(0),
        "allowedOrigins" => json!(["*"]),
        "version" => json!(18),
        "versions" => json!([13]),
        _ => return None,
    })
}

fn check_fixed(name: &str, value: &Value) -> Result<(), OptionError> {
    let name = name.to_owned();
    match fixed(&name) {
        None => Err(OptionError::Unknown { name }),
        Some(supported) if supported == *value => Ok(()),
        Some(supported) => Err(OptionError::Unsupported {
            name,
            value: value.clone(),
            supported: supported.to_string(),
        }),
    }
}

fn seconds(name: &str, value: &Value) -> Result<Duration, OptionError> {
    let seconds = value.as_f64().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| OptionError::Unsupported {
        name: name.to_owned(),
        value: value.clone(),
        supported: "a number of seconds above 0".to_owned(),
    })
}

/// Returns `true` if the list contains RFC 6455, which is 18 among the drafts and 13 on the wire.
fn lists_this_version(value: &Value) -> bool {
    let versions = value.as_array();
    versions.is_some_and(|versions| versions.contains(&json!(13)) || versions.contains(&json!(18)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(options: Value) -> Result<Settings, OptionError> {
        let mut settings = Settings::default();
        let Value::Object(options) = options else {
            panic!("{options}")
        };
        apply(&options, &mut settings)?;
        Ok(settings)
    }

    #[test]
    fn time_limits_are_taken_over() {
        let settings = applied(json!({
            "openHandshakeTimeout": 7, "closeHandshakeTimeout": 0.5,
            "serverConnectionDropTimeout": 2,
        }));
        let settings = settings.unwrap();
        assert_eq!(settings.open_handshake_timeout.as_secs(), 7);
        assert_eq!(settings.close_handshake_timeout.as_millis(), 500);
        assert_eq!(settings.server_drop_timeout.as_secs(), 2);
    }

    #[test]
    fn what_the_original_does_by_default_is_supported() {
        let options = json!({
            "version": 18, "versions": [8, 13], "failByDrop": false, "applyMask": true,
            "maxMessagePayloadSize": 0, "allowedOrigins": ["*"], "autoPingSize": 9,
            "webStatus": false,
        });
        assert!(applied(options).is_ok());
    }

    #[test]
    fn other_options_and_values_are_refused() {
        let refusal = |options| applied(options).unwrap_err().to_string();
        assert_eq!(
            refusal(json!({"failbydrop": 1})),
            "there is no option `failbydrop`"
        );
        let drop = refusal(json!({"failByDrop": true}));
        assert_eq!(
            drop,
            "option `failByDrop` cannot be true: only false is supported"
        );
        assert!(refusal(json!({"version": 10})).contains("only 18"));
        assert!(refusal(json!({"closeHandshakeTimeout": 0})).contains("above 0"));
        assert!(refusal(json!({"closeHandshakeTimeout": "1"})).contains("seconds"));
    }
}
