//! PHP's natural order of texts (`strnatcmp`): runs of digits compare as numbers. Shops written in PHP sort the names of
//! signed parameters by it, so `a[2]` stands before `a[10]`, and whoever sorts by bytes is refused.

use std::cmp::Ordering;

/// Compares as PHP 7 and 8 do: leading zeros count only at the very start for nothing, elsewhere a run of digits that
/// begins with a zero compares digit by digit.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (without_zeros(a.as_bytes()), without_zeros(b.as_bytes()));
    loop {
        (a, b) = (without_space(a), without_space(b));
        let (Some(&first), Some(&second)) = (a.first(), b.first()) else {
            return a.len().cmp(&b.len());
        };
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let (number, other) = (digits(a), digits(b));
            let order = if first == b'0' || second == b'0' {
                number.cmp(other)
            } else {
                number.len().cmp(&other.len()).then_with(|| number.cmp(other))
            };
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[number.len()..], &b[other.len()..]);
        } else if first != second {
            return first.cmp(&second);
        } else {
            (a, b) = (&a[1..], &b[1..]);
        }
    }
}

fn digits(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}

fn without_zeros(mut text: &[u8]) -> &[u8] {
    while let [b'0', next, ..] = text
        && next.is_ascii_digit()
    {
        text = &text[1..];
    }
    text
}

fn without_space(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_compare_as_numbers() {
        let sorted = [
            "%5B",
            "1",
            "2",
            "10",
            "Filter",
            "filter%5B2%5D",
            "filter%5B10%5D",
            "filter%5B10%5D%5Ba%5D",
            "img",
            "img01",
            "img1",
            "img2",
            "img12",
            "oauth_nonce",
        ];
        for (at, lower) in sorted.iter().enumerate() {
            assert_eq!(compare(lower, lower), Ordering::Equal);
            for higher in &sorted[at + 1..] {
                assert_eq!(compare(lower, higher), Ordering::Less, "{lower} {higher}");
                assert_eq!(compare(higher, lower), Ordering::Greater, "{lower} {higher}");
            }
        }
        assert_eq!(compare("001", "1"), Ordering::Equal);
        assert_eq!(compare("", "a"), Ordering::Less);
    }
}
