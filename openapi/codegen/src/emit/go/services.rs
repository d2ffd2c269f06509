//! The client's fields and one service type for each section: a method is its arguments and one call.

use super::{
    comment, go_file,
    names::{Names, exported, parameter},
    operations::constant,
    quoted,
    signature::Signature,
    types,
};
use crate::{
    Result,
    model::{Auth, Contract, Field, Operation, PagingStyle, Section, Type},
    writer::Writer,
};

/// `client_gen.go`: the client with a field for each section.
pub fn client(contract: &Contract, names: &Names) -> String {
    let mut w = go_file("agentidp", &[]);
    comment(
        &mut w,
        "AgentIdPClient calls AgentIdP. Make one with NewAgentIdPClient and share it: it is safe for all goroutines.",
    );
    w.block("type AgentIdPClient struct {", "}", |w| {
        for section in &contract.sections {
            let field = names.of_section(&section.name);
            super::doc(w, field, &section.description);
            w.line(format!("{field} *{}", section.service.go));
        }
        w.blank().line("handle *handle");
    });
    w.blank();
    w.block("func newClient(h *handle) *AgentIdPClient {", "}", |w| {
        w.block("return &AgentIdPClient{", "}", |w| {
            for section in &contract.sections {
                w.line(format!(
                    "{}: &{}{{handle: h}},",
                    names.of_section(&section.name),
                    section.service.go
                ));
            }
            w.line("handle: h,");
        });
    });
    w.finish()
}

/// `services_gen.go`: the services.
pub fn emit(contract: &Contract, names: &Names) -> Result<String> {
    let mut imports = vec!["context"];
    if contract.operations().any(|o| o.paging.is_some()) {
        imports.push("iter");
    }
    let mut w = go_file("agentidp", &imports);
    for section in &contract.sections {
        service(&mut w, contract, names, section)?;
    }
    Ok(w.finish())
}

fn service(w: &mut Writer, contract: &Contract, names: &Names, section: &Section) -> Result<()> {
    let class = &section.service.go;
    super::doc(
        w,
        class,
        &format!(
            "{}\n\nIt is the {} field of an [AgentIdPClient].",
            section.description.trim(),
            names.of_section(&section.name)
        ),
    );
    w.line(format!("type {class} struct{{ handle *handle }}"))
        .blank();
    // The zero value of a client has no services; using one is told like any other mistake.
    w.block(format!("func (s *{class}) of() *handle {{"), "}", |w| {
        w.block("if s == nil {", "}", |w| {
            w.line("return nil");
        });
        w.line("return s.handle");
    })
    .blank();
    for operation in &section.operations {
        let signature = Signature::new(contract, names, operation);
        method(w, contract, names, class, operation, &signature);
        if operation.paging.is_some() {
            iterator(w, contract, names, class, operation, &signature)?;
        }
    }
    Ok(())
}

fn method(
    w: &mut Writer,
    contract: &Contract,
    names: &Names,
    class: &str,
    operation: &Operation,
    signature: &Signature,
) {
    let name = names.of_operation(&operation.id);
    comment(
        w,
        &format!("{name}: {}", documentation(contract, operation)),
    );
    let with_value = operation
        .answers
        .iter()
        .filter(|a| a.model.is_some())
        .count();
    let (result, call) = match operation.answers.iter().find_map(|a| a.model.as_deref()) {
        Some(model) => {
            let model = names.of_type(model);
            let function = if with_value == operation.answers.len() {
                "invoke"
            } else {
                "invokeMaybe"
            };
            (format!("(*{model}, error)"), format!("{function}[{model}]"))
        }
        None => ("error".to_owned(), "execute".to_owned()),
    };
    w.block(
        format!(
            "func (s *{class}) {name}({}) {result} {{",
            signature.parameters(names)
        ),
        "}",
        |w| {
            w.line("w := arguments()");
            if !signature.path.is_empty() {
                w.line("w.Key(\"path\")").line("w.Open('{')");
                members(w, names, &signature.path);
                w.line("w.Close('}')");
            }
            argument(w, names, "query", "params", signature.query, &[]);
            argument(
                w,
                names,
                "body",
                "body",
                signature.body,
                &signature.positional,
            );
            w.line(format!(
                "return {call}(ctx, s.of(), {}, w, opts)",
                constant(names, &operation.id)
            ));
        },
    );
    w.blank();
}

fn members(w: &mut Writer, names: &Names, arguments: &[(String, &Field)]) {
    for (name, field) in arguments {
        w.line(format!("w.Key({})", quoted(&field.name)));
        w.line(types::write(names, &field.ty, name));
    }
}

/// One member of the call's arguments: an object of a struct's fields, with positional ones before.
fn argument(
    w: &mut Writer,
    names: &Names,
    key: &str,
    variable: &str,
    rest: Option<(&str, bool)>,
    positional: &[(String, &Field)],
) {
    let key = format!("w.Key({})", quoted(key));
    match (rest, positional) {
        (None, []) => {}
        (Some((_, true)), []) => {
            w.block(format!("if {variable} != nil {{"), "}", |w| {
                w.line(key).line(format!("object(w, {variable}.fields)"));
            });
        }
        (Some((_, false)), []) => {
            w.line(key).line(format!("object(w, {variable}.fields)"));
        }
        (rest, positional) => {
            w.line(key).line("w.Open('{')");
            members(w, names, positional);
            match rest {
                Some((_, true)) => {
                    w.block(format!("if {variable} != nil {{"), "}", |w| {
                        w.line(format!("{variable}.fields(w)"));
                    });
                }
                Some((_, false)) => {
                    w.line(format!("{variable}.fields(w)"));
                }
                None => {}
            }
            w.line("w.Close('}')");
        }
    }
}

