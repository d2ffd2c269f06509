use serde_json::{Value, json};

use super::{
    moment::{canonical, split},
    of,
};
use crate::{
    shape::{Member, Object, Shape},
    wire::parse_time,
};

const fn member(name: &'static str, required: bool, nullable: bool, shape: Shape) -> Member {
    Member {
        name,
        required,
        nullable,
        shape,
    }
}

static ITEM: Object = Object {
    name: "Item",
    required: 3,
    members: &[
        member("id", true, false, Shape::Text),
        member("at", true, true, Shape::DateTime),
        member("tags", true, false, Shape::List(&Shape::Text)),
        member("note", false, true, Shape::Text),
    ],
};

static PAGE: Object = Object {
    name: "Page",
    required: 1,
    members: &[
        member("data", true, false, Shape::List(&Shape::Object(&ITEM))),
        member("total", false, true, Shape::Integer),
        member("share", false, true, Shape::Number),
        member("whole", false, true, Shape::Boolean),
        member("first", false, true, Shape::Object(&ITEM)),
        member("times", false, true, Shape::Map(&Shape::DateTime)),
        member("free", false, true, Shape::Any),
    ],
};

static BODY: Shape = Shape::Object(&PAGE);

fn rows(body: &str) -> Option<Value> {
    let rows = of(&BODY, body.as_bytes()).expect("it passes the check");
    BODY.check(body.as_bytes()).expect("the check agrees");
    rows.map(|rows| serde_json::from_slice(&rows).expect("rows are JSON"))
}

#[test]
fn values_stand_in_the_contracts_order_without_names() {
    let body = r#"{"data":[{"id":"a\n","at":"1970-01-02T00:00:01.0019Z","tags":["x","y"],"note":"é"}],
        "total":-7,"share":0.1,"whole":false,"first":null,
        "times":{"end": "2026-01-01T00:00:00Z"},"free":{"a":[1e3]}}"#;
    let wanted = json!([
        0, 1, 0, "a\n", 1, 1001, 2, "x", "y", "é", -7, 0.1, false, null,
        {"end": "2026-01-01T00:00:00Z"}, {"a": [1000.0]}
    ]);
    assert_eq!(rows(body), Some(wanted));
}

#[test]
fn a_text_that_repeats_is_the_place_where_it_stood() {
    let body = r#"{"data":[
        {"id":"a","at":null,"tags":["org","a"],"note":"org"},
        {"id":"b","at":null,"tags":[],"note":"org"}],
        "total":null,"share":null,"whole":null,"first":null,"times":null,"free":null}"#;
    let wanted = json!([
        0, 2, 0, "a", null, 2, "org", 3, 6, 0, "b", null, 0, 6, null, null, null, null, null, null
    ]);
    assert_eq!(rows(body), Some(wanted));
}

#[test]
fn what_is_absent_and_what_is_unknown_stand_behind() {
    let body = r#"{"new":{"deep":[1]},"data":[{"id":"a","at":null,"tags":[]}],"__proto__":"\u0041","free":1}"#;
    let wanted = json!([
        1, 1, 1, "a", null, 0, null, [[3], {}], null, null, null, null, null, 1,
        [[1, 2, 3, 4, 5], {"new": {"deep": [1]}, "__proto__": "A"}]
    ]);
    assert_eq!(rows(body), Some(wanted));
}

#[test]
fn another_order_and_repeated_members_are_left_as_they_came() {
    for body in [
        r#"{"total":1,"data":[]}"#,
        r#"{"data":[],"data":[]}"#,
        r#"{"data":[{"at":null,"id":"a","tags":[]}]}"#,
    ] {
        assert_eq!(rows(body), None, "{body}");
    }
    // In a field that no model names.
    assert_eq!(
        of(&BODY, b"{\"data\":[],\"new\":\"\xff\"}").expect("it passes"),
        None
    );
}

#[test]
fn times_are_cut_to_milliseconds_before_and_after_1970() {
    for (text, days, ms) in [
        ("1969-12-31T23:59:59.9999Z", -1, 86_399_999),
        ("2026-03-28T10:00:00+01:00", 20_540, 32_400_000),
        ("0001-01-01T00:00:00Z", -719_162, 0),
        ("2024-02-29T23:59:59.987Z", 19_782, 86_399_987),
        ("1900-03-01T00:00:00.001Z", -25_508, 1),
        ("2016-12-31T23:59:60.000Z", 17_166, 86_399_999),
    ] {
        let body = format!(r#"{{"data":[{{"id":"a","at":"{text}","tags":[],"note":null}}]}}"#);
        let rows = rows(&body).expect("rows");
        assert_eq!([&rows[4], &rows[5]], [&json!(days), &json!(ms)], "{text}");
    }
}

#[test]
fn the_short_way_to_a_time_leads_where_the_parser_does() {
    for year in [0, 1, 1899, 1900, 1969, 1970, 2000, 2024, 2026, 9999] {
        for (month, day) in [
            (1, 1),
            (2, 28),
            (2, 29),
            (3, 1),
            (4, 31),
            (12, 31),
            (0, 1),
            (13, 1),
            (1, 0),
        ] {
            let text = format!("{year:04}-{month:02}-{day:02}T12:34:56.789Z");
            assert_eq!(
                canonical(text.as_bytes()),
                parse_time(&text).map(split),
                "{text}"
            );
        }
    }
}

#[test]
fn it_refuses_what_the_check_refuses_in_the_same_words() {
    for body in [
        "",
        "[]",
        "null",
        "{",
        r#"{"data":null}"#,
        r#"{"total":1}"#,
        r#"{"data":[null]}"#,
        r#"{"data":[1]}"#,
        r#"{"data":[],"total":1.5}"#,
        r#"{"data":[],"total":18446744073709551615}"#,
        r#"{"data":[],"share":"1"}"#,
        r#"{"data":[],"whole":0}"#,
        r#"{"data":[],"first":{}}"#,
        r#"{"data":[],"first":[]}"#,
        r#"{"data":[{"id":5,"at":null,"tags":[]}]}"#,
        r#"{"data":[{"id":"a","at":"soon","tags":[]}]}"#,
        r#"{"data":[{"id":"a","at":"2026-02-29T00:00:00.000Z","tags":[]}]}"#,
        r#"{"data":[{"id":"a","at":"2026-02-28T24:00:00.000Z","tags":[]}]}"#,
        r#"{"data":[{"id":"a","at":"2026-02-28T00:00:00.0a0Z","tags":[]}]}"#,
        r#"{"data":[{"id":"a","at":null,"tags":[true]}]}"#,
        r#"{"data":[]} x"#,
    ] {
        let of = of(&BODY, body.as_bytes()).expect_err(body).to_string();
        let check = BODY.check(body.as_bytes()).expect_err(body).to_string();
        assert_eq!(of, check, "{body}");
    }
    for body in [
        r#"{"data":[],"times":{"a":"soon"}}"#,
        r#"{"data":[],"times":[]}"#,
        r#"{"data":[],"times":7}"#,
    ] {
        let of = of(&BODY, body.as_bytes()).expect_err(body).to_string();
        let check = BODY.check(body.as_bytes()).expect_err(body).to_string();
        let clause = |text: &str| text.split(" at line ").next().map(str::to_owned);
        assert_eq!(clause(&of), clause(&check), "{body}");
    }
}
