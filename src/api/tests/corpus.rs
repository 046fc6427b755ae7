//! The recorded exchanges of the corpus, where it is at hand, read whole and in pieces.

use super::Read;
use crate::api::{ApiRoute, Ended, RequestFacts, RequestMembers, RequestReader, ResponseReader};
use crate::record::{Usage, UsageState};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// The lines of a file of the corpus, or nothing, with a word on it, when the corpus is not there.
fn lines(name: &str) -> Option<impl Iterator<Item = String>> {
    let path = format!("{}/../shared/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    match File::open(&path) {
        Ok(file) => Some(BufReader::new(file).lines().map_while(Result::ok)),
        Err(_) => {
            println!("skipped: {path} is not there");
            None
        }
    }
}

fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            .iter()
            .position(|d| *d == digit);
        bits = bits << 6 | u32::try_from(value.unwrap()).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// A recorded exchange.
struct Exchange {
    id: String,
    method: Method,
    uri: Uri,
    request_headers: HeaderMap,
    request_body: Vec<u8>,
    status: u16,
    response_headers: HeaderMap,
    response_body: Vec<u8>,
    line: Value,
}

impl Exchange {
    fn read(line: &str) -> Self {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        let body = |key: &str| match line[key].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => line[format!("{key}_b64")].as_str().map_or_else(Vec::new, base64),
        };
        let headers = |key: &str| {
            let mut headers = HeaderMap::new();
            for (name, value) in line[key].as_object().into_iter().flatten() {
                let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
                if let (Ok(name), Some(value)) = (name.parse::<HeaderName>(), value) {
                    headers.append(name, value);
                }
            }
            headers
        };
        let mut response_headers = headers("response_headers");
        response_headers.remove("content-encoding");
        Self {
            id: text("id").to_owned(),
            method: text("method").parse().unwrap(),
            uri: uri(text("url")),
            request_headers: headers("request_headers"),
            request_body: body("request_body"),
            status: line["status"].as_u64().unwrap_or(200) as u16,
            response_headers,
            response_body: body("response_body"),
            line,
        }
    }

    fn run(&self, fields: &RequestMembers, chunk: usize) -> (ApiRoute, RequestFacts, Read) {
        let route = ApiRoute::of(&self.method, &self.uri, &self.request_headers, None);
        let mut request = RequestReader::new(&route, &self.request_headers, None);
        for bytes in self.request_body.chunks(chunk) {
            request.push(fields, bytes);
        }
        let mut response = ResponseReader::new(&route, &self.response_headers, None);
        for bytes in self.response_body.chunks(chunk) {
            response.push(bytes);
        }
        let facts = Read::finish(&mut response, &route, request.facts(), self.status, Ended::Whole);
        (route, request.facts().clone(), facts)
    }
}

/// The placeholders of the recordings are no characters of a URI.
fn uri(url: &str) -> Uri {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() || ".:-".contains(c) { c } else { '-' }).collect();
    let mut encoded = format!("{scheme}://{host}");
    for byte in path.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded.parse().unwrap_or_else(|error| panic!("{encoded}: {error}"))
}

/// The parts of a usage that the corpus knows, by its names for them.
fn parts(usage: &Usage) -> [(&'static str, Option<u64>); 12] {
    [
        ("input_tokens", usage.input_tokens),
        ("output_tokens", usage.output_tokens),
        ("cache_read_tokens", usage.cache_read_tokens),
        ("cache_write_tokens", usage.cache_write_tokens),
        ("cache_write_5m_tokens", usage.cache_write_5m_tokens),
        ("cache_write_1h_tokens", usage.cache_write_1h_tokens),
        ("reasoning_tokens", usage.reasoning_tokens),
        ("audio_in", usage.input_audio_tokens),
        ("audio_out", usage.output_audio_tokens),
        ("image_in", usage.input_image_tokens),
        ("image_out", usage.output_image_tokens),
        ("search_units", usage.search_units),
    ]
}

/// Something that the corpus expects to be otherwise.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    what: &'static str,
    ours: Option<String>,
    theirs: Option<String>,
}

impl Exchange {
    /// What differs from what the corpus expects, and is not known to be right all the same.
    fn differences(&self, fields: &RequestMembers, chunk: usize) -> Vec<Difference> {
        let (route, request, response) = self.run(fields, chunk);
        let expected = &self.line["expected"];
        let mut differences = Vec::new();
        let mut compare = |what, ours: Option<String>, theirs: Option<String>| {
            let difference = Difference { what, ours, theirs };
            if difference.ours != difference.theirs && self.reason_for(&difference).is_none() {
                differences.push(difference);
            }
        };
        let text = |key: &str| expected[key].as_str().map(str::to_owned);
        let model = request.model.or(route.model);
        compare("model_request", model.map(|model| model.to_string()), text("model_request"));
        compare("model_response", response.model.map(|model| model.to_string()), text("model_response"));
        compare("user", request.user.id.map(|user| user.to_string()), text("user"));
        compare("service_tier", response.service_tier.map(|tier| tier.to_string()), text("service_tier"));
        let usage = &expected["usage"];
        for (name, ours) in parts(&response.usage) {
            compare(
                name,
                ours.map(|count| count.to_string()),
                usage[name].as_u64().map(|count| count.to_string()),
            );
        }
        let beside = usage["outside_top_level"].as_array().map_or(&[][..], Vec::as_slice);
        let theirs = beside.iter().map(|pass| {
            (pass["model"].as_str(), pass["input_tokens"].as_u64(), pass["output_tokens"].as_u64())
        });
        let ours = response
            .usage
            .passes
            .iter()
            .map(|pass| (pass.model.as_deref(), pass.input_tokens, pass.output_tokens));
        compare(
            "passes",
            Some(format!("{:?}", ours.collect::<Vec<_>>())),
            Some(format!("{:?}", theirs.collect::<Vec<_>>())),
        );
        if !usage["input_tokens"].is_null() && response.usage_state == UsageState::Absent {
            compare("usage_state", response.usage_reason.map(|reason| reason.as_str().to_owned()), None);
        }
        differences
    }

