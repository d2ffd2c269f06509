//! Whose forwarded headers count.

use std::net::IpAddr;

/// Addresses and networks of our own proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<(IpAddr, u8)>);

impl Proxies {
    /// From a comma-separated list of addresses and `address/bits`.
    pub fn parse(list: &str) -> Option<Self> {
        list.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(network)
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    /// Whether the address is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0
            .iter()
            .any(|(network, length)| match (address, network) {
                (IpAddr::V4(a), IpAddr::V4(n)) => {
                    same(a.to_bits().into(), n.to_bits().into(), 32 - length)
                }
                (IpAddr::V6(a), IpAddr::V6(n)) => same(a.to_bits(), n.to_bits(), 128 - length),
                _ => false,
            })
    }
}

fn network(entry: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = match entry.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (entry, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        Some(length) => length.parse().ok().filter(|l| *l <= most)?,
        None => most,
    };
    Some((address, length))
}

/// Whether two addresses agree in all but their last `free` bits.
fn same(a: u128, b: u128, free: u8) -> bool {
    let shift = u32::from(free);
    a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_match_by_their_bits() {
        let proxies = Proxies::parse("10.0.0.0/8, 192.0.2.7, 2001:db8::/32").unwrap();
        for (address, expected) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.1.1.1", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(
                proxies.trusts(address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
        assert!(
            Proxies::parse("0.0.0.0/0")
                .unwrap()
                .trusts("1.2.3.4".parse().unwrap())
        );
        assert!(!Proxies::default().trusts("127.0.0.1".parse().unwrap()));
        assert_eq!(Proxies::parse("10.0.0.0/33"), None);
        assert_eq!(Proxies::parse("proxy.example"), None);
    }
}
