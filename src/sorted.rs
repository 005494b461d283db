//! Lists that are kept in order while they are collected.
//!
//! SOURCE: each of std's sorts is 8 KB of the module, and its `insert` brings the code that prints a number.

/// Puts `value` at `at`, as `Vec::insert` does; at the end where the list is shorter.
pub fn insert<T>(list: &mut Vec<T>, at: usize, value: T) {
    let mut moved = value;
    for place in list.iter_mut().skip(at) {
        std::mem::swap(place, &mut moved);
    }
    list.push(moved);
}

/// Adds a text, unless it is there.
pub fn add(list: &mut Vec<String>, text: &str) {
    if let Err(at) = list.binary_search_by(|other| other.as_str().cmp(text)) {
        insert(list, at, text.to_owned());
    }
}

/// Drops the oldest members beyond `count`.
pub fn keep_newest<T: Clone>(list: &mut Vec<T>, count: usize) {
    let surplus = list.len().saturating_sub(count);
    if surplus > 0 {
        *list = list.get(surplus..).unwrap_or_default().to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_in_order_and_once() {
        let mut list = Vec::new();
        for text in ["b", "a", "c", "b", "a", "ab"] {
            add(&mut list, text);
        }
        assert_eq!(list, ["a", "ab", "b", "c"]);
        let mut list = vec![1, 2];
        insert(&mut list, 9, 3);
        insert(&mut list, 0, 0);
        assert_eq!(list, [0, 1, 2, 3]);
    }

    #[test]
    fn the_newest_are_kept() {
        let mut list = vec![1, 2, 3];
        keep_newest(&mut list, 5);
        assert_eq!(list, [1, 2, 3]);
        keep_newest(&mut list, 2);
        assert_eq!(list, [2, 3]);
    }
}
