//! Who is calling: the sources of the end user's id, in the order in which they count.

use super::IdentifySettings;
use super::headers::{PREFIX, PROPERTY_PREFIX, REQUEST, SESSION};
use crate::panics::Panics;
use crate::record::{Properties, Record, Text, TextError, User, UserId, UserIssue, UserSource};
use http::header::{HeaderMap, HeaderValue};
use http::request::Parts;

/// The answer of one source: an id, and why an earlier candidate of the same source was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) id: Option<UserId>,
    pub(crate) issue: Option<UserIssue>,
}

impl Claim {
    /// Accepts or refuses a candidate. An empty one counts as none.
    pub(super) fn of(candidate: Result<UserId, TextError>) -> Self {
        match candidate {
            Ok(id) => Self { id: Some(id), issue: None },
            Err(error) => Self { id: None, issue: UserIssue::from_error(error) },
        }
    }

    pub(super) fn refused(issue: UserIssue) -> Self {
        Self { id: None, issue: Some(issue) }
    }

    /// Asks the next candidate if there is no usable id yet. The first refusal is kept.
    pub(super) fn or_else(self, next: impl FnOnce() -> Self) -> Self {
        if self.id.is_some() {
            return self;
        }
        let next = next();
        Self { id: next.id, issue: self.issue.or(next.issue) }
    }
}

/// The caller of a request, as far as its head names them.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    verified: Claim,
    header: Claim,
    custom: Claim,
    session: Option<Text>,
    client_request_id: Option<Text>,
    properties: Properties,
}

impl Caller {
    /// Asks all sources that the head of a request has, in their order, until one has a usable id.
    pub(crate) fn of(identity: &IdentifySettings, head: &Parts, panics: &Panics) -> Self {
        let mut caller = Self::default();
        caller.read_labels(&head.headers);
        if let Some(user) = head.extensions.get::<User>() {
            caller.verified.id = Some(user.id.clone());
            return caller;
        }
        let values = identity.headers.iter().flat_map(|name| head.headers.get_all(name));
        caller.header = values.fold(Claim::default(), |claim, value| claim.or_else(|| of_header(value)));
        if let Some(custom) = identity.custom.as_ref().filter(|_| caller.header.id.is_none()) {
            caller.custom = match panics.catch(|| custom.identify(head)) {
                Some(id) => Claim { id, issue: None },
                None => Claim::refused(UserIssue::Panicked),
            };
        }
        caller
    }

    /// Decides who is calling, now that the body has had its say: the first source with a usable id, and the first refusal
    /// up to there.
    fn user(&self, body: Claim) -> (Option<User>, Option<UserIssue>) {
        let sources = [
            (UserSource::Verified, self.verified.clone()),
            (UserSource::Header, self.header.clone()),
            (UserSource::Body, body),
            (UserSource::Custom, self.custom.clone()),
        ];
        let mut first_issue = None;
        for (source, Claim { id, issue }) in sources {
            first_issue = first_issue.or(issue);
            if let Some(id) = id {
                return (Some(User::new(id, source)), first_issue);
            }
        }
        (None, first_issue)
    }

    /// Writes the caller to the record of the call. `body` is what the body says of the user.
    pub(crate) fn fill(&self, record: &mut Record, body: Claim, identity: &IdentifySettings) {
        let (user, issue) = self.user(body);
        record.user = user.and_then(|user| identity.kept(user));
        record.user_issue = issue;
        record.session = self.session.clone();
        record.client_request_id = self.client_request_id.clone();
        record.properties = self.properties.clone();
    }

    /// Reads the headers that name the session, the request and its properties in one pass. A value that cannot be kept is
    /// counted, and an empty one is ignored, like an empty user id.
    fn read_labels(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            let Some(name) = name.as_str().strip_prefix(PREFIX) else { continue };
            let text = match name {
                SESSION => &mut self.session,
                REQUEST => &mut self.client_request_id,
                // In lower case, as HTTP/2 sends it.
                _ => {
                    let Some(name) = name.strip_prefix(PROPERTY_PREFIX) else { continue };
                    match trimmed(value) {
                        Some("") => {}
                        Some(value) => self.properties.insert(name, value),
                        None => self.properties.refuse(),
                    }
                    continue;
                }
            };
            match trimmed(value).map(Text::new) {
                // The first that can be kept.
                Some(Ok(value)) => *text = text.take().or(Some(value)),
                Some(Err(TextError::Empty)) => {}
                None | Some(Err(_)) => self.properties.refuse(),
            }
        }
    }
}

/// Returns a header's value without the white space around it, if it is UTF-8.
fn trimmed(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
}

