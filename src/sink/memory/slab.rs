//! Rows side by side.

/// A growing sequence in pieces, so that growing never copies more than one of them and wastes little.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    pieces: Vec<Vec<T>>,
}

const PIECE: usize = 256;

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { pieces: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.len())
    }

    pub(crate) fn push(&mut self, item: T) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(item),
            // The first piece grows as it needs to; the later ones are needed whole, sooner or later.
            first => {
                let mut piece = Vec::with_capacity(if first.is_none() { 4 } else { PIECE });
                piece.push(item);
                self.pieces.push(piece);
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.pieces.get_mut(at / PIECE)?.get_mut(at % PIECE)
    }

    /// Takes an item out. The last one takes its place.
    pub(crate) fn swap_remove(&mut self, at: usize) -> Option<T> {
        let mut last = self.pieces.last_mut()?.pop()?;
        // An empty piece at the end would put new items at wrong places.
        if self.pieces.last().is_some_and(Vec::is_empty) {
            self.pieces.pop();
        }
        if let Some(item) = self.get_mut(at) {
            std::mem::swap(item, &mut last);
        }
        Some(last)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }

    /// Bytes that the sequence itself takes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.capacity() * size_of::<T>()).sum();
        pieces + self.pieces.capacity() * size_of::<Vec<T>>()
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
}
