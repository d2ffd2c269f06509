//! The conformance runner's dispatch: operation id -> the module's public method.

use super::{go_file, names::Names, quoted, signature::Signature, types};
use crate::{
    model::{Contract, Field, Operation, Type},
    writer::Writer,
};

const CALL: &str = "func(ctx context.Context, c *agentidp.AgentIdPClient, a *arguments, opts []agentidp.CallOption)";

pub fn emit(contract: &Contract, names: &Names) -> String {
    let is_paged = contract.operations().any(|o| o.paging.is_some());
    let mut imports = vec!["context", "github.com/sentryagent/idp-sdk-go"];
    if is_paged {
        imports.insert(1, "iter");
    }
    let mut w = go_file("main", &imports);
    w.line("// operations calls each operation by its public method.");
    w.block("var operations = map[string]caller{", "}", |w| {
        for operation in contract.operations() {
            let signature = Signature::new(contract, names, operation);
            w.block(
                format!("{}: {CALL} (any, error) {{", quoted(&operation.id)),
                "},",
                |w| call(w, names, operation, &signature),
            );
        }
    });
    w.blank();
    w.line("// pages iterates over each list.");
    let result = "iter.Seq2[any, error]";
    if !is_paged {
        return w.finish() + "var pages = map[string]pager{}\n";
    }
    w.block("var pages = map[string]pager{", "}", |w| {
        for operation in contract.operations().filter(|o| o.paging.is_some()) {
            let signature = Signature::new(contract, names, operation);
            w.block(
                format!("{}: {CALL} ({result}, error) {{", quoted(&operation.id)),
                "},",
                |w| {
                    let arguments = arguments(w, names, &signature);
                    w.line(format!(
                        "return items({}All({arguments})), nil",
                        method(names, operation)
                    ));
                },
            );
        }
    });
    w.finish()
}

fn call(w: &mut Writer, names: &Names, operation: &Operation, signature: &Signature) {
    let arguments = arguments(w, names, signature);
    let method = method(names, operation);
    if operation.answers.iter().any(|a| a.model.is_some()) {
        w.line(format!("return value({method}({arguments}))"));
    } else {
        w.line(format!("return nil, {method}({arguments})"));
    }
}

fn method(names: &Names, operation: &Operation) -> String {
    format!(
        "c.{}.{}",
        names.of_section(&operation.section),
        names.of_operation(&operation.id)
    )
}

/// Declares what the method needs and gives its argument list.
fn arguments(w: &mut Writer, names: &Names, signature: &Signature) -> String {
    let mut list = vec!["ctx".to_owned()];
    let parts = [
        ("a.Path", &signature.path),
        ("a.Body", &signature.positional),
    ];
    for (source, fields) in parts {
        for (name, field) in fields {
            let ty = qualified(names, field);
            w.line(format!(
                "{name}, err := field[{ty}]({source}, {})",
                quoted(&field.name)
            ));
            w.line("if err != nil {\n\treturn nil, err\n}");
            list.push(name.clone());
        }
    }
    let parts = [
        ("body", "a.Body", signature.body),
        ("params", "a.Query", signature.query),
    ];
    for (name, source, argument) in parts {
        let Some((ty, is_optional)) = argument else {
            continue;
        };
        let function = if is_optional { "optional" } else { "required" };
        w.line(format!(
            "{name}, err := {function}[agentidp.{ty}]({source})"
        ));
        w.line("if err != nil {\n\treturn nil, err\n}");
        list.push(name.to_owned());
    }
    list.push("opts...".into());
    list.join(", ")
}

fn qualified(names: &Names, field: &Field) -> String {
    match &field.ty {
        Type::Enum(name) | Type::Model(name) => format!("agentidp.{}", names.of_type(name)),
        ty => types::plain_type(names, ty),
    }
}
