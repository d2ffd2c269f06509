//! Reads `agentidp.yaml`, the shared files and one file a section into a [`Contract`].
//!
//! A reference is always `#/components/<kind>/<Name>`: components of all files share one
//! namespace, that of the bundle. What the loader does not understand is an error.

mod components;
mod operation;
mod rate_limit;
mod schema;
mod usage;

use std::path::Path;

use serde_json::{Map, Value};

use crate::{
    Result,
    model::{Contract, ErrorCode, Section, ServiceNames},
    node::Node,
};
use components::Components;

/// Loads the contract from the folder that holds `agentidp.yaml`. `label` stands before file
/// names in errors.
pub fn load(dir: &Path, label: &str) -> Result<Contract> {
    let root = Node::read(
        &dir.join("agentidp.yaml"),
        &format!("{label}/agentidp.yaml"),
    )?;
    let mut map = root.map()?;
    map.need("openapi")?;
    let mut info = map.need("info")?.map()?;
    let title = info.need("title")?.str()?.to_owned();
    let version = info.need("version")?.str()?.to_owned();
    let section_names = map.need("x-sections")?.strings()?;
    let shared_names = map.need("x-shared")?.strings()?;
    let scopes = map
        .need("x-scopes")?
        .map()?
        .rest()
        .into_iter()
        .map(|(scope, meaning)| Ok((scope.to_owned(), meaning.str()?.to_owned())))
        .collect::<Result<Vec<_>>>()?;
    let error_codes = error_codes(map.need("x-error-codes")?)?;
    let mut bundle = Bundle::new(&root);

    let mut files = Vec::new();
    for name in &shared_names {
        files.push(Node::read(
            &dir.join(format!("shared/{name}.yaml")),
            &format!("{label}/shared/{name}.yaml"),
        )?);
    }
    for name in &section_names {
        files.push(Node::read(
            &dir.join(format!("sections/{name}.yaml")),
            &format!("{label}/sections/{name}.yaml"),
        )?);
    }

    let mut components = Components::default();
    for file in &files {
        if let Some(node) = file.map()?.get("components") {
            components.add(node)?;
        }
    }
    bundle.components(&components);
    let mut loaded = schema::load(&components)?;

    let mut sections = Vec::new();
    for (name, file) in section_names.iter().zip(&files[shared_names.len()..]) {
        let mut map = file.map()?;
        map.get("components");
        let tag = map.need("tag")?;
        bundle.tag(tag);
        let mut tag = tag.map()?;
        let tag_name = tag.need("name")?;
        if tag_name.str()? != name {
            return Err(tag_name
                .at
                .error(format!("the tag of sections/{name}.yaml must be `{name}`")));
        }
        let description = tag.need("description")?.str()?.to_owned();
        let mut sdk = tag.need("x-sdk")?.map()?;
        let mut service = sdk.need("service")?.map()?;
        let names = ServiceNames {
            node: service.need("node")?.str()?.to_owned(),
            python: service.need("python")?.str()?.to_owned(),
            go: service.need("go")?.str()?.to_owned(),
            java: service.need("java")?.str()?.to_owned(),
        };
        service.end()?;
        sdk.end()?;
        tag.end()?;
        let mut operations = Vec::new();
        for (path, item) in map.need("paths")?.map()?.rest() {
            bundle.path(path, item, name)?;
            operations.extend(operation::load(path, item, name, &components, &mut loaded)?);
        }
        map.end()?;
        sections.push(Section {
            name: name.clone(),
            description,
            service: names,
            operations,
        });
    }

    let mut contract = Contract {
        title,
        version,
        sections,
        models: loaded.models,
        enums: loaded.enums,
        error_codes,
        scopes,
        bundle: bundle.finish(),
    };
    operation::check(&contract)?;
    usage::mark(&mut contract);
    Ok(contract)
}

fn error_codes(node: &Node) -> Result<Vec<ErrorCode>> {
    node.list()?
        .iter()
        .map(|node| {
            let mut map = node.map()?;
            let code = ErrorCode {
                code: map.need("code")?.str()?.to_owned(),
                status: status(map.need("status")?)?,
                description: map.need("description")?.str()?.to_owned(),
                oauth: map.flag("oauth")?,
            };
            map.end()?;
            Ok(code)
        })
        .collect()
}

fn status(node: &Node) -> Result<u16> {
    u16::try_from(node.int()?)
        .ok()
        .filter(|s| (100..600).contains(s))
        .ok_or_else(|| node.at.error("expected an HTTP status"))
}

/// The contract as one OpenAPI document, put together file by file.
struct Bundle {
    document: Map<String, Value>,
    tags: Vec<Value>,
    paths: Map<String, Value>,
}

impl Bundle {
    fn new(root: &Node) -> Self {
        let Value::Object(mut document) = root.json() else {
            unreachable!("the root was read as a mapping")
        };
        for key in ["x-sections", "x-shared"] {
            document.shift_remove(key);
        }
        Self {
            document,
            tags: Vec::new(),
            paths: Map::new(),
        }
    }

    fn components(&mut self, components: &Components) {
        let own = self
            .document
            .entry("components")
            .or_insert(Value::Object(Map::new()));
        let Value::Object(own) = own else { return };
        for (kind, entries) in components.json() {
            own.insert(kind, entries);
        }
    }

    fn tag(&mut self, tag: &Node) {
        self.tags.push(tag.json());
    }

    fn path(&mut self, path: &str, item: &Node, section: &str) -> Result<()> {
        let mut json = item.json();
        for (_, operation) in json.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                operation.insert("tags".into(), vec![section].into());
            }
        }
        match self.paths.insert(path.to_owned(), json) {
            None => Ok(()),
            Some(_) => Err(item.at.error(format!("`{path}` stands in two sections"))),
        }
    }

    fn finish(mut self) -> Value {
        self.document.insert("tags".into(), self.tags.into());
        let components = self.document.shift_remove("components");
        self.document.insert("paths".into(), self.paths.into());
        if let Some(components) = components {
            self.document.insert("components".into(), components);
        }
        self.document.into()
    }
}
