//! Key, signature and time stand in the path: SHA-256 of public key, Mexico City's wall clock and private key.

use proptest::prelude::{any, prop_assert_eq, proptest};
use sha2::{Digest as _, Sha256};

use super::*;

const BASE: &str = "https://selfservice.claroshop.com/apicm/v1";

proptest! {
    #[test]
    fn the_path_says_who_asks_and_nothing_else_changes(
        rest in r"(/\PC{1,6}){1,3}",
        query in written(&["signature"]),
        body in proptest::collection::vec(any::<u8>(), 0..40),
        private in r"[!-~]{6,20}",
    ) {
        let values = [("base_url", BASE), ("utc_offset", "-06:00"), ("public_key", "pub123"), ("private_key", &private)];
        let mut asked = request("POST", BASE, &query);
        asked.url.set_path(&format!("/apicm/v1{rest}"));
        asked.body = body.clone().into();
        let asked_path = asked.url.path().to_owned();
        // Dots are folded by the address itself, long before anything is signed.
        let Some(rest) = asked_path.strip_prefix("/apicm/v1") else { return Ok(()) };
        let sent = signed(("claro-shop", "keys"), &values, asked.clone(), [0; 16]).unwrap();
        let time = "2025-10-09T02:53:20";
        let signature = hex(&Sha256::digest(format!("pub123{time}{private}")));
        prop_assert_eq!(sent.url.path(), format!("/apicm/v1/pub123/{signature}/{time}{rest}"));
        prop_assert_eq!(sent.url.query(), asked.url.query());
        prop_assert_eq!(sent.body.to_vec(), body);
    }
}
