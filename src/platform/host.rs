//! Which address a value may lead to. Every value that decides where a secret is sent passes here, when it is typed and
//! again when it is used: the field's anchored pattern, then a parse that must give back exactly what was written
//! (no user, no query, no fragment, no dot segments, no digits disguised as a name).

use percent_encoding::percent_decode_str;
use url::Url;

use super::descriptor::{Method, Platform};
use super::failure::BuildError;
use super::field::Takes;
use super::template::Scope;
use super::values::Values;

/// An http(s) address made of host, port and folder only, written as the parser writes it. `None` for anything else.
pub fn checked_url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    if !matches!(scheme, "https" | "http") || !text.is_ascii() {
        return None;
    }
    if text
        .bytes()
        .any(|b| b.is_ascii_control() || matches!(b, b' ' | b'\\' | b'@' | b'?' | b'#' | b'%'))
    {
        return None;
    }
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    let url = Url::parse(text).ok()?;
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let same_host = url
        .authority()
        .eq_ignore_ascii_case(authority.strip_suffix(default_port).unwrap_or(authority));
    let same_path = url.path() == path || (path.is_empty() && url.path() == "/");
    let empty_label = authority.contains("..") || authority.starts_with('.') || authority.is_empty();
    (same_host && same_path && !empty_label && !path.contains("//")).then_some(url)
}

/// A host, with or without a port, and nothing else.
pub fn checked_host(text: &str) -> bool {
    !text.contains('/') && checked_url(&format!("https://{text}")).is_some()
}

/// One label of a host name: digits alone are one too, for the catalogue writes a name after it.
pub fn checked_label(text: &str) -> bool {
    !text.contains('.') && checked_host(&format!("{text}.example"))
}

/// A path that stays where it is put.
pub fn checked_path(text: &str) -> bool {
    !text.starts_with('/') && checked_url(&format!("https://path.example/{text}")).is_some()
}

/// The value of a host's placeholder: from the catalogue's own list, or one whose pattern it meets.
pub(super) fn host_value(scope: &Scope<'_>, name: &str) -> Result<String, BuildError> {
    let value = scope.get(name)?;
    let safe = match scope.method.check_of(name) {
        _ if scope.looks_up(name) => checked_host(&value),
        Some((Takes::Label, pattern)) => pattern.is_match(&value) && checked_label(&value),
        Some((_, pattern)) => pattern.is_match(&value) && checked_host(&value),
        None => false,
    };
    if safe {
        Ok(value.into_owned())
    } else {
        Err(BuildError::UnsafeValue(name.to_owned()))
    }
}

/// The value that is a whole address.
pub(super) fn base_value(scope: &Scope<'_>, name: &str) -> Result<String, BuildError> {
    let value = scope.get(name)?;
    let meets = match scope.method.check_of(name) {
        // Whether a store may have plain http was decided when the value was typed; what arrives never may.
        Some((_, pattern)) if scope.method.field(scope.method.whole(name)).is_some() => {
            pattern.is_match_with_http(&value)
        }
        Some((_, pattern)) => pattern.is_match(&value),
        None => false,
    };
    if meets && checked_url(&value).is_some() {
        Ok(value.trim_end_matches('/').to_owned())
    } else {
        Err(BuildError::UnsafeValue(name.to_owned()))
    }
}

/// A path that would not stay below its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path must be written without `.` and `..`, backslashes and control characters")]
pub struct PathProblem;

/// The address of `path` (as the platform documents it) below `root`, its query as given. The path keeps its encoding.
pub fn below(root: &Url, path: &str, query: Option<&str>) -> Result<Url, PathProblem> {
    // Twice, for servers behind servers that decode once each.
    let once = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
    for text in [path, once.as_str(), twice.as_str()] {
        let dots = text
            .split(['/', '\\'])
            // Some servers drop path parameters (`..;x`) before they look at dots.
            .any(|segment| matches!(segment.split(';').next().unwrap_or_default().trim(), "." | ".."));
        if dots || text.contains('\\') || text.chars().any(char::is_control) {
            return Err(PathProblem);
        }
    }
    if path.contains(['?', '#']) || query.is_some_and(|q| q.contains('#') || q.chars().any(char::is_control)) {
        return Err(PathProblem);
    }
    let folder = root.path().trim_end_matches('/');
    let mut url = root.clone();
    url.set_path(&format!("{folder}/{}", path.trim_start_matches('/')));
    url.set_query(query.filter(|q| !q.is_empty()));
    let stays = url
        .path()
        .strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'));
    if stays && url.authority() == root.authority() {
        Ok(url)
    } else {
        Err(PathProblem)
    }
}

