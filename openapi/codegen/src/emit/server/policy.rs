//! The policy table: which scopes a route needs, as Rust and as the built-in policy's data.

use super::rust::quoted;
use crate::{
    model::{Auth, Contract, Operation},
    writer::Writer,
};

/// `generated/policy.rs`.
pub fn emit(contract: &Contract) -> String {
    let mut w = Writer::new("    ");
    w.line("//! Which scopes a route needs: what `server/policy/data/scopes.json` says, for the compiler.")
        .blank();
    w.line("use super::scopes::Scope;").blank();
    w.line("/// Method, route as policies spell it, and the scopes that a caller must have, all of them.");
    w.line("/// Public routes and the token endpoint are not asked about and do not stand here.");
    w.line("pub const TABLE: &[(&str, &str, &[Scope])] = &[");
    for (operation, scopes) in rows(contract) {
        let scopes: Vec<String> = scopes
            .iter()
            .map(|s| format!("Scope::{}", super::rust::variant(s)))
            .collect();
        w.line(format!(
            "({}, {}, &[{}]),",
            quoted(&operation.method),
            quoted(&route(operation)),
            scopes.join(", ")
        ));
    }
    w.line("];");
    w.finish()
}

/// `scopes.json`: one line a route, in the contract's order.
pub fn data(contract: &Contract) -> String {
    let lines: Vec<String> = rows(contract)
        .map(|(operation, scopes)| {
            let scopes: Vec<String> = scopes.iter().map(|s| format!("{s:?}")).collect();
            let key = format!("{}:{}", operation.method, route(operation));
            format!("  {key:?}: [{}]", scopes.join(", "))
        })
        .collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

/// The operations that the policy is asked about, and what their callers must have.
fn rows(contract: &Contract) -> impl Iterator<Item = (&Operation, &Vec<String>)> {
    contract
        .operations()
        .filter_map(|operation| match &operation.auth {
            Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) => Some((operation, scopes)),
            _ => None,
        })
}

/// `/api/v1/agents/:id/credentials/:credentialId`: the first parameter is `:id`, further ones
/// keep their names.
pub fn route(operation: &Operation) -> String {
    let mut first = true;
    operation
        .path
        .split('/')
        .map(
            |part| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
                None => part.to_owned(),
                Some(_) if std::mem::take(&mut first) => ":id".to_owned(),
                Some(name) => format!(":{name}"),
            },
        )
        .collect::<Vec<_>>()
        .join("/")
}
