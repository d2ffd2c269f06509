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

use super::{Failure, Reply, Unreadable, chain};
use crate::policy::{ANSWER_BYTES_MAX, ERROR_BYTES_MAX};

/// Why a body does not come to an end.
enum Stop {
    /// The connection ended.
    Broken(Failure),
    Unreadable(Unreadable),
}

impl From<Unreadable> for Stop {
    fn from(why: Unreadable) -> Self {
        Self::Unreadable(why)
    }
}

/// Reads the body up to the limit, and unpacks it. The head stands, whatever becomes of the body.
pub(super) async fn whole(response: Response<Incoming>) -> Result<Reply, Failure> {
    let (parts, body) = response.into_parts();
    let mut headers = parts.headers;
    let failed = parts.status.is_client_error() || parts.status.is_server_error();
    let max = if failed {
        ERROR_BYTES_MAX
    } else {
        ANSWER_BYTES_MAX
    };
    let body = match read(&mut headers, body, max).await {
        Ok(body) => Ok(body),
        Err(Stop::Unreadable(why)) => Err(why),
        Err(Stop::Broken(failure)) => return Err(failure),
    };
    Ok(Reply {
        status: parts.status.as_u16(),
        headers,
        body,
    })
}

async fn read(headers: &mut HeaderMap, body: Incoming, max: usize) -> Result<Bytes, Stop> {
    if body.size_hint().lower() > max as u64 {
        return Err(too_large(max).into());
    }
    if !is_gzip(headers)? {
        return plain(body, max).await;
    }
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    unpacked(body, max).await
}

fn too_large(max: usize) -> Unreadable {
    Unreadable::TooLarge(max / (1024 * 1024))
}

/// One chunk is handed on as it is.
async fn plain(mut body: Incoming, max: usize) -> Result<Bytes, Stop> {
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
        if whole.len() + part.len() > max {
            return Err(too_large(max).into());
        }
        whole.extend_from_slice(&part);
        next = chunk(&mut body).await?;
    }
    Ok(whole.freeze())
}

async fn unpacked(mut body: Incoming, max: usize) -> Result<Bytes, Stop> {
    let mut unpacking = MultiGzDecoder::new(Limited::to(max));
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

fn fault(limited: &Limited, error: &io::Error) -> Unreadable {
    if limited.overflown {
        too_large(limited.max)
    } else {
        Unreadable::Garbled(chain(error))
    }
}

/// What was unpacked, up to the limit.
struct Limited {
    held: Vec<u8>,
    max: usize,
    overflown: bool,
}

impl Limited {
    fn to(max: usize) -> Self {
        Self {
            held: Vec::new(),
            max,
            overflown: false,
        }
    }
}

impl Write for Limited {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.held.len() + part.len() > self.max {
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

async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>, Stop> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Stop::Broken(Failure::Broken(chain(&e))))?;
        // Trailers say nothing that is wanted.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// An encoding that was not asked for cannot be read.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Unreadable> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(false);
    };
    match encoding.to_str().map(str::trim) {
        Ok(name) if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => {
            Ok(true)
        }
        Ok(name) if name.is_empty() || name.eq_ignore_ascii_case("identity") => Ok(false),
        _ => Err(Unreadable::Garbled(
            "it is not gzip, which was asked for".into(),
        )),
    }
}
