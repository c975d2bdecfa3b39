//! Data that hardly compresses: a picture and a document.

use super::noise::Noise;

/// Width and height of the picture, in dots.
const SIDE: usize = 512;
const PDF_LEN: usize = 1_042_328;

/// Returns a picture of 512 by 512 grey dots with the header of a BMP file: hills and grain.
pub(super) fn bitmap() -> Vec<u8> {
    let mut noise = Noise::new(122);
    let mut bytes = bitmap_header();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let hill = |scale: usize| {
                let (u, v) = (
                    x % scale * (scale - x % scale),
                    y % scale * (scale - y % scale),
                );
                u * v * 16 / (scale * scale) * 100 / (scale * scale)
            };
            let grain = noise.below(GRAIN) + noise.below(GRAIN);
            bytes.push((40 + hill(256) / 2 + hill(90) / 3 + grain as usize).min(255) as u8);
        }
    }
    bytes
}

/// The strength of the grain. A stronger grain compresses worse.
const GRAIN: u64 = 46;

fn bitmap_header() -> Vec<u8> {
    let side = SIDE as u32;
    let mut header = b"BM".to_vec();
    let start = 54 + 4 * 256;
    for field in [
        start + side * side,
        0,
        start,
        40,
        side,
        side,
        8 << 16 | 1,
        0,
        side * side,
    ] {
        header.extend(field.to_le_bytes());
    }
    for field in [2835_u32, 2835, 256, 0] {
        header.extend(field.to_le_bytes());
    }
    header.extend((0..=255).flat_map(|grey| [grey, grey, grey, 0]));
    header
}

/// Returns objects with compressed contents and their descriptions.
pub(super) fn pdf() -> Vec<u8> {
    let mut noise = Noise::new(125);
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut number = 0;
    while bytes.len() < PDF_LEN {
        number += 1;
        let len = 200 + noise.below(9000);
        let head = format!("{number} 0 obj\n<< /Length {len} /Filter /FlateDecode >>\nstream\n");
        bytes.extend(head.into_bytes());
        bytes.extend((0..len).map(|_| noise.byte()));
        bytes.extend(b"\nendstream\nendobj\n");
        // Pages come first, and fonts follow.
        let glyphs = if number > 60 { noise.below(150) } else { 0 };
        for glyph in 0..glyphs {
            let width = 250 + noise.below(40) * 10;
            bytes.extend(
                format!("/g{glyph:03} << /Width {width} /Font /F{number} >>\n").into_bytes(),
            );
        }
    }
    bytes.truncate(PDF_LEN);
    bytes
}
