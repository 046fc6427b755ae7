//! The regular expressions that price data uses, and no more.
//!
//! The data matches model names of at most 256 bytes against about seventy short patterns, three of which look ahead,
//! which the usual engine without backtracking does not do. This one backtracks, under a budget of steps.
//!
//! It knows literals, `.`, `\d \w \s` and their opposites, classes, groups, alternatives, `* + ? {n} {n,} {n,m}` (and
//! their lazy forms, which match the same names), `^`, `$`, `(?:…)`, `(?=…)` and `(?!…)`. Anything else is refused when the
//! data is loaded, never guessed at.

/// How many steps one match may take. Patterns of the data take less than a thousand.
const MAX_STEPS: u32 = 100_000;
/// How deep groups may be nested.
const MAX_DEPTH: u8 = 16;
/// The most times a counted repetition may ask for.
const MAX_REPEAT: u32 = 256;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Regex {
    source: Box<str>,
    root: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// One of these characters; or, when negated, any other.
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    Start,
    End,
    Sequence(Vec<Self>),
    Either(Vec<Self>),
    Repeat {
        node: Box<Self>,
        least: u32,
        most: u32,
    },
    Look {
        node: Box<Self>,
        negated: bool,
    },
}

impl Regex {
    /// Compiles a pattern; `None` for what is not known here.
    pub(super) fn new(source: &str) -> Option<Self> {
        let mut parser = Parser { rest: source, depth: 0 };
        let root = parser.alternatives()?;
        parser.rest.is_empty().then(|| Self { source: source.into(), root })
    }

    /// The pattern as it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the pattern is found anywhere in `text`. A match that takes too many steps is none.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let matcher = Matcher { text, steps: std::cell::Cell::new(0) };
        let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        starts.into_iter().any(|at| matcher.matches(&self.root, at, &mut |_| true))
    }
}

struct Matcher<'a> {
    text: &'a str,
    steps: std::cell::Cell<u32>,
}

impl Matcher<'_> {
    /// Whether `node` matches at `at` in a way that lets `then` go on from where it ends.
    fn matches(&self, node: &Node, at: usize, then: &mut dyn FnMut(usize) -> bool) -> bool {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return false;
        }
        match node {
            Node::Set { ranges, negated } => {
                let Some(next) = self.text.get(at..).and_then(|rest| rest.chars().next()) else {
                    return false;
                };
                let within = ranges.iter().any(|(low, high)| (*low..=*high).contains(&next));
                within != *negated && then(at + next.len_utf8())
            }
            Node::Start => at == 0 && then(at),
            Node::End => at == self.text.len() && then(at),
            Node::Sequence(nodes) => self.sequence(nodes, at, then),
            Node::Either(nodes) => nodes.iter().any(|node| self.matches(node, at, then)),
            Node::Repeat { node, least, most } => self.repeat(node, *least, *most, at, then),
            Node::Look { node, negated } => self.matches(node, at, &mut |_| true) != *negated && then(at),
        }
    }

    fn sequence(&self, nodes: &[Node], at: usize, then: &mut dyn FnMut(usize) -> bool) -> bool {
        match nodes.split_first() {
            None => then(at),
            Some((first, rest)) => self.matches(first, at, &mut |end| self.sequence(rest, end, then)),
        }
    }

    fn repeat(
        &self,
        node: &Node,
        least: u32,
        most: u32,
        at: usize,
        then: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        if most > 0
            && self.matches(node, at, &mut |end| {
                // A round that takes nothing would go on for ever.
                (end > at || least > 0) && self.repeat(node, least.saturating_sub(1), most - 1, end, then)
            })
        {
            return true;
        }
        least == 0 && then(at)
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: u8,
}

