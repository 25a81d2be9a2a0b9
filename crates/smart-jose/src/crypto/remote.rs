//! Keys that sign somewhere else: a key service that is reached over the network.

use core::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::traits::{SigningFailed, SigningKey};
use crate::alg::Algorithm;
use crate::key::PublicKey;

/// A private key bound to one algorithm that takes its time to sign.
///
/// [`crate::jws::SigningInput`] makes the message and takes the signature, so that nothing of
/// the token has to be put together by hand. An implementation must give up after a bounded time:
/// failing is safe, and hanging locks everybody out.
#[async_trait]
pub trait RemoteSigningKey: Debug + Send + Sync {
    /// The algorithm of this key.
    fn algorithm(&self) -> Algorithm;

    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs, in the form that [`super::VerifyingKey::verify`] takes.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] where the service does not answer or refuses.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed>;
}

/// A key at hand, where a remote one is asked for.
#[derive(Clone, Debug)]
pub struct AtHand(Arc<dyn SigningKey>);

impl AtHand {
    /// Takes a key that signs on the spot.
    #[must_use]
    pub const fn new(key: Arc<dyn SigningKey>) -> Self {
        Self(key)
    }
}

#[async_trait]
impl RemoteSigningKey for AtHand {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        self.0.sign(message)
    }
}

#[cfg(all(test, feature = "ring"))]
mod tests {
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};

    use super::*;
    use crate::crypto::CryptoProvider;
    use crate::jws::SigningInput;
    use crate::key::PrivateKey;
    use crate::{Algorithms, Candidates, UnverifiedJws};

    #[test]
    fn a_key_at_hand_serves_where_a_remote_one_is_asked_for() {
        let ring = CryptoProvider::ring();
        let private = PrivateKey::generate(Algorithm::ES256, ring).unwrap();
        let key = AtHand::new(ring.signing_key(&private, Algorithm::ES256).unwrap());
        let key: &dyn RemoteSigningKey = &key;
        let input = SigningInput::new(b"{}", None, key.algorithm()).unwrap();
        // It is ready at once, so one poll without a runtime is enough.
        let Poll::Ready(signature) =
            pin!(key.sign(input.message())).poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("a key at hand does not wait");
        };
        let token = input.finish(&signature.unwrap()).unwrap();
        let verifier = ring.prepare(key.public_key(), Algorithm::ES256).unwrap();
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        assert!(token.verify(&Candidates::one(verifier)).is_ok());
    }
}
