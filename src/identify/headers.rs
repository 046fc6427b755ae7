//! The headers by which callers name themselves and their calls.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use std::borrow::Cow;

/// The end user, by default.
pub(crate) const USER: HeaderName = HeaderName::from_static("helicone-user-id");
/// The prefix of all these headers.
pub(super) const PREFIX: &str = "helicone-";
/// Follows the prefix in the header of the caller's session.
pub(super) const SESSION: &str = "session-id";
/// Follows the prefix in the header of the caller's own id of the request.
pub(super) const REQUEST: &str = "request-id";
/// Follows the prefix in the header of a property, before its name.
pub(super) const PROPERTY_PREFIX: &str = "property-";

/// Follows the prefix in the header of the key of the service that these headers were made for.
const AUTH: &str = "auth";

/// What a layer has taken out of a request, for the layers within. A value without a name belongs to the name before it.
#[derive(Clone)]
struct TakenOut(Vec<(Option<HeaderName>, HeaderValue)>);

/// Whether a header is for us and not for the provider: `Helicone-*`, or a source of the user. A provider's own credentials
/// are for the provider, even where they are such a source too.
fn is_for_us(users: &[HeaderName], name: &HeaderName) -> bool {
    let is_credential = || {
        matches!(
            name.as_str(),
            "authorization"
                | "x-api-key"
                | "api-key"
                | "x-goog-api-key"
                | "xi-api-key"
                | "ocp-apim-subscription-key"
        )
    };
    name.as_str().starts_with(PREFIX) || (users.contains(name) && !is_credential())
}

/// Whether there is anything to [`take_out`].
pub(crate) fn names_caller(users: &[HeaderName], headers: &HeaderMap) -> bool {
    headers.keys().any(|name| is_for_us(users, name))
}

/// Takes out every `Helicone-*` header and every one that the user is read from. The others keep their order. Layers within
/// find it again with [`as_called`], but for `Helicone-Auth`, which says nothing about the caller.
pub(crate) fn take_out(users: &[HeaderName], parts: &mut Parts) {
    let headers = &mut parts.headers;
    let outside: Option<TakenOut> = parts.extensions.remove();
    let is_known = |name: &HeaderName| {
        outside
            .as_ref()
            .is_some_and(|TakenOut(taken)| taken.iter().any(|(known, _)| known.as_ref() == Some(name)))
    };
    // `HeaderMap::remove` would move the last header into the gap.
    let mut taken: Vec<_> = headers.drain().collect();
    let mut stays = false;
    let leaves = |(name, _): &mut (Option<HeaderName>, HeaderValue)| {
        if let Some(name) = name {
            let is_auth = name.as_str().strip_prefix(PREFIX) == Some(AUTH);
            stays = is_for_us(users, name) && !is_auth && !is_known(name);
        }
        !stays
    };
    let mut current = None;
    for (name, value) in taken.extract_if(.., leaves) {
        current = name.or(current);
        if let Some(name) = current.as_ref().filter(|name| !is_for_us(users, name)) {
            headers.append(name, value);
        }
    }
    let taken = match outside {
        Some(TakenOut(mut outside)) => {
            outside.append(&mut taken);
            outside
        }
        None => taken,
    };
    parts.extensions.insert(TakenOut(taken));
}

/// Returns the head of a request as the caller has sent it: with what outer layers have taken out of it, in the place of any
/// header of the same name.
pub(crate) fn as_called(parts: &Parts) -> Cow<'_, Parts> {
    let Some(TakenOut(taken)) = parts.extensions.get() else { return Cow::Borrowed(parts) };
    let mut called = parts.clone();
    let mut current = None;
    for (name, value) in taken {
        if let Some(name) = name {
            called.headers.insert(name, value.clone());
            current = Some(name);
        } else if let Some(name) = current {
            called.headers.append(name, value.clone());
        }
    }
    Cow::Owned(called)
}

/// Passes on, beside the request too, what [`take_out`] has left in its extensions.
#[cfg(feature = "reqwest-middleware")]
pub(crate) fn pass_on(from: &http::Extensions, to: &mut http::Extensions) {
    if let Some(taken) = from.get::<TakenOut>() {
        to.insert(taken.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::AUTHORIZATION;

    /// A request's head with these headers.
    fn head(headers: &[(&'static str, &'static str)]) -> Parts {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        for (name, value) in headers {
            parts.headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        parts
    }

    fn all(headers: &HeaderMap) -> Vec<(&str, &str)> {
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect()
    }

    #[test]
    fn removal_takes_all_helicone_headers_and_leaves_the_order_of_the_others() {
        let mut parts = head(&[
            ("helicone-auth", "Bearer key"),
            ("x-first", "1"),
            ("helicone-user-id", "alice"),
            ("helicone-user-id", "bob"),
            ("x-second", "2"),
            ("x-second", "2b"),
            ("helicone-property-team", "search"),
            ("heliconette", "kept"),
        ]);
        take_out(&[], &mut parts);
        let left = [("x-first", "1"), ("x-second", "2"), ("x-second", "2b"), ("heliconette", "kept")];
        assert_eq!(all(&parts.headers), left);
    }

    #[test]
    fn every_value_of_a_source_of_the_user_is_taken_out_and_no_credential_of_the_provider_s() {
        let users = [AUTHORIZATION, HeaderName::from_static("x-user"), HeaderName::from_static("x-api-key")];
        let mut parts = head(&[
            ("x-user", "alice"),
            ("authorization", "Bearer key"),
            ("x-user", "bob"),
            ("x-api-key", "key"),
            ("x-user-agent", "kept"),
        ]);
        assert!(names_caller(&users, &parts.headers));
        take_out(&users, &mut parts);
        let left = [("authorization", "Bearer key"), ("x-api-key", "key"), ("x-user-agent", "kept")];
        assert_eq!(all(&parts.headers), left);
        assert!(!names_caller(&users, &parts.headers));
    }

    #[test]
    fn what_was_taken_out_is_seen_within_before_what_stands_there_by_then() {
        let sent =
            [("helicone-user-id", "alice"), ("x-user", "alice"), ("x-user", "a"), ("helicone-auth", "key")];
        let mut parts = head(&sent);
        assert!(matches!(as_called(&parts), Cow::Borrowed(_)));
        take_out(&[], &mut parts);
        parts.headers.append("helicone-user-id", HeaderValue::from_static("of a retry"));
        // A layer within takes out more.
        take_out(&[HeaderName::from_static("x-user")], &mut parts);
        assert!(parts.headers.is_empty());
        let called = as_called(&parts);
        assert_eq!(
            all(&called.headers),
            [("helicone-user-id", "alice"), ("x-user", "alice"), ("x-user", "a")]
        );
    }
}
