//! Path items become operations.

use super::{components::Components, rate_limit, schema::Loaded};
use crate::{
    Result,
    load::schema,
    model::{
        Answer, Auth, Body, BodyKind, Contract, Envelope, ErrorAnswer, Field, Model, Operation,
        Paging, PagingStyle, Type, Usage,
    },
    names,
    node::{MapReader, Node},
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Loads every operation of one path item.
pub fn load(
    path: &str,
    item: &Node,
    section: &str,
    components: &Components,
    loaded: &mut Loaded,
) -> Result<Vec<Operation>> {
    item.map()?
        .rest()
        .into_iter()
        .map(|(method, node)| {
            if !METHODS.contains(&method) {
                return Err(node.at.error(format!(
                    "`{method}` is not understood in a path; the generator knows: {}",
                    METHODS.join(", ")
                )));
            }
            operation(path, method, node, section, components, loaded)
        })
        .collect()
}

struct Hints {
    aliases: Vec<String>,
    idempotent: bool,
    paging: Option<PagingStyle>,
    sensitive: bool,
    introspection: bool,
    positional: Vec<String>,
    value_statuses: Vec<String>,
    envelope: Envelope,
}

fn hints(node: Option<&Node>) -> Result<Hints> {
    let mut hints = Hints {
        aliases: Vec::new(),
        idempotent: false,
        paging: None,
        sensitive: false,
        introspection: false,
        positional: Vec::new(),
        value_statuses: Vec::new(),
        envelope: Envelope::Standard,
    };
    let Some(node) = node else { return Ok(hints) };
    let mut map = node.map()?;
    if let Some(list) = map.get("aliases") {
        hints.aliases = list.strings()?;
    }
    hints.idempotent = map.flag("idempotent")?;
    hints.sensitive = map.flag("sensitive")?;
    hints.introspection = map.flag("introspection")?;
    if let Some(style) = map.get("paging") {
        hints.paging = Some(match style.str()? {
            "page" => PagingStyle::Page,
            "cursor" => PagingStyle::Cursor,
            other => {
                return Err(style
                    .at
                    .error(format!("paging is page or cursor, not `{other}`")));
            }
        });
    }
    if let Some(list) = map.get("positional") {
        hints.positional = list.strings()?;
    }
    if let Some(list) = map.get("statusValues") {
        hints.value_statuses = list.strings()?;
    }
    if let Some(envelope) = map.get("envelope") {
        hints.envelope = match envelope.str()? {
            "standard" => Envelope::Standard,
            "oauth" => Envelope::OAuth,
            other => {
                return Err(envelope
                    .at
                    .error(format!("envelope is standard or oauth, not `{other}`")));
            }
        };
    }
    map.end()?;
    Ok(hints)
}

fn operation(
    path: &str,
    method: &str,
    node: &Node,
    section: &str,
    components: &Components,
    loaded: &mut Loaded,
) -> Result<Operation> {
    let mut map = node.map()?;
    let id = map.need("operationId")?.str()?.to_owned();
    if names::camel(&id) != id {
        return Err(node
            .at
            .error(format!("`{id}`: an operationId is camelCase")));
    }
    let hints = hints(map.get("x-sdk"))?;
    let summary = map.need("summary")?.str()?.to_owned();
    let description = map.need("description")?.str()?.to_owned();
    let auth = auth(map.need("security")?)?;
    let rate_limit_per_minute = rate_limit::read(map.get("x-rate-limit-per-minute"), &auth)?;
    let parameters = parameters(&mut map, components)?;
    let query = query_model(&id, parameters.query, node, loaded);
    let body = map
        .get("requestBody")
        .map(|node| body(node, &hints, components, loaded))
        .transpose()?;
    let answers = answers(&mut map, &hints, components)?;
    map.end()?;
    check_path(path, &parameters.path, node)?;
    let paging = hints
        .paging
        .map(|style| paging(style, &answers.values, loaded, node))
        .transpose()?;
    Ok(Operation {
        id,
        section: section.to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        aliases: hints.aliases,
        summary,
        description,
        auth,
        envelope: hints.envelope,
        path_params: parameters.path,
        query,
        body,
        example: answers.example,
        answers: answers.values,
        errors: answers.errors,
        idempotency_key: parameters.idempotency_key,
        retry_safe: method == "get" || hints.idempotent || parameters.idempotency_key,
        paging,
        sensitive: hints.sensitive,
        introspection: hints.introspection,
        rate_limit_per_minute,
        at: node.at.clone(),
    })
}

fn auth(node: &Node) -> Result<Auth> {
    let mut bearer = None;
    let mut client = false;
    for choice in node.list()? {
        let mut choice = choice.map()?;
        if let Some(scopes) = choice.get("bearer") {
            bearer = Some(scopes.strings()?);
        }
        // Beside it stands `{}`: the same client authentication by form fields, which OpenAPI
        // cannot name as a security scheme.
        client |= choice.get("clientBasic").is_some();
        choice.end()?;
    }
    Ok(match (bearer, client) {
        (None, false) => Auth::Public,
        (Some(scopes), false) => Auth::Bearer(scopes),
        (None, true) => Auth::Client,
        (Some(scopes), true) => Auth::BearerOrClient(scopes),
    })
}

#[derive(Default)]
struct Parameters {
    path: Vec<Field>,
    query: Vec<Field>,
    idempotency_key: bool,
}

fn parameters(map: &mut MapReader<'_>, components: &Components) -> Result<Parameters> {
    let mut out = Parameters::default();
    let Some(list) = map.get("parameters") else {
        return Ok(out);
    };
    for node in list.list()? {
        let node = components.resolve("parameters", node)?;
        let mut map = node.map()?;
        let name = map.need("name")?.str()?.to_owned();
        let place = map.need("in")?;
        let required = map.flag("required")?;
        let description = map.need("description")?.str()?.to_owned();
        let mut field = schema::property(&name, map.need("schema")?, components)?;
        field.description = description;
        field.required = required;
        field.wire_required = required;
        field.example = map.get("example").map(Node::json).or(field.example);
        field.at = node.at.clone();
        match place.str()? {
            "path" if required => out.path.push(field),
            "path" => return Err(place.at.error("a path parameter is `required: true`")),
            "query" => {
                if matches!(
                    field.ty,
                    Type::Model(_) | Type::List(_) | Type::Map(_) | Type::Any
                ) {
                    return Err(node.at.error("a query parameter is a scalar or an enum"));
                }
                out.query.push(field);
            }
            "header" if name == "Idempotency-Key" => out.idempotency_key = true,
            "header" if name == "X-Request-Id" => {}
            other => {
                return Err(place.at.error(format!(
                    "a parameter `{name}` in `{other}` is not understood; headers other than Idempotency-Key and X-Request-Id are not part of an operation"
                )));
            }
        }
        map.end()?;
    }
    Ok(out)
}

fn query_model(id: &str, fields: Vec<Field>, node: &Node, loaded: &mut Loaded) -> Option<String> {
    if fields.is_empty() {
        return None;
    }
    let name = format!("{}Params", names::pascal(id));
    loaded.models.push(Model {
        name: name.clone(),
        description: format!("Query parameters of `{id}`."),
        usage: Usage::default(),
        fields,
        min_properties: 0,
        example: None,
        at: node.at.clone(),
    });
    Some(name)
}

fn body(node: &Node, hints: &Hints, components: &Components, loaded: &Loaded) -> Result<Body> {
    let mut map = node.map()?;
    let required = map.flag("required")?;
    map.get("description");
    let content = map.need("content")?;
    let mut content_map = content.map()?;
    let (kind, media) = if let Some(media) = content_map.get(JSON) {
        (BodyKind::Json, media)
    } else if let Some(media) = content_map.get(FORM) {
        (BodyKind::Form, media)
    } else {
        return Err(content.at.error(format!("a body is {JSON} or {FORM}")));
    };
    content_map.end()?;
    let mut media = media.map()?;
    media.get("example");
    media.get("examples");
    let mut target = media.need("schema")?.map()?;
    let reference = target.need("$ref")?;
    target.end()?;
    media.end()?;
    map.end()?;
    let name = components.name("schemas", reference)?;
    let Some(model) = loaded.models.iter().find(|m| m.name == name) else {
        return Err(reference
            .at
            .error(format!("`{name}` is no object with properties")));
    };
    for field in &hints.positional {
        if !model.fields.iter().any(|f| f.name == *field) {
            return Err(node
                .at
                .error(format!("positional `{field}` is no field of `{name}`")));
        }
    }
    Ok(Body {
        model: name.to_owned(),
        kind,
        required,
        all_optional: model
            .fields
            .iter()
            .all(|f| !f.required || hints.positional.contains(&f.name))
            && model.min_properties == 0,
        positional: hints.positional.clone(),
    })
}

#[derive(Default)]
struct Answers {
    values: Vec<Answer>,
    errors: Vec<ErrorAnswer>,
    example: Option<serde_json::Value>,
}

fn answers(map: &mut MapReader<'_>, hints: &Hints, components: &Components) -> Result<Answers> {
    let responses = map.need("responses")?;
    let mut out = Answers::default();
    for (key, node) in responses.map()?.rest() {
        let status: u16 = key.parse().map_err(|_| {
            node.at.error(format!(
                "`{key}` is no status; ranges and default are not used"
            ))
        })?;
        let is_value =
            (200..300).contains(&status) || hints.value_statuses.iter().any(|s| s == key);
        let node = components.resolve("responses", node)?;
        let mut map = node.map()?;
        let description = map.need("description")?.str()?.to_owned();
        map.get("headers");
        let codes = map.get("x-error-codes").map(Node::strings).transpose()?;
        let mut model = None;
        if let Some(content) = map.get("content") {
            let mut types = content.map()?;
            let media = types.get(JSON).ok_or_else(|| {
                content.at.error(format!(
                    "an answer is {JSON} or empty: binary and other answers are not understood yet"
                ))
            })?;
            types.end()?;
            let mut media = media.map()?;
            let mut example = media.get("example").map(Node::json);
            if let Some(examples) = media.get("examples") {
                for (_, node) in examples.map()?.rest() {
                    let mut map = node.map()?;
                    map.get("summary");
                    let value = map.need("value")?.json();
                    map.end()?;
                    example = example.or(Some(value));
                }
            }
            let target = media.need("schema")?;
            let mut target = target.map()?;
            let reference = target.need("$ref")?;
            target.end()?;
            media.end()?;
            model = Some(components.name("schemas", reference)?.to_owned());
            if is_value {
                out.example = out.example.or(example);
            }
        }
        map.end()?;
        match (is_value, codes) {
            (true, None) => out.values.push(Answer {
                status,
                description,
                model,
            }),
            (false, Some(codes)) => out.errors.push(ErrorAnswer {
                status,
                description,
                codes,
            }),
            (true, Some(_)) => {
                return Err(node
                    .at
                    .error("an answer that is a value has no error codes"));
            }
            (false, None) => {
                return Err(node.at.error("an error answer lists its `x-error-codes`"));
            }
        }
    }
    if out.values.is_empty() {
        return Err(responses
            .at
            .error("no answer of this operation is a success"));
    }
    Ok(out)
}

fn check_path(path: &str, params: &[Field], node: &Node) -> Result<()> {
    let in_path: Vec<&str> = path
        .split('/')
        .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
        .collect();
    let given: Vec<&str> = params.iter().map(|f| f.name.as_str()).collect();
    if in_path == given {
        Ok(())
    } else {
        Err(node.at.error(format!(
            "`{path}` has the parameters {in_path:?} but the operation declares {given:?}, in this order"
        )))
    }
}

fn paging(style: PagingStyle, answers: &[Answer], loaded: &Loaded, node: &Node) -> Result<Paging> {
    let model = answers[0].model.as_deref();
    let model = loaded
        .models
        .iter()
        .find(|m| Some(m.name.as_str()) == model);
    let items = model.and_then(|m| m.fields.iter().find(|f| f.name == "data"));
    match items.map(|f| &f.ty) {
        Some(Type::List(item)) if let Type::Model(item_model) = item.as_ref() => Ok(Paging {
            items: "data".into(),
            item_model: item_model.clone(),
            style,
        }),
        _ => Err(node
            .at
            .error("a paged answer has a list of models in `data`")),
    }
}

/// What can only be checked once everything is loaded.
pub fn check(contract: &Contract) -> Result<()> {
    let mut seen: Vec<&Operation> = Vec::new();
    for operation in contract.operations() {
        if let Some(first) = seen.iter().find(|o| o.id == operation.id) {
            return Err(operation.at.error(format!(
                "`{}` is defined a second time; the first is at {}",
                operation.id, first.at
            )));
        }
        seen.push(operation);
        for error in &operation.errors {
            for code in &error.codes {
                match contract.error_codes.iter().find(|c| c.code == *code) {
                    Some(known) if known.status == error.status => {}
                    Some(known) => {
                        return Err(operation.at.error(format!(
                            "`{code}` is answered with {} but is listed here under {}",
                            known.status, error.status
                        )));
                    }
                    None => {
                        return Err(operation.at.error(format!(
                            "error code `{code}` is not in the `x-error-codes` of agentidp.yaml"
                        )));
                    }
                }
            }
        }
        let scopes = match &operation.auth {
            Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) => scopes.as_slice(),
            Auth::Public | Auth::Client => &[],
        };
        for scope in scopes {
            if !contract.scopes.iter().any(|(s, _)| s == scope) {
                return Err(operation.at.error(format!(
                    "scope `{scope}` is not in the `x-scopes` of agentidp.yaml"
                )));
            }
        }
    }
    for (i, model) in contract.models.iter().enumerate() {
        let twin = contract.models[..i].iter().map(|m| (&m.name, &m.at));
        let twin = twin.chain(contract.enums.iter().map(|e| (&e.name, &e.at)));
        for (name, at) in twin {
            if names::pascal(name) == names::pascal(&model.name) {
                return Err(model.at.error(format!(
                    "`{}` and `{name}` (at {at}) would be one type",
                    model.name
                )));
            }
        }
        for (j, field) in model.fields.iter().enumerate() {
            let name = names::snake(&field.name);
            if name.is_empty() {
                return Err(field
                    .at
                    .error(format!("`{}` gives no identifier", field.name)));
            }
            if let Some(twin) = model.fields[..j]
                .iter()
                .find(|f| names::snake(&f.name) == name)
            {
                return Err(field.at.error(format!(
                    "`{}` and `{}` would be one field",
                    field.name, twin.name
                )));
            }
        }
    }
    Ok(())
}
