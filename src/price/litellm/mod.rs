//! Reads [LiteLLM](https://github.com/BerriAI/litellm)'s model price map as that project publishes it.
//!
//! LiteLLM is read for what genai-prices does not know: regions of Azure and Bedrock, batch, flex and priority
//! rates of clouds, factors for data residency, and further providers.

mod entry;
mod key;

use super::build::Builder;
use super::error::{PriceError, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// An entry's fields, as they are written.
type Fields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// Adds the data to what is built.
pub(super) fn load(data: &[u8], builder: &mut Builder) -> Result<(), PriceError> {
    let map: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(data)?;
    let mut models = Vec::with_capacity(map.len());
    for (name, raw) in &map {
        // The specimen that explains the format.
        if name == "sample_spec" {
            continue;
        }
        match serde_json::from_str::<Fields<'_>>(raw.get()) {
            Ok(fields) => match text(&fields, "litellm_provider") {
                Some(route) => models.push((rank(&route), name, route, fields)),
                None => builder.refuse("litellm", name, Problem::NoModel),
            },
            Err(error) => builder.refuse("litellm", name, Problem::Shape(error.to_string())),
        }
    }
    models.sort_by_key(|(rank, name, ..)| (*rank, *name));
    for (_, name, route, fields) in models {
        let provider = provider_id(&route);
        let name = bare(name, provider);
        if let Err(problem) = entry::load(provider, name, &fields, builder) {
            builder.refuse(provider, name, problem);
        }
    }
    Ok(())
}

/// A field that is a string.
fn text(fields: &Fields<'_>, key: &str) -> Option<String> {
    String::deserialize(&mut serde_json::Deserializer::from_str(fields.get(key)?.get())).ok()
}

/// The id under which the genai-prices data, and a record, have a provider that LiteLLM calls otherwise.
pub(super) fn provider_id(route: &str) -> &str {
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
        route if route.starts_with("vertex_ai-") => "google",
        route => route,
    }
}

/// Which of two entries of one name stands: the one of a provider's main route.
fn rank(route: &str) -> u8 {
    match route {
        "gemini" | "bedrock" | "azure_ai" | "azure_text" | "fireworks_ai-embedding-models" => 1,
        "bedrock_mantle" | "codestral" => 2,
        route if route.starts_with("text-completion-") => 3,
        _ => 0,
    }
}

/// The name without the route that LiteLLM puts before it.
fn bare<'a>(name: &'a str, provider: &str) -> &'a str {
    match name.split_once('/') {
        Some((route, bare)) if provider_id(route) == provider => bare,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_the_route_and_nothing_else() {
        assert_eq!(bare("azure/eu/gpt-5.1", "azure"), "eu/gpt-5.1");
        assert_eq!(
            bare("vertex_ai/claude-opus-5", provider_id("vertex_ai-anthropic_models")),
            "claude-opus-5"
        );
        assert_eq!(bare("perplexity/openai/gpt-5.2", "perplexity"), "openai/gpt-5.2");
        assert_eq!(bare("us.anthropic.claude-opus-5", "aws"), "us.anthropic.claude-opus-5");
        assert_eq!(bare("together_ai/zai-org/GLM-5.1", "together"), "zai-org/GLM-5.1");
    }
}
