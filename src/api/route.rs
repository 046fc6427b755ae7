//! Where a request goes and what its head says about it.

use super::dialects::{self, Home};
use super::{host, path};
use crate::record::{Api, Operation, Provider, ProviderSource, Text};
use http::uri::Authority;
use http::{HeaderMap, Method, Uri, header};
use std::borrow::Cow;

/// What the head of a request says about the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) provider: Option<Provider>,
    pub(crate) provider_source: Option<ProviderSource>,
    /// In lower case, without the port.
    pub(crate) host: Option<Text>,
    pub(crate) api: Option<Api>,
    pub(crate) operation: Operation,
    /// The model that the path names. Where the body names one too, that is the one asked for.
    pub(crate) model: Option<Text>,
    /// Whether the path asks for a stream.
    pub(crate) stream: Option<bool>,
    /// Whether the call consumes anything: not for lists, counts and housekeeping.
    pub(crate) consumes: bool,
    /// Whether the answer is one that another call is billed for.
    pub(crate) repeats: bool,
    /// Whether an answer that names a shape of which something is consumed is believed all the same.
    pub(crate) by_shape: bool,
    /// The id of the answer that is asked for again, as the path has it.
    pub(crate) asked_for: Option<Text>,
    pub(crate) batch: bool,
    pub(crate) region: Option<Text>,
    /// Whether the request goes to a provider's own host, and not to a gateway or to a host that nobody knows.
    pub(crate) faces_provider: bool,
}

