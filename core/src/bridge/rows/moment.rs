//! Times as two small numbers: engines read those without making a double of each.
//!
//! Owns: the short way to the time as the API writes it.
//! Refuses: any other form: the core's parser of RFC 3339 has the last word.

use time::{Date, Month, OffsetDateTime};

use crate::wire::parse_time;

const SECONDS_A_DAY: i64 = 86_400;
/// 1970-01-01.
const UNIX_EPOCH_JULIAN_DAY: i32 = 2_440_588;

/// Days since 1970 UTC and milliseconds of that day.
pub(super) fn of(text: &str) -> Option<(i64, i64)> {
    canonical(text.as_bytes()).or_else(|| parse_time(text).map(split))
}

pub(super) fn split(at: OffsetDateTime) -> (i64, i64) {
    let seconds = at.unix_timestamp();
    let of_day = seconds.rem_euclid(SECONDS_A_DAY);
    (
        seconds.div_euclid(SECONDS_A_DAY),
        of_day * 1000 + i64::from(at.millisecond()),
    )
}

/// As the API writes it, `2026-03-28T09:00:00.000Z`: a list has hundreds of them, and the parser
/// of every other form takes several times as long.
pub(super) fn canonical(text: &[u8]) -> Option<(i64, i64)> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'.',
        f1,
        f2,
        f3,
        b'Z',
    ] = text
    else {
        return None;
    };
    let year = i32::from(two(y1, y2)?) * 100 + i32::from(two(y3, y4)?);
    let month = Month::try_from(two(m1, m2)?).ok()?;
    let date = Date::from_calendar_date(year, month, two(d1, d2)?).ok()?;
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    // A leap second and the year 0 are left to the parser.
    if year == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    let ms = i64::from(two(b'0', f1)?) * 100 + i64::from(two(f2, f3)?);
    Some((
        i64::from(date.to_julian_day() - UNIX_EPOCH_JULIAN_DAY),
        seconds * 1000 + ms,
    ))
}

/// Two digits.
fn two(tens: u8, ones: u8) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}
