//! Which arguments a method takes, and in which order.

use super::{
    docs,
    naming::{BODY, OPTIONS, QUERY, parameter, quoted, type_name},
    types::{self, Direction},
};
use crate::model::{Contract, Field, Operation};

/// What an argument is for.
pub enum Role {
    /// An id in the path.
    Path(Field),
    /// A field of the body with a place of its own.
    Positional(Field),
    /// The rest of the body; the model's name.
    Body(String),
    /// The query; the model's name.
    Query(String),
    /// Timeout, headers and the like.
    Options,
}

/// An argument of a method.
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: String,
    /// May be left out.
    pub optional: bool,
    /// What it is for.
    pub role: Role,
}

impl Argument {
    /// As a method declares it.
    pub fn declared(&self) -> String {
        let sign = if self.optional { "?" } else { "" };
        format!("{}{sign}: {}", self.name, self.ty)
    }

    /// For its `@param` line.
    pub fn meaning(&self, contract: &Contract) -> String {
        match &self.role {
            Role::Path(field) | Role::Positional(field) => {
                docs::field(field, Direction::Input).join(" ")
            }
            Role::Body(model) | Role::Query(model) => contract.model(model).description.clone(),
            Role::Options => "Timeout, retries, headers, ids and signal of this call.".into(),
        }
    }
}

/// The arguments of an operation's method: ids, positional fields, what must be given, what may be.
pub fn arguments(contract: &Contract, operation: &Operation) -> Vec<Argument> {
    let mut out: Vec<Argument> = operation
        .path_params
        .iter()
        .map(|field| Argument {
            name: parameter(&field.name),
            ty: types::base(contract, &field.ty, Direction::Input),
            optional: false,
            role: Role::Path(field.clone()),
        })
        .collect();
    if let Some(body) = &operation.body {
        let model = contract.model(&body.model);
        let positional = |f: &&Field| body.positional.contains(&f.name);
        for name in &body.positional {
            if let Some(field) = model.fields.iter().find(|f| f.name == *name) {
                let ty = types::base(contract, &field.ty, types::direction(model));
                out.push(Argument {
                    name: parameter(name),
                    ty: if field.nullable {
                        format!("{ty} | null")
                    } else {
                        ty
                    },
                    optional: false,
                    role: Role::Positional(field.clone()),
                });
            }
        }
        if model.fields.iter().any(|f| !positional(&f)) {
            let whole = type_name(contract, &body.model);
            let taken: Vec<String> = body.positional.iter().map(|p| quoted(p)).collect();
            out.push(Argument {
                name: BODY.into(),
                ty: if taken.is_empty() {
                    whole
                } else {
                    format!("Omit<{whole}, {}>", taken.join(" | "))
                },
                optional: body.all_optional,
                role: Role::Body(body.model.clone()),
            });
        }
    }
    if let Some(query) = &operation.query {
        out.push(Argument {
            name: QUERY.into(),
            ty: type_name(contract, query),
            optional: !contract.model(query).fields.iter().any(|f| f.required),
            role: Role::Query(query.clone()),
        });
    }
    out.push(Argument {
        name: OPTIONS.into(),
        ty: "CallOptions".into(),
        optional: true,
        role: Role::Options,
    });
    // Stable: only what may be left out moves behind what may not.
    out.sort_by_key(|argument| argument.optional);
    out
}
