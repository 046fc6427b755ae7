//! Sets of days.

/// A set of days, counted from 1970-01-01, in sorted words of 64 days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DaySet(Vec<(i32, u64)>);

impl DaySet {
    pub(crate) fn insert(&mut self, day: i32) {
        self.insert_word(day.div_euclid(64), 1 << day.rem_euclid(64));
    }

    fn insert_word(&mut self, word: i32, bits: u64) {
        match self.0.binary_search_by_key(&word, |entry| entry.0) {
            Ok(at) => {
                if let Some(entry) = self.0.get_mut(at) {
                    entry.1 |= bits;
                }
            }
            Err(at) => self.0.insert(at, (word, bits)),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for &(word, bits) in &other.0 {
            self.insert_word(word, bits);
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.iter().map(|(_, bits)| u64::from(bits.count_ones())).sum()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<(i32, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_counts_once_before_1970_too() {
        let mut days = DaySet::default();
        [0, 63, 64, -1, -64, -65, 0, 64].into_iter().for_each(|day| days.insert(day));
        let mut more = DaySet::default();
        [1, -1].into_iter().for_each(|day| more.insert(day));
        days.merge(&more);
        assert_eq!((days.len(), more.len()), (7, 2));
    }
}
