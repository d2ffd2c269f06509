//! The real server, as the harness itself reaches it: plain HTTP, no SDK. Between it and the
//! runners may stand a proxy that breaks one field on purpose.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{case::Result, verbs::Http};

/// The real server and its bootstrap admin.
pub struct Real {
    /// Where the runners reach it.
    pub base_url: String,
    /// The bootstrap admin.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    direct: String,
    token: String,
    http: reqwest::Client,
}

impl Real {
    /// Signs the harness in; with `broken`, runners reach the server through a proxy that renames
    /// that JSON key in every answer.
    pub async fn connect(
        base_url: &str,
        client_id: &str,
        client_secret: &str,
        broken: Option<&str>,
    ) -> Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|e| e.to_string())?;
        let scope = "agents:read agents:write tokens:read audit:read admin:orgs";
        let form = format!(
            "grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}&scope={}",
            scope.replace(' ', "+").replace(':', "%3A")
        );
        let answer: Value = http
            .post(format!("{base_url}/api/v1/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .map_err(|e| format!("the real server at {base_url}: {e}"))?
            .json()
            .await
            .map_err(|e| e.to_string())?;
        let token = answer["access_token"]
            .as_str()
            .ok_or_else(|| format!("the bootstrap admin got no token: {answer}"))?
            .to_owned();
        let seen = match broken {
            None => base_url.to_owned(),
            Some(key) => breaking_proxy(base_url, key).await?,
        };
        Ok(Self {
            base_url: seen,
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            direct: base_url.to_owned(),
            token,
            http,
        })
    }

    /// One request as the bootstrap admin: `{status, headers, body}`.
    pub async fn request(&self, request: &Http) -> Result<Value> {
        let method =
            reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|e| e.to_string())?;
        let mut builder = self
            .http
            .request(method, format!("{}{}", self.direct, request.path))
            .bearer_auth(&self.token);
        if let Some(json) = &request.json {
            builder = builder.json(json);
        }
        if let Some(form) = &request.form {
            let pairs: Vec<String> = form
                .iter()
                .map(|(k, v)| format!("{k}={}", encode(v)))
                .collect();
            builder = builder
                .header("content-type", "application/x-www-form-urlencoded")
                .body(pairs.join("&"));
        }
        let answer = builder.send().await.map_err(|e| e.to_string())?;
        let status = answer.status().as_u16();
        let headers: serde_json::Map<String, Value> = answer
            .headers()
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_str().unwrap_or_default().into()))
            .collect();
        let bytes = answer.bytes().await.map_err(|e| e.to_string())?;
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(json!({"status": status, "headers": headers, "body": body}))
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            b => format!("%{b:02X}"),
        })
        .collect()
}

/// A proxy that passes everything on and renames one key in the answers, in place: the length
/// stays, so that nothing else changes.
async fn breaking_proxy(upstream: &str, key: &str) -> Result<String> {
    let upstream = upstream.trim_start_matches("http://").to_owned();
    let from = format!("\"{key}\"").into_bytes();
    let to = format!("\"{}\"", "x".repeat(key.len())).into_bytes();
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (upstream, from, to) = (upstream.clone(), from.clone(), to.clone());
            tokio::spawn(async move {
                let server = TcpStream::connect(upstream).await?;
                let (mut client_in, mut client_out) = client.into_split();
                let (mut server_in, mut server_out) = server.into_split();
                let there =
                    tokio::spawn(
                        async move { tokio::io::copy(&mut client_in, &mut server_out).await },
                    );
                let mut chunk = vec![0; 256 * 1024];
                loop {
                    let n = server_in.read(&mut chunk).await?;
                    if n == 0 {
                        break;
                    }
                    let mut i = 0;
                    while i + from.len() <= n {
                        if chunk[i..i + from.len()] == from[..] {
                            chunk[i..i + to.len()].copy_from_slice(&to);
                        }
                        i += 1;
                    }
                    client_out.write_all(&chunk[..n]).await?;
                }
                there.abort();
                std::io::Result::Ok(())
            });
        }
    });
    Ok(format!("http://{address}"))
}
