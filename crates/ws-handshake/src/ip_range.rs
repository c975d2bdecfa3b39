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
