//! Faults of a file that are about all of it, not about one key of a good one.

use super::*;

#[test]
fn a_faulty_platform_is_refused_as_a_whole() {
    let again = GOOD
        .split_once("[[methods]]")
        .map(|(_, method)| method)
        .unwrap_or_default();
    let without = GOOD.split_once("[[methods]]").map(|(head, _)| head).unwrap_or_default();
    let given = GOOD
        .split_once("[methods.obtain.code]")
        .and_then(|(head, rest)| Some((head, rest.split_once("[methods.sign]")?.1)))
        .map(|(head, rest)| format!("{head}[methods.obtain.given]\n[methods.sign]{rest}"))
        .unwrap_or_default();
    for (text, key, words) in [
        (
            format!("{GOOD}\n[[methods]]{again}"),
            "methods[1].id",
            "`install` is there twice",
        ),
        (
            format!("methods = []\n{without}"),
            "methods",
            "at least one connect method",
        ),
        (
            given.replace("call = { path = \"/me\" }", ""),
            "methods[0].verify.call",
            "nothing else proves keys",
        ),
    ] {
        let errors = refused("acme.toml", &text);
        let said = errors
            .iter()
            .any(|error| error.key == key && error.message.contains(words));
        assert!(said, "expected {key}: {words}, got {errors:#?}");
    }
}

#[test]
fn every_faulty_file_is_named_at_once() {
    let broken = GOOD.replace("number = 1", "number = \"x\"");
    let errors = Catalogue::parse(&[("acme.toml", broken.as_str()), ("b.toml", "not toml"), ("c.toml", GOOD)]);
    let files: Vec<_> = errors
        .expect_err("should be refused")
        .into_iter()
        .map(|error| error.file)
        .collect();
    assert_eq!(files, ["acme.toml", "b.toml", "c.toml"]);
}
