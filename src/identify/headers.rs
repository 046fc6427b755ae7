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

/// What a layer has taken out of a request, for the layers within.
#[derive(Clone)]
struct TakenOut(Vec<(HeaderName, HeaderValue)>);

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
/// find it again with [`as_called`], except for `Helicone-Auth`, which does not name the caller.
pub(crate) fn take_out(users: &[HeaderName], parts: &mut Parts) {
    let headers = &mut parts.headers;
    let mut taken = Vec::new();
    if stand_last(users, headers) {
        while let Some(name) = headers.keys().last().filter(|name| is_for_us(users, name)) {
            // To clone a name that came with a request takes an allocation, and one of the settings none.
            let name = users.iter().find(|user| *user == name).unwrap_or(name).clone();
            let more: Vec<_> = headers.get_all(&name).iter().skip(1).cloned().collect();
            taken.extend(more.into_iter().rev().map(|value| (name.clone(), value)));
            let Some(first) = headers.remove(&name) else { break };
            taken.push((name, first));
        }
        taken.reverse();
    } else {
        let all: Vec<_> = headers.drain().collect();
        let mut current = None;
        for (name, value) in all {
            // A further value of the same header comes without its name.
            current = name.or(current);
            match current.clone() {
                Some(name) if is_for_us(users, &name) => taken.push((name, value)),
                Some(name) => drop(headers.append(name, value)),
                None => {}
            }
        }
    }
    let mut outside = parts.extensions.remove().map_or_else(Vec::new, |TakenOut(outside)| outside);
    let is_known = |name: &HeaderName| outside.iter().any(|(known, _)| known == name);
    taken.retain(|(name, _)| name.as_str().strip_prefix(PREFIX) != Some(AUTH) && !is_known(name));
    if outside.is_empty() {
        outside = taken;
    } else {
        outside.append(&mut taken);
    }
    parts.extensions.insert(TakenOut(outside));
}

/// Whether our headers stand after all others. Then each can be removed by itself: [`HeaderMap::remove`] moves the last
/// header into the gap, which would change the order of the others.
fn stand_last(users: &[HeaderName], headers: &HeaderMap) -> bool {
    headers.keys().skip_while(|name| !is_for_us(users, name)).all(|name| is_for_us(users, name))
}

/// Returns the head of a request as the caller has sent it: with what outer layers have taken out of it, in the place of any
/// header of the same name.
pub(crate) fn as_called(parts: &Parts) -> Cow<'_, Parts> {
    let Some(TakenOut(taken)) = parts.extensions.get() else { return Cow::Borrowed(parts) };
    let mut called = parts.clone();
    let mut current = None;
    for (name, value) in taken {
        if current != Some(name) {
            called.headers.remove(name);
            current = Some(name);
        }
        // A map that is full holds far more headers than anything that sends them.
        let _ = called.headers.try_append(name, value.clone());
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

    proptest::proptest! {
        #[test]
        fn the_others_keep_their_order_wherever_ours_stand(
            names in proptest::collection::vec(
                proptest::sample::select(vec![
                    "helicone-user-id", "helicone-auth", "helicone-property-a", "x-user", "accept", "x-first", "x-second",
                ]),
                0..12,
            ),
        ) {
            let users = [HeaderName::from_static("x-user")];
            let sent: Vec<_> = names.into_iter().zip(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b"]).collect();
            let mut parts = head(&sent);
            let ours = |(name, _): &(&str, &str)| name.starts_with(PREFIX) || *name == "x-user";
            let expected: Vec<_> = all(&parts.headers).into_iter().filter(|header| !ours(header)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let called: Vec<_> = all(&parts.headers).into_iter().filter(|header| ours(header) && header.0 != "helicone-auth").map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            take_out(&users, &mut parts);
            let left: Vec<_> = all(&parts.headers).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            proptest::prop_assert_eq!(left, expected);
            let seen = as_called(&parts);
            let seen: Vec<_> = all(&seen.headers).into_iter().filter(ours).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            proptest::prop_assert_eq!(seen, called);
        }
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
