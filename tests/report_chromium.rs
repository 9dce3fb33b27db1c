//! The page of `report` in a real browser: light, dark, on a telephone and on paper. What it looks like has
//! to be looked at: `BARKEEP_SCREENSHOTS=DIR` keeps the pictures.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use common::{Scratch, bare, installed, must, run};
use flate2::read::ZlibDecoder;

/// How long the browser may take for a page.
const PATIENCE: Duration = Duration::from_mins(2);

/// What tells how much wider than its window a page is, and what sticks out.
const PROBE: &str = "<script>
const room = document.documentElement.clientWidth;
const out = [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') || e.matches('.scroll'))
    .filter(e => e.getBoundingClientRect().right > room + 1).map(e => e.tagName + '.' + e.getAttribute('class'));
document.documentElement.setAttribute('data-probe', room + ' ' + (document.documentElement.scrollWidth - room) +
    ' ' + out.slice(0, 5).join());
</script>";

const HOUR: u64 = 3600;

fn segment(timeline: u32, number: u64) -> String {
    format!("{timeline:08X}{:08X}{:08X}", number / 256, number % 256)
}

/// An archive of three weeks that has seen something, the newest WAL of an hour ago.
fn archive(scratch: &Scratch) -> PathBuf {
    let store = scratch.dir("store");
    let put = |key: &str, content: &str, at: SystemTime| {
        let path = store.join("main").join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
    };
    let hours_ago = |hours: u64| SystemTime::now() - Duration::from_secs(hours * HOUR);
    // One segment an hour, and a day's are missing; then a promotion.
    let wal = (1..=500).filter(|number| !(300..324).contains(number)).map(|number| (1, number));
    for (timeline, number) in wal.chain((501..=560).map(|number| (2, number))) {
        let name = segment(timeline, number);
        let content = "x".repeat(usize::try_from(200 + number % 24 * 40).unwrap());
        put(&format!("wals/{}/{name}.zst", &name[..16]), &content, hours_ago(561 - number));
    }
    put(&format!("wals/0000000100000001/{}.partial.zst", segment(1, 501)), "x", hours_ago(60));
    put("wals/00000002.history", "1\t1/F5800000\tno recovery target specified\n", hours_ago(60));
    let backups = [10, 60, 150, 250, 330, 400, 480].map(|number| (1, number));
    for (timeline, number) in backups.into_iter().chain([(2, 530), (2, 533), (2, 536)]) {
        let ago = 561 - i64::try_from(number).unwrap();
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(ago);
        let id = at.strftime("%Y%m%dT%H%M%S");
        let begin = at.strftime("%Y-%m-%d %H:%M:%S+00:00");
        let failed = number == 400;
        let status = if failed {
            "status=FAILED\nerror=the store has gone: 503 <Service Unavailable>\n"
        } else {
            "status=DONE\n"
        };
        let end = at.checked_add(jiff::SignedDuration::from_mins(40)).unwrap();
        let record = format!(
            "backup_label=None\nbackup_name=nightly & <b>bold</b>\nbegin_time={begin}\nbegin_wal={wal}\n\
             begin_xlog={lsn}\nend_time={}\nend_wal={wal}\nend_xlog={end_lsn}\n{status}\
             systemid=7000000000000000001\ntimeline={timeline}\nversion=180000\nxlog_segment_size=16777216\n",
            end.strftime("%Y-%m-%d %H:%M:%S+00:00"),
            wal = segment(timeline, number),
            lsn = barkeep::model::Lsn((number << 24) + 0x28),
            end_lsn = barkeep::model::Lsn((number << 24) + 0x138),
        );
        let when = hours_ago(u64::try_from(ago).unwrap());
        put(&format!("base/{id}/data.tar.zst"), &"tar".repeat(2000 + usize::try_from(number).unwrap()), when);
        put(&format!("base/{id}/backup.info"), &record, when);
    }
    store
}

/// Writes the page with the real binary.
fn page(scratch: &Scratch) -> PathBuf {
    let (store, page) = (archive(scratch), scratch.path("report.html"));
    let mut report = bare(env!("CARGO_BIN_EXE_barkeep"));
    report.args(["report", "--store", &format!("file://{}", store.display()), "--server", "main"]);
    report.args(["--retention", "7d"]).arg(&page);
    let said = must(&mut report, PATIENCE);
    assert!(said.contains("wrote") && said.contains("warning"), "{said}");
    page
}

/// The browser, with nothing but this page: no network, no profile but its own.
fn chromium(scratch: &Scratch, window: (u32, u32), how: &[&str], page: &Path) -> Command {
    let mut chromium = bare(installed("chromium").join("bin/chromium"));
    chromium.env("HOME", scratch.path("")).args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-extensions",
        "--disable-background-networking",
        "--disable-component-update",
        "--enable-logging=stderr",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--virtual-time-budget=2000",
    ]);
    chromium.arg(format!("--user-data-dir={}", scratch.path("profile").display()));
    chromium.arg(format!("--window-size={},{}", window.0, window.1)).args(how);
    chromium.arg(format!("file://{}", page.display()));
    chromium
}

