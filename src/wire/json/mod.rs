//! A push scanner for JSON that hands out chosen members and skips all else.

mod key;
mod value;

pub(crate) use super::scalar::{boolean, is_null, number, number_length, string};
pub(crate) use super::skip::near_quote;

use super::select::{Field, NOWHERE, NodeId, OUTSIDE, Select};
use super::skip::{self, Nesting};

/// Takes documents in pieces and hands out the raw text of the values that a [`Select`] wants.
///
/// Several documents may follow one another. An array at the root is transparent: its elements count as documents. A
/// scanner of a [`single`](Self::single) document reads the first one only, and nothing in an array at the root.
///
/// A repeated key is handed out each time. A scanner of a single document first hands out `null` for all that is wanted below a
/// repeated key, so that the last one counts at every depth. A value that is cut off by the end of the input is
/// never handed out.
///
/// What clients send in practice is accepted where that is harmless: a byte order mark, white space, commas that are doubled, trailing or
/// missing. What is skipped is not checked: neither the kinds of brackets nor what stands between them. Anything else
/// that is not JSON ends the scan until [`reset`](Self::reset); what was found before stays found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    state: ScanState,
    /// The container that we are in.
    node: NodeId,
    in_object: bool,
    in_root_array: bool,
    single: bool,
    /// A document has closed, and nothing is open.
    complete: bool,
    /// How many bytes of a byte order mark were seen.
    mark: u8,
    documents: u64,
    /// Where the value leads that comes next or is under way.
    target: NodeId,
    /// The first byte of the value that is under way.
    first: u8,
    /// The value that is under way is handed out in pieces.
    in_pieces: bool,
    nesting: Nesting,
    /// The value or key that is under way is longer than its limit.
    too_long: bool,
    /// What earlier pieces held of the value or key that is under way.
    held: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScanState {
    /// A member, an element or a document, or the end of what holds it.
    #[default]
    Between,
    /// The rest of a key.
    Key,
    Colon,
    /// The value of a member.
    Value,
    /// The rest of a value.
    String,
    Scalar,
    Nested,
    Malformed,
}

/// A value that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Its raw text as written.
    Json(&'a [u8]),
    /// It is over its limit. Its type follows from its first byte.
    TooLong { first: u8 },
    /// A piece of a value that is wanted in pieces: of a string what stands between its quotes, of others all.
    Piece { raw: &'a [u8], last: bool },
}

/// How far the input has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Nothing yet but white space.
    Empty,
    /// Inside a document or an array of documents.
    Within,
    /// A document, or an array of documents, has closed and nothing is open.
    Complete,
    /// It is not JSON.
    Malformed,
}

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

impl Scanner {
    /// Creates a scanner of a single document, as requests are.
    pub(crate) fn single() -> Self {
        Self { single: true, ..Self::default() }
    }

