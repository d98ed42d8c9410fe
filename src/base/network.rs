//! Ranges of addresses (CIDR), IPv4 and IPv6.

use std::net::IpAddr;

/// Ranges that may be listed.
pub const NETWORKS_MAX: usize = 100;

/// One range, such as `10.0.0.0/8`, `2001:db8::/32` or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads a range; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Network, String> {
        let text = text.trim();
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr =
            address.parse().map_err(|_| format!("`{text}` is no address and no range such as 10.0.0.0/8"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits
                .parse::<u8>()
                .ok()
                .filter(|n| *n <= most && !bits.starts_with('+'))
                .ok_or_else(|| format!("`{text}` must end in a number from /0 to /{most}"))?,
        };
        let network = Network { address, bits };
        // 10.0.0.5/8 is most likely meant as something else.
        if network.masked(address) != network.bits_of(address) {
            return Err(format!("`{text}` has digits behind its /{bits}; did you mean a single address?"));
        }
        Ok(network)
    }

    /// Is the address in it? An IPv4 address that came as IPv6 (`::ffff:10.0.0.1`) counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && self.masked(address) == self.bits_of(self.address)
    }

    fn bits_of(&self, address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        }
    }

    fn masked(&self, address: IpAddr) -> u128 {
        let mask = if self.bits == 0 { 0 } else { u128::MAX << (128 - u32::from(self.bits)) };
        self.bits_of(address) & mask
    }
}

/// Is `address` in one of these ranges? No range at all lets everybody in; an address that is not known is in none.
/// A range that cannot be read lets nobody in: the settings refuse it before.
pub fn is_within(ranges: &[String], address: Option<IpAddr>) -> bool {
    let holds = |text: &String| Network::parse(text).is_ok_and(|network| address.is_some_and(|a| network.contains(a)));
    ranges.is_empty() || ranges.iter().any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_addresses() {
        let holds = |range: &str, address: &str| Network::parse(range).unwrap().contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.9"), "one that came as IPv6");
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1") && !holds("::/0", "8.8.8.8"));
    }

    #[test]
    fn what_is_no_range_is_told() {
        for wrong in ["", "office", "10.0.0.0/33", "10.0.0.5/8", "10.0.0.0/+8", "2001:db8::/129", "10.0.0.0/", "10.0/8"]
        {
            assert!(Network::parse(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_empty_list_lets_everybody_in() {
        let at = |text: &str| Some(text.parse().unwrap());
        assert!(is_within(&[], None) && is_within(&[], at("192.0.2.1")));
        let office = ["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()];
        assert!(is_within(&office, at("192.0.2.1")) && is_within(&office, at("2001:db8::7")));
        assert!(!is_within(&office, at("198.51.100.1")) && !is_within(&office, None));
    }
}
