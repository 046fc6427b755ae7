//! The paths that are answered.

/// What a path leads to. Paths are one or more levels below wherever the service is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DashboardRoute {
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

/// The files that are compiled in and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asset {
    Style,
    Script,
    Icon,
    OpenApi,
}

/// The questions of our own API.
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

/// Who reads an answer, which decides the form of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Person,
    Program,
    HeliconeClient,
}

impl DashboardRoute {
    /// Every path but the root.
    pub(super) const ALL: [(&str, Self); 20] = [
        ("/users", Self::Page(Page::Users)),
        ("/user", Self::Page(Page::User)),
        ("/activity", Self::Page(Page::Activity)),
        ("/health", Self::Page(Page::Health)),
        ("/dashboard.css", Self::Asset(Asset::Style)),
        ("/dashboard.js", Self::Asset(Asset::Script)),
        ("/icon.svg", Self::Asset(Asset::Icon)),
        ("/openapi.json", Self::Asset(Asset::OpenApi)),
        ("/api/users", Self::Api(Api::Users)),
        ("/api/user", Self::Api(Api::User)),
        ("/api/series", Self::Api(Api::Series)),
        ("/api/breakdown", Self::Api(Api::Breakdown)),
        ("/api/retention", Self::Api(Api::Retention)),
        ("/api/histogram", Self::Api(Api::Histogram)),
        ("/api/overview", Self::Api(Api::Overview)),
        ("/api/calls", Self::Api(Api::Calls)),
        ("/api/health", Self::Api(Api::Health)),
        ("/v1/user/metrics/query", Self::Helicone(Form::Metrics)),
        ("/v1/user/metrics-overview/query", Self::Helicone(Form::Overview)),
        ("/v1/user/query", Self::Helicone(Form::Users)),
    ];

    /// Finds the route of a path.
    pub(super) fn of(path: &str) -> Option<Self> {
        if path.is_empty() || path == "/" {
            return Some(Self::Root);
        }
        Self::ALL.iter().find(|(known, _)| *known == path).map(|(_, route)| *route)
    }

    /// Returns the path from the root on, for a link from a page beside it.
    pub(super) fn relative(self) -> &'static str {
        let path = Self::ALL.iter().find(|(_, route)| *route == self).map(|(path, _)| *path);
        path.unwrap_or_default().trim_start_matches('/')
    }

    pub(super) fn audience(self) -> Audience {
        match self {
            Self::Root | Self::Page(_) | Self::Asset(_) => Audience::Person,
            Self::Api(_) => Audience::Program,
            Self::Helicone(_) => Audience::HeliconeClient,
        }
    }
}

impl From<Page> for DashboardRoute {
    fn from(page: Page) -> Self {
        Self::Page(page)
    }
}

impl From<Api> for DashboardRoute {
    fn from(api: Api) -> Self {
        Self::Api(api)
    }
}
