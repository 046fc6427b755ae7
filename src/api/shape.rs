//! Which API an answer speaks, by its shape.

use crate::record::Api;

/// The API that an answer speaks, as far as its shape shows.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// The API that the answer names, or else that its figures indicate.
    api: Option<Api>,
    /// Whether the answer names it itself.
    is_named: bool,
    likeness: Likeness,
    /// Whether it names its shape in `object`, as OpenAI's do.
    pub(super) has_object: bool,
}

/// What an answer looks like that does not name its API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Likeness {
    #[default]
    Nothing,
    /// A message, as Anthropic's are.
    Message,
    /// A role is named, which alone proves nothing.
    Role,
    /// A stream that says whether it is done, as Ollama's do.
    Done,
    /// Such a stream that names a role.
    DoneWithRole,
}

impl Shape {
    /// Takes the API that the answer names.
    pub(super) fn name(&mut self, api: Api) {
        self.suppose(Some(api));
        self.is_named = true;
    }

    /// Takes the API that the figures indicate.
    pub(super) fn suppose(&mut self, api: Option<Api>) {
        self.api = self.api.or(api);
    }

    /// Takes notice that the answer calls itself a message.
    pub(super) fn is_message(&mut self) {
        self.likeness = Likeness::Message;
    }

    /// Takes notice that the answer names a role.
    pub(super) fn has_role(&mut self) {
        self.likeness = match self.likeness {
            Likeness::Nothing => Likeness::Role,
            Likeness::Done => Likeness::DoneWithRole,
            known => known,
        };
    }

    /// Takes notice that the answer says whether it is done.
    pub(super) fn says_whether_done(&mut self) {
        self.likeness = match self.likeness {
            Likeness::Nothing => Likeness::Done,
            Likeness::Role => Likeness::DoneWithRole,
            known => known,
        };
    }

    /// Whether the answer is a sequence of documents that say whether they are the last.
    pub(super) fn is_done_by_saying_so(&self) -> bool {
        matches!(self.likeness, Likeness::Done | Likeness::DoneWithRole)
    }

    /// Returns the API. A likeness counts only where a model is named, or tokens that came out are counted.
    pub(super) fn api(&self, has_model: bool, counts_output: bool) -> Option<Api> {
        self.api.or(match self.likeness {
            Likeness::Message if has_model => Some(Api::Messages),
            Likeness::Done if has_model || counts_output => Some(Api::OllamaGenerate),
            Likeness::DoneWithRole if has_model || counts_output => Some(Api::OllamaChat),
            _ => None,
        })
    }

    /// Whether the answer itself names the API.
    pub(super) fn names_api(&self, has_model: bool) -> bool {
        self.is_named || (self.likeness == Likeness::Message && has_model)
    }
}
