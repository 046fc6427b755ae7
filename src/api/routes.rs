//! The routes of a layer's calls, most of which go to one or two places.

use super::route::ApiRoute;
use crate::record::Provider;
use arc_swap::ArcSwapOption;
use http::request::Parts;
use http::{Method, header};
use std::sync::Arc;

/// How many routes are remembered. Where two have the same slot, the later one takes it.
const SLOTS: usize = 8;

/// Longer hosts and paths are read anew each time.
const MAX_LENGTH: usize = 256;

/// Reads the heads of requests, and remembers the last routes.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    slots: [ArcSwapOption<Remembered>; SLOTS],
}

/// A route and what it was read from.
#[derive(Debug)]
struct Remembered {
    method: Method,
    host: Box<[u8]>,
    path: Box<str>,
    route: Arc<ApiRoute>,
}

impl Routes {
    /// Returns the route of a request. `setting` is the provider that the application has named, the same in each call.
    pub(crate) fn of(&self, head: &Parts, setting: Option<&Provider>) -> Arc<ApiRoute> {
        let host = match head.uri.authority() {
            Some(authority) => authority.as_str().as_bytes(),
            None => head.headers.get(header::HOST).map_or(&b""[..], |host| host.as_bytes()),
        };
        let path = head.uri.path();
        let slot = self.slots.get((path.len() + host.len()) % SLOTS);
        if let Some(known) = slot.map(ArcSwapOption::load).as_deref().and_then(Option::as_ref)
            && *known.path == *path
            && *known.host == *host
            && known.method == head.method
        {
            return Arc::clone(&known.route);
        }
        let route = Arc::new(ApiRoute::of(&head.method, &head.uri, &head.headers, setting));
        // An id is asked for once or a few times, and what stands before an `@` may be a password.
        let is_kept =
            route.asked_for.is_none() && host.len().max(path.len()) <= MAX_LENGTH && !host.contains(&b'@');
        if let Some(slot) = slot.filter(|_| is_kept) {
            let (method, route) = (head.method.clone(), Arc::clone(&route));
            slot.store(Some(Arc::new(Remembered { method, host: host.into(), path: path.into(), route })));
        }
        route
    }
}

/// Settings that change may change routes, so a copy remembers none.
impl Clone for Routes {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(method: &Method, uri: &str, host: Option<&str>) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        request.body(()).unwrap().into_parts().0
    }

    proptest! {
        #[test]
        fn a_remembered_route_is_the_one_that_would_be_read(
            calls in prop::collection::vec(
                (
                    prop::sample::select(vec![Method::GET, Method::POST]),
                    prop::sample::select(vec![
                        "/v1/messages",
                        "/v1/response",
                        "/v1/responses",
                        "/v1/responses/resp_1",
                        "/v1/models/a:generateContent",
                        "/v1/models/b:generateContent",
                    ]),
                    prop::sample::select(vec!["api.openai.com", "api.mistral.ai", "a@api.x.ai", "10.0.0.1:11434"]),
                    prop::bool::ANY,
                ),
                1..60,
            ),
        ) {
            let routes = Routes::default();
            for (method, path, host, in_uri) in calls {
                let uri = if in_uri { format!("http://{host}{path}") } else { path.to_owned() };
                let head = head(&method, &uri, (!in_uri).then_some(host));
                let read = ApiRoute::of(&head.method, &head.uri, &head.headers, None);
                prop_assert_eq!(&*routes.of(&head, None), &read);
            }
        }
    }

    #[test]
    fn a_route_is_read_once_unless_it_holds_an_id_or_a_password() {
        let routes = Routes::default();
        for (method, uri, is_kept) in [
            (Method::POST, "https://api.openai.com/v1/chat/completions", true),
            (Method::GET, "https://api.openai.com/v1/responses/resp_1", false),
            (Method::POST, "https://user:password@gateway/v1/chat/completions", false),
        ] {
            let head = head(&method, uri, None);
            let (first, second) = (routes.of(&head, None), routes.of(&head, None));
            assert_eq!(Arc::ptr_eq(&first, &second), is_kept, "{uri}");
        }
    }
}
