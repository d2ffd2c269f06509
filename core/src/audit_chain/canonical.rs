//! RFC 8785 (JSON Canonicalization Scheme): one text for one value.
//!
//! Refuses: depending on how a map is ordered in memory, or on how numbers were written.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Integers up to here are exact as doubles.
const EXACT_MAX: u64 = 1 << 53;

/// Writes the canonical text of a value.
pub(super) fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            let mut before = '[';
            for item in items {
                out.push(before);
                write(out, item);
                before = ',';
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::Object(map) => {
            let mut names: Vec<_> = map.keys().collect();
            names.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            let mut before = '{';
            for name in &names {
                out.push(before);
                write_text(out, name);
                out.push(':');
                write(out, &map[name.as_str()]);
                before = ',';
            }
            out.push_str(if names.is_empty() { "{}" } else { "}" });
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{8}' => out.push_str(r"\b"),
            '\t' => out.push_str(r"\t"),
            '\n' => out.push_str(r"\n"),
            '\u{c}' => out.push_str(r"\f"),
            '\r' => out.push_str(r"\r"),
            // Writing to a String cannot fail.
            '\0'..='\u{1f}' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// As ECMAScript's `Number::toString` (ECMA-262 section 6.1.6.1.20).
fn write_number(out: &mut String, number: &Number) {
    if let Some(whole) = number.as_i64().filter(|n| n.unsigned_abs() <= EXACT_MAX) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{whole}");
        return;
    }
    let double = number.as_f64().unwrap_or_default();
    if double < 0.0 {
        out.push('-');
    }
    let Some((digits, exponent)) = shortest(double.abs()) else {
        out.push('0');
        return;
    };
    // The value is 0.digits x 10^point.
    let (count, point) = (digits.len(), exponent);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    let inside = usize::try_from(point).unwrap_or(0);
    if (1..=21).contains(&point) && inside >= count {
        out.push_str(&digits);
        out.push_str(&"0".repeat(inside - count));
    } else if (1..=21).contains(&point) {
        let _ = write!(out, "{}.{}", &digits[..inside], &digits[inside..]);
    } else if (-5..=0).contains(&point) {
        let _ = write!(out, "0.{}{digits}", zeros(-point));
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let _ = write!(out, "{first}{dot}{rest}e{:+}", point - 1);
    }
}

/// The shortest digits that read back as this double, and where the decimal point stands before them;
/// `None` for zero. `serde_json` finds them; of two equally short ones it takes the closer one, as
/// ECMAScript does.
fn shortest(double: f64) -> Option<(String, i32)> {
    let text = Number::from_f64(double)?.to_string();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let from_start = all.trim_start_matches('0');
    let digits = from_start.trim_end_matches('0');
    if digits.is_empty() {
        return None;
    }
    let signed = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let point = signed(whole.len()) - signed(all.len() - from_start.len())
        + exponent.parse::<i32>().unwrap_or(0);
    Some((digits.to_owned(), point))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let mut out = String::new();
        write(&mut out, &serde_json::from_str(text).unwrap());
        out
    }

    /// RFC 8785 sections 3.2.2 and 3.2.3.
    #[test]
    fn the_examples_of_the_rfc() {
        let input = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        assert_eq!(
            canonical(input),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        let sorted = r#"{"\u20ac":3,"\r":0,"\ufb33":5,"1":1,"\ud83d\ude00":4,"\u0080":2}"#;
        let order: Vec<i64> =
            serde_json::from_str::<serde_json::Map<String, Value>>(&canonical(sorted))
                .unwrap()
                .values()
                .filter_map(Value::as_i64)
                .collect();
        assert_eq!(order, [0, 1, 2, 3, 4, 5]);
        assert_eq!(canonical(r#"{"a":[],"b":{}}"#), r#"{"a":[],"b":{}}"#);
    }

    /// RFC 8785 appendix B.
    #[test]
    fn numbers_of_the_rfc() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            let number = Number::from_f64(f64::from_bits(bits)).unwrap();
            let mut out = String::new();
            write(&mut out, &Value::Number(number));
            assert_eq!(out, expected);
        }
    }
}
