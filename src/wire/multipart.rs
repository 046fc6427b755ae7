//! A push parser for `multipart/form-data` (RFC 7578): the small text fields, not the files.

use super::select::Field;
use memchr::memmem;

/// Takes a form in pieces and hands out the text of the wanted fields. Files, the parts with a file name, are passed
/// over without a look at more than where they end.
#[derive(Clone, Debug)]
pub(crate) struct MultipartParser {
    state: FormState,
    /// Finds a line break and the boundary, which together end a part.
    delimiter: memmem::Finder<'static>,
    /// How many bytes of the delimiter stood at the end of the last piece.
    matched: usize,
    /// How many of these are not text if no delimiter comes of them: the line break before a body may be part of the
    /// delimiter that ends it (RFC 2046 allows a part to end with its headers).
    lent: usize,
    /// The field that the current part is, with the limit of its text.
    wanted: Option<(Field, usize)>,
    too_long: bool,
    /// What is held of the line after a delimiter, of the headers of a part, or of its text.
    held: Vec<u8>,
}

/// The text of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldText<'a> {
    Whole(&'a [u8]),
    /// It is over its limit.
    TooLong,
}

/// How far the input has come.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormStatus {
    Within,
    /// The last boundary was seen.
    Complete,
    /// It is not a form.
    Malformed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormState {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary, in the rest of its line.
    Boundary,
    /// In the headers of a part.
    Headers,
    /// In the body of a part.
    Body,
    /// Behind the last boundary.
    Epilogue,
    Malformed,
}

/// RFC 2046, section 5.1.1.
const MAX_BOUNDARY: usize = 70;
/// The rest of a boundary's line may be white space, which clients do not write.
const MAX_BOUNDARY_LINE: usize = 64;
const LINE_BREAK: usize = 2;
/// Longer headers do not belong to a small text field.
const MAX_HEADERS: usize = 4 << 10;

impl MultipartParser {
    /// Creates a parser for a body of this content type; `None` when it is not a form's, or when the boundary is missing or not
    /// allowed.
    pub(crate) fn new(content_type: &str) -> Option<Self> {
        let (essence, parameters) = content_type.split_once(';')?;
        if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameter(parameters, "boundary")?;
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY || boundary.contains(['\r', '\n']) {
            return None;
        }
        let delimiter = memmem::Finder::new(&format!("\r\n--{boundary}")).into_owned();
        Some(Self {
            state: FormState::Preamble,
            delimiter,
            // The first boundary may stand at the very start, as if a line break had come before.
            matched: LINE_BREAK,
            lent: LINE_BREAK,
            wanted: None,
            too_long: false,
            held: Vec::new(),
        })
    }

