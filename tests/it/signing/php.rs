//! What PHP makes of a query or a form, stated once more for the checks of shops written in it: a list of fields, each with
//! the keys of its name, ranked by when each beginning of them was first seen.

use std::collections::BTreeMap;

use super::Pairs;

pub type Keys = Vec<String>;

/// Fields by their keys, in the order in which PHP would list them.
pub fn fields(pairs: &Pairs) -> Vec<(Keys, String)> {
    let mut seen: Vec<Keys> = Vec::new();
    let mut values: BTreeMap<Keys, String> = BTreeMap::new();
    for (name, value) in pairs {
        let mut keys = Keys::new();
        for (at, key) in split(name).into_iter().enumerate() {
            let numbers = seen
                .iter()
                .filter(|known| known.len() == at + 1 && known.starts_with(&keys));
            // Only what PHP would write the same way is a number to it.
            let numbers =
                numbers.filter_map(|known| known[at].parse::<u64>().ok().filter(|n| n.to_string() == known[at]));
            let key = key.unwrap_or_else(|| numbers.max().map_or(0, |last| last + 1).to_string());
            values.remove(&keys);
            keys.push(key);
            if !seen.contains(&keys) {
                seen.push(keys.clone());
            }
        }
        seen.retain(|known| known.len() <= keys.len() || !known.starts_with(&keys));
        values.retain(|known, _| !known.starts_with(&keys));
        values.insert(keys, value.clone());
    }
    let rank = |keys: &[String]| seen.iter().position(|known| known == keys);
    let ranks = |keys: &Keys| (1..=keys.len()).map(|end| rank(&keys[..end])).collect::<Vec<_>>();
    let mut listed: Vec<_> = values.into_iter().collect();
    listed.sort_by_key(|(keys, _)| ranks(keys));
    listed
}

/// The keys of a well-formed name; `None` is the next number.
fn split(name: &str) -> Vec<Option<String>> {
    let mut pieces = name.split('[');
    let top = pieces.next().unwrap().trim_start_matches(' ').replace(['.', ' '], "_");
    let below = pieces.map(|piece| Some(piece.trim_end_matches(']').to_owned()).filter(|key| !key.is_empty()));
    std::iter::once(Some(top)).chain(below).collect()
}

/// As names are written: `a[b][0]`.
pub fn name(keys: &[String]) -> String {
    let below: String = keys[1..].iter().map(|key| format!("[{key}]")).collect();
    format!("{}{below}", keys[0])
}
