//! The document: what happens to whom, and why. It is written, and read again to be compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::cell::{Cell, Clean, Mark, Verdict};
use super::fault::Fault;
use super::verbs::Verb;

/// The marks of one request: of each fault, once and lasting.
type Row = BTreeMap<(&'static str, bool), Mark>;

/// All marks, by the title of the verb and the request.
pub(crate) type Outcomes = BTreeMap<(String, String), BTreeMap<String, String>>;

impl Mark {
    /// As it stands in the table.
    fn text(&self) -> String {
        match self {
            Self::Unnoticed => "ok".to_owned(),
            Self::Nothing => "–".to_owned(),
            Self::Varies => "‡".to_owned(),
            Self::Again => "retried".to_owned(),
            Self::Failed(code) => code.to_string(),
        }
    }
}

/// What a cell of the table says, when it is met once and, where that was tried, from then on.
fn both(once: &Mark, lasting: Option<&Mark>) -> String {
    match lasting {
        Some(lasting) => format!("{} · {}", once.text(), lasting.text()),
        None => once.text(),
    }
}

/// The document.
pub(crate) fn document(cleans: &[Clean], cells: &[Cell], verdicts: &[Verdict]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let _ = writeln!(text, "| column | what the request meets | what Barkeep does about it |\n|---|---|---|");
    for fault in Fault::ALL {
        let _ = writeln!(text, "| {fault} | {} | {} |", fault.what(), fault.remedy());
    }
    text.push_str(LEGEND);
    for clean in cleans {
        let _ = write!(text, "\n## {}\n\n{}\n\n| request |", clean.verb.title(), clean.verb.story());
        for fault in Fault::ALL {
            let _ = write!(text, " {fault} |");
        }
        let _ = writeln!(text, "\n|---|{}", "---|".repeat(Fault::ALL.len()));
        for asked in &clean.requests {
            let row = row(clean.verb, &asked.to_string(), cells, verdicts);
            if row.is_empty() {
                continue;
            }
            let _ = write!(text, "| {asked} |");
            for fault in Fault::ALL {
                let once = &row[&(fault.name(), false)];
                let _ = write!(text, " {} |", both(once, row.get(&(fault.name(), true))));
            }
            text.push('\n');
        }
    }
    text
}

fn row(verb: Verb, asked: &str, cells: &[Cell], verdicts: &[Verdict]) -> Row {
    let of_row =
        cells.iter().zip(verdicts).filter(|(cell, _)| cell.verb == verb && cell.plan.at.to_string() == asked);
    of_row.map(|(cell, v)| ((cell.plan.fault.name(), cell.plan.lasting), v.mark.clone())).collect()
}

/// What a document says, cell by cell.
pub(crate) fn outcomes(document: &str) -> Outcomes {
    let (mut verb, mut outcomes) = (String::new(), Outcomes::new());
    for line in document.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut verb);
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let is_row = line.starts_with("| ") && cells.len() == 1 + Fault::ALL.len() && cells[0] != "request";
        if is_row {
            let marks = Fault::ALL.iter().zip(&cells[1..]);
            let marks = marks.map(|(fault, mark)| (fault.name().to_owned(), (*mark).to_owned())).collect();
            outcomes.insert((verb.clone(), cells[0].to_owned()), marks);
        }
    }
    outcomes
}

/// The document without its rows, whose order is not the same in every run.
pub(crate) fn words(document: &str) -> String {
    document
        .lines()
        .filter(|line| line.matches('|').count() != 2 + Fault::ALL.len())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The cells of which two documents say different things.
pub(crate) fn differing(cells: &[Cell], committed: &Outcomes, fresh: &Outcomes) -> Vec<Cell> {
    let mark = |outcomes: &Outcomes, cell: &Cell| {
        let row = (cell.verb.title().to_owned(), cell.plan.at.to_string());
        outcomes.get(&row).and_then(|row| row.get(cell.plan.fault.name()).cloned())
    };
    cells.iter().filter(|cell| mark(committed, cell) != mark(fresh, cell)).cloned().collect()
}

const INTRODUCTION: &str = "# What faults do

Between a verb and its store stands a proxy, in a test. It lets one request of a run meet one fault, or that request
and all that follow. This is done with every verb, every request of it and every fault, and of each run is asserted:

- It ends as it would have without the fault, or fails with the status and the kind of that fault, and its
  message names what was being done and holds no secret.
- It ends in time.
- `wal-restore` never says 1, \"the archive does not have it\", unless that is so; and what it has restored is right,
  or there is nothing.
- What was in the archive is unchanged, what is new in it is whole and right, and every backup that says DONE is
  complete: the invariants of [format.md](format.md).
- The same call once more, without a fault, finishes the work.

`cargo test --test faults` does it again and compares; `UPDATE=1` in front writes this document. Statuses are explained in
[exit-status.md](exit-status.md).

## The faults

";

const LEGEND: &str = "
## The tables

A row is a request: what is asked and of which key below the server's; `…05` is the segment whose name ends so, and
a number in brackets means that the same is asked once more. A verb with many requests is tried at some of them.

| cell | means |
|---|---|
| ok | nobody noticed: the run ended as without a fault, with no more requests |
| retried | the run ended as without a fault, after it had asked again; with `check` and with files that wait behind, whose requests are not the same in every run, this too is `ok` |
| – | there was nothing to damage |
| ‡ | it depends on the bit: what lists and records of backups say has no checksum of its own. The run ended well, answered something wrong, or refused (1, 3, 4 or 6); nothing that is needed was deleted, nothing wrong was restored |
| a number | the run failed with this status, and the next one finished the work |
| A · B | A when only this request meets the fault, B when all that follow do as well; that is tried from some requests on |

How long it is asked again is a setting (`--retry-for`), seconds here and minutes in life. So a number in the second place means:
an outage that outlasts it. It is never lost work: PostgreSQL calls again for WAL, and you call again for the rest.

- **4**: the store does not answer. Nothing needs to be repaired; the next call goes on.
- **5**: the credentials are refused. That is told at once, since asking again does not help; only `wal-restore` asks twice
  more, because permissions that were granted a moment ago take their time to arrive.
- **6**: what was read is not what was written.
- **126**: any of these for `wal-restore` during recovery. PostgreSQL stops; with any lower status it would end recovery there and
  open with what it has. Start it again when the store is back.
- **‡** is a reason for `https://`. TLS lets no flipped bit through, and then this column does not happen.
- **2** and **4** of the programs named `barman-cloud-…`: no connection, and everything else.
";
