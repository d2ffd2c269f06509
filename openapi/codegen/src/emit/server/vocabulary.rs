//! Closed lists: error codes and scopes.

use super::rust::{quoted, variant};
use crate::{model::Contract, writer::Writer};

/// `generated/codes.rs`.
pub fn codes(contract: &Contract) -> String {
    let mut w = Writer::new("    ");
    w.line("//! Every error code that the API answers.").blank();
    w.line("/// An error code of the contract.");
    w.line("#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]");
    w.block("pub enum Code {", "}", |w| {
        for code in &contract.error_codes {
            w.prefixed("/// ", &code.description);
            w.line(format!("{},", variant(&code.code)));
        }
    });
    w.blank();
    w.block("impl Code {", "}", |w| {
        w.line("/// Every code, in the order of the contract.");
        list(
            w,
            "Code",
            contract.error_codes.iter().map(|c| variant(&c.code)),
        );
        w.blank().line("/// As on the wire.");
        w.line("pub const fn as_str(self) -> &'static str {");
        arms(
            w,
            contract
                .error_codes
                .iter()
                .map(|c| (variant(&c.code), quoted(&c.code))),
        );
        w.line("}").blank();
        w.line("/// The HTTP status that it is answered with.");
        w.line("pub const fn status(self) -> u16 {");
        arms(
            w,
            contract
                .error_codes
                .iter()
                .map(|c| (variant(&c.code), c.status.to_string())),
        );
        w.line("}").blank();
        w.line("/// An RFC 6749 `error` value rather than a code of ours.");
        w.line("pub const fn is_oauth(self) -> bool {");
        let oauth: Vec<String> = contract
            .error_codes
            .iter()
            .filter(|c| c.oauth)
            .map(|c| format!("Self::{}", variant(&c.code)))
            .collect();
        if oauth.is_empty() {
            w.line("false");
        } else {
            w.line(format!("matches!(self, {})", oauth.join(" | ")));
        }
        w.line("}").blank();
        w.line("/// When it is answered.");
        w.line("pub const fn description(self) -> &'static str {");
        arms(
            w,
            contract
                .error_codes
                .iter()
                .map(|c| (variant(&c.code), quoted(c.description.trim_end()))),
        );
        w.line("}");
    });
    w.finish()
}

/// `generated/scopes.rs`.
pub fn scopes(contract: &Contract) -> String {
    let mut w = Writer::new("    ");
    w.line("//! Every scope that a token can carry.").blank();
    w.line("/// A scope of the contract.");
    w.line("#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]");
    w.block("pub enum Scope {", "}", |w| {
        for (scope, meaning) in &contract.scopes {
            w.prefixed("/// ", meaning);
            w.line(format!("{},", variant(scope)));
        }
    });
    w.blank();
    w.block("impl Scope {", "}", |w| {
        let names = || contract.scopes.iter().map(|(s, _)| s);
        w.line("/// Every scope, in the order of the contract.");
        list(w, "Scope", names().map(|s| variant(s)));
        w.blank().line("/// As on the wire.");
        w.line("pub const fn as_str(self) -> &'static str {");
        arms(w, names().map(|s| (variant(s), quoted(s))));
        w.line("}").blank();
        w.line("/// The scope of that name.");
        w.line("pub fn parse(name: &str) -> Option<Self> {");
        w.line("Some(match name {");
        for scope in names() {
            w.line(format!("{} => Self::{},", quoted(scope), variant(scope)));
        }
        w.line("_ => return None,").line("})").line("}");
    });
    w.finish()
}

fn list(w: &mut Writer, name: &str, variants: impl Iterator<Item = String>) {
    let variants: Vec<String> = variants.map(|v| format!("{name}::{v}")).collect();
    w.line(format!(
        "pub const ALL: &'static [{name}] = &[{}];",
        variants.join(", ")
    ));
}

fn arms(w: &mut Writer, pairs: impl Iterator<Item = (String, String)>) {
    w.line("match self {");
    for (variant, value) in pairs {
        w.line(format!("Self::{variant} => {value},"));
    }
    w.line("}");
}
