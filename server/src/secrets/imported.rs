//! Slow hashes of client secrets that an operator brought from another system: bcrypt (`$2a$`,
//! `$2b$`, `$2y$`) and argon2 (`$argon2id$`, `$argon2i$` in PHC form).
//!
//! Owns: reading such a text, and checking a secret against it - tens of milliseconds of one core,
//! so never on a thread that serves others. Refuses: making such hashes, forms known to be weak
//! (`$2x$`, `$argon2d$`), keyed argon2, and hashes whose check would cost more than the bounds
//! here: a line of a table must not be able to stop the server.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{NO_PAD, STANDARD_NO_PAD};
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::SecretsError;
use crate::wire::Secret;

/// bcrypt reads no further.
const BCRYPT_BYTES_MAX: usize = 72;
const BCRYPT_SALT_TEXT: usize = 22;
const BCRYPT_SALT_BYTES: usize = 16;
/// The last of the 24 bytes that bcrypt makes is never written down.
const BCRYPT_HASH_BYTES: usize = 23;
/// About two seconds of one core.
const BCRYPT_COST_MAX: u32 = 15;
const BCRYPT_COST_MIN: u32 = 4;
/// KiB.
const ARGON2_MEMORY_MAX: u32 = 256 * 1024;
/// KiB written in all passes together.
const ARGON2_WORK_MAX: u64 = 1024 * 1024;
const ARGON2_LANES_MAX: u32 = 16;
const ARGON2_HASH_BYTES_MAX: usize = 64;

/// bcrypt's own alphabet. Some makers leave bits set that stand for nothing.
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::with_decode_allow_trailing_bits(NO_PAD, true),
);

/// A hash made elsewhere, read and found affordable.
#[derive(Clone)]
pub struct ImportedHash {
    text: String,
    method: Method,
}

#[derive(Clone)]
enum Method {
    Bcrypt {
        cost: u32,
        salt: [u8; BCRYPT_SALT_BYTES],
        hash: [u8; BCRYPT_HASH_BYTES],
    },
    Argon2 {
        /// Boxed: it holds its parameters in place.
        with: Box<Argon2<'static>>,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

impl ImportedHash {
    /// Reads the stored text: `UnknownHash` for any other form, `CostlyHash` for one beyond the
    /// bounds.
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        let parts: Vec<&str> = text.split('$').collect();
        let method = match *parts.as_slice() {
            ["", "2a" | "2b" | "2y", cost, rest] => bcrypt(cost, rest)?,
            [
                "",
                name @ ("argon2id" | "argon2i"),
                version,
                parameters,
                salt,
                hash,
            ] => {
                let version = version.strip_prefix("v=");
                argon2(name, version, parameters, salt, hash)?
            }
            // Before there was a second version none was written.
            ["", name @ ("argon2id" | "argon2i"), parameters, salt, hash] => {
                argon2(name, Some("16"), parameters, salt, hash)?
            }
            _ => return Err(SecretsError::UnknownHash),
        };
        Ok(Self {
            text: text.to_owned(),
            method,
        })
    }

    /// The stored text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether this is the hash of that secret. Slow on purpose: see the module.
    ///
    /// A secret longer than bcrypt reads is never right, for what nobody checked must not be
    /// accepted; the work is the same.
    pub fn matches(&self, presented: &Secret) -> bool {
        let presented = presented.expose().as_bytes();
        match &self.method {
            Method::Bcrypt { cost, salt, hash } => {
                let mut read = [0u8; BCRYPT_BYTES_MAX];
                let given = presented.len().min(BCRYPT_BYTES_MAX);
                read[..given].copy_from_slice(&presented[..given]);
                // With the zero that ends it, where there is room for one.
                let length = (given + 1).min(BCRYPT_BYTES_MAX);
                let made = bcrypt::bcrypt(*cost, *salt, &read[..length]);
                read.fill(0);
                std::hint::black_box(&read);
                verify_slices_are_equal(&made[..BCRYPT_HASH_BYTES], hash).is_ok()
                    && presented.len() <= BCRYPT_BYTES_MAX
                    && !presented.contains(&0)
            }
            Method::Argon2 { with, salt, hash } => {
                let mut made = vec![0u8; hash.len()];
                with.hash_password_into(presented, salt, &mut made).is_ok()
                    && verify_slices_are_equal(&made, hash).is_ok()
            }
        }
    }
}

impl fmt::Debug for ImportedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.method {
            Method::Bcrypt { .. } => "ImportedHash(bcrypt)",
            Method::Argon2 { .. } => "ImportedHash(argon2)",
        })
    }
}

