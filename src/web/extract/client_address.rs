//! The network address of the browser, for rate limits and the list of sessions. `X-Forwarded-For` can be written by
//! anybody, so it counts only behind the proxies named in `LLAVERO_TRUSTED_PROXIES`, and only as far as they wrote it:
//! read from its end, the first address that is no trusted proxy's is the client's.

use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::tools;
use crate::config::Network;
use crate::web::Error;

/// Where the browser calls from; empty if even the connection does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddress(pub String);

impl FromRequest for ClientAddress {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(tools(request).map(|tools| {
            let forwarded = request.headers().get_all("x-forwarded-for");
            let forwarded: Vec<&str> = forwarded.filter_map(|value| value.to_str().ok()).collect();
            let peer = request.peer_addr().map(|peer| peer.ip());
            let found = peer.map(|peer| client(peer, &forwarded.join(","), &tools.config.trusted_proxies));
            Self(
                found
                    .map(|address| address.to_canonical().to_string())
                    .unwrap_or_default(),
            )
        }))
    }
}

fn client(peer: IpAddr, forwarded: &str, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer;
    for hop in forwarded.rsplit(',') {
        if !is_trusted(client) {
            break;
        }
        // What cannot be read was not written by a proxy of ours.
        let Some(address) = parse(hop.trim()) else { break };
        client = address;
    }
    client
}

/// An address, with or without its port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse()
        .ok()
        .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_can_name_the_client() {
        let trusted: Vec<Network> = ["10.0.0.0/8", "2001:db8::1"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        for (peer, forwarded, expected) in [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
            ("2001:db8::1", "[2001:db8:5::7]", "2001:db8:5::7"),
            ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ] {
            let found = client(peer.parse().unwrap(), forwarded, &trusted);
            assert_eq!(found.to_string(), expected, "{peer} {forwarded}");
        }
    }
}
