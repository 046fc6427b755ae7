//! Reads [LiteLLM](https://github.com/BerriAI/litellm)'s model price map as that project publishes it.
//!
//! LiteLLM is read for what genai-prices does not know: regions of Azure and Bedrock, batch, flex and priority
//! rates of clouds, factors for data residency, and further providers.

mod entry;
mod key;

use super::build::Builder;
use super::catalog::{EntryId, ProviderId, Source};
use super::endpoint;
use super::error::{PriceError, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// An entry's fields, as they are written.
type Fields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// One model of the map.
struct Model<'a> {
    /// The name in the map.
    key: &'a str,
    provider: &'a str,
    /// The endpoint, where the provider has several and this is not the main one.
    endpoint: Option<&'static str>,
    /// The name without the route.
    name: &'a str,
    entry: entry::Entry,
}

/// Where the entry of a model stands.
struct Place {
    row: ProviderId,
    entry: EntryId,
}

/// Adds the data to what is built.
pub(super) fn load(data: &[u8], builder: &mut Builder) -> Result<(), PriceError> {
    let map: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(data)?;
    let mut models = Vec::with_capacity(map.len());
    let mut aliases = Vec::new();
    for (name, raw) in &map {
        // The specimen that explains the format.
        if name == "sample_spec" {
            continue;
        }
        match serde_json::from_str::<Fields<'_>>(raw.get()) {
            Ok(fields) => match (text(&fields, "alias_of"), text(&fields, "litellm_provider")) {
                (Some(target), _) => aliases.push((&**name, target)),
                (None, Some(route)) => models.push((&**name, route, fields)),
                (None, None) => builder.refuse("litellm", name, Problem::NoModel),
            },
            Err(error) => builder.refuse("litellm", name, Problem::Shape(error.to_string())),
        }
    }
    models.sort_by_key(|(key, route, _)| {
        let bears_route = bare(key, provider_id(route)) != *key;
        (rank(route), !bears_route, *key)
    });
    let models = models.iter().filter_map(|(key, route, fields)| {
        let provider = provider_id(route);
        let (endpoint, name) = place(route, bare(key, provider));
        match entry::read(provider, name, fields, builder) {
            Ok(entry) => Some(Model { key, provider, endpoint, name, entry }),
            Err(problem) => {
                builder.refuse(provider, name, problem);
                None
            }
        }
    });
    let models: Vec<Model<'_>> = models.collect();
    let places = add(&models, builder);
    add_aliases(&aliases, &models, &places, builder);
    Ok(())
}

/// Adds every model: to the row of its provider, or to that of its endpoint where the provider's row has the name at another price.
fn add<'a>(models: &'a [Model<'a>], builder: &mut Builder) -> HashMap<&'a str, (usize, Place)> {
    let mut places: HashMap<&str, (usize, Place)> = HashMap::new();
    // The models of each name, by the row.
    let mut taken: HashMap<(&str, String), usize> = HashMap::new();
    for (at, model) in models.iter().enumerate() {
        let Model { key, provider, endpoint, name, entry } = model;
        let rows = match endpoint {
            Some(endpoint) if endpoint::is_apart(endpoint) => [Some(*endpoint), None],
            endpoint => [Some(*provider), *endpoint],
        };
        let mut problem = Problem::Duplicate;
        for row in rows.into_iter().flatten() {
            match taken.get(&(row, name.to_ascii_lowercase())) {
                None => {
                    match pack(builder, row, name, entry) {
                        Ok(place) => {
                            taken.insert((row, name.to_ascii_lowercase()), at);
                            places.insert(key, (at, place));
                        }
                        Err(other) => problem = other,
                    }
                    break;
                }
                Some(other) if models.get(*other).is_some_and(|other| other.entry == *entry) => {
                    let same = models.get(*other).and_then(|other| places.get(other.key));
                    if let Some((at, Place { row, entry })) = same {
                        places.insert(key, (*at, Place { row: *row, entry: *entry }));
                    }
                    break;
                }
                Some(_) => {}
            }
        }
        if !places.contains_key(key) {
            builder.refuse(provider, name, problem);
        }
    }
    places
}

/// Packs an entry in the row of a provider or an endpoint.
fn pack(builder: &mut Builder, row: &str, name: &str, entry: &entry::Entry) -> Result<Place, Problem> {
    let row = builder.provider(row).ok_or_else(|| Problem::Shape("too many providers".to_owned()))?;
    if builder.has_name(row, name, Source::LiteLlm) {
        return Err(Problem::Duplicate);
    }
    Ok(Place { row, entry: entry.pack(row, name, builder)? })
}

/// Adds the names that stand for another entry: `claude-opus-latest` for `claude-opus-5-5`.
fn add_aliases(
    aliases: &[(&str, String)],
    models: &[Model<'_>],
    places: &HashMap<&str, (usize, Place)>,
    builder: &mut Builder,
) {
    let targets: HashMap<&str, &str> = aliases.iter().map(|(name, target)| (*name, &**target)).collect();
    for (key, target) in aliases {
        // An alias may stand for an alias.
        let mut target = &**target;
        for _ in 0..MAX_ALIASES {
            target = targets.get(target).copied().unwrap_or(target);
        }
        let Some((model, Place { row, entry })) =
            places.get(target).and_then(|(at, place)| Some((models.get(*at)?, place)))
        else {
            builder.refuse("litellm", key, Problem::NoTarget(target.to_owned()));
            continue;
        };
        let name = bare(key, model.provider);
        let endpoint = key.split_once('/').and_then(|(route, _)| endpoint::of_route(route));
        let own_row = endpoint.filter(|id| endpoint::others(model.provider).any(|other| other == *id));
        // Beside the entry; in the endpoint's own row where another endpoint has the name there.
        if builder.add_name(*row, name, (Source::LiteLlm, *entry), None) {
            continue;
        }
        let known = own_row.map(|row| pack(builder, row, name, &model.entry));
        if !matches!(known, Some(Ok(_))) {
            builder.refuse(model.provider, name, Problem::Duplicate);
        }
    }
}

/// How many aliases may stand for each other.
const MAX_ALIASES: usize = 4;

/// The endpoint of a model beside its provider's main one, and the name there.
fn place<'a>(route: &str, name: &'a str) -> (Option<&'static str>, &'a str) {
    if let Some(name) = name.strip_prefix("claude_platform/") {
        return (Some("claude_platform"), name);
    }
    let other = endpoint::of_route(route).filter(|id| endpoint::provider(id).is_some_and(|(_, main)| !main));
    (other, name)
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
        // Qwen's maker, by what its hosts are called, and the platforms that LiteLLM lists apart.
        "alibaba" | "qwencloud" | "qwen_ai_platform" => "dashscope",
        route if route.starts_with("vertex_ai-") => "google",
        route => endpoint::provider(route).map_or(route, |(provider, _)| provider),
    }
}

/// Which of two entries of one name stands: the one of a provider's main route.
fn rank(route: &str) -> u8 {
    match route {
        "bedrock" | "azure_text" | "fireworks_ai-embedding-models" => 1,
        route if route.starts_with("text-completion-") => 3,
        route if place(route, "").0.is_some() => 2,
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
