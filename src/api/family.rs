//! Whose a model is, by its name.
//!
//! Only for families that their makers keep to themselves. Open weights are served by anyone, at anyone's price:
//! `gpt-oss`, Llama, Mistral's and Google's open models name no provider.

use crate::record::Provider;

/// The provider of a closed model family; `None` for all others. A prefix `provider/` is a router's naming and
/// says nothing of whose API it was.
pub(crate) fn provider(model: &str) -> Option<Provider> {
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

const OPENAI: [&str; 4] = ["gpt-", "chatgpt-", "text-embedding-3-", "text-embedding-ada-"];

/// Open weights under the same name: OpenAI's own, those of others, and what was trained on GPT's answers.
const OPEN_GPTS: [&str; 6] = ["gpt-oss", "gpt-2", "gpt-j", "gpt-neo", "gpt-sw3", "gpt-4-x-"];

/// `o1`, `o3-mini`, `o4-mini-2025-04-16` … but not `o1js` or `olmo`.
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
            assert_eq!(provider(model), expected, "{model}");
        }
    }
}
