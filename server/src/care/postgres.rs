//! How PostgreSQL's own tools back up and restore this database: as the role that owns the tables, which forced row-level
//! security binds too, so that it has to say that it works for every tenant.

use std::path::Path;

use url::Url;

use crate::wire::Secret;

/// Says that the tool works for every tenant.
const EVERY_TENANT: &str = "PGOPTIONS='-c agentidp.organization=*'";

/// Makes a backup. `url` is that of the owner; its password is left out, the tool asks for it or reads `PGPASSFILE`.
pub fn dump_command(url: &Secret, file: &Path) -> String {
    format!(
        "{EVERY_TENANT} pg_dump --enable-row-security --format=custom --no-owner --no-privileges --file={} {}",
        quoted(&file.display().to_string()),
        quoted(&without_password(url))
    )
}

/// Puts a backup into an empty database, lets the server's role in, then checks it and ends the tokens of before.
pub fn restore_commands(url: &Secret, file: &Path) -> [String; 3] {
    [
        format!(
            "{EVERY_TENANT} pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname={} {}",
            quoted(&without_password(url)),
            quoted(&file.display().to_string())
        ),
        "agentidp migrate".to_owned(),
        "agentidp restore --finish".to_owned(),
    ]
}

fn without_password(url: &Secret) -> String {
    match Url::parse(url.expose()) {
        Ok(mut url) => {
            // Fails for URLs that cannot have one.
            let _ = url.set_password(None);
            let rest: Vec<_> = url
                .query_pairs()
                .filter(|(name, _)| name != "password")
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            url.set_query(None);
            if !rest.is_empty() {
                url.query_pairs_mut().extend_pairs(rest);
            }
            url.into()
        }
        Err(_) => "postgres://…".to_owned(),
    }
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown_and_every_word_is_quoted() {
        let url = Secret::new(
            "postgres://owner:hunter2@db.example.com:5433/idp?password=hunter3&sslmode=require"
                .to_owned(),
        );
        let command = dump_command(&url, Path::new("it's.dump"));
        assert!(command.ends_with(
            r"--file='it'\''s.dump' 'postgres://owner@db.example.com:5433/idp?sslmode=require'"
        ));
        assert!(restore_commands(&url, Path::new("x"))[0].ends_with("sslmode=require' 'x'"));
    }
}
