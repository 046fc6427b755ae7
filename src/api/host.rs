//! Whose API a host is.

use crate::record::{Provider, Text};

/// Hosts, and the parts of names that all hosts under a domain end in (`.example.com`).
const HOSTS: &[(&str, Provider)] = &[
    ("api.openai.com", Provider::OPENAI),
    (".api.openai.com", Provider::OPENAI),
    ("chatgpt.com", Provider::OPENAI),
    // Helicone's proxies.
    ("oai.helicone.ai", Provider::OPENAI),
    ("oai.hconeai.com", Provider::OPENAI),
    ("anthropic.helicone.ai", Provider::ANTHROPIC),
    ("anthropic.hconeai.com", Provider::ANTHROPIC),
    ("api.anthropic.com", Provider::ANTHROPIC),
    (".api.anthropic.com", Provider::ANTHROPIC),
    ("generativelanguage.googleapis.com", Provider::GOOGLE),
    ("aiplatform.googleapis.com", Provider::GOOGLE),
    (".openai.azure.com", Provider::AZURE),
    (".openai.azure.us", Provider::AZURE),
    (".openai.azure.cn", Provider::AZURE),
    (".services.ai.azure.com", Provider::AZURE),
    (".cognitiveservices.azure.com", Provider::AZURE),
    (".inference.ai.azure.com", Provider::AZURE),
    (".models.ai.azure.com", Provider::AZURE),
    (".azure-api.net", Provider::AZURE),
    ("api.cohere.com", Provider::COHERE),
    ("api.cohere.ai", Provider::COHERE),
    ("api.mistral.ai", Provider::MISTRAL),
    ("codestral.mistral.ai", Provider::MISTRAL),
    ("api.groq.com", Provider::GROQ),
    ("api.x.ai", Provider::X_AI),
    (".api.x.ai", Provider::X_AI),
    ("api.deepseek.com", Provider::DEEPSEEK),
    ("openrouter.ai", Provider::OPENROUTER),
    ("api.openrouter.ai", Provider::OPENROUTER),
    ("api.perplexity.ai", Provider::PERPLEXITY),
    ("api.together.xyz", Provider::TOGETHER),
    ("api.together.ai", Provider::TOGETHER),
    ("api.fireworks.ai", Provider::FIREWORKS),
    ("api.cerebras.ai", Provider::CEREBRAS),
    ("ollama.com", Provider::OLLAMA),
    ("api.arcee.ai", Provider::from_static("arcee")),
    ("api.avian.io", Provider::from_static("avian")),
    ("inference.baseten.co", Provider::from_static("baseten")),
    ("api.cursor.com", Provider::from_static("cursor")),
    (".cloud.databricks.com", Provider::from_static("databricks")),
    (".gcp.databricks.com", Provider::from_static("databricks")),
    (".azuredatabricks.net", Provider::from_static("databricks")),
    ("api.doubleword.ai", Provider::from_static("doubleword")),
    ("api.elevenlabs.io", Provider::from_static("elevenlabs")),
    (".elevenlabs.io", Provider::from_static("elevenlabs")),
    ("api.githubcopilot.com", Provider::from_static("github-copilot")),
    (".githubcopilot.com", Provider::from_static("github-copilot")),
    ("api.meta.ai", Provider::from_static("meta")),
    ("api.minimax.io", Provider::from_static("minimax")),
    ("api.minimax.com", Provider::from_static("minimax")),
    ("api.minimaxi.com", Provider::from_static("minimax")),
    (".modal.run", Provider::from_static("modal")),
    (".modal.direct", Provider::from_static("modal")),
    ("api.moonshot.ai", Provider::from_static("moonshotai")),
    ("api.moonshot.cn", Provider::from_static("moonshotai")),
    ("api.novita.ai", Provider::from_static("novita")),
    ("oai.endpoints.kepler.ai.cloud.ovh.net", Provider::from_static("ovhcloud")),
    ("api.quicksilverpro.io", Provider::from_static("quicksilverpro")),
    ("api.typesafe.ai", Provider::from_static("typesafe")),
    ("api.voyageai.com", Provider::from_static("voyageai")),
    ("api.z.ai", Provider::from_static("zai")),
    ("open.bigmodel.cn", Provider::from_static("zhipuai")),
    // Not in the price data, and known all the same.
    ("api.sambanova.ai", Provider::from_static("sambanova")),
    ("api.studio.nebius.ai", Provider::from_static("nebius")),
    ("api.hyperbolic.xyz", Provider::from_static("hyperbolic")),
    ("api.replicate.com", Provider::from_static("replicate")),
    ("api.deepgram.com", Provider::from_static("deepgram")),
    ("api.venice.ai", Provider::from_static("venice")),
    ("api.writer.com", Provider::from_static("writer")),
    ("api.ai21.com", Provider::from_static("ai21")),
    ("api.deepinfra.com", Provider::from_static("deepinfra")),
    (".ml.cloud.ibm.com", Provider::from_static("watsonx")),
    ("dashscope.aliyuncs.com", Provider::from_static("alibaba")),
    ("dashscope-intl.aliyuncs.com", Provider::from_static("alibaba")),
    (".snowflakecomputing.com", Provider::from_static("snowflake")),
];

/// The provider behind `host` (in lower case, without a port) and, where its prices differ by it, the region.
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
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match host {
        "router.huggingface.co" => return Some((hugging_face(segments.next()), None)),
        // `/v1/{account}/{gateway}/{provider}/…`
        "gateway.ai.cloudflare.com" => return Some((behind_cloudflare(segments.nth(3)?)?, None)),
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
    HOSTS.iter().find(|(domain, _)| under(domain)).map(|(_, provider)| (provider.clone(), None))
}

/// Whether `host`, which is known to be `provider`'s or not, takes requests for a provider. Helicone's proxies pass them on
/// to one, and want the headers that name the caller.
pub(super) fn faces_provider(host: &str, provider: Option<&Provider>) -> bool {
    let is_helicone_s = [".helicone.ai", ".hconeai.com"].iter().any(|domain| host.ends_with(domain));
    // Cloudflare's gateway has paths that name no provider.
    !is_helicone_s && (provider.is_some() || host == "gateway.ai.cloudflare.com")
}

/// The region of a host of Amazon Bedrock's, if it is one: `bedrock-runtime.us-east-1.amazonaws.com`,
/// `bedrock-mantle.us-east-1.api.aws`, with `-fips` or not.
fn bedrock_region(host: &str) -> Option<Option<Text>> {
    // An endpoint in a network of one's own: `vpce-….bedrock-runtime.us-east-1.vpce.amazonaws.com`.
    if let Some(rest) = host.strip_suffix(".vpce.amazonaws.com")
        && let Some((_, region)) = rest.split_once(".bedrock-runtime.")
    {
        return Some(Text::new(region).ok());
    }
    let (service, rest) = host.split_once('.')?;
    if !service.starts_with("bedrock") {
        return None;
    }
    let aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
    let region = aws.iter().find_map(|domain| rest.strip_suffix(domain))?;
    Some(Text::new(region).ok())
}

/// Hugging Face routes to other providers, which the path names unless the choice is left to it.
fn hugging_face(first: Option<&str>) -> Provider {
    match first {
        Some("v1") | None => Provider::from_static("huggingface"),
        Some(name) => {
            let named = Provider::new(&format!("huggingface_{name}"));
            named.unwrap_or_else(|_| Provider::from_static("huggingface"))
        }
    }
}

/// Cloudflare's gateway names the provider behind it in the path.
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
            ("eu.api.openai.com", Some("openai")),
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
}
