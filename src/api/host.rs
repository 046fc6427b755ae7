//! Whose API a host is.

use super::hosts::HOSTS;
use crate::record::{Provider, Text};

/// Finds the provider behind `host` (in lower case, without a port) and, where its prices differ by it, the region.
pub(super) fn provider(host: &str, path: &str) -> Option<(Provider, Option<Text>)> {
    if let Some(region) = bedrock_region(host) {
        return Some((Provider::AWS, region));
    }
    if let Some(region) = host.strip_suffix("-aiplatform.googleapis.com") {
        return Some((Provider::GOOGLE, Text::new(region).ok()));
    }
    if let Some(region) =
        host.strip_prefix("aiplatform.").and_then(|rest| rest.strip_suffix(".rep.googleapis.com"))
    {
        return Some((Provider::GOOGLE, Text::new(region).ok()));
    }
    let of_many = |start: &str, end: &str| host.starts_with(start) && host.ends_with(end);
    if of_many("runtime.sagemaker.", ".amazonaws.com") {
        return Some((Provider::from_static("sagemaker"), None));
    }
    // `inference.generativeai.us-chicago-1.oci.oraclecloud.com`
    if of_many("inference.generativeai.", ".oraclecloud.com") {
        return Some((Provider::from_static("oci"), None));
    }
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match host {
        "router.huggingface.co" => return Some((hugging_face(segments.next()), None)),
        // `/v1/{account}/{gateway}/{provider}/…`
        "gateway.ai.cloudflare.com" => return Some((behind_cloudflare(segments.nth(3)?)?, None)),
        // Beside it, the same host has another gateway at other prices.
        "opencode.ai" => {
            return segments
                .any(|segment| segment == "go")
                .then(|| (Provider::from_static("opencode_go"), None));
        }
        // The same host has everything else of Cloudflare's.
        "api.cloudflare.com" => {
            return segments
                .any(|segment| segment == "ai")
                .then(|| (Provider::from_static("cloudflare"), None));
        }
        _ => {}
    }
    let under = |domain: &str| match domain.strip_prefix('.') {
        Some(_) => host.len() > domain.len() && host.ends_with(domain),
        None => host == domain,
    };
    let (_, provider) = HOSTS.iter().find(|(domain, _)| under(domain))?;
    Some((provider.clone(), residency(host)))
}

/// Reads the region in the first label of a host of OpenAI's: `eu`, `us`, `ae`, and `gov` for what `FedRAMP` authorised. Each project is bound to one
/// of them, and where tokens are processed decides what they cost (<https://developers.openai.com/api/docs/pricing>, regional
/// processing; <https://github.com/openai/openai-python/pull/3646> names the hosts).
fn residency(host: &str) -> Option<Text> {
    let region = host.strip_suffix(".api.openai.com")?;
    let is_region =
        region == "gov" || (region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_lowercase()));
    is_region.then(|| Text::new(region).ok()).flatten()
}

/// Whether `host`, which is known to be `provider`'s or not, takes requests for a provider. Helicone's proxies pass them on
/// to one, and want the headers that name the caller.
pub(super) fn faces_provider(host: &str, provider: Option<&Provider>) -> bool {
    let is_helicone_s = [".helicone.ai", ".hconeai.com"].iter().any(|domain| host.ends_with(domain));
    // Cloudflare's gateway has paths that name no provider.
    !is_helicone_s && (provider.is_some() || host == "gateway.ai.cloudflare.com")
}

/// Reads the region of a host of Amazon Bedrock's, if it is one: `bedrock-runtime.us-east-1.amazonaws.com`,
/// `bedrock-mantle.us-east-1.api.aws`, with `-fips` or not.
fn bedrock_region(host: &str) -> Option<Option<Text>> {
    // An endpoint in a private network: `vpce-0ab1.bedrock-runtime.us-east-1.vpce.amazonaws.com`.
    if let Some(rest) = host.strip_suffix(".vpce.amazonaws.com")
        && let Some((_, region)) = rest.split_once(".bedrock-runtime.")
    {
        return Some(Text::new(region).ok());
    }
    let (service, rest) = host.split_once('.')?;
    // The second is Anthropic's own API, sold and run by Amazon.
    if !service.starts_with("bedrock") && service != "aws-external-anthropic" {
        return None;
    }
    let aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
    let region = aws.iter().find_map(|domain| rest.strip_suffix(domain))?;
    Some(Text::new(region).ok())
}

