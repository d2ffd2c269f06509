//! The contract's descriptions as Javadoc.

use crate::writer::Writer;

/// Columns of a line of text, without the indentation.
const WIDTH: usize = 110;

/// Markdown of the contract as Javadoc text: `code`, paragraphs, and nothing that would end the comment or be read as a tag
/// or as a Unicode escape.
pub fn text(markdown: &str) -> String {
    let paragraphs: Vec<String> = markdown
        .trim()
        .split("\n\n")
        .map(|p| inline(&p.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    paragraphs.join("\n\n<p>")
}

fn inline(paragraph: &str) -> String {
    let mut out = String::new();
    for (i, part) in paragraph.split('`').enumerate() {
        if i % 2 == 0 {
            out.push_str(&escape(part));
        } else if part.contains(['{', '}', '\\', '*']) {
            out.push_str(&format!("<code>{}</code>", escape(part)));
        } else {
            out.push_str(&format!("{{@code {part}}}"));
        }
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '\\' => out.push_str("&#92;"),
            '{' => out.push_str("&#123;"),
            '}' => out.push_str("&#125;"),
            '*' => out.push_str("&#42;"),
            c => out.push(c),
        }
    }
    out
}

/// A sentence as the text of a tag: no paragraphs, no full stop at the end, a small first letter left as it is.
pub fn phrase(markdown: &str) -> String {
    let one = markdown.split_whitespace().collect::<Vec<_>>().join(" ");
    inline(one.trim_end_matches('.'))
}

/// Writes a comment: the text, then the tags (`@param agentId the agent's id`).
pub fn comment(w: &mut Writer, text: &str, tags: &[String]) {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        wrap(line, "", &mut lines);
    }
    if tags.is_empty() && lines.len() == 1 && lines[0].len() + 7 < WIDTH {
        w.line(format!("/** {} */", lines[0]));
        return;
    }
    if !tags.is_empty() {
        lines.push(String::new());
    }
    for tag in tags {
        wrap(tag, "    ", &mut lines);
    }
    w.line("/**");
    for line in lines {
        w.line(format!(" * {line}").trim_end());
    }
    w.line(" */");
}

/// Breaks a line at spaces, but not inside `{@code …}`; what follows the first is indented.
fn wrap(line: &str, indent: &str, out: &mut Vec<String>) {
    let mut current = String::new();
    let mut depth = 0i32;
    let words = line.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ' ' && depth <= 0
    });
    for word in words {
        if !current.trim().is_empty() && current.len() + 1 + word.len() > WIDTH {
            out.push(std::mem::replace(&mut current, indent.to_owned()));
        }
        if !current.trim().is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    out.push(current);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_the_comment() {
        assert_eq!(text("An `id` */ here"), "An {@code id} &#42;/ here");
        assert_eq!(
            text("`*/` and `{a}`"),
            "<code>&#42;/</code> and <code>&#123;a&#125;</code>"
        );
        assert_eq!(
            text("a\nb\n\nc <d> @e \\u0041"),
            "a b\n\n<p>c &lt;d&gt; &#64;e &#92;u0041"
        );
        assert_eq!(phrase("The agent's `id`."), "The agent's {@code id}");
    }
}
