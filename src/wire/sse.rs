//! A push parser for event streams (server-sent events), by the rules of the WHATWG HTML standard.

/// What happens in an event stream.
pub(crate) trait SseEvents {
    /// Takes bytes of the data of the current event. Several lines of data are joined by a line feed.
    fn data(&mut self, piece: Piece<'_>);

    /// Ends the current event, which had data, or only fields that the standard does not know. `event_name` is what its
    /// last `event` field said, cut to 64 bytes, and empty when it had none.
    fn end(&mut self, event_name: &[u8], had_data: bool);

    /// Takes bytes of the value of a field that the standard does not know, such as `error`. The name has at most 32 bytes;
    /// fields with longer names are ignored.
    fn other_field(&mut self, name: &[u8], piece: Piece<'_>) {
        let _ = (name, piece);
    }
}

/// Some bytes of a value that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The bytes, never empty.
    pub(crate) bytes: &'a [u8],
    /// These bytes are the entire data of the event (or the entire value of the other field). When it is `false` they
    /// may be so all the same.
    pub(crate) whole: bool,
}

/// Takes an event stream in pieces and hands out the data as it flows. It keeps names, never data.
#[derive(Clone, Debug, Default)]
pub(crate) struct SseParser {
    state: LineState,
    /// How many bytes of a byte order mark were seen.
    mark: u8,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    /// The current event has a line of data.
    has_data: bool,
    /// The current event has a field that the standard does not know.
    has_other: bool,
    /// Nothing of the current value has been handed out, nor any data of the event before it.
    untouched: bool,
    name: Short<MAX_NAME>,
    event: Short<MAX_EVENT>,
}

