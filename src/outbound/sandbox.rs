//! The sandbox route: `https://HOST[:PORT]/PATH` becomes `{sandbox}/HOST[:PORT]/PATH`, as the very last step before
//! sending, so that signing and host checks have seen the original. An original over http says so in a header, or for
//! browsers, which carry no header of ours, in a parameter of the same name. `Location` is mapped back.

use http::HeaderName;
use url::Url;

/// Header and parameter that tell of an original over http.
pub(super) const SCHEME_HEADER: HeaderName = HeaderName::from_static("x-sandbox-scheme");
const SCHEME_PARAMETER: &str = "X-Sandbox-Scheme";

#[derive(Clone)]
pub(super) struct SandboxRoute {
    base: Url,
    /// The path under which the hosts begin, without a slash at its end.
    root: String,
}

impl SandboxRoute {
    pub(super) fn new(mut base: Url) -> Self {
        base.set_query(None);
        base.set_fragment(None);
        let root = base.path().trim_end_matches('/').to_owned();
        Self { base, root }
    }

    /// Where a call to `original` really goes. The caller adds [`SCHEME_HEADER`] for an original over http.
    pub(super) fn for_call(&self, original: &Url) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{}{}", self.root, authority(original), original.path()));
        url.set_query(original.query());
        url
    }

    /// The same as text, with path and query exactly as the caller wrote them.
    pub(super) fn written(&self, original: &Url, path_and_query: &str) -> String {
        let base = self.base.origin().ascii_serialization();
        format!("{base}{}/{}{path_and_query}", self.root, authority(original))
    }

    /// The same for a URL that a browser is sent to.
    pub(super) fn for_browser(&self, original: &Url) -> Url {
        let mut url = self.for_call(original);
        if original.scheme() == "http" {
            url.query_pairs_mut().append_pair(SCHEME_PARAMETER, "http");
        }
        url.set_fragment(original.fragment());
        url
    }

    /// What a `Location` means to somebody who asked for the `asked` original: `None` if it needs no mapping (relative,
    /// or elsewhere).
    pub(super) fn original_location(&self, location: &str, asked: &Url) -> Option<String> {
        let absolute = match Url::parse(location) {
            Ok(url) => url,
            // Below the asked host it stays relative to it; a path from the sandbox's root is mapped.
            Err(_) if location.starts_with(&format!("{}/{}", self.root, authority(asked))) => {
                self.base.join(location).ok()?
            }
            Err(_) => return None,
        };
        if absolute.origin() != self.base.origin() {
            return None;
        }
        let below = absolute.path().strip_prefix(&self.root)?.strip_prefix('/')?;
        let (host, path) = match below.split_once('/') {
            Some((host, path)) => (host, path),
            None => (below, ""),
        };
        let (plain, query) = without_scheme_parameter(absolute.query());
        let same_host = host == authority(asked);
        let scheme = if plain || (same_host && asked.scheme() == "http") {
            "http"
        } else {
            "https"
        };
        let mut original = Url::parse(&format!("{scheme}://{host}/{path}")).ok()?;
        original.set_query(query.as_deref());
        original.set_fragment(absolute.fragment());
        Some(original.into())
    }
}

/// `HOST` or `HOST:PORT`, as it stands in the sandbox's path.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn without_scheme_parameter(query: Option<&str>) -> (bool, Option<String>) {
    let Some(query) = query else { return (false, None) };
    let marked = format!("{SCHEME_PARAMETER}=http");
    let rest: Vec<&str> = query.split('&').filter(|part| *part != marked).collect();
    let plain = rest.len() < query.split('&').count();
    (
        plain,
        if plain && rest.is_empty() {
            None
        } else {
            Some(rest.join("&"))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(base: &str) -> Result<SandboxRoute, url::ParseError> {
        base.parse().map(SandboxRoute::new)
    }

    #[test]
    fn host_port_path_and_query_move_below_the_sandbox() -> Result<(), url::ParseError> {
        let cases = [
            (
                "http://127.0.0.1:9/",
                "https://a.example/x/y?q=1&r=%20",
                "http://127.0.0.1:9/a.example/x/y?q=1&r=%20",
            ),
            (
                "http://127.0.0.1:9",
                "https://a.example:8443",
                "http://127.0.0.1:9/a.example:8443/",
            ),
            (
                "https://box.example/sand/",
                "https://a.example/x%2Fy",
                "https://box.example/sand/a.example/x%2Fy",
            ),
        ];
        for (base, original, expected) in cases {
            assert_eq!(route(base)?.for_call(&original.parse()?).as_str(), expected);
        }
        Ok(())
    }

    #[test]
    fn a_browser_carries_the_http_scheme_in_a_parameter() -> Result<(), url::ParseError> {
        let route = route("http://127.0.0.1:9")?;
        let url = route.for_browser(&"http://a.example/x?q=1#top".parse()?);
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:9/a.example/x?q=1&X-Sandbox-Scheme=http#top"
        );
        let url = route.for_browser(&"https://a.example/x".parse()?);
        assert_eq!(url.as_str(), "http://127.0.0.1:9/a.example/x");
        Ok(())
    }

    #[test]
    fn a_location_below_the_sandbox_is_mapped_back() -> Result<(), url::ParseError> {
        let asked = "https://a.example/x".parse()?;
        let cases = [
            (
                "http://127.0.0.1:9/s/b.example/y?q=1#z",
                Some("https://b.example/y?q=1#z"),
            ),
            (
                "http://127.0.0.1:9/s/b.example:81/y?X-Sandbox-Scheme=http",
                Some("http://b.example:81/y"),
            ),
            ("/s/a.example/y", Some("https://a.example/y")),
            ("/y", None),
            ("y", None),
            ("https://elsewhere.example/s/b.example/y", None),
            ("http://127.0.0.1:9/other", None),
        ];
        for (location, expected) in cases {
            let found = route("http://127.0.0.1:9/s")?.original_location(location, &asked);
            assert_eq!(found.as_deref(), expected, "{location}");
        }
        let plain = route("http://127.0.0.1:9")?.original_location("/a.example/y", &"http://a.example/".parse()?);
        assert_eq!(plain.as_deref(), Some("http://a.example/y"));
        Ok(())
    }
}
