//! A sequence of rows that is cheap to copy.

use std::sync::Arc;

/// A growing sequence in pieces: growing copies one of them at most, and wastes little.
///
/// A clone shares the pieces, and one that is changed while a clone shares it is copied first.
#[derive(Clone, Debug)]
pub(crate) struct Pieces<T>(Vec<Arc<Vec<T>>>);

/// The number of items that are copied together. With fewer, reading all of them would be slower, since processors read ahead
/// within a piece only.
const PIECE: usize = 256;

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Pieces<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * PIECE + last.len())
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at / PIECE)?.get(at % PIECE)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slices().flatten()
    }

    /// Returns the items of each piece.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[T]> {
        self.0.iter().map(|piece| piece.as_slice())
    }

    /// Returns the bytes on the heap, without those of the items.
    pub(crate) fn heap_bytes(&self) -> usize {
        // Beside its items, a piece has two reference counts and the three words of the vector.
        let of = |piece: &Arc<Vec<T>>| piece.capacity() * size_of::<T>() + 5 * size_of::<usize>();
        self.0.iter().map(of).sum::<usize>() + self.0.capacity() * size_of::<Arc<Vec<T>>>()
    }
}

impl<T: Clone> Pieces<T> {
    pub(crate) fn push(&mut self, item: T) {
        match self.0.last_mut().filter(|last| last.len() < PIECE) {
            Some(last) => {
                let last = Arc::make_mut(last);
                if last.len() == last.capacity() {
                    last.reserve_exact((last.len() / 2).clamp(1, PIECE - last.len()));
                }
                last.push(item);
            }
            None => self.0.push(Arc::new(vec![item])),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        Arc::make_mut(self.0.get_mut(at / PIECE)?).get_mut(at % PIECE)
    }

    /// Removes an item and puts the last one in its place.
    pub(crate) fn swap_remove(&mut self, at: usize) -> Option<T> {
        let mut last = Arc::make_mut(self.0.last_mut()?).pop()?;
        // With an empty piece at the end, places would not follow from the length.
        self.0.pop_if(|piece| piece.is_empty());
        if let Some(item) = self.get_mut(at) {
            std::mem::swap(item, &mut last);
        }
        Some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stay_at_their_place_across_pieces() {
        let mut pieces = Pieces::default();
        for n in 0..PIECE * 2 + 3 {
            assert_eq!(pieces.len(), n);
            pieces.push(n);
        }
        assert!((0..pieces.len()).all(|n| pieces.get(n) == Some(&n)));
        assert_eq!(pieces.get(pieces.len()), None);
        assert!(pieces.iter().copied().eq(0..pieces.len()));
        assert_eq!(pieces.swap_remove(1), Some(1));
        assert_eq!(pieces.get(1), Some(&(PIECE * 2 + 2)));
        let mut left = 0;
        while pieces.swap_remove(0).is_some() {
            left += 1;
            assert_eq!(pieces.len() + left, PIECE * 2 + 2);
        }
        pieces.push(9);
        assert_eq!((pieces.len(), pieces.get(0)), (1, Some(&9)));
    }

    #[test]
    fn a_copy_stays_as_it_was_and_a_change_copies_no_more_than_one_piece() {
        let mut pieces = Pieces::default();
        (0..PIECE * 10).for_each(|n| pieces.push(Box::new(n)));
        let before = pieces.clone();
        **pieces.get_mut(5).unwrap() = 1_000;
        pieces.push(Box::new(2_000));
        pieces.swap_remove(PIECE);
        assert!(before.iter().map(|n| **n).eq(0..PIECE * 10));
        let shared = pieces.0.iter().zip(&before.0).filter(|(one, other)| Arc::ptr_eq(one, other)).count();
        assert_eq!(shared, 8, "the pieces that were changed are the first two");
        assert!(pieces.0.iter().all(|piece| piece.capacity() <= PIECE));
    }
}
