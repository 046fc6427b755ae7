//! Whose a model is, by its name.
//!
//! A gateway puts a provider before the name, as LiteLLM does: `anthropic/claude-opus-5`, `bedrock/us.amazon.nova-pro-v1:0`. Without that, only
//! the families that their makers keep to themselves tell. Open weights are served by anyone, at anyone's price: `gpt-oss`, Llama, Mistral's and
//! Google's open models name no provider, and neither does the place where they are kept (`openai/gpt-oss-120b`).

use crate::record::{Provider, Text};

/// Finds the provider by the names of the model asked for and of the model that answered.
pub(crate) fn provider_of_models(asked: Option<&Text>, answered: Option<&Text>) -> Option<Provider> {
    let models = [asked, answered];
    // What was asked for says where the gateway sent it; the answer has the name that it has there.
    let mut named = models.iter().flatten().filter_map(|model| by_prefix(model));
    let mut families = [answered, asked].into_iter().flatten().filter_map(|model| by_family(model));
    named.next().or_else(|| families.next())
}

/// What LiteLLM puts before the names of a provider's models (<https://docs.litellm.ai/docs/providers>), without what is also a place of open
/// weights on Hugging Face. Letters are in lower case, unlike those of the organisation `Groq` on Hugging Face.
const PREFIXES: &[(&str, Provider)] = &[
    ("ai21", Provider::from_static("ai21")),
    ("anthropic", Provider::ANTHROPIC),
    ("azure", Provider::AZURE),
    ("azure_ai", Provider::AZURE),
    ("bedrock", Provider::AWS),
    ("bedrock_mantle", Provider::AWS),
    ("cerebras", Provider::CEREBRAS),
    ("codestral", Provider::MISTRAL),
    ("cohere", Provider::COHERE),
    ("cohere_chat", Provider::COHERE),
    ("dashscope", Provider::from_static("dashscope")),
    ("databricks", Provider::from_static("databricks")),
    ("deepgram", Provider::from_static("deepgram")),
    ("deepinfra", Provider::from_static("deepinfra")),
    ("deepseek", Provider::DEEPSEEK),
    ("elevenlabs", Provider::from_static("elevenlabs")),
    ("fireworks_ai", Provider::FIREWORKS),
    ("friendliai", Provider::from_static("friendliai")),
    ("gemini", Provider::GOOGLE),
    ("github_copilot", Provider::from_static("github-copilot")),
    ("groq", Provider::GROQ),
    ("hyperbolic", Provider::from_static("hyperbolic")),
    ("lambda_ai", Provider::from_static("lambda_ai")),
    ("minimax", Provider::from_static("minimax")),
    ("mistral", Provider::MISTRAL),
    ("moonshot", Provider::from_static("moonshotai")),
    ("novita", Provider::from_static("novita")),
    ("nscale", Provider::from_static("nscale")),
    ("oci", Provider::from_static("oci")),
    ("ollama", Provider::OLLAMA),
    ("ollama_chat", Provider::OLLAMA),
    ("openrouter", Provider::OPENROUTER),
    ("ovhcloud", Provider::from_static("ovhcloud")),
    ("perplexity", Provider::PERPLEXITY),
    ("qwen_ai_platform", Provider::from_static("qwen_ai_platform")),
    ("qwencloud", Provider::from_static("qwencloud")),
    ("sambanova", Provider::from_static("sambanova")),
    ("snowflake", Provider::from_static("snowflake")),
    ("together_ai", Provider::TOGETHER),
    ("vercel_ai_gateway", Provider::from_static("vercel_ai_gateway")),
    ("vertex_ai", Provider::GOOGLE),
    ("volcengine", Provider::from_static("volcengine")),
    ("voyage", Provider::from_static("voyageai")),
    ("wandb", Provider::from_static("wandb")),
    ("watsonx", Provider::from_static("watsonx")),
    ("xai", Provider::X_AI),
    ("zai", Provider::from_static("zai")),
];

/// Finds the provider that a gateway puts before a name.
fn by_prefix(model: &str) -> Option<Provider> {
    let (prefix, rest) = model.split_once('/')?;
    if prefix == "litellm_proxy" {
        return by_prefix(rest);
    }
    let named = PREFIXES.iter().find(|(known, _)| *known == prefix);
    named.map(|(_, provider)| provider.clone()).or_else(|| {
        // These are places of open weights too, so that only a model of a closed family is the provider's.
        let place = match prefix {
            "openai" => Provider::OPENAI,
            "google" => Provider::GOOGLE,
            "x-ai" => Provider::X_AI,
            _ => return None,
        };
        by_family(rest).filter(|family| *family == place)
    })
}

/// Finds the provider of a closed model family. Other models are nobody's.
pub(super) fn by_family(model: &str) -> Option<Provider> {
    // A fine-tune is billed by whoever made its base.
    let model = model.strip_prefix("models/").or(model.strip_prefix("ft:")).unwrap_or(model);
    let lower = model.get(..model.len().min(32)).map(str::to_ascii_lowercase)?;
    let starts_with_any = |prefixes: &[&str]| prefixes.iter().any(|prefix| lower.starts_with(prefix));
    if starts_with_any(&OPEN_GPTS) {
        return None;
    }
    if starts_with_any(&OPENAI) || is_o_series(&lower) {
        return Some(Provider::OPENAI);
    }
    if lower.starts_with("claude-") {
        return Some(Provider::ANTHROPIC);
    }
    if lower.starts_with("gemini-") {
        return Some(Provider::GOOGLE);
    }
    // `grok-1` and `grok-2` were published.
    if lower.starts_with("grok-") && !starts_with_any(&["grok-1", "grok-2"]) {
        return Some(Provider::X_AI);
    }
    None
}

