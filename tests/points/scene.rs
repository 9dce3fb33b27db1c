//! A verb in a situation that can be laid out again and again, and what is done to it: it dies at a
//! point, the power fails with it, and it is called again.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use barkeep::points::{LOG, POINT};

use crate::common::load::Noise;
use crate::common::{must, run, tell};
use crate::lost::{self, World};

/// How long a verb may take that nobody disturbs.
const PATIENCE: Duration = Duration::from_mins(3);

/// A verb with more points than this is stopped at the first and the last of them, and at as many between.
const ALL_UP_TO: u64 = 60;

/// How often a step is looked for in its place.
const ATTEMPTS: u32 = 5;

/// A verb in its situation.
pub(crate) trait Scene {
    /// For messages.
    fn name(&self) -> String;
    /// The verb, as the point names it.
    fn verb(&self) -> &'static str;
    /// The call under test.
    fn command(&self) -> Command;
    /// Lays out everything as it was before the first call.
    async fn lay(&self);
    /// Waits until nobody but us touches the store.
    async fn settle(&self);
    /// # Panics
    /// When something is there that must never be.
    async fn sound(&self, when: &str);
    /// Calls the verb again, as its caller would; it must succeed.
    async fn again(&self, when: &str);
    /// # Panics
    /// When the result is another than that of a call that nobody disturbed.
    async fn done(&self, when: &str);
    /// The store's directory, of which what was not flushed may be lost.
    fn root(&self) -> Option<PathBuf>;
    /// What else the next call finds, beside the store.
    fn beside(&self) -> Vec<PathBuf>;
    /// An empty directory of ours on the store's file system.
    fn workplace(&self) -> PathBuf;
}

/// Lets the verb die at its points: of many, at `few` unless all are asked for.
pub(crate) async fn die_at_points(scene: &impl Scene, few: u64) {
    let mut noise = Noise(1);
    let count = undisturbed(scene).await;
    let chosen = chosen(count, few);
    let mut died = 0;
    for n in &chosen {
        scene.lay().await;
        let traces = Traces::new(scene);
        let ended = traces.call(scene, &n.to_string());
        died += u64::from(ended.status.signal() == Some(9));
        let step = traces.step(*n);
        let when = format!("{}, dead at point {n} of {count}, {step}", scene.name());
        assert!(ended.status.signal() == Some(9) || ended.status.success(), "{when}: {}", told(&ended));
        scene.settle().await;
        scene.sound(&when).await;
        for (what, world) in traces.worlds(scene, &mut noise) {
            let when = format!("{when}{what}");
            world.lay_out();
            scene.sound(&when).await;
            scene.again(&when).await;
            scene.settle().await;
            scene.done(&when).await;
        }
    }
    let name = scene.name();
    tell(&format!("{name}: {count} points, {} tried, {died} died there", chosen.len()));
    // Threads come by in another order, and the last point may not be reached.
    assert!(died * 4 >= chosen.len() as u64 * 3, "{name}: only {died} of {} died", chosen.len());
}

