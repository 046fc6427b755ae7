//! Which members of a JSON document are wanted.

/// The caller's own number for a path.
pub(crate) type Field = u8;

/// The place of a [`Node`] among the nodes of its [`Select`].
pub(super) type NodeId = u32;

/// Outside of every document. Its elements are the documents.
pub(super) const OUTSIDE: NodeId = 0;
/// A whole document.
pub(super) const DOCUMENT: NodeId = 1;
/// Where an unwanted value leads.
pub(super) const NOWHERE: NodeId = NodeId::MAX;

/// Which values at a path are handed out in pieces as they pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InPieces {
    /// Strings. Into others the paths lead on.
    Strings,
    /// All values.
    All,
}

/// The wanted members as a trie of paths.
///
/// In a path, keys are separated by `.`, and `[]` after a key stands for each element of an array:
/// `user`, `metadata.user_id`, `choices[].delta.content`. The empty path is the whole document. A key that holds a `.`
/// or ends in `[]` cannot be wanted.
#[derive(Debug)]
pub(crate) struct Select {
    nodes: Vec<Node>,
    longest_key: usize,
}

/// One place in a document that is wanted or lies on the way to one.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: NodeId,
    /// Whether it is an element of an array in `parent`, not a member of an object.
    pub(super) is_element: bool,
    /// Set when the value itself is wanted, with the limit of its raw text in bytes.
    pub(super) capture: Option<(Field, usize)>,
    /// Set when the value is wanted in pieces. This comes before `capture`.
    pub(super) pieces: Option<(Field, InPieces)>,
    /// By length, shorter keys first.
    members: Vec<(Box<[u8]>, NodeId)>,
    /// Bit n is set when a key of n bytes is among the members; bit 63 stands for all longer ones too.
    lengths: u64,
    pub(super) elements: Option<NodeId>,
}

/// What an id that is not of this `Select` leads to.
static UNWANTED: Node = Node::new(OUTSIDE, true);

impl Node {
    const fn new(parent: NodeId, is_element: bool) -> Self {
        Self {
            parent,
            is_element,
            capture: None,
            pieces: None,
            members: Vec::new(),
            lengths: 0,
            elements: None,
        }
    }

    pub(super) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }

    /// Returns the member with this key, escapes decoded.
    pub(super) fn member(&self, key: &[u8]) -> Option<NodeId> {
        if self.lengths & length_bit(key) == 0 {
            return None;
        }
        let first = self.members.partition_point(|(name, _)| name.len() < key.len());
        let mut same_length =
            self.members.get(first..)?.iter().take_while(|(name, _)| name.len() == key.len());
        same_length.find(|(name, _)| **name == *key).map(|&(_, id)| id)
    }
}

fn length_bit(key: &[u8]) -> u64 {
    1 << key.len().min(63)
}

impl Select {
    /// Wants the values at `paths`, each with the caller's number for it and the limit of its raw text in bytes.
    ///
    /// Of two equal paths the first counts. When one path leads through the value of another (`usage` and
    /// `usage.cost`), the inner value is handed out after the outer one, and only when the outer one is within its limit.
    pub(crate) fn new<'a>(paths: impl IntoIterator<Item = (&'a str, Field, usize)>) -> Self {
        let mut outside = Node::new(OUTSIDE, true);
        outside.elements = Some(DOCUMENT);
        let mut select = Self { nodes: vec![outside, Node::new(OUTSIDE, true)], longest_key: 0 };
        for (path, field, limit) in paths {
            let id = select.make(path);
            if let Some(node) = select.nodes.get_mut(id as usize) {
                node.capture.get_or_insert((field, limit));
            }
        }
        select
    }

    /// Wants the values at these paths too, in pieces and of any length.
    pub(crate) fn with_pieces<'a>(
        mut self,
        paths: impl IntoIterator<Item = (&'a str, Field, InPieces)>,
    ) -> Self {
        for (path, field, which) in paths {
            let id = self.make(path);
            if let Some(node) = self.nodes.get_mut(id as usize) {
                node.pieces.get_or_insert((field, which));
            }
        }
        self
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id as usize).unwrap_or(&UNWANTED)
    }

    /// Calls `seen` with all that is wanted below a place, but not at it.
    pub(super) fn each_wanted_below(&self, id: NodeId, seen: &mut impl FnMut(Field)) {
        let node = self.node(id);
        for below in node.members.iter().map(|&(_, id)| id).chain(node.elements) {
            if let Some((field, _)) = self.node(below).capture {
                seen(field);
            }
            self.each_wanted_below(below, seen);
        }
    }

    /// Returns the length in bytes of the longest wanted key.
    pub(super) fn longest_key(&self) -> usize {
        self.longest_key
    }

    fn make(&mut self, path: &str) -> NodeId {
        let mut at = DOCUMENT;
        for segment in path.split('.').filter(|_| !path.is_empty()) {
            let key = segment.trim_end_matches("[]");
            at = self.make_member(at, key.as_bytes());
            for _ in 0..(segment.len() - key.len()) / 2 {
                at = self.make_elements(at);
            }
        }
        at
    }

    fn make_member(&mut self, parent: NodeId, key: &[u8]) -> NodeId {
        let next = self.nodes.len() as NodeId;
        let Some(node) = self.nodes.get_mut(parent as usize) else { return parent };
        if let Some(id) = node.member(key) {
            return id;
        }
        let place = node.members.partition_point(|(name, _)| name.len() <= key.len());
        node.members.insert(place, (key.into(), next));
        node.lengths |= length_bit(key);
        self.longest_key = self.longest_key.max(key.len());
        self.nodes.push(Node::new(parent, false));
        next
    }

    fn make_elements(&mut self, parent: NodeId) -> NodeId {
        let next = self.nodes.len() as NodeId;
        let Some(node) = self.nodes.get_mut(parent as usize) else { return parent };
        if let Some(id) = node.elements {
            return id;
        }
        node.elements = Some(next);
        self.nodes.push(Node::new(parent, true));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_a_common_beginning_share_their_nodes() {
        let select = Select::new([("a.b", 1, 10), ("a.c[].d", 2, 20), ("a", 3, 30), ("a", 4, 40)]);
        let a = select.node(DOCUMENT).member(b"a").unwrap();
        assert_eq!(select.node(a).capture, Some((3, 30)));
        assert_eq!(select.node(a).parent, DOCUMENT);
        let b = select.node(a).member(b"b").unwrap();
        assert_eq!(select.node(b).capture, Some((1, 10)));
        let c = select.node(a).member(b"c").unwrap();
        let element = select.node(c).elements.unwrap();
        assert!(select.node(element).is_element);
        let d = select.node(element).member(b"d").unwrap();
        assert_eq!(select.node(d).capture, Some((2, 20)));
        assert_eq!(select.longest_key(), 1);
    }

    #[test]
    fn an_unknown_node_wants_nothing() {
        let select = Select::new([]);
        assert!(!select.node(17).has_members());
        assert_eq!(select.node(17).member(b"user"), None);
    }

    #[test]
    fn keys_of_more_than_63_bytes_are_told_apart() {
        let (long, longer) = ("k".repeat(70), "k".repeat(71));
        let select = Select::new([(long.as_str(), 1, 1)]);
        assert!(select.node(DOCUMENT).member(long.as_bytes()).is_some());
        assert!(select.node(DOCUMENT).member(longer.as_bytes()).is_none());
    }
}
