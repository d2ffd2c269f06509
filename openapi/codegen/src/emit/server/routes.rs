//! One section: the trait that its handlers implement, the facts of its operations, and the
//! routes that join the two.

use super::{
    policy,
    rust::{ident, quoted, variant},
};
use crate::{
    Error, Result,
    model::{Auth, Body, BodyKind, Contract, Envelope, Field, Operation, Section, Type},
    names,
    writer::Writer,
};

/// `generated/<section>.rs`.
pub fn emit(contract: &Contract, section: &Section) -> Result<String> {
    let mut w = Writer::new("    ");
    w.prefixed("//! ", &section.description).blank();
    let mut body = Writer::new("    ");
    handlers(&mut body, section)?;
    routes(&mut body, contract, section)?;
    for operation in &section.operations {
        facts(&mut body, operation);
    }
    let body = body.finish();
    w.line("use std::{future::Future, sync::Arc};").blank();
    if body.contains("Uuid") {
        w.line("use uuid::Uuid;").blank();
    }
    let some = |word: &str, import: &str| body.contains(word).then(|| import.to_owned());
    let call = [
        Some("Call".to_owned()),
        some("&Caller", "Caller"),
        some("ClientCredentials", "ClientCredentials"),
    ];
    let http = [
        Some("AuthKind".to_owned()),
        some("BodyShape", "BodyShape"),
        Some("Envelope, Facts, Reply, Routes, Unchecked".to_owned()),
    ];
    let generated = [some("Code::", "codes::Code"), some("types::", "types")];
    w.line("use crate::{");
    w.line(format!("call::{{{}}},", joined(call)));
    w.line("error::ApiError,");
    let generated = joined(generated);
    if !generated.is_empty() {
        w.line(format!("generated::{{{generated}}},"));
    }
    w.line(format!("http::{{{}}},", joined(http)));
    w.line("};").blank();
    let head = w.finish();
    Ok(head + &body)
}

fn joined<const N: usize>(words: [Option<String>; N]) -> String {
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn handlers(w: &mut Writer, section: &Section) -> Result<()> {
    w.line(format!("/// What section `{}` answers.", section.name));
    let mut fault = None;
    w.block(
        format!(
            "pub trait {}: Send + Sync + 'static {{",
            names::pascal(&section.name)
        ),
        "}",
        |w| {
            for operation in &section.operations {
                w.prefixed("/// ", &operation.summary);
                w.line("///");
                w.prefixed("/// ", &operation.description);
                let mut args = vec!["&self".to_owned(), "call: &Call".to_owned()];
                match operation.auth {
                    Auth::Public => {}
                    Auth::Bearer(_) | Auth::BearerOrClient(_) => {
                        args.push("caller: &Caller".into())
                    }
                    Auth::Client => args.push("client: Option<ClientCredentials>".into()),
                }
                for param in &operation.path_params {
                    match path_type(param) {
                        Ok(ty) => args.push(format!("{}: {ty}", ident(&param.name))),
                        Err(e) => fault = Some(e),
                    }
                }
                args.push(format!("input: Unchecked<{}>", input(operation)));
                w.line(format!(
                    "fn {}({}) -> impl Future<Output = Result<Reply<{}>, ApiError>> + Send;",
                    ident(&operation.id),
                    args.join(", "),
                    result(operation)
                ));
                w.blank();
            }
        },
    );
    w.blank();
    fault.map_or(Ok(()), Err)
}

fn routes(w: &mut Writer, contract: &Contract, section: &Section) -> Result<()> {
    w.line("/// Adds the section's routes.");
    w.line(format!(
        "pub fn routes<S: {}>(routes: &mut Routes, section: &Arc<S>) {{",
        names::pascal(&section.name)
    ));
    for operation in &section.operations {
        w.line("{").line("let section = Arc::clone(section);");
        w.line(format!(
            "routes.add(&{}, move |ready| {{",
            constant(operation)
        ));
        w.line("let section = Arc::clone(&section);")
            .line("async move {");
        let mut args = vec!["&ready.call".to_owned()];
        match operation.auth {
            Auth::Public => {}
            Auth::Bearer(_) | Auth::BearerOrClient(_) => args.push("ready.caller()?".into()),
            Auth::Client => args.push("ready.client.clone()".into()),
        }
        for (index, param) in operation.path_params.iter().enumerate() {
            let name = ident(&param.name);
            if param.ty == Type::Uuid {
                let code = missing(contract, operation, param)?;
                w.line(format!(
                    "let {name} = ready.id({index}, Code::{})?;",
                    variant(&code)
                ));
            } else {
                w.line(format!("let {name} = ready.text({index})?;"));
            }
            args.push(name);
        }
        args.push(unchecked(operation)?);
        let finish = if operation.result().is_some() {
            "into_answer"
        } else {
            "into_empty_answer"
        };
        w.line(format!(
            "section.{}({}).await?.{finish}(&{})",
            ident(&operation.id),
            args.join(", "),
            constant(operation)
        ));
        w.line("}").line("});").line("}");
    }
    w.line("}").blank();
    Ok(())
}

fn facts(w: &mut Writer, operation: &Operation) {
    let auth = match operation.auth {
        Auth::Public => "Public",
        Auth::Bearer(_) => "Bearer",
        Auth::Client => "Client",
        Auth::BearerOrClient(_) => "BearerOrClient",
    };
    let envelope = match operation.envelope {
        Envelope::Standard => "Standard",
        Envelope::OAuth => "OAuth",
    };
    let aliases: Vec<String> = operation.aliases.iter().map(|a| quoted(a)).collect();
    w.block(
        format!("static {}: Facts = Facts {{", constant(operation)),
        "};",
        |w| {
            w.line(format!("id: {},", quoted(&operation.id)));
            w.line(format!("method: {},", quoted(&operation.method)));
            w.line(format!("path: {},", quoted(&operation.path)));
            w.line(format!("aliases: &[{}],", aliases.join(", ")));
            w.line(format!("route: {},", quoted(&policy::route(operation))));
            w.line(format!("auth: AuthKind::{auth},"));
            w.line(format!("envelope: Envelope::{envelope},"));
            w.line(format!("has_body: {},", operation.body.is_some()));
            w.line(format!("idempotency_key: {},", operation.idempotency_key));
            w.line(format!("sensitive: {},", operation.sensitive));
            w.line(format!(
                "rate_limit_per_minute: {:?},",
                operation.rate_limit_per_minute
            ));
            w.line(format!("success: {},", operation.answers[0].status));
        },
    );
    w.blank();
}

fn constant(operation: &Operation) -> String {
    let name = names::screaming(&operation.id);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("N{name}")
    } else {
        name
    }
}

