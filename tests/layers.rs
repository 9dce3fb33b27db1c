//! Imports go down only: the sources against the layer table of `docs/architecture.md`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which rooms each room may use.
type Table = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows between the heading `## Layers` and the end of its table.
fn table() -> Table {
    let text = fs_err::read_to_string(root().join("docs/architecture.md")).unwrap();
    let (_, chapter) = text.split_once("\n## Layers\n").expect("docs/architecture.md has a chapter Layers");
    let rows =
        chapter.lines().skip_while(|l| !l.starts_with("|---")).skip(1).take_while(|l| l.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let room = cells.next().unwrap().to_owned();
        let uses = cells.next().unwrap_or_default().split(',').map(str::trim).filter(|u| !u.is_empty());
        (room, uses.map(str::to_owned).collect())
    })
    .collect()
}

/// Every source file, with the room it stands in. `lib.rs` is the map of the rooms, not one of them.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("src/lib.rs") {
                let below = path.strip_prefix(root()).unwrap().to_owned();
                let room = below.components().nth(1).unwrap().as_os_str().to_str().unwrap();
                let room = room.strip_suffix(".rs").unwrap_or(room).to_owned();
                let text = fs_err::read_to_string(&path).unwrap();
                files.push((room, below, text));
            }
        }
    }
    files.sort();
    files
}

/// The code of a file in its lines: without comments, and with texts blanked.
fn code(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let mut code = String::new();
        let mut in_text = false;
        let mut before = ' ';
        for c in line.chars() {
            if c == '"' && before != '\\' && before != '\'' {
                in_text = !in_text;
            }
            if !in_text {
                code.push(c);
            }
            before = if before == '\\' { ' ' } else { c };
        }
        all.push_str(code.split("//").next().unwrap_or_default());
        all.push('\n');
        all
    })
}

/// The rooms that code names, each with its line: `crate::room`, `barkeep::room`, and each member of
/// `crate::{a, b::C}`.
fn rooms_named(code: &str) -> Vec<(usize, String)> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut named = Vec::new();
    for start in ["crate::", "barkeep::"] {
        for (at, _) in code.match_indices(start) {
            let is_whole = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let line = code[..at].matches('\n').count() + 1;
            let rest = &code[at + start.len()..];
            match rest.strip_prefix('{') {
                _ if !is_whole => {}
                Some(list) => named.extend(members(list).into_iter().map(|member| (line, word(member)))),
                None => named.push((line, word(rest))),
            }
        }
    }
    named
}

/// The members of a list of imports up to its closing brace; inner lists stay whole.
fn members(list: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let mut members = Vec::new();
    let mut from = 0;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(list[from..at].trim());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(list[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

#[test]
fn imports_go_down_only() {
    let table = table();
    let mut broken = Vec::new();
    for (room, path, text) in sources() {
        let Some(may_use) = table.get(&room) else {
            broken.push(format!("{}: the room `{room}` is not in the layer table", path.display()));
            continue;
        };
        for (line, named) in rooms_named(&code(&text)) {
            if table.contains_key(&named) && named != room && !may_use.contains(&named) {
                let place = path.display();
                broken.push(format!("{place}:{line}: `{room}` may not use `{named}`, only {may_use:?}"));
            }
        }
    }
    assert!(broken.is_empty(), "docs/architecture.md, chapter Layers, is broken by\n{}", broken.join("\n"));
}

#[test]
fn the_table_is_complete_and_has_no_circle() {
    let table = table();
    let rooms: BTreeSet<String> = sources().into_iter().map(|(room, ..)| room).collect();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), rooms);
    let mut below: BTreeSet<&String> = BTreeSet::new();
    while below.len() < table.len() {
        let next =
            table.iter().find(|(room, uses)| !below.contains(room) && uses.iter().all(|u| below.contains(u)));
        below.insert(next.expect("the rooms that are left use each other in a circle").0);
    }
}

#[test]
fn only_the_front_knows_the_command_line_and_the_streams() {
    let front_only = ["clap::", "println!", "print!", "eprintln!", "eprint!", "io::stdout", "process::exit"];
    let mut broken = Vec::new();
    for (room, path, text) in sources().into_iter().filter(|(room, ..)| room != "front") {
        for (i, line) in code(&text).lines().enumerate() {
            let found = front_only.iter().find(|word| line.contains(*word));
            broken.extend(found.map(|word| format!("{}:{}: `{word}` in `{room}`", path.display(), i + 1)));
        }
    }
    assert!(broken.is_empty(), "only `front` may use these\n{}", broken.join("\n"));
}

#[test]
fn the_other_dialect_is_named_behind_its_own_door_only() {
    let mut broken = Vec::new();
    for (_, path, text) in sources().into_iter().filter(|(_, path, _)| !path.starts_with("src/front/barman"))
    {
        for (i, line) in text.lines().enumerate() {
            // Where the doors hang, and where links to the other one are made, it is named.
            let names_it = ["src/front/mod.rs", "src/front/native/install_compat.rs"];
            // The fields of a manifest are called so.
            if names_it.iter().any(|name| path.ends_with(name)) || path.starts_with("src/front/manifest") {
                continue;
            }
            // A reference to the specification of the layout names a file, not the dialect.
            if line.replace("spec/barman-cloud.md", "").to_lowercase().contains("barman") {
                broken.push(format!("{}:{}: {}", path.display(), i + 1, line.trim()));
            }
        }
    }
    assert!(broken.is_empty(), "the word belongs into src/front/barman\n{}", broken.join("\n"));
}

#[test]
fn imports_are_found_in_every_spelling() {
    let found = |text: &str| rooms_named(&code(text)).into_iter().map(|(_, room)| room).collect::<Vec<_>>();
    assert_eq!(found("use crate::model::{Lsn, SegmentName};"), ["model"]);
    assert_eq!(found("use crate::{error::Error, store::{Key, Put}, disk};"), ["error", "store", "disk"]);
    assert_eq!(
        found("use crate::{\n    error::Error, // why\n    store::{Key, Put},\n};\nlet x = 1;"),
        ["error", "store"]
    );
    assert_eq!(found("fn f(e: crate::error::Error) -> crate::model::Lsn {"), ["error", "model"]);
    assert_eq!(found("barkeep::front::run()"), ["front"]);
    assert_eq!(found("let s = \"crate::front::x\"; // crate::front"), Vec::<String>::new());
    assert_eq!(found("use other_crate::front;"), Vec::<String>::new());
}
