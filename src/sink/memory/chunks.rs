//! A sorted sequence of cells that is cheap to copy.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// The time and the kind, which cells are sorted by.
pub(super) type Key = (i32, u32);

/// A cell with its key.
pub(super) trait Keyed: Clone {
    fn key(&self) -> Key;
}

/// A sorted sequence in chunks. A clone shares all of them but the last, and a chunk is copied when it is changed while a
/// clone shares it: so neither copying nor changing a long sequence takes long.
#[derive(Clone, Debug)]
pub(super) struct Chunks<T> {
    full: Vec<Arc<Vec<T>>>,
    last: Vec<T>,
}

/// The position of an item, or where it would be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    chunk: usize,
    at: usize,
}

/// The number of items of a new chunk. A chunk has less than twice as many.
const CHUNK: usize = 64;

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { full: Vec::new(), last: Vec::new() }
    }
}

impl<T: Keyed> Chunks<T> {
    pub(super) fn len(&self) -> usize {
        self.full.iter().map(|chunk| chunk.len()).sum::<usize>() + self.last.len()
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.last.last().or_else(|| self.full.last()?.last())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.full.iter().flat_map(|chunk| chunk.iter()).chain(&self.last)
    }

    /// Returns the position of an item, or as the error where it would be inserted.
    pub(super) fn find(&self, key: Key) -> Result<Position, Position> {
        let before = |chunk: &Arc<Vec<T>>| chunk.last().is_some_and(|item| item.key() < key);
        let number = self.full.partition_point(before);
        let chunk = self.full.get(number).map_or(&self.last, |chunk| chunk);
        let place = |at| Position { chunk: number, at };
        chunk.binary_search_by(|item| item.key().cmp(&key)).map(place).map_err(place)
    }

    fn chunk_mut(&mut self, number: usize) -> &mut Vec<T> {
        match self.full.get_mut(number) {
            Some(chunk) => Arc::make_mut(chunk),
            None => &mut self.last,
        }
    }

    pub(super) fn get_mut(&mut self, Position { chunk, at }: Position) -> Option<&mut T> {
        self.chunk_mut(chunk).get_mut(at)
    }

    /// Inserts an item at a position that [`find`](Self::find) returned as the error.
    pub(super) fn insert(&mut self, Position { chunk: number, at }: Position, item: T) {
        let chunk = self.chunk_mut(number);
        // Grow by half rather than by doubling from four: most rows have one or two older cells.
        if chunk.len() == chunk.capacity() {
            chunk.reserve_exact(chunk.len() / 2 + 1);
        }
        chunk.insert(at.min(chunk.len()), item);
        if chunk.len() >= 2 * CHUNK {
            let mut first = chunk.split_off(CHUNK);
            std::mem::swap(&mut first, chunk);
            first.shrink_to_fit();
            self.full.insert(number.min(self.full.len()), Arc::new(first));
        }
    }

    pub(super) fn remove(&mut self, Position { chunk: number, at }: Position) -> Option<T> {
        let chunk = self.chunk_mut(number);
        let item = (at < chunk.len()).then(|| chunk.remove(at));
        if chunk.is_empty() && number < self.full.len() {
            self.full.remove(number);
        }
        item
    }

    /// Removes and returns the items whose times are in a range.
    pub(super) fn take(&mut self, times: Range<i32>) -> Vec<T> {
        let mut taken = Vec::new();
        let (start, end) = ((times.start, 0), (times.end, 0));
        let mut take = |chunk: &mut Vec<T>, from: usize, to: usize| {
            if from < to {
                taken.extend(chunk.drain(from..to));
                chunk.shrink_to_fit();
            }
        };
        let bounds = |chunk: &[T]| {
            let place = |bound: Key| chunk.partition_point(|item| item.key().cmp(&bound) == Ordering::Less);
            (place(start), place(end))
        };
        for chunk in &mut self.full {
            let (from, to) = bounds(chunk);
            if from < to {
                take(Arc::make_mut(chunk), from, to);
            }
        }
        let (from, to) = bounds(&self.last);
        take(&mut self.last, from, to);
        self.full.retain(|chunk| !chunk.is_empty());
        taken
    }

    /// Returns the bytes on the heap, without those of the items.
    pub(super) fn heap_bytes(&self) -> usize {
        let chunk = |chunk: &Arc<Vec<T>>| {
            chunk.capacity() * size_of::<T>() + size_of::<Vec<T>>() + 2 * size_of::<usize>()
        };
        let full: usize = self.full.iter().map(chunk).sum();
        full + self.full.capacity() * size_of::<Arc<Vec<T>>>() + self.last.capacity() * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    impl Keyed for (Key, u64) {
        fn key(&self) -> Key {
            self.0
        }
    }

    fn check(chunks: &Chunks<(Key, u64)>, model: &BTreeMap<Key, u64>) {
        assert!(chunks.iter().copied().eq(model.iter().map(|(key, value)| (*key, *value))));
        assert_eq!(
            (chunks.len(), chunks.last().map(|last| last.0)),
            (model.len(), model.keys().last().copied())
        );
        assert!(chunks.full.iter().all(|chunk| !chunk.is_empty() && chunk.len() < 2 * CHUNK));
    }

    #[test]
    fn it_holds_what_a_map_does_and_copies_stay_as_they_were() {
        let mut chunks = Chunks::<(Key, u64)>::default();
        let mut model = BTreeMap::new();
        let mut copies = Vec::new();
        let mut random = 42u64;
        for n in 0..6_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = ((random >> 50) as i32 % 900, (random >> 40) as u32 % 3);
            match (chunks.find(key), n % 5) {
                (Ok(place), 0) => assert_eq!(chunks.remove(place).map(|item| item.1), model.remove(&key)),
                (Ok(place), _) => {
                    chunks.get_mut(place).unwrap().1 = n;
                    model.insert(key, n);
                }
                (Err(place), _) => {
                    chunks.insert(place, (key, n));
                    model.insert(key, n);
                }
            }
            if n % 1_000 == 999 {
                copies.push((chunks.clone(), model.clone()));
                let taken = chunks.take(100..150);
                assert!(
                    taken.iter().map(|item| item.0).eq(model.range((100, 0)..(150, 0)).map(|(key, _)| *key))
                );
                model.retain(|key, _| !(100..150).contains(&key.0));
                check(&chunks, &model);
            }
        }
        copies.iter().for_each(|(chunks, model)| check(chunks, model));
        assert!(chunks.full.len() > 10);
    }

    #[test]
    fn a_change_beside_a_copy_copies_one_chunk() {
        let mut chunks = Chunks::default();
        for quarter in 0..5_000 {
            let place = chunks.find((quarter, 0)).unwrap_err();
            chunks.insert(place, ((quarter, 0), 0));
        }
        let copy = chunks.clone();
        let place = chunks.find((70, 0)).unwrap();
        chunks.get_mut(place).unwrap().1 = 1;
        let copied = copy.full.iter().zip(&chunks.full).filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert_eq!((copied, copy.iter().map(|item| item.1).sum::<u64>()), (1, 0));
    }
}
