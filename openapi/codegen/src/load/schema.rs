//! Schemas: components become models and enums, property schemas become fields.

use serde_json::Value;

use super::components::Components;
use crate::{
    Result,
    model::{Enum, Field, Limits, Model, SdkDefault, Type, Usage},
    node::{At, Data, MapReader, Node},
};

/// Models and enums of all schema components.
#[derive(Default)]
pub struct Loaded {
    pub models: Vec<Model>,
    pub enums: Vec<Enum>,
}

/// Loads every schema component.
pub fn load(components: &Components) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for (name, node) in components.all("schemas") {
        if !name.chars().next().is_some_and(|c| c.is_ascii_uppercase())
            || !name.chars().all(|c| c.is_ascii_alphanumeric())
        {
            return Err(node
                .at
                .error(format!("`{name}`: a schema's name is PascalCase")));
        }
        let mut map = node.map()?;
        if map.get("enum").is_some() {
            loaded.enums.push(enumeration(name, node)?);
        } else if map.get("allOf").is_some() || is_model(node) {
            loaded.models.push(model(name, node, components)?);
        } else {
            // A named scalar or list: its users see through it. Reading it once finds its faults.
            property(name, node, components)?;
        }
    }
    Ok(loaded)
}

fn is_model(node: &Node) -> bool {
    matches!(&node.data, Data::Map(map) if map.contains_key("properties"))
}

fn enumeration(name: &str, node: &Node) -> Result<Enum> {
    let mut map = node.map()?;
    if map.need("type")?.str()? != "string" {
        return Err(node.at.error("an enum is of type string"));
    }
    let values = map.need("enum")?.strings()?;
    let mut meanings = map.get("x-enum-descriptions").map(Node::map).transpose()?;
    let values = values
        .into_iter()
        .map(|value| {
            let meaning = match &mut meanings {
                Some(map) => map.str(&value)?.unwrap_or_default().to_owned(),
                None => String::new(),
            };
            Ok((value, meaning))
        })
        .collect::<Result<Vec<_>>>()?;
    if let Some(meanings) = meanings {
        meanings.end()?;
    }
    let out = Enum {
        name: name.to_owned(),
        description: map.need("description")?.str()?.to_owned(),
        values,
        at: node.at.clone(),
    };
    map.get("example");
    map.end()?;
    Ok(out)
}

fn model(name: &str, node: &Node, components: &Components) -> Result<Model> {
    let mut map = node.map()?;
    let description = map.need("description")?.str()?.to_owned();
    let example = map.get("example").map(Node::json);
    let mut fields = Vec::new();
    let mut min_properties = 0;
    if let Some(parts) = map.get("allOf") {
        for part in parts.list()? {
            let part = components.resolve("schemas", part)?;
            let inner = object(part, components)?;
            fields.extend(inner.fields);
            min_properties = min_properties.max(inner.min_properties);
        }
    } else {
        let inner = object_of(&mut map, &node.at, components)?;
        fields = inner.fields;
        min_properties = inner.min_properties;
    }
    map.end()?;
    for (i, field) in fields.iter().enumerate() {
        if fields[..i].iter().any(|f: &Field| f.name == field.name) {
            return Err(field
                .at
                .error(format!("`{}` stands in `{name}` twice", field.name)));
        }
    }
    Ok(Model {
        name: name.to_owned(),
        description,
        usage: Usage::default(),
        fields,
        min_properties,
        example,
        at: node.at.clone(),
    })
}

struct Object {
    fields: Vec<Field>,
    min_properties: usize,
}

/// A part of an `allOf`.
fn object(node: &Node, components: &Components) -> Result<Object> {
    let mut map = node.map()?;
    map.get("description");
    map.get("example");
    let out = object_of(&mut map, &node.at, components)?;
    map.end()?;
    Ok(out)
}

