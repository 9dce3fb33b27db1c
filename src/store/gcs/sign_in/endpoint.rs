//! Where the service is.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::error::{Error, Result};

/// The universe that nobody has to name.
pub(super) const GOOGLE: &str = "googleapis.com";

/// The service, and whether anybody signs in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Without a slash at its end.
    pub(super) service: String,
    /// Whether it is an emulator, to which nobody signs in.
    pub(super) is_emulator: bool,
}

/// What decides about it. Empty words are as good as none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    /// The option.
    pub(super) option: Option<&'a str>,
    /// `STORAGE_EMULATOR_HOST`.
    pub(super) emulator: Option<&'a str>,
    /// Whether nobody is to sign in.
    pub(super) anonymous: bool,
    /// The universe, when neither of the first two is there.
    pub(super) universe: &'a str,
}

impl Endpoint {
    /// The option, else the emulator, else Google's own. A service given by option is an emulator when
    /// `STORAGE_EMULATOR_HOST` names the same, or when nobody signs in to one on this machine or without
    /// TLS.
    pub(super) fn choose(said: Said<'_>) -> Result<Self> {
        let given = |word: Option<&str>, of| word.filter(|w| !w.is_empty()).map(|w| parse(w, of)).transpose();
        let emulator = given(said.emulator, "STORAGE_EMULATOR_HOST")?;
        let Some(option) = given(said.option, "the endpoint")? else {
            return Ok(match emulator {
                Some(emulator) => Self { service: text(&emulator), is_emulator: true },
                None => Self { service: format!("https://storage.{}", said.universe), is_emulator: false },
            });
        };
        let is_odd = option.scheme() == "http" || is_loopback(&option);
        let is_emulator = emulator.as_ref() == Some(&option) || (said.anonymous && is_odd);
        Ok(Self { service: text(&option), is_emulator })
    }

    /// Refuses to send a token where everybody on the way can read it.
    pub(super) fn check_secrecy(&self) -> Result<()> {
        let url = parse(&self.service, "the endpoint")?;
        if url.scheme() == "https" || is_loopback(&url) {
            return Ok(());
        }
        Err(Error::usage(format!("{self} has no TLS: whoever is on the way could read the token"))
            .hint("use https://, or STORAGE_EMULATOR_HOST for an emulator, to which nobody signs in"))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.service)
    }
}

/// A service's URL; `http` where no scheme is given, as Google's tools read `STORAGE_EMULATOR_HOST`.
fn parse(word: &str, of: &str) -> Result<Url> {
    let whole = if word.contains("://") { word.to_owned() } else { format!("http://{word}") };
    let url = Url::parse(&whole).ok().filter(|url| {
        let is_plain = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https")
            && is_plain
            && url.host().is_some()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    // What is not understood is not shown: it may have a password in it.
    url.ok_or_else(|| {
        Error::usage(format!("{of} is no URL of a service")).hint("give SCHEME://HOST[:PORT], no more")
    })
}

fn text(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Whether it is this machine, by its name or address.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const NOTHING: Said<'static> = Said { option: None, emulator: None, anonymous: false, universe: GOOGLE };

    fn chosen(said: Said<'_>) -> (String, bool) {
        let endpoint = Endpoint::choose(said).unwrap();
        (endpoint.service, endpoint.is_emulator)
    }

    #[test]
    fn without_a_word_it_is_googles_own_in_the_universe() {
        assert_eq!(chosen(NOTHING), ("https://storage.googleapis.com".to_owned(), false));
        let empty = Said { option: Some(""), emulator: Some(""), universe: "example.eu", ..NOTHING };
        assert_eq!(chosen(empty), ("https://storage.example.eu".to_owned(), false));
    }

    #[test]
    fn an_emulator_needs_no_scheme() {
        for (word, service) in [
            ("localhost:4443", "http://localhost:4443"),
            ("127.0.0.1:9", "http://127.0.0.1:9"),
            ("http://fake-gcs:4443/", "http://fake-gcs:4443"),
            ("https://fake-gcs", "https://fake-gcs"),
            ("[::1]:9", "http://[::1]:9"),
        ] {
            let said = Said { emulator: Some(word), ..NOTHING };
            assert_eq!(chosen(said), (service.to_owned(), true), "{word}");
        }
    }

    #[test]
    fn the_option_comes_before_the_emulator_and_is_one_only_when_that_is_said() {
        let real = Said { option: Some("https://storage.googleapis.com"), ..NOTHING };
        let local = Said { option: Some("http://localhost:4443"), ..NOTHING };
        assert!(!chosen(Said { emulator: Some("localhost:4443"), ..real }).1);
        assert!(!chosen(Said { anonymous: true, ..real }).1);
        assert!(!chosen(local).1);
        assert!(chosen(Said { anonymous: true, ..local }).1);
        assert!(chosen(Said { emulator: Some("localhost:4443"), ..local }).1);
        assert_eq!(chosen(Said { emulator: Some("other:1"), ..local }).0, "http://localhost:4443");
    }

    #[test]
    fn what_is_no_service_is_refused_without_being_shown() {
        for word in ["ftp://a", "http://u:hunter2@a", "https://", "https://a?b", "http://a b"] {
            let error = Endpoint::choose(Said { option: Some(word), ..NOTHING }).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{word}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_token_never_goes_over_a_network_in_clear() {
        let check = |option| {
            Endpoint::choose(Said { option: Some(option), ..NOTHING }).unwrap().check_secrecy().is_ok()
        };
        assert!(check("https://storage.example.com") && check("http://[::1]:9") && check("http://localhost"));
        assert!(!check("http://storage.example.com") && !check("http://10.0.0.1"));
    }
}
