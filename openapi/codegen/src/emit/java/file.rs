//! The frame of a Java file: marker, package, imports.

use std::collections::BTreeSet;

use super::ROOT;
use crate::{
    output::{self, File},
    writer::Writer,
};

/// The package of the client and its services.
pub const MAIN: &str = "ai.sentryagent.idp";
/// The package of the models.
pub const MODELS: &str = "ai.sentryagent.idp.models";
/// The package that is no part of the API.
pub const INTERNAL: &str = "ai.sentryagent.idp.internal";

/// A file in the making.
pub struct Unit {
    package: String,
    class: String,
    imports: BTreeSet<String>,
    /// The text below the imports.
    pub body: Writer,
}

impl Unit {
    /// A class of a package.
    pub fn new(package: &str, class: &str) -> Self {
        Self {
            package: package.to_owned(),
            class: class.to_owned(),
            imports: BTreeSet::new(),
            body: Writer::new("    "),
        }
    }

    /// Imports a class, unless it is of this package.
    pub fn import(&mut self, package: &str, class: &str) -> &mut Self {
        if package != self.package && package != "java.lang" {
            self.imports.insert(format!("{package}.{class}"));
        }
        self
    }

    /// The file below a source root.
    pub fn file(self, root: &str) -> File {
        let mut text = format!("// {}\npackage {};\n\n", output::marker(), self.package);
        let body = self.body.finish();
        // A mention in a comment is no use, but costs nothing: javac does not warn of imports.
        for import in &self.imports {
            text.push_str(&format!("import {import};\n"));
        }
        if !self.imports.is_empty() {
            text.push('\n');
        }
        text.push_str(&body);
        let folder = self.package.replace('.', "/");
        File::new(format!("{root}/{folder}/{}.java", self.class), text)
    }
}

/// What the models' package says of itself.
pub fn models_package() -> File {
    let text = format!(
        "// {}\n/**\n * The values of the API: immutable, with builders, equality and JSON.\n *\n * <p>Fields that this release \
         does not know are kept as additional properties, values of enums that it does not know\n * are kept as they are.\n \
         */\npackage {MODELS};\n",
        output::marker()
    );
    File::new(
        format!("{ROOT}/{}/package-info.java", MODELS.replace('.', "/")),
        text,
    )
}
