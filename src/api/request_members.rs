//! The members of a request that are read.

use crate::identify::UserFields;
use crate::wire::select::{InPieces, Select};

/// The members of a request that are read: those that matter to the call, and the fields that may name its user.
#[derive(Debug)]
pub(crate) struct RequestMembers {
    pub(super) select: Select,
    /// Selects the text that is to be spoken too.
    pub(super) with_speech: Select,
    pub(super) users: UserFields,
}

/// What a member of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestMember {
    Model,
    Stream,
    IncludeUsage,
    /// Whether the answer is kept and can be asked for again.
    Store,
    ServiceTier,
    /// The model behind a tool of the provider's.
    ToolModel,
    /// Only messages of Anthropic's have it.
    Anthropic,
}

const NAME: usize = 2048;
/// An id of 256 bytes with every byte escaped, and some white space around it.
const USER: usize = 2048;
const WORD: usize = 32;

const MEMBERS: [(&str, RequestMember, usize); 9] = [
    ("model", RequestMember::Model, NAME),
    ("model_id", RequestMember::Model, NAME),
    ("stream", RequestMember::Stream, WORD),
    ("stream_options.include_usage", RequestMember::IncludeUsage, WORD),
    ("store", RequestMember::Store, WORD),
    ("service_tier", RequestMember::ServiceTier, NAME),
    ("serviceTier.type", RequestMember::ServiceTier, NAME),
    ("tools[].model", RequestMember::ToolModel, NAME),
    ("anthropic_version", RequestMember::Anthropic, NAME),
];

/// The number of the text that is to be spoken.
pub(super) const SPEECH: u8 = u8::MAX;

/// The numbers of [`MEMBERS`] come first, then those of the users' fields.
const FIRST_USER: u8 = MEMBERS.len() as u8;

impl RequestMembers {
    /// How many members are wanted at most.
    pub(super) const MAX: usize = UserFields::MAX + MEMBERS.len();

    /// Reads the user from these fields.
    pub(crate) fn new(users: UserFields) -> Self {
        let select = Select::new(wanted(&users));
        let speech = ["input", "text"].map(|path| (path, SPEECH, InPieces::Strings));
        let with_speech = Select::new(wanted(&users)).with_pieces(speech);
        Self { select, with_speech, users }
    }

    /// Returns what the member with this number is, and its place among the users' fields. It may be both.
    pub(super) fn member(&self, number: u8) -> (Option<RequestMember>, Option<usize>) {
        let Some(place) = number.checked_sub(FIRST_USER).map(usize::from) else {
            return (MEMBERS.get(usize::from(number)).map(|(_, member, _)| *member), None);
        };
        let path = self.users.paths().nth(place);
        let known = MEMBERS.iter().find(|(known, _, _)| Some(*known) == path);
        (known.map(|(_, member, _)| *member), Some(place))
    }

    /// Returns the wanted fields of a form, which are those that are not nested.
    pub(super) fn of_form(&self) -> impl Iterator<Item = (&str, u8, usize)> {
        wanted(&self.users).filter(|(path, _, _)| !path.contains(['.', '[']))
    }
}

impl Default for RequestMembers {
    fn default() -> Self {
        Self::new(UserFields::default())
    }
}

/// Lists the wanted paths with their numbers and limits. Of equal paths the first counts, so the users' come first.
fn wanted(users: &UserFields) -> impl Iterator<Item = (&str, u8, usize)> {
    let users = (FIRST_USER..).zip(users.paths()).map(|(number, path)| (path, number, USER));
    let members = (0..FIRST_USER).zip(&MEMBERS).map(|(number, (path, _, limit))| (*path, number, *limit));
    users.chain(members)
}
