//! Where each model occurs, through every model that holds it.

use crate::model::{BodyKind, Contract, Type, Usage};

/// Marks every model with the ways it is used.
pub fn mark(contract: &mut Contract) {
    let mut roots: Vec<(String, Usage)> = Vec::new();
    for operation in contract.operations() {
        if let Some(query) = &operation.query {
            roots.push((
                query.clone(),
                Usage {
                    query: true,
                    ..Usage::default()
                },
            ));
        }
        if let Some(body) = &operation.body {
            let usage = match body.kind {
                BodyKind::Json => Usage {
                    body: true,
                    ..Usage::default()
                },
                BodyKind::Form => Usage {
                    form: true,
                    ..Usage::default()
                },
            };
            roots.push((body.model.clone(), usage));
        }
        for answer in &operation.answers {
            if let Some(model) = &answer.model {
                roots.push((
                    model.clone(),
                    Usage {
                        output: true,
                        ..Usage::default()
                    },
                ));
            }
        }
    }
    while let Some((name, usage)) = roots.pop() {
        let Some(model) = contract.models.iter_mut().find(|m| m.name == name) else {
            continue;
        };
        let merged = Usage {
            body: model.usage.body || usage.body,
            form: model.usage.form || usage.form,
            query: model.usage.query || usage.query,
            output: model.usage.output || usage.output,
        };
        if merged == model.usage {
            continue;
        }
        model.usage = merged;
        for field in &model.fields {
            if let Some(inner) = named(&field.ty) {
                roots.push((inner.to_owned(), merged));
            }
        }
    }
}

fn named(ty: &Type) -> Option<&str> {
    match ty {
        Type::Model(name) => Some(name),
        Type::List(inner) | Type::Map(inner) => named(inner),
        _ => None,
    }
}
