//! What the packages hold is what is generated, every manual page and every completion, and what is there to be
//! copied: the dashboard, the alert rules, the examples.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// All files below a directory, by their paths in it.
fn files(below: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![below.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(below).unwrap().display().to_string());
            }
        }
    }
    found
}

/// What a package of this kind holds, made of a file that stands for the binary.
fn laid_out(kind: &str) -> BTreeSet<String> {
    let scratch = tempfile::tempdir().unwrap();
    let binary = scratch.path().join("binary");
    fs_err::write(&binary, "binary").unwrap();
    let to = scratch.path().join("package");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/lay-out.sh");
    let status = Command::new(script).arg(kind).arg(&binary).arg(&to).status().unwrap();
    assert!(status.success());
    files(&to)
}

fn generated(folder: &str) -> BTreeSet<String> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
}

/// Files that operators copy, by folder; `examples` is packed when there is one.
fn to_be_copied() -> Vec<(&'static str, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["dashboards", "examples"].into_iter().filter(|folder| root.join(folder).is_dir());
    folders.flat_map(|folder| files(&root.join(folder)).into_iter().map(move |file| (folder, file))).collect()
}

#[test]
fn the_tarball_holds_every_manual_page_and_every_completion_and_nothing_unknown() {
    let mut wanted: BTreeSet<String> =
        ["barkeep", "LICENSE", "README.md", "barkeep.toml"].map(str::to_owned).into();
    wanted.extend(generated("man").iter().map(|page| format!("man/{page}")));
    wanted.extend(generated("completions").iter().map(|script| format!("completions/{script}")));
    wanted.extend(to_be_copied().into_iter().map(|(folder, file)| format!("{folder}/{file}")));
    assert_eq!(laid_out("tar"), wanted);
}

#[test]
fn the_package_of_debian_holds_them_where_debian_looks() {
    let packed = laid_out("deb");
    let pages: BTreeSet<String> =
        generated("man").iter().map(|page| format!("usr/share/man/man1/{page}.gz")).collect();
    assert!(pages.len() > 10 && pages.is_subset(&packed), "{packed:?}");
    for (script, place) in [
        ("barkeep.bash", "usr/share/bash-completion/completions/barkeep"),
        ("_barkeep", "usr/share/zsh/vendor-completions/_barkeep"),
        ("barkeep.fish", "usr/share/fish/vendor_completions.d/barkeep.fish"),
        ("_barkeep.ps1", "usr/share/doc/barkeep/examples/_barkeep.ps1"),
    ] {
        assert!(generated("completions").contains(script) && packed.contains(place), "{place}: {packed:?}");
    }
    assert_eq!(generated("completions").len(), 4);
    for place in ["usr/bin/barkeep", "usr/share/doc/barkeep/copyright"] {
        assert!(packed.contains(place), "{place}");
    }
    let copied = to_be_copied();
    for file in ["alerts.yml", "barkeep.json"] {
        assert!(copied.contains(&("dashboards", file.to_owned())), "{copied:?}");
    }
    for (folder, file) in copied {
        let place = format!("usr/share/doc/barkeep/{folder}/{file}");
        assert!(packed.contains(&place), "{place}: {packed:?}");
    }
}
