use super::*;

const LIMIT: u64 = 16 << 20;

#[test]
fn nothing_is_done_where_nothing_is_encoded() {
    for headers in [&[][..], &[""], &["identity"], &["Identity, ", " identity"]] {
        assert!(Decoder::new(headers.iter().copied(), LIMIT).unwrap().is_none());
    }
}

#[test]
fn unknown_and_endless_encodings_are_unsupported() {
    for header in
        ["compress", "gzip2", "identity, aws-chunked", "gzip;q=1", &"gzip,br,zstd,deflate,".repeat(2)]
    {
        assert_eq!(Decoder::new([header], LIMIT).err(), Some(DecodeError::Unsupported), "{header}");
    }
    for (header, is_known) in [
        ("gzip", cfg!(feature = "gzip")),
        ("x-GZIP", cfg!(feature = "gzip")),
        ("deflate", cfg!(feature = "gzip")),
        ("br", cfg!(feature = "brotli")),
        ("ZSTD", cfg!(feature = "zstd")),
    ] {
        assert_eq!(Decoder::new([header], LIMIT).is_ok(), is_known, "{header}");
    }
}

#[test]
fn a_decoder_may_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Decoder>();
}

#[cfg(all(feature = "gzip", feature = "brotli", feature = "zstd"))]
mod decoding {
    use super::super::super::chunking_tests::{cut, lengths};
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    type Outcome = Result<(Vec<u8>, bool), DecodeError>;

