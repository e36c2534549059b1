//! Names with values, as the files write them, in the types of the platform's own functions.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName};
use llavero::platform::Values;

pub fn values(pairs: &BTreeMap<String, String>) -> Values {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

pub fn headers(pairs: &BTreeMap<String, String>) -> HeaderMap {
    let header = |(name, value): (&String, &String)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    pairs.iter().map(header).collect()
}
