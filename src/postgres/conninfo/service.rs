//! `pg_service.conf`: groups of settings by name.

use super::syntax::Pairs;
use crate::error::{Error, Result};

/// What the file says of a service; `None` when it does not know it. The first section of that name is
/// taken, and within it a later line wins.
pub(super) fn find(text: &str, service: &str) -> Result<Option<Pairs>> {
    let mut found: Option<Pairs> = None;
    let mut inside = false;
    for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            inside = section.strip_suffix(']') == Some(service);
            found = inside.then(Pairs::new);
        } else if let Some(pairs) = found.as_mut().filter(|_| inside) {
            let (keyword, value) =
                line.split_once('=').ok_or_else(|| Error::usage(format!("line {number} has no `=`")))?;
            if keyword.trim() == "service" {
                return Err(Error::usage(format!("line {number} names a service within a service")));
            }
            pairs.push((keyword.trim().to_owned(), value.trim().to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# comment\n[other]\nhost=no\n\n[mine]\n# host=no\nhost = yes\nport=5433\n[mine]\nhost=late\n";

    #[test]
    fn a_service_is_the_first_section_of_its_name() {
        let pairs = find(FILE, "mine").unwrap().unwrap();
        let expected = [("host", "yes"), ("port", "5433")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(pairs, expected);
        assert_eq!(find(FILE, "none").unwrap(), None);
        assert_eq!(find("[mine]\n", "mine").unwrap(), Some(Vec::new()));
    }

    #[test]
    fn a_line_that_makes_no_sense_is_refused_without_being_repeated() {
        for bad in ["[mine]\nsecret", "[mine]\nservice=secret"] {
            let e = find(bad, "mine").unwrap_err().to_string();
            assert!(e.contains("line 2") && !e.contains("secret"), "{e}");
        }
        assert!(find("[other]\njunk\n[mine]\n", "mine").is_ok());
    }
}