const OPENAI: [&str; 8] = [
    "gpt-",
    "chatgpt-",
    "text-embedding-3-",
    "text-embedding-ada-",
    "tts-1",
    "dall-e-",
    "sora-",
    "omni-moderation-",
];

/// Open weights under the same name: OpenAI's own, those of others, and what was trained on GPT's answers.
const OPEN_GPTS: [&str; 6] = ["gpt-oss", "gpt-2", "gpt-j", "gpt-neo", "gpt-sw3", "gpt-4-x-"];

/// Whether a model is one of OpenAI's `o1`, `o3-mini`, `o4-mini-2025-04-16` and so on, but not `o1js` or `olmo`.
fn is_o_series(model: &str) -> bool {
    let mut bytes = model.bytes();
    bytes.next() == Some(b'o')
        && bytes.next().is_some_and(|digit| matches!(digit, b'1'..=b'9'))
        && bytes.next().is_none_or(|after| after == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_families_name_their_provider_and_open_weights_nobody() {
        for (model, expected) in [
            ("gpt-4o-mini-2024-07-18", Some(Provider::OPENAI)),
            ("gpt-5", Some(Provider::OPENAI)),
            ("gpt-realtime", Some(Provider::OPENAI)),
            ("gpt-35-turbo", Some(Provider::OPENAI)),
            ("ft:gpt-4o-mini-2024-07-18:acme::x", Some(Provider::OPENAI)),
            ("gpt-neox-20b", None),
            ("gpt-4-x-alpaca-13b", None),
            ("GPT-4.1", Some(Provider::OPENAI)),
            ("gpt-3.5-turbo", Some(Provider::OPENAI)),
            ("o1", Some(Provider::OPENAI)),
            ("o4-mini", Some(Provider::OPENAI)),
            ("chatgpt-4o-latest", Some(Provider::OPENAI)),
            ("text-embedding-3-small", Some(Provider::OPENAI)),
            ("claude-sonnet-4-6", Some(Provider::ANTHROPIC)),
            ("gemini-2.5-flash", Some(Provider::GOOGLE)),
            ("models/gemini-2.5-flash", Some(Provider::GOOGLE)),
            ("grok-4.3", Some(Provider::X_AI)),
            ("gpt-oss-120b", None),
            ("gpt-oss:20b", None),
            ("gpt-j-6b", None),
            ("gpt2", None),
            ("grok-1", None),
            ("grok-2", None),
            ("o1js", None),
            ("olmo-2", None),
            ("openai/gpt-4o", None),
            ("anthropic/claude-sonnet-4", None),
            ("gemma3:1b", None),
            ("text-embedding-qwen3-0-6b", None),
            ("llama-3.3-70b", None),
            ("mistral-small-latest", None),
            ("command-r", None),
            ("", None),
            ("ééééééééééééééééé", None),
        ] {
            assert_eq!(by_family(model), expected, "{model}");
        }
    }

    #[test]
    fn a_gateway_s_prefix_names_the_provider_and_a_place_of_open_weights_does_not() {
        for (model, expected) in [
            ("anthropic/claude-opus-5", Some(Provider::ANTHROPIC)),
            ("bedrock/us.anthropic.claude-opus-5", Some(Provider::AWS)),
            ("gemini/gemini-3-flash", Some(Provider::GOOGLE)),
            ("vertex_ai/claude-opus-5", Some(Provider::GOOGLE)),
            ("azure/gpt-5", Some(Provider::AZURE)),
            ("openrouter/anthropic/claude-opus-5", Some(Provider::OPENROUTER)),
            ("litellm_proxy/anthropic/claude-opus-5", Some(Provider::ANTHROPIC)),
            ("groq/openai/gpt-oss-120b", Some(Provider::GROQ)),
            ("openai/gpt-5", Some(Provider::OPENAI)),
            ("google/gemini-3-flash", Some(Provider::GOOGLE)),
            ("openai/gpt-oss-120b", None),
            ("openai/whisper-large-v3", None),
            ("google/gemma-3-27b-it", None),
            ("Groq/Llama-3-Groq-8B-Tool-Use", None),
            ("meta-llama/Llama-3.3-70B-Instruct", None),
            ("deepseek-ai/DeepSeek-V4-Pro", None),
            ("gpt-5", None),
        ] {
            assert_eq!(by_prefix(model), expected, "{model}");
        }
    }

    #[test]
    fn what_was_asked_for_says_where_a_gateway_sent_it() {
        let told = |asked: &str, answered: &str| {
            provider_of_models(Some(&Text::new(asked).unwrap()), Some(&Text::new(answered).unwrap()))
        };
        assert_eq!(told("bedrock/anthropic.claude-opus-5", "claude-opus-5"), Some(Provider::AWS));
        assert_eq!(told("our-best", "claude-opus-5"), Some(Provider::ANTHROPIC));
        assert_eq!(told("gpt-5", "our-best"), Some(Provider::OPENAI));
        assert_eq!(told("our-best", "gemini/gemini-3-flash"), Some(Provider::GOOGLE));
        assert_eq!(told("our-best", "their-best"), None);
    }
}
