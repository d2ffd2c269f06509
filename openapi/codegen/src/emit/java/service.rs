//! Services: for each operation a method that waits and one that gives a future, each with and without what is optional.

use super::{
    ROOT, docs,
    file::{INTERNAL, MAIN, MODELS, Unit},
    model::properties,
    names::{class, ident, literal},
    signature::{Signature, empty_body, positional_type},
    types,
};
use crate::{
    model::{Auth, Contract, Operation, Paging, PagingStyle, Section},
    names::{pascal, screaming},
    output::File,
    writer::Writer,
};

/// How a method gives its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Sync,
    Async,
    Pages,
}

/// The client of a section.
pub fn emit(contract: &Contract, section: &Section) -> File {
    let name = &section.service.java;
    let mut unit = Unit::new(MAIN, name);
    unit.import(INTERNAL, "Bridge");
    for operation in &section.operations {
        imports(&mut unit, contract, operation);
    }
    let w = &mut unit.body;
    let text = format!(
        "{}\n\n<p>Safe for all threads. Each operation has a method that waits and an {{@code …Async}} one, whose future stops \
         the request when it is cancelled.",
        docs::text(&section.description)
    );
    docs::comment(w, &text, &[]);
    w.block(format!("public final class {name} {{"), "}", |w| {
        w.line("private final Bridge bridge;");
        w.blank();
        w.block(format!("{name}(Bridge bridge) {{"), "}", |w| {
            w.line("this.bridge = bridge;");
        });
        for operation in &section.operations {
            let signature = Signature::of(contract, operation);
            family(w, contract, operation, &signature, Style::Sync);
            family(w, contract, operation, &signature, Style::Async);
            if operation.paging.is_some() {
                family(w, contract, operation, &signature, Style::Pages);
            }
        }
    });
    unit.file(ROOT)
}

fn imports(unit: &mut Unit, contract: &Contract, operation: &Operation) {
    unit.import(INTERNAL, "Envelope");
    unit.import(INTERNAL, "Operations");
    unit.import("java.util.concurrent", "CompletableFuture");
    let signature = Signature::of(contract, operation);
    for positional in &signature.positional {
        types::import(unit, &positional.field.ty);
    }
    for trailing in &signature.trailing {
        unit.import(MODELS, &trailing.class);
        unit.import(INTERNAL, &format!("{}Codec", trailing.class));
    }
    if let Some(result) = operation.result() {
        unit.import(MODELS, &class(result));
    }
    if let Some(paging) = &operation.paging {
        unit.import(MODELS, &class(&paging.item_model));
    }
}

/// The overloads of one method: the longest does the work.
fn family(
    w: &mut Writer,
    contract: &Contract,
    operation: &Operation,
    signature: &Signature<'_>,
    style: Style,
) {
    if signature.trailing_optional() {
        overload(w, contract, operation, signature, style, false, false);
    }
    overload(w, contract, operation, signature, style, true, false);
    if signature.trailing_optional() {
        overload(w, contract, operation, signature, style, false, true);
    }
    overload(w, contract, operation, signature, style, true, true);
}

fn method(operation: &Operation, style: Style) -> String {
    let name = ident(&operation.id);
    match style {
        Style::Sync => name,
        Style::Async => format!("{name}Async"),
        Style::Pages => format!("{name}All"),
    }
}

fn returns(operation: &Operation, style: Style) -> String {
    match (style, operation.result(), &operation.paging) {
        (Style::Pages, _, Some(paging)) => format!("Pages<{}>", class(&paging.item_model)),
        (Style::Async, Some(result), _) => format!("CompletableFuture<{}>", class(result)),
        (Style::Async, None, _) => "CompletableFuture<Void>".into(),
        (_, Some(result), _) => class(result),
        (_, None, _) => "void".into(),
    }
}

fn overload(
    w: &mut Writer,
    contract: &Contract,
    operation: &Operation,
    signature: &Signature<'_>,
    style: Style,
    trailing: bool,
    options: bool,
) {
    let mut params: Vec<String> = Vec::new();
    let mut all: Vec<String> = Vec::new();
    for p in &signature.positional {
        params.push(format!("{} {}", positional_type(p.field), p.ident));
        all.push(p.ident.clone());
    }
    for t in &signature.trailing {
        if trailing {
            params.push(format!("{} {}", t.class, t.ident));
        }
        all.push(if trailing {
            t.ident.clone()
        } else {
            format!("({}) null", t.class)
        });
    }
    if options {
        params.push(format!("CallOptions {}", signature.options));
    }
    all.push(if options {
        signature.options.clone()
    } else {
        "(CallOptions) null".into()
    });
    w.blank();
    comment(w, operation, signature, style, trailing, options);
    let name = method(operation, style);
    let returns = returns(operation, style);
    w.block(
        format!("public {returns} {name}({}) {{", params.join(", ")),
        "}",
        |w| {
            if trailing && options {
                match (style, &operation.paging) {
                    (Style::Pages, Some(paging)) => {
                        pages(w, contract, operation, signature, paging)
                    }
                    _ => call(w, contract, operation, signature, style),
                }
            } else {
                let give = if returns == "void" { "" } else { "return " };
                w.line(format!("{give}{name}({});", all.join(", ")));
            }
        },
    );
}

