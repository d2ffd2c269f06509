//! The services: one module a section, with the sync and the async class from one description,
//! and the index that hangs them on the clients.

use std::collections::BTreeSet;

use super::{names, python_file, text};
use crate::{
    model::{Auth, Contract, Field, Operation, PagingStyle, Section, Type},
    writer::Writer,
};

/// Which of the pair is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Sync,
    Async,
}

impl Flavour {
    const BOTH: [Self; 2] = [Self::Sync, Self::Async];

    /// `""` or the other word.
    fn pick(self, sync: &'static str, asynchronous: &'static str) -> &'static str {
        match self {
            Self::Sync => sync,
            Self::Async => asynchronous,
        }
    }
}

/// The body or the query as the method takes it.
struct Payload<'a> {
    /// The model's class.
    class: String,
    /// `body` or `query`.
    part: &'static str,
    /// Fields taken by position.
    positional: Vec<&'a Field>,
    /// Fields taken by keyword.
    keywords: Vec<&'a Field>,
    /// May be left out.
    optional: bool,
}

/// Emits `services/__init__.py`.
pub fn index(contract: &Contract) -> String {
    let mut w = python_file("The services of the two clients, one a section of the API.");
    w.line("from __future__ import annotations").blank();
    let mut exported = vec!["AsyncServices".to_owned(), "Services".to_owned()];
    let mut imports: Vec<String> = Vec::new();
    for section in &contract.sections {
        let (module, class) = (names::attribute(&section.name), &section.service.python);
        let mut pair = [format!("Async{class}"), class.clone()];
        pair.sort();
        imports.push(format!("from .{module} import {}", pair.join(", ")));
        exported.extend([class.clone(), format!("Async{class}")]);
    }
    imports.push("from .._service import AsyncTransport, SyncTransport".into());
    imports.sort_by_key(|line| (!line.starts_with("from .."), line.clone()));
    imports.iter().for_each(|line| {
        w.line(line);
    });
    exported.sort();
    w.blank().block("__all__ = [", "]", |w| {
        for class in &exported {
            w.line(format!("{},", text::literal(class)));
        }
    });
    for flavour in Flavour::BOTH {
        w.blank().blank();
        services(&mut w, contract, flavour);
    }
    super::squeeze(&w.finish(), 2)
}

fn services(w: &mut Writer, contract: &Contract, flavour: Flavour) {
    let prefix = flavour.pick("", "Async");
    w.block(format!("class {prefix}Services:"), "", |w| {
        text::docstring(w, "One service a section of the API.");
        w.blank();
        for section in &contract.sections {
            let class = &section.service.python;
            w.line(format!(
                "{}: {prefix}{class}",
                names::attribute(&section.name)
            ));
            text::docstring(w, &section.description);
        }
        w.blank();
        w.block(
            format!(
                "def _attach(self, transport: {}Transport) -> None:",
                flavour.pick("Sync", "Async")
            ),
            "",
            |w| {
                for section in &contract.sections {
                    w.line(format!(
                        "self.{} = {prefix}{}(transport)",
                        names::attribute(&section.name),
                        section.service.python
                    ));
                }
            },
        );
    });
}

/// Emits `services/<section>.py`.
pub fn section(contract: &Contract, section: &Section) -> String {
    let mut body = Writer::new("    ");
    let first = contract
        .operations()
        .position(|o| o.section == section.name)
        .unwrap_or_default();
    for flavour in Flavour::BOTH {
        body.blank().blank();
        let class = format!("{}{}", flavour.pick("", "Async"), section.service.python);
        let base = flavour.pick("Service", "AsyncService");
        body.block(format!("class {class}({base}):"), "", |w| {
            text::docstring(w, &section.description);
            w.blank().line("__slots__ = ()");
            for (i, operation) in section.operations.iter().enumerate() {
                w.blank();
                method(w, contract, operation, first + i, flavour);
                if operation.paging.is_some() {
                    iterator(w, contract, operation, first + i, flavour);
                }
            }
        });
    }
    let body = body.finish();
    let mut w = python_file(&format!(
        "Section `{}`: the service of `AgentIdPClient` and its async twin.",
        section.name
    ));
    // The native module answers whatever the operation says; that it does is what tests are for.
    w.line("# mypy: disable-error-code=no-any-return");
    imports(&mut w, contract, section, &body);
    let out = w.finish() + &body;
    super::squeeze(&out, 2)
}