    /// Takes the next piece, of any length. `fields` are the names that are wanted, each with the caller's number for it
    /// and the limit of its text in bytes.
    pub(crate) fn push(
        &mut self,
        fields: &[(&str, Field, usize)],
        bytes: &[u8],
        found: &mut impl FnMut(Field, FieldText<'_>),
    ) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                FormState::Preamble | FormState::Body => self.body(rest, found),
                FormState::Boundary => self.boundary(rest),
                FormState::Headers => self.headers(fields, rest),
                FormState::Epilogue | FormState::Malformed => return,
            };
        }
    }

    /// Returns how far the input has come.
    #[cfg(test)]
    fn status(&self) -> FormStatus {
        match self.state {
            FormState::Epilogue => FormStatus::Complete,
            FormState::Malformed => FormStatus::Malformed,
            _ => FormStatus::Within,
        }
    }

    /// Reads on in a body, up to the delimiter.
    fn body<'a>(&mut self, bytes: &'a [u8], found: &mut impl FnMut(Field, FieldText<'_>)) -> &'a [u8] {
        if self.matched > 0 {
            return self.delimiter_goes_on(bytes, found);
        }
        if let Some(at) = self.delimiter.find(bytes) {
            let (text, rest) = bytes.split_at_checked(at).unwrap_or_default();
            self.body_ends(text, found);
            return rest.get(self.delimiter.needle().len()..).unwrap_or_default();
        }
        // Its first byte stands nowhere else in the delimiter, so only the last one here can begin it.
        let tail = bytes.len().saturating_sub(self.delimiter.needle().len());
        let start = memchr::memrchr(b'\r', bytes.get(tail..).unwrap_or_default())
            .map(|at| tail + at)
            .filter(|&at| bytes.get(at..).is_some_and(|end| self.delimiter.needle().starts_with(end)));
        self.matched = start.map_or(0, |start| bytes.len() - start);
        let text = bytes.get(..start.unwrap_or(bytes.len())).unwrap_or_default();
        self.hold(text);
        b""
    }

    /// Reads on in what may be a delimiter that began in an earlier piece.
    fn delimiter_goes_on<'a>(
        &mut self,
        bytes: &'a [u8],
        found: &mut impl FnMut(Field, FieldText<'_>),
    ) -> &'a [u8] {
        let (begun, missing) = self.delimiter.needle().split_at_checked(self.matched).unwrap_or_default();
        let common = missing.iter().zip(bytes).take_while(|(expected, byte)| expected == byte).count();
        let rest = bytes.get(common..).unwrap_or_default();
        if common == missing.len() {
            (self.matched, self.lent) = (0, 0);
            self.body_ends(b"", found);
        } else if rest.is_empty() {
            self.matched += common;
        } else {
            // It was none: what was taken for its beginning is text.
            let begun = begun.get(self.lent..).unwrap_or_default();
            let text = [begun, missing.get(..common).unwrap_or_default()].concat();
            (self.matched, self.lent) = (0, 0);
            self.hold(&text);
        }
        rest
    }

    fn body_ends(&mut self, text: &[u8], found: &mut impl FnMut(Field, FieldText<'_>)) {
        if let Some((field, limit)) = self.wanted.filter(|_| self.state == FormState::Body) {
            if self.held.is_empty() && !self.too_long && text.len() <= limit {
                found(field, FieldText::Whole(text));
            } else {
                self.hold(text);
                found(field, if self.too_long { FieldText::TooLong } else { FieldText::Whole(&self.held) });
            }
        }
        self.enter(FormState::Boundary);
        self.wanted = None;
    }

    /// Reads on behind a boundary: `--` closes the form, a line break begins a part.
    fn boundary<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr(b'\n', bytes);
        let (line, rest) = bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or_default();
        let room = MAX_BOUNDARY_LINE.saturating_sub(self.held.len());
        self.held.extend_from_slice(line.get(..room).unwrap_or(line));
        let is_last = self.held.starts_with(b"--");
        let is_blank = self.held.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        if is_last {
            self.enter(FormState::Epilogue);
        } else if !(is_blank || self.held == b"-") || line.len() > room || (end.is_some() && !is_blank) {
            self.enter(FormState::Malformed);
        } else if end.is_some() {
            self.enter(FormState::Headers);
        }
        rest.get(1..).unwrap_or_default()
    }

    /// Reads on in the headers of a part, up to a blank line.
    fn headers<'a>(&mut self, fields: &[(&str, Field, usize)], bytes: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let (line, rest) = bytes.split_at_checked(end).unwrap_or_default();
        if self.held.len() + line.len() > MAX_HEADERS {
            self.enter(FormState::Malformed);
            return b"";
        }
        self.held.extend_from_slice(line);
        if self.held.ends_with(b"\n\r\n") || self.held == b"\r\n" {
            let name = std::str::from_utf8(&self.held).ok().and_then(field_name);
            self.wanted = name.and_then(|name| {
                fields.iter().find(|(wanted, ..)| *wanted == name).map(|&(_, field, limit)| (field, limit))
            });
            self.enter(FormState::Body);
            (self.matched, self.lent) = (LINE_BREAK, LINE_BREAK);
        }
        rest
    }

    fn enter(&mut self, state: FormState) {
        self.state = state;
        self.too_long = false;
        self.held.clear();
    }

    /// Keeps a piece of the text of a wanted field.
    fn hold(&mut self, text: &[u8]) {
        if let Some((_, limit)) = self.wanted {
            self.too_long |= self.held.len() + text.len() > limit;
            if self.too_long {
                self.held.clear();
            } else {
                self.held.extend_from_slice(text);
            }
        }
    }
}

