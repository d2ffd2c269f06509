//! RFC 8785, the JSON Canonicalization Scheme: one text for one value.
//!
//! Keys are sorted here by their UTF-16 code units, whatever order the map in memory keeps. Numbers are written as
//! ECMAScript does. Input is any `serde_json` value, which can hold neither NaN nor infinities.

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// The canonical text of a value.
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// The canonical text of an object.
pub(super) fn write_object(out: &mut String, map: &Map<String, Value>) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by(|left, right| utf16_order(left.0, right.0));
    out.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, key);
        out.push(':');
        write_value(out, value);
    }
    out.push('}');
}

/// A string with the escapes of RFC 8785 and no others.
pub(super) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => write_object(out, map),
    }
}

fn utf16_order(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

/// Integers beyond this lose digits as an ECMAScript number: they are written as the double they become.
const SAFE_INTEGER_MAX: u64 = 1 << 53;

fn write_number(out: &mut String, number: &Number) {
    if let Some(integer) = number.as_i64()
        && integer.unsigned_abs() <= SAFE_INTEGER_MAX
    {
        let _ = write!(out, "{integer}");
    } else if let Some(double) = number.as_f64()
        && let Some(number) = Number::from_f64(double)
    {
        write_double(out, &number, double);
    }
}

/// `Number::toString` of ECMAScript, from the shortest digits that read back as the same double. They come from
/// `serde_json`, which of two equally short ones takes the even one, as ECMAScript engines do and `std` does not.
fn write_double(out: &mut String, number: &Number, double: f64) {
    if double == 0.0 {
        out.push('0');
        return;
    }
    if double < 0.0 {
        out.push('-');
    }
    let (digits, point) = shortest(&number.to_string());
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    match point {
        _ if count <= point && point <= 21 => {
            out.push_str(&digits);
            out.extend((count..point).map(|_| '0'));
        }
        1..=21 => {
            let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
            let _ = write!(out, "{whole}.{fraction}");
        }
        -5..=0 => {
            out.push_str("0.");
            out.extend((point..0).map(|_| '0'));
            out.push_str(&digits);
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            out.push_str(first);
            if !rest.is_empty() {
                let _ = write!(out, ".{rest}");
            }
            let _ = write!(
                out,
                "e{}{}",
                if point > 0 { '+' } else { '-' },
                (point - 1).abs()
            );
        }
    }
}

/// The digits of a number's text without zeros at either end, and after how many of them the decimal point stands.
fn shortest(text: &str) -> (String, i32) {
    let text = text.trim_start_matches('-');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let leading = i32::try_from(all.len() - significant.len()).unwrap_or(i32::MAX);
    let point = i32::try_from(whole.len()).unwrap_or(i32::MAX) - leading
        + exponent.parse::<i32>().unwrap_or(0);
    (significant.trim_end_matches('0').to_owned(), point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        canonical_json(&serde_json::from_str(text).unwrap())
    }

    /// RFC 8785, section 3.2.2 and 3.2.3.
    #[test]
    fn the_example_of_the_rfc() {
        let input = r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(input), expected);
    }

    /// RFC 8785, section 3.2.3: the sorting example.
    #[test]
    fn keys_are_sorted_by_utf16_code_units() {
        let input = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
            "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let value: Value = serde_json::from_str(&canonical(input)).unwrap();
        let order: Vec<&str> = value
            .as_object()
            .unwrap()
            .values()
            .map(|name| name.as_str().unwrap())
            .collect();
        assert_eq!(
            order,
            [
                "Carriage Return",
                "One",
                "Control",
                "Latin Small Letter O With Diaeresis",
                "Euro Sign",
                "Emoji: Grinning Face",
                "Hebrew Letter Dalet With Dagesh"
            ]
        );
    }

    /// RFC 8785, appendix B: the double with these bits has this text.
    #[test]
    fn numbers_of_appendix_b() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
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
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(
                canonical_json(&serde_json::json!(f64::from_bits(bits))),
                expected,
                "{bits:016x}"
            );
        }
    }

    #[test]
    fn large_integers_become_the_double_that_they_are_elsewhere() {
        assert_eq!(canonical("9007199254740992"), "9007199254740992");
        assert_eq!(canonical("9007199254740993"), "9007199254740992");
        assert_eq!(canonical("18446744073709551615"), "18446744073709552000");
        assert_eq!(canonical("-9223372036854775808"), "-9223372036854776000");
        assert_eq!(canonical("100"), "100");
        assert_eq!(canonical("100.0"), "100");
    }
}
