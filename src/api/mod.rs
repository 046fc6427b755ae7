//! api
mod anthropic;
mod bedrock;
mod cohere;
mod google;
mod lenient;
mod openai;
mod usage;
