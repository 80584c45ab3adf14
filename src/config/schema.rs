//! The JSON Schema of the config file: published, and the one thing the shape of a file is checked by.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::file::File;

/// The schema, with every type inlined: an editor shows each description where it belongs.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<File>().to_value()
}

/// The schema as the published file holds it.
pub fn published() -> String {
    let mut text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
    text.push('\n');
    text
}

/// The paths of every setting that holds one value, such as `broker.zone.value`.
pub(super) fn leaves(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(schema, "", &mut found);
    found
}

fn collect(schema: &Value, path: &str, found: &mut Vec<String>) {
    for (key, child) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if child["properties"].is_object() {
            collect(child, &path, found);
        } else if !child["additionalProperties"].is_object() && !child["items"]["properties"].is_object() {
            found.push(path);
        }
    }
}