fn call(
    w: &mut Writer,
    contract: &Contract,
    operation: &Operation,
    signature: &Signature<'_>,
    style: Style,
) {
    let mut envelope = "new Envelope()".to_owned();
    for p in signature.positional.iter().filter(|p| !p.in_body) {
        envelope.push_str(&format!(".path({}, {})", literal(&p.field.name), p.ident));
    }
    for p in signature.in_body() {
        envelope.push_str(&format!(".given({}, {})", literal(&p.ident), p.ident));
    }
    for t in signature.trailing.iter().filter(|t| !t.optional) {
        envelope.push_str(&format!(".given({}, {})", literal(&t.ident), t.ident));
    }
    for t in &signature.trailing {
        let mut value = t.ident.clone();
        let filled = t.optional || signature.in_body().next().is_some();
        if t.body && filled && empty_body(operation) {
            value = format!(
                "({value} == null ? {}.builder() : {value}.toBuilder())",
                t.class
            );
            let setters = properties(contract.model(&t.model));
            for p in signature.in_body() {
                for property in setters.iter().filter(|s| s.field.name == p.field.name) {
                    value.push_str(&format!(".{}({})", property.setter, p.ident));
                }
            }
            value.push_str(".build()");
        }
        envelope.push_str(&format!(".{}({}Codec.INSTANCE, {value})", t.part, t.class));
    }
    let (give, verb) = match (style, operation.result()) {
        (Style::Async, _) => ("return ", "callAsync"),
        (_, None) => ("", "call"),
        (_, Some(_)) => ("return ", "call"),
    };
    w.line(format!(
        "{give}bridge.{verb}(\n        Operations.{},\n        {envelope},\n        {});",
        screaming(&operation.id),
        signature.options
    ));
}

/// The page after a page: by counting, or by the cursor that came with it.
fn pages(
    w: &mut Writer,
    contract: &Contract,
    operation: &Operation,
    signature: &Signature<'_>,
    paging: &Paging,
) {
    let Some(query) = signature.trailing.iter().find(|t| !t.body) else {
        // Without a query there is nothing to turn the page with: the first is the only one.
        w.line(format!(
            "return new Pages<>(next -> new Pages.Page<>({}.getData(), null));",
            first_page(operation, signature, "")
        ));
        return;
    };
    let class = &query.class;
    w.line(format!(
        "{class} first = {0} == null ? {class}.builder().build() : {0};",
        query.ident
    ));
    let turned = match paging.style {
        PagingStyle::Page => "first.toBuilder().page((Long) next).build()".to_owned(),
        PagingStyle::Cursor => {
            // The service takes a page or a cursor, not both.
            let counted = contract
                .model(&query.model)
                .fields
                .iter()
                .any(|f| f.name == "page");
            let unset = if counted { ".page((Long) null)" } else { "" };
            format!("first.toBuilder(){unset}.cursor((String) next).build()")
        }
    };
    let items = getter(contract, operation, &paging.items);
    let page = match paging.style {
        PagingStyle::Page => format!(
            "Pages.Page.counted(page.{items}(), page.{}(), page.{}(), page.{}())",
            getter(contract, operation, "page"),
            getter(contract, operation, "limit"),
            getter(contract, operation, "total")
        ),
        PagingStyle::Cursor => format!(
            "new Pages.Page<>(page.{items}(), page.{}())",
            getter(contract, operation, "nextCursor")
        ),
    };
    w.block("return new Pages<>(next -> {", "});", |w| {
        w.line(format!("{class} turned = next == null ? first : {turned};"));
        w.line(format!(
            "var page = {};",
            first_page(operation, signature, "turned")
        ));
        w.line(format!("return {page};"));
    });
}

fn first_page(operation: &Operation, signature: &Signature<'_>, query: &str) -> String {
    let mut args: Vec<&str> = signature
        .positional
        .iter()
        .map(|p| p.ident.as_str())
        .collect();
    args.extend(
        signature
            .trailing
            .iter()
            .map(|t| if t.body { t.ident.as_str() } else { query }),
    );
    args.push(&signature.options);
    format!("{}({})", ident(&operation.id), args.join(", "))
}

fn getter(contract: &Contract, operation: &Operation, field: &str) -> String {
    let model = operation.result().map(|name| contract.model(name));
    model
        .and_then(|m| properties(m).into_iter().find(|p| p.field.name == field))
        .map_or_else(|| format!("get{}", pascal(field)), |p| p.getter)
}