/// The root of another API host of the platform, for `Llavero-Host`; `None` unless the catalogue lists that host.
pub fn allowed(platform: &Platform, method: &Method, values: &Values, host: &str) -> Option<Url> {
    let scope = Scope::timeless(method, values);
    if !checked_host(host) {
        return None;
    }
    let own = method
        .root(values)
        .ok()
        .filter(|root| root.authority().eq_ignore_ascii_case(host));
    own.or_else(|| {
        platform.api_hosts.iter().find_map(|listed| {
            let root = listed.fill(&scope).ok()?;
            root.authority().eq_ignore_ascii_case(host).then_some(root)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_only_as_the_parser_writes_it() {
        for good in [
            "https://shop.example.com",
            "https://shop.example.com/folder",
            "http://127.0.0.1:8080",
            "https://xn--caf-dma.example",
        ] {
            assert!(checked_url(good).is_some(), "{good}");
        }
        for bad in [
            "https://user@evil.example",
            "https://shop.example.com@evil.example/",
            "https://shop.example.com\\@evil.example",
            "https://shop.example.com/../x",
            "https://shop.example.com/a/./b",
            "https://shop.example.com/%2e%2e/x",
            "https://shop.example.com//x",
            "https://shop.example.com?x=1",
            "https://shop.example.com#x",
            "https://shop.example.com\n",
            "https://shop.exa\tmple.com",
            "https://caf\u{e9}.example",
            "https://0x7f.1",
            "https://2130706433",
            "https://127.1",
            "https://",
            "https://.example.com",
            "https:///evil.example",
            "ftp://shop.example.com",
            "javascript:alert(1)",
            "https://shop..example.com",
            "https://shop.example.com:99999",
        ] {
            assert!(checked_url(bad).is_none(), "{bad}");
        }
        assert!(checked_host("shop.example.com:8443") && !checked_host("shop.example.com/x") && !checked_host(""));
    }

    #[test]
    fn a_path_stays_below_its_root() {
        let root = Url::parse("https://shop.example.com/folder").ok();
        let at = |path: &str, query: Option<&str>| {
            root.as_ref()
                .and_then(|root| below(root, path, query).ok())
                .map(|url| url.to_string())
        };
        assert_eq!(
            at("a/b%20c", Some("x=1&y")).as_deref(),
            Some("https://shop.example.com/folder/a/b%20c?x=1&y")
        );
        assert_eq!(at("/a", None).as_deref(), Some("https://shop.example.com/folder/a"));
        assert_eq!(at("", None).as_deref(), Some("https://shop.example.com/folder/"));
        assert_eq!(
            at("//evil.example/x", None).as_deref(),
            Some("https://shop.example.com/folder/evil.example/x")
        );
        for bad in [
            "..",
            "../x",
            "a/../../x",
            "a/%2e%2e/x",
            "a/%2E./x",
            "%252e%252e/x",
            "a%2f..%2fx",
            "a\\b",
            "a%5c..%5cx",
            "./x",
            "a/\n",
            "a%0d%0ab",
            "a?x",
            "a#x",
            "a/.. /x",
        ] {
            assert_eq!(at(bad, None), None, "{bad}");
        }
        assert_eq!(at("a", Some("x#y")), None);
    }

    proptest::proptest! {
        #[test]
        fn no_path_leaves_the_host_or_the_folder(path in ".*", query in proptest::option::of(".*")) {
            let root = Url::parse("https://shop.example.com/folder").map_err(|e| proptest::test_runner::TestCaseError::fail(e.to_string()))?;
            if let Ok(url) = below(&root, &path, query.as_deref()) {
                proptest::prop_assert_eq!(url.authority(), "shop.example.com");
                proptest::prop_assert!(url.path().starts_with("/folder/"));
                proptest::prop_assert!(url.fragment().is_none());
            }
        }
    }
}
