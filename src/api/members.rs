//! What the members of an answer are.

use super::late::LateApi;

/// What a member of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Model,
    Id,
    /// The id of an answer that is still to be made: xAI's deferred completions.
    DeferredId,
    /// The name of an event.
    Type,
    /// The name of a late event.
    LateType(LateApi),
    /// The name of a shape.
    Object,
    Status,
    /// Who speaks in a message.
    Role,
    ServiceTier,
    Error,
    /// MiniMax's code of how a call went. The status of its answers is always 200.
    BaseStatus,
    /// The name of a request in a batch.
    BatchKey,
    /// What only the results of a batch have beside it.
    BatchResult,
    /// Gemini's results of a batch, all in one.
    BatchResults,
    /// The code of an error, where it stands beside its message at the top.
    ErrorCode,
    /// A usage object; the last one counts.
    Usage,
    /// A usage object in a place that may hold something else.
    UsageIfKnown,
    /// The first figures of a stream, over which later ones are laid.
    UsageAtStart,
    /// A usage object that counts where there is no other.
    UsageElsewhere,
    /// Bedrock's own counters beside those of the model.
    InvocationMetrics,
    /// Counters that stand alone; the last one counts.
    InputTokens,
    OutputTokens,
    /// Counters that a document has for each of its parts.
    InputTokensOfPart,
    OutputTokensOfPart,
    /// Counters that every event has, not always filled.
    LargestInputTokens,
    LargestOutputTokens,
    Characters,
    /// The counters of an OCR.
    UsageInfo,
    /// How fast the answer was to be.
    Latency,
    /// What a tool of the provider's left.
    Tool(ToolMember),
    /// An image that was made.
    Image,
    /// Whether a stream of Ollama's is at its end.
    Done,
    /// Why a stream of Gemini's is at its end.
    FinishReason,
    /// Text, reasoning or a call of a tool.
    Content,
    /// Text in pieces, to be counted.
    Text,
    /// Text in a member that has another meaning in other APIs.
    TextOfCohere,
}

impl Member {
    /// Returns what a member says of an item.
    pub(super) const fn item(of: ItemOf, member: ItemMember) -> Self {
        Self::Tool(ToolMember::Item(of, member))
    }
}

/// What a tool of the provider's leaves in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToolMember {
    /// The counters of tools beside the usage.
    Usage,
    /// A member of an item.
    Item(ItemOf, ItemMember),
    /// Queries that an answer rests on.
    Queries,
    /// Queries at a price that is not known.
    OtherQueries,
    /// A place on a map that an answer rests on.
    MapChunk,
    /// A page of the web that an answer rests on.
    WebChunk,
    /// What a tool found, for which there is no counter.
    Result,
    /// The model behind a tool.
    Model,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemOf {
    /// Among those of the answer.
    Answer,
    /// Alone in an event.
    Event,
}

/// What a member says of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemMember {
    Type,
    /// What was done in a call.
    Action,
    /// Where a call was run.
    Environment,
    /// A tool that the request offers.
    Offered,
    /// A tool that ran, whichever it was.
    Executed,
}

/// A path to a member of an answer, what it is, and the limit of its text in bytes.
pub(super) type Wanted = (&'static str, Member, usize);

/// The longest name that is read.
pub(super) const NAME: usize = 2048;
/// The largest usage object that is read.
pub(super) const USAGE: usize = 16 * 1024;
pub(super) const ERROR: usize = 16 * 1024;
pub(super) const NUMBER: usize = 64;
/// Content is never kept. A value longer than `""`, `[]` or `{}` is content.
pub(super) const EMPTY: usize = 2;
