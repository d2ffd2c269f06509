//! Java: Maven for the SDK, javac for what uses it inside the tree.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Language, Runner};
use crate::{
    counts::Counts,
    server,
    sh::{self, Result},
    workspace,
};
use reactor::{ADAPTERS, QUICK_START, Reactor, WORKER};

mod packaged;
mod reactor;

const FOLDER: &str = "bindings/java";
const EXAMPLE: &str = "examples/java";
const EXAMPLE_SOURCES: &str = "examples/java/src/main";
const RUNNER: &str = "tests/conformance/runners/java";
const ARTIFACT: &str = "idp-sdk";
const GROUP_FOLDER: &str = "ai/sentryagent";
const MODULE: &str = "ai.sentryagent.idp";
const RUNNER_CLASS: &str = "ai.sentryagent.idp.conformance.Runner";
const MAJOR_MIN: u32 = 17;

/// The Java SDK.
pub struct Java;

impl Language for Java {
    fn name(&self) -> &'static str {
        "java"
    }

    fn toolchain(&self) -> Result<String> {
        let how = "install a JDK 17 or later and Maven 3.8 or later (Debian: openjdk-17-jdk-headless maven)";
        let javac = sh::version("javac", &["-version"]).ok_or(how)?;
        let maven = sh::version("mvn", &["--version", "-B"]).ok_or(how)?;
        let major = javac
            .trim_start_matches("javac ")
            .split(['.', '-', '+'])
            .next()
            .and_then(|m| m.parse::<u32>().ok());
        if major.is_none_or(|m| m < MAJOR_MIN) {
            return Err(format!("{javac} is too old: {how}").into());
        }
        Ok(format!(
            "{javac}, {}",
            maven.trim_start_matches("\u{1b}[1m")
        ))
    }

    fn build(&self) -> Result<()> {
        let build = Build::dev()?;
        build.stage()?;
        build.maven(&["package", "-Dmaven.test.skip=true"])?;
        for (user, sources) in USERS {
            javac(&build, &build.classes(user), sources)?;
        }
        Ok(())
    }

    fn lint(&self) -> Result<()> {
        // The compiler is the linter: `build` and `test` compile everything, documentation comments included, with every
        // warning an error (pom.xml).
        Ok(())
    }

    fn test(&self) -> Result<Counts> {
        let build = Build::dev()?;
        let reports = build.folder.join("maven/surefire-reports");
        if reports.exists() {
            fs::remove_dir_all(&reports)?;
        }
        let reactor = Reactor::quick_start(&build)?;
        let binary = server::build()?;
        reactor.maven(
            &["test", "-Dmaven.test.failure.ignore=true"],
            &[("AGENTIDP_BIN", &binary)],
        )?;
        let mut all = counts(&reports)?;
        all += counts(&reactor.example(QUICK_START).join("target/surefire-reports"))?;
        Ok(all)
    }

    fn package(&self) -> Result<PathBuf> {
        let build = Build::release()?;
        build.stage()?;
        build.maven(&["package", "-Dmaven.test.skip=true"])?;
        let dist = sh::root().join("dist");
        fs::create_dir_all(&dist)?;
        let (jar, pom) = artefact();
        fs::copy(build.jar(), dist.join(&jar))?;
        fs::copy(sh::root().join(FOLDER).join("pom.xml"), dist.join(pom))?;
        Ok(dist.join(jar))
    }

    fn packaged(&self) -> Result<Command> {
        packaged::command()
    }

    fn example(&self) -> Result<Command> {
        let build = Build::dev()?;
        let mut command = sh::cmd("java", ["-cp"]);
        command
            .arg(class_path(&[build.classes("example")], &build)?)
            .arg("QuickStart");
        Ok(command)
    }

    fn runners(&self) -> Result<Vec<Runner>> {
        let build = Build::dev()?;
        let runner = |name, mode| -> Result<Runner> {
            let mut command = sh::cmd("java", ["-cp"]);
            command
                .arg(class_path(&[build.classes("runner")], &build)?)
                .args([RUNNER_CLASS, "--mode", mode]);
            Ok(Runner { name, command })
        };
        Ok(vec![
            runner("java-sync", "sync")?,
            runner("java-async", "async")?,
        ])
    }

    fn adapters(&self) -> Result<Vec<Runner>> {
        // Here and not in `build`: they bring a servlet container and Spring, which nothing else needs.
        let build = Build::dev()?;
        let reactor = Reactor::adapters(&build)?;
        reactor.maven(&["package", "-Dmaven.test.skip=true"], &[])?;
        let adapter = |(name, example): (&'static str, &str)| {
            let jar = reactor.example(example).join("target").join(example);
            let mut command = sh::cmd("java", ["-jar"]);
            command.arg(jar.with_extension("jar"));
            Runner { name, command }
        };
        Ok(ADAPTERS.map(adapter).into())
    }
}

/// The benchmarks' worker over the jar as it is published, with its peer; returns the jar to run.
pub fn bench_worker() -> Result<PathBuf> {
    let build = Build::release()?;
    build.stage()?;
    let reactor = Reactor::bench(&build)?;
    reactor.maven(&["package", "-Dmaven.test.skip=true"], &[])?;
    let jar = reactor.example(WORKER).join("target").join(WORKER);
    Ok(jar.with_extension("jar"))
}