fn object_of(map: &mut MapReader<'_>, at: &At, components: &Components) -> Result<Object> {
    if map.need("type")?.str()? != "object" {
        return Err(at.error("a schema with properties is of type object"));
    }
    let required = match map.get("required") {
        Some(node) => node.strings()?,
        None => Vec::new(),
    };
    if let Some(node) = map.get("additionalProperties") {
        // Closed for requests; answers may always gain fields.
        node.bool()?;
    }
    let min_properties = map
        .get("minProperties")
        .map(Node::int)
        .transpose()?
        .unwrap_or(0);
    let properties = map.need("properties")?.map()?.rest();
    for name in &required {
        if !properties.iter().any(|(k, _)| k == name) {
            return Err(at.error(format!("`{name}` is required but is no property")));
        }
    }
    let fields = properties
        .into_iter()
        .map(|(name, node)| {
            let mut field = property(name, node, components)?;
            field.wire_required = required.iter().any(|r| r == name);
            field.required = field.wire_required && field.sdk_default.is_none();
            Ok(field)
        })
        .collect::<Result<_>>()?;
    Ok(Object {
        fields,
        min_properties: usize::try_from(min_properties).unwrap_or(0),
    })
}

/// One property or parameter schema.
pub fn property(name: &str, node: &Node, components: &Components) -> Result<Field> {
    let mut map = node.map()?;
    let mut field = Field {
        name: name.to_owned(),
        description: map.str("description")?.unwrap_or_default().to_owned(),
        ty: Type::Any,
        required: false,
        wire_required: false,
        nullable: false,
        default: map.get("default").map(Node::json),
        sdk_default: None,
        alias_of: None,
        limits: Limits::default(),
        secret: false,
        example: map.get("example").map(Node::json),
        at: node.at.clone(),
    };
    map.flag("readOnly")?;
    map.flag("writeOnly")?;
    if let Some(sdk) = map.get("x-sdk") {
        sdk_hints(sdk, &mut field)?;
    }
    schema(&mut map, &node.at, components, &mut field)?;
    map.end()?;
    Ok(field)
}

fn sdk_hints(node: &Node, field: &mut Field) -> Result<()> {
    let mut sdk = node.map()?;
    field.secret = sdk.flag("secret")?;
    field.alias_of = sdk.str("aliasOf")?.map(str::to_owned);
    field.sdk_default = match (sdk.str("default")?, sdk.get("fromClient")) {
        (None, None) => None,
        (Some(value), None) => Some(SdkDefault::Value(value.to_owned())),
        (None, Some(from)) => Some(match from.str()? {
            "clientId" => SdkDefault::ClientId,
            "clientSecret" => SdkDefault::ClientSecret,
            other => {
                return Err(from.at.error(format!(
                    "the client has no `{other}`; it has clientId and clientSecret"
                )));
            }
        }),
        (Some(_), Some(from)) => return Err(from.at.error("either default or fromClient")),
    };
    sdk.end()
}