    /// Why a difference is right: the provider's own statement.
    fn reason_for(&self, difference: &Difference) -> Option<&'static str> {
        let Difference { what, ours, theirs } = difference;
        let says = |place: &Value| ours.is_some() && place.as_str() == ours.as_deref();
        let raw = &self.line["expected"]["usage"]["raw"];
        let headers = &self.line["response_headers"];
        match *what {
            // "The pricing is the sum of output tokens and thinking tokens" (ai.google.dev/gemini-api/docs/thinking);
            // total_tokens 109 with prompt 35 and completion 12, and 100 with 66 and 6.
            "output_tokens" | "reasoning_tokens"
                if [
                    "google-chat_completions-29ee36d3ac55b6c3",
                    "google-chat_completions-cd1cb42904e1ba9e",
                ]
                .contains(&self.id.as_str()) =>
            {
                Some("thinking that Google's compatible endpoint shows in the total only is output")
            }
            "image_in"
                if [
                    "google-embeddings-08195fcd975c7214",
                    "cohere-other-1f1f601bbc5386e6",
                    "vertex-generateContent-13b21404554829b5",
                ]
                .contains(&self.id.as_str()) =>
            {
                Some("promptTokenDetails, tokens.image_tokens and modality 2 do state image tokens")
            }
            "service_tier"
                if says(&raw["service_tier"]) || says(&raw["serviceTier"]) || says(&raw["trafficType"]) =>
            {
                Some("the tier stands within the usage object")
            }
            "service_tier"
                if says(&headers["x-gemini-service-tier"]) || says(&headers["azureai-processed-tier"]) =>
            {
                Some("the tier stands in a header")
            }
            "service_tier" if self.id.starts_with("google-other-") && ours.as_deref() == Some("standard") => {
                Some("a streamed interaction names its tier as one that is not streamed does")
            }
            "model_request" if ours.as_deref() == Some("UNKNOWN") => {
                Some("the placeholder of the recording stands where the path has the model")
            }
            "model_request" if theirs.is_none() && self.is_form() => {
                Some("the form has a part named model, and the corpus does not read forms")
            }
            "service_tier" | "model_response" if ours.is_none() && theirs.as_deref() == Some("") => {
                Some("an empty name is no name")
            }
            _ => None,
        }
    }
}

impl Exchange {
    fn is_form(&self) -> bool {
        let content_type = self.request_headers.get("content-type").map(HeaderValue::as_bytes);
        content_type.is_some_and(|media_type| media_type.starts_with(b"multipart/form-data"))
    }
}

fn check_exchanges(chunk: usize) {
    let Some(lines) = lines("exchanges.jsonl") else { return };
    let fields = RequestMembers::default();
    let exchanges = lines.map(|line| Exchange::read(&line));
    let wrong = exchanges.filter_map(|exchange| {
        let differences = exchange.differences(&fields, chunk);
        (!differences.is_empty()).then(|| format!("{} {differences:?}\n", exchange.id))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} exchanges differ:\n{}", wrong.len(), wrong.concat());
}

#[test]
fn every_exchange_yields_what_is_expected_when_it_comes_whole() {
    check_exchanges(usize::MAX);
}

#[test]
fn every_exchange_yields_what_is_expected_in_frames_of_1024_bytes() {
    check_exchanges(1024);
}

#[test]
fn every_exchange_yields_what_is_expected_in_frames_of_7_bytes() {
    check_exchanges(7);
}

#[test]
fn every_exchange_yields_what_is_expected_byte_by_byte() {
    check_exchanges(1);
}

/// Who is meant by the candidates of a derived request, by the rules of the design.
fn expected_user(line: &Value) -> Option<String> {
    let mut fields = vec!["user", "safety_identifier"];
    if line["api"] == "messages" {
        fields.push("metadata.user_id");
    }
    fields.into_iter().find_map(|field| match &line["candidates"][field] {
        Value::String(text) => {
            let id = text.trim();
            let usable = !id.is_empty() && id.len() <= 256 && !id.chars().any(char::is_control);
            usable.then(|| id.to_owned())
        }
        Value::Number(number) if number.is_i64() => Some(number.to_string()),
        _ => None,
    })
}

#[test]
fn every_derived_request_names_its_user() {
    let Some(lines) = lines("requests_user.jsonl") else { return };
    let fields = RequestMembers::default();
    for line in lines {
        let line: Value = serde_json::from_str(&line).unwrap();
        let headers = HeaderMap::new();
        let route = ApiRoute::of(&Method::POST, &uri(line["url"].as_str().unwrap()), &headers, None);
        let body = line["request_body"].as_str().unwrap().as_bytes();
        for chunk in [1, 7, 1024, usize::MAX] {
            let mut reader = RequestReader::new(&route, &headers, None);
            for bytes in body.chunks(chunk) {
                reader.push(&fields, bytes);
            }
            let user = reader.facts().user.id.as_ref().map(ToString::to_string);
            assert_eq!(
                user,
                expected_user(&line),
                "{} {} in frames of {chunk}",
                line["id"],
                line["mutation"]
            );
            let model = reader.facts().model.as_ref().or(route.model.as_ref()).map(ToString::to_string);
            assert_eq!(model.as_deref(), line["model_request"].as_str(), "{}", line["id"]);
        }
    }
}
