//! The Go module: enums, models with their reading and writing, one service type for each section,
//! the operation table's indices, and the dispatch of the conformance runner.
//!
//! Everything emitted is thin data over the hand-written call path in `bindings/go`. The files lie
//! beside hand-written ones, because a Go package is one folder; each is owned whole.

mod enums;
mod models;
mod names;
mod operations;
mod runner;
mod services;
mod signature;
mod types;

use crate::{
    Result,
    model::Contract,
    output::{File, marker},
    writer::Writer,
};

/// What this target owns.
pub const OWNS: &[&str] = &[
    "bindings/go/client_gen.go",
    "bindings/go/enums_gen.go",
    "bindings/go/models_gen.go",
    "bindings/go/operations_gen.go",
    "bindings/go/services_gen.go",
    "tests/conformance/runners/go/dispatch_gen.go",
];

/// Emits every generated file of the module and of its conformance runner.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    let names = names::Names::new(contract);
    Ok(vec![
        File::new(
            "bindings/go/client_gen.go",
            services::client(contract, &names),
        ),
        File::new("bindings/go/enums_gen.go", enums::emit(contract, &names)),
        File::new("bindings/go/models_gen.go", models::emit(contract, &names)),
        File::new(
            "bindings/go/operations_gen.go",
            operations::emit(contract, &names),
        ),
        File::new(
            "bindings/go/services_gen.go",
            services::emit(contract, &names)?,
        ),
        File::new(
            "tests/conformance/runners/go/dispatch_gen.go",
            runner::emit(contract, &names),
        ),
    ])
}

/// A file of the package that uses these imports; the list is sorted into gofmt's groups here.
fn go_file(package: &str, imports: &[&str]) -> Writer {
    let mut w = Writer::new("\t");
    w.line(format!("// {}", marker())).blank();
    w.line(format!("package {package}")).blank();
    let (outside, standard): (Vec<&str>, Vec<&str>) = imports.iter().partition(|i| i.contains('.'));
    if !imports.is_empty() {
        w.block("import (", ")", |w| {
            for import in &standard {
                w.line(format!("\"{import}\""));
            }
            if !standard.is_empty() && !outside.is_empty() {
                w.blank();
            }
            for import in &outside {
                w.line(format!("\"{import}\""));
            }
        });
        w.blank();
    }
    w
}

/// A Go string literal. JSON's escapes are a part of Go's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Documentation of a name, wrapped.
fn doc(w: &mut Writer, name: &str, text: &str) {
    comment(w, &format!("{name}: {}", text.trim()));
}

/// A comment, wrapped paragraph by paragraph. Indented lines are code and stay as they are.
fn comment(w: &mut Writer, text: &str) {
    const WIDTH: usize = 100;
    let mut line = String::new();
    let flush = |line: &mut String, w: &mut Writer| {
        if !line.is_empty() {
            w.line(format!("// {line}"));
            line.clear();
        }
    };
    for source in text.trim_end().split('\n') {
        let is_block = source.starts_with([' ', '\t', '-', '*', '#']);
        if source.trim().is_empty() || is_block {
            flush(&mut line, w);
            w.line(format!("// {source}").trim_end());
            continue;
        }
        for word in source.split_whitespace() {
            if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
                flush(&mut line, w);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    flush(&mut line, w);
}
