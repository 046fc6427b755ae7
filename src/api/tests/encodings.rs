//! Compressed bodies.

use super::*;

#[test]
fn an_encoding_that_is_not_read_is_a_reason() {
    let answer = Call::new(CHAT, EVENTS, "?").header("content-encoding", "compress");
    assert_eq!(answer.absent(), UsageReason::Encoded);
    assert!(answer.facts().stream);
    let nothing = Call::new(CHAT, JSON, chat_json()).header("content-encoding", "identity");
    assert_eq!(nothing.usage(), chat_usage());
    // The head tells all the same.
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke";
    let told = Call::new(url, JSON, "?")
        .header("content-encoding", "compress")
        .header("x-amzn-bedrock-input-token-count", "9")
        .header("x-amzn-bedrock-output-token-count", "4");
    assert_eq!(told.usage(), tokens(9, 4));
}

#[cfg(feature = "gzip")]
mod gzip {
    use super::*;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_compressed_answer_is_read_like_a_plain_one() {
        let plain = Call::new(CHAT, EVENTS, chat_events()).facts();
        for coding in ["gzip", "x-gzip", "GZIP", "identity, gzip"] {
            let answer = Call::new(CHAT, EVENTS, gzip(&chat_events())).header("content-encoding", coding);
            assert_eq!(answer.facts(), plain, "{coding}");
        }
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(chat_events().as_bytes()).unwrap();
        let deflate = Call::new(CHAT, EVENTS, zlib.finish().unwrap()).header("content-encoding", "deflate");
        assert_eq!(deflate.facts(), plain);
    }

    #[test]
    fn codings_may_be_stacked_in_one_header_or_in_several() {
        let mut outer = ZlibEncoder::new(Vec::new(), Compression::fast());
        outer.write_all(&gzip(&chat_json())).unwrap();
        let body = outer.finish().unwrap();
        let one = Call::new(CHAT, JSON, body.clone()).header("content-encoding", "gzip, deflate");
        assert_eq!(one.usage(), chat_usage());
        let several = Call::new(CHAT, JSON, body)
            .header("content-encoding", "gzip")
            .header("content-encoding", "deflate");
        assert_eq!(several.usage(), chat_usage());
    }

    #[test]
    fn an_event_that_the_server_has_flushed_is_read_at_once() {
        let route = ApiRoute::of(&Method::POST, &CHAT.parse().unwrap(), &HeaderMap::new(), None);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, EVENTS.parse().unwrap());
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        let mut reader = ResponseReader::new(&route, &headers, None);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(events(&[&chat_chunk(r#"{"content":"H"}"#, "null")]).as_bytes()).unwrap();
        encoder.flush().unwrap();
        reader.push(encoder.get_ref());
        assert!(reader.has_content());
    }

    #[test]
    fn what_is_not_what_the_header_says_or_breaks_off_has_a_reason() {
        let whole = gzip(&chat_without_figures());
        let answer = |body: &[u8]| Call::new(CHAT, JSON, body).header("content-encoding", "gzip");
        assert_eq!(answer(b"{\"usage\":{}}").absent(), UsageReason::Malformed);
        assert_eq!(answer(&whole[..whole.len() - 9]).absent(), UsageReason::Malformed);
        assert_eq!(answer(&whole[..whole.len() / 2]).ended(Ended::Aborted).absent(), UsageReason::Aborted);
        assert_eq!(answer(b"").absent(), UsageReason::NotReported);
        // Figures that a wrong or missing checksum casts doubt on.
        let mut figures = gzip(&chat_json());
        let last = figures.len() - 5;
        figures[last] ^= 1;
        for body in [&figures[..], &figures[..last]] {
            let facts = answer(body).facts();
            assert_eq!((facts.usage, facts.usage_reason), (chat_usage(), Some(UsageReason::Malformed)));
        }
    }

    fn chat_without_figures() -> String {
        chat_json().replace(CHAT_USAGE, "null")
    }

    #[test]
    fn a_bomb_is_read_up_to_a_bound() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let spaces = vec![b' '; 1 << 20];
        for _ in 0..300 {
            encoder.write_all(&spaces).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        let facts = Call::new(CHAT, JSON, bomb).header("content-encoding", "gzip").read_in(usize::MAX);
        assert_eq!(facts.usage_reason, Some(UsageReason::TooLarge));
    }

    #[test]
    fn a_compressed_request_tells_its_user_and_a_copy_made_before_it_was_read_too() {
        let fields = RequestMembers::default();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        let route = ApiRoute::of(&Method::POST, &CHAT.parse().unwrap(), &headers, None);
        let body = gzip(r#"{"model":"m","user":"alice"}"#);
        let mut first = RequestReader::new(&route, &headers, None);
        let mut second = first.clone();
        for reader in [&mut first, &mut second] {
            for bytes in body.chunks(3) {
                reader.push(&fields, bytes);
            }
            assert_eq!(reader.facts().user.id.as_ref().unwrap().as_str(), "alice");
        }
        // One made in the middle reads nothing more, and does no harm.
        let mut begun = RequestReader::new(&route, &headers, None);
        begun.push(&fields, &body[..5]);
        let mut copy = begun.clone();
        copy.push(&fields, &body[5..]);
        assert_eq!(copy.facts(), &RequestFacts::default());
    }
}

#[cfg(feature = "zstd")]
#[test]
fn an_answer_in_zstd_is_read_like_a_plain_one() {
    let plain = Call::new(CHAT, EVENTS, chat_events()).facts();
    let body = zstd::encode_all(chat_events().as_bytes(), 3).unwrap();
    let answer = Call::new(CHAT, EVENTS, body.clone()).header("content-encoding", "zstd");
    assert_eq!(answer.facts(), plain);
    let cut = Call::new(CHAT, EVENTS, &body[..body.len() / 2]).header("content-encoding", "zstd");
    assert_eq!(cut.absent(), UsageReason::Malformed);
}

#[cfg(feature = "brotli")]
#[test]
fn an_answer_in_brotli_is_read_like_a_plain_one() {
    let plain = Call::new(CHAT, EVENTS, chat_events()).facts();
    let text = chat_events();
    // One meta-block as it is (RFC 7932, 9.2): a window of 16 bits, not the last, its length, uncompressed; then an
    // empty last one.
    let head = (text.len() as u32 - 1) << 4 | 1 << 20;
    let body = [&head.to_le_bytes()[..3], text.as_bytes(), b"\x03"].concat();
    let answer = Call::new(CHAT, EVENTS, body.clone()).header("content-encoding", "br");
    assert_eq!(answer.facts(), plain);
    let cut = Call::new(CHAT, EVENTS, &body[..20]).header("content-encoding", "br");
    assert_eq!(cut.absent(), UsageReason::Malformed);
}