fn of_header(value: &HeaderValue) -> Claim {
    match trimmed(value) {
        Some(id) => Claim::of(UserId::new(id)),
        None => Claim::refused(UserIssue::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use std::sync::Arc;

    type Decision<'a> = (Option<(&'a str, UserSource)>, Option<UserIssue>);
    /// What the extension, the headers, the body and the application say, and who it is then.
    type Row<'a> = (Option<&'a str>, &'a [&'a [u8]], Claim, Option<&'a str>, Decision<'a>);

    /// Walks through all sources: each names an id, is refused, or is silent.
    #[test]
    fn the_first_source_with_a_usable_id_decides_and_the_first_refusal_is_told() {
        use UserIssue::{ControlCharacter, NotUtf8, Panicked, TooLong};
        use UserSource::{Body, Custom, Header, Verified};
        const NONE: Claim = Claim { id: None, issue: None };
        let long = "x".repeat(257);
        let id = |id: &str| Claim::of(UserId::verbatim(id));
        let panics = Panics::default();
        let table: [Row<'_>; 17] = [
            // The extension wins over everything, and nothing else is asked.
            (Some("ext"), &[b"head"], id("body"), Some("own"), (Some(("ext", Verified)), None)),
            (Some("ext"), &[b"\xff"], id(&long), Some("panic"), (Some(("ext", Verified)), None)),
            // The header comes next, in all its spellings.
            (None, &[b"head"], id("body"), Some("own"), (Some(("head", Header)), None)),
            (None, &[b"\"head\""], NONE, None, (Some(("head", Header)), None)),
            (None, &[b"  head "], NONE, None, (Some(("head", Header)), None)),
            (None, &["zo\u{eb}".as_bytes()], NONE, None, (Some(("zo\u{eb}", Header)), None)),
            // The first usable of several values counts.
            (None, &[b"", long.as_bytes(), b"b", b"c"], NONE, None, (Some(("b", Header)), Some(TooLong))),
            // An unusable header falls through to the body; one that is empty does so without a reason.
            (None, &[b""], id("body"), Some("own"), (Some(("body", Body)), None)),
            (None, &[b"\"\""], id("body"), None, (Some(("body", Body)), None)),
            (None, &[long.as_bytes()], id("body"), None, (Some(("body", Body)), Some(TooLong))),
            (None, &[b"zo\xeb"], id("a\nb"), None, (None, Some(NotUtf8))),
            // An unusable body falls through to the application.
            (None, &[], id(""), Some("own"), (Some(("own", Custom)), None)),
            (None, &[], id("a\nb"), Some("own"), (Some(("own", Custom)), Some(ControlCharacter))),
            (None, &[], id(&long), Some("panic"), (None, Some(TooLong))),
            (None, &[], id("body"), Some("panic"), (Some(("body", Body)), None)),
            (None, &[], NONE, Some("panic"), (None, Some(Panicked))),
            // Nobody is nobody.
            (None, &[], NONE, None, (None, None)),
        ];
        for (row, (extension, headers, body, own, expected)) in table.into_iter().enumerate() {
            let custom = own.map(|own| {
                let own = own.to_owned();
                Arc::new(move |_: &Parts| {
                    assert!(own != "panic", "of the application");
                    UserId::new(&own).ok()
                }) as Arc<dyn super::super::Identify>
            });
            let identity = IdentifySettings { custom, ..IdentifySettings::default() };
            let mut request = Request::builder();
            for value in headers {
                request = request.header("Helicone-User-Id", HeaderValue::from_bytes(value).unwrap());
            }
            if let Some(id) = extension {
                // Whatever source it names.
                request = request.extension(User::new(UserId::new(id).unwrap(), Body));
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            let (user, issue) = Caller::of(&identity, &head, &panics).user(body);
            let user = user.as_ref().map(|user| (user.id.as_str(), user.source));
            assert_eq!((user, issue), expected, "row {row}");
        }
    }

    #[test]
    fn session_request_and_properties_are_kept_within_their_bounds() {
        let mut request = Request::builder()
            .header("Helicone-Session-Id", "s-1")
            .header("Helicone-Request-Id", "r-1")
            .header("Helicone-Property-Team", "search")
            .header("Helicone-Property-Long", "x".repeat(257));
        for n in 0..Properties::MAX {
            request = request.header(format!("Helicone-Property-P{n}"), "v");
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let caller = Caller::of(&IdentifySettings::default(), &head, &Panics::default());
        assert_eq!(caller.session.as_deref(), Some("s-1"));
        assert_eq!(caller.client_request_id.as_deref(), Some("r-1"));
        assert_eq!(caller.properties.get("team"), Some("search"));
        assert_eq!((caller.properties.len(), caller.properties.dropped()), (Properties::MAX, 2));
    }
}
