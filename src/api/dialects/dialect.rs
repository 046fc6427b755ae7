//! What a dialect is made of.

use crate::api::members::Wanted;
use crate::api::reading::Convention;
use crate::api::route::ApiRoute;
use crate::record::{Api, Operation, Provider, Usage};
use crate::wire::select::InPieces;
use http::{HeaderMap, Method};

/// What is particular to a dialect.
pub(super) struct Dialect {
    /// The APIs that speak it.
    pub(super) apis: &'static [Spoken],
    /// What a method and the segments of a path, the last one first, ask for.
    pub(super) route: fn(&Method, &[&str]) -> Option<ApiRoute>,
    /// What paths mean on hosts of its own.
    pub(super) at_home: Option<fn(&Home<'_>, &mut ApiRoute)>,
    /// The members of answers that matter.
    pub(super) members: &'static [Wanted],
    /// The members of a stream that a caller waits for.
    pub(super) content: &'static [&'static str],
    /// Where texts stand that can be counted.
    pub(super) texts: TextPlaces,
    /// What the names of events say.
    pub(super) events: &'static [(&'static str, EventName)],
    /// The APIs whose answers name their shape in `object`.
    pub(super) objects: &'static [(&'static str, Api)],
    /// The conventions of its usage objects.
    pub(super) usage: &'static [Convention],
    /// Reads the usage in the headers of an answer.
    pub(super) head: Option<fn(&HeaderMap) -> Option<Usage>>,
}

impl Dialect {
    /// Nothing in particular.
    pub(super) const NONE: Self = Self {
        apis: &[],
        route: |_, _| None,
        at_home: None,
        members: &[],
        content: &[],
        texts: TextPlaces::NONE,
        events: &[],
        objects: &[],
        usage: &[],
        head: None,
    };
}

/// An API, the kind of its calls, and whether what it takes and gives is text, so that tokens can be counted.
pub(super) struct Spoken {
    pub(super) api: Api,
    pub(super) operation: Operation,
    pub(super) is_text: bool,
}

impl Spoken {
    pub(super) const fn text(api: Api, operation: Operation) -> Self {
        Self { api, operation, is_text: true }
    }

    pub(super) const fn other(api: Api) -> Self {
        Self { api, operation: Operation::Other, is_text: false }
    }
}

/// Where a request goes, for what paths mean on some hosts only.
pub(in crate::api) struct Home<'a> {
    pub(in crate::api) host: Option<&'a Provider>,
    pub(in crate::api) port: Option<u16>,
    pub(in crate::api) method: &'a Method,
    pub(in crate::api) path: &'a str,
}

/// Paths to texts, and which values there.
pub(super) type TextPaths = &'static [(&'static str, InPieces)];

/// Where texts stand.
pub(super) struct TextPlaces {
    pub(super) request: TextPaths,
    /// In the events of a stream. What repeats them at the end is not among these.
    pub(super) stream: TextPaths,
    /// In an answer that is one document.
    pub(super) document: TextPaths,
    /// In answers whose streams are made of such documents too.
    pub(super) both: TextPaths,
}

impl TextPlaces {
    pub(super) const NONE: Self = Self { request: &[], stream: &[], document: &[], both: &[] };
}

/// What the name of an event says.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::api) struct EventName {
    /// The API is this one.
    pub(in crate::api) api: Option<Api>,
    /// Nothing of interest follows.
    pub(in crate::api) is_last: bool,
    /// It brings text, reasoning or a call of a tool.
    pub(in crate::api) is_content: bool,
    /// The call failed.
    pub(in crate::api) failed: bool,
    /// It is a message as Anthropic's are.
    pub(in crate::api) is_message: bool,
    /// It announces an item that comes again when it is done.
    pub(in crate::api) begins_item: bool,
}

impl EventName {
    pub(super) const NONE: Self = Self {
        api: None,
        is_last: false,
        is_content: false,
        failed: false,
        is_message: false,
        begins_item: false,
    };
    pub(super) const LAST: Self = Self { is_last: true, ..Self::NONE };
    pub(super) const CONTENT: Self = Self { is_content: true, ..Self::NONE };
    pub(super) const FAILED: Self = Self { failed: true, is_last: true, ..Self::NONE };
}