fn comment(
    w: &mut Writer,
    operation: &Operation,
    signature: &Signature<'_>,
    style: Style,
    trailing: bool,
    options: bool,
) {
    let mut tags = Vec::new();
    for p in &signature.positional {
        let what = if p.field.description.is_empty() {
            p.field.name.clone()
        } else {
            p.field.description.clone()
        };
        tags.push(format!("@param {} {}", p.ident, docs::phrase(&what)));
    }
    for t in signature.trailing.iter().filter(|_| trailing) {
        let what = if t.body { "the request" } else { "the query" };
        let null = if t.optional { ", or null" } else { "" };
        tags.push(format!("@param {} {what}{null}", t.ident));
    }
    if options {
        tags.push(format!(
            "@param {} settings of this call, or null",
            signature.options
        ));
    }
    match style {
        Style::Sync => {
            if operation.result().is_some() {
                tags.push(format!(
                    "@return {}",
                    docs::phrase(&operation.answers[0].description)
                ));
            }
            tags.push(
                "@throws AgentIdPException when the call fails; the subclass says what can be done"
                    .into(),
            );
        }
        Style::Async => tags.push(format!(
            "@return the future of: {}",
            docs::phrase(&operation.answers[0].description)
        )),
        Style::Pages => {
            tags.push("@return the items, fetched page by page as they are read".into())
        }
    }
    docs::comment(w, &about(operation, style), &tags);
}

fn about(operation: &Operation, style: Style) -> String {
    let mut text = docs::text(&operation.summary);
    match style {
        Style::Async => text.push_str(" Does not wait."),
        Style::Pages => text.push_str(" Goes on through all pages."),
        Style::Sync => {
            text.push_str(&format!("\n\n<p>{}", docs::text(&operation.description)));
            text.push_str(&format!("\n\n<p>{}", docs::text(&who(&operation.auth))));
            let mut codes: Vec<String> = Vec::new();
            for error in &operation.errors {
                codes.extend(
                    error
                        .codes
                        .iter()
                        .map(|c| format!("{{@code {c}}} ({})", error.status)),
                );
            }
            if !codes.is_empty() {
                text.push_str(&format!("\n\n<p>Errors: {}.", codes.join(", ")));
            }
        }
    }
    text
}

fn who(auth: &Auth) -> String {
    let scopes = |scopes: &[String]| {
        if scopes.is_empty() {
            "Any token will do.".to_owned()
        } else {
            format!("Scope: `{}`.", scopes.join(" "))
        }
    };
    match auth {
        Auth::Public => "Public: no token is sent.".into(),
        Auth::Client => "The client's own id and secret are sent; no token is needed.".into(),
        Auth::Bearer(needed) | Auth::BearerOrClient(needed) => scopes(needed),
    }
}

/// The table of operations.
pub fn operations(contract: &Contract) -> File {
    let mut unit = Unit::new(INTERNAL, "Operations");
    unit.import("java.util", "List");
    for result in contract.operations().filter_map(Operation::result) {
        unit.import(MODELS, &class(result));
    }
    let w = &mut unit.body;
    w.line("/** Every operation of the contract, in its order. */");
    w.block("public final class Operations {", "}", |w| {
        for (index, operation) in contract.operations().enumerate() {
            let (ty, codec) = operation.result().map_or_else(
                || ("Void".to_owned(), "null".to_owned()),
                |name| (class(name), format!("{}Codec.INSTANCE", class(name))),
            );
            w.line(format!(
                "public static final Operation<{ty}> {} = new Operation<>({index}, {codec});",
                screaming(&operation.id)
            ));
        }
        w.blank();
        let ids: Vec<String> = contract.operations().map(|o| literal(&o.id)).collect();
        w.line(format!(
            "static final List<String> IDS = List.of(\n        {});",
            ids.join(",\n        ")
        ));
        w.blank();
        w.line("private Operations() {}");
    });
    unit.file(ROOT)
}

/// The class that has a method for each section.
pub fn all(contract: &Contract) -> File {
    let mut unit = Unit::new(MAIN, "AgentIdPServices");
    unit.import(INTERNAL, "Bridge");
    let w = &mut unit.body;
    docs::comment(
        w,
        "The services of an {@link AgentIdPClient}, one for each section of the API.",
        &[],
    );
    w.block(
        "public abstract sealed class AgentIdPServices permits AgentIdPClient {",
        "}",
        |w| {
            for section in &contract.sections {
                w.line(format!(
                    "private final {} {};",
                    section.service.java,
                    ident(&section.name)
                ));
            }
            w.blank();
            w.block("AgentIdPServices(Bridge bridge) {", "}", |w| {
                for section in &contract.sections {
                    w.line(format!(
                        "this.{} = new {}(bridge);",
                        ident(&section.name),
                        section.service.java
                    ));
                }
            });
            for section in &contract.sections {
                w.blank();
                docs::comment(
                    w,
                    &docs::text(&section.description),
                    &["@return the service".into()],
                );
                let name = ident(&section.name);
                w.block(
                    format!("public final {} {name}() {{", section.service.java),
                    "}",
                    |w| {
                        w.line(format!("return this.{name};"));
                    },
                );
            }
        },
    );
    unit.file(ROOT)
}
