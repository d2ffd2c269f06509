//! Reading keys from PEM (RFC 7468), as `JWT_PRIVATE_KEY` and `JWT_PUBLIC_KEY` carry them: with
//! real line breaks, or with `\n` written out, as environments without line breaks do.
//!
//! Refuses encrypted keys: there is nobody to ask for the passphrase.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};

use super::KeyError;

/// What stands between the lines of a PEM block, by its label.
pub(super) struct Pem {
    label: String,
    der: SecretSlice<u8>,
}

impl Pem {
    /// Reads the first block of `text` that is no `EC PARAMETERS`, which tools write before a key in SEC 1 form and which say
    /// nothing that the key does not.
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.replace("\\r", "").replace("\\n", "\n");
        let mut lines = text.lines().map(str::trim);
        let label = lines
            .by_ref()
            .filter_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
            .find(|label| *label != "EC PARAMETERS")
            .ok_or(KeyError::NoPem)?;
        let end = format!("-----END {label}-----");
        let mut body = String::new();
        loop {
            match lines.next() {
                Some(line) if line == end => break,
                // RFC 1421, as `openssl -traditional` writes it.
                Some("Proc-Type: 4,ENCRYPTED") => return Err(KeyError::Encrypted),
                Some(line) => body.push_str(line),
                None => return Err(KeyError::NoPem),
            }
        }
        let der = STANDARD.decode(body).map_err(|_| KeyError::NoPem)?;
        Ok(Self {
            label: label.to_owned(),
            der: SecretSlice::from(der),
        })
    }

    /// `PRIVATE KEY`, `RSA PRIVATE KEY`, …
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// The decoded content.
    pub(super) fn der(&self) -> &[u8] {
        self.der.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_and_written_line_breaks_are_the_same() {
        let real = "-----BEGIN PRIVATE KEY-----\nAAEC\nAwQ=\n-----END PRIVATE KEY-----\n";
        for text in [
            real.to_owned(),
            real.replace('\n', "\\n"),
            real.replace('\n', "\r\n"),
            real.replace('\n', "\\r\\n"),
            format!("bag attributes\n{real}"),
        ] {
            let pem = Pem::parse(&text).unwrap();
            assert_eq!(pem.label(), "PRIVATE KEY");
            assert_eq!(pem.der(), [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn the_parameters_that_openssl_writes_before_an_ec_key_are_passed_over() {
        let parameters =
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----";
        let key = "-----BEGIN EC PRIVATE KEY-----\nAAEC\n-----END EC PRIVATE KEY-----";
        let both = format!("{parameters}\n{key}\n");
        for text in [both.replace('\n', "\\n"), both] {
            let pem = Pem::parse(&text).unwrap();
            assert_eq!(pem.label(), "EC PRIVATE KEY");
            assert_eq!(pem.der(), [0, 1, 2]);
        }
        assert!(matches!(Pem::parse(parameters), Err(KeyError::NoPem)));
    }

    #[test]
    fn a_key_that_openssl_encrypted_in_its_old_form_is_called_so() {
        let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAEC\n\
             -----END RSA PRIVATE KEY-----\n";
        assert!(matches!(Pem::parse(text), Err(KeyError::Encrypted)));
    }

    #[test]
    fn what_is_cut_off_or_garbled_is_refused() {
        for text in [
            "",
            "AAECAwQ=",
            "-----BEGIN PRIVATE KEY-----\nAAEC\n",
            "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAAEC\n-----END PUBLIC KEY-----",
        ] {
            assert!(matches!(Pem::parse(text), Err(KeyError::NoPem)), "{text}");
        }
    }
}
