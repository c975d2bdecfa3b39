//! The memory and the output of the profiles of [`DeflateConfig`].

use std::fmt::Write;

use ws_proto::{Config, DeflateConfig, DeflateParams, RecvHalf, Role, SendHalf, Step};

const BLOCK_LEN: usize = 128 * 1024;

/// Returns different JSON texts of about `len` bytes.
fn texts(len: usize) -> impl Iterator<Item = String> {
    const WORDS: [&str; 8] = [
        "order", "late", "please", "call", "invoice", "door", "item", "was",
    ];
    // The upper bits have no short period.
    let next = |state: &u64| {
        Some(
            state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1),
        )
    };
    let mut numbers = std::iter::successors(Some(1), next).map(|state| (state >> 33) as u32);
    std::iter::from_fn(move || {
        let mut number = || numbers.next().expect("the numbers never end");
        let mut text = String::new();
        while text.len() < len {
            let (id, paid) = (number(), number() >> 30 == 0);
            let note: String = (0..4 + (number() >> 20) % 8)
                .map(|_| WORDS[(number() >> 20) as usize % 8])
                .collect::<Vec<_>>()
                .join(" ");
            write!(
                text,
                "{{\"id\":\"{id:08x}\",\"paid\":{paid},\"note\":\"{note}\"}},"
            )
            .expect("writing to a string cannot fail");
        }
        Some(text)
    })
}

fn server(config: &DeflateConfig, params: &DeflateParams) -> SendHalf {
    let mut send = SendHalf::server(&Config::default());
    send.deflate(params, config);
    send
}

/// Sends a message and returns the frame.
fn frame(send: &mut SendHalf, text: &str) -> Vec<u8> {
    send.message(text).unwrap();
    let mut slices = [&[][..]; 4];
    let used = send.slices(&mut slices);
    let frame = slices[..used].concat();
    send.advance(frame.len());
    frame
}

/// Returns the total length of the frames of some texts.
fn sent_len(config: &DeflateConfig, len: usize) -> usize {
    let mut send = server(config, &DeflateParams::default());
    let texts = texts(len).take((256 << 10) / len);
    texts.map(|text| frame(&mut send, &text).len()).sum()
}

/// Returns the bytes that a connection keeps between messages, with context takeover in both
/// directions and settings that the peer accepts.
fn kept(config: &DeflateConfig) -> i64 {
    let params = config.wanted(Role::Client);
    let mut send = server(config, &params);
    let mut recv = RecvHalf::new(Role::Client, &Config::default());
    recv.inflate(&params);
    recv.lending().set_up(Box::default(), BLOCK_LEN, BLOCK_LEN);
    let mut answers = SendHalf::server(&Config::default());
    let info = allocation_counter::measure(|| {
        for text in texts(1 << 16).take(2) {
            let bytes = frame(&mut send, &text);
            recv.lending().lend(vec![0; BLOCK_LEN].into());
            recv.spare()[..bytes.len()].copy_from_slice(&bytes);
            recv.filled(bytes.len());
            while matches!(
                recv.next_message(&mut answers),
                Step::Found(()) | Step::Busy
            ) {}
            drop(recv.lending().park(&mut answers));
        }
        drop(send.lending().reclaim());
    });
    info.bytes_current
}

#[test]
fn each_profile_keeps_its_memory() {
    for (config, bytes) in [
        (DeflateConfig::default(), 277_000),
        (DeflateConfig::small(), 211_000),
        (DeflateConfig::fast(), 240_000),
    ] {
        let kept = kept(&config);
        assert!((bytes - 3_000..=bytes).contains(&kept), "{kept} {config:?}");
    }
}

#[test]
fn the_default_output_is_at_most_10_percent_longer_than_with_the_usual_settings_of_zlib() {
    let usual = DeflateConfig::default()
        .level(6)
        .own_window_bits(15)
        .mem_level(8);
    for len in [1 << 10, 1 << 16] {
        let (default, usual) = (
            sent_len(&DeflateConfig::default(), len),
            sent_len(&usual, len),
        );
        assert!(default * 100 <= usual * 110, "{default} {usual}");
    }
}

#[test]
fn the_other_profiles_make_at_least_a_fifth_less_output_than_the_fast_one() {
    for len in [1 << 10, 1 << 16] {
        let fast = sent_len(&DeflateConfig::fast(), len);
        for other in [DeflateConfig::default(), DeflateConfig::small()] {
            let other = sent_len(&other, len);
            assert!(other * 5 < fast * 4, "{other} {fast}");
        }
    }
}
