//! Endpoints of one provider that have prices of their own.
//!
//! A record names the provider: Amazon, whether Bedrock answered at `bedrock-runtime` or at `bedrock-mantle`. LiteLLM lists the two apart, and where
//! they cost the same there is one entry. Where they do not, the entry of the second one stands in a row of its own, under the endpoint's
//! id, and the host that was called decides. Where the host is not known, a price that depends on it is ambiguous.

use crate::record::Text;

/// An endpoint: its id, which is LiteLLM's where that has one, and its provider.
struct Endpoint {
    id: &'static str,
    provider: &'static str,
    /// Whether the provider's own row is this endpoint's.
    main: bool,
}

const ENDPOINTS: [Endpoint; 12] = [
    Endpoint { id: "bedrock", provider: "aws", main: true },
    Endpoint { id: "bedrock_mantle", provider: "aws", main: false },
    // Anthropic's own API, sold and run by Amazon.
    Endpoint { id: "claude_platform", provider: "aws", main: false },
    Endpoint { id: "azure_openai", provider: "azure", main: true },
    Endpoint { id: "azure_ai", provider: "azure", main: false },
    Endpoint { id: "vertex_ai", provider: "google", main: true },
    Endpoint { id: "gemini", provider: "google", main: false },
    Endpoint { id: "mistral_api", provider: "mistral", main: true },
    Endpoint { id: "codestral", provider: "mistral", main: false },
    Endpoint { id: "model_studio", provider: "dashscope", main: true },
    Endpoint { id: "qwencloud", provider: "dashscope", main: false },
    Endpoint { id: "qwen_ai_platform", provider: "dashscope", main: false },
];

fn find(id: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.id == id)
}

/// Returns the endpoint of that id.
pub(super) fn find_id(id: &str) -> Option<&'static str> {
    find(id).map(|endpoint| endpoint.id)
}

/// Returns the provider of an endpoint, and whether its row is the provider's.
pub(super) fn provider(id: &str) -> Option<(&'static str, bool)> {
    find(id).map(|endpoint| (endpoint.provider, endpoint.main))
}

/// Returns whether the models of an endpoint stand in a row of their own in any case: they have other names than the provider's.
pub(super) fn is_apart(id: &str) -> bool {
    id == "claude_platform"
}

/// Returns the name that a model has at an endpoint whose models stand apart, without what a gateway puts before it.
pub(super) fn bare<'a>(endpoint: Option<&str>, name: &'a str) -> &'a str {
    match endpoint {
        Some(id) if is_apart(id) => name.rsplit_once('/').map_or(name, |(_, bare)| bare),
        _ => name,
    }
}

/// Returns the endpoints of a provider that may have rows of their own.
pub(super) fn others(provider: &str) -> impl Iterator<Item = &'static str> {
    ENDPOINTS
        .iter()
        .filter(move |endpoint| !endpoint.main && endpoint.provider == provider)
        .map(|endpoint| endpoint.id)
}

/// Returns the endpoint of a provider that was called: by the host, in lower case, or else by the requested name.
#[inline]
pub(super) fn called(provider: &str, host: Option<&Text>, model: Option<&Text>) -> Option<&'static str> {
    if !matches!(provider, "aws" | "azure" | "google" | "mistral" | "dashscope") {
        return None;
    }
    let by_host = host.and_then(|host| of_host(provider, host));
    by_host.or_else(|| model.and_then(|model| of_name(provider, model)))
}

/// Returns the endpoint of a provider that a host, in lower case, is.
fn of_host(provider: &str, host: &str) -> Option<&'static str> {
    match provider {
        "aws" => match host.split_once('.')?.0 {
            service if service.starts_with("bedrock-mantle") => Some("bedrock_mantle"),
            "aws-external-anthropic" => Some("claude_platform"),
            _ if host.contains("bedrock") => Some("bedrock"),
            _ => None,
        },
        "azure" => {
            let under = |domains: &[&str]| domains.iter().any(|domain| host.ends_with(domain));
            if under(&[".openai.azure.com", ".cognitiveservices.azure.com", ".openai.azure.us"])
                || under(&[".openai.azure.cn"])
            {
                Some("azure_openai")
            } else {
                under(&[".services.ai.azure.com", ".inference.ai.azure.com", ".models.ai.azure.com"])
                    .then_some("azure_ai")
            }
        }
        "google" if host == "generativelanguage.googleapis.com" => Some("gemini"),
        "google" => host.contains("aiplatform").then_some("vertex_ai"),
        "mistral" => match host {
            "api.mistral.ai" => Some("mistral_api"),
            "codestral.mistral.ai" => Some("codestral"),
            _ => None,
        },
        "dashscope" => match host {
            "dashscope-intl.aliyuncs.com" => Some("qwencloud"),
            "dashscope.aliyuncs.com" => Some("qwen_ai_platform"),
            _ => host.ends_with(".aliyuncs.com").then_some("model_studio"),
        },
        _ => None,
    }
}

/// Returns the endpoint that LiteLLM's name of a route is.
pub(super) fn of_route(route: &str) -> Option<&'static str> {
    match route {
        "bedrock" | "bedrock_converse" => Some("bedrock"),
        "azure" | "azure_text" => Some("azure_openai"),
        "text-completion-codestral" => Some("codestral"),
        route if route.starts_with("vertex_ai") => Some("vertex_ai"),
        route => find(route).filter(|endpoint| !endpoint.main).map(|endpoint| endpoint.id),
    }
}

