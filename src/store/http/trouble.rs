//! What it means that a request got no answer, and how to say it; for every service.

use std::error::Error as StdError;
use std::io;

use crate::error::Error;

/// The service's own words are cut here: a proxy may answer with a page.
const LONGEST_MESSAGE: usize = 300;

/// Trouble on the way: passing, unless the two sides will never trust or understand each other.
pub(in crate::store) fn explain(told: String) -> Error {
    let says = |words: &[&str]| words.iter().any(|word| told.contains(word));
    if says(&["UnknownIssuer", "CaUsedAsEndEntity", "BadSignature"]) {
        return Error::usage(told).hint("give the CA that signed the service's certificate as the CA bundle");
    }
    if says(&["invalid peer certificate: Expired", "certificate expired"]) {
        return Error::usage(told)
            .hint("the service's certificate has expired: renew it, unless this machine's clock is wrong");
    }
    if says(&["NotValidYet", "certificate not valid yet"]) {
        return Error::usage(told)
            .hint("the service's certificate is not valid yet: check this machine's clock");
    }
    if says(&["invalid peer certificate", "NotValidForName", "certificate not valid for name"]) {
        return Error::usage(told).hint("check the endpoint's host name against the service's certificate");
    }
    if says(&["InvalidContentType", "corrupt message"]) {
        return Error::usage(told).hint("the service does not speak TLS there; try http:// or another port");
    }
    if says(&["dns error", "failed to lookup address"]) {
        return Error::unavailable(told).hint("check the endpoint's host name and this machine's resolver");
    }
    if says(&["Connection refused", "connection refused"]) {
        return Error::unavailable(told)
            .hint("nothing listens there: check the endpoint with its port, and whether the service is up");
    }
    Error::unavailable(told)
        .hint("try again later; if it stays so, see whether the service can be reached from here: network, proxy, firewall")
}

/// The reasons of an error, from the outside in, without repetitions: an outer text often quotes the
/// inner one.
pub(in crate::store) fn reasons(e: &(dyn StdError + 'static)) -> String {
    let mut told: Vec<String> = Vec::new();
    for reason in chain(e) {
        let text = first_words(&reason.to_string()).to_owned();
        let says_nothing = ["dispatch failure", "io error"].contains(&text.as_str());
        if !says_nothing && !told.iter().any(|outer| outer.contains(&text)) {
            told.push(text);
        }
    }
    told.join(": ")
}

/// An error and what caused it. An `io::Error` skips its payload when asked for its source.
pub(in crate::store) fn chain<'a>(
    e: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(e), |&e| match e.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => e.source(),
    })
}

/// The first line, and not too much of it.
pub(in crate::store) fn first_words(text: &str) -> &str {
    let line = text.trim().lines().next().unwrap_or_default();
    let end = line.char_indices().nth(LONGEST_MESSAGE).map_or(line.len(), |(at, _)| at);
    line[..end].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn trust_and_protocol_are_matters_of_configuration() {
        let kind = |told: &str| explain(told.to_owned()).kind();
        assert_eq!(kind("invalid peer certificate: UnknownIssuer"), ErrorKind::Usage);
        for (told, word) in [
            ("invalid peer certificate: UnknownIssuer", "CA bundle"),
            ("invalid peer certificate: certificate expired: verification time 2 (UNIX)", "renew"),
            ("invalid peer certificate: Expired", "renew"),
            ("invalid peer certificate: certificate not valid yet: verification time 2 (UNIX)", "clock"),
            ("invalid peer certificate: NotValidYet", "clock"),
            ("invalid peer certificate: certificate not valid for name \"a\"", "host name"),
        ] {
            let error = explain(told.to_owned());
            assert_eq!(error.kind(), ErrorKind::Usage, "{told}");
            assert!(error.hint_text().unwrap_or_default().contains(word), "{error:?}");
        }
        assert_eq!(kind("received corrupt message of type InvalidContentType"), ErrorKind::Usage);
        assert_eq!(kind("connection refused"), ErrorKind::Unavailable);
        let refused = explain("tcp connect error: Connection refused (os error 111)".to_owned());
        assert!(refused.hint_text().unwrap_or_default().contains("port"), "{refused:?}");
        assert!(explain("reset".to_owned()).hint_text().unwrap_or_default().contains("try again"));
        assert_eq!(kind("dns error: failed to lookup address information"), ErrorKind::Unavailable);
    }

    #[test]
    fn long_answers_are_cut_to_their_first_words() {
        assert_eq!(first_words("  slow down.\n<html>"), "slow down");
        assert_eq!(first_words(&"ü".repeat(1000)).chars().count(), LONGEST_MESSAGE);
    }
}
