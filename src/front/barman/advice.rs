//! What verbs advise, in the words of this door. They are the native door's verbs, and so are the options
//! and commands that they name.

/// What the other door's words are called here.
const WORDS: [(&str, &str); 7] = [
    (": --server or BARKEEP_SERVER", ""),
    (" with --server", ""),
    ("--store and --server", "the URL and the server's name"),
    ("--tablespace NAME=DIR", "--tablespace NAME:DIR"),
    ("--user", "-U"),
    ("`barkeep backup-list`", "barman-cloud-backup-list"),
    ("`barkeep backup-show ID`", "barman-cloud-backup-show"),
];

/// The only options that the other door's advice and this one's commands have in common.
const OURS: [&str; 1] = ["--tablespace NAME:DIR"];

/// Between two things to do, either of which helps by itself.
const BREAKS: [&str; 3] = ["; ", ", or ", " or "];

/// A hint as it is of use here: the other door's words by their names here, and without what can only be done
/// there. Nothing when nothing is left.
pub(super) fn here(hint: &str) -> Option<String> {
    let hint = WORDS.iter().fold(hint.to_owned(), |hint, (there, here)| hint.replace(there, here));
    useful(&hint, &BREAKS)
}

fn useful(hint: &str, breaks: &[&str]) -> Option<String> {
    if !is_of_the_other_door(hint) {
        return Some(hint.to_owned());
    }
    let (first, finer) = breaks.split_first()?;
    let kept: Vec<_> = hint.split(first).filter_map(|part| useful(part, finer)).collect();
    (!kept.is_empty()).then(|| kept.join(first))
}

fn is_of_the_other_door(text: &str) -> bool {
    let rest = OURS.iter().fold(text.to_owned(), |rest, word| rest.replace(word, ""));
    ["--", "BARKEEP_", "`barkeep "].iter().any(|word| rest.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_told_in_the_words_of_this_door() {
        for (there, told) in [
            (
                "archive each cluster under a server name of its own: --server or BARKEEP_SERVER",
                "archive each cluster under a server name of its own",
            ),
            (
                "a clone; stop the wrong one, or give it a name of its own with --server",
                "a clone; stop the wrong one, or give it a name of its own",
            ),
            (
                "this is another cluster's archive: look at --store and --server",
                "this is another cluster's archive: look at the URL and the server's name",
            ),
            ("`barkeep backup-list` tells what there is", "barman-cloud-backup-list tells what there is"),
            ("give --user or set PGUSER", "give -U or set PGUSER"),
            ("grant s3:PutObject", "grant s3:PutObject"),
        ] {
            assert_eq!(here(there).as_deref(), Some(told));
        }
    }

    #[test]
    fn what_can_only_be_done_by_the_other_door_is_left_out() {
        for (there, told) in [
            ("name a directory that can be made with --spool or BARKEEP_SPOOL", None),
            ("allow 200MiB with --memory", None),
            (
                "choose a target before it, or another backup; --allow-gap restores all the same",
                Some("choose a target before it, or another backup"),
            ),
            ("name another directory, or give --clean to replace this one", Some("name another directory")),
            (
                "look at --store and --server, or take one with `barkeep backup`",
                Some("look at the URL and the server's name"),
            ),
            (
                "name another with --tablespace NAME=DIR, or give --clean to replace it",
                Some("name another with --tablespace NAME:DIR"),
            ),
        ] {
            assert_eq!(here(there).as_deref(), told, "{there}");
        }
    }
}