/// The cost has two digits; salt and hash stand side by side.
fn bcrypt(cost: &str, rest: &str) -> Result<Method, SecretsError> {
    let digits = cost.len() == 2 && cost.bytes().all(|digit| digit.is_ascii_digit());
    let cost: u32 = match cost.parse() {
        Ok(cost) if digits && cost >= BCRYPT_COST_MIN => cost,
        _ => return Err(SecretsError::UnknownHash),
    };
    let (salt, hash) = rest
        .split_at_checked(BCRYPT_SALT_TEXT)
        .ok_or(SecretsError::UnknownHash)?;
    let method = Method::Bcrypt {
        cost,
        salt: exactly(salt)?,
        hash: exactly(hash)?,
    };
    if cost > BCRYPT_COST_MAX {
        return Err(SecretsError::CostlyHash);
    }
    Ok(method)
}

fn exactly<const N: usize>(text: &str) -> Result<[u8; N], SecretsError> {
    let bytes = BCRYPT_BASE64.decode(text).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(SecretsError::UnknownHash)
}

fn argon2(
    name: &str,
    version: Option<&str>,
    parameters: &str,
    salt: &str,
    hash: &str,
) -> Result<Method, SecretsError> {
    let algorithm = match name {
        "argon2id" => Algorithm::Argon2id,
        _ => Algorithm::Argon2i,
    };
    let version = match version {
        Some("16") => Version::V0x10,
        Some("19") => Version::V0x13,
        _ => return Err(SecretsError::UnknownHash),
    };
    let [memory, passes, lanes] = costs(parameters).ok_or(SecretsError::UnknownHash)?;
    let decoded = |text: &str| {
        let bytes = STANDARD_NO_PAD.decode(text);
        bytes.map_err(|_| SecretsError::UnknownHash)
    };
    let (salt, hash) = (decoded(salt)?, decoded(hash)?);
    if memory > ARGON2_MEMORY_MAX
        || lanes > ARGON2_LANES_MAX
        || u64::from(memory) * u64::from(passes) > ARGON2_WORK_MAX
    {
        return Err(SecretsError::CostlyHash);
    }
    if salt.len() < argon2::MIN_SALT_LEN || hash.len() > ARGON2_HASH_BYTES_MAX {
        return Err(SecretsError::UnknownHash);
    }
    let parameters = Params::new(memory, passes, lanes, Some(hash.len()))
        .map_err(|_| SecretsError::UnknownHash)?;
    Ok(Method::Argon2 {
        with: Box::new(Argon2::new(algorithm, version, parameters)),
        salt,
        hash,
    })
}

