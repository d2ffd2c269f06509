//! The Rust conformance runner's dispatch: operation id -> the public method.

use super::{
    models::all_optional,
    rust_file,
    types::{ident, type_ident},
};
use crate::{
    model::{Contract, Operation},
    names,
    writer::Writer,
};

/// Emits the runner's `generated/mod.rs`.
pub fn emit(contract: &Contract) -> String {
    let mut w = rust_file("Operation id -> the public method, for the conformance runner.");
    w.line("#![allow(unused_imports)] // which of them are needed depends on the contract");
    w.line("use sentryagent_idp::{AgentIdPClient, models};");
    w.line("use serde_json::Value;").blank();
    w.line("use crate::args::{Args, Fault, collect};").blank();
    w.line("/// Makes one call through the public method of that operation.");
    w.block(
        "pub async fn call(client: &AgentIdPClient, operation: &str, args: &Args) -> Result<Value, Fault> {",
        "}",
        |w| {
            w.block("match operation {", "}", |w| {
                for operation in contract.operations() {
                    let (method, arguments) = method(contract, operation);
                    w.line(format!(
                        "{:?} => args.run(client.{}().{method}({arguments})).await,",
                        operation.id,
                        ident(&operation.section)
                    ));
                }
                w.line("other => Err(Fault::unknown(other)),");
            });
        },
    );
    w.blank()
        .line("/// Reads at most `limit` items of a list, page by page.");
    w.line("#[allow(clippy::match_single_binding)] // a contract may have no list");
    w.block(
        "pub async fn pages(client: &AgentIdPClient, operation: &str, args: &Args, limit: usize) -> Result<Value, Fault> {",
        "}",
        |w| lists(w, contract),
    );
    w.finish()
}

fn lists(w: &mut Writer, contract: &Contract) {
    let paged: Vec<&Operation> = contract
        .operations()
        .filter(|o| o.paging.is_some())
        .collect();
    if paged.is_empty() {
        w.line("let _ = (client, args, limit);");
        w.line("Err(Fault::unknown(operation))");
        return;
    }
    w.block("match operation {", "}", |w| {
        for operation in paged {
            let (_, arguments) = method(contract, operation);
            w.line(format!(
                "{:?} => collect(client.{}().{}_stream({arguments}), limit).await,",
                operation.id,
                ident(&operation.section),
                names::snake(&operation.id)
            ));
        }
        w.line("other => Err(Fault::unknown(other)),");
    });
}

fn method(contract: &Contract, operation: &Operation) -> (String, String) {
    let mut arguments: Vec<String> = operation
        .path_params
        .iter()
        .map(|p| format!("args.path({:?})", p.name))
        .collect();
    let models = operation
        .body
        .iter()
        .map(|b| ("body", b.model.as_str()))
        .chain(operation.query.iter().map(|q| ("query", q.as_str())));
    for (part, name) in models {
        let model = contract.model(name);
        let optional = all_optional(model) && model.min_properties == 0;
        let how = if optional {
            format!("{part}_or_none")
        } else {
            part.to_owned()
        };
        arguments.push(format!("args.{how}::<models::{}>()?", type_ident(name)));
    }
    (ident(&operation.id), arguments.join(", "))
}
