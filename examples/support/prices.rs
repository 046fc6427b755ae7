//! Price data from a file.

use std::error::Error;
use std::path::Path;
use tower_llm_metrics::PriceBook;

/// Loads genai-prices' data (format v2) or LiteLLM's price map.
pub(crate) fn load(file: &Path) -> Result<PriceBook, Box<dyn Error>> {
    let named = |error: &dyn Error| format!("{}: {error}", file.display());
    let bytes = std::fs::read(file).map_err(|error| named(&error))?;
    Ok(PriceBook::from_json(&bytes).map_err(|error| named(&error))?)
}