/// Returns the name of a part that is not a file, from its headers.
fn field_name(headers: &str) -> Option<&str> {
    let disposition = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (_, parameters) = disposition.split_once(';')?;
    let is_file = parameter(parameters, "filename").or(parameter(parameters, "filename*")).is_some();
    if is_file { None } else { parameter(parameters, "name") }
}

/// Returns the value of a parameter of a header. What is escaped in a quoted value stays so.
fn parameter<'a>(mut parameters: &'a str, name: &str) -> Option<&'a str> {
    loop {
        let (key, rest) = parameters.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(rest) => {
                let mut escaped = false;
                let end = rest.bytes().position(|byte| {
                    let ends = byte == b'"' && !escaped;
                    escaped = byte == b'\\' && !escaped;
                    ends
                })?;
                let (value, rest) = rest.split_at_checked(end)?;
                (value, rest.split_once(';').map_or("", |(_, rest)| rest))
            }
            None => {
                let (value, rest) = rest.split_once(';').unwrap_or((rest, ""));
                (value.trim(), rest)
            }
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        parameters = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunking_tests::{cut, lengths};
    use super::*;
    use proptest::prelude::*;

    const TYPE: &str = "multipart/form-data; boundary=XyZ";
    const MODEL: Field = 1;
    const USER: Field = 2;
    const FIELDS: [(&str, Field, usize); 2] = [("model", MODEL, 20), ("user", USER, 20)];

    type Seen = (Vec<(Field, Option<Vec<u8>>)>, FormStatus);

    fn parse<'a>(content_type: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
        let (mut parser, mut seen) = (MultipartParser::new(content_type).unwrap(), Vec::new());
        for piece in pieces {
            parser.push(&FIELDS, piece, &mut |field, text| {
                seen.push((
                    field,
                    match text {
                        FieldText::Whole(text) => Some(text.to_vec()),
                        FieldText::TooLong => None,
                    },
                ));
            });
            assert!(parser.held.capacity() <= 2 * MAX_HEADERS);
        }
        (seen, parser.status())
    }

    /// What is found in a body, which must not depend on how it is cut.
    fn fields(body: &[u8]) -> Seen {
        let whole = parse(TYPE, [body]);
        for size in [1, 2, 3, 5, 7, 11] {
            assert_eq!(parse(TYPE, body.chunks(size)), whole, "in pieces of {size}");
        }
        for at in 0..body.len() {
            let (a, b) = body.split_at(at);
            assert_eq!(parse(TYPE, [a, b"", b]), whole, "cut at {at}");
        }
        whole
    }

    fn part(disposition: &str, text: &str) -> String {
        format!("--XyZ\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{text}\r\n")
    }

    fn found(field: Field, text: &str) -> (Field, Option<Vec<u8>>) {
        (field, Some(text.as_bytes().to_vec()))
    }

    #[test]
    fn text_fields_are_found_and_files_passed_over() {
        let file = "\r\n--Xy\r\n\r\r\n--XyY--\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nno\r\n";
        let body = [
            part("name=\"model\"", "whisper-1"),
            part("name=\"file\"; filename=\"user\"", file),
            part("name=\"user\"; filename*=utf-8''a.wav", "no"),
            part("name=\"prompt\"", "no"),
            part("name=user", " alice "),
            "--XyZ--\r\nname=\"user\"".to_owned(),
        ]
        .concat();
        let expected = vec![found(MODEL, "whisper-1"), found(USER, " alice ")];
        assert_eq!(fields(body.as_bytes()), (expected, FormStatus::Complete));
    }

    #[test]
    fn text_that_looks_like_a_boundary_at_first_is_text() {
        for text in ["\r\n--Xy", "a\r\r\n-", "\r", "--XyZ", "--Xy", "-", "\r\n\r\n--XyA", "\n--XyZ", ""] {
            let body = part("name=\"user\"", text) + "--XyZ--";
            let (seen, status) = fields(body.as_bytes());
            // Behind the blank line a boundary needs no line break of its own.
            let expected = if text == "--XyZ" { vec![found(USER, "")] } else { vec![found(USER, text)] };
            let status_expected = if text == "--XyZ" { FormStatus::Within } else { FormStatus::Complete };
            assert_eq!((seen, status), (expected, status_expected), "{text:?}");
        }
    }

    #[test]
    fn a_preamble_and_white_space_behind_a_boundary_are_passed_over() {
        let body =
            "see below\r\n--XyZ \t\r\ncontent-disposition:form-data;name=\"user\"\r\n\r\na\r\n--XyZ-- ";
        assert_eq!(fields(body.as_bytes()), (vec![found(USER, "a")], FormStatus::Complete));
    }

    #[test]
    fn a_field_over_its_limit_is_not_kept() {
        let body = part("name=user", &"x".repeat(21)) + &part("name=user", &"x".repeat(20)) + "--XyZ--";
        assert_eq!(fields(body.as_bytes()).0, [(USER, None), found(USER, &"x".repeat(20))]);
    }

    #[test]
    fn an_incomplete_field_is_never_handed_out() {
        let body = part("name=user", "alice");
        let (seen, status) = fields(body.as_bytes());
        assert_eq!((seen, status), (vec![], FormStatus::Within));
    }

    #[test]
    fn what_is_no_form_is_malformed() {
        let long = format!("--XyZ\r\nx: {}\r\n\r\n", "y".repeat(MAX_HEADERS));
        for body in ["--XyZx\r\n", "--XyZ-\r\n", &format!("--XyZ{}\r\n", " ".repeat(1000)), &long] {
            assert_eq!(fields(body.as_bytes()), (vec![], FormStatus::Malformed), "{body}");
        }
        assert_eq!(fields(b"{\"user\":\"alice\"}"), (vec![], FormStatus::Within));
    }

    #[test]
    fn the_boundary_is_taken_from_the_content_type() {
        for content_type in [
            "multipart/form-data; boundary=XyZ",
            "Multipart/Form-Data;charset=utf-8; Boundary=\"XyZ\"",
            "multipart/form-data; x=\"a;boundary=no\\\";\"; boundary=XyZ ; y=z",
        ] {
            let body = part("name=user", "a") + "--XyZ--";
            assert_eq!(parse(content_type, [body.as_bytes()]).0, [found(USER, "a")]);
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        for content_type in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"a",
            "multipart/form-data; bound=a",
            "multipart/mixed; boundary=a",
            "application/json; boundary=a",
            "",
            &long,
        ] {
            assert!(MultipartParser::new(content_type).is_none(), "{content_type}");
        }
    }

    #[test]
    fn a_large_file_is_not_held() {
        let file = "\r\n-".repeat(1 << 20);
        let body = part("name=file; filename=a", &file) + &part("name=user", "a") + "--XyZ--";
        let expected = (vec![found(USER, "a")], FormStatus::Complete);
        assert_eq!(parse(TYPE, [body.as_bytes()]), expected);
        assert_eq!(parse(TYPE, body.as_bytes().chunks(1023)), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_form_is_read_back_however_it_is_cut(
            parts in prop::collection::vec(("(model|user|file)", any::<bool>(), "[-XyZ\r\na]{0,24}"), 0..6),
            lengths in lengths(),
        ) {
            let mut body = String::new();
            let mut expected = Vec::new();
            for (name, is_file, text) in &parts {
                let text = text.replace('X', if text.contains("--XyZ") { "x" } else { "X" });
                body += &part(&format!("name=\"{name}\"{}", if *is_file { "; filename=\"user\"" } else { "" }), &text);
                if let (false, Some((_, field, limit))) = (is_file, FIELDS.iter().find(|(wanted, ..)| wanted == name)) {
                    expected.push((*field, (text.len() <= *limit).then(|| text.into_bytes())));
                }
            }
            body += "--XyZ--\r\n";
            let whole = parse(TYPE, [body.as_bytes()]);
            prop_assert_eq!(&whole, &(expected, FormStatus::Complete));
            prop_assert_eq!(parse(TYPE, cut(body.as_bytes(), &lengths)), whole);
        }

        #[test]
        fn no_text_at_all_disturbs_the_parser(
            text in "(--XyZ|\r\n|\r|\n|-|;|Content-Disposition: form-data; name=user|\"|=|a| ){0,30}",
            lengths in lengths(),
        ) {
            prop_assert_eq!(parse(TYPE, cut(text.as_bytes(), &lengths)), parse(TYPE, [text.as_bytes()]));
        }
    }
}
