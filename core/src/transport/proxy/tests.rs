//! Which proxy is taken, and what is told of it.

use http::Uri;

use super::{are_about, exceptions, is_here, of_environment, unreadable};

#[test]
fn what_the_environment_says_is_told_with_the_variable_and_without_the_password() {
    let told = |uri: &'static str, set: &[(&str, &str)]| {
        let value = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let told = of_environment(&Uri::from_static(uri), &value);
        told.map(|(proxy, name)| (proxy.unwrap_or_default(), name))
    };
    let (secure, plain) = ("https://idp.example.com", "http://idp.example.com");
    let here = "http://localhost:8080";
    let proxy = "http://fox:s%40fe@proxy.example.com:3128/path";
    let masked = "http://***@proxy.example.com:3128/";
    let bare = "proxy.example.com:3128";
    let open = "http://proxy.example.com:3128/";
    for (uri, set, wanted) in [
        (
            secure,
            &[("HTTPS_PROXY", proxy)][..],
            (masked, "HTTPS_PROXY"),
        ),
        (secure, &[("https_proxy", bare)], (open, "https_proxy")),
        (plain, &[("HTTP_PROXY", proxy)], (masked, "HTTP_PROXY")),
        (plain, &[("ALL_PROXY", proxy)], (masked, "ALL_PROXY")),
        (
            plain,
            &[("HTTP_PROXY", bare), ("ALL_PROXY", proxy)],
            (open, "HTTP_PROXY"),
        ),
        // What cannot be read is passed over where there is another, and may be a password.
        (
            plain,
            &[("HTTP_PROXY", "s@fe :"), ("ALL_PROXY", bare)],
            (open, "ALL_PROXY"),
        ),
        (plain, &[("HTTP_PROXY", "s@fe :")], ("***", "HTTP_PROXY")),
        (
            plain,
            &[("HTTP_PROXY", "socks5://fox:s%40fe@proxy:1080")],
            ("socks5://***@proxy:1080/", "HTTP_PROXY"),
        ),
        (
            plain,
            &[("HTTP_PROXY", proxy), ("NO_PROXY", "example.com")],
            ("", "NO_PROXY"),
        ),
        (
            here,
            &[("HTTP_PROXY", "http://127.0.0.1:3128")],
            ("http://127.0.0.1:3128/", "HTTP_PROXY"),
        ),
    ] {
        let wanted = (wanted.0.to_owned(), wanted.1);
        assert_eq!(told(uri, set), Some(wanted), "{uri} {set:?}");
    }
    for (uri, set) in [
        (secure, &[][..]),
        (secure, &[("HTTP_PROXY", proxy)]),
        (secure, &[("NO_PROXY", "*")]),
        (here, &[("HTTP_PROXY", proxy)]),
        (here, &[("HTTP_PROXY", "s@fe :")]),
        (plain, &[("HTTP_PROXY", proxy), ("REQUEST_METHOD", "GET")]),
    ] {
        assert_eq!(told(uri, set), None, "{uri} {set:?}");
    }
}

#[test]
fn a_variable_that_names_no_proxy_is_a_mistake() {
    let said = |uri: &'static str, set: &[(&str, &str)]| {
        let value = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        unreadable(&Uri::from_static(uri), &value)
    };
    let (secure, plain) = ("https://idp.example.com", "http://idp.example.com");
    let wrong = "http://pro xy:3128";
    assert_eq!(said(secure, &[("HTTPS_PROXY", wrong)]), Some("HTTPS_PROXY"));
    assert_eq!(
        said(plain, &[("http_proxy", "ftp://proxy")]),
        Some("http_proxy")
    );
    assert_eq!(said(plain, &[("ALL_PROXY", "http://")]), Some("ALL_PROXY"));
    assert_eq!(said(plain, &[("HTTPS_PROXY", wrong)]), None);
    assert_eq!(
        said(
            secure,
            &[("HTTPS_PROXY", "proxy:3128"), ("ALL_PROXY", wrong)]
        ),
        None
    );
    assert_eq!(
        said(secure, &[("HTTPS_PROXY", wrong), ("REQUEST_METHOD", "GET")]),
        None
    );
    assert_eq!(said(secure, &[]), None);
}

#[test]
fn exceptions_are_names_addresses_networks_and_ports() {
    for (list, uri) in [
        ("example.com", "https://example.com"),
        ("example.com", "https://idp.EXAMPLE.com:8443"),
        (".example.com", "https://idp.example.com"),
        ("*.example.com", "https://idp.example.com"),
        ("a.test, IDP.example.com", "https://idp.example.com"),
        ("a.test idp.example.com", "https://idp.example.com"),
        ("idp.example.com:443", "https://idp.example.com"),
        ("idp.example.com:8443", "https://idp.example.com:8443"),
        ("10.0.0.0/8", "http://10.1.2.3:8080"),
        ("10.1.2.3:8080", "http://10.1.2.3:8080"),
        ("fd00::/8", "https://[fd00::7]"),
        ("fd00::7", "https://[fd00::7]"),
        ("[fd00::7]", "https://[fd00::7]:8443"),
        ("[fd00::7]:8443", "https://[fd00::7]:8443"),
        ("*", "https://idp.example.com"),
    ] {
        assert!(
            are_about(&exceptions(list), &Uri::from_static(uri)),
            "{list} {uri}"
        );
    }
    for (list, uri) in [
        ("", "https://idp.example.com"),
        (" , ", "https://idp.example.com"),
        ("example.com", "https://badexample.com"),
        ("example.com", "https://example.com.evil.test"),
        ("idp.example.com:8443", "https://idp.example.com"),
        ("idp.example.com:port", "https://idp.example.com"),
        ("10.0.0.0/8", "http://11.1.2.3"),
        ("[fd00::7]:8443", "https://[fd00::7]"),
        (":443", "https://idp.example.com"),
    ] {
        assert!(
            !are_about(&exceptions(list), &Uri::from_static(uri)),
            "{list} {uri}"
        );
    }
}

#[test]
fn this_machine_is_known_by_its_names_and_addresses() {
    for here in [
        "localhost",
        "LOCALHOST",
        "idp.localhost",
        "127.0.0.1",
        "127.9.9.9",
        "[::1]",
        "::1",
    ] {
        assert!(is_here(here), "{here}");
    }
    for elsewhere in [
        "idp.example.com",
        "localhost.example.com",
        "10.0.0.1",
        "[fe80::1]",
        "",
    ] {
        assert!(!is_here(elsewhere), "{elsewhere}");
    }
}
