//! Reads [LiteLLM](https://github.com/BerriAI/litellm)'s model price map as that project publishes it.
//!
//! LiteLLM is read for what genai-prices does not know: regions of Azure and Bedrock, batch, flex and priority
//! rates of clouds, factors for data residency, and further providers.

mod prices;
mod token_key;

use self::prices::{ModelPrices, RawFields, read, text};
use crate::price::catalog::{Assembly, EntryId, EntryNames, PriceEntry, PriceList, ProviderId};
use crate::price::endpoint::{self, provider_of_route};
use crate::price::error::{PriceError, Problem};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// One model of the map.
struct Model<'a> {
    /// The name in the map.
    key: &'a str,
    provider: &'a str,
    /// The endpoint, where the provider has several and this is not the main one.
    endpoint: Option<&'static str>,
    /// The name without the route.
    name: &'a str,
    prices: ModelPrices,
}

/// Where the entry of a model stands.
#[derive(Clone, Copy)]
struct Added<'a> {
    model: &'a Model<'a>,
    row: ProviderId,
    entry: EntryId,
}

/// Adds the data to what is built.
pub(in crate::price) fn load(data: &[u8], assembly: &mut Assembly) -> Result<(), PriceError> {
    let map: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(data)?;
    let mut models = Vec::with_capacity(map.len());
    let mut aliases = Vec::new();
    for (name, raw) in &map {
        // The specimen that explains the format.
        if name == "sample_spec" {
            continue;
        }
        match serde_json::from_str::<RawFields<'_>>(raw.get()) {
            Ok(fields) => match (text(&fields, "alias_of"), text(&fields, "litellm_provider")) {
                (Some(target), _) => aliases.push((&**name, target)),
                (None, Some(route)) => models.push((&**name, route, fields)),
                (None, None) => assembly.refuse("litellm", name, Problem::NoModel),
            },
            Err(error) => assembly.refuse("litellm", name, Problem::Shape(error.to_string())),
        }
    }
    models.sort_by_key(|(key, route, _)| {
        let bears_route = bare(key, provider_of_route(route)) != *key;
        (rank(route), !bears_route, *key)
    });
    let models = models.iter().filter_map(|(key, route, fields)| {
        let provider = provider_of_route(route);
        let (endpoint, name) = place(route, bare(key, provider));
        match read(provider, name, fields, assembly) {
            Ok(prices) => Some(Model { key, provider, endpoint, name, prices }),
            Err(problem) => {
                assembly.refuse(provider, name, problem);
                None
            }
        }
    });
    let models: Vec<Model<'_>> = models.collect();
    let added = add(&models, assembly);
    add_aliases(&aliases, &added, assembly);
    Ok(())
}

/// Adds every model: to the row of its provider, or to that of its endpoint where the provider's row has the name at another price. What was
/// added stands by the names in the map.
fn add<'a>(models: &'a [Model<'a>], assembly: &mut Assembly) -> HashMap<&'a str, Added<'a>> {
    let mut by_key: HashMap<&str, Added<'_>> = HashMap::new();
    let mut by_row: HashMap<(&str, String), Added<'_>> = HashMap::new();
    for model in models {
        let rows = match model.endpoint {
            Some(endpoint) if endpoint::is_apart(endpoint) => [Some(endpoint), None],
            endpoint => [Some(model.provider), endpoint],
        };
        let mut added = Err(Problem::Duplicate);
        for row in rows.into_iter().flatten() {
            let place = (row, model.name.to_ascii_lowercase());
            match by_row.get(&place) {
                None => {
                    added = add_to_row(assembly, row, model.name, model);
                    if let Ok(added) = &added {
                        by_row.insert(place, *added);
                    }
                    break;
                }
                Some(same) if same.model.prices == model.prices => {
                    added = Ok(*same);
                    break;
                }
                Some(_) => {}
            }
        }
        match added {
            Ok(added) => drop(by_key.insert(model.key, added)),
            Err(problem) => assembly.refuse(model.provider, model.name, problem),
        }
    }
    by_key
}

