//! How a copy shares out the memory and the cores it may use: decided once, before anything is read.

use std::num::NonZeroUsize;

use crate::command::OWN;
use crate::error::{Error, Result};
use crate::model::Compression;
use crate::pgdata::pack::PIECE;
use crate::stream::codec;

const MIB: u64 = 1 << 20;
/// An object is closed when it has taken so many compressed bytes.
pub(super) const OBJECT: u64 = 1 << 30;
/// What S3 allows in one object.
const MOST_PARTS: u64 = 10_000;
/// The smallest part that S3 takes.
const SMALLEST_PART: u64 = 5 * MIB;
/// The largest part that S3 takes.
const LARGEST_PART: u64 = 5 << 30;
/// The size of parts where nothing asks for another: few requests, and quick to send again.
const USUAL_PART: u64 = 8 * MIB;
/// Parts of one object under way at once, where memory allows.
const IN_FLIGHT: u64 = 3;
/// A stream is opened for so many plain bytes at least: less is not worth an object of its own.
pub(super) const WORTH_A_STREAM: u64 = 64 * MIB;
/// More streams than this would crowd out the threads that the store works with.
const MOST_STREAMS: u64 = 64;
/// More threads for one stream would wait for the thread that reads.
const MOST_WORKERS: u64 = 16;

/// What there is to share out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means {
    /// Bytes for everything.
    pub(super) memory: u64,
    /// Bytes that the survey already takes.
    pub(super) taken: u64,
    /// Cores of the machine.
    pub(super) cores: usize,
    /// Streams at most.
    pub(super) jobs: NonZeroUsize,
    pub(super) compression: Compression,
    pub(super) level: i32,
    /// Length of the largest file in bytes.
    pub(super) largest_file: u64,
    /// Length of all files in bytes.
    pub(super) total: u64,
    /// Bytes of a part at least.
    pub(super) least_part: u64,
}

/// How it is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// Tars that are written at once, each by a thread.
    pub(super) streams: usize,
    /// Bytes of a part.
    pub(super) part: u64,
    /// Part buffers in all.
    pub(super) parts: usize,
    /// Parts of one object that are sent at once.
    pub(super) in_flight: NonZeroUsize,
    /// Threads that compress, for each stream; 0 when the stream's own does.
    pub(super) workers: u32,
    /// Bytes in all.
    pub(super) memory: u64,
}

/// Shares out. First the smallest that works is found: if even that does not fit, kind `Usage` says
/// what would. Streams come before parts in flight, and those before threads inside a stream.
pub(super) fn plan_memory(means: &Means) -> Result<Plan> {
    let part =
        smallest_part(means.largest_file).max(means.least_part.min(LARGEST_PART).next_multiple_of(MIB));
    let least = plan(means, 1, part, 1, 0);
    if least.memory > means.memory {
        let (needed, allowed) = (least.memory.div_ceil(MIB), means.memory / MIB);
        let largest = means.largest_file.div_ceil(MIB);
        return Err(Error::usage(format!(
            "a backup with a file of {largest} MiB takes {needed} MiB of memory, and {allowed} MiB are allowed"
        ))
        .hint(format!("allow {needed}MiB with --memory")));
    }
    let worth = means.total.div_ceil(WORTH_A_STREAM).max(1);
    let wanted = worth.min(means.jobs.get() as u64).min(MOST_STREAMS);
    let fits = |plan: &Plan| plan.memory <= means.memory;
    let streams = (1..=wanted).rev().find(|streams| fits(&plan(means, *streams, part, 1, 0))).unwrap_or(1);
    let usual = part.max(USUAL_PART);
    let mut best = plan(means, streams, part, 1, 0);
    for (part, in_flight) in [(part, 2), (usual, 2), (usual, IN_FLIGHT)] {
        best = Some(plan(means, streams, part, in_flight, 0)).filter(fits).unwrap_or(best);
    }
    let in_flight = best.in_flight.get() as u64;
    let workers = (1..=workers(means, streams)).rev();
    let mut plans = workers.map(|workers| plan(means, streams, best.part, in_flight, workers));
    Ok(plans.find(fits).unwrap_or(best))
}

/// Threads inside each stream that the cores allow. Where every core has a stream, the streams compress
/// themselves.
fn workers(means: &Means, streams: u64) -> u64 {
    let cores = means.cores as u64 / streams;
    let is_worth_it = cores > 1 && codec::is_parallel(means.compression, means.level);
    if is_worth_it { cores.min(MOST_WORKERS) } else { 0 }
}

/// The smallest part with which the largest object has no more parts than allowed: an object may be
/// full but for one byte when the largest file is added, files grow, and what no codec makes smaller
/// grows a little as well.
fn smallest_part(largest_file: u64) -> u64 {
    let largest_object = OBJECT + largest_file + largest_file / 32 + 256 * MIB;
    largest_object.div_ceil(MOST_PARTS).next_multiple_of(MIB).max(SMALLEST_PART)
}

