//! Reading the head of a request: where it goes and what it asks for there.

use super::dialects::{self, Home};
use super::route::ApiRoute;
use super::{host, path};
use crate::record::{Provider, ProviderSource, Text};
use http::uri::Authority;
use http::{HeaderMap, Method, Uri, header};
use std::borrow::Cow;

impl ApiRoute {
    /// Reads the head of a request. `setting` is the provider that the application has named.
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap, setting: Option<&Provider>) -> Self {
        let authority = uri.authority().cloned().or_else(|| {
            let host = headers.get(header::HOST)?;
            Authority::try_from(host.as_bytes()).ok()
        });
        let name = authority.as_ref().map(|authority| {
            let host = authority.host();
            // A host name may end in a dot.
            let host = host.strip_suffix('.').unwrap_or(host);
            if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
                Cow::Owned(host.to_ascii_lowercase())
            } else {
                Cow::Borrowed(host)
            }
        });
        let path = uri.path();
        let mut route = path::route(method, path);
        let by_host = name.as_deref().and_then(|name| host::provider(name, path));
        let (by_host, region) = by_host.map_or((None, None), |(provider, region)| (Some(provider), region));
        route.host = name.as_deref().and_then(|name| Text::new(name).ok());
        route.region = route.region.or(region);
        route.faces_provider = name.is_some_and(|name| host::faces_provider(&name, by_host.as_ref()));
        let port = authority.as_ref().and_then(Authority::port_u16);
        dialects::settle_by_host(&Home { host: by_host.as_ref(), port, method, path }, &mut route);
        if let Some(provider) = setting {
            route.name_provider(provider.clone(), ProviderSource::Setting);
        } else if let Some(provider) = by_host {
            route.name_provider(provider, ProviderSource::Host);
        }
        route
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Api, Operation};

    fn route(uri: &str) -> ApiRoute {
        ApiRoute::of(&Method::POST, &uri.parse().unwrap(), &HeaderMap::new(), None)
    }

    #[test]
    fn the_host_names_the_provider_unless_the_application_does() {
        let openai = route("https://API.OpenAI.com:443/v1/chat/completions");
        assert_eq!(openai.provider, Some(Provider::OPENAI));
        assert_eq!(openai.provider_source, Some(ProviderSource::Host));
        assert_eq!(openai.host.as_deref(), Some("api.openai.com"));
        assert_eq!(route("https://api.openai.com./v1/chat/completions"), openai);
        let uri = "https://api.openai.com/v1/chat/completions".parse().unwrap();
        let set = ApiRoute::of(&Method::POST, &uri, &HeaderMap::new(), Some(&Provider::AZURE));
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
        let route = ApiRoute::of(&Method::POST, &Uri::from_static("/v1/messages"), &headers, None);
        assert_eq!(route.provider, Some(Provider::ANTHROPIC));
        headers.insert(header::HOST, http::HeaderValue::from_bytes(b"not a host \xff").unwrap());
        let route = ApiRoute::of(&Method::POST, &Uri::from_static("/v1/messages"), &headers, None);
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
            let named = ApiRoute::of(
                &Method::POST,
                &uri.parse().unwrap(),
                &HeaderMap::new(),
                Some(&Provider::OPENAI),
            );
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
            let _ = ApiRoute::of(&Method::CONNECT, &uri, &HeaderMap::new(), None);
        }
    }
}
