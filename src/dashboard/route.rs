//! What is where.

use super::answer::Facing;

/// What a path leads to. Paths are one or more levels below wherever the service is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Root,
    Page(Page),
    Asset(Asset),
    Api(Api),
    Helicone(Form),
}

/// The pages for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Users,
    User,
    Activity,
    Health,
}

/// What is compiled in and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asset {
    Style,
    Script,
    Icon,
    OpenApi,
}

/// Our own questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Users,
    User,
    Series,
    Breakdown,
    Retention,
    Histogram,
    Overview,
    Calls,
    Health,
}

/// The questions in Helicone's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Metrics,
    Overview,
    Users,
}

/// All paths but the root.
pub(super) const ROUTES: [(&str, Route); 20] = [
    ("/users", Route::Page(Page::Users)),
    ("/user", Route::Page(Page::User)),
    ("/activity", Route::Page(Page::Activity)),
    ("/health", Route::Page(Page::Health)),
    ("/dashboard.css", Route::Asset(Asset::Style)),
    ("/dashboard.js", Route::Asset(Asset::Script)),
    ("/icon.svg", Route::Asset(Asset::Icon)),
    ("/openapi.json", Route::Asset(Asset::OpenApi)),
    ("/api/users", Route::Api(Api::Users)),
    ("/api/user", Route::Api(Api::User)),
    ("/api/series", Route::Api(Api::Series)),
    ("/api/breakdown", Route::Api(Api::Breakdown)),
    ("/api/retention", Route::Api(Api::Retention)),
    ("/api/histogram", Route::Api(Api::Histogram)),
    ("/api/overview", Route::Api(Api::Overview)),
    ("/api/calls", Route::Api(Api::Calls)),
    ("/api/health", Route::Api(Api::Health)),
    ("/v1/user/metrics/query", Route::Helicone(Form::Metrics)),
    ("/v1/user/metrics-overview/query", Route::Helicone(Form::Overview)),
    ("/v1/user/query", Route::Helicone(Form::Users)),
];

impl Route {
    pub(super) fn of(path: &str) -> Option<Self> {
        if path.is_empty() || path == "/" {
            return Some(Self::Root);
        }
        ROUTES.iter().find(|(known, _)| *known == path).map(|(_, route)| *route)
    }

    /// Who reads what is wrong there.
    pub(super) fn facing(&self) -> Facing {
        match self {
            Self::Root | Self::Page(_) | Self::Asset(_) => Facing::Person,
            Self::Api(_) => Facing::Program,
            Self::Helicone(_) => Facing::HeliconeClient,
        }
    }
}