impl Route {
    /// Reads the head of a request. `setting`: the provider that the application named.
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap, setting: Option<&Provider>) -> Self {
        let authority = uri.authority().cloned().or_else(|| {
            let host = headers.get(header::HOST)?;
            Authority::try_from(host.as_bytes()).ok()
        });
        let name = authority.as_ref().map(|authority| {
            let host = authority.host();
            // The root of all names may be spelled out.
            let host = host.strip_suffix('.').unwrap_or(host);
            if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
                Cow::Owned(host.to_ascii_lowercase())
            } else {
                Cow::Borrowed(host)
            }
        });
        let path = uri.path();
        let call = path::call(method, path);
        let by_host = name.as_deref().and_then(|name| host::provider(name, path));
        let (by_host, region) = by_host.map_or((None, None), |(provider, region)| (Some(provider), region));
        let mut route = Self {
            provider: None,
            provider_source: None,
            host: name.as_deref().and_then(|name| Text::new(name).ok()),
            api: call.api,
            operation: call.operation,
            model: call.model,
            stream: call.stream,
            consumes: call.consumes,
            repeats: call.repeats,
            by_shape: call.by_shape,
            asked_for: call.asked_for,
            batch: call.batch,
            region: call.region.or(region),
            faces_provider: name.as_deref().is_some_and(|name| host::faces_provider(name, by_host.as_ref())),
        };
        let port = authority.as_ref().and_then(Authority::port_u16);
        dialects::settle_by_host(&Home { host: by_host.as_ref(), port, method, path }, &mut route);
        if let Some(provider) = setting {
            route.name_provider(provider.clone(), ProviderSource::Setting);
        } else if let Some(provider) = by_host {
            route.name_provider(provider, ProviderSource::Host);
        }
        route
    }

    /// Names the provider, unless one is named already.
    pub(super) fn name_provider(&mut self, provider: Provider, source: ProviderSource) {
        if self.provider.is_none() {
            self.provider = Some(provider);
            self.provider_source = Some(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(uri: &str) -> Route {
        Route::of(&Method::POST, &uri.parse().unwrap(), &HeaderMap::new(), None)
    }

    #[test]
    fn the_host_names_the_provider_unless_the_application_does() {
        let openai = route("https://API.OpenAI.com:443/v1/chat/completions");
        assert_eq!(openai.provider, Some(Provider::OPENAI));
        assert_eq!(openai.provider_source, Some(ProviderSource::Host));
        assert_eq!(openai.host.as_deref(), Some("api.openai.com"));
        assert_eq!(route("https://api.openai.com./v1/chat/completions"), openai);
        let uri = "https://api.openai.com/v1/chat/completions".parse().unwrap();
        let set = Route::of(&Method::POST, &uri, &HeaderMap::new(), Some(&Provider::AZURE));
        assert_eq!(set.provider, Some(Provider::AZURE));
        assert_eq!(set.provider_source, Some(ProviderSource::Setting));
        let unknown = route("http://gateway.internal:8080/v1/chat/completions");
        assert_eq!((unknown.provider, unknown.provider_source), (None, None));
        assert_eq!(unknown.api, Some(Api::ChatCompletions));
    }

    #[test]
    fn a_server_finds_the_host_in_the_header() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "api.anthropic.com".parse().unwrap());
        let route = Route::of(&Method::POST, &Uri::from_static("/v1/messages"), &headers, None);
        assert_eq!(route.provider, Some(Provider::ANTHROPIC));
        headers.insert(header::HOST, http::HeaderValue::from_bytes(b"not a host \xff").unwrap());
        let route = Route::of(&Method::POST, &Uri::from_static("/v1/messages"), &headers, None);
        assert_eq!((route.host, route.provider), (None, None));
    }

    #[test]
    fn a_provider_s_own_host_is_faced_and_no_gateway_s() {
        for (uri, faced) in [
            ("https://api.openai.com/v1/chat/completions", true),
            ("https://API.OPENAI.COM.:443/v1/chat/completions", true),
            ("https://res.openai.azure.com/openai/deployments/d/chat/completions", true),
            ("https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse", true),
            ("https://gateway.ai.cloudflare.com/v1/account/gateway/compat/chat/completions", true),
            ("https://oai.helicone.ai/v1/chat/completions", false),
            ("https://oai.hconeai.com/v1/chat/completions", false),
            ("https://anthropic.helicone.ai/v1/messages", false),
            ("https://gateway.helicone.ai/v1/chat/completions", false),
            ("https://nothelicone.ai/v1/chat/completions", false),
            ("http://gateway.internal/v1/chat/completions", false),
            ("http://localhost:11434/api/chat", false),
            ("/v1/chat/completions", false),
        ] {
            assert_eq!(route(uri).faces_provider, faced, "{uri}");
            let named =
                Route::of(&Method::POST, &uri.parse().unwrap(), &HeaderMap::new(), Some(&Provider::OPENAI));
            assert_eq!(named.faces_provider, faced, "{uri}: who is behind it makes no difference");
        }
    }

    #[test]
    fn ollama_is_known_by_its_own_routes_on_its_own_port() {
        let native = route("http://localhost:11434/api/chat");
        assert_eq!((native.api, native.provider), (Some(Api::OllamaChat), Some(Provider::OLLAMA)));
        let compatible = route("http://localhost:11434/v1/chat/completions");
        assert_eq!((compatible.api, compatible.provider), (Some(Api::ChatCompletions), None));
        let elsewhere = route("http://localhost:3000/api/chat");
        assert_eq!((elsewhere.api, elsewhere.provider), (None, None));
        assert!(!route("http://localhost:11434/api/pull").consumes);
    }

    #[test]
    fn cohere_and_writer_share_a_path_and_not_an_api() {
        assert_eq!(route("https://api.cohere.com/v1/chat").api, Some(Api::CohereChat));
        assert_eq!(route("https://api.writer.com/v1/chat").api, None);
        assert_eq!(route("https://api.cohere.com/v1/generate").operation, Operation::TextCompletion);
    }

    #[test]
    fn the_region_comes_from_the_host_or_the_path() {
        let bedrock =
            route("https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse");
        assert_eq!(bedrock.region.as_deref(), Some("eu-west-1"));
        let vertex = route(
            "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/m:generateContent",
        );
        assert_eq!(vertex.region.as_deref(), Some("global"));
    }

    #[test]
    fn odd_targets_are_harmless() {
        for uri in ["*", "/", "example.com:443", "http://[::1]:11434/api/chat"] {
            let uri = uri.parse().unwrap();
            let _ = Route::of(&Method::CONNECT, &uri, &HeaderMap::new(), None);
        }
    }
}