/// `m=65536,t=3,p=4`, and nothing else: a key or associated data is not here to check with.
fn costs(parameters: &str) -> Option<[u32; 3]> {
    let mut given = parameters.split(',');
    let mut next = |name: &str| given.next()?.strip_prefix(name)?.parse().ok();
    let costs = [next("m=")?, next("t=")?, next("p=")?];
    given.next().is_none().then_some(costs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "sk_live_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    /// Made by Python's bcrypt 5.0.0 and argon2-cffi 25.1.0 of [`SECRET`].
    const MADE_ELSEWHERE: [&str; 6] = [
        "$2a$04$k/S0efSWtBS4uYYi79hWu.2WzmFnmRjM/fk/LgUL5TkU7JtWSSxYu",
        "$2b$04$kAnqMAhyMdci/wZhHgR43.gPx/a7gUjX8KjquWG.9L2j37weDrMGu",
        "$2y$04$r5Tb/bJLxylrHNPKHNydsek59Yr4HIB39eRAW.OEAiBcwH3.ZVasC",
        "$argon2id$v=19$m=64,t=2,p=1$r/9LzDAqeEeUSCSwX0KDig$2gzuBeXyhXpGHtutD3dPBzUyhCmJuFR3NCZWqXgbngo",
        "$argon2i$v=19$m=64,t=2,p=1$HSuyZ+y6lPNorNkuqQRBQQ$VMm2q2w20R0vJbe3h/hiwffbcH9m4WxDaEOFjaW/Coc",
        "$argon2id$v=19$m=64,t=1,p=4$K9zm5gS/E9kQuabaOB+rCQ$uMWXxXhFFaBeyq0Ev9L/9iJI5qwC/1JhCqYe4sExBFM",
    ];

    fn matches(hash: &str, secret: &str) -> bool {
        ImportedHash::parse(hash)
            .unwrap()
            .matches(&Secret::new(secret))
    }

    #[test]
    fn hashes_made_elsewhere_are_of_their_secret_alone() {
        for hash in MADE_ELSEWHERE {
            assert!(matches(hash, SECRET), "{hash}");
            assert!(!matches(hash, ""), "{hash}");
            assert!(!matches(hash, &SECRET[..71]), "{hash}");
            assert!(!matches(hash, &SECRET.to_uppercase()), "{hash}");
            assert_eq!(ImportedHash::parse(hash).unwrap().text(), hash);
        }
        // By the same maker: shorter than bcrypt reads, and not ASCII.
        let short = "$2b$04$kdCh.1xUH2rFiDaMDALdGOv9/HoN024V9dIPFRAKeYdqiocnngL/2";
        assert!(matches(short, "pässwörd"));
        assert!(!matches(short, "pässwörd\0"));
        assert!(!matches(short, "passwörd"));
    }

    #[test]
    fn what_bcrypt_does_not_read_is_never_right() {
        assert!(!matches(MADE_ELSEWHERE[1], &format!("{SECRET}0")));
    }

    #[test]
    fn other_forms_are_unknown() {
        let long_ago = MADE_ELSEWHERE[3].replace("v=19$", "");
        assert!(!matches(&long_ago, SECRET), "another version of argon2");
        for text in [
            "",
            "$",
            "plain",
            "$2x$04$kAnqMAhyMdci/wZhHgR43.gPx/a7gUjX8KjquWG.9L2j37weDrMGu",
            "$2b$4$kAnqMAhyMdci/wZhHgR43.gPx/a7gUjX8KjquWG.9L2j37weDrMGu",
            "$2b$03$kAnqMAhyMdci/wZhHgR43.gPx/a7gUjX8KjquWG.9L2j37weDrMGu",
            "$2b$04$kAnqMAhyMdci/wZhHgR43.gPx/a7gUjX8KjquWG.9L2j37weDrMG",
            "$2b$04$kAnqMAhyMdci/wZhHgR4é.gPx/a7gUjX8KjquWG.9L2j37weDrMG",
            "$argon2d$v=19$m=64,t=2,p=1$YqUHD/+fEXiNIdx1Q+u67A$xhJXh+yAyqvhBki4xWkjeSq+scp4ke7JluFsn5MxoSg",
            "$argon2id$v=18$m=64,t=2,p=1$YqUHD/+fEXiNIdx1Q+u67A$xhJXh+yAyqvhBki4xWkjeSq+scp4ke7JluFsn5MxoSg",
            "$argon2id$v=19$m=64,t=2,p=1,keyid=AA$YqUHD/+fEXiNIdx1Q+u67A$xhJXh+yAyqvhBki4xWkjeSq+scp4ke7JluFsn5MxoSg",
            "$argon2id$v=19$m=64,t=0,p=1$YqUHD/+fEXiNIdx1Q+u67A$xhJXh+yAyqvhBki4xWkjeSq+scp4ke7JluFsn5MxoSg",
            "$argon2id$v=19$m=64,t=2,p=1$YQ$xhJXh+yAyqvhBki4xWkjeSq+scp4ke7JluFsn5MxoSg",
            "$argon2id$v=19$m=64,t=2,p=1$YqUHD/+fEXiNIdx1Q+u67A$",
        ] {
            let fault = ImportedHash::parse(text).unwrap_err();
            assert_eq!(fault, SecretsError::UnknownHash, "{text}");
        }
    }

    #[test]
    fn a_hash_that_would_stop_the_server_is_refused() {
        let rest = "$YqUHD/+fEXiNIdx1Q+u67A$xhJXh+yAyqvhBki4xWkjeSq+scp4ke7JluFsn5MxoSg";
        for text in [
            MADE_ELSEWHERE[1].replace("$04$", "$31$"),
            format!("$argon2id$v=19$m=4194304,t=1,p=1{rest}"),
            format!("$argon2id$v=19$m=64,t=4000000000,p=1{rest}"),
            format!("$argon2id$v=19$m=65536,t=1,p=17{rest}"),
        ] {
            let fault = ImportedHash::parse(&text).unwrap_err();
            assert_eq!(fault, SecretsError::CostlyHash, "{text}");
        }
    }

    #[test]
    fn debug_shows_the_method_alone() {
        let shown = format!("{:?}", ImportedHash::parse(MADE_ELSEWHERE[0]).unwrap());
        assert_eq!(shown, "ImportedHash(bcrypt)");
    }
}
