//! Name resolution that gives no address which may not be connected to.

use core::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::{AddressKind, Networks};

/// The resolver of the system behind a filter.
#[derive(Clone, Debug)]
pub(crate) struct GuardedResolver {
    networks: Arc<Networks>,
}

/// An address that a name stands for, or that a URL holds, and that may not be connected to.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{address} is {kind}")]
pub(crate) struct Refused {
    /// The address.
    pub(crate) address: core::net::IpAddr,
    /// What it is.
    pub(crate) kind: AddressKind,
}

impl GuardedResolver {
    pub(crate) const fn new(networks: Arc<Networks>) -> Self {
        Self { networks }
    }
}

/// The addresses that may be connected to. A name that has others too is not refused for it: it
/// is the connection that counts, and none is made to them.
fn filter(
    networks: &Networks,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Option<Refused>> {
    let mut refused = None;
    let mut allowed = Vec::new();
    for socket in found {
        let address = socket.ip();
        match networks.refusal(address) {
            None => allowed.push(socket),
            Some(kind) => refused = Some(Refused { address, kind }),
        }
    }
    if allowed.is_empty() {
        Err(refused)
    } else {
        Ok(allowed)
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = Arc::clone(&self.networks);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            match filter(&networks, found) {
                Ok(allowed) => Ok::<Addrs, _>(Box::new(allowed.into_iter())),
                Err(Some(refused)) => Err(refused.into()),
                Err(None) => Err("the name has no address".into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d3_only_allowed_addresses_come_through() {
        let sockets = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter()
                .map(|it| SocketAddr::new(it.parse().unwrap(), 0))
                .collect()
        };
        let judge = |list: &[&str]| filter(&Networks::public(), sockets(list).into_iter());
        assert_eq!(judge(&["1.1.1.1"]).unwrap(), sockets(&["1.1.1.1"]));
        let both = judge(&["10.0.0.1", "1.1.1.1", "::1"]).unwrap();
        assert_eq!(both, sockets(&["1.1.1.1"]));
        let refused = judge(&["10.0.0.1"]).unwrap_err().unwrap();
        assert_eq!(refused.to_string(), "10.0.0.1 is a private address");
        assert!(judge(&[]).unwrap_err().is_none());
    }
}
