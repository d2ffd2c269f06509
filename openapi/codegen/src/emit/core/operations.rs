//! The operation table.

use super::{
    rust_file, shapes,
    types::{constant, literal, type_ident},
};
use crate::{
    model::{Auth, BodyKind, Contract, Envelope, Operation, PagingStyle, SdkDefault},
    writer::Writer,
};

/// Emits `operations.rs`.
pub fn emit(contract: &Contract) -> String {
    let mut w = rust_file("Every operation of the contract, in its order.");
    w.line("#![allow(unused_imports)] // which of them are needed depends on the contract");
    w.line("use super::{models, shapes};");
    w.line("use crate::{operation::{Answer, Auth, Body, BodyKind, Decoder, Default, DefaultSource, Envelope, Operation, Paging, Segment}, shape::Shape, wire};");
    let count = contract.operations().count();
    w.blank()
        .line("/// The whole table; an operation's `index` is its place here.");
    w.block(
        format!("pub static ALL: [Operation; {count}] = ["),
        "];",
        |w| {
            for (index, operation) in contract.operations().enumerate() {
                entry(w, contract, index, operation);
            }
        },
    );
    for (index, operation) in contract.operations().enumerate() {
        w.blank().line(format!("/// {}", operation.summary));
        w.line(format!(
            "pub static {}: &Operation = &ALL[{index}];",
            constant(&operation.id)
        ));
    }
    w.blank()
        .line("/// The operation that answers access tokens for client credentials, and its path.");
    let token = contract
        .operations()
        .find(|o| o.auth == Auth::Client)
        .map_or_else(
            || "None".to_owned(),
            |o| format!("Some(&ALL[{}])", index_of(contract, &o.id)),
        );
    w.line(format!("pub static TOKEN: Option<&Operation> = {token};"));
    w.blank()
        .line("/// The operation that answers whether a token is live.");
    let introspection = contract.operations().find(|o| o.introspection).map_or_else(
        || "None".to_owned(),
        |o| format!("Some(&ALL[{}])", index_of(contract, &o.id)),
    );
    w.line(format!(
        "pub static INTROSPECTION: Option<&Operation> = {introspection};"
    ));
    w.finish()
}

fn entry(w: &mut Writer, contract: &Contract, index: usize, operation: &Operation) {
    w.block("Operation {", "},", |w| {
        w.line(format!("index: {index},"));
        w.line(format!("id: {},", literal(&operation.id)));
        w.line(format!("section: {},", literal(&operation.section)));
        w.line(format!("method: {},", literal(&operation.method)));
        w.line(format!("path: {},", literal(&operation.path)));
        w.line(format!("segments: &[{}],", segments(&operation.path)));
        w.line(format!("auth: {},", auth(&operation.auth)));
        w.line(match operation.envelope {
            Envelope::Standard => "envelope: Envelope::Standard,",
            Envelope::OAuth => "envelope: Envelope::OAuth,",
        });
        w.line(format!("takes_query: {},", operation.query.is_some()));
        w.line(format!("body: {},", body(contract, operation)));
        w.block("answers: &[", "],", |w| {
            for answer in &operation.answers {
                w.line(format!(
                    "Answer {{ status: {}, decoder: {} }},",
                    answer.status,
                    decoder(answer.model.as_deref())
                ));
            }
        });
        w.line(format!("idempotency_key: {},", operation.idempotency_key));
        w.line(format!("retry_safe: {},", operation.retry_safe));
        w.line(format!("sensitive: {},", operation.sensitive));
        w.line(match operation.paging.as_ref().map(|p| p.style) {
            None => "paging: None,",
            Some(PagingStyle::Page) => "paging: Some(Paging::Page),",
            Some(PagingStyle::Cursor) => "paging: Some(Paging::Cursor),",
        });
    });
}

fn index_of(contract: &Contract, id: &str) -> usize {
    contract.operations().take_while(|o| o.id != id).count()
}

/// `/agents/{agentId}/did` as what is written and what is filled in.
fn segments(path: &str) -> String {
    let mut out = Vec::new();
    let mut rest = path;
    while let Some(open) = rest.find('{') {
        let close = rest[open..].find('}').map_or(rest.len(), |c| open + c);
        if open > 0 {
            out.push(format!("Segment::Text({})", literal(&rest[..open])));
        }
        out.push(format!(
            "Segment::Param({})",
            literal(&rest[open + 1..close])
        ));
        rest = rest.get(close + 1..).unwrap_or_default();
    }
    if !rest.is_empty() {
        out.push(format!("Segment::Text({})", literal(rest)));
    }
    out.join(", ")
}

fn auth(auth: &Auth) -> String {
    let list = |scopes: &[String]| {
        scopes
            .iter()
            .map(|s| literal(s))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match auth {
        Auth::Public => "Auth::Public".into(),
        Auth::Client => "Auth::Client".into(),
        Auth::Bearer(scopes) => format!("Auth::Bearer(&[{}])", list(scopes)),
        Auth::BearerOrClient(scopes) => format!("Auth::BearerOrClient(&[{}])", list(scopes)),
    }
}

fn body(contract: &Contract, operation: &Operation) -> String {
    let Some(body) = &operation.body else {
        return "None".into();
    };
    let kind = match body.kind {
        BodyKind::Json => "Json",
        BodyKind::Form => "Form",
    };
    let defaults: Vec<String> = contract
        .model(&body.model)
        .fields
        .iter()
        .filter_map(|field| {
            let source = match field.sdk_default.as_ref()? {
                SdkDefault::Value(value) => format!("DefaultSource::Value({})", literal(value)),
                SdkDefault::ClientId => "DefaultSource::ClientId".into(),
                SdkDefault::ClientSecret => "DefaultSource::ClientSecret".into(),
            };
            Some(format!(
                "Default {{ field: {}, source: {source} }}",
                literal(&field.name)
            ))
        })
        .collect();
    format!(
        "Some(Body {{ kind: BodyKind::{kind}, required: {}, defaults: &[{}] }})",
        body.required,
        defaults.join(", ")
    )
}

fn decoder(model: Option<&str>) -> String {
    model.map_or_else(
        || "None".into(),
        |model| {
            format!(
                "Some(Decoder {{ typed: wire::typed::<models::{}>, shape: &Shape::Object(&shapes::{}) }})",
                type_ident(model),
                shapes::constant(model)
            )
        },
    )
}
