//! What the head of a request says about its caller.

use super::Identity;
use super::headers::{PREFIX, PROPERTY_PREFIX, REQUEST, SESSION};
use crate::panics::Panics;
use crate::record::{Properties, Text, TextError, User, UserId, UserIssue, UserSource};
use http::header::{HeaderMap, HeaderValue};

/// What the head of a request says about its caller.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    /// From the extensions or the headers, and then it wins over what the body says; or from the application's own source.
    pub(crate) user: Option<User>,
    pub(crate) issue: Option<UserIssue>,
    pub(crate) session: Option<Text>,
    pub(crate) client_request_id: Option<Text>,
    pub(crate) properties: Properties,
}

impl Caller {
    /// Reads the head of a request.
    pub(crate) fn of(identity: &Identity, request: &http::request::Parts, panics: &Panics) -> Self {
        let mut caller = Self::default();
        caller.read_headers(&request.headers);
        if let Some(user) = request.extensions.get::<User>() {
            caller.user = Some(User::verified(user.id.clone()));
            return caller;
        }
        for value in identity.headers.iter().flat_map(|name| request.headers.get_all(name)) {
            match user_id(value) {
                Ok(id) => {
                    caller.user = Some(User::new(id, UserSource::Header));
                    return caller;
                }
                Err(issue) => caller.issue = caller.issue.or(issue),
            }
        }
        if let Some(custom) = &identity.custom {
            match panics.catch(|| custom.identify(request)) {
                Some(id) => caller.user = id.map(|id| User::new(id, UserSource::Custom)),
                None => caller.issue = caller.issue.or(Some(UserIssue::Panicked)),
            }
        }
        caller
    }

    /// Reads the headers that name the session, the request and its properties, in one go. What cannot be kept is
    /// counted; an empty value says nothing, as an empty user id does.
    fn read_headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            let Some(name) = name.as_str().strip_prefix(PREFIX) else { continue };
            let text = match name {
                SESSION => &mut self.session,
                REQUEST => &mut self.client_request_id,
                // Named in lower case, as HTTP/2 sends them.
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

/// A header's value, when it is UTF-8, without the white space around it.
fn trimmed(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
}

/// The id in a header's value; an empty one is refused without an issue.
fn user_id(value: &HeaderValue) -> Result<UserId, Option<UserIssue>> {
    let value = trimmed(value).ok_or(Some(UserIssue::NotUtf8))?;
    UserId::new(value).map_err(UserIssue::from_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use std::sync::Arc;

    fn caller(identity: &Identity, request: http::request::Builder) -> Caller {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Caller::of(identity, &parts, &Panics::default())
    }

    fn id(caller: &Caller) -> Option<&str> {
        caller.user.as_ref().map(|user| user.id.as_str())
    }

    #[test]
    fn the_spellings_of_a_header_are_one_user() {
        for value in ["alicebob@gmail.com", "\"alicebob@gmail.com\"", "  alicebob@gmail.com "] {
            let caller = caller(&Identity::default(), Request::builder().header("Helicone-User-Id", value));
            assert_eq!(id(&caller), Some("alicebob@gmail.com"));
        }
    }

    #[test]
    fn the_first_usable_of_several_header_values_wins() {
        let request = Request::builder()
            .header("Helicone-User-Id", "")
            .header("Helicone-User-Id", "x".repeat(257))
            .header("Helicone-User-Id", "bob")
            .header("Helicone-User-Id", "carol");
        let caller = caller(&Identity::default(), request);
        assert_eq!((id(&caller), caller.issue), (Some("bob"), Some(UserIssue::TooLong)));
    }

    #[test]
    fn a_header_is_read_as_utf_8_and_refused_with_a_reason_when_it_is_not() {
        let utf8 = HeaderValue::from_bytes("zoë".as_bytes()).unwrap();
        let latin = HeaderValue::from_bytes(b"zo\xeb").unwrap();
        let request = |value| Request::builder().header("Helicone-User-Id", value);
        assert_eq!(id(&caller(&Identity::default(), request(utf8))), Some("zoë"));
        let refused = caller(&Identity::default(), request(latin));
        assert_eq!((id(&refused), refused.issue), (None, Some(UserIssue::NotUtf8)));
    }

    #[test]
    fn an_extension_wins_over_the_header_and_counts_as_verified() {
        let user = User::new(UserId::new("alice").unwrap(), UserSource::Body);
        let request = Request::builder().extension(user).header("Helicone-User-Id", "mallory");
        let caller = caller(&Identity::default(), request);
        assert_eq!(caller.user, Some(User::verified(UserId::new("alice").unwrap())));
    }

    #[test]
    fn a_panic_in_the_applications_own_source_is_a_reason() {
        let custom: Arc<dyn super::super::Identify> =
            Arc::new(|_: &http::request::Parts| panic!("of the application"));
        let identity = Identity { custom: Some(custom), ..Identity::default() };
        let caller = caller(&identity, Request::builder());
        assert_eq!((caller.user, caller.issue), (None, Some(UserIssue::Panicked)));
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
        let caller = caller(&Identity::default(), request);
        assert_eq!(caller.session.as_deref(), Some("s-1"));
        assert_eq!(caller.client_request_id.as_deref(), Some("r-1"));
        assert_eq!(caller.properties.get("team"), Some("search"));
        assert_eq!((caller.properties.len(), caller.properties.dropped()), (Properties::MAX, 2));
    }
}
