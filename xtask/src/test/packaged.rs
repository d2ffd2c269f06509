//! Each language's artefact as a user gets it: packed with the release profile, installed into a
//! clean environment, its quick start run from there.

use crate::{
    counts::Counts,
    languages,
    server::{self, Server},
    sh::Result,
};

/// Packs, installs and runs all of them.
pub fn run() -> Result<Counts> {
    let binary = server::build()?;
    let server = Server::start(&binary)?;
    let mut counts = Counts::default();
    for language in languages::all() {
        let name = language.name();
        let tried = language.package().and_then(|artefact| {
            let size = size(&artefact)?;
            println!(
                "{name}: {} is {:.2} MiB",
                artefact.display(),
                size as f64 / 1024.0 / 1024.0
            );
            let mut command = language.packaged()?;
            let output = server.configure(&mut command).output()?;
            print!("{}", String::from_utf8_lossy(&output.stdout));
            if output.status.success() {
                Ok(())
            } else {
                Err(format!(
                    "ended with {}: {}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr)
                )
                .into())
            }
        });
        match tried {
            Ok(()) => counts += Counts::one(),
            Err(error) => {
                println!("FAILED packaged {name}: {error}");
                counts.failed += 1;
                counts.failures.push(format!("{name}: {error}"));
            }
        }
    }
    server.stop()?;
    Ok(counts)
}

/// Bytes of a file, or of all files in a folder.
fn size(path: &std::path::Path) -> Result<u64> {
    if path.is_dir() {
        let mut sum = 0;
        for entry in std::fs::read_dir(path)? {
            sum += size(&entry?.path())?;
        }
        Ok(sum)
    } else {
        Ok(path.metadata()?.len())
    }
}
