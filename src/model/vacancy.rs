//! Whether a cluster may begin to archive: nobody else's WAL may be in its way.

use std::ops::ControlFlow;

use super::{Timeline, WalName};

/// What stands against it, found by looking at names in the order of the archive.
///
/// Without a timeline any WAL file does, a label, a partial segment or a history as well: the first one
/// decides. With one, files of older timelines are in nobody's way, and the others are counted, since how
/// many there are tells a stray file from a cluster that has moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vacancy {
    /// From this timeline on files count; all do without one.
    pub from: Option<Timeline>,
    /// The first file that counts.
    pub first: Option<WalName>,
    /// How many were seen that count: without a timeline at most one.
    pub files: u64,
}

impl Vacancy {
    /// Nothing has been seen yet.
    pub const fn new(from: Option<Timeline>) -> Self {
        Self { from, first: None, files: 0 }
    }

    /// Looks at the next file; breaks when no further one can change the answer.
    pub fn look_at(&mut self, name: WalName) -> ControlFlow<()> {
        if self.from.is_some_and(|from| name.timeline() < from) {
            return ControlFlow::Continue(());
        }
        self.first.get_or_insert(name);
        self.files += 1;
        if self.from.is_none() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Whether a cluster may begin.
    pub const fn is_free(&self) -> bool {
        self.first.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(names: &[&str], from: Option<u32>) -> Vacancy {
        let mut vacancy = Vacancy::new(from.and_then(Timeline::new));
        let _ = names.iter().try_for_each(|name| vacancy.look_at(name.parse().unwrap()));
        vacancy
    }

    #[test]
    fn without_a_timeline_the_first_file_of_any_kind_decides() {
        assert!(seen(&[], None).is_free());
        for name in [
            "000000010000000000000001",
            "000000010000000000000001.partial",
            "000000010000000000000001.00000028.backup",
            "00000002.history",
        ] {
            let taken = seen(&[name, "000000030000000000000001"], None);
            assert_eq!((taken.first.unwrap().to_string().as_str(), taken.files), (name, 1));
        }
    }

    #[test]
    fn with_a_timeline_its_files_and_those_of_later_ones_are_counted() {
        let names = ["000000010000000000000001", "00000002.history", "0000000A0000000000000001"];
        assert_eq!(seen(&names, Some(2)).files, 2);
        assert_eq!(seen(&names, Some(2)).first, Some("00000002.history".parse().unwrap()));
        assert_eq!(seen(&names, Some(10)).files, 1);
        assert!(seen(&names, Some(11)).is_free());
    }
}
