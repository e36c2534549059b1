//! A list that only grows and lends its items for as long as it lives itself, so that a reader needs neither a lock nor a
//! count of references. Its rows are each twice as long as the one before and never move.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

const ROWS: usize = 20;

#[derive(Debug)]
pub(super) struct Shelf<T> {
    rows: [OnceLock<Box<[OnceLock<T>]>>; ROWS],
    length: AtomicUsize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            rows: std::array::from_fn(|_| OnceLock::new()),
            length: AtomicUsize::new(0),
        }
    }
}

impl<T> Shelf<T> {
    pub fn get(&self, place: usize) -> Option<&T> {
        let (row, at) = split(place);
        self.rows.get(row)?.get()?.get(at)?.get()
    }

    /// The place of what was put there; `None`: the shelf is full.
    pub fn put(&self, item: T) -> Option<usize> {
        let place = self.length.fetch_add(1, Ordering::Relaxed);
        let (row, at) = split(place);
        let row_of = self.rows.get(row)?;
        let cells = row_of.get_or_init(|| (0..1_usize << row).map(|_| OnceLock::new()).collect());
        cells.get(at)?.set(item).ok()?;
        Some(place)
    }
}

fn split(place: usize) -> (usize, usize) {
    let place = place + 1;
    let row = place.ilog2() as usize;
    (row, place - (1 << row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_stays_where_it_is() {
        let shelf = Shelf::default();
        let first = shelf.put("first".to_owned()).and_then(|place| shelf.get(place));
        let places: Vec<_> = (0..100).map(|n| shelf.put(n.to_string())).collect();
        assert_eq!(first.map(String::as_str), Some("first"));
        for (n, place) in places.into_iter().enumerate() {
            assert_eq!(place.and_then(|place| shelf.get(place)), Some(&n.to_string()));
        }
        assert_eq!(shelf.get(101), None);
    }
}
