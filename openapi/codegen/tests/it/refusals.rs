//! What the loader does not understand it refuses, with file and line.

use std::{fs, path::Path};

use agentidp_codegen::load;

/// Loads the hostile contract after replacing `from` by `to` in its section.
fn refusal(from: &str, to: &str) -> Result<String, Box<dyn std::error::Error>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let folder = tempfile::tempdir()?;
    for sub in ["", "sections", "shared"] {
        fs::create_dir_all(folder.path().join(sub))?;
        for entry in fs::read_dir(source.join(sub))? {
            let path = entry?.path();
            if path.is_file() {
                let text = fs::read_to_string(&path)?;
                let text = if sub == "sections" {
                    assert!(text.contains(from), "`{from}` is not in the contract");
                    text.replacen(from, to, 1)
                } else {
                    text
                };
                fs::write(
                    folder
                        .path()
                        .join(sub)
                        .join(path.file_name().unwrap_or_default()),
                    text,
                )?;
            }
        }
    }
    Ok(match load(folder.path(), "openapi") {
        Ok(_) => "accepted".into(),
        Err(error) => error.to_string(),
    })
}

#[test]
fn faults_are_named_with_file_and_line() -> Result<(), Box<dyn std::error::Error>> {
    let cases = [
        (
            "summary: A method",
            "sumary: A method",
            "`summary` is missing here",
        ),
        (
            "      security: []\n",
            "      security: []\n      x-oops: 1\n",
            "`x-oops` is not understood here",
        ),
        (
            "      security: []\n",
            "      security: []\n      x-rate-limit-per-minute: 5\n",
            "a rate limit counts for each client",
        ),
        (
            "x-rate-limit-per-minute: 5",
            "x-rate-limit-per-minute: 0",
            "a rate limit is at least 1 call a minute",
        ),
        (
            "operationId: delete",
            "operationId: import",
            "`import` is defined a second time",
        ),
        (
            "operationId: delete",
            "operationId: Delete_it",
            "an operationId is camelCase",
        ),
        (
            "{$ref: '#/components/schemas/Kind'",
            "{$ref: '#/components/schemas/Nobody'",
            "there is no `Nobody`",
        ),
        (
            "x-error-codes: [VALIDATION_ERROR]",
            "x-error-codes: [NO_SUCH_CODE]",
            "`NO_SUCH_CODE` is not in the `x-error-codes`",
        ),
        (
            "x-error-codes: [VALIDATION_ERROR]",
            "x-error-codes: [UNAUTHORIZED]",
            "is answered with 401 but is listed here under 400",
        ),
        (
            "bearer: ['agents:read']",
            "bearer: ['agents:fly']",
            "scope `agents:fly`",
        ),
        (
            "{type: number, description: Reserved in Go.}",
            "{type: decimal, description: Money.}",
            "type `decimal` is not understood",
        ),
        (
            "format: date-time",
            "format: rfc-850",
            "format `rfc-850` is not understood",
        ),
        (
            "hashCode: {type: integer",
            "to_string: {type: integer",
            "would be one field",
        ),
        (
            "application/json: {schema: {$ref: '#/components/schemas/Class'}}",
            "image/png: {}",
            "binary and other answers are not understood",
        ),
        (
            "    Kind:\n      type: string",
            "    Kind:\n      type: integer",
            "an enum is of type string",
        ),
        (
            "required: [class, self, kind]",
            "required: [class, ghost]",
            "`ghost` is required but is no property",
        ),
        ("name: match, in: path", "name: other, in: path", "declares"),
        (
            "name: agents\n",
            "name: agent\n",
            "the tag of sections/agents.yaml must be `agents`",
        ),
    ];
    for (from, to, wanted) in cases {
        let said = refusal(from, to)?;
        assert!(
            said.contains(wanted),
            "`{to}`: expected `{wanted}`, got `{said}`"
        );
        let place = said.split(": ").next().unwrap_or_default();
        let line = place.rsplit(':').next().unwrap_or_default();
        assert!(
            place.starts_with("openapi/") && line.parse::<usize>().is_ok(),
            "`{said}` does not begin with file and line"
        );
    }
    Ok(())
}
