//! What usage costs.
//!
//! [`PriceBook`] turns the usage of a call into money: exactly, or not at all. Rates keep every digit of their source, a total is
//! rounded half-even to 1e-12 dollars once, and nothing is read through a float. What the book does not know is a
//! [reason](crate::record::UnpricedReason), never zero and never the price of something else.
//!
//! # Where prices come from
//!
//! From three sources, of which the first that can bill a call does:
//!
//! 1. the application's own ([`PriceOverride`]),
//! 2. [genai-prices](https://github.com/pydantic/genai-prices), which has start dates, hours, context tiers and variants,
//! 3. [LiteLLM](https://github.com/BerriAI/litellm)'s map, for what genai-prices does not know: further providers, regions of Azure and
//!    Bedrock, batch, flex and priority rates of clouds, factors for data residency.
//!
//! Where two have other rates for the same thing, the first one's stand ([`PriceBook::disagreements`] lists them). The exceptions are all
//! for what genai-prices does not know:
//!
//! * A call with a region is priced by LiteLLM's entry for that region, where there is one.
//! * A *pattern* of genai-prices gives way to a LiteLLM entry of exactly that name, where LiteLLM prices that name otherwise than the pattern's entry:
//!   the pattern is too wide, and `gemini-3.8-flash-cyber` is not `gemini-3.8-flash`. The same holds where the name begins with a place (`us-gov.…`).
//! * Where genai-prices says that a provider resells another's models, the provider's own rates in LiteLLM's map stand before those of the
//!   model's maker, unit by unit.
//! * Where LiteLLM has one name twice at different prices, for two *endpoints* of a provider (`bedrock-runtime` and `bedrock-mantle`, Azure OpenAI and Azure
//!   AI Foundry, Vertex AI and the Gemini API), the host that was called decides ([`PricedCall::host`]), or what a gateway puts before the name. Where
//!   neither is known, the price is that of the main endpoint, and the match is [ambiguous](crate::record::PriceMatch::Ambiguous).
//!
//! What an entry lacks of fees for searches, map queries and annotated pages, and of rates for audio and images, is taken from the other list.
//!
//! Feature `prices` (on by default) compiles in a snapshot of both, [`PriceBook::bundled`]. Files are loaded from bytes; there is no network
//! code. A [`SharedPriceBook`] can be replaced while calls are priced.
//!
//! # What is priced
//!
//! * **The model** that answered; where the book does not know it, the one asked for. A name that the data spells is
//!   [exact](crate::record::PriceMatch::Exact), one that a pattern of the data covers is a [pattern](crate::record::PriceMatch::Pattern), and one that is found after a
//!   route, a place or a date has been taken off is an [alias](crate::record::PriceMatch::Alias): `models/…`, `publishers/…/models/…`, `provider/…`, ARNs, `us.` `eu.`
//!   `global.` and their like, `@20240620`, `:nitro`, `-2024-08-06`. Letters are compared without regard to case. A fine-tune `ft:base:…` is priced as `ft:base`, never as `base`.
//!   `-latest` is only taken off where the data has no dates of the name at other prices.
//! * **The tier.** `standard`, `on_demand`, `auto`, `default` and none are the default one. Any other that the book lacks is a reason, as is a
//!   batch for a model without batch rates, and a unit that has a rate by default and none at the tier. genai-prices is read as it is meant: what its variant does not
//!   mention costs as without the variant.
//! * **The size.** Beyond a threshold of input tokens the whole request has the long-context rates.
//! * **The time.** A price holds from its date on; before all dates the oldest stands. Hours and weekdays are read in UTC, or in the zone that
//!   the data names.
//! * **Tokens**, each once. Cached tokens, audio and images are taken out of the input, reasoning (where it has a rate), audio and images out of the
//!   output. A kind without a rate is billed as what it is a part of. Cache writes whose time to live is not known are billed as kept for five minutes. Of parts that exceed their whole, cached
//!   tokens are billed as reported, others up to the whole.
//! * **Other measures**: seconds, images, characters, pages, search units. One without a rate is passed over where the call is billed by
//!   another; where it is billed by none, there is no price. Searches of the web and of files, map queries and annotated pages come on top and must
//!   have a rate; before Gemini 3, an answer of Google's is billed once for its searches. A fee for each call is added once, and so is that of a search
//!   to a model that always searches.
//! * **Nothing is free** unless the data says so: where all rates are 0 and something was counted that has none, there is no price.
//! * **Passes** over other models, at the rates of these.
//!
//! What no usage reports cannot be priced: video tokens, citations, the kind of a search.

mod bill;
mod book;
mod builder;
mod catalog;
mod compare;
mod endpoint;
mod error;
mod formats;
mod markup;
mod names;
mod overrides;
mod pattern;
mod pricer;
mod pricing;
mod rates;
mod reprice;
mod resolve;
mod shared;
mod snapshot;
mod validity;

pub use book::PriceBook;
pub use builder::PriceBookBuilder;
pub use compare::Disagreement;
pub use error::{PriceError, Problem, Refused};
pub use markup::Markup;
pub use overrides::PriceOverride;
pub use pricer::{PricedCall, Pricer};
pub use reprice::{Repriced, reprice};
pub use shared::SharedPriceBook;
