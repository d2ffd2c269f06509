//! One class per section: a method is one call of the base class with the operation's index.

use super::{
    arguments::{Argument, Role, arguments},
    docs, file,
    naming::{self, BODY, OPTIONS, QUERY, entry, parameter, type_name},
    samples, types,
};
use crate::{
    model::{Contract, Operation, PagingStyle, Section},
    writer::Writer,
};

/// `sections/<name>.ts`.
pub fn service(contract: &Contract, section: &Section) -> String {
    let mut body = Writer::new("  ");
    body.blank();
    docs::comment(&mut body, std::slice::from_ref(&section.description));
    body.block(
        format!("export class {} extends Service {{", section.service.node),
        "}",
        |w| {
            for (i, operation) in section.operations.iter().enumerate() {
                if i > 0 {
                    w.blank();
                }
                method(w, contract, operation);
                if operation.paging.is_some() {
                    w.blank();
                    iterator(w, contract, operation);
                }
            }
        },
    );
    let body = body.finish();
    let mut w = file();
    imports(&mut w, contract, section, &body);
    format!("{}{body}", w.finish())
}

fn imports(w: &mut Writer, contract: &Contract, section: &Section, body: &str) {
    if !section.operations.is_empty() {
        w.line("import type { CallOptions } from '../../options.js';");
    }
    let pagers: Vec<&str> = ["byCursor", "byPage"]
        .into_iter()
        .filter(|pager| body.contains(&format!("{pager}(")))
        .collect();
    if !pagers.is_empty() {
        w.line(format!(
            "import {{ {} }} from '../../pages.js';",
            pagers.join(", ")
        ));
    }
    let mut base = vec!["Service"];
    base.extend(
        ["settle", "settleByStatus"]
            .into_iter()
            .filter(|helper| body.contains(&format!("{helper}<"))),
    );
    w.line(format!(
        "import {{ {} }} from '../../service.js';",
        base.join(", ")
    ));
    if body.contains("dated(") {
        w.line("import { dated } from '../../values.js';");
    }
    let mut models: Vec<String> = Vec::new();
    let mut enums: Vec<String> = Vec::new();
    let add = |name: &str, list: &mut Vec<String>, value: bool| {
        let name = type_name(contract, name);
        let item = if value { name } else { format!("type {name}") };
        if !list.contains(&item) {
            list.push(item);
        }
    };
    for operation in &section.operations {
        for argument in arguments(contract, operation) {
            match &argument.role {
                Role::Body(model) | Role::Query(model) => {
                    add(model, &mut models, contract.model(model).usage.output);
                }
                Role::Path(field) | Role::Positional(field) => {
                    let mut names = Vec::new();
                    types::names(&field.ty, &mut names);
                    for name in names {
                        if contract.enums.iter().any(|e| e.name == name) {
                            add(name, &mut enums, false);
                        } else {
                            add(name, &mut models, contract.model(name).usage.output);
                        }
                    }
                }
                Role::Options => {}
            }
        }
        for model in operation.answers.iter().filter_map(|a| a.model.as_deref()) {
            add(model, &mut models, true);
        }
        if let Some(paging) = &operation.paging {
            add(&paging.item_model, &mut models, true);
        }
    }
    for (list, from) in [(&mut models, "models"), (&mut enums, "enums")] {
        list.sort_by_key(|item| item.trim_start_matches("type ").to_owned());
        if !list.is_empty() {
            w.line(format!(
                "import {{ {} }} from '../{from}.js';",
                list.join(", ")
            ));
        }
    }
}

fn method(w: &mut Writer, contract: &Contract, operation: &Operation) {
    let arguments = arguments(contract, operation);
    let meanings: Vec<(String, String)> = arguments
        .iter()
        .map(|a| (a.name.clone(), a.meaning(contract)))
        .collect();
    docs::comment(w, &docs::method(contract, operation, &meanings));
    let declared: Vec<String> = arguments.iter().map(Argument::declared).collect();
    let index = contract
        .operations()
        .position(|o| o.id == operation.id)
        .unwrap_or_default();
    let result = types::result(contract, operation);
    w.block(
        format!(
            "async {}({}): Promise<{result}> {{",
            naming::method(&operation.id),
            declared.join(", ")
        ),
        "}",
        |w| {
            w.line(format!(
                "const done = await this.send({index}, {}, {OPTIONS});",
                envelope(contract, operation, &arguments)
            ));
            w.line(settle(contract, operation, &result));
        },
    );
}

