//! Trying the jar as a user's Maven project does.

use std::{fs, path::Path, process::Command};

use super::{ARTIFACT, Build, EXAMPLE, GROUP_FOLDER, MODULE, artefact, copy};
use crate::sh::{self, Result};

/// The quick start, built by Maven in a folder of its own against the jar of dist/, and run on the module path.
///
/// Maven's local repository is fresh, so that nothing but the packaged jar can be found; what else it needs comes
/// from the usual local repository, which stands in for the central one, so that nothing is downloaded twice.
pub fn command() -> Result<Command> {
    let folder = sh::scratch("java")?.join("packaged");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let (jar, pom) = artefact();
    let coordinates = Path::new(GROUP_FOLDER)
        .join(ARTIFACT)
        .join(env!("CARGO_PKG_VERSION"));
    let published = folder.join("published").join(&coordinates);
    fs::create_dir_all(&published)?;
    for file in [&jar, &pom] {
        fs::copy(sh::root().join("dist").join(file), published.join(file))?;
    }
    let project = folder.join("project");
    copy(&sh::root().join(EXAMPLE), &project, &["pom.xml", "src"])?;
    let dependency = Build::release()?.dependency()?;
    let central = central(&dependency)?;
    let settings = folder.join("settings.xml");
    fs::write(&settings, settings_xml(central, &folder.join("published")))?;
    let local = folder.join("local");
    let mut maven = Command::new("mvn");
    maven
        .args([
            "--batch-mode",
            "--quiet",
            "--no-transfer-progress",
            "--settings",
        ])
        .arg(&settings)
        .arg(format!("-Dmaven.repo.local={}", local.display()))
        .arg("compile")
        .current_dir(&project);
    sh::run(&mut maven)?;
    let modules = std::env::join_paths([
        local.join(coordinates).join(jar),
        local.join(dependency.strip_prefix(central)?),
    ])?;
    let mut java = Command::new("java");
    java.arg("--module-path")
        .arg(modules)
        .args(["--add-modules", MODULE, "-cp"])
        .arg(project.join("target/classes"))
        .arg("QuickStart")
        .current_dir(&project);
    Ok(java)
}

/// The local repository that holds the dependency: below it stands the group's folder.
fn central(dependency: &Path) -> Result<&Path> {
    dependency
        .ancestors()
        .find(|p| p.join("com/fasterxml").is_dir())
        .ok_or_else(|| format!("{} is in no Maven repository", dependency.display()).into())
}

fn settings_xml(central: &Path, published: &Path) -> String {
    format!(
        "<settings>\n  <mirrors><mirror><id>here</id><mirrorOf>central</mirrorOf><url>file://{}</url></mirror></mirrors>\n  \
         <profiles><profile><id>sdk</id><repositories><repository><id>sdk</id><url>file://{}</url></repository>\
         </repositories></profile></profiles>\n  <activeProfiles><activeProfile>sdk</activeProfile></activeProfiles>\n\
         </settings>\n",
        central.display(),
        published.display()
    )
}
