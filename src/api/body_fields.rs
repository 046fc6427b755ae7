//! Which members of a request are wanted.

use crate::record::Api;
use crate::wire::select::{InPieces, Select};

/// The fields of a body that may hold the end user's id, in order, and the [`Select`] that finds them.
#[derive(Debug)]
pub(crate) struct BodyFields {
    pub(super) select: Select,
    /// The same, and the text that is to be spoken.
    pub(super) with_speech: Select,
    fields: Vec<BodyField>,
}

#[derive(Debug)]
struct BodyField {
    path: Box<str>,
    only_for: Option<Api>,
    /// What the member is besides, if it is looked at anyway.
    member: Option<Member>,
}

/// What a member of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
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

const MEMBERS: [(&str, Member, usize); 9] = [
    ("model", Member::Model, NAME),
    ("model_id", Member::Model, NAME),
    ("stream", Member::Stream, WORD),
    ("stream_options.include_usage", Member::IncludeUsage, WORD),
    ("store", Member::Store, WORD),
    ("service_tier", Member::ServiceTier, NAME),
    ("serviceTier.type", Member::ServiceTier, NAME),
    ("tools[].model", Member::ToolModel, NAME),
    ("anthropic_version", Member::Anthropic, NAME),
];

/// The number of the text that is to be spoken.
pub(super) const SPEECH: u8 = u8::MAX;

/// The numbers of [`MEMBERS`] come first, then those of the users' fields.
const FIRST_USER: u8 = MEMBERS.len() as u8;

impl BodyFields {
    /// How many fields are looked at; further ones are left out.
    pub(crate) const MAX: usize = 16;
    /// How many members are wanted at most.
    pub(super) const MAX_WANTED: usize = Self::MAX + MEMBERS.len();

    /// Looks at `fields` in this order; those with an [`Api`] count in its requests only.
    pub(crate) fn new<P: Into<Box<str>>>(fields: impl IntoIterator<Item = (P, Option<Api>)>) -> Self {
        let field = |(path, only_for): (P, Option<Api>)| {
            let path = path.into();
            let member = MEMBERS.iter().find(|(known, _, _)| *known == &*path).map(|(_, member, _)| *member);
            BodyField { path, only_for, member }
        };
        let fields: Vec<BodyField> = fields.into_iter().take(Self::MAX).map(field).collect();
        let select = Select::new(wanted(&fields));
        let speech = ["input", "text"].map(|path| (path, SPEECH, InPieces::Strings));
        let with_speech = Select::new(wanted(&fields)).with_pieces(speech);
        Self { select, with_speech, fields }
    }

    /// How many fields there are.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The APIs that the fields count in, in the order of the fields.
    pub(super) fn only_for(&self) -> impl Iterator<Item = Option<Api>> {
        self.fields.iter().map(|field| field.only_for)
    }

    /// What the member with this number is: one that is looked at anyway, the user's field at this place, or both.
    pub(super) fn member(&self, number: u8) -> (Option<Member>, Option<usize>) {
        match number.checked_sub(FIRST_USER).map(usize::from) {
            None => (MEMBERS.get(usize::from(number)).map(|(_, member, _)| *member), None),
            Some(place) => (self.fields.get(place).and_then(|field| field.member), Some(place)),
        }
    }

    /// The wanted fields of a form, which are those that are not nested.
    pub(super) fn of_form(&self) -> impl Iterator<Item = (&str, u8, usize)> {
        wanted(&self.fields).filter(|(path, _, _)| !path.contains(['.', '[']))
    }
}

/// The wanted paths with their numbers and limits. Of equal paths the first counts, so the users' come first.
fn wanted(fields: &[BodyField]) -> impl Iterator<Item = (&str, u8, usize)> {
    let users = (FIRST_USER..).zip(fields).map(|(number, field)| (&*field.path, number, USER));
    let members = (0..FIRST_USER).zip(&MEMBERS).map(|(number, (path, _, limit))| (*path, number, *limit));
    users.chain(members)
}

impl Default for BodyFields {
    /// `user` and `safety_identifier`, as OpenAI has them, and `metadata.user_id` in Anthropic's messages: elsewhere
    /// `metadata` holds free-form tags.
    fn default() -> Self {
        Self::new([("user", None), ("safety_identifier", None), ("metadata.user_id", Some(Api::Messages))])
    }
}