    /// Takes the next piece, of any length.
    pub(crate) fn push(&mut self, select: &Select, bytes: &[u8], found: &mut impl FnMut(Field, Value<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                ScanState::Between => self.between(select, rest, found),
                ScanState::Key => self.key(select, rest, 0),
                ScanState::Colon => self.colon(rest),
                ScanState::Value => self.value(select, rest, found),
                ScanState::String | ScanState::Scalar | ScanState::Nested => {
                    self.token(select, rest, 0, found)
                }
                ScanState::Malformed => return,
            };
        }
    }

    /// Ends the input, and with it a number or a word at the root, which nothing else closes.
    pub(crate) fn finish(&mut self, select: &Select, found: &mut impl FnMut(Field, Value<'_>)) {
        if self.state == ScanState::Scalar && self.node == OUTSIDE && !self.in_root_array {
            self.value_ends(select, b"", found);
        }
    }

    /// Makes it ready for other input. The buffer is kept.
    pub(crate) fn reset(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        held.clear();
        *self = Self { held, single: self.single, ..Self::default() };
    }

    /// Returns how far the input has come.
    pub(crate) fn status(&self) -> Status {
        match self.state {
            ScanState::Malformed => Status::Malformed,
            ScanState::Between if self.node == OUTSIDE && self.complete => Status::Complete,
            ScanState::Between if self.node == OUTSIDE && !self.in_root_array => Status::Empty,
            _ => Status::Within,
        }
    }

    /// Returns how many documents have closed. Each element of an array at the root is one.
    pub(crate) fn documents(&self) -> u64 {
        self.documents
    }

    #[cfg(test)]
    pub(super) fn held_capacity(&self) -> usize {
        self.held.capacity()
    }

    /// Reads on at the start of a member, an element or a document.
    fn between<'a>(
        &mut self,
        select: &Select,
        bytes: &'a [u8],
        found: &mut impl FnMut(Field, Value<'_>),
    ) -> &'a [u8] {
        let at_root = self.node == OUTSIDE && !self.in_root_array;
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match byte {
                _ if self.mark != 0 || (at_root && byte == BYTE_ORDER_MARK[0]) => self.byte_order_mark(byte),
                b' ' | b'\n' | b'\r' | b'\t' => {}
                b',' if !at_root => {}
                b'"' if self.in_object => {
                    self.state = ScanState::Key;
                    let rest = self.key(select, rest, 1);
                    // Straight on, as the state is known here.
                    return if self.state == ScanState::Value {
                        self.value(select, rest, found)
                    } else {
                        rest
                    };
                }
                b'}' if self.in_object => self.leave(select),
                b']' if !self.in_object && !at_root => self.leave(select),
                _ if self.in_object || (self.single && self.complete) => self.state = ScanState::Malformed,
                _ => {
                    self.target = select.node(self.node).elements.unwrap_or(NOWHERE);
                    return self.value(select, rest, found);
                }
            }
            rest = after;
            if byte != b',' && !skip::is_space(byte) {
                return rest;
            }
        }
        rest
    }

    fn byte_order_mark(&mut self, byte: u8) {
        if BYTE_ORDER_MARK.get(usize::from(self.mark)) == Some(&byte) {
            self.mark = (self.mark + 1) % 3;
        } else {
            self.state = ScanState::Malformed;
        }
    }

    /// Leaves the current container, which closes.
    fn leave(&mut self, select: &Select) {
        if self.node == OUTSIDE {
            self.in_root_array = false;
            self.complete = true;
            return;
        }
        let node = select.node(self.node);
        self.node = node.parent;
        self.in_object = !node.is_element;
        self.value_closes();
    }

    /// Ends a value in the container that is now current.
    fn value_closes(&mut self) {
        self.state = ScanState::Between;
        if self.node == OUTSIDE {
            self.documents += 1;
            self.complete = !self.in_root_array;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::select::InPieces;
    use super::*;

    const USER: Field = 1;
    const META: Field = 2;
    const DELTA: Field = 3;
    const USAGE: Field = 4;
    const COST: Field = 5;
    const COUNT: Field = 6;

    fn select() -> Select {
        Select::new([
            ("user", USER, 64),
            ("metadata.user_id", META, 64),
            ("choices[].delta.content", DELTA, 64),
            ("usage", USAGE, 128),
            ("usage.cost", COST, 16),
            ("usage.details[].count", COUNT, 16),
        ])
    }

    type Found = Vec<(Field, String)>;

    /// What is found, how many documents there were, and the status; which must not depend on how the text is cut.
    fn scan(text: impl AsRef<[u8]>) -> (Found, u64, Status) {
        let text = text.as_ref();
        let whole = scan_pieces([text]);
        for size in [1, 2, 3, 5, 7, 16, 33] {
            assert_eq!(scan_pieces(text.chunks(size)), whole, "in pieces of {size}");
        }
        for at in 0..text.len().min(300) {
            let (a, b) = text.split_at(at);
            assert_eq!(scan_pieces([a, b"", b]), whole, "cut at {at}");
        }
        whole
    }

    fn scan_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Found, u64, Status) {
        let select = select();
        let mut scanner = Scanner::default();
        let mut seen = Found::new();
        let mut found = |field, value: Value<'_>| {
            seen.push((
                field,
                match value {
                    Value::Json(raw) => String::from_utf8_lossy(raw).into_owned(),
                    Value::TooLong { first } => format!("too long: {}", char::from(first)),
                    Value::Piece { .. } => unreachable!("nothing is wanted in pieces"),
                },
            ));
        };
        for piece in pieces {
            scanner.push(&select, piece, &mut found);
            assert!(scanner.held_capacity() <= 512);
        }
        scanner.finish(&select, &mut found);
        (seen, scanner.documents(), scanner.status())
    }

    fn found(text: impl AsRef<[u8]>) -> Found {
        scan(text).0
    }

    fn one(field: Field, raw: &str) -> Found {
        vec![(field, raw.to_owned())]
    }

    #[test]
    fn what_is_wanted_in_pieces_is_handed_out_as_it_passes_and_never_held() {
        let select = Select::new([("usage", USAGE, 64)]).with_pieces([
            ("content", 1, InPieces::Strings),
            ("content[].text", 2, InPieces::Strings),
            ("tools", 3, InPieces::All),
        ]);
        let tools = r#"[{"name":"a \" ]"},[1]]"#;
        let long = "x".repeat(10_000);
        let text = format!(
            r#"{{"content":"{long}\"","content":[{{"text":"t"}},{{"text":7}}],"tools":{tools},"tools":42,"content":"","usage":{{}}}}"#
        );
        let expected = [
            (1, format!("{long}\\\"")),
            (2, "t".into()),
            (3, tools.into()),
            (3, "42".into()),
            (1, String::new()),
        ];
        for size in [1, 2, 3, 7, 1000, usize::MAX] {
            let mut scanner = Scanner::default();
            let (mut values, mut open, mut usage) = (Vec::<(Field, String)>::new(), false, 0);
            for piece in text.as_bytes().chunks(size) {
                scanner.push(&select, piece, &mut |field, value| match value {
                    Value::Piece { raw, last } => {
                        if !std::mem::replace(&mut open, !last) {
                            values.push((field, String::new()));
                        }
                        values.last_mut().unwrap().1.push_str(std::str::from_utf8(raw).unwrap());
                    }
                    other => {
                        assert_eq!(other, Value::Json(b"{}"));
                        usage += 1;
                    }
                });
                assert!(scanner.held_capacity() <= 64);
            }
            assert_eq!((&*values, usage), (&expected[..], 1), "in pieces of {size}");
        }
    }

    #[test]
    fn the_scanner_is_small_and_may_go_anywhere() {
        fn anywhere<T: Clone + Send + Sync + 'static>() {}
        anywhere::<Scanner>();
        assert!(size_of::<Scanner>() < 250);
    }

    #[test]
    fn values_of_every_type_are_handed_out_as_written() {
        for raw in ["\"al\\u0069ce\"", "12", "-1.50e3", "true", "null", "{ \"a\" : [1, {}] }", "[ ]", "\"\""]
        {
            assert_eq!(found(format!("{{\"user\":{raw}}}")), one(USER, raw));
            assert_eq!(found(format!(" {{ \"x\" : {raw} , \"user\" : {raw} \r\n\t}} ")), one(USER, raw));
        }
    }

    #[test]
    fn only_a_key_at_the_path_counts() {
        assert_eq!(found(r#"{"messages":[{"user":"a"}],"x":{"user":"b"},"y":"\"user\":\"c\"","usr":1}"#), []);
        assert_eq!(
            found(r#"{"metadata":{"user":"a","user_id":"b","x":{"user_id":"c"}},"user_id":"d"}"#),
            one(META, "\"b\"")
        );
        assert_eq!(found(r#"{"metadata":"user_id","user":"a"}"#), one(USER, "\"a\""));
        assert_eq!(found(r#"{"metadata":[{"user_id":"a"}],"metadata":12}"#), []);
        assert_eq!(found(r#"["user","a"]"#), []);
    }

    #[test]
    fn elements_of_arrays_are_found() {
        let text = r#"{"choices":[{"delta":{"content":"a"}},{},5,[{"delta":{"content":"no"}}],{"delta":{"content":"b"}}]}"#;
        assert_eq!(found(text), [(DELTA, "\"a\"".to_owned()), (DELTA, "\"b\"".to_owned())]);
    }

    #[test]
    fn keys_are_compared_with_their_escapes_decoded() {
        assert_eq!(found(r#"{"\u0075ser":"a"}"#), one(USER, "\"a\""));
        assert_eq!(found(r#"{"\u0075\u0073\u0065\u0072":"a"}"#), one(USER, "\"a\""));
        assert_eq!(found(r#"{"us\\er":1,"user\"":2,"\"user":3,"\ud800user":4,"\x":5}"#), []);
    }

    #[test]
    fn a_repeated_key_is_handed_out_each_time() {
        let expected = [(USER, "\"a\"".to_owned()), (USER, "1".to_owned()), (USER, "null".to_owned())];
        assert_eq!(found(r#"{"user":"a","user":1,"x":2,"user":null}"#), expected);
    }

    #[test]
    fn a_value_inside_a_value_comes_after_it() {
        let text = r#"{"usage":{"cost":0.5,"details":[{"count":1},{"count":2}]}}"#;
        let usage = r#"{"cost":0.5,"details":[{"count":1},{"count":2}]}"#;
        let expected = [(USAGE, usage), (COST, "0.5"), (COUNT, "1"), (COUNT, "2")];
        assert_eq!(found(text), expected.map(|(field, raw)| (field, raw.to_owned())));
        assert_eq!(found(r#"{"usage":[{"cost":1}]}"#), one(USAGE, r#"[{"cost":1}]"#));
        assert_eq!(found(r#"{"usage":"cost"}"#), one(USAGE, "\"cost\""));
    }

    #[test]
    fn a_value_over_its_limit_tells_only_its_first_byte() {
        for (raw, first) in [
            (format!("\"{}\"", "x".repeat(63)), '"'),
            ("1".repeat(65), '1'),
            (format!("[{}]", "1,".repeat(40)), '['),
            (format!("{{\"a\":\"{}\"}}", "x".repeat(70)), '{'),
        ] {
            let text = format!("{{\"user\":{raw},\"user\":\"a\"}}");
            assert_eq!(found(text), [(USER, format!("too long: {first}")), (USER, "\"a\"".to_owned())]);
        }
        let just = format!("\"{}\"", "x".repeat(62));
        assert_eq!(found(format!("{{\"user\":{just}}}")), one(USER, &just));
        assert_eq!(
            found(r#"{"usage":{"cost":"12345678901234567890"}}"#)[1],
            (COST, "too long: \"".to_owned())
        );
    }

    #[test]
    fn what_real_life_adds_does_no_harm() {
        let expected = one(USER, "\"a\"");
        for text in [
            "\u{feff}{\"user\":\"a\"}",
            "{\"user\":\"a\",}",
            "{,\"x\":1,,\"user\":\"a\",,}",
            "{\"x\":1 \"user\":\"a\"}",
            "{\"x\":[1,2,],\"user\":\"a\"}",
            "{\"temperature\":NaN,\"x\":-Infinity,\"user\":\"a\"}",
            "{\"choices\":[1 2,,{\"delta\":{}},],\"user\":\"a\"}",
            "{\"x\":\"a\nb\",\"user\":\"a\"}",
        ] {
            assert_eq!(scan(text), (expected.clone(), 1, Status::Complete), "{text}");
        }
        let spaces = " \n".repeat(5000);
        assert_eq!(scan(format!("{spaces}{{\"user\":\"a\"}}{spaces}")), (expected, 1, Status::Complete));
    }

    #[test]
    fn what_is_no_json_is_malformed_and_what_came_before_stays() {
        for text in [
            "{\"user\":\"a\",\"x\":}",
            "{\"user\":\"a\",\"x\":,\"user\":1}",
            "{\"user\":\"a\",\"x\" 1,\"user\":1}",
            "{\"user\":\"a\",\"x\":\"\"\"\":1:2,\"user\":1}",
            "{\"user\":\"a\",x:1,\"user\":1}",
            "{\"user\":\"a\"],\"user\":1}",
            "{\"user\":\"a\",\"choices\":[1}",
            "{\"user\":\"a\",\"user\":nul,\"user\":1}",
            "{\"user\":\"a\",\"user\":01}",
            "{\"user\":\"a\",\"x\":'b'}",
            "{\"user\":\"a\"}}",
            "{\"user\":\"a\"},{\"user\":1}",
            "{\"user\":\"a\"}<html>",
        ] {
            let (found, _, status) = scan(text);
            assert_eq!((found, status), (one(USER, "\"a\""), Status::Malformed), "{text}");
        }
        for text in [
            "<html>",
            "hello",
            "nothing",
            "]",
            "}",
            ",",
            ":",
            "\u{feff}\u{fe}",
            "\u{fffd}",
            "NaNa ",
            "'user'",
            "\u{0}",
        ] {
            assert_eq!(scan(text), (vec![], 0, Status::Malformed), "{text}");
        }
    }

    #[test]
    fn an_incomplete_value_is_never_handed_out() {
        let text = r#"{"user":"abc","user":12,"usage":{"cost":1}}"#;
        for end in 0..text.len() {
            let (found, documents, status) = scan(&text[..end]);
            let complete =
                [end >= 13, end >= 24, end == 42, end == 42].iter().filter(|&&closed| closed).count();
            assert_eq!(found.len(), complete, "{}", &text[..end]);
            assert_eq!((documents, status), (0, if end == 0 { Status::Empty } else { Status::Within }));
        }
    }

    #[test]
    fn documents_may_follow_one_another() {
        for text in [
            "{\"user\":1}{\"user\":2}",
            "{\"user\":1}\n{\"user\":2}\r\n",
            "[{\"user\":1},\n{\"user\":2}]",
            "[{\"user\":1}][{\"user\":2},]",
        ] {
            let expected = vec![(USER, "1".to_owned()), (USER, "2".to_owned())];
            assert_eq!(scan(text), (expected, 2, Status::Complete), "{text}");
        }
        assert_eq!(scan("1 2\"a\"true[3,[{\"user\":1}]] null"), (vec![], 7, Status::Complete));
        assert_eq!(scan("[]"), (vec![], 0, Status::Complete));
        assert_eq!(scan("[1,"), (vec![], 1, Status::Within));
        assert_eq!(scan("{} {"), (vec![], 1, Status::Within));
        assert_eq!(scan("1"), (vec![], 1, Status::Complete));
        assert_eq!(scan(" \n"), (vec![], 0, Status::Empty));
        assert_eq!(scan(""), (vec![], 0, Status::Empty));
    }

    #[test]
    fn a_whole_document_can_be_wanted() {
        let select = Select::new([("", 0, 64), ("user", USER, 64)]);
        let mut seen = Found::new();
        let mut scanner = Scanner::default();
        let mut found = |field, value: Value<'_>| {
            if let Value::Json(raw) = value {
                seen.push((field, String::from_utf8(raw.to_vec()).unwrap()));
            }
        };
        for byte in br#"[{"user":1},2]3"# {
            scanner.push(&select, &[*byte], &mut found);
        }
        scanner.finish(&select, &mut found);
        assert_eq!(seen, [(0, "{\"user\":1}".into()), (USER, "1".into()), (0, "2".into()), (0, "3".into())]);
    }

    #[test]
    fn a_reset_forgets_all_but_the_buffer() {
        let select = select();
        let mut scanner = Scanner::default();
        for beginning in [&b"{\"user\":\"abc"[..], b"[{\"x", b"{\"x\":[[\"\\", b"}", b"\xEF"] {
            scanner.push(&select, beginning, &mut |_, _| panic!("nothing is complete"));
            scanner.reset();
            assert_eq!((scanner.status(), scanner.documents()), (Status::Empty, 0));
            let mut seen = Vec::new();
            scanner.push(&select, b"{\"user\":1}", &mut |field, _| seen.push(field));
            assert_eq!(seen, [USER]);
            scanner.reset();
        }
        assert!(scanner.held_capacity() > 0);
    }

    #[test]
    fn depth_does_not_matter() {
        for (open, close) in [("[", "]"), ("{\"x\":", "}")] {
            let text = format!("{{\"x\":{}1{},\"user\":2}}", open.repeat(100_000), close.repeat(100_000));
            let whole = scan_pieces([text.as_bytes()]);
            assert_eq!(whole, (one(USER, "2"), 1, Status::Complete));
            assert_eq!(scan_pieces(text.as_bytes().chunks(999)), whole);
        }
    }

    #[test]
    fn backslashes_before_a_quote_are_counted_across_pieces() {
        assert_eq!(
            found(r#"{"x":"\\\\","y":"\\\"","z\\":[["\\"],"\"]"],"user":"\\\"\\"}"#),
            one(USER, r#""\\\"\\""#)
        );
    }

    #[test]
    fn numbers_too_long_to_check_are_still_skipped() {
        assert_eq!(found(format!("{{\"x\":{},\"user\":1}}", "1".repeat(1000))), one(USER, "1"));
    }

    #[test]
    fn a_scanner_that_is_given_another_select_does_not_panic() {
        let mut scanner = Scanner::default();
        scanner.push(&select(), b"{\"choices\":[{\"delta\":{", &mut |_, _| {});
        scanner.push(&Select::new([]), b"\"content\":1}}]}", &mut |_, _| {});
    }
}
