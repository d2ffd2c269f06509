//! The least HTTP/1.1 that measures a server: a request is bytes that are ready, an answer is read up to its
//! `content-length`. So the generator of load leaves the cores to what is measured.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use crate::Result;

/// How long one answer may take before the run fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// No answer that is measured has longer headers.
const HEAD_MAX: usize = 16 * 1024;

/// A request as it goes over the wire.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{lines}content-length: {length}\r\n\r\n{body}"
    )
}

/// Where an answer's parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub body_at: usize,
    pub length: usize,
}

/// The head of an answer, once all of it has come.
pub fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return match bytes.len() {
            0..=HEAD_MAX => Ok(None),
            _ => Err("an answer's headers do not end".into()),
        };
    };
    let text = std::str::from_utf8(&bytes[..end])?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|rest| rest.get(..3))
        .ok_or("an answer has no status line")?
        .parse()?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .ok_or("an answer has no content-length")?
        .1
        .trim()
        .parse()?;
    let body_at = end + 4;
    Ok(Some(Head {
        status,
        body_at,
        length,
    }))
}

/// One request on a connection of its own; status and body.
pub fn once(port: u16, request: &str) -> Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    stream.write_all(request.as_bytes())?;
    let (mut bytes, mut some) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(head) = head(&bytes)?
            && bytes.len() >= head.body_at + head.length
        {
            return Ok((head.status, bytes.split_off(head.body_at)));
        }
        match stream.read(&mut some)? {
            0 => return Err("the server closed a connection".into()),
            read => bytes.extend_from_slice(&some[..read]),
        }
    }
}

/// One request whose answer must be of that status, as JSON.
pub fn json(port: u16, request: &str, wanted: u16) -> Result<Value> {
    let (status, body) = once(port, request)?;
    if status != wanted {
        let text = String::from_utf8_lossy(&body);
        return Err(format!("{status} instead of {wanted}: {text}").into());
    }
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_length() {
        let text = b"HTTP/1.1 201 Created\r\nx: y\r\nContent-Length: 2\r\n\r\n{}";
        let whole = head(text).unwrap();
        let wanted = Head {
            status: 201,
            body_at: 49,
            length: 2,
        };
        assert_eq!(whole, Some(wanted));
        assert_eq!(head(&text[..40]).unwrap(), None);
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
