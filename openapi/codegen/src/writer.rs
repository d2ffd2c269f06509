//! Text with indentation, for the emitters.

/// Collects lines; the indentation is the caller's unit times the depth.
pub struct Writer {
    out: String,
    unit: &'static str,
    depth: usize,
}

impl Writer {
    /// A writer that indents by `unit`.
    pub fn new(unit: &'static str) -> Self {
        Self {
            out: String::new(),
            unit,
            depth: 0,
        }
    }

    /// One line, or several when the text has line breaks; each is indented.
    pub fn line(&mut self, text: impl AsRef<str>) -> &mut Self {
        for line in text.as_ref().split('\n') {
            if !line.is_empty() {
                for _ in 0..self.depth {
                    self.out.push_str(self.unit);
                }
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
        self
    }

    /// An empty line.
    pub fn blank(&mut self) -> &mut Self {
        self.out.push('\n');
        self
    }

    /// `open`, the body one level deeper, `close`.
    pub fn block(
        &mut self,
        open: impl AsRef<str>,
        close: impl AsRef<str>,
        body: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.line(open);
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line(close)
    }

    /// Each line of `text` behind `prefix`, as documentation comments want it.
    pub fn prefixed(&mut self, prefix: &str, text: &str) -> &mut Self {
        for line in text.trim_end().split('\n') {
            self.line(format!("{prefix}{line}").trim_end());
        }
        self
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.out
    }
}
