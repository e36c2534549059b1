//! Two platforms of one family: all parameters of query and form, without empty ones, sorted by name and run together,
//! below `/rest` with the path in front; HMAC-SHA256 in upper-case hexadecimal.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

const VALUES: [(&str, &str); 3] = [
    ("app_key", "123456"),
    ("app_secret", "helloworld"),
    ("access_token", "test token"),
];
const OF_QUERY: &[&str] = &["app_key", "timestamp", "sign_method", "sign", "session", "access_token"];

/// Checks a request as the platform does; the caller's parameters that it found, without the signer's.
fn accepted(request: &PlatformRequest, token: &str) -> (Pairs, Pairs) {
    let mut query = query_of(request);
    let sign = take(&mut query, "sign");
    let is_form = request.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == FORM);
    let form = match is_form {
        true => read(std::str::from_utf8(&request.body).unwrap()),
        false => Pairs::new(),
    };
    let all = sorted(query.iter().chain(&form).cloned().collect());
    assert!(
        all.iter().all(|(_, value)| !value.is_empty()),
        "an empty parameter: {all:?}"
    );
    let path = request.url.path();
    let text = format!(
        "{}{}",
        path.strip_prefix("/rest").unwrap_or_default(),
        run_together(&all)
    );
    let right = hex(&hmac_sha256("helloworld", text.as_bytes())).to_uppercase();
    assert_eq!(sign, right, "{text}");
    for (name, wanted) in [
        ("app_key", "123456"),
        ("sign_method", "sha256"),
        ("timestamp", MILLIS.to_string().as_str()),
        (token, "test token"),
    ] {
        assert_eq!(take(&mut query, name), wanted);
    }
    (query, form)
}

fn full(pairs: Pairs) -> Pairs {
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

proptest! {
    #[test]
    fn the_family_accepts_any_query(query in written(OF_QUERY), below_rest in any::<bool>(), turn in any::<usize>()) {
        let wanted = sorted(full(without(read(&query), OF_QUERY)));
        let rest = ("https://api-sg.aliexpress.com/rest/order/get", "access_token");
        let (url, token) = if below_rest { rest } else { ("https://api-sg.aliexpress.com/sync", "session") };
        let sent = signed(("aliexpress", "authorization"), &VALUES, request("GET", url, &query), [0; 16]).unwrap();
        prop_assert_eq!(sorted(accepted(&sent, token).0), wanted);
        let sent = signed(
            ("miravia", "authorization"),
            &VALUES,
            request("GET", "https://api.miravia.es/rest/order/get", &query),
            [0; 16],
        );
        let sent = sent.unwrap();
        let (found, _) = accepted(&sent, "access_token");
        let own: Vec<&str> = OF_QUERY.iter().copied().filter(|name| *name != "session").collect();
        prop_assert_eq!(sorted(found), sorted(full(without(read(&query), &own))));
        // Turned round, it is the same request to the platform.
        let mut pieces: Vec<&str> = query.split('&').collect();
        let len = pieces.len();
        pieces.rotate_left(turn % len);
        let turned = request("GET", "https://api.miravia.es/rest/order/get", &pieces.join("&"));
        let turned = signed(("miravia", "authorization"), &VALUES, turned, [0; 16]).unwrap();
        prop_assert_eq!(take(&mut query_of(&turned), "sign"), take(&mut query_of(&sent), "sign"));
    }

    #[test]
    fn the_fields_of_a_form_are_signed_too(query in written(OF_QUERY), form in written(OF_QUERY)) {
        let url = "https://api-sg.aliexpress.com/sync";
        let asked = with_body(request("POST", url, &query), FORM, form.clone());
        let sent = signed(("aliexpress", "authorization"), &VALUES, asked, [0; 16]).unwrap();
        let (found, fields) = accepted(&sent, "session");
        prop_assert_eq!(sorted(found), sorted(full(without(read(&query), OF_QUERY))));
        // In a form the platform takes names as they are written.
        let owned = |name: &str| OF_QUERY.contains(&name);
        let wanted: Pairs = full(read(&form)).into_iter().filter(|(name, _)| !owned(name)).collect();
        prop_assert_eq!(fields, wanted);
    }

    #[test]
    fn of_other_bodies_nothing_is_signed_or_changed(query in written(OF_QUERY), body in ".*") {
        let url = "https://api-sg.aliexpress.com/sync";
        let asked = with_body(request("POST", url, &query), "multipart/form-data; boundary=b", body.clone());
        let sent = signed(("aliexpress", "authorization"), &VALUES, asked, [0; 16]).unwrap();
        accepted(&sent, "session");
        prop_assert!(sent.body == body.as_bytes());
    }
}