/// Lets steps on the disk fail with errors of the operating system's: one step of every kind with every
/// error, or every one if all are asked for. What the verb says is given to `judge`, with the step.
pub(crate) async fn fail_at_points(
    scene: &impl Scene,
    errors: &[(&str, i32)],
    judge: impl Fn(&Failed, &str),
) {
    scene.lay().await;
    let traces = Traces::new(scene);
    let undisturbed = traces.call(scene, "0");
    assert!(undisturbed.status.success(), "{}", told(&undisturbed));
    let mut steps: Vec<(u64, String)> = Vec::new();
    for (n, step) in traces.steps() {
        let is_new = steps.iter().all(|(_, known)| kind_of(known) != kind_of(&step));
        if is_on_disk(&step) && (is_new || all()) {
            steps.push((n, step));
        }
    }
    let (mut failed, mut elsewhere) = (0, 0);
    for (n, step) in
        chosen(steps.len() as u64, 60).into_iter().filter_map(|i| steps.get(usize::try_from(i).ok()? - 1))
    {
        for (error, errno) in errors.iter().filter(|(error, _)| may(kind_of(step), error)) {
            let Some(call) = fail_at(scene, *n, error, *errno).await else {
                elsewhere += 1;
                continue;
            };
            let when = format!("{}, {error} at point {n}, {}", scene.name(), call.step.replace('\t', " "));
            assert!(call.output.status.code().is_some(), "{when}: {}", call.text());
            let succeeded = call.output.status.success();
            judge(&call, &when);
            scene.settle().await;
            if succeeded {
                scene.done(&when).await;
            } else {
                failed += 1;
            }
            scene.sound(&when).await;
            scene.again(&when).await;
            scene.settle().await;
            scene.done(&when).await;
        }
    }
    tell(&format!("{}: {} steps, {failed} calls failed, {elsewhere} elsewhere", scene.name(), steps.len()));
    // The order changes here and there, not everywhere.
    assert!(elsewhere * 2 <= steps.len(), "{}: {elsewhere} steps never came in their place", scene.name());
}

/// A call in which the step of this number fails, unless that was each time a step that no disk answers so:
/// threads come by in another order now and then, and what the step was this run's log says. Where the flush
/// of a folder was denied, it was taken for a service that denies to replace what is there.
async fn fail_at(scene: &impl Scene, n: u64, error: &str, errno: i32) -> Option<Failed> {
    for _ in 0..ATTEMPTS {
        scene.lay().await;
        let traces = Traces::new(scene);
        let output = traces.call(scene, &format!("{n}:{errno}"));
        let step = traces.step(n);
        if is_on_disk(&step) && may(kind_of(&step), error) {
            return Some(Failed { error: error.to_owned(), step, output });
        }
    }
    None
}

/// Whether a step of the log is one on the disk. One that was not reached is none.
fn is_on_disk(step: &str) -> bool {
    !step.is_empty() && !step.starts_with("ask") && !step.starts_with("answered")
}

/// The kind of a step in the log.
fn kind_of(step: &str) -> &str {
    step.split('\t').next().unwrap_or_default()
}

/// Whether an operating system answers such a step so: rights are asked for where names are made, and a file
/// system that is mounted for reading lets no file be opened that could be written to.
fn may(step: &str, error: &str) -> bool {
    let about_bytes = ["write", "flush", "flush-directory", "flush-file-system"].contains(&step);
    let frees = step.starts_with("remove");
    !(about_bytes && ["EACCES", "EROFS"].contains(&error) || frees && error == "ENOSPC")
}

/// What a call said of a failed step.
pub(crate) struct Failed {
    /// The error's name.
    pub error: String,
    /// The step's line in the log.
    pub step: String,
    /// How the call ended.
    pub output: Output,
}

impl Failed {
    /// The path of the step.
    pub(crate) fn path(&self) -> &Path {
        Path::new(self.step.split('\t').nth(1).unwrap_or_default())
    }

    /// The last of its paths: what a file was to be called.
    pub(crate) fn last_path(&self) -> &Path {
        Path::new(self.step.split('\t').next_back().unwrap_or_default())
    }

    /// All that was said.
    pub(crate) fn text(&self) -> String {
        told(&self.output)
    }
}

/// Kills the verb at random instants, so many times.
pub(crate) async fn die_at_random_instants(scene: &impl Scene, kills: u32, noise: &mut Noise) {
    scene.lay().await;
    let begin = std::time::Instant::now();
    must(&mut scene.command(), PATIENCE);
    let mut whole = u64::try_from(begin.elapsed().as_micros()).unwrap().max(1);
    let mut died = 0;
    for n in 1..=kills {
        scene.lay().await;
        let mut child =
            scene.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
        let instant = noise.next() % whole;
        tokio::time::sleep(Duration::from_micros(instant)).await;
        let _ = child.kill();
        if child.wait().unwrap().signal() == Some(9) {
            died += 1;
        } else {
            // The first call may have been slow, as on a busy machine: this one had ended by now.
            whole = instant.max(1);
        }
        let when = format!("{}, kill {n} at a random instant", scene.name());
        scene.settle().await;
        scene.sound(&when).await;
        scene.again(&when).await;
        scene.settle().await;
        scene.done(&when).await;
    }
    tell(&format!("{}: killed {kills} times, {died} before it had ended", scene.name()));
    assert!(died * 4 >= kills, "{}: only {died} of {kills} were killed before they had ended", scene.name());
}

