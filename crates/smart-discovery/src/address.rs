//! Which addresses a client may connect to.
//!
//! A FHIR base is configured, but what its documents name is the server's choice, and a name can
//! be made to mean an address behind our own firewall. So addresses that are not of the public
//! internet are refused unless the operator has said that the EHR is there.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use smart_jose::Text;

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressKind {
    /// This machine.
    Loopback,
    /// A network of one's own, carrier-grade NAT included.
    Private,
    /// The link itself.
    LinkLocal,
    /// Where clouds tell a machine about itself, credentials included.
    Metadata,
    /// A group and not a machine.
    Multicast,
    /// Set aside for something else: documentation, benchmarks, tunnels, the future.
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the metadata service of a cloud",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// What an address is, where it is none of the public internet.
///
/// After the special-purpose registries of IANA (RFC 6890). An IPv6 address that stands for an
/// IPv4 one (mapped, NAT64, 6to4) is what that one is.
fn kind_of(address: IpAddr) -> Option<AddressKind> {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// The first that holds an address says what it is.
const V4: [(Ipv4Net, AddressKind); 18] = [
    // Of AWS, Azure, Google and most others; of Alibaba; of Azure's host; of Oracle.
    (v4(169, 254, 169, 254, 32), AddressKind::Metadata),
    (v4(100, 100, 100, 200, 32), AddressKind::Metadata),
    (v4(168, 63, 129, 16, 32), AddressKind::Metadata),
    (v4(192, 0, 0, 192, 32), AddressKind::Metadata),
    (v4(127, 0, 0, 0, 8), AddressKind::Loopback),
    // A connection to 0.0.0.0 arrives at this machine.
    (v4(0, 0, 0, 0, 8), AddressKind::Loopback),
    (v4(10, 0, 0, 0, 8), AddressKind::Private),
    (v4(172, 16, 0, 0, 12), AddressKind::Private),
    (v4(192, 168, 0, 0, 16), AddressKind::Private),
    (v4(100, 64, 0, 0, 10), AddressKind::Private),
    (v4(169, 254, 0, 0, 16), AddressKind::LinkLocal),
    (v4(224, 0, 0, 0, 4), AddressKind::Multicast),
    (v4(192, 0, 0, 0, 24), AddressKind::Reserved),
    (v4(192, 0, 2, 0, 24), AddressKind::Reserved),
    (v4(198, 51, 100, 0, 24), AddressKind::Reserved),
    (v4(203, 0, 113, 0, 24), AddressKind::Reserved),
    (v4(198, 18, 0, 0, 15), AddressKind::Reserved),
    // The future, and the broadcast address.
    (v4(240, 0, 0, 0, 4), AddressKind::Reserved),
];

const V6: [(Ipv6Net, AddressKind); 11] = [
    // Of AWS, the only one outside link-local.
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128),
        AddressKind::Metadata,
    ),
    (v6(0xfc00, 0, 0, 7), AddressKind::Private),
    // Site-local, given up in RFC 3879 and still configured here and there.
    (v6(0xfec0, 0, 0, 10), AddressKind::Private),
    (v6(0xfe80, 0, 0, 10), AddressKind::LinkLocal),
    (v6(0xff00, 0, 0, 8), AddressKind::Multicast),
    // NAT64 of one's own, whatever is behind it.
    (v6(0x64, 0xff9b, 1, 48), AddressKind::Private),
    // Discarded; protocols, Teredo among them; documentation; segment routing.
    (v6(0x100, 0, 0, 64), AddressKind::Reserved),
    (v6(0x2001, 0, 0, 23), AddressKind::Reserved),
    (v6(0x2001, 0xdb8, 0, 32), AddressKind::Reserved),
    (v6(0x3fff, 0, 0, 20), AddressKind::Reserved),
    (v6(0x5f00, 0, 0, 16), AddressKind::Reserved),
];