fn imports(w: &mut Writer, contract: &Contract, section: &Section, body: &str) {
    let has = |word: &str| mentions(body, word);
    w.line("from __future__ import annotations").blank();
    let iterators: Vec<&str> = ["AsyncIterator", "Iterator", "Mapping", "Sequence"]
        .into_iter()
        .filter(|word| has(word))
        .collect();
    if !iterators.is_empty() {
        w.line(format!(
            "from collections.abc import {}",
            iterators.join(", ")
        ));
    }
    if has("datetime") {
        w.line("from datetime import datetime");
    }
    let typing: Vec<&str> = ["Any", "overload"]
        .into_iter()
        .filter(|word| has(word))
        .collect();
    if !typing.is_empty() {
        w.line(format!("from typing import {}", typing.join(", ")));
    }
    w.blank();
    w.line("from .._native import CallOptions");
    let helpers = if has("payload") { ", payload" } else { "" };
    w.line(format!(
        "from .._service import AsyncService, Service{helpers}"
    ));
    let (mut enums, mut models) = (BTreeSet::new(), BTreeSet::new());
    for operation in &section.operations {
        let answers = operation.answers.iter().filter_map(|a| a.model.clone());
        models.extend(answers);
        models.extend(operation.paging.iter().map(|p| p.item_model.clone()));
        let inputs = operation
            .body
            .iter()
            .map(|b| &b.model)
            .chain(&operation.query);
        for model in inputs {
            models.insert(model.clone());
            for field in &contract.model(model).fields {
                collect(&field.ty, &mut enums, &mut models);
            }
        }
    }
    for (module, found) in [("enums", enums), ("models", models)] {
        let found: BTreeSet<String> = found.iter().map(|n| names::class(n)).collect();
        let found: Vec<String> = found.into_iter().filter(|name| has(name)).collect();
        if !found.is_empty() {
            w.block(format!("from ..{module} import ("), ")", |w| {
                for name in &found {
                    w.line(format!("{name},"));
                }
            });
        }
    }
}

/// The word stands in the text as a name of its own.
fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

fn collect(ty: &Type, enums: &mut BTreeSet<String>, models: &mut BTreeSet<String>) {
    match ty {
        Type::Enum(name) => {
            enums.insert(name.clone());
        }
        Type::Model(name) => {
            models.insert(name.clone());
        }
        Type::List(inner) | Type::Map(inner) => collect(inner, enums, models),
        _ => {}
    }
}

fn payload<'a>(contract: &'a Contract, operation: &'a Operation) -> Option<Payload<'a>> {
    let (model, part) = match (&operation.body, &operation.query) {
        (Some(body), _) => (&body.model, "body"),
        (None, Some(query)) => (query, "query"),
        (None, None) => return None,
    };
    let by_position = operation.body.iter().flat_map(|b| &b.positional);
    let fields = text::arguments(contract, model);
    let positional: Vec<&Field> = by_position
        .filter_map(|name| fields.iter().copied().find(|f| f.name == *name))
        .collect();
    let keywords: Vec<&Field> = fields
        .into_iter()
        .filter(|f| !positional.iter().any(|p| p.name == f.name))
        .collect();
    let described = contract.model(model);
    Some(Payload {
        class: names::class(model),
        part,
        optional: positional.is_empty()
            && keywords.iter().all(|f| !f.required)
            && described.min_properties == 0,
        positional,
        keywords,
    })
}

