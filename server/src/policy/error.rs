//! Why a policy cannot be used.

use std::{fmt, path::Path};

/// One line: the file, its line where one is known, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    file: String,
    line: Option<u64>,
    problem: String,
}

impl PolicyError {
    /// About a file or folder as a whole.
    pub fn of_file(file: &Path, problem: impl fmt::Display) -> Self {
        Self {
            file: file.display().to_string(),
            line: None,
            problem: one_line(&problem.to_string()),
        }
    }

    /// What the JSON reader found.
    pub(super) fn of_json(file: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let problem = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(problem, _)| problem);
        Self {
            file: file.to_owned(),
            line: u64::try_from(error.line()).ok().filter(|line| *line > 0),
            problem: one_line(problem),
        }
    }

    /// What the engine found; its text points into the source like a compiler's:
    /// `--> file:line:column`, the line itself, `error: what`.
    pub(super) fn of_rego(file: &str, text: &str) -> Self {
        let line = text
            .split_once("--> ")
            .and_then(|(_, rest)| rest.lines().next())
            .and_then(|place| place.rsplit(':').nth(1))
            .and_then(|line| line.parse().ok());
        let problem = text
            .rsplit_once("error: ")
            .map_or(text, |(_, problem)| problem);
        Self {
            file: file.to_owned(),
            line,
            problem: one_line(problem),
        }
    }
}

/// Control characters, line ends among them, become blanks.
fn one_line(text: &str) -> String {
    let blank: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    blank.trim().to_owned()
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

impl std::error::Error for PolicyError {}