fn settle(contract: &Contract, operation: &Operation, result: &str) -> String {
    if !result.contains(" | ") {
        let model = operation
            .result()
            .map_or_else(|| "undefined".to_owned(), |m| type_name(contract, m));
        // `void` cannot be a type argument; where there is a value around it, it is undefined.
        let value = if result == "void" {
            "undefined"
        } else {
            result
        };
        return format!("return settle<{value}>(done, {model});");
    }
    let by_status: Vec<String> = operation
        .answers
        .iter()
        .map(|a| {
            let model = a
                .model
                .as_deref()
                .map_or_else(|| "undefined".to_owned(), |m| type_name(contract, m));
            format!("{}: {model}", a.status)
        })
        .collect();
    format!(
        "return settleByStatus<{result}>(done, {{ {} }});",
        by_status.join(", ")
    )
}

/// `{ path: { agentId }, query: params, body: request }`.
fn envelope(contract: &Contract, operation: &Operation, arguments: &[Argument]) -> String {
    let mut parts = Vec::new();
    let path: Vec<String> = operation
        .path_params
        .iter()
        .map(|f| entry(&f.name, &parameter(&f.name)))
        .collect();
    if !path.is_empty() {
        parts.push(format!("path: {{ {} }}", path.join(", ")));
    }
    let has = |wanted: fn(&Role) -> bool| arguments.iter().any(|a| wanted(&a.role));
    if let Some(query) = &operation.query {
        parts.push(format!("query: {}", sound(contract, query, QUERY)));
    }
    if let Some(body) = &operation.body {
        let rest = has(|role| matches!(role, Role::Body(_)));
        let whole = if body.positional.is_empty() {
            BODY.to_owned()
        } else {
            let mut fields: Vec<String> = Vec::new();
            if rest {
                fields.push(format!("...{BODY}"));
            }
            fields.extend(body.positional.iter().map(|p| entry(p, &parameter(p))));
            format!("{{ {} }}", fields.join(", "))
        };
        parts.push(format!("body: {}", sound(contract, &body.model, &whole)));
    }
    if parts.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", parts.join(", "))
    }
}

/// The value, checked where a `Date` may stand in it.
fn sound(contract: &Contract, model: &str, value: &str) -> String {
    if types::has_instant(contract, contract.model(model)) {
        format!("dated({value})")
    } else {
        value.to_owned()
    }
}

fn iterator(w: &mut Writer, contract: &Contract, operation: &Operation) {
    let Some(paging) = &operation.paging else {
        return;
    };
    let arguments = arguments(contract, operation);
    let declared: Vec<String> = arguments
        .iter()
        .map(|argument| match argument.role {
            Role::Query(_) if argument.optional => {
                format!("{}: {} = {{}}", argument.name, argument.ty)
            }
            _ => argument.declared(),
        })
        .collect();
    let item = type_name(contract, &paging.item_model);
    let method = naming::method(&operation.id);
    docs::comment(
        w,
        &[
            format!(
                "The same list, one item after the other: pages are fetched as they are needed, each as {{@link {method}}} does."
            ),
            String::new(),
            "@example".into(),
            format!(
                "for await (const item of client.{}.{method}Iter({})) console.log(item);",
                section_member(contract, operation),
                samples::arguments(contract, operation).join(", ")
            ),
        ],
    );
    let passed: Vec<&str> = arguments
        .iter()
        .map(|argument| match argument.role {
            Role::Query(_) => "query",
            _ => argument.name.as_str(),
        })
        .collect();
    let pager = match paging.style {
        PagingStyle::Page => "byPage",
        PagingStyle::Cursor => "byCursor",
    };
    w.block(
        format!(
            "{method}Iter({}): AsyncGenerator<{item}, void, undefined> {{",
            declared.join(", ")
        ),
        "}",
        |w| {
            w.line(format!(
                "return {pager}((query) => this.{method}({}), {QUERY});",
                passed.join(", ")
            ));
        },
    );
}

fn section_member(contract: &Contract, operation: &Operation) -> String {
    contract
        .sections
        .iter()
        .find(|s| s.name == operation.section)
        .map_or_else(|| operation.section.clone(), naming::section_member)
}