/// A call that nobody disturbs; how many points it passes. What it said is done survives a power failure.
async fn undisturbed(scene: &impl Scene) -> u64 {
    scene.lay().await;
    let traces = Traces::new(scene);
    let ended = traces.call(scene, "0");
    assert!(ended.status.success(), "{}: {}", scene.name(), told(&ended));
    scene.settle().await;
    let when = format!("{}, undisturbed", scene.name());
    scene.sound(&when).await;
    scene.done(&when).await;
    for (what, world) in traces.worlds(scene, &mut Noise(1)) {
        let when = format!("{when}{what}");
        world.lay_out();
        scene.sound(&when).await;
        scene.done(&when).await;
    }
    let count = traces.steps().len() as u64;
    assert!(count > 0, "the binary has no points: it was built without debug assertions");
    count
}

/// Whether every point is asked for.
pub(crate) fn all() -> bool {
    std::env::var_os("BARKEEP_TEST_ALL_POINTS").is_some()
}

/// The numbers to try, of so many.
fn chosen(count: u64, few: u64) -> Vec<u64> {
    let most = if all() { ALL_UP_TO } else { few };
    if count <= most {
        return (1..=count).collect();
    }
    let third = most / 3;
    let between = (1..=most - 2 * third).map(|i| third + i * (count - 2 * third) / (most - 2 * third + 1));
    let mut chosen: Vec<u64> = (1..=third).chain(between).chain(count - third + 1..=count).collect();
    chosen.dedup();
    chosen
}

/// What one call leaves beside its work: the log of its points, what lost its name, and the tree as it was
/// before.
struct Traces {
    place: PathBuf,
}

impl Traces {
    fn new(scene: &impl Scene) -> Self {
        let place = scene.workplace();
        if let Some(root) = scene.root() {
            lost::copy(&root, &place.join("before"));
        }
        crate::common::give_to_postgres(&place);
        let kept = place.join("log.kept");
        std::fs::create_dir(&kept).unwrap();
        crate::common::give_to_postgres(&kept);
        Self { place }
    }

    fn call(&self, scene: &impl Scene, point: &str) -> Output {
        let mut command = scene.command();
        command.env(POINT, format!("{}:{point}", scene.verb())).env(LOG, self.place.join("log"));
        run(&mut command, PATIENCE)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.join("log")).unwrap_or_default()
    }

    /// The points passed, in order.
    fn steps(&self) -> Vec<(u64, String)> {
        let log = self.log();
        let numbered = log.lines().filter_map(|line| {
            let (number, step) = line.split_once('\t')?;
            Some((number.parse().ok()?, step.to_owned()))
        });
        numbered.collect()
    }

    fn step(&self, n: u64) -> String {
        self.steps().into_iter().find(|(number, _)| *number == n).map(|(_, step)| step).unwrap_or_default()
    }

    /// The states in which the next call may find the store: as it is, and as a power failure at this
    /// moment may leave it.
    fn worlds(&self, scene: &impl Scene, noise: &mut Noise) -> Vec<(&'static str, World)> {
        let beside = scene.beside();
        let Some(root) = scene.root() else { return vec![("", World::as_it_is(&beside, &self.place))] };
        lost::copy(&root, &self.place.join("killed"));
        let mut worlds = lost::worlds(&self.place, &root, &self.log(), &beside, noise);
        if !all() {
            // As it is, and with the least that is certain.
            worlds.truncate(2);
        }
        worlds
    }
}

/// How a call ended and what it said.
pub(crate) fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}: {}{}", output.status, text(&output.stdout), text(&output.stderr))
}
