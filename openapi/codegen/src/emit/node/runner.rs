//! The conformance runner's table: each operation's public method, from wire arguments to wire values.

use super::{
    arguments::{Role, arguments},
    file,
    naming::{self, key, quoted, section_member, type_name},
};
use crate::{
    model::{Contract, Operation},
    writer::Writer,
};

/// `operations.mjs`.
pub fn operations(contract: &Contract) -> String {
    let mut body = Writer::new("  ");
    body.blank();
    body.line("// `call` makes the public call, `wire` turns its value into plain JSON by the public conversion; lists");
    body.line("// have `items`, the public iterator, and `item`, the conversion of one.");
    body.block("export const operations = {", "};", |w| {
        for operation in contract.operations() {
            entry(w, contract, operation);
        }
    });
    let body = body.finish();
    let mut names: Vec<String> = contract
        .models
        .iter()
        .filter(|m| body.contains(&format!(" {}.toJSON(", type_name(contract, &m.name))))
        .map(|m| type_name(contract, &m.name))
        .collect();
    names.sort();
    let mut w = file();
    if !names.is_empty() {
        w.line(format!(
            "import {{ {} }} from '@sentryagent/idp-sdk';",
            names.join(", ")
        ));
    }
    if body.contains("without(") {
        w.blank();
        w.block("function without(body, names) {", "}", |w| {
            w.line("if (body === undefined) return undefined;");
            w.line("return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));");
        });
    }
    format!("{}{body}", w.finish())
}

fn entry(w: &mut Writer, contract: &Contract, operation: &Operation) {
    let Some(section) = contract
        .sections
        .iter()
        .find(|s| s.name == operation.section)
    else {
        return;
    };
    let positional = operation
        .body
        .as_ref()
        .map_or(Vec::new(), |b| b.positional.clone());
    let passed: Vec<String> = arguments(contract, operation)
        .iter()
        .map(|argument| match &argument.role {
            Role::Path(field) => format!("path?.[{}]", quoted(&field.name)),
            Role::Positional(field) => format!("body?.[{}]", quoted(&field.name)),
            Role::Body(_) if positional.is_empty() => "body".to_owned(),
            Role::Body(_) => {
                let names: Vec<String> = positional.iter().map(|p| quoted(p)).collect();
                format!("without(body, [{}])", names.join(", "))
            }
            Role::Query(_) => "query".to_owned(),
            Role::Options => "options".to_owned(),
        })
        .collect();
    let mut taken: Vec<&str> = ["path", "query", "body"]
        .into_iter()
        .filter(|part| {
            passed.iter().any(|p| {
                p == part || p.starts_with(&format!("{part}?")) || p.contains(&format!("({part},"))
            })
        })
        .collect();
    taken.push("options");
    let method = format!(
        "client.{}.{}",
        section_member(section),
        naming::method(&operation.id)
    );
    let head = format!("(client, {{ {} }})", taken.join(", "));
    w.block(format!("{}: {{", key(&operation.id)), "},", |w| {
        w.line(format!("call: {head} => {method}({}),", passed.join(", ")));
        w.line(match operation.result() {
            Some(model) => format!(
                "wire: (value) => {}.toJSON(value),",
                type_name(contract, model)
            ),
            None => "wire: () => null,".to_owned(),
        });
        if let Some(paging) = &operation.paging {
            w.line(format!(
                "items: {head} => {method}Iter({}),",
                passed.join(", ")
            ));
            w.line(format!(
                "item: (value) => {}.toJSON(value),",
                type_name(contract, &paging.item_model)
            ));
        }
    });
}