/// Adds a model to the row of a provider or an endpoint.
fn add_to_row<'a>(
    assembly: &mut Assembly,
    row: &str,
    name: &str,
    model: &'a Model<'a>,
) -> Result<Added<'a>, Problem> {
    let row = assembly.provider(row).ok_or_else(|| Problem::Shape("too many providers".to_owned()))?;
    if assembly.has_name(row, name, PriceList::LiteLlm) {
        return Err(Problem::Duplicate);
    }
    let ModelPrices { prices, factors, searches_once } = model.prices.clone();
    let entry = PriceEntry {
        label: assembly.label(row, name),
        provider: row,
        list: PriceList::LiteLlm,
        prices: prices.into(),
        factors: factors.into(),
        least_seconds: 0,
        searches_once,
    };
    let entry = assembly.add(entry, EntryNames { full: vec![name.into()], pattern: None })?;
    Ok(Added { model, row, entry })
}

/// Adds the names that stand for another entry: `claude-opus-latest` for `claude-opus-5-5`.
fn add_aliases(aliases: &[(&str, String)], added: &HashMap<&str, Added<'_>>, assembly: &mut Assembly) {
    let targets: HashMap<&str, &str> = aliases.iter().map(|(name, target)| (*name, &**target)).collect();
    for (key, target) in aliases {
        // An alias may stand for an alias.
        let mut target = &**target;
        for _ in 0..MAX_ALIASES {
            target = targets.get(target).copied().unwrap_or(target);
        }
        let Some(Added { model, row, entry }) = added.get(target) else {
            assembly.refuse("litellm", key, Problem::NoTarget(target.to_owned()));
            continue;
        };
        let name = bare(key, model.provider);
        let endpoint = key.split_once('/').and_then(|(route, _)| endpoint::of_route(route));
        let own_row = endpoint.filter(|id| endpoint::others(model.provider).any(|other| other == *id));
        // Beside the entry; in the endpoint's own row where another endpoint has the name there.
        if !assembly.add_name(*row, name, (PriceList::LiteLlm, *entry))
            && own_row.is_none_or(|row| add_to_row(assembly, row, name, model).is_err())
        {
            assembly.refuse(model.provider, name, Problem::Duplicate);
        }
    }
}

/// How many aliases may stand for each other.
const MAX_ALIASES: usize = 4;

/// Returns the endpoint of a model beside its provider's main one, and the name there.
fn place<'a>(route: &str, name: &'a str) -> (Option<&'static str>, &'a str) {
    if let Some(name) = name.strip_prefix("claude_platform/") {
        return (Some("claude_platform"), name);
    }
    let other = endpoint::of_route(route).filter(|id| endpoint::provider(id).is_some_and(|(_, main)| !main));
    (other, name)
}

/// Returns the precedence of a route, lowest first: of two entries of one name, that of the provider's main route stands.
fn rank(route: &str) -> u8 {
    match route {
        "bedrock" | "azure_text" | "fireworks_ai-embedding-models" => 1,
        route if route.starts_with("text-completion-") => 3,
        route if place(route, "").0.is_some() => 2,
        _ => 0,
    }
}

/// Returns the name without the route that LiteLLM puts before it.
fn bare<'a>(name: &'a str, provider: &str) -> &'a str {
    match name.split_once('/') {
        Some((route, bare)) if provider_of_route(route) == provider => bare,
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
            bare("vertex_ai/claude-opus-5", provider_of_route("vertex_ai-anthropic_models")),
            "claude-opus-5"
        );
        assert_eq!(bare("perplexity/openai/gpt-5.2", "perplexity"), "openai/gpt-5.2");
        assert_eq!(bare("us.anthropic.claude-opus-5", "aws"), "us.anthropic.claude-opus-5");
        assert_eq!(bare("together_ai/zai-org/GLM-5.1", "together"), "zai-org/GLM-5.1");
    }
}
