//! Where a forwarded call goes. The caller's path and query travel byte for byte, as they were written; the platform's root
//! (host and shop folder) stands before them and cannot be left: `.` and `..` are refused however they are encoded.

use http::Uri;
use url::Url;

use crate::broker::{Error, FieldError};
use crate::platform::host;

/// The caller's path and query as they stood in the request line, without the part that is ours.
#[derive(Debug, Clone)]
pub struct Target {
    pub path: String,
    pub query: Option<String>,
}

impl Target {
    /// `Invalid`: the path would not stay below a root, whatever that is. Cheap: asked before anything is looked up.
    pub fn check(&self) -> Result<(), Error> {
        let anywhere = Url::parse("https://platform.invalid/").map_err(|error| Error::Internal(error.to_string()))?;
        self.below(&anywhere).map(|_| ())
    }

    /// The address below `root`, in the form that signatures are made over.
    pub fn below(&self, root: &Url) -> Result<Url, Error> {
        host::below(root, &self.path, self.query.as_deref())
            .map_err(|problem| Error::Invalid(vec![FieldError::new("path", problem.to_string())]))
    }

    /// The request line's address once the signer is done. What the signer left as it was keeps the caller's own bytes:
    /// parsing an address may have escaped letters that the caller wrote plainly.
    pub fn as_written(&self, root: &Url, unsigned: &Url, signed: &Url) -> Result<Uri, Error> {
        let folder = root.path().trim_end_matches('/');
        let path = if signed.path() == unsigned.path() {
            format!("{folder}/{}", self.path.trim_start_matches('/'))
        } else {
            signed.path().to_owned()
        };
        let query = if signed.query() == unsigned.query() {
            self.query.as_deref()
        } else {
            signed.query()
        };
        let query = query.filter(|query| !query.is_empty());
        let written = match query {
            Some(query) => format!("{}://{}{path}?{query}", signed.scheme(), signed.authority()),
            None => format!("{}://{}{path}", signed.scheme(), signed.authority()),
        };
        // A letter that the request line cannot hold goes in the parser's spelling.
        written
            .parse()
            .or_else(|_| signed.as_str().parse())
            .map_err(|_| Error::Invalid(vec![FieldError::new("path", "not a path that can be sent")]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str, query: Option<&str>) -> Target {
        Target {
            path: path.to_owned(),
            query: query.map(str::to_owned),
        }
    }

    fn forwarded(root: &str, path: &str, query: Option<&str>) -> Option<String> {
        let (root, target) = (Url::parse(root).unwrap(), target(path, query));
        let url = target.below(&root).ok()?;
        Some(target.as_written(&root, &url, &url).unwrap().to_string())
    }

    #[test]
    fn path_and_query_go_byte_for_byte_below_the_root() {
        let root = "https://shop.example/folder";
        for (path, query, wanted) in [
            (
                "wp-json/wc/v3/products",
                None,
                "https://shop.example/folder/wp-json/wc/v3/products",
            ),
            (
                "a%2Fb/c%20d",
                Some("q=a+b&c=%7E"),
                "https://shop.example/folder/a%2Fb/c%20d?q=a+b&c=%7E",
            ),
            ("a{b}|c", Some("x={y}"), "https://shop.example/folder/a{b}|c?x={y}"),
            ("", None, "https://shop.example/folder/"),
            ("a//b", Some(""), "https://shop.example/folder/a//b"),
            (
                "a;v=1,2:3@x",
                Some("a=b&a=b&&=#".trim_end_matches('#')),
                "https://shop.example/folder/a;v=1,2:3@x?a=b&a=b&&=",
            ),
        ] {
            assert_eq!(forwarded(root, path, query).as_deref(), Some(wanted), "{path}");
        }
    }

    #[test]
    fn no_spelling_of_dots_leaves_the_root() {
        for path in [
            "..",
            ".",
            "../admin",
            "a/../b",
            "a/./b",
            "%2e%2e/a",
            "a/%2E./b",
            "a/.%2e",
            "%252e%252e/a",
            "a%2f..%2fb",
            "a\\..\\b",
            "a%5c..%5cb",
            "..%5ca",
            "a%00b",
            "a%0d%0ab",
        ] {
            assert!(target(path, None).check().is_err(), "{path}");
            assert_eq!(forwarded("https://shop.example/", path, None), None, "{path}");
        }
    }

    #[test]
    fn a_path_cannot_name_another_host() {
        for path in [
            "//evil.example/x",
            "https://evil.example/",
            "@evil.example/",
            ":8443/x",
            "/\t/evil.example",
        ] {
            if let Some(address) = forwarded("https://shop.example/", path, None) {
                let uri: Uri = address.parse().unwrap();
                assert_eq!(
                    uri.authority().map(|authority| authority.as_str()),
                    Some("shop.example"),
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn what_the_signer_wrote_is_sent_as_it_was_signed() {
        let (root, target) = (
            Url::parse("https://api.example/").unwrap(),
            target("a{b}", Some("Action=X")),
        );
        let unsigned = target.below(&root).unwrap();
        let mut signed = unsigned.clone();
        signed.set_query(Some("Action=X&Signature=s"));
        let sent = target.as_written(&root, &unsigned, &signed).unwrap().to_string();
        assert_eq!(sent, "https://api.example/a{b}?Action=X&Signature=s");
    }
}
