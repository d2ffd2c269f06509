//! One operation as a method: its overloads, its documentation and the one call that it makes; and
//! the iterator beside a list. The sync and the async form come from the same description.

use super::{names, text};
use crate::{
    model::{Auth, Contract, Field, Operation, PagingStyle},
    writer::Writer,
};

/// Where a line is broken.
const WIDTH: usize = 88;

/// Which of the pair is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    Sync,
    Async,
}

impl Flavour {
    /// The pair.
    pub const BOTH: [Self; 2] = [Self::Sync, Self::Async];

    /// One word or the other.
    pub fn pick(self, sync: &'static str, asynchronous: &'static str) -> &'static str {
        match self {
            Self::Sync => sync,
            Self::Async => asynchronous,
        }
    }
}

/// Writes the method of an operation, and its iterator when it is a list.
pub fn emit(
    w: &mut Writer,
    contract: &Contract,
    operation: &Operation,
    index: usize,
    flavour: Flavour,
) {
    let payload = payload(contract, operation);
    let method = Method {
        define: flavour.pick("def", "async def"),
        name: names::method(&operation.id),
        result: text::result(operation),
        operation,
        payload: payload.as_ref(),
    };
    method.write(w, |w| {
        text::docstring(w, &method.documentation());
        payload.iter().for_each(|p| p.hide(w));
        let mut arguments = vec![index.to_string(), path(operation).1];
        arguments.extend(
            payload
                .as_ref()
                .map(|p| format!("{}={}", p.part, p.construction(p.optional))),
        );
        if operation.body.is_some() && operation.query.is_some() {
            arguments.push("query=params".into());
        }
        arguments.push("options=options".into());
        let wait = flavour.pick("", "await ");
        call(w, &format!("return {wait}self._call("), &arguments);
    });
    iterator(w, &method, index, flavour);
}

fn iterator(w: &mut Writer, list: &Method<'_>, index: usize, flavour: Flavour) {
    let (Some(paging), Some(payload)) = (&list.operation.paging, list.payload) else {
        return;
    };
    let item = names::class(&paging.item_model);
    let method = Method {
        define: "def",
        name: format!("{}_iter", list.name),
        result: format!("{}[{item}]", flavour.pick("Iterator", "AsyncIterator")),
        ..*list
    };
    w.blank();
    method.write(w, |w| {
        text::docstring(
            w,
            &format!(
                "Every item of `{}`, page by page, fetched as the iterator goes on.\n\nTakes the \
                 same arguments; `limit` is the size of a page. Raises what that method raises, \
                 when a page is fetched.",
                list.name
            ),
        );
        payload.hide(w);
        let cursor = match paging.style {
            PagingStyle::Cursor => "True",
            PagingStyle::Page => "False",
        };
        let arguments = [
            index.to_string(),
            path(list.operation).1,
            payload.construction(false),
            format!("items={}", text::literal(&names::field(&paging.items))),
            format!("cursor={cursor}"),
            "options=options".into(),
        ];
        call(w, "return self._pages(", &arguments);
    });
}

fn call(w: &mut Writer, open: &str, arguments: &[String]) {
    listed(w, open, ")", arguments);
}

/// `open a, b, close` on one line, or an item a line.
fn listed(w: &mut Writer, open: &str, close: &str, items: &[String]) {
    let line = format!("{open}{}{close}", items.join(", "));
    if line.len() <= WIDTH {
        w.line(line);
        return;
    }
    w.block(open, close, |w| {
        for item in items {
            w.line(format!("{item},"));
        }
    });
}

/// The body or the query as the method takes it.
struct Payload<'a> {
    /// The model's class.
    class: String,
    /// `body` or `query`.
    part: &'static str,
    /// Fields taken by position.
    positional: Vec<&'a Field>,
    /// Fields taken by keyword.
    keywords: Vec<&'a Field>,
    /// May be left out.
    optional: bool,
}

fn payload<'a>(contract: &'a Contract, operation: &'a Operation) -> Option<Payload<'a>> {
    let (model, part) = match (&operation.body, &operation.query) {
        (Some(body), _) => (&body.model, "body"),
        (None, Some(query)) => (query, "query"),
        (None, None) => return None,
    };
    let by_position = operation.body.iter().flat_map(|b| &b.positional);
    let fields = text::arguments(contract, model);
    let positional: Vec<&Field> = by_position
        .filter_map(|name| fields.iter().copied().find(|f| f.name == *name))
        .collect();
    let keywords: Vec<&Field> = fields
        .into_iter()
        .filter(|f| !positional.iter().any(|p| p.name == f.name))
        .collect();
    let described = contract.model(model);
    Some(Payload {
        class: names::class(model),
        part,
        optional: positional.is_empty()
            && keywords.iter().all(|f| !f.required)
            && described.min_properties == 0,
        positional,
        keywords,
    })
}

