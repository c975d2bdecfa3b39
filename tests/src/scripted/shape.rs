//! Two shapes of the scripted transport. One splits into independent halves. In the other, both
//! halves share the whole transport.

use ws_driver::transport::Split;

use super::Scripted;
use crate::clock::ManualTimer;

/// The scripted transport without independent halves. Its halves share the transport under a lock.
pub type Whole = Box<Scripted>;

impl Split for Whole {
    ws_driver::locked_halves!();
}

/// A shape of the scripted transport.
pub trait Shape: Split<Timer = ManualTimer, ReadHalf: Send, WriteHalf: Send> + 'static {
    /// Returns the transport in this shape.
    fn shape(scripted: Scripted) -> Self;
}

impl Shape for Scripted {
    fn shape(scripted: Scripted) -> Self {
        scripted
    }
}

impl Shape for Whole {
    fn shape(scripted: Scripted) -> Self {
        Self::new(scripted)
    }
}

/// Makes two tests from each function that is generic over a [`Shape`]. In the module `apart`, the
/// transport has independent halves. In the module `locked`, the halves share the transport.
#[macro_export]
macro_rules! both_shapes {
    ($($name:ident,)*) => {
        mod apart {
            $(
                #[test]
                fn $name() {
                    super::$name::<$crate::scripted::Scripted>();
                }
            )*
        }
        mod locked {
            $(
                #[test]
                fn $name() {
                    super::$name::<$crate::scripted::Whole>();
                }
            )*
        }
    };
}
