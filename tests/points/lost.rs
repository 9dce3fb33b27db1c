//! What a power failure may leave of a directory, by the rules of POSIX: a file's bytes are certain once
//! the file was flushed, a name once its directory was. Anything else may be there or not.
//!
//! The log of points tells what was done in which order; from it the states are built that are allowed at
//! the moment the log ends. Bytes that were not flushed are taken to be lost, all of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::load::Noise;
use crate::common::{give_to_postgres, must};

/// The names in a tree and what they stand for, by paths relative to the top.
type Names = BTreeMap<PathBuf, Node>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Directory,
    /// A number in [`Disk::files`].
    File(usize),
}

#[derive(Debug, Default)]
struct File {
    flushed: bool,
    /// Where its bytes are.
    bytes: Option<PathBuf>,
}

/// A tree as it is in memory, and what of it is certain to be on the disk.
#[derive(Default)]
struct Disk {
    files: Vec<File>,
    now: Names,
    certain: Names,
    /// Directories that are being flushed, with the names they had when that began.
    flushing: BTreeMap<PathBuf, Names>,
}

/// A state of the store's directory, and of what lies beside it.
pub(crate) struct World {
    root: Option<(PathBuf, Vec<(PathBuf, Content)>)>,
    /// Directories, and where their copies are.
    beside: Vec<(PathBuf, PathBuf)>,
}

enum Content {
    Directory,
    Lost,
    Bytes(PathBuf),
}

/// All states: as it is, then with the least that is certain, then with every name that was given, then
/// with some of both. `place` holds the trees `before` and `killed`, and the folder `log.kept`.
pub(crate) fn worlds(
    place: &Path,
    root: &Path,
    log: &str,
    beside: &[PathBuf],
    noise: &mut Noise,
) -> Vec<(&'static str, World)> {
    let mut disk = Disk::before(&place.join("before"));
    for line in log.lines() {
        disk.replay(line, root, &place.join("log.kept"));
    }
    let killed = place.join("killed");
    let as_killed = walk(&killed)
        .into_iter()
        .map(|(path, is_file)| {
            let from = killed.join(&path);
            (path, if is_file { Content::Bytes(from) } else { Content::Directory })
        })
        .collect();
    disk.meet(&killed, log, root);
    let mixed = disk.mixed(noise);
    let saved = save(beside, place);
    let world = |content| World { root: Some((root.to_owned(), content)), beside: saved.clone() };
    vec![
        ("", world(as_killed)),
        (", and what was not flushed is lost", world(disk.content(&disk.certain))),
        (", and bytes that were not flushed are lost", world(disk.content(&disk.now))),
        (", and some names that were not flushed are lost", world(disk.content(&mixed))),
    ]
}

impl Disk {
    fn before(tree: &Path) -> Self {
        let mut disk = Self::default();
        for (path, is_file) in walk(tree) {
            let bytes = Some(tree.join(&path));
            let node = if is_file { disk.add(File { flushed: true, bytes }) } else { Node::Directory };
            disk.now.insert(path.clone(), node);
            disk.certain.insert(path, node);
        }
        disk
    }

    fn add(&mut self, file: File) -> Node {
        self.files.push(file);
        Node::File(self.files.len() - 1)
    }

    /// Takes note of one line of the log.
    fn replay(&mut self, line: &str, root: &Path, kept: &Path) {
        let mut fields = line.split('\t');
        let (Some(number), Some(step)) = (fields.next(), fields.next()) else { return };
        let paths: Vec<_> = fields.filter_map(|path| Path::new(path).strip_prefix(root).ok()).collect();
        let (Some(path), Some(last)) = (paths.first(), paths.last()) else { return };
        match (number == "done", step) {
            (false, "remove" | "rename") => self.keep(last, kept.join(number)),
            (false, "flush-directory") => drop(self.flushing.insert(path.to_path_buf(), self.now.clone())),
            (true, "create") => {
                let file = self.add(File::default());
                self.now.insert(path.to_path_buf(), file);
            }
            (true, "make-directory") => drop(self.now.insert(path.to_path_buf(), Node::Directory)),
            (true, "flush") => {
                if let Some(Node::File(file)) = self.now.get(*path) {
                    self.files[*file].flushed = true;
                }
            }
            (true, "link" | "rename") => {
                if let Some(node) = self.now.get(*path).copied() {
                    self.now.insert(last.to_path_buf(), node);
                }
                if step == "rename" {
                    self.now.remove(*path);
                }
            }
            (true, "remove" | "remove-directory") => drop(self.now.remove(*path)),
            (true, "flush-directory") => self.flushed(path),
            _ => {}
        }
    }

