//! A method's parameters: path ids and positional body fields first, then the query and the body, then the options.

use super::names::{Unique, class, ident};
use crate::model::{BodyKind, Contract, Field, Operation, Type};

/// A positional argument.
pub struct Positional<'a> {
    /// The path parameter or the body's field.
    pub field: &'a Field,
    /// The parameter's name.
    pub ident: String,
    /// It goes into the body, not into the path.
    pub in_body: bool,
}

/// The query, or the body.
pub struct Trailing {
    /// The contract's name of the model.
    pub model: String,
    /// Its class.
    pub class: String,
    /// The parameter's name.
    pub ident: String,
    /// It may be left out.
    pub optional: bool,
    /// It is the body, not the query.
    pub body: bool,
    /// How a runner's envelope calls it: `body` or `query`.
    pub part: &'static str,
}

/// All parameters of a method but the options.
pub struct Signature<'a> {
    /// In the order of the path, then of `x-sdk.positional`.
    pub positional: Vec<Positional<'a>>,
    /// The query, then the body.
    pub trailing: Vec<Trailing>,
    /// The name of the options' parameter.
    pub options: String,
}

impl<'a> Signature<'a> {
    /// Of an operation.
    pub fn of(contract: &'a Contract, operation: &'a Operation) -> Self {
        let mut names = Unique::new(&[]);
        let mut positional: Vec<Positional<'a>> = operation
            .path_params
            .iter()
            .map(|field| Positional {
                field,
                ident: names.name(ident(&field.name)),
                in_body: false,
            })
            .collect();
        let mut trailing = Vec::new();
        if let Some(query) = &operation.query {
            trailing.push(Trailing {
                model: query.clone(),
                class: class(query),
                ident: names.name("params".into()),
                optional: contract.model(query).fields.iter().all(|f| !f.required),
                body: false,
                part: "query",
            });
        }
        if let Some(body) = &operation.body {
            let model = contract.model(&body.model);
            for name in &body.positional {
                positional.extend(
                    model
                        .fields
                        .iter()
                        .filter(|f| f.name == *name)
                        .map(|field| Positional {
                            field,
                            ident: names.name(ident(name)),
                            in_body: true,
                        }),
                );
            }
            trailing.push(Trailing {
                model: body.model.clone(),
                class: class(&body.model),
                ident: names.name("request".into()),
                optional: body.all_optional,
                body: true,
                part: "body",
            });
        }
        Self {
            positional,
            trailing,
            options: names.name("options".into()),
        }
    }

    /// Every trailing argument may be left out, and there is one.
    pub fn trailing_optional(&self) -> bool {
        !self.trailing.is_empty() && self.trailing.iter().all(|t| t.optional)
    }

    /// Positional fields of the body.
    pub fn in_body(&self) -> impl Iterator<Item = &Positional<'a>> {
        self.positional.iter().filter(|p| p.in_body)
    }
}

/// Without a body from the caller an operation that has one sends what the client fills in, or an empty object; a JSON body
/// that is not required is left out.
pub fn empty_body(operation: &Operation) -> bool {
    operation
        .body
        .as_ref()
        .is_some_and(|b| b.required || b.kind == BodyKind::Form || !b.positional.is_empty())
}

/// A positional argument's type.
pub fn positional_type(field: &Field) -> String {
    match &field.ty {
        Type::Enum(name) => class(name),
        ty => super::types::primitive(ty).map_or_else(|| super::types::boxed(ty), str::to_owned),
    }
}