/// Runs it; nothing of the page may be worth a word on the console.
fn browse(chromium: &mut Command) -> String {
    let Output { status, stdout, stderr } = run(chromium, PATIENCE);
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    assert!(status.success(), "{status}: {stderr}");
    assert!(!stderr.contains("CONSOLE"), "{stderr}");
    String::from_utf8_lossy(&stdout).into_owned()
}

/// A picture of the page: the colour of its first pixel, and how many different bytes its pixels have.
fn picture(scratch: &Scratch, page: &Path, name: &str, window: (u32, u32), how: &[&str]) -> ([u8; 3], usize) {
    let file = scratch.path(&format!("{name}.png"));
    let screenshot = format!("--screenshot={}", file.display());
    let mut words = vec![screenshot.as_str()];
    words.extend(how);
    browse(&mut chromium(scratch, window, &words, page));
    keep(&file);
    let png = std::fs::read(&file).unwrap();
    let pixels = pixels(&png);
    let mut seen = [false; 256];
    for byte in &pixels {
        seen[usize::from(*byte)] = true;
    }
    // The first byte of a row is its filter, and no filter changes a picture's first pixel.
    ([pixels[1], pixels[2], pixels[3]], seen.iter().filter(|seen| **seen).count())
}

fn keep(file: &Path) {
    if let Some(dir) = std::env::var_os("BARKEEP_SCREENSHOTS") {
        std::fs::copy(file, Path::new(&dir).join(file.file_name().unwrap())).unwrap();
    }
}

/// The rows of a PNG as they are filtered.
fn pixels(png: &[u8]) -> Vec<u8> {
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    let (mut rest, mut packed) = (&png[8..], Vec::new());
    while let [a, b, c, d, kind @ .., _] = rest {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        if kind.starts_with(b"IDAT") {
            packed.extend_from_slice(&rest[8..8 + length]);
        }
        rest = &rest[12 + length..];
    }
    let mut pixels = Vec::new();
    ZlibDecoder::new(packed.as_slice()).read_to_end(&mut pixels).unwrap();
    pixels
}

/// A copy of the page in which a script may look around.
fn probed(scratch: &Scratch, page: &Path) -> PathBuf {
    let text = std::fs::read_to_string(page).unwrap();
    let policy = "default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;";
    assert!(text.contains(policy), "the page has no content security policy");
    let text = text.replace(policy, "default-src * &#39;unsafe-inline&#39;");
    scratch.file("probed.html", &text.replace("</body>", &format!("{PROBE}</body>")))
}

#[test]
fn a_browser_shows_the_page_in_every_dress() {
    let scratch = Scratch::new();
    let page = page(&scratch);
    let dark = ["--blink-settings=preferredColorScheme=0"];
    let light = ["--blink-settings=preferredColorScheme=1"];
    let (paper, shades) = picture(&scratch, &page, "light", (1100, 3600), &light);
    assert_eq!(paper, [255, 255, 255]);
    assert!(shades > 30, "a blank page has fewer than {shades} shades");
    let (paper, shades) = picture(&scratch, &page, "dark", (1100, 3600), &dark);
    assert_eq!(paper, [0x11, 0x17, 0x1d]);
    assert!(shades > 30, "a blank page has fewer than {shades} shades");
    let (_, shades) = picture(&scratch, &page, "narrow", (500, 5200), &light);
    assert!(shades > 30, "a blank page has fewer than {shades} shades");
}

#[test]
fn nothing_sticks_out_of_a_window_of_any_width() {
    let scratch = Scratch::new();
    let page = probed(&scratch, &page(&scratch));
    for width in [400, 500, 800, 1400] {
        let frame = format!(
            "<!DOCTYPE html><iframe src='probed.html' style='border:0;width:{width}px;height:900px'></iframe><script>\
             onload = () => document.body.append(frames[0].document.documentElement.dataset.probe)</script>"
        );
        let framed = scratch.file("framed.html", &frame);
        assert!(page.with_file_name("framed.html") == framed);
        let shown = browse(&mut chromium(
            &scratch,
            (1600, 900),
            &["--dump-dom", "--allow-file-access-from-files"],
            &framed,
        ));
        let probe = shown.split_once("</script>").unwrap().1.trim();
        assert!(probe.starts_with(&format!("{width} 0 <")), "at {width}: {probe}");
    }
}

#[test]
fn the_page_prints_on_a_few_sheets() {
    let scratch = Scratch::new();
    let (page, pdf) = (page(&scratch), scratch.path("print.pdf"));
    let print = format!("--print-to-pdf={}", pdf.display());
    browse(&mut chromium(&scratch, (1100, 1500), &[&print, "--no-pdf-header-footer"], &page));
    keep(&pdf);
    let bytes = std::fs::read(&pdf).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    let sheets = String::from_utf8_lossy(&bytes).matches("/Type /Page\n").count();
    assert!((1..=8).contains(&sheets), "{sheets} sheets");
}