fn kind_of_v4(address: Ipv4Addr) -> Option<AddressKind> {
    let found = V4.iter().find(|(network, _)| network.contains(&address));
    found.map(|(_, kind)| *kind)
}

fn kind_of_v6(address: Ipv6Addr) -> Option<AddressKind> {
    if address.is_loopback() || address.is_unspecified() {
        return Some(AddressKind::Loopback);
    }
    if let Some(inner) = embedded(address) {
        return kind_of_v4(inner);
    }
    let found = V6.iter().find(|(network, _)| network.contains(&address));
    found.map(|(_, kind)| *kind)
}

/// The IPv4 address that an IPv6 address stands for.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let inner = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        // Mapped (RFC 4291 2.5.5.2), and the compatible form that was given up (2.5.5.1).
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => Some(inner(high, low)),
        // Translated (RFC 2765) and NAT64 (RFC 6052).
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(inner(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(inner(high, low)),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => Some(inner(high, low)),
        _ => None,
    }
}

/// Networks that a client may connect to although they are not of the public internet.
///
/// ```
/// use smart_discovery::Networks;
/// let networks: Networks = "10.20.0.0/16,fd12::/48".parse().unwrap();
/// assert!(networks.allows("10.20.3.4".parse().unwrap()));
/// assert!(!networks.allows("10.21.0.1".parse().unwrap()));
/// assert!(networks.allows("93.184.215.14".parse().unwrap()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// Text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} is no network such as 10.20.0.0/16")]
#[non_exhaustive]
pub struct NetworkError {
    /// What was found.
    pub found: Text,
}

impl Networks {
    /// The public internet and nothing else.
    #[must_use]
    pub const fn public() -> Self {
        Self(Vec::new())
    }

    /// These, and loopback: for sandboxes and tests.
    #[must_use]
    pub fn and_loopback(mut self) -> Self {
        self.0.push(IpNet::V4(v4(127, 0, 0, 0, 8)));
        self.0
            .push(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)));
        self
    }

    /// Whether a client may connect to this address.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        self.refusal(address).is_none()
    }

    /// What a refused address is.
    #[must_use]
    pub fn refusal(&self, address: IpAddr) -> Option<AddressKind> {
        let kind = kind_of(address)?;
        // A mapped address is in the network that its IPv4 address is in.
        let plain = address.to_canonical();
        let allowed = self.0.iter().any(|it| it.contains(&plain));
        (!allowed).then_some(kind)
    }
}

impl FromStr for Networks {
    type Err = NetworkError;

