//! Which addresses may be connected to. A merchant types host names, so without this Llavero would be a way into the
//! operator's network. Judged is the resolved address, never the name, and the connection goes to the very address that
//! was judged. Where private hosts are allowed, cloud metadata services stay out of reach all the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `Err` says what kind of address it is, fit for an error message: it names no address.
pub(super) fn judge(address: IpAddr, allow_private: bool) -> Result<(), &'static str> {
    match address {
        IpAddr::V4(address) => judge_v4(address, allow_private),
        IpAddr::V6(address) => judge_v6(address, allow_private),
    }
}

fn judge_v4(address: Ipv4Addr, allow_private: bool) -> Result<(), &'static str> {
    let [a, b, c, d] = address.octets();
    let never = match [a, b, c, d] {
        [0, ..] => Some("an unspecified address"),
        [169, 254, ..] => Some("a link-local address"),
        [224..=239, ..] => Some("a multicast address"),
        [255, 255, 255, 255] => Some("a broadcast address"),
        // Metadata or host agents of Alibaba, Oracle and Azure, which live outside the link-local range.
        [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => Some("a metadata service"),
        _ => None,
    };
    if let Some(kind) = never {
        return Err(kind);
    }
    if allow_private {
        return Ok(());
    }
    // https://www.iana.org/assignments/iana-ipv4-special-registry
    match [a, b, c, d] {
        [127, ..] => Err("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Err("a private address"),
        [100, 64..=127, ..] => Err("a shared (carrier-grade NAT) address"),
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..] => Err("a reserved address"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Err("a documentation address"),
        _ => Ok(()),
    }
}

fn judge_v6(address: Ipv6Addr, allow_private: bool) -> Result<(), &'static str> {
    if address.is_unspecified() {
        return Err("an unspecified address");
    }
    if address.is_loopback() {
        return if allow_private {
            Ok(())
        } else {
            Err("a loopback address")
        };
    }
    let segments = address.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    // An IPv4 address in IPv6 clothes is what it is in IPv4.
    match segments {
        // Mapped, and the old compatible form.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => return judge_v4(embedded(high, low), allow_private),
        // Translated (SIIT) and NAT64's well-known prefix.
        [0, 0, 0, 0, 0xffff, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            return judge_v4(embedded(high, low), allow_private);
        }
        // 6to4.
        [0x2002, high, low, ..] => return judge_v4(embedded(high, low), allow_private),
        _ => {}
    }
    let first = segments[0];
    if first & 0xff00 == 0xff00 {
        return Err("a multicast address");
    }
    if first & 0xffc0 == 0xfe80 {
        return Err("a link-local address");
    }
    // Amazon's metadata service, inside the unique-local range.
    if segments == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] {
        return Err("a metadata service");
    }
    // The embedded address can't be read without knowing the network's own NAT64 prefix, or is obfuscated (Teredo).
    if segments[..3] == [0x64, 0xff9b, 1] || segments[..2] == [0x2001, 0] {
        return Err("a tunnelled address");
    }
    if allow_private {
        return Ok(());
    }
    // https://www.iana.org/assignments/iana-ipv6-special-registry
    match segments {
        [0xfc00..=0xfdff, ..] => Err("a private address"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Err("a documentation address"),
        [0x2001, 1..=0x1ff, ..] => Err("a reserved address"),
        // Only this block is handed out to the public internet.
        [0x2000..=0x3fff, ..] => Ok(()),
        _ => Err("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(address: &str, allow_private: bool) -> bool {
        address
            .parse()
            .is_ok_and(|address| judge(address, allow_private).is_ok())
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "8.8.8.8",
            "104.16.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(passes(address, false), "{address}");
        }
    }

    #[test]
    fn private_addresses_pass_only_where_they_are_allowed() {
        let private = [
            "127.0.0.1",
            "127.8.9.10",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "240.0.0.1",
            "::1",
            "fd12:3456::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::1",
            "2002:7f00:1::",
            "2001:db8::1",
            "fec0::1",
            "100::1",
        ];
        for address in private {
            assert!(!passes(address, false), "{address}");
            assert!(passes(address, true), "{address}");
        }
    }

    #[test]
    fn metadata_link_local_multicast_and_unspecified_addresses_never_pass() {
        let never = [
            "169.254.169.254",
            "169.254.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "64:ff9b:1::1",
            "2001:0:1::1",
        ];
        for address in never {
            assert!(!passes(address, true), "{address}");
            assert!(!passes(address, false), "{address}");
        }
    }
}