impl Parser<'_> {
    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        Some(next)
    }

    fn alternatives(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut all = vec![self.branch()?];
        while self.eat("|") {
            all.push(self.branch()?);
        }
        self.depth -= 1;
        if all.len() == 1 { all.pop() } else { Some(Node::Either(all)) }
    }

    fn branch(&mut self) -> Option<Node> {
        let mut nodes = Vec::new();
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            let node = self.atom()?;
            nodes.push(self.repeated(node)?);
        }
        Some(Node::Sequence(nodes))
    }

    fn repeated(&mut self, node: Node) -> Option<Node> {
        let (least, most) = if self.eat("*") {
            (0, u32::MAX)
        } else if self.eat("+") {
            (1, u32::MAX)
        } else if self.eat("?") {
            (0, 1)
        } else if self.eat("{") {
            let (counts, rest) = self.rest.split_once('}')?;
            self.rest = rest;
            let count = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= MAX_REPEAT);
            match counts.split_once(',') {
                None => (count(counts)?, count(counts)?),
                Some((least, "")) => (count(least)?, u32::MAX),
                Some((least, most)) => (count(least)?, count(most)?),
            }
        } else {
            return Some(node);
        };
        // A lazy form finds another match, but whether there is one stays the same. `x**` is refused below.
        self.eat("?");
        let once = !self.rest.starts_with(['*', '+', '?', '{']);
        let asserts = matches!(node, Node::Start | Node::End | Node::Look { .. });
        (once && !asserts && least <= most).then(|| Node::Repeat { node: Box::new(node), least, most })
    }

    fn atom(&mut self) -> Option<Node> {
        match self.next()? {
            '^' => Some(Node::Start),
            '$' => Some(Node::End),
            '.' => Some(Node::Set { ranges: vec![('\n', '\n')], negated: true }),
            '\\' => self.escape(),
            '[' => self.class(),
            '(' => {
                let look = if self.eat("?=") {
                    Some(false)
                } else if self.eat("?!") {
                    Some(true)
                } else {
                    self.eat("?:");
                    None
                };
                // `(?i)`, `(?<name>…)` and their like.
                if self.rest.starts_with('?') {
                    return None;
                }
                let node = self.alternatives()?;
                if !self.eat(")") {
                    return None;
                }
                Some(match look {
                    None => node,
                    Some(negated) => Node::Look { node: Box::new(node), negated },
                })
            }
            '*' | '+' | '?' | '{' | '}' | ']' => None,
            literal => Some(Node::Set { ranges: vec![(literal, literal)], negated: false }),
        }
    }

    fn escape(&mut self) -> Option<Node> {
        let escaped = self.next()?;
        if let Some(ranges) = shorthand(escaped.to_ascii_lowercase()) {
            return Some(Node::Set { ranges, negated: escaped.is_ascii_uppercase() });
        }
        // `\b`, `\1` and their like are refused; an escaped sign is itself.
        escaped.is_ascii_punctuation().then(|| Node::Set { ranges: vec![(escaped, escaped)], negated: false })
    }

    fn class(&mut self) -> Option<Node> {
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        while !self.eat("]") {
            let low = match self.next()? {
                '\\' => {
                    let escaped = self.next()?;
                    if let Some(mut short) = shorthand(escaped) {
                        ranges.append(&mut short);
                        continue;
                    }
                    Some(escaped).filter(char::is_ascii_punctuation)?
                }
                '[' => return None,
                literal => literal,
            };
            let spans = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            let high = if spans {
                self.eat("-");
                Some(self.next()?).filter(|high| !matches!(high, '\\' | '['))?
            } else {
                low
            };
            ranges.push(Some((low, high)).filter(|(low, high)| low <= high)?);
        }
        (!ranges.is_empty()).then_some(Node::Set { ranges, negated })
    }
}

fn shorthand(letter: char) -> Option<Vec<(char, char)>> {
    match letter {
        'd' => Some(vec![('0', '9')]),
        'w' => Some(vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        's' => Some(vec![(' ', ' '), ('\t', '\r')]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Regex::new(pattern).unwrap_or_else(|| panic!("{pattern}")).is_match(text)
    }

    #[test]
    fn the_shapes_that_the_data_uses_match_as_they_should() {
        assert!(matches(r"^gpt-6-sol-\d{4}-\d{2}-\d{2}$", "gpt-6-sol-2026-09-22"));
        assert!(!matches(r"^gpt-6-sol-\d{4}-\d{2}-\d{2}$", "gpt-6-sol-2026-09-22x"));
        assert!(matches(r"^claude-opus-5[-@]\d{8}$", "claude-opus-5@20260101"));
        assert!(matches(r"^composer-2\.5\[fast=true\]$", "composer-2.5[fast=true]"));
        assert!(matches(r"^(typesafe/)?jev-1\.13(-\d{8})?$", "typesafe/jev-1.13"));
        let no_speech = r"^(?!.*-[tT][tT][sS](?:$|-))";
        assert!(matches(no_speech, "gemini-2.5-pro-preview"));
        assert!(!matches(no_speech, "gemini-2.5-pro-preview-tts"));
        assert!(!matches(no_speech, "gemini-2.5-pro-tts-01"));
        let mistral = "^(?![^/]+/)(?:labs-)?(?:(?:mi|code|dev)stral|mixtral|open-(?:mistral|mixtral))";
        assert!(matches(mistral, "codestral-2508") && !matches(mistral, "x/codestral-2508"));
        assert!(matches("^o[134]", "o3-pro") && !matches("^o[134]", "gpt-o3"));
        assert!(matches("b{2,3}c", "aabbbc") && !matches("^ab{2,3}c", "abc"));
        assert!(matches("(?=.*z)a+?b", "aab-z") && !matches("(?=.*z)ab", "ab"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for pattern in [
            "(", ")", "a)", "[", "[]", "[z-a]", "*", "a**", "a{2", "a{3,2}", "a{999}", r"\b", r"\1", "(?i)a",
            "(?<n>a)", "(?<!a)b", r"\", "^*", "}",
        ] {
            assert_eq!(Regex::new(pattern), None, "{pattern}");
        }
        assert_eq!(Regex::new(&"(".repeat(100_000)), None);
    }

    #[test]
    fn a_pattern_that_backtracks_without_end_is_given_up() {
        assert!(!matches("^(a+)+$", &format!("{}b", "a".repeat(250))));
        assert!(!matches("(x*)*y", &"x".repeat(250)));
    }
}
