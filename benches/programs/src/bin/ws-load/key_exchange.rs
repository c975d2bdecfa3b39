//! X25519 with one pair of keys for all connections. A server makes a new pair for each connection,
//! so a handshake costs the server more than the load generator.

use std::sync::LazyLock;

use aws_lc_rs::agreement::{PrivateKey, PublicKey, UnparsedPublicKey, X25519, agree};
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved};

/// The group X25519.
pub(crate) static ONE_KEY: &dyn SupportedKxGroup = &OneKey;

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let private = PrivateKey::generate(&X25519).expect("there is a source of entropy");
    let public = private.compute_public_key();
    Keys {
        public: public.expect("the private key was generated"),
        private,
    }
});

struct Keys {
    private: PrivateKey,
    public: PublicKey,
}

#[derive(Debug)]
struct OneKey;

impl SupportedKxGroup for OneKey {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Self))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for OneKey {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer = UnparsedPublicKey::new(&X25519, peer);
        let failure = Error::from(PeerMisbehaved::InvalidKeyShare);
        agree(&KEYS.private, peer, failure, |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        KEYS.public.as_ref()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}
