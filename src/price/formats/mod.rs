//! The price lists that are read, each as its project publishes it.

pub(super) mod genai;
pub(super) mod litellm;

/// Whether an answer is billed once for its searches, however many there were.
///
/// Google bills a grounded answer of Gemini 2 and before once, and each query from Gemini 3 on
/// (<https://ai.google.dev/gemini-api/docs/pricing>). LiteLLM says it in `web_search_billing_unit`, where it says it.
fn searches_count_once(provider: &str, model: &str, billing_unit: Option<&str>) -> bool {
    match billing_unit {
        Some("per_prompt") => true,
        Some(_) => false,
        // What stands beside Gemini at Google's is billed by each search.
        None => {
            provider == "google" && !model.contains("claude") && generation(model).is_none_or(|of| of < 3)
        }
    }
}

/// Whether every call to the model searches, and costs the fee of a search: no usage counts it. OpenAI's models for that are
/// `gpt-5-search-api` and `gpt-4o-search-preview` (<https://developers.openai.com/api/docs/pricing>, web search).
fn searches_always(provider: &str, model: &str) -> bool {
    let undated = model.split("-20").next().unwrap_or(model);
    provider == "openai" && (undated.ends_with("-search-api") || undated.ends_with("-search-preview"))
}

/// The generation of a Gemini model: 2 of `gemini-2.5-flash`, 3 of `gemini-3-pro`.
fn generation(model: &str) -> Option<u32> {
    let numbers = model.split('-').filter_map(|part| part.split('.').next()?.parse().ok());
    // A date is no generation.
    numbers.into_iter().find(|number: &u32| *number < 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_once_for_its_searches_before_gemini_3() {
        for (model, unit, once) in [
            ("gemini-2.5-flash", None, true),
            ("gemini-live-2.5-flash", None, true),
            ("gemini-exp-1206", None, true),
            ("gemini-3-flash-preview", None, false),
            ("gemini-3.8-live", None, false),
            ("gemini-4-argon", None, false),
            ("gemini-flash-latest", Some("per_query"), false),
            ("gemini-3-flash-preview", Some("per_prompt"), true),
            ("claude-opus-5", None, false),
        ] {
            assert_eq!(searches_count_once("google", model, unit), once, "{model}");
        }
        assert!(!searches_count_once("openai", "gpt-5", None));
    }

    #[test]
    fn search_models_are_told_from_models_that_can_search() {
        for model in ["gpt-5-search-api", "gpt-4o-mini-search-preview-2025-03-11"] {
            assert!(searches_always("openai", model), "{model}");
        }
        for model in ["gpt-5", "o4-mini-deep-research", "gpt-4o-search-preview-x"] {
            assert!(!searches_always("openai", model), "{model}");
        }
    }
}
