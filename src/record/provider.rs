//! Whose API answered.

use super::listed::closed_list;
use super::text::{Text, TextError};
use std::fmt;

/// A provider, by the id that the price data uses for it: `openai`, `anthropic`, `x-ai` …
///
/// ```
/// use tower_llm_metrics::Provider;
///
/// assert_eq!(Provider::new("openai").unwrap(), Provider::OPENAI);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Provider(Text);

macro_rules! providers {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        impl Provider {
            $($(#[$doc])* pub const $name: Self = Self(Text::from_static($id));)*
        }
    };
}

providers! {
    /// Anthropic.
    ANTHROPIC = "anthropic";
    /// Amazon Bedrock.
    AWS = "aws";
    /// Azure OpenAI and Azure AI Foundry.
    AZURE = "azure";
    /// Cerebras.
    CEREBRAS = "cerebras";
    /// Cohere.
    COHERE = "cohere";
    /// `DeepSeek`.
    DEEPSEEK = "deepseek";
    /// Fireworks AI.
    FIREWORKS = "fireworks";
    /// Google: the Gemini API and Vertex AI.
    GOOGLE = "google";
    /// Groq.
    GROQ = "groq";
    /// Mistral AI.
    MISTRAL = "mistral";
    /// Ollama, wherever it runs.
    OLLAMA = "ollama";
    /// OpenAI.
    OPENAI = "openai";
    /// OpenRouter.
    OPENROUTER = "openrouter";
    /// Perplexity.
    PERPLEXITY = "perplexity";
    /// Together AI.
    TOGETHER = "together";
    /// xAI.
    X_AI = "x-ai";
}

impl Provider {
    /// Creates a provider from its id.
    ///
    /// # Errors
    /// When [`Text::new`] refuses the id.
    pub fn new(id: &str) -> Result<Self, TextError> {
        Text::new(id).map(Self)
    }

    /// Creates a provider from an id that is known at compile time.
    pub(crate) const fn from_static(id: &'static str) -> Self {
        Self(Text::from_static(id))
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the id as a text.
    pub(crate) const fn text(&self) -> &Text {
        &self.0
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

closed_list! {
    /// How the provider was found out.
    pub ProviderSource, "provider_source" {
        /// From the host that the request went to.
        Host = "host",
        /// The application set it on the layer.
        Setting = "setting",
        /// From the model's name, for families that only one provider serves.
        Model = "model",
    }
}