impl Payload<'_> {
    /// How the argument is called that takes it whole.
    fn whole(&self) -> &'static str {
        if self.part == "body" {
            "request"
        } else {
            "params"
        }
    }

    /// One of its fields is a secret.
    fn secret(&self) -> bool {
        let mut all = self.positional.iter().chain(&self.keywords);
        all.any(|field| field.secret)
    }

    /// Takes what was given out of sight: a traceback that shows locals must show no secret.
    fn hide(&self, w: &mut Writer) {
        if self.secret() {
            w.line("_held = Hidden((given, fields))");
            w.line("del given, fields");
        }
    }

    /// `payload(RegisterAgentRequest, given, fields)`
    fn construction(&self, optional: bool) -> String {
        let mut out = if self.secret() {
            format!("secret_payload({}, _held", self.class)
        } else {
            format!("payload({}, given, fields", self.class)
        };
        if !self.positional.is_empty() {
            let names = self.positional.iter().map(|f| names::field(&f.name));
            out.push_str(&format!(", positional={}", text::tuple(names)));
        }
        if optional {
            out.push_str(", optional=True");
        }
        out.push(')');
        out
    }
}

/// Path ids as parameters and as the call's tuple.
fn path(operation: &Operation) -> (Vec<String>, String) {
    let names: Vec<String> = operation
        .path_params
        .iter()
        .map(|p| names::field(&p.name))
        .collect();
    let tuple = match names.len() {
        0 => "()".into(),
        1 => format!("({},)", names[0]),
        _ => format!("({})", names.join(", ")),
    };
    (names.iter().map(|n| format!("{n}: str")).collect(), tuple)
}

struct Method<'a> {
    define: &'static str,
    name: String,
    result: String,
    operation: &'a Operation,
    payload: Option<&'a Payload<'a>>,
}

impl Method<'_> {
    fn write(&self, w: &mut Writer, body: impl FnOnce(&mut Writer)) {
        self.overloads(w);
        let open = format!("{} {}(", self.define, self.name);
        let close = format!(") -> {}:", self.result);
        let parameters = self.implementation();
        let line = format!("{open}{}{close}", parameters.join(", "));
        if line.len() <= WIDTH {
            w.block(line, "", body);
            return;
        }
        w.line(open);
        for parameter in &parameters {
            w.line(format!("    {parameter},"));
        }
        w.block(close, "", body);
    }

    /// With the payload whole, and with its fields.
    fn overloads(&self, w: &mut Writer) {
        let Some(payload) = self.payload else {
            return;
        };
        let none = if payload.optional {
            " | None = None"
        } else {
            ""
        };
        let whole = format!("{}: {}{none}", payload.whole(), payload.class);
        let arguments = |fields: &[&Field]| -> Vec<String> {
            fields.iter().map(|f| text::argument(f)).collect()
        };
        let (positional, keywords) = (arguments(&payload.positional), arguments(&payload.keywords));
        for parameters in [
            self.parameters(&[whole], &[]),
            self.parameters(&positional, &keywords),
        ] {
            w.line("@overload");
            let open = format!("{} {}(", self.define, self.name);
            let close = format!(") -> {}: ...", self.result);
            listed(w, &open, &close, &parameters);
        }
    }

    /// `self`, the path's ids, these by position, these by keyword, `options`.
    fn parameters(&self, positional: &[String], keywords: &[String]) -> Vec<String> {
        let mut out = vec!["self".to_owned()];
        out.extend(path(self.operation).0);
        out.extend_from_slice(positional);
        if out.len() > 1 {
            out.push("/".into());
        }
        out.push("*".into());
        out.extend_from_slice(keywords);
        if let (Some(_), Some(query)) = (&self.operation.body, &self.operation.query) {
            out.push(format!("params: {} | None = None", names::class(query)));
        }
        out.push("options: CallOptions | None = None".into());
        out
    }

    /// The parameters behind the overloads: whatever was given.
    fn implementation(&self) -> Vec<String> {
        let mut parameters = self.parameters(&[], &[]);
        if self.payload.is_some() {
            parameters.retain(|p| p != "*");
            let slash = parameters.iter().position(|p| p == "/");
            parameters.insert(slash.map_or(1, |i| i + 1), "*given: Any".into());
            parameters.push("**fields: Any".into());
        }
        parameters
    }

    fn documentation(&self) -> String {
        let operation = self.operation;
        let mut out = operation.summary.trim().to_owned();
        let mut paragraph = |text: &str| {
            if !text.is_empty() {
                out.push_str("\n\n");
                out.push_str(text);
            }
        };
        paragraph(operation.description.trim());
        paragraph(&match &operation.auth {
            Auth::Public => "Needs no token.".to_owned(),
            Auth::Client => "Authenticates with the client's id and secret.".into(),
            Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) if scopes.is_empty() => {
                "Needs a token, whatever its scopes.".into()
            }
            Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) => {
                format!("Needs the scope `{}`.", scopes.join("` and `"))
            }
        });
        if let Some(payload) = self.payload {
            paragraph(&format!(
                "Takes its {} as one `{}`, or that one's fields as arguments.",
                payload.whole(),
                payload.class
            ));
        }
        let fields = self.payload.iter();
        let fields = fields.flat_map(|p| p.positional.iter().chain(&p.keywords).copied());
        let all: Vec<&Field> = operation.path_params.iter().chain(fields).collect();
        let arguments = text::fields("Args", &all);
        out.push_str(if arguments.is_empty() {
            "\n\nArgs:"
        } else {
            &arguments
        });
        out.push_str("\n    options: Settings of this call alone.");
        let answer = operation.answers[0].description.trim().replace('\n', " ");
        out.push_str(&format!("\n\nReturns:\n    {answer}"));
        out + &text::raises(operation)
    }
}
