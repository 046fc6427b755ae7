//! How fast bodies are looked through: `cargo bench --bench wire`.

#![allow(clippy::unwrap_used)] // A benchmark may stop where something is wrong.

#[path = "../src/wire/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub)]
mod wire;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wire::event_stream::{EventStreamEvents, EventStreamParser, Headers};
use wire::json::{Scanner, Value};
use wire::multipart::MultipartParser;
use wire::select::Select;
use wire::sse::{Piece, SseEvents, SseParser};

fn select() -> Select {
    Select::new([
        ("user", 1, 1024),
        ("safety_identifier", 2, 1024),
        ("metadata.user_id", 3, 1024),
        ("model", 4, 1024),
        ("stream", 5, 16),
        ("stream_options.include_usage", 6, 16),
        ("service_tier", 7, 64),
        ("usage", 8, 16 << 10),
    ])
}

/// A body around a member that is skipped, with the user behind it.
fn around(value: &str) -> String {
    format!(r#"{{"model":"gpt-4o-mini","messages":{value},"user":"alice@example.com"}}"#)
}

fn json(criterion: &mut Criterion) {
    let prose = "The quick brown fox jumps over the lazy dog, and the dog sleeps on. ";
    let floats: Vec<String> =
        (0..100_000_u64).map(|n| format!("-0.0{:08}", n * 7_919_717 % 100_000_000)).collect();
    let line = "The quick brown fox jumps over the lazy dog, and the dog";
    let messages: Vec<String> = ["system", "user", "assistant", "user"]
        .iter()
        .map(|role| format!(r#"{{"role":"{role}","content":"{}"}}"#, prose.repeat(3).trim()))
        .collect();
    let chat = format!(
        r#"{{"model":"gpt-4o-mini","messages":[{}],"temperature":0.7,"max_tokens":512,"stream":true,"stream_options":{{"include_usage":true}},"user":"alice@example.com"}}"#,
        messages.join(",")
    );
    let bodies = [
        ("prose_1mb", around(&format!("\"{}\"", prose.repeat(16_000)))),
        ("escape_every_60_bytes_1mb", around(&format!("\"{}\"", format!("{line}..\\n").repeat(17_000)))),
        ("quote_every_60_bytes_1mb", around(&format!("\"{}\"", format!("{line}..\\\"").repeat(17_000)))),
        ("base64_1mb", around(&format!("\"{}\"", "iVBORw0KGgoAAAANSUhEUgAAAAUA".repeat(36_000)))),
        ("floats_1mb", around(&format!("[{}]", floats.join(",")))),
        ("chat_1kb", chat),
        ("chat_100_messages", around(&format!("[{}]", messages.join(",").repeat(25)))),
    ];
    let mut group = criterion.benchmark_group("json");
    let select = select();
    for (name, body) in &bodies {
        group.throughput(Throughput::Bytes(body.len() as u64));
        for (how, size) in [("whole", body.len()), ("16k", 16 << 10)] {
            if how == "16k" && body.len() <= size {
                continue;
            }
            group.bench_function(format!("{name}/{how}"), |bencher| {
                bencher.iter(|| {
                    let mut scanner = Scanner::default();
                    let mut found = 0;
                    for piece in black_box(body.as_bytes()).chunks(size) {
                        scanner.push(&select, piece, &mut |_, value| {
                            found += usize::from(matches!(value, Value::Json(_)));
                        });
                    }
                    assert!(found >= 2);
                    found
                });
            });
        }
    }
    group.finish();
}

/// Looks for the usage in each event, and scans the events that have it.
struct Usage<'a> {
    finder: memchr::memmem::Finder<'a>,
    select: &'a Select,
    scanner: Scanner,
    found: usize,
}

impl SseEvents for Usage<'_> {
    fn data(&mut self, piece: Piece<'_>) {
        if !piece.whole || self.finder.find(piece.bytes).is_some() {
            self.scanner.push(self.select, piece.bytes, &mut |_, _| self.found += 1);
        }
    }

    fn end(&mut self, _: &[u8], _: bool) {
        self.scanner.reset();
    }
}

fn sse(criterion: &mut Criterion) {
    let event = r#"data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1741570283,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" fox"},"logprobs":null,"finish_reason":null}]}"#;
    let usage = r#"data: {"id":"chatcmpl-AbC","choices":[],"usage":{"prompt_tokens":19,"completion_tokens":99,"total_tokens":118}}"#;
    let stream = format!("{}{usage}\n\ndata: [DONE]\n\n", format!("{event}\n\n").repeat(98));
    let select = select();
    let mut group = criterion.benchmark_group("sse");
    group.throughput(Throughput::Elements(100));
    for (how, size) in
        [("one_piece", stream.len()), ("piece_per_event", event.len() + 2), ("1400_bytes", 1400)]
    {
        group.bench_function(format!("100_events/{how}"), |bencher| {
            bencher.iter_batched_ref(
                || Usage {
                    finder: memchr::memmem::Finder::new(b"\"usage\""),
                    select: &select,
                    scanner: Scanner::default(),
                    found: 0,
                },
                |usage| {
                    let mut parser = SseParser::default();
                    for piece in black_box(stream.as_bytes()).chunks(size) {
                        parser.push(piece, usage);
                    }
                    parser.finish(usage);
                    assert!(usage.found > 0);
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Counts the bytes that pass.
#[derive(Default)]
struct Count(usize);

impl EventStreamEvents for Count {
    fn begin(&mut self, headers: Headers<'_>) {
        self.0 += usize::from(headers.event_type.is_some());
    }

    fn payload(&mut self, piece: Piece<'_>) {
        self.0 += piece.bytes.len();
    }

    fn end(&mut self, intact: bool) {
        assert!(intact);
    }
}

/// A message of a binary event stream.
fn message(payload: &[u8]) -> Vec<u8> {
    let headers = b"\x0b:event-type\x07\x00\x05chunk\x0d:message-type\x07\x00\x05event";
    let total = (headers.len() + payload.len() + 16) as u32;
    let mut bytes = [total.to_be_bytes(), (headers.len() as u32).to_be_bytes()].concat();
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(payload);
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

fn framings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("framing");

    let stream = message(&[b'x'; 300]).repeat(100);
    group.throughput(Throughput::Elements(100));
    group.bench_function("event_stream_100_messages", |bencher| {
        bencher.iter(|| {
            let mut count = Count::default();
            EventStreamParser::default().push(black_box(&stream), &mut count);
            count.0
        });
    });

    let file = "RIFF....WAVEfmt \r\n-".repeat(50_000);
    let form = format!(
        "--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n{file}\r\n\
         --XyZ\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--XyZ--\r\n"
    );
    group.throughput(Throughput::Bytes(form.len() as u64));
    group.bench_function("form_with_1mb_file/16k", |bencher| {
        bencher.iter(|| {
            let mut found = 0;
            let mut parser = MultipartParser::new("multipart/form-data; boundary=XyZ").unwrap();
            for piece in black_box(form.as_bytes()).chunks(16 << 10) {
                parser.push(&[("model", 1, 100)], piece, &mut |_, _| found += 1);
            }
            assert_eq!(found, 1);
        });
    });

    group.finish();
}

criterion_group!(benches, json, sse, framings);
criterion_main!(benches);
