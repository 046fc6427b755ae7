//! The kind of a call, and the dialect of its API.

use super::listed::closed_list;

closed_list! {
    /// The kind of call, by the values of OpenTelemetry's `gen_ai.operation.name`
    /// ([GenAI conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/)).
    #[derive(Default)]
    pub Operation, "operation" {
        /// A conversation: chat completions, Responses, Anthropic messages, Converse …
        Chat = "chat",
        /// A prompt completed as plain text.
        TextCompletion = "text_completion",
        /// Texts turned into vectors.
        Embeddings = "embeddings",
        /// Gemini's multimodal generation.
        GenerateContent = "generate_content",
        /// An agent's run: Assistants and the like.
        InvokeAgent = "invoke_agent",
        #[default]
        /// Operations that OpenTelemetry does not name: images, audio, moderation, model lists …
        Other = "other",
    }
}

closed_list! {
    /// The dialect of an API: which shape the request and the answer have.
    pub Api, "api" {
        /// OpenAI's `/chat/completions`, spoken by many.
        ChatCompletions = "chat.completions",
        /// OpenAI's legacy `/completions`.
        Completions = "completions",
        /// OpenAI's `/responses`.
        Responses = "responses",
        /// OpenAI's `/embeddings`, and the embeddings of others.
        Embeddings = "embeddings",
        /// OpenAI's Assistants: runs and their steps.
        Assistants = "assistants",
        /// OpenAI's `/moderations`.
        Moderations = "moderations",
        /// Image generation and editing.
        Images = "images",
        /// Video generation.
        Videos = "videos",
        /// Speech, transcription and translation.
        Audio = "audio",
        /// Anthropic's `/messages`.
        Messages = "messages",
        /// Gemini's `generateContent` and `streamGenerateContent`.
        GenerateContent = "generateContent",
        /// Gemini's interactions.
        Interactions = "interactions",
        /// Vertex AI's `predict`.
        Predict = "predict",
        /// Bedrock's `converse` and `converse-stream`.
        Converse = "converse",
        /// Bedrock's `invoke` and `invoke-with-response-stream`.
        Invoke = "invoke",
        /// Cohere's chat.
        CohereChat = "cohere.chat",
        /// Cohere's `/rerank`, and the rerankers of others.
        Rerank = "rerank",
        /// Ollama's `/api/chat`.
        OllamaChat = "ollama.chat",
        /// Ollama's `/api/generate`.
        OllamaGenerate = "ollama.generate",
        /// IBM watsonx text generation.
        Watsonx = "watsonx",
        /// Document recognition.
        Ocr = "ocr",
        /// A list or a description of models: nothing is consumed.
        Models = "models",
        /// Tokens are counted, not consumed.
        CountTokens = "count_tokens",
        /// Files, batches and other housekeeping: nothing is consumed by the call itself.
        Management = "management",
    }
}
