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
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use book::{Book, Step, Walk};
use scene::Scene;
use shell::Shell;
use tokio::runtime::Handle;

/// How many walks of a document are taken at the same time.
const AT_ONCE: usize = 3;

/// The documents with commands in them.
const BOOKS: [&str; 2] = ["README.md", "docs/walks.md"];

#[tokio::test(flavor = "multi_thread")]
async fn what_the_readme_shows_is_what_happens() {
    take_every_walk(BOOKS[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_walks_show_is_what_happens() {
    take_every_walk(BOOKS[1]);
}

/// Takes the walks of a document, and compares or writes down what was said.
fn take_every_walk(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut book = Book::read(&path);
    let only = std::env::var("BARKEEP_WALK").ok();
    let mut walks = book.walks();
    walks.retain(|walk| only.as_ref().is_none_or(|only| *only == walk.name));
    let taken = tokio::task::block_in_place(|| several(&walks));
    for (step, said) in taken.iter().flat_map(|taken| &taken.corrections) {
        book.correct(step, said);
    }
    if is_update() {
        book.write(&path);
    }
    let wrong: Vec<_> = taken.into_iter().flat_map(|taken| taken.wrong).collect();
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

/// Takes walks, some at the same time: most of each is waiting.
fn several(walks: &[Walk]) -> Vec<Taken> {
    let (next, taken) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let runtime = Handle::current();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(walk) = walks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = runtime.block_on(take(walk));
                    taken.lock().unwrap().push(one);
                }
            });
        }
    });
    taken.into_inner().unwrap()
}

/// Whether the documents are to be written anew.
fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|v| v == "1")
}

/// How a walk went.
#[derive(Default)]
struct Taken {
    /// What went otherwise than the document says.
    wrong: Vec<String>,
    /// What was said, where that is to be written down.
    corrections: Vec<(Step, String)>,
}

/// Takes one walk.
async fn take(walk: &Walk) -> Taken {
    let scene = Scene::new(&walk.name).await;
    for file in &walk.files {
        scene.write(&file.name, &file.content);
    }
    let mut shell = Shell::start(&scene);
    let mut taken = Taken::default();
    for step in &walk.steps {
        let answer = shell.say(&scene.here(&step.command));
        let said = scene.there(&answer.text);
        let place = format!("{}, line {}: $ {}", walk.name, step.line, step.command);
        if answer.status != 0 {
            // What follows would only fail because of it.
            taken.wrong.push(format!("{place}\nended with {}:\n{said}", answer.status));
            break;
        }
        match shape::difference(&step.expected, &said) {
            Some(_) if is_update() => taken.corrections.push((step.clone(), said)),
            Some(difference) => taken.wrong.push(format!("{place}\n{difference}")),
            None => {}
        }
    }
    taken
}