fn plan(means: &Means, streams: u64, part: u64, in_flight: u64, workers: u64) -> Plan {
    let encoder = codec::encoder_memory(means.compression, means.level);
    let workers_memory = workers * codec::worker_memory(means.compression, means.level);
    // The manifest is one more stream: a buffer that fills slowly, and an encoder.
    let manifest = codec::encoder_memory(Compression::Zstd, Compression::Zstd.level(None));
    let parts = streams * (1 + in_flight) + 1;
    let memory =
        OWN + means.taken + manifest + parts * part + streams * (encoder + workers_memory + 2 * PIECE as u64);
    Plan {
        streams: usize::try_from(streams).unwrap_or(1),
        part,
        parts: usize::try_from(parts).unwrap_or(usize::MAX),
        in_flight: usize::try_from(in_flight).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN),
        workers: u32::try_from(workers).unwrap_or(0),
        memory,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::golden::{cases, number};

    const GIB: u64 = 1 << 30;
    const TIB: u64 = 1 << 40;

    fn means() -> Means {
        Means {
            memory: 256 * MIB,
            taken: MIB,
            cores: 8,
            jobs: NonZeroUsize::new(4).unwrap(),
            compression: Compression::Zstd,
            level: 1,
            largest_file: GIB,
            total: 8 * TIB,
            least_part: 0,
        }
    }

    /// Whether an object that was nearly full when the largest file came has few enough parts.
    fn is_sendable(plan: &Plan, largest: u64) -> bool {
        (OBJECT + largest + largest / 64).div_ceil(plan.part) <= MOST_PARTS
    }

    #[test]
    fn eight_tebibytes_of_segments_are_four_streams_in_the_default_memory() {
        let plan = plan_memory(&means()).unwrap();
        assert_eq!((plan.streams, plan.part, plan.workers), (4, USUAL_PART, 1), "{plan:?}");
        assert!(plan.memory <= 256 * MIB && is_sendable(&plan, GIB));
        let roomy = plan_memory(&Means { memory: GIB, ..means() }).unwrap();
        assert_eq!((roomy.streams, roomy.workers), (4, 2), "{roomy:?}");
    }

    #[test]
    fn one_file_of_four_tebibytes_says_what_it_needs_and_gets_by_with_that() {
        let huge = Means { largest_file: 4 * TIB, ..means() };
        let refused = plan_memory(&huge).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Usage);
        let hint = refused.hint_text().unwrap();
        let needed: u64 = hint.trim_start_matches("allow ").split_once("MiB").unwrap().0.parse().unwrap();
        let plan = plan_memory(&Means { memory: needed * MIB, ..huge }).unwrap();
        assert!(is_sendable(&plan, 4 * TIB) && plan.memory <= needed * MIB, "{plan:?}");
        assert!(plan_memory(&Means { memory: (needed - 1) * MIB, ..huge }).is_err());
    }

    #[test]
    fn a_budget_of_64_mib_is_enough_for_one_stream() {
        let plan = plan_memory(&Means { memory: 64 * MIB, ..means() }).unwrap();
        assert!(plan.streams >= 1 && plan.memory <= 64 * MIB, "{plan:?}");
    }

    #[test]
    fn many_cores_work_on_few_streams() {
        let plan = plan_memory(&Means { cores: 128, memory: 8 * GIB, ..means() }).unwrap();
        assert_eq!((plan.streams, plan.workers), (4, 16), "{plan:?}");
    }

    #[test]
    fn parts_are_no_smaller_than_is_asked_for_and_no_larger_than_a_store_takes() {
        let of = |least_part, memory| plan_memory(&Means { memory, least_part, ..means() });
        assert_eq!(of(5 * MIB, 256 * MIB).unwrap().part, USUAL_PART);
        assert_eq!(of(33 * MIB - 1, GIB).unwrap().part, 33 * MIB);
        assert_eq!(of(u64::MAX, 64 * GIB).unwrap().part, LARGEST_PART);
        assert!(of(GIB, 256 * MIB).is_err());
    }

    #[test]
    fn a_small_cluster_is_one_stream() {
        let small = Means { total: 30 * MIB, largest_file: MIB, ..means() };
        assert_eq!(plan_memory(&small).unwrap().streams, 1);
    }

    /// The reference computes a size and cuts a little behind it, where a write ends, so that parts differ;
    /// some stores refuse that (spec/barman-cloud.md 15.5). Here a plan has one size, at which
    /// [`parts`](crate::stream::parts) cuts exactly. There is no option for it: no object grows beyond
    /// what one file and [`OBJECT`] make it.
    #[test]
    fn an_archive_of_every_size_of_the_reference_is_cut_into_equal_parts_that_are_few_enough() {
        for case in cases("chunk_sizes") {
            // What is as large here is one file.
            let largest_file = number(&case, "max_archive_size");
            let plan = plan_memory(&Means { memory: 8 * GIB, largest_file, ..means() }).unwrap();
            assert!(is_sendable(&plan, largest_file) && plan.part >= SMALLEST_PART, "{case}: {plan:?}");
            assert!(plan.part.is_multiple_of(MIB), "{case}: {plan:?}");
        }
    }

    proptest! {
        #[test]
        fn no_plan_takes_more_than_it_may_or_makes_too_many_parts(
            memory in 0..(64 * GIB), taken in 0..(GIB), cores in 1..512_usize, jobs in 1..64_usize,
            codec in 0..7_usize, largest_file in 0..(5 * TIB), total in 0..(64 * TIB), level in 1..22_i32,
        ) {
            let compression = Compression::ALL[codec];
            let level = compression.level(Some(crate::model::Level::Number(level)));
            let jobs = NonZeroUsize::new(jobs).unwrap();
            let means = Means { memory, taken, cores, jobs, compression, level, largest_file, total, least_part: 0 };
            if let Ok(plan) = plan_memory(&means) {
                prop_assert!(plan.memory <= memory, "{:?}", plan);
                prop_assert!(plan.streams >= 1 && plan.streams <= jobs.get());
                prop_assert!(plan.parts >= plan.streams + 2);
                prop_assert!(plan.part >= SMALLEST_PART && is_sendable(&plan, largest_file));
            }
        }
    }
}
