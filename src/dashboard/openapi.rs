//! The `OpenAPI` document, made from a description of the operations and the table of measures.

use super::json::set;
use super::route::DashboardRoute;
use crate::report::{Breakdown, GroupBy, Measure, MeasureUnit, Table, UserPage};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What `assets/openapi.json` holds: everything but the measures and what all operations have in common.
#[derive(Default, Deserialize)]
struct Description {
    info: Value,
    operations: BTreeMap<String, Operation>,
    parameters: Map<String, Value>,
    schemas: Map<String, Value>,
}

#[derive(Deserialize)]
struct Operation {
    #[serde(rename = "operationId")]
    id: String,
    summary: String,
    /// The names of the parameters, without those of every question.
    #[serde(default)]
    parameters: Vec<String>,
    /// Whether the answer can be had as CSV and JSON lines.
    #[serde(default)]
    files: bool,
    /// Whether the answer says what is missing from it.
    #[serde(default)]
    gaps: bool,
    not_found: Option<String>,
    /// The schema of the request's body.
    body: Option<Value>,
    /// The schema of the answer.
    answer: Value,
}

/// The parameters of every question.
const COMMON: [&str; 10] =
    ["range", "from", "to", "zone", "model", "provider", "operation", "property", "id", "row"];

/// Returns the document.
pub(super) fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let description = serde_json::from_str(include_str!("assets/openapi.json"));
        make(description.unwrap_or_default()).to_string()
    });
    &DOCUMENT
}

fn make(Description { info, operations, mut parameters, mut schemas }: Description) -> Value {
    let histograms = Measure::ALL.iter().filter(|measure| measure.has_histogram());
    let columns = Measure::ALL.iter().map(|measure| measure.as_str());
    for (name, values) in [
        ("sort", ["user"].into_iter().chain(columns).collect::<Value>()),
        ("measure", histograms.map(|measure| measure.as_str()).collect()),
    ] {
        if let Some(schema) = parameters.get_mut(name).and_then(|parameter| parameter.get_mut("schema")) {
            set(schema, "enum", values);
        }
    }
    for (name, parameter) in &mut parameters {
        set(parameter, "name", name.as_str());
        set(parameter, "in", "query");
    }
    let of_totals = Breakdown::new(GroupBy::Model).columns();
    for (name, columns) in [
        ("User", &UserPage::default().columns()),
        ("Step", &of_totals),
        ("Group", &of_totals),
        ("OverviewRow", &of_totals),
    ] {
        let Some(properties) = schemas.get_mut(name).and_then(|schema| schema.get_mut("properties")) else {
            continue;
        };
        for measure in columns.iter().filter_map(|column| Measure::named(column)) {
            set(properties, measure.as_str(), schema_of(measure.unit()));
        }
    }
    let paths: Map<String, Value> =
        operations.into_iter().map(|(path, operation)| (path.clone(), path_item(&path, operation))).collect();
    json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {"parameters": parameters, "schemas": schemas},
    })
}

fn schema_of(unit: MeasureUnit) -> Value {
    match unit {
        MeasureUnit::Count | MeasureUnit::Microseconds => json!({"type": "integer", "minimum": 0}),
        MeasureUnit::Dollars | MeasureUnit::AverageDollars => {
            json!({"type": "number", "description": "US dollars, an exact decimal of up to twelve places."})
        }
        MeasureUnit::Time => json!({"type": "string", "format": "date-time"}),
        _ => json!({"type": "number", "minimum": 0}),
    }
}

fn path_item(path: &str, mut operation: Operation) -> Value {
    let is_form = matches!(DashboardRoute::of(path), Some(DashboardRoute::Helicone(_)));
    let error = if is_form { "ResultError" } else { "Error" };
    let failed = |description: &str| json!({"description": description, "content": content(&reference("schemas", error))});
    let mut responses = json!({
        "400": failed("A parameter is invalid; the error names it."),
        "403": failed("The guard lets you see nothing."),
        "405": failed("The method is not allowed."),
        "500": failed("The store failed."),
    });
    if let Some(description) = &operation.not_found {
        set(&mut responses, "404", failed(description));
    }
    if is_form {
        set(&mut responses, "413", failed("The body is longer than 65536 bytes."));
        set(&mut responses, "415", failed("The body is not application/json."));
        operation.answer = json!({
            "type": "object",
            "properties": {"data": operation.answer, "error": {"type": "null"}},
            "required": ["data", "error"],
            "additionalProperties": false,
        });
    }
    if operation.gaps {
        let widened = "Whether part of the window is kept only in whole days of UTC, so that the answer is about these.";
        if let Some(properties) = operation.answer.get_mut("properties") {
            set(properties, "gaps", reference("schemas", "Gaps"));
            set(properties, "widened", json!({"type": "boolean", "description": widened}));
            set(properties, "zone", json!({"type": "string"}));
        }
    }
    let mut answer = content(&operation.answer);
    if operation.files {
        operation.parameters.push("format".to_owned());
        set(&mut answer, "text/csv", json!({"schema": {"type": "string"}}));
        set(&mut answer, "application/jsonl", json!({"schema": {"type": "string"}}));
    }
    set(&mut responses, "200", json!({"description": "The answer.", "content": answer}));
    let mut item = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [if is_form { "Helicone's forms" } else { "Report" }],
        "responses": responses,
    });
    if let Some(schema) = operation.body {
        set(&mut item, "requestBody", json!({"required": true, "content": content(&schema)}));
        return json!({"post": item});
    }
    let parameters = COMMON.into_iter().chain(operation.parameters.iter().map(String::as_str));
    let parameters: Value = parameters.map(|name| reference("parameters", name)).collect();
    set(&mut item, "parameters", parameters);
    json!({"get": item})
}

fn content(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_route_and_every_measure_and_no_loose_reference() {
        let document: Value = serde_json::from_str(document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let described = |path: &str| path.starts_with("/api/") || path.starts_with("/v1/");
        let routes = DashboardRoute::ALL.iter().map(|(path, _)| *path).filter(|path| described(path));
        assert_eq!(routes.clone().count(), paths.len());
        assert!(routes.clone().all(|path| paths.contains_key(path)));
        let schemas = &document["components"]["schemas"];
        for measure in Measure::ALL {
            assert!(schemas["User"]["properties"].get(measure.as_str()).is_some(), "{measure:?}");
        }
        let text = document.to_string();
        for reference in text.split("\"#/components/").skip(1) {
            let (kind, name) = reference.split_once('"').unwrap().0.split_once('/').unwrap();
            assert!(document["components"][kind].get(name).is_some(), "{kind} {name}");
        }
    }
}