/// What is compiled against the SDK inside the tree.
const USERS: [(&str, &str); 2] = [("example", EXAMPLE_SOURCES), ("runner", RUNNER)];

/// One build of the SDK: its profile and the folder below target/ that holds everything of it.
struct Build {
    release: bool,
    folder: PathBuf,
}

impl Build {
    fn dev() -> Result<Self> {
        Ok(Self {
            release: false,
            folder: sh::scratch("java/dev")?,
        })
    }

    fn release() -> Result<Self> {
        Ok(Self {
            release: true,
            folder: sh::scratch("java/release")?,
        })
    }

    /// Builds the native library and lays it, with its hash, where the jar takes it from.
    fn stage(&self) -> Result<()> {
        if self.release {
            let mut cargo = sh::cmd("cargo", ["build", "--release", "--quiet", "--locked"]);
            sh::run(cargo.args(["--package", "agentidp-java"]))?;
        } else {
            workspace::build()?;
        }
        let (platform, library) = platform();
        let profile = if self.release { "release" } else { "debug" };
        let native = self.folder.join("resources/native").join(platform);
        fs::create_dir_all(&native)?;
        let staged = native.join(library);
        fs::copy(sh::target().join(profile).join(library), &staged)?;
        let hasher = sh::root().join(FOLDER).join("tools/Sha256.java");
        sh::run(Command::new("java").arg(hasher).arg(staged))
    }

    fn maven(&self, goals: &[&str]) -> Result<()> {
        self.maven_in(&sh::root().join(FOLDER), goals, &[])
    }

    fn maven_in(&self, folder: &Path, goals: &[&str], env: &[(&str, &Path)]) -> Result<()> {
        let mut maven = Command::new("mvn");
        maven
            .args(["--batch-mode", "--quiet", "--no-transfer-progress"])
            .arg(format!("-Dagentidp.build={}", self.folder.display()))
            .args(goals)
            .envs(env.iter().copied())
            .current_dir(folder);
        sh::run(&mut maven)
    }

    fn jar(&self) -> PathBuf {
        self.folder.join("maven").join(artefact().0)
    }

    fn classes(&self, user: &str) -> PathBuf {
        self.folder.join(user)
    }

    /// The SDK's one dependency, in Maven's local repository.
    fn dependency(&self) -> Result<PathBuf> {
        let path = fs::read_to_string(self.folder.join("maven/classpath.txt"))?;
        Ok(PathBuf::from(path.trim()))
    }
}

/// Names of the jar and the pom.
fn artefact() -> (String, String) {
    let version = env!("CARGO_PKG_VERSION");
    (
        format!("{ARTIFACT}-{version}.jar"),
        format!("{ARTIFACT}-{version}.pom"),
    )
}

/// The folder inside the jar and the library's name, as `Platform.java` has them.
fn platform() -> (String, &'static str) {
    let musl = if cfg!(target_env = "musl") {
        "-musl"
    } else {
        ""
    };
    let arch = std::env::consts::ARCH;
    match std::env::consts::OS {
        "macos" => (format!("macos-{arch}"), "libagentidp_java.dylib"),
        "windows" => (format!("windows-{arch}"), "agentidp_java.dll"),
        os => (format!("{os}-{arch}{musl}"), "libagentidp_java.so"),
    }
}

fn class_path(before: &[PathBuf], build: &Build) -> Result<std::ffi::OsString> {
    let mut path = before.to_vec();
    path.push(build.jar());
    path.push(build.dependency()?);
    Ok(std::env::join_paths(path)?)
}

/// Compiles every source below a folder of the tree, with every warning an error.
fn javac(build: &Build, classes: &Path, folder: &str) -> Result<()> {
    if classes.exists() {
        fs::remove_dir_all(classes)?;
    }
    let mut sources = Vec::new();
    collect(&sh::root().join(folder), &mut sources)?;
    sources.sort();
    let mut command = Command::new("javac");
    command
        .args(["--release", "17", "-Xlint:all", "-Werror", "-d"])
        .arg(classes)
        .arg("-cp")
        .arg(class_path(&[], build)?)
        .args(sources);
    sh::run(&mut command)
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "java") {
            out.push(path);
        }
    }
    Ok(())
}

/// Copies the named entries of a folder.
fn copy(from: &Path, to: &Path, names: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    for name in names {
        let (source, target) = (from.join(name), to.join(name));
        if source.is_dir() {
            let mut inside = Vec::new();
            for entry in fs::read_dir(&source)? {
                inside.push(entry?.file_name().to_string_lossy().into_owned());
            }
            let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
            copy(&source, &target, &inside)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// Adds up surefire's reports, one XML file a class.
fn counts(reports: &Path) -> Result<Counts> {
    let mut counts = Counts::default();
    for entry in fs::read_dir(reports)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "xml") {
            let text = fs::read_to_string(&path)?;
            counts += Counts::of_junit(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    Ok(counts)
}