/// The type and the limits of a schema.
fn schema(
    map: &mut MapReader<'_>,
    at: &At,
    components: &Components,
    field: &mut Field,
) -> Result<()> {
    if let Some(reference) = map.get("$ref") {
        return referenced(reference, components, field);
    }
    if let Some(choices) = map.get("oneOf") {
        let [choice, null] = choices.list()? else {
            return Err(choices
                .at
                .error("oneOf is understood only as [a $ref, {type: 'null'}]"));
        };
        if null.json() != serde_json::json!({"type": "null"}) {
            return Err(null
                .at
                .error("the second choice of a oneOf must be {type: 'null'}"));
        }
        field.nullable = true;
        let mut choice = choice.map()?;
        let reference = choice.need("$ref")?;
        choice.end()?;
        return referenced(reference, components, field);
    }
    let kind = map.need("type")?;
    let name = match &kind.data {
        Data::List(_) => {
            let names = kind.strings()?;
            let [name, null] = names.as_slice() else {
                return Err(kind
                    .at
                    .error("a list of types is understood only as [T, 'null']"));
            };
            if null != "null" {
                return Err(kind.at.error("the second of two types must be 'null'"));
            }
            field.nullable = true;
            name.clone()
        }
        _ => kind.str()?.to_owned(),
    };
    let limits = &mut field.limits;
    field.ty = match name.as_str() {
        "string" => {
            limits.min_length = unsigned(map.get("minLength"))?;
            limits.max_length = unsigned(map.get("maxLength"))?;
            limits.pattern = map.str("pattern")?.map(str::to_owned);
            limits.pattern_message = map.str("x-pattern-message")?.map(str::to_owned);
            match map.get("format") {
                None => Type::String,
                Some(node) => match node.str()? {
                    "uuid" => Type::Uuid,
                    "date-time" => Type::DateTime,
                    "date-or-date-time" => Type::DateOrDateTime,
                    format @ ("email" | "uri") => {
                        limits.format = Some(format.to_owned());
                        Type::String
                    }
                    other => {
                        return Err(node.at.error(format!(
                            "format `{other}` is not understood; the generator knows: uuid, date-time, date-or-date-time, email, uri"
                        )));
                    }
                },
            }
        }
        "integer" => {
            limits.minimum = map.get("minimum").map(Node::int).transpose()?;
            limits.maximum = map.get("maximum").map(Node::int).transpose()?;
            if let Some(format) = map.get("format")
                && format.str()? != "int64"
            {
                return Err(format.at.error("an integer's format is int64 or none"));
            }
            Type::Integer
        }
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        "array" => {
            limits.min_items = unsigned(map.get("minItems"))?;
            limits.max_items = unsigned(map.get("maxItems"))?;
            limits.unique_items = map.flag("uniqueItems")?;
            let items = property("item", map.need("items")?, components)?;
            if items.nullable {
                return Err(items.at.error("items that may be null are not understood"));
            }
            limits.items = Some(Box::new(items.limits));
            Type::List(Box::new(items.ty))
        }
        "object" => match map.get("additionalProperties") {
            None => return Err(at.error("an object without a name: give it one in components/schemas, or additionalProperties")),
            Some(values) => match &values.data {
                Data::Scalar(Value::Bool(true)) => Type::Map(Box::new(Type::Any)),
                Data::Map(_) => {
                    let values = property("value", values, components)?;
                    limits.items = Some(Box::new(values.limits));
                    Type::Map(Box::new(values.ty))
                }
                _ => return Err(values.at.error("a free object's additionalProperties is true or a schema")),
            },
        },
        other => return Err(kind.at.error(format!("type `{other}` is not understood"))),
    };
    if map.get("enum").is_some() {
        return Err(
            at.error("an enum needs a name: put it into components/schemas and refer to it")
        );
    }
    Ok(())
}

fn referenced(reference: &Node, components: &Components, field: &mut Field) -> Result<()> {
    let name = components.name("schemas", reference)?;
    let (_, target) = components
        .all("schemas")
        .find(|(n, _)| *n == name)
        .unwrap_or_else(|| unreachable!("`name` was checked"));
    let mut map = target.map()?;
    if map.get("enum").is_some() {
        field.ty = Type::Enum(name.to_owned());
    } else if is_model(target) || map.get("allOf").is_some() {
        field.ty = Type::Model(name.to_owned());
    } else {
        let inner = property(name, target, components)?;
        field.ty = inner.ty;
        field.limits = inner.limits;
        field.nullable |= inner.nullable;
        field.secret |= inner.secret;
        field.example = field.example.take().or(inner.example);
        field.default = field.default.take().or(inner.default);
        if field.description.is_empty() {
            field.description = inner.description;
        }
    }
    Ok(())
}

fn unsigned(node: Option<&Node>) -> Result<Option<u64>> {
    node.map(|n| u64::try_from(n.int()?).map_err(|_| n.at.error("expected a number from 0")))
        .transpose()
}
