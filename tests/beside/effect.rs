//! What a command has changed, in the store and in its directory, told in lines.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use barkeep::model::Compression;
use barkeep::stream::codec::decoder;
use sha2::{Digest as _, Sha256};

use super::cloud::Cloud;

/// A listing: keys and marks of content.
pub type Listing = Option<BTreeMap<String, String>>;

/// What the store has that it did not have, and what is gone:
/// `- KEY`, `+ KEY = CONTENT [TAGS]`, `~ KEY = CONTENT [TAGS]`.
pub fn on_store(cloud: Cloud, bucket: &str, before: &Listing, names: &Names) -> Vec<String> {
    let after = cloud.list(bucket);
    if before.is_none() != after.is_none() {
        return vec![format!("bucket {}", if after.is_some() { "created" } else { "gone" })];
    }
    let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
    let gone = before.keys().filter(|key| !after.contains_key(*key)).map(|key| format!("- {key}"));
    let come = after.iter().filter(|(key, mark)| before.get(*key) != Some(mark)).map(|(key, _)| {
        let sign = if before.contains_key(key) { '~' } else { '+' };
        let content = names.of(&plain(key, cloud.get(bucket, key)));
        let tags = cloud.tags(bucket, key);
        let tags = if tags.is_empty() { String::new() } else { format!(" [{}]", tags.join(" ")) };
        format!("{sign} {key} = {content}{tags}")
    });
    gone.chain(come).collect()
}

/// Everything below a directory: `> FILE = CONTENT`, `> DIRECTORY/`, `> LINK -> TARGET`.
pub fn in_directory(dir: &Path, names: &Names) -> Vec<String> {
    let mut lines = Vec::new();
    walk(dir, dir, names, &mut lines);
    lines.sort();
    lines
}

fn walk(top: &Path, dir: &Path, names: &Names, lines: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(top).unwrap().display().to_string();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_symlink() {
            let target = std::fs::read_link(&path).unwrap().display().to_string();
            lines.push(format!("> {name} -> {}", target.replace(&top.display().to_string(), "DIR")));
        } else if kind.is_dir() {
            lines.push(format!("> {name}/"));
            walk(top, &path, names, lines);
        } else if kind.is_fifo() {
            lines.push(format!("> {name} is a pipe"));
        } else {
            lines.push(format!("> {name} = {}", names.of(&std::fs::read(&path).unwrap())));
        }
    }
}

/// An object's bytes before they were compressed; as they are when they cannot be read.
fn plain(key: &str, packed: Vec<u8>) -> Vec<u8> {
    let how = Compression::split_suffix(key).1;
    let mut plain = Vec::new();
    let read =
        decoder(how, Box::new(Cursor::new(packed.clone()))).map(|mut from| from.read_to_end(&mut plain));
    if matches!(read, Ok(Ok(_))) { plain } else { packed }
}

/// Contents that have names.
#[derive(Default)]
pub struct Names(BTreeMap<[u8; 32], String>);

impl Names {
    /// Gives one a name.
    pub fn give(&mut self, content: &[u8], name: &str) {
        self.0.insert(Sha256::digest(content).into(), name.to_owned());
    }

    /// The name of this content; what it is, if it has none.
    fn of(&self, content: &[u8]) -> String {
        let sum: [u8; 32] = Sha256::digest(content).into();
        match self.0.get(&sum) {
            Some(name) => name.clone(),
            None if content.len() < 40 => format!("{:?}", String::from_utf8_lossy(content)),
            None => format!("{} bytes {}", content.len(), hex::encode(&sum[..4])),
        }
    }
}