fn path_type(param: &Field) -> Result<&'static str> {
    match param.ty {
        Type::Uuid => Ok("Uuid"),
        Type::String => Ok("String"),
        _ => Err(param.at.error("a path parameter is text or a UUID")),
    }
}

fn result(operation: &Operation) -> String {
    operation.result().map_or("()".into(), |model| {
        format!("types::{}", names::pascal(model))
    })
}

fn input(operation: &Operation) -> String {
    operation
        .query
        .as_deref()
        .or(operation.body.as_ref().map(|b| b.model.as_str()))
        .map_or("()".into(), |model| {
            format!("types::{}", names::pascal(model))
        })
}

fn unchecked(operation: &Operation) -> Result<String> {
    let shape = match (&operation.query, &operation.body) {
        (None, None) => return Ok("Unchecked::nothing(ready.input())".into()),
        (Some(_), None) => "BodyShape::Query".to_owned(),
        (
            None,
            Some(Body {
                kind: BodyKind::Form,
                ..
            }),
        ) => "BodyShape::Form".to_owned(),
        (None, Some(body)) => format!("BodyShape::Json {{ required: {} }}", body.required),
        (Some(_), Some(_)) => {
            return Err(operation.at.error(
                "an operation with both a query and a body is not understood by the server",
            ));
        }
    };
    Ok(format!("Unchecked::new(ready.input(), {shape})"))
}

/// The code for a malformed id: the operation's only 404, or the one that names the parameter; an
/// operation that lists none takes the contract's.
fn missing(contract: &Contract, operation: &Operation, param: &Field) -> Result<String> {
    let listed: Vec<&str> = operation
        .errors
        .iter()
        .filter(|e| e.status == 404)
        .flat_map(|e| e.codes.iter().map(String::as_str))
        .collect();
    let all: Vec<&str> = if listed.is_empty() {
        contract
            .error_codes
            .iter()
            .map(|c| c.code.as_str())
            .collect()
    } else {
        listed
    };
    let stem = names::screaming(param.name.strip_suffix("Id").unwrap_or(&param.name));
    let ending = format!("{stem}_NOT_FOUND");
    let named: Vec<&str> = all
        .iter()
        .copied()
        .filter(|c| c.ends_with(&ending))
        .collect();
    match (all.as_slice(), named.as_slice()) {
        ([only], _) | (_, [only]) => Ok((*only).to_owned()),
        _ => Err::<String, Error>(param.at.error(format!(
            "a malformed `{}` is answered like an unknown one, but no single error code of `{}` says so",
            param.name, operation.id
        ))),
    }
}
