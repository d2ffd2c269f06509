//! The conformance runner's dispatch table: from an operation's name to the SDK's public methods.

use super::{
    RUNNER,
    file::{MAIN, MODELS, Unit},
    names::{class, ident, literal},
    signature::{Signature, positional_type},
};
use crate::{
    model::{Contract, Operation, Type},
    output::File,
    writer::Writer,
};

const PACKAGE: &str = "ai.sentryagent.idp.conformance";

/// The table.
pub fn emit(contract: &Contract) -> File {
    let mut unit = Unit::new(PACKAGE, "Dispatch");
    unit.import("java.util", "Map");
    unit.import("java.util", "HashMap");
    for operation in contract.operations() {
        if let Some(result) = operation.result() {
            unit.import(MODELS, &class(result));
        }
        if let Some(paging) = &operation.paging {
            unit.import(MODELS, &class(&paging.item_model));
        }
        for trailing in Signature::of(contract, operation).trailing {
            unit.import(MODELS, &trailing.class);
        }
        for positional in Signature::of(contract, operation).positional {
            if let Type::Enum(name) = &positional.field.ty {
                unit.import(MODELS, &class(name));
            }
        }
    }
    unit.import(MAIN, "AgentIdPClient");
    let w = &mut unit.body;
    w.line("/** The SDK's public methods by the names of their operations. */");
    w.block("final class Dispatch {", "}", |w| {
        w.line("static final Map<String, Entry> ENTRIES = new HashMap<>();");
        w.blank();
        w.line("private Dispatch() {}");
        w.blank();
        w.block("static {", "}", |w| {
            for operation in contract.operations() {
                entry(w, contract, operation);
            }
        });
    });
    unit.file(RUNNER)
}

fn entry(w: &mut Writer, contract: &Contract, operation: &Operation) {
    let signature = Signature::of(contract, operation);
    let section = ident(&operation.section);
    let method = ident(&operation.id);
    let args = args(&signature);
    let sync = match operation.result() {
        Some(_) => format!("(client, args) -> client.{section}().{method}({args}).toJson()"),
        None => format!(
            "(client, args) -> {{\n            client.{section}().{method}({args});\n            return null;\n        }}"
        ),
    };
    let json = operation.result().map_or_else(
        || "done -> null".to_owned(),
        |name| format!("{}::toJson", class(name)),
    );
    let future = format!(
        "(AgentIdPClient client, Args args) -> client.{section}().{method}Async({args}).thenApply({json})"
    );
    let pages = operation.paging.as_ref().map_or_else(
        || "null".to_owned(),
        |paging| {
            format!(
                "(client, args) -> client.{section}().{method}All({args}).stream().map({}::toJson)",
                class(&paging.item_model)
            )
        },
    );
    w.line(format!(
        "ENTRIES.put({}, new Entry(\n        {sync},\n        {future},\n        {pages}));",
        literal(&operation.id)
    ));
}

fn args(signature: &Signature<'_>) -> String {
    let mut args: Vec<String> = signature
        .positional
        .iter()
        .map(|p| {
            let part = if p.in_body { "body" } else { "path" };
            let text = format!("args.text(\"{part}\", {})", literal(&p.field.name));
            match positional_type(p.field).as_str() {
                "String" => text,
                "long" => format!("Long.parseLong({text})"),
                "double" => format!("Double.parseDouble({text})"),
                "boolean" => format!("Boolean.parseBoolean({text})"),
                "Instant" => format!("java.time.Instant.parse({text})"),
                other => format!("{other}.of({text})"),
            }
        })
        .collect();
    for t in &signature.trailing {
        let get = if t.optional { "optional" } else { "required" };
        args.push(format!("args.{get}(\"{}\", {}::fromJson)", t.part, t.class));
    }
    args.push("args.options()".into());
    args.join(", ")
}
