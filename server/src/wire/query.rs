//! Name and value pairs: query strings and form bodies.

/// Decoded pairs in the order of the request.
pub type Pairs = Vec<(String, String)>;

/// Decodes `a=1&b=%20+`. `None` when a percent sign is not followed by two hex digits, or the
/// bytes are no UTF-8: a value that was guessed is worse than a refused one.
pub fn parse(text: &str) -> Option<Pairs> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_component(name)?, decode_component(value)?))
        })
        .collect()
}

/// Decodes one `application/x-www-form-urlencoded` component.
pub fn decode_component(text: &str) -> Option<String> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_or_refuses() {
        assert_eq!(
            parse("a=1&b=%C3%A4+x&&c").unwrap(),
            [("a", "1"), ("b", "ä x"), ("c", "")].map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
        for bad in ["a=%", "a=%g0", "a=%2", "a=%ff", "%80=1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
