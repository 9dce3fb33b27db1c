//! The commands of the documents, run as they stand there.
//!
//! A block of kind `console` after a line `<!-- walk: NAME -->` is a part of that walk: lines that begin with `$ ` are
//! typed into one shell, from the first block to the last, and what stands below each is compared with what it says.
//! Figures that differ from run to run are compared by their shape (`walks/shape.rs`). A block after `<!-- file: NAME -->`
//! is the content of that file. `UPDATE=1 cargo test --test walks` writes what was said into the documents.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "walks/book.rs"]
mod book;
mod common;
#[path = "walks/door.rs"]
mod door;
#[path = "walks/scene.rs"]
mod scene;
#[path = "walks/shape.rs"]
mod shape;
#[path = "walks/shell.rs"]
mod shell;

use std::path::Path;

use book::{Book, Walk};
use scene::Scene;
use shell::Shell;

/// The documents with commands in them.
const BOOKS: [&str; 2] = ["README.md", "docs/walks.md"];

#[tokio::test(flavor = "multi_thread")]
async fn what_the_readme_shows_is_what_happens() {
    take_every_walk(BOOKS[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_walks_show_is_what_happens() {
    take_every_walk(BOOKS[1]).await;
}

/// Takes the walks of a document one after the other, and compares or writes down what was said.
async fn take_every_walk(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut book = Book::read(&path);
    let only = std::env::var("BARKEEP_WALK").ok();
    let mut wrong = Vec::new();
    for walk in book.walks() {
        if only.as_ref().is_none_or(|only| *only == walk.name) {
            wrong.extend(take(&mut book, &walk).await);
        }
    }
    if is_update() {
        book.write(&path);
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

/// Whether the documents are to be written anew.
fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|v| v == "1")
}

/// Takes one walk; what went otherwise than the document says.
async fn take(book: &mut Book, walk: &Walk) -> Vec<String> {
    let scene = Scene::new(&walk.name).await;
    for file in &walk.files {
        scene.write(&file.name, &file.content);
    }
    let mut shell = Shell::start(&scene);
    let mut wrong = Vec::new();
    for step in &walk.steps {
        let answer = shell.say(&scene.here(&step.command));
        let said = scene.there(&answer.text);
        let place = format!("{}, line {}: $ {}", walk.name, step.line, step.command);
        if answer.status != 0 {
            // What follows would only fail because of it.
            wrong.push(format!("{place}\nended with {}:\n{said}", answer.status));
            break;
        }
        match shape::difference(&step.expected, &said) {
            Some(_) if is_update() => book.correct(step, &said),
            Some(difference) => wrong.push(format!("{place}\n{difference}")),
            None => {}
        }
    }
    wrong
}
