//! What is asked of an adapter that runs.
//!
//! Owns: requests and the judgement of their answers. Refuses: any knowledge of a language.

use futures_util::{StreamExt as _, stream};
use reqwest::{Client, Response, header};
use serde_json::Value;

use crate::{
    Result,
    issuer::Issuer,
    tokens::{self, SCOPE, SUBJECT, Sent, Verdict},
};

/// Tokens with key ids that nobody has, sent after one another's heels.
const FLOOD: usize = 500;
const FLOOD_AT_ONCE: usize = 50;

/// One check's outcome.
pub struct Checked {
    pub name: String,
    pub result: Result<()>,
}

/// An adapter that is being judged.
pub struct Judge<'a> {
    pub http: &'a Client,
    pub url: &'a str,
    pub issuer: &'a Issuer,
    /// The framework answers with bodies of its own.
    pub own_bodies: bool,
}

impl Judge<'_> {
    /// Everything that can be asked while the issuer is well, and after.
    pub async fn all(&self) -> Vec<Checked> {
        let mut list = vec![
            checked("public route needs no token", self.open().await),
            checked("no token", self.no_token().await),
            checked("another scheme", self.other_scheme().await),
            checked("token in the query", self.in_query().await),
            checked("scheme in lower case", self.lower_case().await),
        ];
        match tokens::all(self.issuer) {
            Ok(sent) => {
                for one in sent {
                    list.push(checked(one.name, self.sent(&one).await));
                }
            }
            Err(e) => list.push(checked("minting", Err(e))),
        }
        list.push(checked("flood of random key ids", self.flood().await));
        list.push(checked("issuer away, key known", self.issuer_away().await));
        list
    }

    async fn open(&self) -> Result<()> {
        let answer = self.get("/open", None).await?;
        same("status", answer.status().as_u16(), 200)
    }

    async fn no_token(&self) -> Result<()> {
        let answer = self.get("/reports", None).await?;
        same("status", answer.status().as_u16(), 401)?;
        let challenge = challenge(&answer)?;
        holds(!challenge.contains("error"), || {
            format!("a request without a token is no error (RFC 6750 section 3.1): {challenge}")
        })?;
        self.code(answer, "UNAUTHORIZED").await
    }

    async fn other_scheme(&self) -> Result<()> {
        let answer = self.get("/reports", Some("Basic YWdlbnQ6c2VjcmV0")).await?;
        same("status", answer.status().as_u16(), 401)?;
        challenge(&answer).map(|_| ())
    }

    async fn in_query(&self) -> Result<()> {
        let token = tokens::good(self.issuer)?;
        let answer = self
            .get(&format!("/reports?access_token={token}"), None)
            .await?;
        same("status", answer.status().as_u16(), 401)
    }

    async fn lower_case(&self) -> Result<()> {
        let token = tokens::good(self.issuer)?;
        let answer = self
            .get("/reports", Some(&format!("bearer {token}")))
            .await?;
        same("status", answer.status().as_u16(), 200)
    }

    async fn sent(&self, sent: &Sent) -> Result<()> {
        let answer = self.reports(&sent.token).await?;
        let status = answer.status().as_u16();
        let (wanted, error, code) = match sent.verdict {
            Verdict::Admitted => {
                same("status", status, 200)?;
                let body = json(answer).await?;
                return same("subject", body["subject"].as_str(), Some(SUBJECT));
            }
            Verdict::Invalid => (401, "invalid_token", "UNAUTHORIZED"),
            Verdict::LacksScope => (403, "insufficient_scope", "INSUFFICIENT_SCOPE"),
        };
        same("status", status, wanted)?;
        let challenge = challenge(&answer)?;
        holds(challenge.contains(&format!(r#"error="{error}""#)), || {
            format!("WWW-Authenticate has no error=\"{error}\": {challenge}")
        })?;
        if sent.verdict == Verdict::LacksScope {
            holds(challenge.contains(&format!(r#"scope="{SCOPE}""#)), || {
                format!("WWW-Authenticate does not name the scope: {challenge}")
            })?;
        }
        let shown = format!("{:?}", answer.headers());
        let body = answer.text().await.map_err(|e| e.to_string())?;
        holds(!(shown + &body).contains(&sent.token), || {
            "the answer repeats the token".to_owned()
        })?;
        self.code_in(&body, code)
    }

    async fn flood(&self) -> Result<()> {
        let before = self.issuer.key_fetches();
        let answers = stream::iter(0..FLOOD).map(|n| async move {
            if n % 10 == 0 {
                let token = tokens::good(self.issuer)?;
                return Ok((200, self.reports(&token).await?.status().as_u16()));
            }
            let token = tokens::unknown_key(self.issuer, &format!("random-{n}"))?;
            Ok::<_, String>((401, self.reports(&token).await?.status().as_u16()))
        });
        let mut answers = answers.buffer_unordered(FLOOD_AT_ONCE);
        while let Some(answer) = answers.next().await {
            let (wanted, status) = answer?;
            same("status in the flood", status, wanted)?;
        }
        let fetches = self.issuer.key_fetches() - before;
        holds(fetches <= 1, || {
            format!("the flood caused {fetches} fetches of the keys")
        })
    }

    async fn issuer_away(&self) -> Result<()> {
        self.issuer.set_broken(true);
        let answer = self.reports(&tokens::good(self.issuer)?).await;
        self.issuer.set_broken(false);
        same("status", answer?.status().as_u16(), 200)
    }

    /// A fresh adapter whose issuer does not answer.
    pub async fn without_keys(&self) -> Result<()> {
        let answer = self.reports(&tokens::good(self.issuer)?).await?;
        same("status", answer.status().as_u16(), 503)?;
        let after = answer.headers().get(header::RETRY_AFTER);
        holds(after.is_some(), || "no Retry-After".to_owned())?;
        self.code(answer, "SERVICE_UNAVAILABLE").await
    }

    /// The status of a good token.
    pub async fn good_status(&self) -> Result<u16> {
        let answer = self.reports(&tokens::good(self.issuer)?).await?;
        Ok(answer.status().as_u16())
    }

    async fn reports(&self, token: &str) -> Result<Response> {
        self.get("/reports", Some(&format!("Bearer {token}"))).await
    }

    async fn get(&self, path: &str, authorization: Option<&str>) -> Result<Response> {
        let mut request = self.http.get(format!("{}{path}", self.url));
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let sent = request.send().await;
        sent.map_err(|e| format!("no answer: {}", e.without_url()))
    }

    async fn code(&self, answer: Response, wanted: &str) -> Result<()> {
        let body = answer.text().await.map_err(|e| e.to_string())?;
        self.code_in(&body, wanted)
    }

    fn code_in(&self, body: &str, wanted: &str) -> Result<()> {
        if self.own_bodies {
            return Ok(());
        }
        let body: Value =
            serde_json::from_str(body).map_err(|_| format!("the body is no JSON: {body}"))?;
        same("code", body["code"].as_str(), Some(wanted))?;
        holds(body["message"].is_string(), || {
            "the body has no message".to_owned()
        })
    }
}

/// A check with its name.
pub fn checked(name: &str, result: Result<()>) -> Checked {
    Checked {
        name: name.to_owned(),
        result,
    }
}

async fn json(answer: Response) -> Result<Value> {
    answer
        .json()
        .await
        .map_err(|e| format!("the body is no JSON: {e}"))
}

fn challenge(answer: &Response) -> Result<String> {
    let value = answer.headers().get(header::WWW_AUTHENTICATE);
    let text = value
        .and_then(|v| v.to_str().ok())
        .ok_or("no WWW-Authenticate")?;
    if text == "Bearer" || text.starts_with("Bearer ") {
        Ok(text.to_owned())
    } else {
        Err(format!("WWW-Authenticate is no Bearer challenge: {text}"))
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: T, wanted: T) -> Result<()> {
    holds(seen == wanted, || {
        format!("{what} is {seen:?}, not {wanted:?}")
    })
}

fn holds(yes: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if yes { Ok(()) } else { Err(otherwise()) }
}
