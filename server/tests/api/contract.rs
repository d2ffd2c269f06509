//! The contract as a judge of answers.

use std::{collections::HashMap, sync::LazyLock};

use agentidp_server::generated::OPENAPI_JSON;
use jsonschema::Validator;
use serde_json::{Value, json};

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::load);

/// Fails the test unless the contract allows that answer. `body` is `None` for an empty one.
pub fn judge(method: &str, path: &str, status: u16, body: Option<&Value>) {
    CONTRACT.judge(method, path, status, body);
}

/// Every operation as (method, path template, operation).
pub fn operations() -> Vec<(String, String, Value)> {
    CONTRACT
        .operations
        .iter()
        .map(|o| (o.method.clone(), o.path.clone(), o.node.clone()))
        .collect()
}

struct Contract {
    operations: Vec<Operation>,
    components: Value,
    /// By schema name.
    validators: HashMap<String, Validator>,
}

struct Operation {
    method: String,
    path: String,
    aliases: Vec<String>,
    node: Value,
}

impl Contract {
    fn load() -> Self {
        let document: Value = serde_json::from_str(OPENAPI_JSON).unwrap();
        let mut components = document["components"].clone();
        close(&mut components);
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, node) in item.as_object().unwrap() {
                let aliases = node["x-sdk"]["aliases"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    aliases: aliases
                        .iter()
                        .filter_map(|a| a.as_str().map(str::to_owned))
                        .collect(),
                    node: node.clone(),
                });
            }
        }
        let names: Vec<String> = components["schemas"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let validators = names
            .into_iter()
            .map(|name| {
                let schema = json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "$ref": format!("#/components/schemas/{name}"),
                    "components": components,
                });
                let validator = jsonschema::options()
                    .should_validate_formats(true)
                    .build(&schema)
                    .unwrap();
                (name, validator)
            })
            .collect();
        Self {
            operations,
            components,
            validators,
        }
    }

    fn judge(&self, method: &str, path: &str, status: u16, body: Option<&Value>) {
        let method = if method == "HEAD" { "GET" } else { method };
        let at_path: Vec<&Operation> = self.operations.iter().filter(|o| o.answers(path)).collect();
        let Some(operation) = at_path.iter().find(|o| o.method == method) else {
            // No operation of the contract: 404 and 405 have the envelope of what is there.
            let oauth = at_path
                .iter()
                .any(|o| o.node["x-sdk"]["envelope"] == "oauth");
            let schema = if oauth {
                "OAuthErrorResponse"
            } else {
                "ErrorResponse"
            };
            assert!(
                matches!(status, 404 | 405),
                "{method} {path}: {status} without an operation"
            );
            self.validate(schema, body.unwrap(), method, path, status);
            return;
        };
        let response = &operation.node["responses"][status.to_string()];
        assert!(
            !response.is_null(),
            "{method} {path}: the contract has no answer {status}: {body:?}"
        );
        let response = self.resolve(response);
        let schema = &response["content"]["application/json"]["schema"]["$ref"];
        match (schema.as_str(), body) {
            (None, None) => {}
            (Some(reference), Some(body)) => {
                let name = reference.rsplit('/').next().unwrap();
                self.validate(name, body, method, path, status);
                if let Some(codes) = response["x-error-codes"].as_array() {
                    assert!(
                        codes.contains(&body["code"]),
                        "{method} {path} {status}: {} is none of {codes:?}",
                        body["code"]
                    );
                }
            }
            (schema, body) => panic!(
                "{method} {path} {status}: the contract says {schema:?}, the answer is {body:?}"
            ),
        }
    }

    fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        match node["$ref"].as_str() {
            Some(reference) => {
                let name = reference.rsplit('/').next().unwrap();
                &self.components["responses"][name]
            }
            None => node,
        }
    }

    fn validate(&self, schema: &str, body: &Value, method: &str, path: &str, status: u16) {
        let faults: Vec<String> = self.validators[schema]
            .iter_errors(body)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(
            faults.is_empty(),
            "{method} {path} {status} is no {schema}: {faults:#?}\n{body:#}"
        );
    }
}

impl Operation {
    fn answers(&self, path: &str) -> bool {
        std::iter::once(&self.path)
            .chain(&self.aliases)
            .any(|template| {
                let mut given = path.split('/');
                let mut wanted = template.split('/');
                loop {
                    match (given.next(), wanted.next()) {
                        (None, None) => return true,
                        (Some(given), Some(wanted))
                            if given == wanted
                                || (wanted.starts_with('{') && !given.is_empty()) => {}
                        _ => return false,
                    }
                }
            })
    }
}

/// Answers may gain fields in later versions, but this server must not send one that its contract
/// does not have. Parts of an `allOf` stay open: the whole is what counts.
fn close(components: &mut Value) {
    let schemas = components["schemas"].as_object_mut().unwrap();
    let mut parts: Vec<String> = Vec::new();
    for schema in schemas.values() {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            if let Some(reference) = part["$ref"].as_str() {
                parts.push(reference.rsplit('/').next().unwrap().to_owned());
            }
        }
    }
    for (name, schema) in schemas {
        let open = parts.contains(name) || schema.get("additionalProperties").is_some();
        if schema.get("properties").is_some() && !open {
            schema["additionalProperties"] = json!(false);
        }
        if schema.get("allOf").is_some() {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
}