/// Path ids as parameters and as the call's tuple.
fn path(operation: &Operation) -> (Vec<String>, String) {
    let names: Vec<String> = operation
        .path_params
        .iter()
        .map(|p| names::field(&p.name))
        .collect();
    let tuple = match names.len() {
        0 => "()".into(),
        1 => format!("({},)", names[0]),
        _ => format!("({})", names.join(", ")),
    };
    (names.iter().map(|n| format!("{n}: str")).collect(), tuple)
}

fn method(
    w: &mut Writer,
    contract: &Contract,
    operation: &Operation,
    index: usize,
    flavour: Flavour,
) {
    let name = names::method(&operation.id);
    let result = text::result(operation);
    let payload = payload(contract, operation);
    let define = flavour.pick("def", "async def");
    overloads(w, define, &name, &result, operation, payload.as_ref());
    w.block(
        implementation(define, &name, &result, operation, payload.as_ref()),
        "",
        |w| {
            text::docstring(w, &documentation(operation, payload.as_ref()));
            let mut arguments = vec![index.to_string(), path(operation).1];
            arguments.extend(
                payload
                    .as_ref()
                    .map(|p| format!("{}={}", p.part, construction(p, p.optional))),
            );
            if operation.body.is_some() && operation.query.is_some() {
                arguments.push("query=params".into());
            }
            arguments.push("options=options".into());
            let wait = flavour.pick("", "await ");
            call(w, &format!("return {wait}self._call("), &arguments);
        },
    );
}

fn iterator(
    w: &mut Writer,
    contract: &Contract,
    operation: &Operation,
    index: usize,
    flavour: Flavour,
) {
    let (Some(paging), Some(payload)) = (&operation.paging, payload(contract, operation)) else {
        return;
    };
    let name = format!("{}_iter", names::method(&operation.id));
    let item = names::class(&paging.item_model);
    let result = format!("{}[{item}]", flavour.pick("Iterator", "AsyncIterator"));
    overloads(w, "def", &name, &result, operation, Some(&payload));
    w.block(implementation("def", &name, &result, operation, Some(&payload)), "", |w| {
        text::docstring(
            w,
            &format!(
                "Every item of `{}`, page by page, fetched as the iterator goes on.\n\nTakes the \
                 same arguments; `limit` is the size of a page. Raises what that method raises, \
                 when a page is fetched.",
                names::method(&operation.id)
            ),
        );
        let cursor = match paging.style {
            PagingStyle::Cursor => "True",
            PagingStyle::Page => "False",
        };
        let arguments = [
            index.to_string(),
            path(operation).1,
            construction(&payload, false),
            format!("items={}", text::literal(&names::field(&paging.items))),
            format!("cursor={cursor}"),
            "options=options".into(),
        ];
        call(w, "return self._pages(", &arguments);
    });
}

fn call(w: &mut Writer, open: &str, arguments: &[String]) {
    let line = format!("{open}{})", arguments.join(", "));
    if line.len() <= 88 {
        w.line(line);
        return;
    }
    w.block(open, ")", |w| {
        for argument in arguments {
            w.line(format!("{argument},"));
        }
    });
}

/// `payload(RegisterAgentRequest, given, fields)`
fn construction(payload: &Payload<'_>, optional: bool) -> String {
    let mut out = format!("payload({}, given, fields", payload.class);
    if !payload.positional.is_empty() {
        let names = payload.positional.iter().map(|f| names::field(&f.name));
        out.push_str(&format!(", positional={}", text::tuple(names)));
    }
    if optional {
        out.push_str(", optional=True");
    }
    out.push(')');
    out
}

