//! Open enums: constants for the values that are known, and any other value as it is.

use super::{
    ROOT, docs,
    file::{INTERNAL, MODELS, Unit},
    names::{Unique, class, constant, literal},
};
use crate::{model::Enum, output::File};

/// The class of an enum.
pub fn emit(enumeration: &Enum) -> File {
    let class = class(&enumeration.name);
    let mut unit = Unit::new(MODELS, &class);
    unit.import("java.util", "List");
    unit.import(INTERNAL, "Arguments");
    let mut unique = Unique::new(&["KNOWN"]);
    let names: Vec<String> = enumeration
        .values
        .iter()
        .enumerate()
        .map(|(i, (value, _))| unique.name(constant(value, i)))
        .collect();
    let w = &mut unit.body;
    let text = format!(
        "{}\n\n<p>The service may add values: one that is not known here is kept as it is.",
        docs::text(&enumeration.description)
    );
    docs::comment(w, &text, &[]);
    w.block(format!("public final class {class} {{"), "}", |w| {
        for (name, (value, meaning)) in names.iter().zip(&enumeration.values) {
            let text = if meaning.is_empty() {
                format!("`{value}`.")
            } else {
                meaning.clone()
            };
            docs::comment(w, &docs::text(&text), &[]);
            w.line(format!(
                "public static final {class} {name} = new {class}({});",
                literal(value)
            ));
            w.blank();
        }
        w.line(format!(
            "private static final List<{class}> KNOWN = List.of({});",
            names.join(", ")
        ));
        w.blank();
        w.line("private final String value;");
        w.blank();
        w.block(format!("private {class}(String value) {{"), "}", |w| {
            w.line("this.value = value;");
        });
        w.blank();
        docs::comment(
            w,
            "The value of that text; one of the constants when it is known.",
            &[
                "@param value as on the wire".into(),
                "@return the value".into(),
                "@throws ai.sentryagent.idp.ValidationException when it is null".into(),
            ],
        );
        w.block(
            format!("public static {class} of(String value) {{"),
            "}",
            |w| {
                w.block(format!("for ({class} known : KNOWN) {{"), "}", |w| {
                    w.block("if (known.value.equals(value)) {", "}", |w| {
                        w.line("return known;");
                    });
                });
                w.line(format!(
                    "return new {class}(Arguments.given(\"value\", value));"
                ));
            },
        );
        w.blank();
        docs::comment(
            w,
            "Every value that this release knows.",
            &["@return the values, in the order of the contract".into()],
        );
        w.block(
            format!("public static List<{class}> known() {{"),
            "}",
            |w| {
                w.line("return KNOWN;");
            },
        );
        w.blank();
        docs::comment(w, "The value as on the wire.", &["@return the text".into()]);
        w.block("public String value() {", "}", |w| {
            w.line("return value;");
        });
        w.blank();
        docs::comment(
            w,
            "Whether this release knows the value.",
            &["@return false for a value that came later".into()],
        );
        w.block("public boolean isKnown() {", "}", |w| {
            w.line("return KNOWN.contains(this);");
        });
        w.blank();
        w.line("@Override");
        w.block("public boolean equals(Object other) {", "}", |w| {
            w.line(format!(
                "return other instanceof {class} that && value.equals(that.value);"
            ));
        });
        w.blank();
        w.line("@Override");
        w.block("public int hashCode() {", "}", |w| {
            w.line("return value.hashCode();");
        });
        w.blank();
        w.line("@Override");
        w.block("public String toString() {", "}", |w| {
            w.line("return value;");
        });
    });
    unit.file(ROOT)
}
