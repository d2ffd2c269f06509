//! One Maven build of the SDK and of the examples that are Maven projects.
//!
//! The examples name the SDK as any user does, by its coordinates. Inside one build Maven takes it
//! from beside them, so nothing has to be installed into a repository first, where it would go stale.

use std::{
    fmt::Write as _,
    fs,
    path::{Component, Path, PathBuf},
};

use super::{Build, EXAMPLE, FOLDER, copy};
use crate::sh::{self, Result};

/// The quick start's folder in a reactor.
pub const QUICK_START: &str = "quick-start";
/// The benchmarks' worker: its folder in a reactor, and its jar's name.
pub const WORKER: &str = "bench-worker";
/// The adapters' examples: their folders in examples/java and in a reactor.
pub const ADAPTERS: [(&str, &str); 2] = [
    ("java-servlet", "verify-servlet"),
    ("java-spring", "verify-spring"),
];

/// Copies of examples beside the SDK.
pub struct Reactor<'a> {
    build: &'a Build,
    folder: PathBuf,
}

impl<'a> Reactor<'a> {
    /// The quick start, whose test needs the SDK's mock server.
    pub fn quick_start(build: &'a Build) -> Result<Self> {
        let reactor = Self::empty(build, "tests")?;
        let example = sh::root().join(EXAMPLE);
        copy(&example, &reactor.example(QUICK_START), &["pom.xml", "src"])?;
        reactor.finish(&[QUICK_START])
    }

    /// The adapters' examples.
    pub fn adapters(build: &'a Build) -> Result<Self> {
        let reactor = Self::empty(build, "adapters")?;
        for (_, name) in ADAPTERS {
            let example = sh::root().join(EXAMPLE).join(name);
            copy(&example, &reactor.example(name), &["pom.xml", "src"])?;
        }
        reactor.finish(&ADAPTERS.map(|(_, name)| name))
    }

    /// The worker of the benchmarks.
    pub fn bench(build: &'a Build) -> Result<Self> {
        let reactor = Self::empty(build, "bench")?;
        let worker = sh::root().join("tests/bench/java");
        copy(&worker, &reactor.example(WORKER), &["pom.xml", "src"])?;
        reactor.finish(&[WORKER])
    }

    /// The folder of an example.
    pub fn example(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs goals over the SDK and the examples.
    pub fn maven(&self, goals: &[&str], env: &[(&str, &Path)]) -> Result<()> {
        self.build.maven_in(&self.folder, goals, env)
    }

    fn empty(build: &'a Build, name: &str) -> Result<Self> {
        let folder = build.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { build, folder })
    }

    fn finish(self, examples: &[&str]) -> Result<Self> {
        let mut modules = String::new();
        let sdk = relative(&self.folder, &sh::root().join(FOLDER));
        write!(modules, "<module>{}</module>", sdk.display())?;
        for example in examples {
            write!(modules, "<module>{example}</module>")?;
        }
        let pom = format!(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  \
             <groupId>ai.sentryagent.build</groupId>\n  <artifactId>reactor</artifactId>\n  <version>1</version>\n  \
             <packaging>pom</packaging>\n  <modules>{modules}</modules>\n</project>\n"
        );
        fs::write(self.folder.join("pom.xml"), pom)?;
        Ok(self)
    }
}

/// Maven takes a module's path from the folder of the one that names it, also an absolute one.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let ups = from
        .components()
        .filter(|c| matches!(c, Component::Normal(_)))
        .map(|_| "..");
    ups.map(Path::new)
        .chain([to.strip_prefix("/").unwrap_or(to)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_from_anywhere() {
        assert_eq!(
            relative(Path::new("/a/b"), Path::new("/c/d")),
            Path::new("../../c/d")
        );
    }
}
