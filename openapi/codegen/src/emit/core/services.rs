//! One service a section: a method names its operation and hands over the arguments.

use super::{
    extras::only_positional,
    models::all_optional,
    rust_file,
    types::{constant, ident, type_ident},
};
use crate::{
    model::{Auth, Contract, Operation, Section},
    names,
    writer::Writer,
};

/// Emits `services.rs`.
pub fn emit(contract: &Contract) -> String {
    let mut w = rust_file("One service a section of the API.");
    w.line("#![allow(unused_imports)] // which of them are needed depends on the contract");
    w.line("use super::{models::*, operations};");
    w.line("use crate::{AgentIdPClient, Call, Pages};").blank();
    w.line("/// The services, one a section.");
    w.block("impl AgentIdPClient {", "}", |w| {
        for (i, section) in contract.sections.iter().enumerate() {
            if i > 0 {
                w.blank();
            }
            w.prefixed("/// ", &section.description);
            w.line("#[must_use]");
            w.block(
                format!(
                    "pub fn {}(&self) -> {} {{",
                    ident(&section.name),
                    service(section)
                ),
                "}",
                |w| {
                    w.line(format!("{} {{ client: self.clone() }}", service(section)));
                },
            );
        }
    });
    for section in &contract.sections {
        w.blank();
        w.prefixed("/// ", &section.description);
        w.line("#[derive(Clone, Debug)]");
        w.block(format!("pub struct {} {{", service(section)), "}", |w| {
            w.line("client: AgentIdPClient,");
        });
        w.blank()
            .block(format!("impl {} {{", service(section)), "}", |w| {
                for (i, operation) in section.operations.iter().enumerate() {
                    if i > 0 {
                        w.blank();
                    }
                    method(w, contract, operation);
                }
            });
    }
    w.finish()
}

/// `AgentsService`.
pub fn service(section: &Section) -> String {
    format!("{}Service", names::pascal(&section.name))
}

/// An argument that is a model: how it is declared and what the call gets.
pub struct Argument {
    /// `request`, `params`.
    pub name: &'static str,
    /// `impl Into<Option<ListAgentsParams>>`.
    pub ty: String,
    /// An expression of the model's type.
    pub value: String,
}

/// The body or query of an operation as an argument.
pub fn argument(contract: &Contract, model: &str, name: &'static str) -> Argument {
    let (ty, model) = (type_ident(model), contract.model(model));
    if all_optional(model) && model.min_properties == 0 {
        Argument {
            name,
            ty: format!("impl Into<Option<{ty}>>"),
            value: format!("&{name}.into().unwrap_or_default()"),
        }
    } else if only_positional(contract, model).is_some() {
        Argument {
            name,
            ty: format!("impl Into<{ty}>"),
            value: format!("&{name}.into()"),
        }
    } else {
        Argument {
            name,
            ty,
            value: format!("&{name}"),
        }
    }
}

fn method(w: &mut Writer, contract: &Contract, operation: &Operation) {
    let (mut arguments, mut chain) = (Vec::new(), String::new());
    for param in &operation.path_params {
        let name = ident(&param.name);
        arguments.push(format!("{name}: impl Into<String>"));
        chain.push_str(&format!(".path({name})"));
    }
    if let Some(body) = &operation.body {
        let argument = argument(contract, &body.model, "request");
        arguments.push(format!("{}: {}", argument.name, argument.ty));
        chain.push_str(&format!(".body({})", argument.value));
    }
    if let Some(query) = &operation.query {
        let argument = argument(contract, query, "params");
        arguments.push(format!("{}: {}", argument.name, argument.ty));
        chain.push_str(&format!(".query({})", argument.value));
    }
    let arguments = arguments
        .iter()
        .map(|a| format!(", {a}"))
        .collect::<String>();
    let name = ident(&operation.id);
    let result = operation
        .result()
        .map_or_else(|| "()".to_owned(), type_ident);
    let new = format!(
        "Call::new(&self.client, operations::{})",
        constant(&operation.id)
    );
    documentation(w, operation);
    w.block(
        format!("pub fn {name}(&self{arguments}) -> Call<{result}> {{"),
        "}",
        |w| {
            w.line(format!("{new}{chain}"));
        },
    );
    if let Some(paging) = &operation.paging {
        w.blank();
        w.line(format!(
            "/// Every item of [`{name}`](Self::{name}), page by page, fetched as the stream is read."
        ));
        w.block(
            format!(
                "pub fn {}_stream(&self{arguments}) -> Pages<{}> {{",
                names::snake(&operation.id),
                type_ident(&paging.item_model)
            ),
            "}",
            |w| {
                w.line(format!("Pages::new::<{result}>({new}{chain})"));
            },
        );
    }
}

fn documentation(w: &mut Writer, operation: &Operation) {
    w.prefixed("/// ", &operation.summary);
    w.line("///").prefixed("/// ", &operation.description);
    w.line("///");
    w.line(match &operation.auth {
        Auth::Public => "/// Nobody is asked for a token.".to_owned(),
        Auth::Client => "/// Authenticates with the client's id and secret.".into(),
        Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) if scopes.is_empty() => {
            "/// Needs a token, whatever its scopes.".into()
        }
        Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) => {
            format!("/// Needs the scope `{}`.", scopes.join("` and `"))
        }
    });
    w.line("///").line("/// # Errors").line("///");
    for error in &operation.errors {
        w.line(format!(
            "/// - {} `{}`: {}",
            error.status,
            error.codes.join("`, `"),
            error.description.trim_end().replace('\n', " ")
        ));
    }
}
