//! Which members of an answer are looked for: all places where any known API puts what matters.
//!
//! One table for all APIs, so that a gateway on its own route that answers in a known shape is read as well.

use super::dialects;
use super::late::LateApi;
use super::members::{EMPTY, ERROR, Member, NAME, ToolMember, USAGE, Wanted};
use crate::wire::select::{InPieces, Select};
use std::sync::LazyLock;

/// The members that several dialects share.
const COMMON: &[Wanted] = &[
    ("model", Member::Model, NAME),
    ("id", Member::Id, NAME),
    ("type", Member::Type, NAME),
    ("object", Member::Object, NAME),
    ("status", Member::Status, NAME),
    ("service_tier", Member::ServiceTier, NAME),
    ("error", Member::Error, ERROR),
    ("code", Member::ErrorCode, NAME),
    ("usage", Member::Usage, USAGE),
];

/// All members that are wanted, by their numbers.
static MEMBERS: LazyLock<Vec<Wanted>> =
    LazyLock::new(|| COMMON.iter().chain(dialects::members()).copied().collect());

/// The images of an answer that says nothing of tokens.
const IMAGES: &[&str] = &["data[].url", "data[].b64_json", "predictions[].bytesBase64Encoded"];

static MEMBERS_ONLY: LazyLock<Select> = LazyLock::new(|| Select::new(members()));
static WITH_CONTENT: LazyLock<Select> = LazyLock::new(|| {
    Select::new(members().chain(dialects::content().map(|path| (path, CONTENT_FIELD, EMPTY))))
});
static WITH_IMAGES: LazyLock<Select> =
    LazyLock::new(|| Select::new(members().chain(of(IMAGES, IMAGE_FIELD, EMPTY))));

static WITH_TEXT_OF_STREAM: LazyLock<Select> = LazyLock::new(|| {
    // Cohere's first version; at the end of a part, Responses repeat it in a member of the same name.
    with_text(true).with_pieces([("text", COHERE_TEXT_FIELD, InPieces::Strings)])
});
static WITH_TEXT_OF_DOCUMENT: LazyLock<Select> = LazyLock::new(|| with_text(false));

static ERROR_OBJECT: LazyLock<Select> =
    LazyLock::new(|| Select::new(of(&["code", "type"], ERROR_CODE_FIELD, NAME)));

const CONTENT_FIELD: u8 = u8::MAX;
const IMAGE_FIELD: u8 = u8::MAX - 1;
const ERROR_CODE_FIELD: u8 = u8::MAX - 2;
const TEXT_FIELD: u8 = u8::MAX - 3;
const LATE_TYPE_FIELD: u8 = u8::MAX - 4;
const COHERE_TEXT_FIELD: u8 = u8::MAX - 5;

fn members() -> impl Iterator<Item = (&'static str, u8, usize)> {
    (0..COHERE_TEXT_FIELD).zip(&*MEMBERS).map(|(number, (path, _, limit))| (*path, number, *limit))
}

fn of(
    paths: &'static [&'static str],
    field: u8,
    limit: usize,
) -> impl Iterator<Item = (&'static str, u8, usize)> {
    paths.iter().map(move |path| (*path, field, limit))
}

/// The members that make a late event matter, those that count only beside them, and the event's name.
static LATE: LazyLock<Select> = LazyLock::new(|| {
    let counts = |path: &str, member: Member| {
        let key = path.rsplit('.').next().unwrap_or(path);
        let matters = matches!(key, "usage" | "tool_usage") || key.ends_with("error");
        matters
            || matches!(key, "service_tier" | "code")
            || matches!(member, Member::Tool(ToolMember::Item(..) | ToolMember::Model))
    };
    let names = of(&["type", "event_type"], LATE_TYPE_FIELD, NAME);
    let wanted = members().zip(&*MEMBERS).filter(|(_, (path, member, _))| counts(path, *member));
    Select::new(wanted.map(|(member, _)| member).chain(names))
});

fn with_text(stream: bool) -> Select {
    let texts = dialects::texts_of_answer(stream).map(|(path, which)| (path, TEXT_FIELD, which));
    Select::new(members()).with_pieces(texts)
}

/// Which members of a document are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// Those of the table.
    Members,
    /// Those of the table, and content.
    Content,
    /// Those of a late event.
    Late(LateApi),
    /// Those of the table, and images.
    Images,
    /// Those of the table, and the texts of an event or of a document in a stream.
    TextOfStream,
    /// Those of the table, and the texts of a document.
    TextOfDocument,
    /// The code of an error that is the whole document.
    ErrorObject,
}

impl Interest {
    pub(super) fn select(self) -> &'static Select {
        match self {
            Self::Members => &MEMBERS_ONLY,
            Self::Content => &WITH_CONTENT,
            Self::Late(_) => &LATE,
            Self::Images => &WITH_IMAGES,
            Self::TextOfStream => &WITH_TEXT_OF_STREAM,
            Self::TextOfDocument => &WITH_TEXT_OF_DOCUMENT,
            Self::ErrorObject => &ERROR_OBJECT,
        }
    }

    /// Returns the member with the number `field`.
    pub(super) fn member(self, field: u8) -> Option<Member> {
        match (field, self) {
            (CONTENT_FIELD, _) => Some(Member::Content),
            (TEXT_FIELD, _) => Some(Member::Text),
            (COHERE_TEXT_FIELD, _) => Some(Member::TextOfCohere),
            (IMAGE_FIELD, _) => Some(Member::Image),
            (ERROR_CODE_FIELD, _) => Some(Member::ErrorCode),
            (LATE_TYPE_FIELD, Self::Late(api)) => Some(Member::LateType(api)),
            _ => MEMBERS.get(usize::from(field)).map(|(_, member, _)| *member),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_number_of_its_own() {
        assert!(MEMBERS.len() <= usize::from(COHERE_TEXT_FIELD));
        for (path, number, _) in members() {
            assert_eq!(
                Interest::Members.member(number),
                MEMBERS.iter().find(|(known, _, _)| *known == path).map(|m| m.1),
                "{path}"
            );
        }
        assert_eq!(Interest::Content.member(CONTENT_FIELD), Some(Member::Content));
        assert_eq!(Interest::Images.member(IMAGE_FIELD), Some(Member::Image));
        assert_eq!(Interest::Members.member(200), None);
    }
}