/// Returns the id, in genai-prices and in records, of the provider behind a route of LiteLLM.
pub(super) fn provider_of_route(route: &str) -> &str {
    match route {
        "text-completion-openai" => "openai",
        "azure_text" | "azure_ai" => "azure",
        "bedrock" | "bedrock_converse" | "bedrock_mantle" | "aws_polly" => "aws",
        "gemini" | "vertex_ai" => "google",
        "cohere_chat" => "cohere",
        "xai" => "x-ai",
        "together_ai" => "together",
        "fireworks_ai" | "fireworks_ai-embedding-models" => "fireworks",
        "moonshot" => "moonshotai",
        "voyage" => "voyageai",
        "github_copilot" => "github-copilot",
        "codestral" | "text-completion-codestral" => "mistral",
        "bigmodel" => "zhipuai",
        "amazon-nova" => "amazon_nova",
        "text-completion-inception" => "inception",
        // Qwen's maker, by what its hosts are called, and the platforms that LiteLLM lists apart.
        "alibaba" | "qwencloud" | "qwen_ai_platform" => "dashscope",
        route if route.starts_with("vertex_ai-") => "google",
        route => provider(route).map_or(route, |(provider, _)| provider),
    }
}

/// Returns the endpoint that a name begins with, such as `gemini/…`, if it is one of the provider's.
fn of_name(of: &str, name: &str) -> Option<&'static str> {
    let (route, _) = name
        .strip_prefix("bedrock/claude_platform")
        .map_or_else(|| name.split_once('/'), |rest| Some(("claude_platform", rest)))?;
    of_route(route).filter(|id| provider(id).is_some_and(|(provider, _)| provider == of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_tell_the_endpoints_of_a_provider_apart() {
        for (provider, host, endpoint) in [
            ("aws", "bedrock-mantle.us-east-1.api.aws", Some("bedrock_mantle")),
            ("aws", "bedrock-runtime-fips.us-east-1.amazonaws.com", Some("bedrock")),
            ("aws", "vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com", Some("bedrock")),
            ("aws", "aws-external-anthropic.us-east-1.api.aws", Some("claude_platform")),
            ("aws", "gateway.internal", None),
            ("azure", "res.openai.azure.com", Some("azure_openai")),
            ("azure", "res.services.ai.azure.com", Some("azure_ai")),
            ("azure", "my.azure-api.net", None),
            ("google", "generativelanguage.googleapis.com", Some("gemini")),
            ("google", "us-central1-aiplatform.googleapis.com", Some("vertex_ai")),
            ("google", "localhost", None),
            ("mistral", "codestral.mistral.ai", Some("codestral")),
            ("dashscope", "dashscope-us.aliyuncs.com", Some("model_studio")),
            ("dashscope", "dashscope-intl.aliyuncs.com", Some("qwencloud")),
            ("openai", "api.openai.com", None),
        ] {
            assert_eq!(of_host(provider, host), endpoint, "{host}");
        }
    }

    #[test]
    fn names_tell_the_endpoint_by_what_a_gateway_puts_before_them() {
        assert_eq!(of_name("google", "gemini/gemini-3-flash"), Some("gemini"));
        assert_eq!(of_name("google", "vertex_ai/gemini-3-flash"), Some("vertex_ai"));
        assert_eq!(of_name("aws", "bedrock_mantle/openai.gpt-6-sol"), Some("bedrock_mantle"));
        assert_eq!(of_name("openai", "gemini/gemini-3-flash"), None);
        assert_eq!(of_name("google", "gemini-3-flash"), None);
        let (gateway, model) = (Text::from_static("gateway.internal"), Text::from_static("gemini/g"));
        assert_eq!(called("google", Some(&gateway), Some(&model)), Some("gemini"));
    }

    #[test]
    fn every_provider_with_endpoints_is_asked_which_was_called() {
        for endpoint in &ENDPOINTS {
            let name = Text::new(&format!("{}/m", endpoint.id)).unwrap();
            let told = called(endpoint.provider, None, Some(&name));
            assert!(told.is_some() || endpoint.main, "{}", endpoint.id);
        }
    }

    #[test]
    fn every_endpoint_has_a_provider_and_each_provider_one_main_endpoint() {
        for endpoint in &ENDPOINTS {
            let mains = ENDPOINTS.iter().filter(|other| other.provider == endpoint.provider && other.main);
            assert_eq!(mains.count(), 1, "{}", endpoint.provider);
        }
    }

    #[cfg(feature = "prices")]
    #[test]
    fn every_regional_factor_of_the_bundled_book_has_a_source() {
        use super::super::catalog::Regions::{Eu, Gov, NotGlobal, Us};

        let book = crate::PriceBook::bundled();
        let catalog = &book.0.catalog;
        for entry in &catalog.entries {
            let provider = catalog.provider(entry.provider).map_or("", |row| &row.id);
            for factor in &entry.factors {
                let told = match provider {
                    // By the host: `eu.api.openai.com`.
                    "openai" => matches!(factor.regions, Eu | Us | Gov),
                    // By the host or the path: `locations/europe-west4`.
                    "google" => factor.regions == NotGlobal,
                    // By the answer: `inference_geo`.
                    "anthropic" | "claude_platform" => factor.regions == Us,
                    _ => false,
                };
                assert!(told, "{} has a factor for {:?}", entry.label, factor.regions);
            }
        }
    }
}