    /// Reads networks in CIDR form, with commas between.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let networks = text.split(',').map(|it| {
            it.trim().parse::<IpNet>().map_err(|_| NetworkError {
                found: Text::new(it.trim()),
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<AddressKind> {
        kind_of(text.parse().unwrap())
    }

    #[test]
    fn d3_each_special_range_is_known_to_its_edges() {
        use AddressKind::{LinkLocal, Loopback, Metadata, Multicast, Private, Reserved};
        for (text, expected) in [
            ("1.1.1.1", None),
            ("9.255.255.255", None),
            ("10.0.0.0", Some(Private)),
            ("10.255.255.255", Some(Private)),
            ("11.0.0.0", None),
            ("0.0.0.0", Some(Loopback)),
            ("0.255.255.255", Some(Loopback)),
            ("1.0.0.0", None),
            ("126.255.255.255", None),
            ("127.0.0.1", Some(Loopback)),
            ("127.255.255.255", Some(Loopback)),
            ("128.0.0.0", None),
            ("100.63.255.255", None),
            ("100.64.0.0", Some(Private)),
            ("100.100.100.200", Some(Metadata)),
            ("100.127.255.255", Some(Private)),
            ("100.128.0.0", None),
            ("168.63.129.16", Some(Metadata)),
            ("168.63.129.17", None),
            ("169.253.255.255", None),
            ("169.254.0.1", Some(LinkLocal)),
            ("169.254.169.254", Some(Metadata)),
            ("169.255.0.0", None),
            ("172.15.255.255", None),
            ("172.16.0.0", Some(Private)),
            ("172.31.255.255", Some(Private)),
            ("172.32.0.0", None),
            ("192.0.0.1", Some(Reserved)),
            ("192.0.0.192", Some(Metadata)),
            ("192.0.1.0", None),
            ("192.0.2.1", Some(Reserved)),
            ("192.167.255.255", None),
            ("192.168.0.1", Some(Private)),
            ("192.169.0.0", None),
            ("198.17.255.255", None),
            ("198.18.0.0", Some(Reserved)),
            ("198.19.255.255", Some(Reserved)),
            ("198.20.0.0", None),
            ("198.51.100.1", Some(Reserved)),
            ("203.0.113.1", Some(Reserved)),
            ("223.255.255.255", None),
            ("224.0.0.1", Some(Multicast)),
            ("239.255.255.255", Some(Multicast)),
            ("240.0.0.0", Some(Reserved)),
            ("255.255.255.255", Some(Reserved)),
            ("2606:4700::1111", None),
            ("::", Some(Loopback)),
            ("::1", Some(Loopback)),
            ("fbff::1", None),
            ("fc00::1", Some(Private)),
            ("fdff::1", Some(Private)),
            ("fd00:ec2::254", Some(Metadata)),
            ("fe7f::1", None),
            ("fe80::1", Some(LinkLocal)),
            ("febf::1", Some(LinkLocal)),
            ("fec0::1", Some(Private)),
            ("ff02::1", Some(Multicast)),
            ("100::1", Some(Reserved)),
            ("2001::1", Some(Reserved)),
            ("2001:1ff::1", Some(Reserved)),
            ("2001:200::1", None),
            ("2001:db8::1", Some(Reserved)),
            ("3fff::1", Some(Reserved)),
            ("5f00::1", Some(Reserved)),
            ("64:ff9b:1::1", Some(Private)),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn d3_an_address_that_stands_for_another_is_what_that_one_is() {
        for (inner, expected) in [
            ("127.0.0.1", Some(AddressKind::Loopback)),
            ("10.1.2.3", Some(AddressKind::Private)),
            ("169.254.169.254", Some(AddressKind::Metadata)),
            ("93.184.215.14", None),
        ] {
            let [a, b, c, d] = inner.parse::<Ipv4Addr>().unwrap().octets();
            let (high, low) = (format!("{a:02x}{b:02x}"), format!("{c:02x}{d:02x}"));
            for text in [
                format!("::ffff:{inner}"),
                format!("::{inner}"),
                format!("::ffff:0:{inner}"),
                format!("64:ff9b::{inner}"),
                format!("2002:{high}:{low}::1"),
            ] {
                assert_eq!(kind(&text), expected, "{text}");
            }
        }
    }

    #[test]
    fn d3_a_list_allows_its_networks_and_no_others() {
        let networks: Networks = "10.20.0.0/16, fd12::/48".parse().unwrap();
        for (text, expected) in [
            ("10.20.0.1", true),
            ("::ffff:10.20.0.1", true),
            ("10.21.0.1", false),
            ("fd12::1", true),
            ("fd13::1", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("1.1.1.1", true),
        ] {
            assert_eq!(networks.allows(text.parse().unwrap()), expected, "{text}");
        }
        let loopback = Networks::public().and_loopback();
        assert!(loopback.allows("127.0.0.53".parse().unwrap()));
        assert!(loopback.allows("::1".parse().unwrap()));
        assert!(!loopback.allows("10.0.0.1".parse().unwrap()));
        assert!(!loopback.allows("0.0.0.0".parse().unwrap()));
        for text in [
            "",
            "10.20.0.0",
            "10.20.0.0/33",
            "ehr.example/8",
            "10.0.0.0/8,",
        ] {
            assert!(text.parse::<Networks>().is_err(), "{text:?}");
        }
    }
}