fn overloads(
    w: &mut Writer,
    define: &str,
    name: &str,
    result: &str,
    operation: &Operation,
    payload: Option<&Payload<'_>>,
) {
    let Some(payload) = payload else {
        return;
    };
    let by_object = {
        let what = if payload.part == "body" {
            "request"
        } else {
            "params"
        };
        let class = &payload.class;
        let argument = if payload.optional {
            format!("{what}: {class} | None = None")
        } else {
            format!("{what}: {class}")
        };
        parameters(operation, &[argument], &[])
    };
    let positional: Vec<String> = payload
        .positional
        .iter()
        .map(|f| text::argument(f))
        .collect();
    let keywords: Vec<String> = payload.keywords.iter().map(|f| text::argument(f)).collect();
    let by_field = parameters(operation, &positional, &keywords);
    for parameters in [by_object, by_field] {
        w.line("@overload");
        signature(w, define, name, &parameters, result);
    }
}

/// `self`, the path's ids, these by position, these by keyword, `options`.
fn parameters(operation: &Operation, positional: &[String], keywords: &[String]) -> Vec<String> {
    let mut out = vec!["self".to_owned()];
    out.extend(path(operation).0);
    out.extend_from_slice(positional);
    if out.len() > 1 {
        out.push("/".into());
    }
    out.push("*".into());
    out.extend_from_slice(keywords);
    if let (Some(_), Some(query)) = (&operation.body, &operation.query) {
        out.push(format!("params: {} | None = None", names::class(query)));
    }
    out.push("options: CallOptions | None = None".into());
    out
}

fn signature(w: &mut Writer, define: &str, name: &str, parameters: &[String], result: &str) {
    let line = format!(
        "{define} {name}({}) -> {result}: ...",
        parameters.join(", ")
    );
    if line.len() <= 88 {
        w.line(line);
        return;
    }
    w.block(
        format!("{define} {name}("),
        format!(") -> {result}: ..."),
        |w| {
            for parameter in parameters {
                w.line(format!("{parameter},"));
            }
        },
    );
}

fn implementation(
    define: &str,
    name: &str,
    result: &str,
    operation: &Operation,
    payload: Option<&Payload<'_>>,
) -> String {
    let mut parameters = parameters(operation, &[], &[]);
    if payload.is_some() {
        parameters.retain(|p| p != "*");
        let at = parameters
            .iter()
            .position(|p| p == "/")
            .map_or(1, |i| i + 1);
        parameters.insert(at, "*given: Any".into());
        parameters.push("**fields: Any".into());
    }
    format!("{define} {name}({}) -> {result}:", parameters.join(", "))
}

fn documentation(operation: &Operation, payload: Option<&Payload<'_>>) -> String {
    let mut out = operation.summary.trim().to_owned();
    if !operation.description.trim().is_empty() {
        out.push_str("\n\n");
        out.push_str(operation.description.trim());
    }
    let scope = match &operation.auth {
        Auth::Public => "Needs no token.".to_owned(),
        Auth::Client => "Authenticates with the client's id and secret.".into(),
        Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) if scopes.is_empty() => {
            "Needs a token, whatever its scopes.".into()
        }
        Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) => {
            format!("Needs the scope `{}`.", scopes.join("` and `"))
        }
    };
    out.push_str(&format!("\n\n{scope}"));
    if let Some(payload) = payload {
        let what = if payload.part == "body" {
            "request"
        } else {
            "params"
        };
        out.push_str(&format!(
            "\n\nTakes its {what} as one `{}`, or that one's fields as arguments.",
            payload.class
        ));
    }
    let ids: Vec<&Field> = operation.path_params.iter().collect();
    let fields = payload
        .iter()
        .flat_map(|p| p.positional.iter().chain(&p.keywords));
    let all: Vec<&Field> = ids.into_iter().chain(fields.copied()).collect();
    let mut arguments = text::fields("Args", &all);
    if arguments.is_empty() {
        arguments.push_str("\n\nArgs:");
    }
    out.push_str(&arguments);
    out.push_str("\n    options: Settings of this call alone.");
    out.push_str(&format!(
        "\n\nReturns:\n    {}",
        operation.answers[0].description.trim().replace('\n', " ")
    ));
    out + &text::raises(operation)
}