/// Names the provider that Hugging Face routes to, which the path says unless the choice is left to it.
fn hugging_face(first: Option<&str>) -> Provider {
    match first {
        Some("v1") | None => Provider::from_static("huggingface"),
        Some(name) => {
            let named = Provider::new(&format!("huggingface_{name}"));
            named.unwrap_or_else(|_| Provider::from_static("huggingface"))
        }
    }
}

/// Names the provider behind Cloudflare's gateway, which the path says.
fn behind_cloudflare(name: &str) -> Option<Provider> {
    let provider = match name {
        "openai" => Provider::OPENAI,
        "anthropic" => Provider::ANTHROPIC,
        "google-ai-studio" | "google-vertex-ai" => Provider::GOOGLE,
        "aws-bedrock" => Provider::AWS,
        "azure-openai" => Provider::AZURE,
        "mistral" => Provider::MISTRAL,
        "groq" => Provider::GROQ,
        "cohere" => Provider::COHERE,
        "perplexity-ai" => Provider::PERPLEXITY,
        "deepseek" => Provider::DEEPSEEK,
        "grok" => Provider::X_AI,
        "cerebras" | "cerebras-ai" => Provider::CEREBRAS,
        "openrouter" => Provider::OPENROUTER,
        "workers-ai" => Provider::from_static("cloudflare"),
        _ => return None,
    };
    Some(provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_of_bedrock_in_a_network_of_one_s_own_is_amazon_s() {
        let host = "vpce-0ab1-2cd3.bedrock-runtime.us-east-1.vpce.amazonaws.com";
        let (aws, region) = provider(host, "/model/m/converse").unwrap();
        assert_eq!((aws, region.as_deref()), (Provider::AWS, Some("us-east-1")));
        assert_eq!(provider("bedrock-runtime.us-east-1.vpce.example.com", "/"), None);
    }

    fn id(host: &str, path: &str) -> Option<String> {
        provider(host, path).map(|(provider, region)| match region {
            Some(region) => format!("{provider} {region}"),
            None => provider.to_string(),
        })
    }

    #[test]
    fn hosts_tell_the_provider_and_look_alikes_do_not() {
        for (host, expected) in [
            ("api.openai.com", Some("openai")),
            ("eu.api.openai.com", Some("openai eu")),
            ("us.api.openai.com", Some("openai us")),
            ("gov.api.openai.com", Some("openai gov")),
            ("somewhere.api.openai.com", Some("openai")),
            ("aws-external-anthropic.us-east-1.api.aws", Some("aws us-east-1")),
            ("dashscope-intl.aliyuncs.com", Some("dashscope")),
            ("ws-1.ap-southeast-1.maas.aliyuncs.com", Some("dashscope")),
            ("runtime.sagemaker.us-east-1.amazonaws.com", Some("sagemaker")),
            ("inference.generativeai.us-chicago-1.oci.oraclecloud.com", Some("oci")),
            ("api.openai.com.evil.example", None),
            ("notapi.openai.com", None),
            ("openai.com", None),
            (".openai.azure.com", None),
            ("res.openai.azure.com", Some("azure")),
            ("a.b.services.ai.azure.com", Some("azure")),
            ("aiplatform.googleapis.com", Some("google")),
            ("us-central1-aiplatform.googleapis.com", Some("google us-central1")),
            ("aiplatform.us.rep.googleapis.com", Some("google us")),
            ("storage.googleapis.com", None),
            ("bedrock-runtime.us-east-1.amazonaws.com", Some("aws us-east-1")),
            ("bedrock-runtime-fips.us-west-2.amazonaws.com", Some("aws us-west-2")),
            ("bedrock-runtime.cn-north-1.amazonaws.com.cn", Some("aws cn-north-1")),
            ("bedrock-mantle.us-east-1.api.aws", Some("aws us-east-1")),
            ("s3.us-east-1.amazonaws.com", None),
            ("adb-1.2.azuredatabricks.net", Some("databricks")),
            ("api.moonshot.cn", Some("moonshotai")),
            ("localhost", None),
        ] {
            assert_eq!(id(host, "/v1/chat/completions").as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn a_path_tells_where_the_host_serves_for_many() {
        let hugging_face = "router.huggingface.co";
        assert_eq!(id(hugging_face, "/together/v1/chat/completions").unwrap(), "huggingface_together");
        assert_eq!(id(hugging_face, "/v1/chat/completions").unwrap(), "huggingface");
        assert_eq!(id("api.cloudflare.com", "/client/v4/accounts/0/ai/run/@cf/x").unwrap(), "cloudflare");
        assert_eq!(id("api.cloudflare.com", "/client/v4/zones"), None);
        let gateway = "gateway.ai.cloudflare.com";
        assert_eq!(id(gateway, "/v1/account/gateway/anthropic/v1/messages").unwrap(), "anthropic");
        assert_eq!(id(gateway, "/v1/account/gateway/compat/chat/completions"), None);
        assert_eq!(id(gateway, "/v1"), None);
    }

    /// Hosts that are known by more than a name in the table.
    #[cfg(feature = "prices")]
    const OTHERS: [(&str, &str); 7] = [
        ("bedrock-runtime.us-east-1.amazonaws.com", "/model/m/converse"),
        ("runtime.sagemaker.us-east-1.amazonaws.com", "/endpoints/e/invocations"),
        ("inference.generativeai.us-chicago-1.oci.oraclecloud.com", "/20231130/actions/chat"),
        ("api.cloudflare.com", "/client/v4/accounts/0/ai/run/m"),
        ("gateway.ai.cloudflare.com", "/v1/account/gateway/workers-ai/m"),
        ("opencode.ai", "/inference/go/v1/chat/completions"),
        ("router.huggingface.co", "/v1/chat/completions"),
    ];

    /// Providers of the price data that no host tells, and why.
    #[cfg(feature = "prices")]
    const WITHOUT_A_HOST: [(&str, &str); 17] = [
        ("agentcore", "searches within Amazon's agents, whose answers tell no usage"),
        ("bing_grounding", "searches within Azure's agents, whose answers tell no usage"),
        ("google_pse", "a search engine at a host of everything of Google's"),
        ("transcribe", "jobs of Amazon's, whose answers tell no length"),
        ("bespoke", "open weights, without a host of their own"),
        ("laya", "open weights, without a host of their own"),
        ("strands_decider", "open weights, without a host of their own"),
        ("lemonade", "runs on one's own machine"),
        ("microsoft_365_copilot", "sold by the seat"),
        ("openai-decisions", "a tier of OpenAI's, whose host is OpenAI's"),
        ("claude_platform", "an endpoint of aws, which the price data tells by the host"),
        ("bedrock_mantle", "an endpoint of aws, which the price data tells by the host"),
        ("azure_ai", "an endpoint of azure, which the price data tells by the host"),
        ("codestral", "an endpoint of mistral, which the price data tells by the host"),
        ("gemini", "an endpoint of google, which the price data tells by the host"),
        ("qwencloud", "an endpoint of dashscope, which the price data tells by the host"),
        ("qwen_ai_platform", "an endpoint of dashscope, which the price data tells by the host"),
    ];

    /// Providers that are known and that the price data has no prices of.
    #[cfg(feature = "prices")]
    const WITHOUT_PRICES: [&str; 12] = [
        "baidu",
        "byteplus",
        "featherless_ai",
        "github-models",
        "huggingface",
        "kimi",
        "meta_llama",
        "siliconflow",
        "stepfun",
        "upstage",
        "venice",
        "writer",
    ];

    #[cfg(feature = "prices")]
    #[test]
    fn every_provider_with_prices_has_a_host_and_every_host_a_provider_with_prices() {
        use std::collections::BTreeSet;

        let book = crate::PriceBook::bundled();
        let priced: BTreeSet<String> = book.entries().map(|(provider, _)| provider.to_owned()).collect();
        let routed = priced.iter().filter_map(|id| id.strip_prefix("huggingface_"));
        let routed: Vec<String> = routed.map(|id| format!("/{id}/v1/chat/completions")).collect();
        let routed = routed.iter().map(|path| ("router.huggingface.co", &**path));
        let told = OTHERS.into_iter().chain(routed).filter_map(|(host, path)| provider(host, path));
        let hosted = HOSTS.iter().map(|(_, provider)| provider.clone()).chain(told.map(|(told, _)| told));
        let hosted: BTreeSet<String> = hosted.map(|provider| provider.as_str().to_owned()).collect();

        let excused: BTreeSet<String> = WITHOUT_A_HOST.iter().map(|(id, _)| (*id).to_owned()).collect();
        let unreachable: Vec<_> = priced.difference(&hosted).filter(|id| !excused.contains(*id)).collect();
        assert!(unreachable.is_empty(), "no host for {unreachable:?}");
        let excused: Vec<_> = excused.intersection(&hosted).collect();
        assert!(excused.is_empty(), "{excused:?} have a host");
        let unpriced: Vec<_> = hosted.difference(&priced).collect();
        assert_eq!(unpriced, WITHOUT_PRICES, "without prices");
    }
}
