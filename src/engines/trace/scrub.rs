//! A sentence of the log without what is nobody else's business: mail addresses, network addresses, what stands in quotes
//! (mostly a value that somebody sent), keys, and all of a URL but its host. Rather too much is taken out than too little.

use std::net::IpAddr;

/// Characters of a sentence that are told.
const MOST: usize = 2_000;
/// A word of letters and digits from this length on is taken for a key.
const KEY: usize = 24;

pub(super) fn scrub(text: &str) -> String {
    let mut out = String::new();
    // What stands between quotes of a kind; a lone one at the end hides the rest.
    for (n, part) in text.chars().take(MOST).collect::<String>().split('"').enumerate() {
        if n % 2 == 1 {
            out.push_str("\"…\"");
            continue;
        }
        for piece in part.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            out.push_str(&plain(word));
            out.push_str(&piece[word.len()..]);
        }
    }
    out
}

fn plain(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    if let Some((scheme, rest)) = word.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or("");
        let host = host.rsplit('@').next().unwrap_or("");
        return format!("{scheme}://{host}/…");
    }
    if word.contains('@') {
        return "[mail]".to_owned();
    }
    let address =
        bare.parse::<IpAddr>().is_ok() || bare.rsplit_once(':').is_some_and(|(ip, _)| ip.parse::<IpAddr>().is_ok());
    if address {
        return "[address]".to_owned();
    }
    let key = |part: &str| {
        part.len() >= KEY && part.chars().any(|c| c.is_ascii_digit()) && part.chars().any(char::is_alphabetic)
    };
    if bare.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '+'))).any(key) {
        return "[key]".to_owned();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nobodys_business_is_taken_out() {
        for (text, told) in [
            ("a commit failed: disk I/O error", "a commit failed: disk I/O error"),
            ("550 <haru@example.com>: unknown user", "550 [mail] unknown user"),
            ("connect to 10.1.2.3:587 failed", "connect to [address] failed"),
            (
                "POST https://u:p@hooks.example.com/T00/abc?key=1 answered 500",
                "POST https://hooks.example.com/… answered 500",
            ),
            ("invalid value: string \"내 비밀 댓글\", expected i64", "invalid value: string \"…\", expected i64"),
            ("no token vp_ab12_0123456789abcdef0123456789", "no token [key]"),
            ("UNIQUE constraint failed: users.email", "UNIQUE constraint failed: users.email"),
            ("half a \"quote", "half a \"…\""),
        ] {
            assert_eq!(scrub(text), told);
        }
        assert!(scrub(&"가 ".repeat(5_000)).chars().count() <= MOST);
    }
}