    /// A name in a directory that was flushed is what it was when that began.
    fn flushed(&mut self, directory: &Path) {
        let Some(then) = self.flushing.remove(directory) else { return };
        let inside = |path: &Path| path.parent() == Some(directory);
        self.certain.retain(|path, _| !inside(path) || then.contains_key(path));
        self.certain.extend(then.into_iter().filter(|(path, _)| inside(path)));
    }

    fn keep(&mut self, path: &Path, bytes: PathBuf) {
        if let Some(Node::File(file)) = self.now.get(path)
            && bytes.exists()
        {
            self.files[*file].bytes = Some(bytes);
        }
    }

    /// Compares with what is there. Steps under way on other threads have happened or not; what the log
    /// does not speak of was done by others, whom this power failure does not concern.
    fn meet(&mut self, killed: &Path, log: &str, root: &Path) {
        let there: BTreeMap<PathBuf, bool> = walk(killed).into_iter().collect();
        for (path, is_file) in &there {
            let bytes = Some(killed.join(path));
            match self.now.get(path) {
                Some(Node::File(file)) => self.files[*file].bytes = bytes,
                Some(Node::Directory) => {}
                None => {
                    let ours = log.contains(&root.join(path).display().to_string());
                    let node = match self.given_meanwhile(path, log, root) {
                        Some(Node::File(file)) => {
                            self.files[file].bytes = bytes;
                            Node::File(file)
                        }
                        _ if *is_file => self.add(File { flushed: !ours, bytes }),
                        _ => Node::Directory,
                    };
                    self.now.insert(path.clone(), node);
                    if !ours {
                        self.certain.insert(path.clone(), node);
                    }
                }
            }
        }
        self.now.retain(|path, _| there.contains_key(path));
    }

    /// The file that was being given this name when the log ended, and has it.
    fn given_meanwhile(&self, name: &Path, log: &str, root: &Path) -> Option<Node> {
        let below = |path: &str| Path::new(path).strip_prefix(root).ok().map(Path::to_path_buf);
        let begun = log.lines().rev().filter(|line| !line.starts_with("done\t"));
        let mut froms = begun.filter_map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [_, "link" | "rename", from, to] if below(to).as_deref() == Some(name) => below(from),
            _ => None,
        });
        self.now.get(&froms.next()?).copied()
    }

    /// Each name that is not certain as it is now, or as it was certain last.
    fn mixed(&self, noise: &mut Noise) -> Names {
        let mut names = self.certain.clone();
        for path in self.certain.keys().chain(self.now.keys()) {
            if noise.next().is_multiple_of(2) {
                match self.now.get(path) {
                    Some(node) => drop(names.insert(path.clone(), *node)),
                    None => drop(names.remove(path)),
                }
            }
        }
        names
    }

    /// What is found under these names; a name in a directory that is lost is lost with it.
    fn content(&self, names: &Names) -> Vec<(PathBuf, Content)> {
        let is_there = |path: &Path| {
            let mut above = path.ancestors().skip(1).filter(|above| *above != Path::new(""));
            above.all(|above| names.get(above) == Some(&Node::Directory))
        };
        let there = names.iter().filter(|(path, _)| is_there(path));
        there
            .map(|(path, node)| {
                let content = match node {
                    Node::Directory => Content::Directory,
                    Node::File(file) => match &self.files[*file] {
                        File { flushed: true, bytes: Some(bytes) } => Content::Bytes(bytes.clone()),
                        _ => Content::Lost,
                    },
                };
                (path.clone(), content)
            })
            .collect()
    }
}

impl World {
    /// Everything as it is.
    pub(crate) fn as_it_is(beside: &[PathBuf], place: &Path) -> Self {
        Self { root: None, beside: save(beside, place) }
    }

