//! What a server knows of a client for its ID tokens.

use smart_jose::Algorithm;

use crate::value::ClientId;

/// A registered app, as far as its ID tokens go.
#[derive(Clone, Debug)]
pub struct RegisteredClient {
    client_id: ClientId,
    algorithm: Algorithm,
}

impl RegisteredClient {
    /// A client whose ID tokens are signed with RS256, the default of OpenID Connect Core
    /// (3.1.3.7, step 7).
    #[must_use]
    pub const fn new(client_id: ClientId) -> Self {
        Self {
            client_id,
            algorithm: Algorithm::RS256,
        }
    }

    /// Signs its ID tokens with this algorithm: its `id_token_signed_response_alg` (OpenID Connect
    /// Dynamic Client Registration 2).
    #[must_use]
    pub const fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The id.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The algorithm of its ID tokens.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
