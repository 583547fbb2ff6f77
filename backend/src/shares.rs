//! Which folders this person shares at the moment, wherever their agents keep their state: two must not get in each other's way.
//!
//! Each agent holds a lock on a file of its own, in a folder that neither `PARLOR_STATE_DIR` nor another variable moves. The
//! lock ends with the agent, however that ends; a file without one says nothing and is removed. Nothing is ever
//! written into the shared folder. Agents of other people are not seen.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::debug;

/// Largest file that is read: a path has 4096 bytes at most, and JSON writes some of them as six.
const MAX_ENTRY_BYTES: u64 = 32 * 1024;

/// Device and number of a folder: it may have more than one path.
type Identity = (u64, u64);

/// A folder that is being shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    /// The agent's process.
    pub(crate) pid: u32,
    /// Its canonical path.
    pub(crate) folder: PathBuf,
    identity: Option<Identity>,
}

/// How another share stands to a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// It is the same folder.
    Same,
    /// It lies inside.
    Inside,
    /// The folder lies inside it.
    Around,
}

/// Says that a folder is being shared, until it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    files: Vec<(PathBuf, File)>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        for (path, _) in &self.files {
            // One that stays has no lock and is removed by whoever looks next.
            let _ = fs::remove_file(path);
        }
    }
}

/// Says that this program shares a folder; its path is canonical. Where that can not be said, all else works.
pub(crate) fn register(folder: &Path) -> Registration {
    register_in(&places(), folder)
}

/// What other agents of this person share that is this folder, lies inside it, or has it inside.
pub(crate) fn overlapping(folder: &Path) -> Vec<(Overlap, Share)> {
    overlapping_in(&places(), folder, std::process::id())
}

fn register_in(places: &[PathBuf], folder: &Path) -> Registration {
    let pid = std::process::id();
    let share = Share { pid, folder: folder.to_owned(), identity: identity(folder) };
    let enter = |place: &PathBuf| {
        // Nobody takes it for abandoned before it has its lock: it has its name only then.
        let (path, new) = (place.join(format!("{pid}.share")), place.join(format!("{pid}.new")));
        let mut file = private().create(true).truncate(true).write(true).open(&new)?;
        file.try_lock().map_err(|_| io::Error::from(io::ErrorKind::ResourceBusy))?;
        serde_json::to_writer(&mut file, &share)?;
        file.flush()?;
        fs::rename(&new, &path)?;
        Ok((path, file))
    };
    let files = places.iter().filter_map(|place| {
        let entered: io::Result<_> = enter(place);
        entered.inspect_err(|error| debug!(%error, "other agents are not told of this one")).ok()
    });
    Registration { files: files.collect() }
}

fn overlapping_in(places: &[PathBuf], folder: &Path, own: u32) -> Vec<(Overlap, Share)> {
    let mut found: Vec<(Overlap, Share)> = Vec::new();
    for entry in places.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "share") {
            continue;
        }
        let Some(share) = living(&path).filter(|share| share.pid != own) else { continue };
        let overlap = overlap(folder, &share);
        if let Some(overlap) = overlap.filter(|_| found.iter().all(|(_, other)| *other != share)) {
            found.push((overlap, share));
        }
    }
    found
}

/// What an agent that lives wrote there. What one left that does not is removed.
fn living(path: &Path) -> Option<Share> {
    let file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        Ok(()) => {
            let _ = fs::remove_file(path);
            return None;
        }
        Err(TryLockError::Error(_)) => return None,
    }
    let mut text = Vec::new();
    file.take(MAX_ENTRY_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn overlap(folder: &Path, share: &Share) -> Option<Overlap> {
    // By what the folders are: a path may be another one where a disk is mounted twice, or letters' case does not matter.
    let has = |inner: &Path, outer: &Path, outer_identity: Option<Identity>| {
        inner
            .ancestors()
            .any(|above| above == outer || (outer_identity.is_some() && identity(above) == outer_identity))
    };
    let mine = identity(folder);
    if folder == share.folder || (mine.is_some() && mine == share.identity) {
        Some(Overlap::Same)
    } else if has(&share.folder, folder, mine) {
        Some(Overlap::Inside)
    } else if has(folder, &share.folder, share.identity) {
        Some(Overlap::Around)
    } else {
        None
    }
}

#[cfg(unix)]
fn identity(folder: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_folder: &Path) -> Option<Identity> {
    None
}

fn private() -> fs::OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Where it is said: in every place that there is, since one may come after another agent began, as at a login.
#[cfg(unix)]
fn places() -> Vec<PathBuf> {
    let user = rustix::process::geteuid();
    let running = PathBuf::from(format!("/run/user/{}", user.as_raw()));
    let mut places = vec![PathBuf::from(format!("/tmp/parlor-{}", user.as_raw()))];
    if running.is_dir() {
        places.push(running.join("parlor"));
    }
    places.retain(|place| {
        let made = crate::agent::create_private(place);
        made.is_ok() && is_mine(place, user)
    });
    places
}

/// `/tmp` is everybody's: what somebody else made there under our name is not used.
#[cfg(unix)]
fn is_mine(place: &Path, user: rustix::fs::Uid) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::symlink_metadata(place).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == user.as_raw() && metadata.mode() & 0o077 == 0
    })
}

#[cfg(not(unix))]
fn places() -> Vec<PathBuf> {
    let place = std::env::temp_dir().join("parlor-shares");
    crate::agent::create_private(&place).map(|()| vec![place]).unwrap_or_default()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn folders_around_and_inside_are_seen_while_their_agent_lives_and_others_are_not() {
        let (place, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = root.path().canonicalize().unwrap();
        for folder in ["a/b/c", "ab"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("a/b"), root.join("link")).unwrap();
        let places = [place.path().to_owned(), place.path().to_owned()];
        let seen = |folder: &str| {
            let found = overlapping_in(&places, &root.join(folder), 0);
            assert!(found.len() <= 1, "{found:?}");
            found.first().map(|(overlap, _)| *overlap)
        };
        let registration = register_in(&places[..1], &root.join("a/b"));
        assert_eq!(seen("a/b"), Some(Overlap::Same));
        assert_eq!(seen("link"), Some(Overlap::Same));
        assert_eq!(seen("a"), Some(Overlap::Inside));
        assert_eq!(seen("a/b/c"), Some(Overlap::Around));
        assert_eq!(seen("link/c"), Some(Overlap::Around));
        assert_eq!(seen("ab"), None);
        assert_eq!(overlapping_in(&places, &root.join("a"), std::process::id()), []);
        drop(registration);
        assert_eq!(seen("a/b"), None);

        // What an agent left that was killed.
        let left = place.path().join("1.share");
        let share = Share { pid: 1, folder: root.join("a"), identity: None };
        serde_json::to_writer(File::create(&left).unwrap(), &share).unwrap();
        assert_eq!(seen("a"), None);
        assert!(!left.exists());
    }
}
