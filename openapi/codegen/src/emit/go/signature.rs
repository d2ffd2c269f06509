//! Which arguments a method takes.

use super::{
    names::{Names, Unique, parameter},
    types,
};
use crate::model::{Contract, Field, Operation};

/// The arguments of a method, in their order; the conformance runner calls with the same.
pub struct Signature<'a> {
    /// Path ids: name in Go, and the contract's field.
    pub path: Vec<(String, &'a Field)>,
    /// The body's fields that are arguments of their own.
    pub positional: Vec<(String, &'a Field)>,
    /// Type of the body, and whether it may be nil.
    pub body: Option<(&'a str, bool)>,
    /// Type of the query, and whether it may be nil.
    pub query: Option<(&'a str, bool)>,
}

impl<'a> Signature<'a> {
    /// Of that operation's method.
    pub fn new(contract: &'a Contract, names: &'a Names, operation: &'a Operation) -> Self {
        let mut unique = Unique::default();
        let mut named = |field: &'a Field| (unique.name(&parameter(&field.name)), field);
        let path = operation.path_params.iter().map(&mut named).collect();
        let mut positional = Vec::new();
        let mut rest = None;
        if let Some(body) = &operation.body {
            let model = contract.model(&body.model);
            let taken = types::positional(contract, &body.model);
            positional = model
                .fields
                .iter()
                .filter(|f| taken.contains(&f.name.as_str()))
                .map(&mut named)
                .collect();
            if model.fields.len() > positional.len() || positional.is_empty() {
                rest = Some((names.of_type(&body.model), body.all_optional));
            }
        }
        let query = operation.query.as_deref().map(|name| {
            let has_required = contract.model(name).fields.iter().any(|f| f.required);
            (names.of_type(name), !has_required)
        });
        Self {
            path,
            positional,
            body: rest,
            query,
        }
    }

    /// The parameter list of the method.
    pub fn parameters(&self, names: &Names) -> String {
        let mut list = vec!["ctx context.Context".to_owned()];
        for (name, field) in self.path.iter().chain(&self.positional) {
            list.push(format!("{name} {}", types::plain_type(names, &field.ty)));
        }
        for (name, argument) in [("body", self.body), ("params", self.query)] {
            if let Some((ty, is_optional)) = argument {
                list.push(format!("{name} {}{ty}", if is_optional { "*" } else { "" }));
            }
        }
        list.push("opts ...CallOption".into());
        list.join(", ")
    }
}
