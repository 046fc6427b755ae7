//! Properties that hold for all inputs: the answers are those of a simple model that sees the whole text, and do not
//! depend on how it was cut; and no input makes a parser panic or grow.

use super::json::{Scanner, Status, Value};
use super::select::{Field, Select};
use super::sse::{Piece, SseEvents, SseParser};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::sample::select as one_of;
use serde_json::Value as Tree;

/// Cuts `bytes` into pieces of these lengths, over and over. Some are empty.
pub(super) fn cut<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut lengths = lengths.iter().chain(&[1]).cycle();
    while !bytes.is_empty() {
        let length = lengths.next().map_or(1, |&length| length.min(bytes.len()));
        let (piece, rest) = bytes.split_at(length);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

pub(super) fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![1]),
        prop::collection::vec(0_usize..4, 1..5),
        prop::collection::vec(0_usize..80, 1..10)
    ]
}

const LIMIT: usize = 40;
const PATHS: [(&str, Field, usize); 6] = [
    ("user", 0, LIMIT),
    ("metadata.user", 1, LIMIT),
    ("choices[].delta", 2, LIMIT),
    ("usage", 3, LIMIT),
    ("usage.cost", 4, LIMIT),
    ("a[][].b", 5, LIMIT),
];

/// What a scan tells: the values found, `None` for one over its limit, and how it ended.
type Scan = (Vec<(Field, Option<Vec<u8>>)>, u64, Status);

fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Scan {
    let select = Select::new(PATHS);
    let mut scanner = Scanner::default();
    let mut seen = Vec::new();
    let mut found = |field, value: Value<'_>| {
        seen.push((
            field,
            match value {
                Value::Json(raw) => Some(raw.to_vec()),
                Value::TooLong { .. } | Value::Piece { .. } => None,
            },
        ));
    };
    for piece in pieces {
        scanner.push(&select, piece, &mut found);
        assert!(scanner.held_capacity() <= 2 * 6 * LIMIT);
    }
    scanner.finish(&select, &mut found);
    (seen, scanner.documents(), scanner.status())
}

/// JSON as text, with spaces and escapes as `noise` has it.
fn render(tree: &Tree, noise: &mut impl Iterator<Item = u8>, text: &mut String) {
    let space = |text: &mut String, noise: &mut dyn Iterator<Item = u8>| {
        text.push_str(["", "", "", " ", "\r\n\t", "\n    "][usize::from(noise.next().unwrap_or(0) % 6)]);
    };
    let string = |value: &str, text: &mut String, noise: &mut dyn Iterator<Item = u8>| {
        text.push('"');
        for character in value.chars() {
            if noise.next().is_some_and(|byte| byte % 8 == 0)
                || matches!(character, '"' | '\\' | '\0'..='\x1f')
            {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                text.push(character);
            }
        }
        text.push('"');
    };
    space(text, noise);
    match tree {
        Tree::Object(members) => {
            text.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                space(text, noise);
                string(key, text, noise);
                space(text, noise);
                text.push(':');
                render(value, noise, text);
            }
            text.push('}');
        }
        Tree::Array(elements) => {
            text.push('[');
            for (index, value) in elements.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                render(value, noise, text);
            }
            text.push(']');
        }
        Tree::String(value) => string(value, text, noise),
        _ => text.push_str(&tree.to_string()),
    }
    space(text, noise);
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<f64>().prop_map(Tree::from),
        any::<String>().prop_map(Tree::from),
        "[\\\\\"\\[\\]{}:,a]{0,60}".prop_map(Tree::from),
    ];
    let key = prop_oneof![
        8 => one_of(&["user", "metadata", "choices", "delta", "usage", "cost", "a", "b"][..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::from),
            3 => prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|members| Tree::Object(members.into_iter().collect())),
        ]
    })
}

/// Everything at `path` in one document.
fn at_path<'a>(tree: &'a Tree, path: &str) -> Vec<&'a Tree> {
    let mut places = vec![tree];
    for segment in path.split('.') {
        let key = segment.trim_end_matches("[]");
        places = places.into_iter().filter_map(|place| place.as_object()?.get(key)).collect();
        for _ in 0..segment.matches("[]").count() {
            places = places.into_iter().filter_map(Tree::as_array).flatten().collect();
        }
    }
    places
}

/// What a scan must find, by the model. Too long ones can't be told from the tree, so these are looked up in `scan`.
fn check_against_model(document: &Tree, seen: &Scan) {
    let documents = match document {
        Tree::Array(elements) => elements.iter().collect(),
        other => vec![other],
    };
    let too_long_usage = seen.0.iter().any(|(field, raw)| *field == 3 && raw.is_none());
    for (path, field, _) in PATHS {
        let expected: Vec<&Tree> = documents.iter().flat_map(|document| at_path(document, path)).collect();
        let found: Vec<_> = seen.0.iter().filter(|(of, _)| *of == field).map(|(_, raw)| raw).collect();
        if field == 4 && too_long_usage {
            assert!(found.len() <= expected.len());
            continue;
        }
        assert_eq!(found.len(), expected.len(), "{path}");
        for (raw, expected) in found.iter().zip(expected) {
            if let Some(raw) = raw {
                assert!(raw.len() <= LIMIT);
                assert_eq!(serde_json::from_slice::<Tree>(raw).ok().as_ref(), Some(expected));
            }
        }
    }
    assert_eq!((seen.1, seen.2), (documents.len() as u64, Status::Complete));
}

