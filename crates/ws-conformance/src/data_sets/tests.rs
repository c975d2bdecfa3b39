//! Tests of the data: it is always the same.

use sha1::{Digest, Sha1};

use super::*;

#[test]
fn the_bytes_are_always_the_same() {
    let sum = |data: DataSet| {
        let digest = Sha1::digest(data.bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let sums: [String; 5] = DataSet::ALL.map(sum);
    let pinned = [
        "71a372ddc5d40b8bb7737c3d61aeddc922e51533",
        "e90976937ffb3bf71515c0d28e2e1e246dbbb128",
        "918ba03bbc78328bd59ebfcea50def38c019e24c",
        "a2fab447d52bc29444c48f5bc2cdc9555ea0872d",
        "fb0155058d9d326a9c8299772ba06da3d22ce39f",
    ];
    assert_eq!(sums, pinned);
}

/// As many as the files of the original have.
#[test]
fn there_are_as_many_bytes_and_units_as_in_the_original() {
    for (data, bytes, units) in [
        (DataSet::Json, 194_056, 194_056),
        (DataSet::Bitmap, 263_222, 263_222),
        (DataSet::Prose, 222_218, 222_218),
        (DataSet::Html, 263_647, 263_620),
        (DataSet::Pdf, 1_042_328, 1_042_328),
    ] {
        assert_eq!(data.bytes().len(), bytes, "{data:?}");
        assert_eq!(data.units().count(), units, "{data:?}");
    }
}

#[test]
fn texts_are_texts() {
    let is_text = |data: DataSet| std::str::from_utf8(data.bytes()).is_ok();
    assert!(is_text(DataSet::Json) && is_text(DataSet::Html) && is_text(DataSet::Prose));
    assert!(DataSet::Json.bytes().is_ascii() && !DataSet::Html.bytes().is_ascii());
}

#[test]
fn messages_follow_each_other_and_repeat_after_a_round() {
    let (len, data) = (100_000, DataSet::Html);
    let text = std::str::from_utf8(data.bytes()).unwrap();
    let units: Vec<char> = text.chars().cycle().take(3 * len).collect();
    assert_eq!(data.round(len), 3);
    for number in 0..6 {
        let message = data.message(number, len);
        let bytes = message.to_vec();
        let first = number % 3 * len;
        let expected: String = units[first..first + len].iter().collect();
        assert_eq!(bytes, expected.as_bytes());
        assert!(message.is(&bytes) && message.len() == bytes.len());
        assert!(!message.is(&bytes[1..]) && !message.is(&[&*bytes, b" "].concat()));
    }
}
