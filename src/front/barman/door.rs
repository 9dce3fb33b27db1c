//! What every command does around its own work: words in, log, status out.

use std::cell::RefCell;
use std::error::Error as _;
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use clap::Parser;
use tracing::{info, warn};

use super::code::{Code, End, Failure};
use super::grammar::{self, Told};
use super::words::Common;
use super::{log, place};
use crate::command::{Effort, reach};
use crate::error::{Error, Result};
use crate::front::guard;
use crate::front::run::block_on;
use crate::store::Elsewhere;

/// What a test of the store may take.
const TEST: Duration = Duration::from_mins(1);

/// How long it asks again.
const TEST_RETRY_FOR: Duration = Duration::from_secs(10);

/// What surrounds a command's own words.
#[derive(Debug)]
pub(super) struct Door {
    /// When it began.
    began: Instant,
    /// Why something could not be said.
    unsaid: RefCell<Option<io::Error>>,
}

/// Words that contain what all commands share.
pub(super) trait Shares {
    /// How `--test` ends when the service answers and the bucket is not there.
    const WITHOUT_BUCKET: Code = Code::Operation;

    /// What all commands share.
    fn common(&self) -> &Common;

    /// Refuses words that the grammar lets through, before anything is touched and in front of `--test`.
    fn sound(&self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Door {
    /// Reads the words and runs the command; nothing is touched before all words are understood.
    pub(super) fn run<W: Parser + Shares>(words: &[OsString], run: fn(W, &Self) -> End) -> Code {
        let door = Self { began: Instant::now(), unsaid: RefCell::default() };
        let code = match grammar::read::<W>(words) {
            Ok((read, split)) => {
                log::start(read.common().verbose, read.common().quiet);
                for word in split {
                    warn!("read as two words: {word}; write them as two items, or with = between them");
                }
                door.serve(words, read, run)
            }
            Err(Told::Help(text)) => {
                door.say(&text);
                Code::Success
            }
            Err(Told::Refusal(text)) => {
                // Whoever closed it does not want to know.
                let _ = io::stderr().write_all(text.as_bytes());
                Code::Words
            }
        };
        door.silenced(code)
    }

    /// Runs the command and logs how it failed.
    fn serve<W: Parser + Shares>(&self, all: &[OsString], words: W, run: fn(W, &Self) -> End) -> Code {
        let end = self.attempt(words, run).or_else(|failure| self.follow(all, failure, run));
        end.unwrap_or_else(|failure| {
            log::failure(&failure.error);
            failure.code
        })
    }

    /// Runs the command, or the test in its place.
    fn attempt<W: Parser + Shares>(&self, words: W, run: fn(W, &Self) -> End) -> End {
        let work = || {
            Ok(words.sound().and_then(|()| {
                if words.common().test { self.test::<W>(words.common()) } else { run(words, self) }
            }))
        };
        guard::catch(work).unwrap_or_else(|panic| Err(Failure::new(Code::General, panic)))
    }

    /// Runs it once more where the bucket is, if that is why it failed: the reference's library follows the
    /// service there, and few who use it on AWS say a region. Nothing has been done until then, since every
    /// request about the bucket is refused so.
    fn follow<W: Parser + Shares>(
        &self,
        all: &[OsString],
        failure: Failure,
        run: fn(W, &Self) -> End,
    ) -> End {
        let Some(elsewhere) = failure.error.source().and_then(|cause| cause.downcast_ref::<Elsewhere>())
        else {
            return Err(failure);
        };
        match grammar::read::<W>(all) {
            Ok((words, _)) if words.common().region.set(elsewhere.region.clone()).is_ok() => {
                info!("{elsewhere}, so it is asked for there; AWS_DEFAULT_REGION saves a request");
                self.attempt(words, run)
            }
            _ => Err(failure),
        }
    }

    /// Whether the store can be reached (spec/barman-cloud.md 1.5).
    fn test<W: Shares>(&self, common: &Common) -> End {
        let wire = place::wire(common, None, None)?;
        let effort = Effort { retry_for: TEST_RETRY_FOR, max_attempts: None, deadline: TEST };
        match self.deadline(TEST, reach::run(&effort, &wire))? {
            reach::Outcome::Store => Ok(Code::Success),
            reach::Outcome::ServiceOnly(_) if W::WITHOUT_BUCKET == Code::Success => Ok(Code::Success),
            reach::Outcome::ServiceOnly(error) => Err(Failure::new(W::WITHOUT_BUCKET, error)),
        }
    }

    /// Runs a verb to its end on this thread. It is given up, kind `Unavailable`, when the command has taken
    /// this long, counted from its own beginning: whoever started it never stops it.
    pub(super) fn deadline<T>(&self, limit: Duration, verb: impl Future<Output = Result<T>>) -> Result<T> {
        block_on(self.within(limit, verb))
    }

    async fn within<T>(&self, limit: Duration, verb: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout_at((self.began + limit).into(), verb).await.unwrap_or_else(|_| {
            Err(Error::unavailable(format!("not done after {} s, and given up", limit.as_secs())))
        })
    }

    /// To standard output, which carries only what the dialect says. Whoever stopped reading has seen enough;
    /// any other trouble with it ends the command as failed.
    pub(super) fn say(&self, text: &str) {
        let mut out = io::stdout().lock();
        if let Err(e) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
            && e.kind() != io::ErrorKind::BrokenPipe
        {
            *self.unsaid.borrow_mut() = Some(e);
        }
    }

    /// The status of a command that may not have been able to say what it found.
    fn silenced(&self, code: Code) -> Code {
        match self.unsaid.take() {
            Some(e) if code == Code::Success => {
                log::failure(&Error::local(format!("write to standard output: {e}")));
                Code::General
            }
            _ => code,
        }
    }
}
