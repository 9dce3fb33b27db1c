//! A script of SQL, cut into its statements.
//!
//! Only as much of the grammar as it takes to know where a statement ends: quotes, dollar quotes and
//! comments (PostgreSQL's `psqlscan.l`). A body between BEGIN ATOMIC and END is not known.

/// One statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlStatement {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Its text, without the semicolon.
    pub text: String,
}

/// The statements of a script; what is only blank or comment is none.
pub fn statements(script: &str) -> Vec<SqlStatement> {
    let mut all = Vec::new();
    let (mut begin, mut at, mut solid) = (0, 0, None);
    while at < script.len() {
        let rest = &script[at..];
        let end = match rest.as_bytes()[0] {
            b';' => {
                all.extend(statement(script, solid, at));
                (begin, solid) = (at + 1, None);
                at += 1;
                continue;
            }
            b'-' if rest.starts_with("--") => at + rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => at + comment(rest),
            blank if blank.is_ascii_whitespace() => at + 1,
            _ => {
                solid = solid.or(Some(at));
                at + token(rest, script[begin..at].chars().next_back())
            }
        };
        at = end;
    }
    all.extend(statement(script, solid, script.len()));
    all
}

fn statement(script: &str, solid: Option<usize>, end: usize) -> Option<SqlStatement> {
    let solid = solid?;
    let line = script[..solid].matches('\n').count() + 1;
    Some(SqlStatement { line, text: script[solid..end].trim_end().to_owned() })
}

/// The length of what begins here and must not be looked into; `before` is the character in front of it.
fn token(rest: &str, before: Option<char>) -> usize {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    match rest.as_bytes()[0] {
        b'\'' => quoted(rest, '\'', matches!(before, Some('e' | 'E'))),
        b'"' => quoted(rest, '"', false),
        b'$' if !before.is_some_and(is_word) => dollar_quoted(rest).unwrap_or(first),
        _ => first,
    }
}

/// The length of a quoted text; one without an end reaches to the end of the script. A doubled quote ends
/// one and begins the next, which comes to the same.
fn quoted(rest: &str, quote: char, backslashes: bool) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if backslashes && c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    rest.len()
}

/// The length of `$tag$ … $tag$`; `None` when this is no such thing.
fn dollar_quoted(rest: &str) -> Option<usize> {
    let tag = rest[1..].find('$')? + 2;
    let name = &rest[1..tag - 1];
    let is_tag = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_tag.then(|| rest[tag..].find(&rest[..tag]).map_or(rest.len(), |end| tag + end + tag))
}

/// The length of a comment, which may hold others.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(script: &str) -> Vec<(usize, String)> {
        statements(script).into_iter().map(|statement| (statement.line, statement.text)).collect()
    }

    #[test]
    fn a_statement_ends_at_a_semicolon_that_stands_in_no_quote_and_no_comment() {
        let one = |script: &str| assert_eq!(cut(&format!("{script};")), [(1, script.to_owned())]);
        one("select ';', \"a;b\", 'it''s;'");
        one(r"select E'\';'");
        one("select $$a;b$$, $x$ ;$$; $x$");
        one("select 1 /* a; /* b; */ c; */ + 1");
        one("select 1 -- one;\n + 1");
        one("select a$b from t where c = 'é;'");
        assert_eq!(
            cut("-- what must hold\nselect 1;\n\n;select\n2 ; /* end */ "),
            [(2, "select 1".into()), (4, "select\n2".into())]
        );
        assert_eq!(cut(" \n-- nothing"), []);
    }

    #[test]
    fn what_is_not_closed_reaches_to_the_end() {
        for script in ["select 'a; b", "select $$ a; b", "select \"a; b"] {
            assert_eq!(cut(script), [(1, script.to_owned())]);
        }
        assert_eq!(cut("select $1; select 2").len(), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_without_losing_what_is_solid(script in "[a-z'\"$;/*\\-é\\n E]{0,40}") {
            let all = statements(&script);
            prop_assert!(all.iter().all(|one| script.contains(&one.text) && !one.text.trim().is_empty()));
        }
    }
}
