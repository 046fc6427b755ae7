//! Bodies that nobody wrote: nothing panics, and how they are cut makes no difference.

use super::*;
use proptest::prelude::*;

/// Members that matter, put where nobody expects them.
const MEMBERS: &[&str] = &[
    r#""usage":{"prompt_tokens":9,"completion_tokens":9},"#,
    r#""us\u0061ge":{"input_tokens":9,"output_tokens":9},"#,
    r#""usage":null,"#,
    r#""usage":"x","#,
    r#""error":{"code":"x"},"#,
    r#""err\u006fr":{"code":"x"},"#,
    r#""type":"message_stop","#,
    r#""type":"response.incomplete","#,
    r#""type":"err\u006fr","#,
    r#""service_tier":"flex","#,
    r#""status":"in_progress","#,
    r#""code":"y","#,
    r#""id":"other","#,
    r#""model":"other","#,
    r#""object":"other","#,
    r#""prompt_eval_count":9,"#,
    r#""done":true,"#,
    r#""type":"response.output_item.added","#,
    r#""item":{"type":"web_search_call","action":{"type":"open_page"}},"#,
    r#""item":{"type":"x_se\u0061rch_call"},"#,
    r#""output":[{"type":"file_search_call"},{"type":"code_interpreter_call"}],"#,
    r#""item":{"environment":{"type":"container_auto"}},"#,
    r#""content_block":{"type":"code_execution_tool_result"},"#,
    r#""tools":[{"type":"image_generation","model":"gpt-image-2"}],"#,
    r#""tool_usage":{"image_gen":{"output_tokens":9}},"#,
    r#""tool_usage":{"x":{"y":9}},"#,
    r#""pad":"a text that makes an event longer than the short ones are","#,
];

/// Answers with some bytes changed, taken out or doubled, and members put in.
fn mangled() -> impl Strategy<Value = (&'static str, &'static str, Vec<u8>)> {
    let answers = vec![
        (CHAT, JSON, chat_json()),
        (CHAT, EVENTS, chat_events()),
        (RESPONSES, JSON, RESPONSE_OBJECT.to_owned()),
        (RESPONSES, EVENTS, responses_events("response.completed")),
        (MESSAGES, JSON, ANTHROPIC_JSON.to_owned()),
        (MESSAGES, EVENTS, ANTHROPIC_EVENTS.to_owned()),
        (GEMINI_STREAM, JSON, format!("[{GEMINI_PART},{GEMINI_WHOLE}]")),
        (GEMINI_STREAM, LINES, format!("{GEMINI_PART}\n{GEMINI_WHOLE}\n")),
    ];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..8u8, any::<u8>()), 0..6);
    (prop::sample::select(answers), edits).prop_map(|((url, content_type, body), edits)| {
        let mut bytes = body.into_bytes();
        for (at, kind, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                3 => bytes.truncate(at),
                _ => {
                    let within = bytes.iter().take(at).rposition(|byte| *byte == b'{').map_or(0, |at| at + 1);
                    let member = MEMBERS[usize::from(byte) % MEMBERS.len()];
                    bytes.splice(within..within, member.bytes());
                }
            }
        }
        (url, content_type, bytes)
    })
}

/// Cuts `bytes` at `cuts`.
fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// What is read, and whether the terminal event was seen.
fn read(url: &str, content_type: &str, pieces: &[&[u8]]) -> (Read, bool) {
    let route = ApiRoute::of(&Method::POST, &url.parse().unwrap(), &HeaderMap::new(), None);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
    let mut reader = ResponseReader::new(&route, &headers, None);
    for piece in pieces {
        reader.push(piece);
        let _ = (reader.has_content(), reader.terminal());
    }
    let terminal = reader.terminal();
    (Read::finish(&mut reader, &route, &RequestFacts::default(), 200, Ended::Aborted), terminal)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn a_mangled_answer_reads_the_same_however_it_is_cut(
        (url, content_type, body) in mangled(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = read(url, content_type, &[&body]);
        prop_assert_eq!(read(url, content_type, &pieces(&body, &cuts)), whole);
    }

    #[test]
    fn random_bytes_are_harmless(
        body in prop::collection::vec(any::<u8>(), 0..300),
        content_type in prop::sample::select(vec![JSON, EVENTS, LINES, "application/vnd.amazon.eventstream", "x/y"]),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let whole = read(CHAT, content_type, &[&body]);
        prop_assert_eq!(read(CHAT, content_type, &pieces(&body, &cuts)), whole);
        let fields = RequestMembers::default();
        let route = ApiRoute::of(&Method::POST, &CHAT.parse().unwrap(), &HeaderMap::new(), None);
        let mut reader = RequestReader::new(&route, &HeaderMap::new(), None);
        for piece in pieces(&body, &cuts) {
            reader.push(&fields, piece);
        }
    }

    #[test]
    fn random_paths_and_hosts_are_harmless(path in "(/[a-zA-Z0-9:%._-]{0,12}){0,14}", host in "[a-z0-9.-]{1,30}") {
        if let Ok(uri) = format!("http://{host}{path}").parse() {
            let _ = ApiRoute::of(&Method::POST, &uri, &HeaderMap::new(), None);
        }
    }
}
