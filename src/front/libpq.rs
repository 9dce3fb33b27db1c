//! What libpq looks at besides the words.

use std::path::PathBuf;

use nix::unistd::{Uid, User};

use super::borrowed::Environment;
use crate::postgres::Surroundings;

/// The environment, and the home and the name of whoever runs this.
pub(crate) fn surroundings(environment: Environment<'_>) -> Surroundings<'_> {
    // A user without an entry has no name, and must give one if it comes to that.
    let entry = User::from_uid(Uid::effective()).ok().flatten();
    let home = environment("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    Surroundings {
        environment,
        home: home.or_else(|| entry.as_ref().map(|user| user.dir.clone())),
        user: entry.map(|user| user.name),
    }
}
