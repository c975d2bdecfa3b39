//! Ranges of IP addresses in the notation of CIDR (RFC 4632 §3.1, RFC 4291 §2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of IP addresses: all addresses that begin with the same bits.
///
/// The text form is `address/length`, as in `10.0.0.0/8` and `2001:db8::/32`. The length is the
/// number of bits that are compared. The other bits of the address have no meaning. An address
/// without a length is the range of this address alone.
///
/// An IPv4-mapped address (`::ffff:192.0.2.1`) is the IPv4 address that it contains. A server that
/// listens on `[::]` receives such addresses from clients with IPv4.
///
/// ```
/// use ws_handshake::IpRange;
///
/// let range: IpRange = "10.0.0.0/8".parse()?;
/// assert!(range.contains("10.1.2.3".parse()?));
/// assert!(range.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!range.contains("192.0.2.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpRange {
    /// The first address of the range. It is not an IPv4-mapped address.
    first: IpAddr,
    /// At most 32 for IPv4, and 128 for IPv6.
    len: u8,
}

impl IpRange {
    /// Creates the range of the addresses that have the first `len` bits of `address`.
    ///
    /// # Errors
    ///
    /// [`IpRangeError::InvalidLength`] if `len` is more than 32 for IPv4, or more than 128 for
    /// IPv6.
    pub fn new(address: IpAddr, len: u8) -> Result<Self, IpRangeError> {
        if len > bits(address) {
            return Err(IpRangeError::InvalidLength);
        }
        // The range of `::ffff:10.0.0.0/104` is that of `10.0.0.0/8`.
        let mapped = bits(address) - bits(address.to_canonical());
        if mapped > 0 && len >= mapped {
            return Ok(Self::of(address.to_canonical(), len - mapped));
        }
        Ok(Self::of(address, len))
    }

    /// Returns `true` if the address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        bits(address) == bits(self.first) && network(address, self.len) == self.first
    }

    fn of(address: IpAddr, len: u8) -> Self {
        Self {
            first: network(address, len),
            len,
        }
    }
}

/// Returns the number of bits of the address.
fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Clears the bits after the first `len` bits.
fn network(address: IpAddr, len: u8) -> IpAddr {
    let after = u32::from(bits(address).saturating_sub(len));
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(after).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(after).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

/// Creates the range of this address alone.
impl From<IpAddr> for IpRange {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self::of(address, bits(address))
    }
}

impl FromStr for IpRange {
    type Err = IpRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| IpRangeError::InvalidAddress)?;
        match len {
            None => Ok(address.into()),
            // The digits are checked first, because the parser of std accepts a sign.
            Some(len) if len.bytes().all(|byte| byte.is_ascii_digit()) => {
                let len = len.parse().map_err(|_| IpRangeError::InvalidLength)?;
                Self::new(address, len)
            }
            Some(_) => Err(IpRangeError::InvalidLength),
        }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.len)
    }
}

impl fmt::Debug for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The reason why a text is not an [`IpRange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpRangeError {
    /// The part before the slash is not an IP address.
    InvalidAddress,
    /// The part after the slash is not a number of bits of the address.
    InvalidLength,
}

impl fmt::Display for IpRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidAddress => {
                "the range does not begin with an IP address; write it as 10.0.0.0/8 or \
                 2001:db8::/32"
            }
            Self::InvalidLength => {
                "the length of the range is invalid; write a number of bits, at most 32 for IPv4 \
                 and 128 for IPv6"
            }
        })
    }
}

impl std::error::Error for IpRangeError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> IpRange {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_have_one_text_form() {
        for (text, shown) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8:0::1/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("::/0", "::/0"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:10.1.2.3/96", "0.0.0.0/0"),
            ("::ffff:10.1.2.3/95", "::fffe:0:0/95"),
        ] {
            assert_eq!(range(text).to_string(), shown, "{text}");
            assert_eq!(range(shown), range(text), "{text}");
        }
    }

    #[test]
    fn malformed_ranges_are_errors() {
        for (text, error) in [
            ("", IpRangeError::InvalidAddress),
            ("example.com", IpRangeError::InvalidAddress),
            ("10/8", IpRangeError::InvalidAddress),
            ("010.0.0.0/8", IpRangeError::InvalidAddress),
            ("[::1]", IpRangeError::InvalidAddress),
            ("fe80::1%eth0", IpRangeError::InvalidAddress),
            ("10.0.0.0/", IpRangeError::InvalidLength),
            ("10.0.0.0/33", IpRangeError::InvalidLength),
            ("10.0.0.0/-1", IpRangeError::InvalidLength),
            ("10.0.0.0/+8", IpRangeError::InvalidLength),
            ("10.0.0.0/8/8", IpRangeError::InvalidLength),
            ("10.0.0.0/ 8", IpRangeError::InvalidLength),
            ("::/129", IpRangeError::InvalidLength),
            ("::/1000", IpRangeError::InvalidLength),
        ] {
            assert_eq!(text.parse::<IpRange>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_mapped_address_is_an_ipv4_address() {
        let mapped = "::ffff:10.1.2.3".parse().unwrap();
        assert!(range("10.0.0.0/8").contains(mapped));
        assert!(range("::ffff:10.0.0.0/104").contains("10.1.2.3".parse().unwrap()));
        assert!(!range("::/0").contains(mapped));
    }

    /// Compares the first `len` bits, one at a time. This is the oracle.
    fn shares_bits(a: &[u8], b: &[u8], len: u8) -> bool {
        (0..usize::from(len)).all(|at| {
            let bit = |bytes: &[u8]| bytes[at / 8] >> (7 - at % 8) & 1;
            bit(a) == bit(b)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_first_bits_decide(
            a in any::<[u8; 16]>(), flipped in 0..256_usize, len in any::<u8>(),
        ) {
            // Two random addresses rarely share bits, so one bit is flipped, or none.
            let mut b = a;
            if let Some(byte) = b.get_mut(flipped / 8) {
                *byte ^= 0x80 >> (flipped % 8);
            }
            let (a6, b6) = (Ipv6Addr::from(a), Ipv6Addr::from(b));
            prop_assume!(a6.to_ipv4_mapped().is_none() && b6.to_ipv4_mapped().is_none());
            match IpRange::new(a6.into(), len) {
                Ok(range) => {
                    prop_assert_eq!(range.contains(b6.into()), shares_bits(&a, &b, len));
                    prop_assert_eq!(range.to_string().parse(), Ok(range));
                }
                Err(error) => prop_assert!(len > 128 && error == IpRangeError::InvalidLength),
            }
            let (a4, b4): ([u8; 4], [u8; 4]) =
                (a[..4].try_into().unwrap(), b[..4].try_into().unwrap());
            match IpRange::new(Ipv4Addr::from(a4).into(), len) {
                Ok(range) => {
                    let address = Ipv4Addr::from(b4);
                    let expected = shares_bits(&a4, &b4, len);
                    prop_assert_eq!(range.contains(address.into()), expected);
                    prop_assert_eq!(range.contains(address.to_ipv6_mapped().into()), expected);
                    prop_assert_eq!(range.to_string().parse(), Ok(range));
                }
                Err(error) => prop_assert!(len > 32 && error == IpRangeError::InvalidLength),
            }
        }

        #[test]
        fn any_text_can_be_parsed(text in "[0-9a-f:./]{0,24}|.{0,24}") {
            if let Ok(range) = text.parse::<IpRange>() {
                prop_assert_eq!(range.to_string().parse(), Ok(range));
            }
        }
    }
}
