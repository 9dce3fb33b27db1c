//! What is in the images: the script that lays them out, and the Dockerfile that ships what it laid out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An image's root file system, laid out with the binary under test.
struct Image {
    directory: TempDir,
}

impl Image {
    fn lay_out(target: &str) -> Self {
        let image = Self { directory: tempfile::tempdir().unwrap() };
        let certificates = image.directory.path().join("authorities.pem");
        std::fs::write(&certificates, "authorities\n").unwrap();
        let status = Command::new(root().join("image/lay-out.sh"))
            .arg(target)
            .arg(env!("CARGO_BIN_EXE_barkeep"))
            .arg(&certificates)
            .arg(image.root())
            .status()
            .unwrap();
        assert!(status.success(), "lay-out.sh {target}: {status}");
        image
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Everything in it but plain directories: mode, path, and where a link leads.
    fn listing(&self) -> String {
        let mut lines = BTreeSet::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = path.symlink_metadata().unwrap();
                let mode = metadata.permissions().mode() & 0o7777;
                let mut line = format!("/{}", path.strip_prefix(self.root()).unwrap().display());
                if metadata.is_dir() {
                    folders.push(path);
                    if mode == 0o755 {
                        continue;
                    }
                }
                if metadata.is_symlink() {
                    let to = std::fs::read_link(self.root().join(&line[1..])).unwrap();
                    write!(line, " -> {}", to.display()).unwrap();
                } else {
                    write!(line, " {mode:o}").unwrap();
                }
                lines.insert(line);
            }
        }
        lines.into_iter().collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_commands_image_has_the_binary_its_manual_its_completions_and_authorities_and_no_shell() {
    let pages = std::fs::read_dir(root().join("man")).unwrap();
    let pages = pages.map(|page| format!("/usr/share/man/man1/{} 644", page.unwrap().file_name().display()));
    let others = [
        "/etc/ssl/certs/ca-certificates.crt 644",
        "/tmp 1777",
        "/usr/bin/barkeep 755",
        "/usr/share/bash-completion/completions/barkeep 644",
        "/usr/share/doc/barkeep/LICENSE 644",
        "/usr/share/fish/vendor_completions.d/barkeep.fish 644",
        "/usr/share/zsh/site-functions/_barkeep 644",
    ];
    let expected: BTreeSet<_> = pages.chain(others.map(str::to_owned)).collect();
    assert_eq!(
        Image::lay_out("barkeep").listing().lines().map(str::to_owned).collect::<BTreeSet<_>>(),
        expected
    );
}

#[test]
fn the_sidecars_image_has_the_binary_the_nine_names_and_authorities_and_no_shell() {
    insta::assert_snapshot!(Image::lay_out("cnpg-sidecar").listing(), @r"
    /etc/ssl/certs/ca-certificates.crt 644
    /usr/bin/barkeep 755
    /usr/bin/barman-cloud-backup -> barkeep
    /usr/bin/barman-cloud-backup-delete -> barkeep
    /usr/bin/barman-cloud-backup-keep -> barkeep
    /usr/bin/barman-cloud-backup-list -> barkeep
    /usr/bin/barman-cloud-backup-show -> barkeep
    /usr/bin/barman-cloud-check-wal-archive -> barkeep
    /usr/bin/barman-cloud-restore -> barkeep
    /usr/bin/barman-cloud-wal-archive -> barkeep
    /usr/bin/barman-cloud-wal-restore -> barkeep
    /usr/share/doc/barkeep/LICENSE 644
    ");
}

#[test]
fn every_name_in_the_sidecars_image_answers_as_that_program() {
    let image = Image::lay_out("cnpg-sidecar");
    let bin = image.root().join("usr/bin");
    let mut names = 0;
    for entry in std::fs::read_dir(&bin).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "barkeep" {
            continue;
        }
        names += 1;
        // As the plugin finds it: by its bare name, on PATH, with nothing else around.
        let output = Command::new(&name).env_clear().env("PATH", &bin).arg("--version").output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{name} 3.20.1\n"));
        assert!(output.status.success(), "{name}: {}", output.status);
    }
    assert_eq!(names, 9);
}

#[test]
fn the_dockerfile_ships_what_was_laid_out_and_of_others_only_the_plugins_manager() {
    let dockerfile = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    let shipped = |target: &str| {
        let begin = format!("FROM scratch AS {target}\n");
        let (_, stage) =
            dockerfile.split_once(&begin).unwrap_or_else(|| panic!("there is no stage {target}"));
        let stage = stage.split("\nFROM ").next().unwrap();
        let adds = |line: &&str| ["COPY", "ADD", "RUN"].iter().any(|word| line.starts_with(word));
        stage.lines().filter(adds).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(shipped("barkeep"), ["COPY --from=build /image/barkeep /"]);
    let manager = "COPY --from=plugin /manager /manager";
    assert_eq!(shipped("cnpg-sidecar"), [manager, "COPY --from=build /image/cnpg-sidecar /"]);
    assert!(dockerfile.contains("image/lay-out.sh \"$image\""), "the Dockerfile lays out otherwise");
    let users = dockerfile.lines().filter(|line| line.starts_with("USER")).collect::<Vec<_>>();
    assert_eq!(users, ["USER 26:26", "USER 26:26"], "an image runs as root, or as somebody unexpected");
}
