//! How PHP reads a query or a form (`php_register_variable_ex` in `main/php_variables.c`). Shops written in PHP sign what
//! they have read, not what was sent: names lose dots and spaces, `a[]` gets an index, of a repeated name the last counts,
//! and the items of a list stand together.

use std::collections::HashMap;

/// Lists within lists; what lies deeper is dropped (`max_input_nesting_level`).
const DEEPEST: usize = 64;

/// A list of PHP's: keys in the order of their first use.
#[derive(Default)]
struct List {
    entries: Vec<(String, Entry)>,
    places: HashMap<String, usize>,
    highest: Option<i64>,
}

enum Entry {
    Text(String),
    List(List),
}

/// Names as PHP takes them apart, `a[b][]` into `a`, `b` and `0`, with their values, in PHP's order.
pub(in crate::platform) fn read(pairs: impl Iterator<Item = (String, String)>) -> Vec<(Vec<String>, String)> {
    let mut list = List::default();
    for (name, value) in pairs {
        if let Some(keys) = keys(&name) {
            list.set(&keys, value);
        }
    }
    let mut read = Vec::new();
    list.flatten(&mut Vec::new(), &mut read);
    read
}

/// The name that PHP reads as these keys.
pub(in crate::platform) fn name(keys: &[String]) -> String {
    let (top, below) = keys.split_first().map_or(("", keys), |(top, below)| (top, below));
    let below: String = below.iter().map(|key| format!("[{key}]")).collect();
    format!("{top}{below}")
}

/// A name's keys, `None` for an empty bracket. There are none at all where PHP drops the name.
fn keys(name: &str) -> Option<Vec<Option<&str>>> {
    let name = name.split('\0').next()?.trim_start_matches(' ');
    let (top, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    if top.is_empty() {
        return None;
    }
    if !rest.contains(']') {
        return Some(vec![Some(name)]);
    }
    let mut keys = vec![Some(top)];
    while let Some(inner) = rest.strip_prefix('[') {
        let Some((key, after)) = inner.split_once(']') else {
            break;
        };
        let is_empty = key.len() < 2 && key.trim_ascii().is_empty();
        keys.push((!is_empty).then_some(key));
        rest = after;
    }
    (keys.len() <= DEEPEST + 1).then_some(keys)
}

impl List {
    fn set(&mut self, keys: &[Option<&str>], value: String) {
        let Some((top, below)) = keys.split_first() else { return };
        // Only variables have no dots, spaces and brackets in their names; keys of lists may.
        let top = top.map(|top| top.replace(['.', ' ', '['], "_"));
        let mut entry = self.entry(top.as_deref());
        for key in below {
            let Some(found) = entry else { return };
            if !matches!(found, Entry::List(_)) {
                *found = Entry::List(Self::default());
            }
            let Entry::List(list) = found else { return };
            entry = list.entry(*key);
        }
        if let Some(entry) = entry {
            *entry = Entry::Text(value);
        }
    }

    /// The entry of a key, made where there is none; without a key, the next one. `None`: there is no next one.
    fn entry(&mut self, key: Option<&str>) -> Option<&mut Entry> {
        let key = match key {
            Some(key) => key.to_owned(),
            None => self.highest.map_or(Some(0), |last| last.checked_add(1))?.to_string(),
        };
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let number = key.parse::<i64>().ok().filter(|number| number.to_string() == key);
                self.highest = self.highest.max(number.filter(|number| *number >= 0));
                self.places.insert(key.clone(), self.entries.len());
                self.entries.push((key, Entry::Text(String::new())));
                self.entries.len() - 1
            }
        };
        self.entries.get_mut(place).map(|(_, entry)| entry)
    }

    fn flatten(self, above: &mut Vec<String>, read: &mut Vec<(Vec<String>, String)>) {
        for (key, entry) in self.entries {
            above.push(key);
            match entry {
                Entry::Text(text) => read.push((above.clone(), text)),
                Entry::List(list) => list.flatten(above, read),
            }
            above.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::signature;

    fn all(query: &str) -> Vec<String> {
        let read = read(signature::pairs(query).into_iter());
        let text = read.iter().map(|(keys, value)| format!("{}={value}", name(keys)));
        text.collect()
    }

    #[test]
    fn names_are_read_as_php_reads_them() {
        for (query, wanted) in [
            ("a.b=1&c d=2&%20e=3&f =4", &["a_b=1", "c_d=2", "e=3", "f_=4"][..]),
            (
                "a[]=1&b=1&a[]=2&b=2&c=&a[5]=x&a[]=3",
                &["a[0]=1", "a[1]=2", "a[5]=x", "a[6]=3", "b=2", "c="],
            ),
            ("a[x]=1&b=2&a[y]=3", &["a[x]=1", "a[y]=3", "b=2"]),
            (
                "a[k][]=1&a[k.l][]=2&a[k][]=3",
                &["a[k][0]=1", "a[k][1]=3", "a[k.l][0]=2"],
            ),
            ("a=1&a[b]=2", &["a[b]=2"]),
            ("a[b]=1&c=2&a=3", &["a=3", "c=2"]),
            ("a[07]=1&a[]=2", &["a[07]=1", "a[0]=2"]),
            ("a[ ]=1&a[ b]=2", &["a[0]=1", "a[ b]=2"]),
            ("a[b=1&c[d]e=2&c[f][g=3", &["a_b=1", "c[d]=2", "c[f]=3"]),
            ("[a]=1&=2&%00=3&b%00c=4", &["b=4"]),
            ("a[9223372036854775807]=1&a[]=2", &["a[9223372036854775807]=1"]),
        ] {
            assert_eq!(all(query), wanted, "{query}");
        }
        assert_eq!(all(&format!("a{}=1", "[]".repeat(DEEPEST))).len(), 1);
        assert!(all(&format!("a{}=1", "[]".repeat(DEEPEST + 1))).is_empty());
    }
}
