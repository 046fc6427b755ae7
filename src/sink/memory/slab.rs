//! Rows side by side.

use std::sync::Arc;

/// A growing sequence in pieces, so that growing never copies more than one of them and wastes little.
///
/// A copy for questions shares the pieces. One that is changed while a copy shares it is copied first; as long as there is no
/// copy, nothing is counted or looked up for it.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pieces: Vec<Piece<T>>,
}

#[derive(Debug)]
enum Piece<T> {
    Own(Vec<T>),
    Shared(Arc<Vec<T>>),
}

/// Items that are copied together.
pub(crate) const PIECE: usize = 64;

impl<T> Piece<T> {
    #[inline]
    fn items(&self) -> &Vec<T> {
        match self {
            Self::Own(items) => items,
            Self::Shared(items) => items,
        }
    }

    /// The piece for another sequence.
    fn share(&mut self) -> Self {
        let shared = match self {
            Self::Own(items) => Arc::new(std::mem::take(items)),
            Self::Shared(items) => Arc::clone(items),
        };
        *self = Self::Shared(Arc::clone(&shared));
        Self::Shared(shared)
    }
}

impl<T: Clone> Piece<T> {
    #[inline]
    fn items_mut(&mut self) -> &mut Vec<T> {
        if let Self::Shared(_) = self {
            self.own();
        }
        match self {
            Self::Own(items) => items,
            Self::Shared(items) => Arc::make_mut(items),
        }
    }

    #[cold]
    fn own(&mut self) {
        let before = std::mem::replace(self, Self::Own(Vec::new()));
        *self = Self::Own(match before {
            Self::Own(items) => items,
            Self::Shared(items) => Arc::unwrap_or_clone(items),
        });
    }
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { pieces: Vec::new() }
    }

    /// A copy as of this moment.
    pub(crate) fn share(&mut self) -> Self {
        Self { pieces: self.pieces.iter_mut().map(Piece::share).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.items().len())
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / PIECE)?.items().get(at % PIECE)
    }

    /// Pieces of [`PIECE`] items, the last of which may have fewer.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[T]> {
        self.pieces.iter().map(|piece| piece.items().as_slice())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces().flatten()
    }

    /// Bytes that the sequence itself takes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.items().capacity() * size_of::<T>()).sum();
        pieces + self.pieces.capacity() * size_of::<Piece<T>>()
    }
}

impl<T: Clone> Slab<T> {
    pub(crate) fn push(&mut self, item: T) {
        match self.pieces.last_mut() {
            Some(last) if last.items().len() < PIECE => {
                let last = last.items_mut();
                if last.len() == last.capacity() {
                    last.reserve_exact(last.len().min(PIECE - last.len()));
                }
                last.push(item);
            }
            // The first piece grows as it needs to; the later ones are needed whole, sooner or later.
            first => {
                let mut piece = Vec::with_capacity(if first.is_none() { 4 } else { PIECE });
                piece.push(item);
                self.pieces.push(Piece::Own(piece));
            }
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.pieces.get_mut(at / PIECE)?.items_mut().get_mut(at % PIECE)
    }

    /// Takes an item out. The last one takes its place.
    pub(crate) fn swap_remove(&mut self, at: usize) -> Option<T> {
        let mut last = self.pieces.last_mut()?.items_mut().pop()?;
        // An empty piece at the end would put new items at wrong places.
        if self.pieces.last().is_some_and(|piece| piece.items().is_empty()) {
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
    fn a_copy_stays_as_it_was_and_a_change_copies_no_more_than_one_piece() {
        let mut slab = Slab::new();
        (0..PIECE * 10).for_each(|n| slab.push(Box::new(n)));
        let before = slab.share();
        **slab.get_mut(5).unwrap() = 1_000;
        slab.push(Box::new(2_000));
        slab.swap_remove(PIECE);
        assert!(before.iter().map(|n| **n).eq(0..PIECE * 10));
        let shared = slab.pieces.iter().filter(|piece| matches!(piece, Piece::Shared(_))).count();
        assert_eq!(shared, 8, "the pieces that were changed are the first two");
        assert!(slab.pieces.iter().all(|piece| piece.items().capacity() <= PIECE));
        let [Piece::Shared(of_slab), Piece::Shared(of_copy)] = [&slab.pieces[5], &before.pieces[5]] else {
            panic!("a piece that was not changed is shared");
        };
        assert!(Arc::ptr_eq(of_slab, of_copy));
    }
}
