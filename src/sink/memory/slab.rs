//! Rows side by side.

use std::sync::Arc;

/// A growing sequence in pieces, so that growing never copies more than one of them and wastes little.
///
/// A clone shares the pieces: it takes one count for each of them, and a piece is copied when it is changed while a clone
/// shares it.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pieces: Vec<Arc<Vec<T>>>,
}

/// Items that are copied together.
pub(crate) const PIECE: usize = 64;

impl<T> Clone for Slab<T> {
    fn clone(&self) -> Self {
        Self { pieces: self.pieces.clone() }
    }
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { pieces: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.len())
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    /// Pieces of [`PIECE`] items, the last of which may have fewer.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[T]> {
        self.pieces.iter().map(|piece| piece.as_slice())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces().flatten()
    }

    /// Bytes that the sequence itself takes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.capacity() * size_of::<T>()).sum();
        let each = size_of::<Vec<T>>() + 2 * size_of::<usize>();
        pieces + self.pieces.len() * each + self.pieces.capacity() * size_of::<Arc<Vec<T>>>()
    }
}

impl<T: Clone> Slab<T> {
    pub(crate) fn push(&mut self, item: T) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => {
                let last = Arc::make_mut(last);
                if last.len() == last.capacity() {
                    last.reserve_exact(last.len().min(PIECE - last.len()));
                }
                last.push(item);
            }
            // The first piece grows as it needs to; the later ones are needed whole, sooner or later.
            first => {
                let mut piece = Vec::with_capacity(if first.is_none() { 4 } else { PIECE });
                piece.push(item);
                self.pieces.push(Arc::new(piece));
            }
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        Arc::make_mut(self.pieces.get_mut(at / PIECE)?).get_mut(at % PIECE)
    }

    /// Takes an item out. The last one takes its place.
    pub(crate) fn swap_remove(&mut self, at: usize) -> Option<T> {
        let mut last = Arc::make_mut(self.pieces.last_mut()?).pop()?;
        // An empty piece at the end would put new items at wrong places.
        if self.pieces.last().is_some_and(|piece| piece.is_empty()) {
            self.pieces.pop();
        }
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
        let mut slab = Slab::new();
        for n in 0..PIECE * 2 + 3 {
            assert_eq!(slab.len(), n);
            slab.push(n);
        }
        assert!((0..slab.len()).all(|n| slab.get(n) == Some(&n)));
        assert_eq!(slab.get(slab.len()), None);
        assert!(slab.iter().copied().eq(0..slab.len()));
        assert_eq!(slab.swap_remove(1), Some(1));
        assert_eq!(slab.get(1), Some(&(PIECE * 2 + 2)));
        let mut left = 0;
        while slab.swap_remove(0).is_some() {
            left += 1;
            assert_eq!(slab.len() + left, PIECE * 2 + 2);
        }
        slab.push(9);
        assert_eq!((slab.len(), slab.get(0)), (1, Some(&9)));
    }

    #[test]
    fn a_clone_stays_as_it_was_and_a_change_copies_no_more_than_one_piece() {
        let mut slab = Slab::new();
        (0..PIECE * 10).for_each(|n| slab.push(Box::new(n)));
        let before = slab.clone();
        **slab.get_mut(5).unwrap() = 1_000;
        slab.push(Box::new(2_000));
        slab.swap_remove(PIECE);
        assert!(before.iter().map(|n| **n).eq(0..PIECE * 10));
        let shared = before.pieces.iter().zip(&slab.pieces).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!(shared, 8, "the pieces that were changed are the first two");
        assert!(slab.pieces.iter().all(|piece| piece.capacity() <= PIECE));
    }
}