    /// Makes the store's directory, and what lies beside it, look like this.
    pub(crate) fn lay_out(&self) {
        for (directory, copied) in &self.beside {
            clear(directory);
            if copied.exists() {
                let _ = std::fs::remove_dir(directory);
                copy(copied, directory);
            }
        }
        let Some((root, content)) = &self.root else { return };
        clear(root);
        for (path, content) in content {
            let path = root.join(path);
            match content {
                Content::Directory => std::fs::create_dir(&path).unwrap(),
                Content::Lost => std::fs::write(&path, "").unwrap(),
                Content::Bytes(from) => {
                    std::fs::hard_link(from, &path).unwrap();
                    continue;
                }
            }
            give_to_postgres_unless_ours(&path, root);
        }
    }
}

/// What is made in a directory belongs to the directory's owner.
fn give_to_postgres_unless_ours(path: &Path, root: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    if std::fs::metadata(root).unwrap().uid() != rustix::process::geteuid().as_raw() {
        give_to_postgres(path);
    }
}

/// Copies of these directories, of those that are there.
fn save(directories: &[PathBuf], place: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut saved = Vec::new();
    for (n, directory) in directories.iter().enumerate() {
        let to = place.join(format!("beside-{n}"));
        if directory.exists() {
            copy(directory, &to);
        }
        saved.push((directory.clone(), to));
    }
    saved
}

/// A copy of a tree whose files are the same, under second names: nobody here writes into a file that has
/// its name.
pub(crate) fn copy(from: &Path, to: &Path) {
    must(Command::new("cp").arg("-al").arg(from).arg(to), std::time::Duration::from_mins(1));
}

/// Removes what is in a directory, if it is there.
pub(crate) fn clear(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            std::fs::remove_dir_all(entry.path()).unwrap();
        } else {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// Everything in a tree, directories before what is in them: its path, and whether it is a file.
fn walk(tree: &Path) -> Vec<(PathBuf, bool)> {
    let mut found = Vec::new();
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let is_file = !entry.file_type().unwrap().is_dir();
            if !is_file {
                folders.push(entry.path());
            }
            found.push((entry.path().strip_prefix(tree).unwrap().to_owned(), is_file));
        }
    }
    found.sort();
    found
}

/// What the tests below replay: a store without folders at `/s`.
#[cfg(test)]
fn replayed(log: &str) -> Disk {
    let mut disk = Disk::default();
    for line in log.lines() {
        disk.replay(line, Path::new("/s"), Path::new("/nowhere"));
    }
    disk
}

#[test]
fn the_emulator_holds_a_name_for_certain_only_after_its_directory_was_flushed() {
    let linked = "done\tcreate\t/s/t\ndone\tflush\t/s/t\ndone\tlink\t/s/t\t/s/a\n";
    let disk = replayed(linked);
    assert!(disk.now.contains_key(Path::new("a")) && disk.certain.is_empty());
    let disk = replayed(&format!("{linked}5\tflush-directory\t/s\n"));
    assert!(disk.certain.is_empty(), "a flush that was begun only");
    let disk =
        replayed(&format!("{linked}5\tflush-directory\t/s\ndone\tremove\t/s/t\ndone\tflush-directory\t/s\n"));
    assert!(disk.certain.contains_key(Path::new("t")), "what came after the beginning of the flush");
    assert!(disk.certain.contains_key(Path::new("a")) && disk.files[0].flushed);
}

#[test]
fn the_emulator_loses_bytes_that_were_not_flushed() {
    let disk = replayed("done\tcreate\t/s/a\n1\tflush-directory\t/s\ndone\tflush-directory\t/s\n");
    assert!(matches!(disk.content(&disk.certain)[..], [(_, Content::Lost)]));
}

#[test]
fn the_emulator_knows_whose_bytes_a_name_has_that_was_given_as_the_log_ended() {
    let log = "done\tcreate\t/s/t\ndone\tflush\t/s/t\n7\tlink\t/s/t\t/s/a\n8\tflush-directory\t/s\n";
    let mut disk = replayed(log);
    let killed = tempfile::tempdir().unwrap();
    std::fs::write(killed.path().join("t"), "bytes").unwrap();
    std::fs::hard_link(killed.path().join("t"), killed.path().join("a")).unwrap();
    disk.meet(killed.path(), log, Path::new("/s"));
    assert!(matches!(&disk.content(&disk.now)[..], [(_, Content::Bytes(_)), (_, Content::Bytes(_))]));
    assert!(disk.certain.is_empty());
}
