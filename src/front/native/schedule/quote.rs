//! Words as a shell, cron and systemd read them back.

use crate::error::{Error, Result};

/// Refuses what no dialect carries: a line is a line in all of them.
pub(super) fn plain(word: &str) -> Result<&str> {
    if word.chars().any(char::is_control) {
        return Err(Error::usage(format!(
            "{word:?} has a control character in it, and units and crontabs are lines"
        ))
        .hint("choose a path or name without"));
    }
    Ok(word)
}

fn is_bare(word: &str, also: &[u8]) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
}

/// A word for a POSIX shell.
pub(super) fn shell(word: &str) -> String {
    if is_bare(word, b"_-./=:,+@%") { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A command for a line of a crontab, where % would end it. What crons make of other backslashes differs, so
/// there is none.
///
/// # Errors
/// Kind `Usage` when a word has a backslash or needs one.
pub(super) fn cron(words: &[String]) -> Result<String> {
    let line = words.iter().map(|word| shell(word)).collect::<Vec<_>>().join(" ");
    if line.contains('\\') {
        return Err(Error::usage(
            "a word has a backslash or an apostrophe in it, which crons read differently",
        )
        .hint("choose a path or name without, or print timers for systemd"));
    }
    Ok(line.replace('%', r"\%"))
}

/// A word of a path or a list in a unit (`systemd.syntax(7)`): specifiers are written out.
pub(super) fn unit(word: &str) -> String {
    let word = word.replace('%', "%%");
    if is_bare(&word, b"_-./=:,+@%") {
        return word;
    }
    format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""))
}

/// A word of `ExecStart=`, where a dollar stands for a variable besides.
pub(super) fn exec(word: &str) -> String {
    unit(word).replace('$', "$$")
}

/// A whole line in a unit that is no list of words.
pub(super) fn text(line: &str) -> String {
    line.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The words of systemd's `extract_first_word` with quotes and C's escapes, specifiers and dollars resolved.
    fn read_unit(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let (mut in_quotes, mut escaped) = (false, false);
        for c in line.chars() {
            match c {
                c if escaped => {
                    escaped = false;
                    word.get_or_insert_default().push(c);
                }
                '\\' => escaped = true,
                '"' => {
                    in_quotes = !in_quotes;
                    word.get_or_insert_default();
                }
                ' ' if !in_quotes => words.extend(word.take()),
                c => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        words.iter().map(|word| word.replace("%%", "%").replace("$$", "$")).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shell_reads_the_words_back(words in prop::collection::vec("[ -~äß]{0,12}", 1..4)) {
            let line = words.iter().map(|word| shell(word)).collect::<Vec<_>>().join(" ");
            let script = format!("printf '%s\\0' {line}");
            let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            let read: String = words.iter().flat_map(|word| [word.as_str(), "\0"]).collect();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), read);
        }

        #[test]
        fn systemd_reads_the_words_back(words in prop::collection::vec("[ -~äß]{0,12}", 1..4)) {
            let line = words.iter().map(|word| exec(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(read_unit(&line), words);
        }

        #[test]
        fn cron_reads_the_line_back(words in prop::collection::vec("[ -~äß]{0,12}", 1..4)) {
            let shell = words.iter().map(|word| shell(word)).collect::<Vec<_>>().join(" ");
            match cron(&words) {
                Ok(line) => {
                    // No % is left that would end the command, and none is lost.
                    prop_assert_eq!(line.replace("\\%", "").find('%'), None);
                    prop_assert_eq!(line.replace("\\%", "%"), shell);
                }
                Err(_) => prop_assert!(shell.contains('\\')),
            }
        }
    }

    #[test]
    fn plain_words_stay_plain() {
        assert_eq!(shell("--config=/etc/barkeep/barkeep.toml"), "--config=/etc/barkeep/barkeep.toml");
        assert_eq!(cron(&["--sample=15%".to_owned()]).unwrap(), r"--sample=15\%");
        assert_eq!(exec("--sample=15%"), "--sample=15%%");
        assert_eq!(exec("/a b/$x\"\\"), r#""/a b/$$x\"\\""#);
        assert!(plain("a\nb").is_err());
    }
}
