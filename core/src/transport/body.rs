//! An answer's body, whole.
//!
//! Owns: the limit on its size, before and after decompression, and gzip.
//! Refuses: keeping more than the limit: a small body that unpacks to a huge one stops there.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use http::{HeaderMap, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::{Failure, Reply, chain};
use crate::policy::ANSWER_BYTES_MAX;

/// Reads the body up to the limit, and unpacks it.
pub(super) async fn whole(response: Response<Incoming>) -> Result<Reply, Failure> {
    let (parts, body) = response.into_parts();
    let mut headers = parts.headers;
    if body.size_hint().lower() > ANSWER_BYTES_MAX as u64 {
        return Err(Failure::TooLarge);
    }
    let body = if is_gzip(&headers)? {
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        unpacked(body).await?
    } else {
        plain(body).await?
    };
    Ok(Reply {
        status: parts.status.as_u16(),
        headers,
        body,
    })
}

/// One chunk is handed on as it is.
async fn plain(mut body: Incoming) -> Result<Bytes, Failure> {
    let Some(first) = chunk(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if body.is_end_stream() {
        return Ok(first);
    }
    let Some(second) = chunk(&mut body).await? else {
        return Ok(first);
    };
    let rest = usize::try_from(body.size_hint().lower()).unwrap_or(0);
    let mut whole = BytesMut::with_capacity(first.len() + second.len() + rest);
    whole.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(part) = next {
        if whole.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(Failure::TooLarge);
        }
        whole.extend_from_slice(&part);
        next = chunk(&mut body).await?;
    }
    Ok(whole.freeze())
}

async fn unpacked(mut body: Incoming) -> Result<Bytes, Failure> {
    let mut unpacking = MultiGzDecoder::new(Limited::default());
    let mut any = false;
    while let Some(part) = chunk(&mut body).await? {
        any = true;
        let outcome = unpacking.write_all(&part);
        outcome.map_err(|e| fault(unpacking.get_ref(), &e))?;
    }
    if !any {
        return Ok(Bytes::new());
    }
    let outcome = unpacking.try_finish();
    outcome.map_err(|e| fault(unpacking.get_ref(), &e))?;
    Ok(std::mem::take(&mut unpacking.get_mut().held).into())
}

fn fault(limited: &Limited, error: &io::Error) -> Failure {
    if limited.overflown {
        Failure::TooLarge
    } else {
        Failure::Garbled(chain(error))
    }
}

/// What was unpacked, up to the limit.
#[derive(Default)]
struct Limited {
    held: Vec<u8>,
    overflown: bool,
}

impl Write for Limited {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.held.len() + part.len() > ANSWER_BYTES_MAX {
            self.overflown = true;
            return Err(io::Error::other("too large"));
        }
        self.held.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Failure::Broken(chain(&e)))?;
        // Trailers say nothing that is wanted.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// An encoding that was not asked for cannot be read.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Failure> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(false);
    };
    match encoding.to_str().map(str::trim) {
        Ok(name) if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
            Ok(true)
        }
        Ok(name) if name.is_empty() || name.eq_ignore_ascii_case("identity") => Ok(false),
        _ => Err(Failure::Garbled(
            "it is not gzip, which was asked for".into(),
        )),
    }
}