const MAX_NAME: usize = 32;
const MAX_EVENT: usize = 64;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LineState {
    /// The first line, perhaps behind a byte order mark.
    #[default]
    Start,
    /// A line.
    Line,
    /// The rest of a field's name.
    Name,
    /// The value of a field, or the space before it.
    Space(FieldKind),
    /// The rest of a value.
    Value(FieldKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldKind {
    Data,
    Event,
    Other,
    /// A comment, `id`, `retry`, or a field with a name that is too long.
    Ignored,
}

/// The first bytes of a text.
#[derive(Clone, Debug)]
struct Short<const N: usize> {
    bytes: [u8; N],
    len: usize,
    /// More came than there is room for.
    cut: bool,
}

impl<const N: usize> Default for Short<N> {
    fn default() -> Self {
        Self { bytes: [0; N], len: 0, cut: false }
    }
}

impl<const N: usize> Short<N> {
    fn push(&mut self, bytes: &[u8]) {
        let free = self.bytes.get_mut(self.len..).unwrap_or_default();
        let fits = bytes.len().min(free.len());
        if let (Some(free), Some(bytes)) = (free.get_mut(..fits), bytes.get(..fits)) {
            free.copy_from_slice(bytes);
        }
        self.len += fits;
        self.cut |= fits < bytes.len();
    }

    fn clear(&mut self) {
        self.len = 0;
        self.cut = false;
    }

    fn get(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// An event as nearly all are: in one piece, its data on one line, perhaps with its name on the line before, and both
/// lines ended by a line feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlainEvent<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
    /// Whether there is a backslash in the data.
    pub(crate) has_backslash: bool,
    /// What follows the event.
    pub(crate) rest: &'a [u8],
}

impl SseParser {
    /// Reads the event at the start of `bytes`, if it is a plain one and no other is under way. A caller that goes on with what follows
    /// it has seen all that [`push`](Self::push) would have handed out.
    #[inline]
    pub(crate) fn plain_event<'a>(&self, bytes: &'a [u8]) -> Option<PlainEvent<'a>> {
        let begun = self.has_data || self.has_other || !self.event.get().is_empty();
        if self.state != LineState::Line || self.after_return || begun {
            return None;
        }
        let (name, line) = match bytes.strip_prefix(b"event: ") {
            None => (&b""[..], bytes),
            Some(line) => {
                let (name, rest) = line.split_at_checked(memchr::memchr2(b'\n', b'\r', line)?)?;
                if name.len() > MAX_EVENT {
                    return None;
                }
                (name, rest.strip_prefix(b"\n")?)
            }
        };
        let line = line.strip_prefix(b"data: ")?;
        let mut end = memchr::memchr3(b'\n', b'\r', b'\\', line)?;
        let has_backslash = line.get(end) == Some(&b'\\');
        if has_backslash {
            end += memchr::memchr2(b'\n', b'\r', line.get(end..)?)?;
        }
        let (data, rest) = line.split_at_checked(end)?;
        Some(PlainEvent { name, data, has_backslash, rest: rest.strip_prefix(b"\n\n")? })
    }

    /// Takes the next piece of the stream, of any length.
    pub(crate) fn push(&mut self, bytes: &[u8], events: &mut impl SseEvents) {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if std::mem::take(&mut self.after_return) && byte == b'\n' {
                rest = after;
                continue;
            }
            rest = match self.state {
                LineState::Start => self.start(byte, rest, after),
                LineState::Line => self.line(rest, events),
                LineState::Name => self.name(rest, events),
                LineState::Space(kind) => {
                    self.state = LineState::Value(kind);
                    if byte == b' ' { after } else { rest }
                }
                LineState::Value(kind) => self.value(kind, rest, events),
            };
        }
    }

    /// Ends the stream. A last event that no blank line closes is handed out all the same, as some servers leave
    /// it out. The parser is ready for another stream.
    pub(crate) fn finish(&mut self, events: &mut impl SseEvents) {
        if self.state == LineState::Name {
            self.name_ends(events);
        }
        self.dispatch(events);
        *self = Self::default();
    }

    /// Skips a byte order mark, if there is one.
    fn start<'a>(&mut self, byte: u8, rest: &'a [u8], after: &'a [u8]) -> &'a [u8] {
        let mark = usize::from(self.mark);
        if BYTE_ORDER_MARK.get(mark) == Some(&byte) {
            self.mark += 1;
            return after;
        }
        self.state = LineState::Line;
        if let (1..=2, Some(beginning)) = (mark, BYTE_ORDER_MARK.get(..mark)) {
            // It was none after all: a field with a strange name.
            self.name.push(beginning);
            self.state = LineState::Name;
        }
        rest
    }

    /// Reads on at the start of a line.
    fn line<'a>(&mut self, rest: &'a [u8], events: &mut impl SseEvents) -> &'a [u8] {
        // What nearly every line is.
        if let Some(value) = rest.strip_prefix(b"data: ") {
            self.value_starts(FieldKind::Data, events);
            return self.value(FieldKind::Data, value, events);
        }
        match rest.split_first() {
            Some((b'\n', after)) => {
                self.dispatch(events);
                after
            }
            Some((b'\r', after)) => {
                self.after_return = true;
                self.dispatch(events);
                after
            }
            _ => {
                self.name.clear();
                self.state = LineState::Name;
                self.name(rest, events)
            }
        }
    }

    /// Reads on in the name of a field.
    fn name<'a>(&mut self, rest: &'a [u8], events: &mut impl SseEvents) -> &'a [u8] {
        let Some(end) = memchr::memchr3(b':', b'\n', b'\r', rest) else {
            self.name.push(rest);
            return b"";
        };
        let (name, rest) = rest.split_at_checked(end).unwrap_or_default();
        self.name.push(name);
        match rest.split_first() {
            Some((b':', rest)) => {
                let kind = self.kind();
                self.state = LineState::Space(kind);
                self.value_starts(kind, events);
                rest
            }
            Some((&byte, rest)) => {
                self.name_ends(events);
                self.line_ends(byte);
                rest
            }
            None => rest,
        }
    }

    fn kind(&self) -> FieldKind {
        match self.name.get() {
            _ if self.name.cut => FieldKind::Ignored,
            b"data" => FieldKind::Data,
            b"event" => FieldKind::Event,
            b"" | b"id" | b"retry" => FieldKind::Ignored,
            _ => FieldKind::Other,
        }
    }

    /// Ends the name of a field without a colon, whose value is empty.
    fn name_ends(&mut self, events: &mut impl SseEvents) {
        let kind = self.kind();
        self.value_starts(kind, events);
    }

    fn value_starts(&mut self, kind: FieldKind, events: &mut impl SseEvents) {
        self.untouched = true;
        match kind {
            FieldKind::Data => {
                if self.has_data {
                    self.untouched = false;
                    events.data(Piece { bytes: b"\n", whole: false });
                }
                self.has_data = true;
            }
            FieldKind::Event => self.event.clear(),
            FieldKind::Other => self.has_other = true,
            FieldKind::Ignored => {}
        }
    }

    /// Reads on in the value of a field.
    fn value<'a>(&mut self, kind: FieldKind, rest: &'a [u8], events: &mut impl SseEvents) -> &'a [u8] {
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (bytes, rest) = rest.split_at_checked(end).unwrap_or_default();
        let whole = match kind {
            // More lines of data may follow, unless a blank line is in sight.
            FieldKind::Data => {
                self.untouched
                    && matches!(
                        rest,
                        [b'\n', b'\n' | b'\r', ..] | [b'\r', b'\r', ..] | [b'\r', b'\n', b'\n' | b'\r', ..]
                    )
            }
            _ => self.untouched && !rest.is_empty(),
        };
        self.untouched &= bytes.is_empty();
        match kind {
            _ if bytes.is_empty() => {}
            FieldKind::Data => events.data(Piece { bytes, whole }),
            FieldKind::Event => self.event.push(bytes),
            FieldKind::Other => events.other_field(self.name.get(), Piece { bytes, whole }),
            FieldKind::Ignored => {}
        }
        let Some((&byte, after)) = rest.split_first() else {
            self.state = LineState::Value(kind);
            return b"";
        };
        self.line_ends(byte);
        after
    }

    fn line_ends(&mut self, byte: u8) {
        self.after_return = byte == b'\r';
        self.state = LineState::Line;
    }

    /// Ends the current event.
    fn dispatch(&mut self, events: &mut impl SseEvents) {
        if self.has_data || self.has_other {
            events.end(self.event.get(), self.has_data);
        }
        self.has_data = false;
        self.has_other = false;
        self.event.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Seen {
        events: Vec<(String, String)>,
        others: Vec<(String, String)>,
        data: Vec<u8>,
        other: Vec<u8>,
        wholes: usize,
    }

    impl SseEvents for Seen {
        fn data(&mut self, piece: Piece<'_>) {
            assert!(!piece.bytes.is_empty());
            if piece.whole {
                assert_eq!(self.data, b"");
                self.wholes += 1;
            }
            self.data.extend_from_slice(piece.bytes);
        }

        fn end(&mut self, event_name: &[u8], _: bool) {
            let data = String::from_utf8(std::mem::take(&mut self.data)).unwrap();
            self.events.push((String::from_utf8(event_name.to_vec()).unwrap(), data));
        }

        fn other_field(&mut self, name: &[u8], piece: Piece<'_>) {
            assert!(!piece.bytes.is_empty());
            let name = String::from_utf8(name.to_vec()).unwrap();
            let value = String::from_utf8(piece.bytes.to_vec()).unwrap();
            match self.others.last_mut() {
                Some((last, text)) if *last == name && !piece.whole => text.push_str(&value),
                _ => self.others.push((name, value)),
            }
        }
    }

    fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]> + Clone) -> Seen {
        let mut parser = SseParser::default();
        let mut seen = Seen::default();
        for piece in pieces.clone() {
            parser.push(piece, &mut seen);
        }
        parser.finish(&mut seen);
        let taken = parse_taking_plain_events(pieces);
        assert_eq!((&taken.events, &taken.others), (&seen.events, &seen.others));
        seen
    }

    /// The same by [`SseParser::plain_event`], wherever it gives one.
    fn parse_taking_plain_events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
        let mut parser = SseParser::default();
        let mut seen = Seen::default();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        for mut piece in pieces {
            while let Some(event) = parser.plain_event(piece) {
                assert_eq!(event.has_backslash, event.data.contains(&b'\\'));
                seen.events.push((text(event.name), text(event.data)));
                piece = event.rest;
            }
            parser.push(piece, &mut seen);
        }
        parser.finish(&mut seen);
        seen
    }

    /// The events of a stream, which must not depend on how it is cut.
    fn events(stream: &str) -> Vec<(String, String)> {
        let whole = parse([stream.as_bytes()]);
        for size in 1..=7 {
            let cut = parse(stream.as_bytes().chunks(size));
            assert_eq!((&cut.events, &cut.others), (&whole.events, &whole.others), "in pieces of {size}");
        }
        for at in 0..stream.len() {
            let (a, b) = stream.as_bytes().split_at(at);
            let cut = parse([a, b"", b]);
            assert_eq!((&cut.events, &cut.others), (&whole.events, &whole.others), "cut at {at}");
        }
        whole.events
    }

    fn data(stream: &str) -> Vec<String> {
        events(stream).into_iter().map(|(_, data)| data).collect()
    }

    #[test]
    fn one_space_after_the_colon_is_not_part_of_the_value() {
        assert_eq!(data("data:a\n\ndata: b\n\ndata:  c\n\n"), ["a", "b", " c"]);
    }

    #[test]
    fn lines_of_data_are_joined_by_line_feeds() {
        assert_eq!(data("data: a\ndata: b\ndata\ndata: c\n\n"), ["a\nb\n\nc"]);
        assert_eq!(data("data\n\ndata\ndata\n\n"), ["", "\n"]);
    }

    #[test]
    fn every_kind_of_line_end_will_do() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = "event: x\ndata: a\ndata: b\n\n\n: ping\n\ndata: c\n\n".replace('\n', end);
            assert_eq!(
                events(&stream),
                [("x".into(), "a\nb".into()), (String::new(), "c".into())],
                "with {end:?}"
            );
        }
        assert_eq!(data("data: a\r\n\ndata: b\n\r\ndata: c\r\r\n\n"), ["a", "b", "c"]);
    }

    #[test]
    fn comments_ids_and_retry_times_are_no_events() {
        assert_eq!(data(": OPENROUTER PROCESSING\n\n:\n\nid: 1\nretry: 10\n\nid\n\n"), [""; 0]);
        assert_eq!(data(": a\nid: 1\ndata: b\nretry: 3\n\n"), ["b"]);
    }

    #[test]
    fn an_event_has_the_name_that_came_last_and_the_next_has_none() {
        let expected = [("b".to_owned(), "1".to_owned()), (String::new(), "2".to_owned())];
        assert_eq!(events("event: a\nevent: b\ndata: 1\n\nevent: c\n\ndata: 2\n\n"), expected);
        assert_eq!(events("event: a\ndata: 1\nevent\n\n"), [(String::new(), "1".to_owned())]);
    }

    #[test]
    fn a_long_event_name_is_cut() {
        let stream = format!("event: {}\ndata: 1\n\n", "x".repeat(1000));
        assert_eq!(events(&stream), [("x".repeat(64), "1".to_owned())]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_only_at_the_start() {
        assert_eq!(data("\u{feff}data: a\n\n\u{feff}data: b\n\n"), ["a", ""]);
        assert_eq!(data("\u{feff}\u{feff}data: a\n\n"), [""]);
    }

    #[test]
    fn the_last_blank_line_may_be_missing() {
        assert_eq!(data("data: a\n\ndata: b\n"), ["a", "b"]);
        assert_eq!(data("data: a\n\ndata: b"), ["a", "b"]);
        assert_eq!(data("data: a\n\ndata"), ["a", ""]);
        assert_eq!(data("data: a\n\n: b"), ["a"]);
    }

    #[test]
    fn a_field_that_the_standard_does_not_know_is_handed_out() {
        let seen = parse([&b"error: {\"code\":500}\n\n"[..]]);
        assert_eq!(seen.others, [("error".to_owned(), "{\"code\":500}".to_owned())]);
        assert_eq!(seen.events, [(String::new(), String::new())]);
        assert_eq!(events("error: {\"code\":500}\n\n").len(), 1);
    }

    #[test]
    fn a_field_with_a_name_that_never_ends_is_ignored() {
        let stream = format!("{}: x\n\ndata: a\n\n", "n".repeat(10_000));
        assert_eq!(data(&stream), ["a"]);
        assert_eq!(data(&format!("data{}: x\n\n", "a".repeat(1000))), [""; 0]);
    }

    #[test]
    fn data_in_one_piece_is_called_whole() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = "event: x\ndata: abc\n\ndata:d\n\n".replace('\n', end);
            assert_eq!(parse([stream.as_bytes()]).wholes, 2);
        }
        assert_eq!(parse([&b"data: a\ndata: b\n\n"[..]]).wholes, 0);
        assert_eq!(parse([&b"data: a"[..], b"b\n\n"]).wholes, 0);
        assert_eq!(parse([&b"data: a\n"[..], b"data: b\n\n"]).wholes, 0);
        assert_eq!(parse([&b"data:\ndata: b\n\n"[..]]).wholes, 0);
    }

    #[test]
    fn huge_lines_pass_in_pieces() {
        let stream = format!("data: {}\n\n", "x".repeat(1 << 20));
        let seen = parse(stream.as_bytes().chunks(16 << 10));
        assert_eq!(seen.events[0].1.len(), 1 << 20);
        assert!(size_of::<SseParser>() < 200);
    }

    #[test]
    fn plain_events_are_taken_off_and_no_others() {
        let mut parser = SseParser::default();
        parser.push(b": first line\n\n", &mut Seen::default());
        for (stream, plain) in [
            ("data: a\n\nrest", true),
            ("event: e\ndata: a\\b\\c\n\n", true),
            ("data: \n\n", true),
            ("data:a\n\n", false),
            ("data: a\n", false),
            ("data: a\n\r\n", false),
            ("data: a\r\n\r\n", false),
            ("data: a\rdata: b\n\n", false),
            ("data: a\ndata: b\n\n", false),
            ("event: e\r\ndata: a\n\n", false),
            ("id: 1\ndata: a\n\n", false),
            ("\n", false),
        ] {
            assert_eq!(parser.plain_event(stream.as_bytes()).is_some(), plain, "{stream:?}");
            events(stream);
        }
        // Not in the middle of another.
        parser.push(b"data: a\n", &mut Seen::default());
        assert_eq!(parser.plain_event(b"data: b\n\n"), None);
    }
}