fn documentation(contract: &Contract, operation: &Operation) -> String {
    let mut text = operation.summary.trim().to_owned();
    if !operation.description.trim().is_empty() {
        text.push_str("\n\n");
        text.push_str(operation.description.trim());
    }
    let scopes = |scopes: &[String]| match scopes {
        [] => "any valid token".to_owned(),
        scopes => format!("a token with {}", scopes.join(" ")),
    };
    let needs = match &operation.auth {
        Auth::Public => "nothing: it is public".to_owned(),
        Auth::Bearer(s) => scopes(s),
        Auth::Client => "the client's id and secret".to_owned(),
        Auth::BearerOrClient(s) => format!("{}, or the client's id and secret", scopes(s)),
    };
    text.push_str(&format!(
        "\n\nIt calls {} {} and needs {needs}.",
        operation.method, operation.path
    ));
    let codes: Vec<String> = operation
        .errors
        .iter()
        .flat_map(|e| e.codes.iter().map(move |c| format!("{c} ({})", e.status)))
        .collect();
    if !codes.is_empty() {
        text.push_str(&format!("\n\nError codes: {}.", codes.join(", ")));
    }
    let arguments = operation
        .path_params
        .iter()
        .filter(|f| !f.description.is_empty());
    let arguments: Vec<String> = arguments
        .map(|f| format!("{}: {}", parameter(&f.name), f.description.trim()))
        .collect();
    if !arguments.is_empty() {
        text.push_str(&format!("\n\nArguments: {}", arguments.join(" ")));
    }
    if operation
        .body
        .as_ref()
        .is_some_and(|b| contract.model(&b.model).min_properties > 0)
    {
        text.push_str("\n\nAt least one field of the body must be given.");
    }
    text
}

fn iterator(
    w: &mut Writer,
    contract: &Contract,
    names: &Names,
    class: &str,
    operation: &Operation,
    signature: &Signature,
) -> Result<()> {
    let refuse = |what: &str| {
        Err(operation
            .at
            .error(format!("a paged operation needs {what}")))
    };
    let (Some(paging), Some(query), Some(result)) =
        (&operation.paging, &operation.query, operation.result())
    else {
        return refuse("query parameters and an answer");
    };
    let has = |model: &str, field: &str| {
        let fields = &contract.model(model).fields;
        fields.iter().any(|f| f.name == field)
    };
    let items = exported(&paging.items);
    let next;
    let mut turn = Vec::new();
    match paging.style {
        PagingStyle::Page => {
            if !has(query, "page") || !["page", "limit", "total"].iter().all(|f| has(result, f)) {
                return refuse("`page` in the query, `page`, `limit` and `total` in the answer");
            }
            next = format!(
                "nextPage(&query.Page, first, page.Page, page.Limit, page.Total, len(page.{items}))"
            );
        }
        PagingStyle::Cursor => {
            if !has(query, "cursor") || !has(result, "nextCursor") {
                return refuse("`cursor` in the query and `nextCursor` in the answer");
            }
            let cursor = cursor_of(contract, names, result);
            next = format!("nextCursor(&query.Cursor, first, {cursor})");
            if has(query, "page") {
                turn.push("query.Page = 0 // a server refuses a page beside a cursor".into());
            }
        }
    }
    let name = names.of_operation(&operation.id);
    let item = names.of_type(&paging.item_model);
    comment(
        w,
        &format!(
            "{name}All is every item of {name}, page after page; each page is fetched when the loop gets there. An error ends the loop with a nil item."
        ),
    );
    let parameters = signature.parameters(names);
    w.block(
        format!("func (s *{class}) {name}All({parameters}) iter.Seq2[*{item}, error] {{"),
        "}",
        |w| {
            w.block(
                format!("return func(yield func(*{item}, error) bool) {{"),
                "}",
                |w| {
                    pages(w, names, operation, signature, &items, &next, &turn);
                },
            );
        },
    );
    w.blank();
    Ok(())
}

fn pages(
    w: &mut Writer,
    names: &Names,
    operation: &Operation,
    signature: &Signature,
    items: &str,
    next: &str,
    turn: &[String],
) {
    let Some((query, is_optional)) = signature.query else {
        return;
    };
    if is_optional {
        w.line(format!("var query {query}"));
        w.line("if params != nil {\n\tquery = *params\n}");
    } else {
        w.line("query := params");
    }
    let mut call = vec!["ctx".to_owned()];
    let named = signature.path.iter().chain(&signature.positional);
    call.extend(named.map(|(name, _)| name.clone()));
    if signature.body.is_some() {
        call.push("body".into());
    }
    call.push(if is_optional { "&query" } else { "query" }.into());
    call.push("opts...".into());
    w.block(
        "for first, more := true, true; more; first = false {",
        "}",
        |w| {
            w.line(format!(
                "page, err := s.{}({})",
                names.of_operation(&operation.id),
                call.join(", ")
            ));
            w.line(format!("if err == nil {{\n\tmore, err = {next}\n}}"));
            w.line("if err != nil {\n\tyield(nil, err)\n\treturn\n}");
            w.line(format!(
                "if !yieldAll(page.{items}, yield) {{\n\treturn\n}}"
            ));
            for statement in turn {
                w.line(statement);
            }
        },
    );
}

/// The answer's cursor as text, empty on the last page.
fn cursor_of(contract: &Contract, names: &Names, result: &str) -> String {
    let fields = types::fields(contract, names, contract.model(result));
    let is_pointer = fields.iter().any(|f| {
        f.field.name == "nextCursor" && f.ty.starts_with('*') && f.field.ty == Type::String
    });
    if is_pointer {
        "orZero(page.NextCursor)".into()
    } else {
        "page.NextCursor".into()
    }
}