/// Text made of the bytes that matter to JSON.
fn almost_json() -> impl Strategy<Value = Vec<u8>> {
    let tokens = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        " ",
        "\n",
        "user",
        "\"user\"",
        "\"choices\":[",
        "\"usage\":{",
        "\"cost\":",
        "\"metadata\":{\"user\":",
        "{\"user\":\"a\"}",
        "1",
        "-2.5e3",
        "true",
        "nul",
        "null",
        "\\u0075",
        "\u{feff}",
        "x",
        "NaN",
    ];
    prop_oneof![
        prop::collection::vec(one_of(tokens.to_vec()), 0..40).prop_map(|tokens| tokens.concat().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..100),
    ]
}

/// The events of a stream and the values of its unknown fields.
#[derive(Debug, Default, PartialEq)]
struct Stream {
    /// Name, data, and the unknown fields that came with it.
    events: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>,
    data: Vec<u8>,
    others: Vec<u8>,
}

impl SseEvents for Stream {
    fn data(&mut self, piece: Piece<'_>) {
        assert!(!piece.bytes.is_empty());
        assert!(!piece.whole || self.data.is_empty());
        self.data.extend_from_slice(piece.bytes);
    }

    fn end(&mut self, event_name: &[u8], _: bool) {
        let (data, others) = (std::mem::take(&mut self.data), std::mem::take(&mut self.others));
        self.events.push((event_name.to_vec(), data, others));
    }

    fn other_field(&mut self, name: &[u8], piece: Piece<'_>) {
        assert!(name.len() <= 32 && !piece.bytes.is_empty());
        self.others.extend_from_slice(piece.bytes);
    }
}

fn parse_stream<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Stream {
    let mut parser = SseParser::default();
    let mut stream = Stream::default();
    for piece in pieces {
        parser.push(piece, &mut stream);
    }
    parser.finish(&mut stream);
    stream
}

/// The standard's algorithm on a whole text, in the words of the standard.
fn model_of_stream(text: &str) -> Stream {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut stream = Stream::default();
    let (mut name, mut data, mut others) = (String::new(), None::<String>, None::<String>);
    // The last event counts without its blank line too.
    for line in text.split('\n').chain([""]) {
        if line.is_empty() {
            if data.is_some() || others.is_some() {
                let data = data.as_deref().map_or("", |data| data.strip_suffix('\n').unwrap_or(data));
                let others = others.unwrap_or_default();
                let name = name.bytes().take(64).collect();
                stream.events.push((name, data.as_bytes().to_vec(), others.into_bytes()));
            }
            (name, data, others) = (String::new(), None, None);
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => *data.get_or_insert_default() += &format!("{value}\n"),
            "event" => value.clone_into(&mut name),
            "" | "id" | "retry" => {}
            _ if field.len() > 32 => {}
            _ => *others.get_or_insert_default() += value,
        }
    }
    stream
}

fn almost_a_stream() -> impl Strategy<Value = String> {
    let tokens = [
        "data",
        "data:",
        "data: ",
        "data: {\"a\":1}",
        "event: a",
        "id: 1",
        "retry: 2",
        ": ping",
        "error: ",
        "x",
        ":",
        " ",
        "\n",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "\r\n\r\n",
        "\u{feff}",
        "a name that is far longer than any that is wanted",
    ];
    (prop::bool::ANY, prop::collection::vec(one_of(tokens.to_vec()), 0..30))
        .prop_map(|(mark, tokens)| format!("{}{}", if mark { "\u{feff}" } else { "" }, tokens.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_is_scanned_as_a_parser_would_however_it_is_cut(
        tree in tree(),
        noise in prop::collection::vec(any::<u8>(), 1..50),
        lengths in lengths(),
    ) {
        let mut text = String::new();
        render(&tree, &mut noise.iter().copied().cycle(), &mut text);
        let tree = serde_json::from_str::<Tree>(&text).unwrap();
        let whole = scan([text.as_bytes()]);
        check_against_model(&tree, &whole);
        prop_assert_eq!(scan(cut(text.as_bytes(), &lengths)), whole);
    }

    #[test]
    fn json_that_is_cut_off_tells_the_beginning_of_what_it_would_have_told(tree in tree(), end in any::<Index>()) {
        let text = tree.to_string();
        let whole = scan([text.as_bytes()]);
        let part = scan([&text.as_bytes()[..end.index(text.len())]]);
        prop_assert!(tree.is_number() || whole.0.starts_with(&part.0));
        prop_assert!(part.2 != Status::Malformed || !(tree.is_object() || tree.is_array()));
    }

    #[test]
    fn no_bytes_at_all_disturb_the_scanner(text in almost_json(), lengths in lengths()) {
        prop_assert_eq!(scan(cut(&text, &lengths)), scan([&text[..]]));
    }

    #[test]
    fn an_event_stream_is_read_as_the_standard_says_however_it_is_cut(text in almost_a_stream(), lengths in lengths()) {
        let expected = model_of_stream(&text);
        prop_assert_eq!(&parse_stream([text.as_bytes()]), &expected);
        prop_assert_eq!(&parse_stream(cut(text.as_bytes(), &lengths)), &expected);
    }

    #[test]
    fn no_bytes_at_all_disturb_the_event_parser(bytes in prop::collection::vec(any::<u8>(), 0..200), lengths in lengths()) {
        prop_assert_eq!(parse_stream(cut(&bytes, &lengths)), parse_stream([&bytes[..]]));
    }
}