    fn decode_within<'a>(
        header: &str,
        limit: u64,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<u8>, Outcome) {
        let mut decoder = Decoder::new([header], limit).unwrap().unwrap();
        let (mut decoded, mut outcome) = (Vec::new(), Ok(()));
        for piece in pieces {
            outcome = decoder.push(piece, &mut |bytes| {
                assert!(!bytes.is_empty() && bytes.len() <= PIECE);
                decoded.extend_from_slice(bytes);
            });
        }
        assert!(decoded.len() as u64 <= limit);
        let is_complete = decoder.is_complete();
        assert!(outcome.is_ok() || !is_complete);
        (decoded.clone(), outcome.map(|()| (decoded, is_complete)))
    }

    fn decode<'a>(header: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
        decode_within(header, LIMIT, pieces).1
    }

    fn event(index: usize) -> String {
        format!("data: {{\"index\":{index}}}\n\n")
    }

    fn write_events<W: Write>(mut encoder: W, written: impl Fn(&W) -> &Vec<u8>) -> (W, Vec<usize>) {
        let mut ends = Vec::new();
        for index in 1..=3 {
            encoder.write_all(event(index).as_bytes()).unwrap();
            encoder.flush().unwrap();
            ends.push(written(&encoder).len());
        }
        (encoder, ends)
    }

    /// For each coding, three events in it, and where the encoder flushed each of them.
    fn flushed_events() -> Vec<(&'static str, Vec<u8>, Vec<usize>)> {
        let (encoder, ends) =
            write_events(GzEncoder::new(Vec::new(), Compression::default()), |encoder| encoder.get_ref());
        let mut all = vec![("gzip", encoder.finish().unwrap(), ends)];
        let (encoder, ends) =
            write_events(ZlibEncoder::new(Vec::new(), Compression::default()), |encoder| encoder.get_ref());
        all.push(("deflate", encoder.finish().unwrap(), ends));
        let (encoder, ends) =
            write_events(DeflateEncoder::new(Vec::new(), Compression::default()), |encoder| {
                encoder.get_ref()
            });
        all.push(("deflate", encoder.finish().unwrap(), ends));
        let encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        let (encoder, ends) = write_events(encoder, |encoder| encoder.get_ref());
        all.push(("zstd", encoder.finish().unwrap(), ends));
        // Written by the `brotli` crate, quality 9, window of 16 bits.
        let brotli = [
            &b"\x20\x01\x10data: {\"index\":1}\n\n"[..],
            b"\x90\x00\x00\x40\x52\x41\xa6\xaf\x44\x11\x26\xa8\x59\x63\x00",
            b"\x90\x00\x00\x40\x52\x61\xa6\xaf\x84\x10\x25\x00\x6d\x0c",
        ];
        let ends = brotli.iter().scan(0, |end, part| {
            *end += part.len();
            Some(*end)
        });
        all.push(("br", [&brotli.concat()[..], b"\x03"].concat(), ends.collect()));
        all
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn an_event_comes_out_with_the_piece_that_flushed_it() {
        for (coding, encoded, ends) in flushed_events() {
            let mut decoder = Decoder::new([coding], LIMIT).unwrap().unwrap();
            let mut start = 0;
            for (index, end) in ends.into_iter().enumerate() {
                let mut decoded = Vec::new();
                decoder.push(&encoded[start..end], &mut |bytes| decoded.extend_from_slice(bytes)).unwrap();
                assert_eq!(String::from_utf8(decoded).unwrap(), event(index + 1), "{coding}");
                start = end;
            }
            assert!(!decoder.is_complete(), "{coding}");
            decoder.push(&encoded[start..], &mut |bytes| panic!("{bytes:?}")).unwrap();
            assert!(decoder.is_complete(), "{coding}");
        }
    }

    #[test]
    fn input_that_is_cut_off_is_not_complete() {
        let whole = [event(1), event(2), event(3)].concat().into_bytes();
        for (coding, encoded, _) in flushed_events() {
            for end in 0..encoded.len() {
                let (decoded, is_complete) = decode(coding, [&encoded[..end]]).unwrap();
                assert!(whole.starts_with(&decoded) && !is_complete, "{coding} {end}");
            }
            assert_eq!(decode(coding, [&encoded[..]]), Ok((whole.clone(), true)), "{coding}");
        }
    }

    #[test]
    fn what_is_not_in_the_coding_is_malformed() {
        for (coding, text) in [
            ("gzip", &b"data: {\"index\":1}\n\n"[..]),
            ("gzip", b"\x1f\x8b\x08\xe0\x00\x00\x00\x00\x00\x00"),
            ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\xff\xff"),
            ("deflate", b"\xff\xff\xff"),
            ("deflate", b"\x78\x00"),
            ("zstd", b"data: {\"index\":1}\n\n"),
            ("br", b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        ] {
            assert_eq!(decode(coding, [text, b"more"]), Err(DecodeError::Malformed), "{coding} {text:?}");
        }
    }

    #[test]
    fn a_wrong_checksum_of_gzip_is_malformed() {
        let mut encoded = gzip(b"hello");
        for at in encoded.len() - 8..encoded.len() {
            encoded[at] ^= 1;
            for size in [1, 1000] {
                let (decoded, outcome) = decode_within("gzip", LIMIT, encoded.chunks(size));
                assert_eq!((&*decoded, outcome), (&b"hello"[..], Err(DecodeError::Malformed)));
            }
            encoded[at] ^= 1;
        }
        assert_eq!(decode("gzip", [&encoded[..]]), Ok((b"hello".to_vec(), true)));
    }

    #[test]
    fn members_and_frames_may_follow_one_another() {
        let members = [gzip(b"a"), gzip(b""), gzip(b"b")].concat();
        let frames = [b"a", b"b"].map(|text| ::zstd::encode_all(&text[..], 1).unwrap()).concat();
        for size in [1, 7, 100] {
            assert_eq!(decode("gzip", members.chunks(size)), Ok((b"ab".to_vec(), true)));
            assert_eq!(decode("zstd", frames.chunks(size)), Ok((b"ab".to_vec(), true)));
            let padded = [&members[..], &[0; 20]].concat();
            assert_eq!(decode("gzip", padded.chunks(size)), Ok((b"ab".to_vec(), true)));
        }
    }

    #[test]
    fn a_gzip_header_may_have_all_its_parts() {
        let header = flate2::GzBuilder::new().extra(vec![0; 300]).filename("name").comment("comment");
        let mut encoder = header.write(Vec::new(), Compression::fast());
        encoder.write_all(b"hello").unwrap();
        let mut encoded = encoder.finish().unwrap();
        // The builder does not write a checksum of the header: it stands behind the comment.
        encoded[3] |= 2;
        let end = 10 + 2 + 300 + 5 + 8;
        let [first, second, ..] = crc32fast::hash(&encoded[..end]).to_le_bytes();
        encoded.splice(end..end, [first, second]);
        for size in [1, 3, 1000] {
            assert_eq!(decode("gzip", encoded.chunks(size)), Ok((b"hello".to_vec(), true)));
        }
    }

    #[test]
    fn codings_may_be_stacked() {
        let inner = gzip(b"hello");
        let outer = ::zstd::encode_all(&inner[..], 1).unwrap();
        for size in [1, 5, 1000] {
            assert_eq!(decode("gzip, identity,zstd", outer.chunks(size)), Ok((b"hello".to_vec(), true)));
            let mut decoder = Decoder::new(["gzip", "zstd"], LIMIT).unwrap().unwrap();
            let mut decoded = Vec::new();
            for piece in outer.chunks(size) {
                decoder.push(piece, &mut |bytes| decoded.extend_from_slice(bytes)).unwrap();
            }
            assert_eq!(decoded, b"hello");
        }
    }

    #[test]
    fn what_would_grow_without_end_is_stopped_at_the_limit() {
        let zeros = vec![0; 4 << 20];
        let bombs = [
            ("gzip", gzip(&zeros)),
            ("zstd", ::zstd::encode_all(&zeros[..], 1).unwrap()),
            ("br", b"\x9b\xff\xff\x3f\x00\x24\x00\xe2\xb1\x40\x72\xef\x7f\x00".to_vec()),
            ("gzip, gzip", gzip(&gzip(&zeros))),
        ];
        for (coding, bomb) in bombs {
            let (decoded, outcome) = decode_within(coding, 100_000, bomb.chunks(5));
            assert_eq!(outcome, Err(DecodeError::TooLarge), "{coding}");
            assert!(decoded.len() > 90_000 - 2 * PIECE || coding.contains(','));
            assert_eq!(decode(coding, [&bomb[..]]).unwrap(), (zeros.clone(), true), "{coding}");
        }
    }

    #[test]
    fn a_window_that_nobody_needs_is_refused() {
        // A zstd header that asks for a window of 16 MiB, and a brotli header with the large window extension.
        assert_eq!(
            decode("zstd", [&b"\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00"[..]]),
            Err(DecodeError::Malformed)
        );
        assert_eq!(decode("br", [&b"\x11\x1e\x03\x00\x00"[..]]), Err(DecodeError::Malformed));
    }

    fn encode(coding: &str, text: &[u8]) -> Vec<u8> {
        match coding {
            "gzip" => gzip(text),
            "zstd" => ::zstd::encode_all(text, 3).unwrap(),
            _ => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_encoded_comes_back_however_it_is_cut(
            coding in prop::sample::select(vec!["gzip", "deflate", "zstd"]),
            text in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..20),
            times in 1_usize..500,
            lengths in lengths(),
        ) {
            let text = text.concat().repeat(times);
            let encoded = encode(coding, &text);
            prop_assert_eq!(decode(coding, cut(&encoded, &lengths)), Ok((text, true)));
        }

        #[test]
        fn damage_is_the_same_however_it_is_cut_and_never_disturbs(
            which in 0_usize..5,
            at in any::<prop::sample::Index>(),
            by in any::<u8>(),
            lengths in lengths(),
        ) {
            let (coding, mut encoded, _) = flushed_events().swap_remove(which);
            let at = at.index(encoded.len());
            // Brotli has no checksum, and its decoder tells damage sooner or later depending on the pieces.
            encoded[at] ^= if coding == "br" { 0 } else { by };
            let whole = decode_within(coding, LIMIT, [&encoded[..]]);
            let pieces = decode_within(coding, LIMIT, cut(&encoded, &lengths));
            prop_assert_eq!(whole.1, pieces.1);
        }

        #[test]
        fn no_bytes_at_all_disturb_a_decoder(
            coding in prop::sample::select(vec!["gzip", "deflate", "zstd", "br", "br, gzip"]),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            lengths in lengths(),
        ) {
            let _ = decode(coding, cut(&bytes, &lengths));
        }
    }
}
