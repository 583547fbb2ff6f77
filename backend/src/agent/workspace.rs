//! The shared folder: the only way in which the agent touches files, and what keeps everybody inside it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::DirExt as _;
use cap_std::fs::Dir;
use parlor_shared::access_rules::{is_shared, is_writable_by_guests};
use parlor_shared::path::WorkspacePath;

mod change;
mod error;
mod listing;
mod names;
mod natural;
pub(super) mod platform;
pub(super) mod read;

pub use error::{OpenError, WorkspaceError};
pub use listing::Listing;
pub use read::{FileReader, FileStamp, FileText};

/// Links that may follow one another at the end of a path: what Linux allows.
const MAX_LINKS: usize = 40;

/// How often a path is resolved anew when a folder or link on it was replaced in between.
const MAX_RESOLUTIONS: usize = 4;

/// On whose behalf something is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The person whose machine this is.
    Host,
    /// Anybody else: never writes what steers the host's own tools.
    Guest,
}

/// The shared folder. Cheap to clone. Every method blocks on the disk.
///
/// Safety: a path is resolved once to where it really leads, links followed; the access rules are asked about the path
/// as given and about the place it led to; then that place is opened folder by folder without following any link. So a
/// link that changes in between makes the operation fail or start again, and never reaches what was not checked.
#[derive(Clone)]
pub struct Workspace {
    inner: Arc<Inner>,
}

struct Inner {
    root: Dir,
    absolute: PathBuf,
    name: String,
}

/// What is to be done with a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    Read,
    Write(Actor),
}

/// An entry of a folder that lies inside the workspace and may be accessed as asked.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder, opened.
    pub(super) folder: Dir,
    /// The entry in it, which may not exist.
    pub(super) name: String,
    /// Where that is, links followed.
    pub(super) path: WorkspacePath,
}

impl Workspace {
    /// Opens a folder for sharing.
    ///
    /// # Errors
    /// If it is missing, not a folder or not accessible.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        let absolute = root.canonicalize().map_err(|error| OpenError::new(root.to_owned(), error))?;
        let dir = Dir::open_ambient_dir(&absolute, cap_std::ambient_authority())
            .map_err(|error| OpenError::new(root.to_owned(), error))?;
        let name =
            absolute.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Self { inner: Arc::new(Inner { root: dir, absolute, name }) })
    }

    /// The folder's own name, for people.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Where the folder lies on this machine. Never told to guests.
    pub fn absolute_root(&self) -> &Path {
        &self.inner.absolute
    }

    /// Whether the actor may change what this path leads to: the path itself and the place it resolves to,
    /// whether or not anything is there. For refusing early; every change checks again by itself.
    ///
    /// # Errors
    /// [`WorkspaceError::Protected`], or why the path can not be resolved.
    pub fn check_writable(&self, actor: Actor, path: &WorkspacePath) -> Result<(), WorkspaceError> {
        let access = Access::Write(actor);
        let checked = match self.locate(access, path) {
            Err(WorkspaceError::NotFound(_)) => self.entry(access, path).map(drop),
            located => located.map(drop),
        };
        match checked {
            Err(WorkspaceError::NotFound(_)) => Ok(()),
            checked => checked,
        }
    }

    /// Opens a folder, links followed, and says where it is.
    fn folder(&self, access: Access, path: &WorkspacePath) -> Result<(Dir, WorkspacePath), WorkspaceError> {
        self.resolved(|| {
            let place = self.locate(access, path)?;
            Ok((self.walk(path, &place)?, place))
        })
    }

    /// Finds what a path leads to, links followed. It exists.
    pub(super) fn target(&self, access: Access, path: &WorkspacePath) -> Result<Place, WorkspaceError> {
        self.resolved(|| {
            let target = self.locate(access, path)?;
            let parent = target.parent().ok_or_else(|| WorkspaceError::IsFolder(path.clone()))?;
            let folder = self.walk(path, &parent)?;
            Ok(Place { folder, name: target.name().to_owned(), path: target })
        })
    }

    /// Finds the entry that a path names: links in its parents are followed, itself not. It need not exist.
    pub(super) fn entry(&self, access: Access, path: &WorkspacePath) -> Result<Place, WorkspaceError> {
        permit(access, path, path)?;
        let parent = path.parent().ok_or_else(|| WorkspaceError::Protected(path.clone()))?;
        let (folder, parent) = self.folder(access, &parent).map_err(|error| match error {
            // Said of the path that was asked for, so that nobody learns where a link leads.
            WorkspaceError::Protected(_) => WorkspaceError::Protected(path.clone()),
            error => error,
        })?;
        let place =
            parent.join(path.name()).map_err(|_| WorkspaceError::InvalidName(path.name().to_owned()))?;
        permit(access, &place, path)?;
        Ok(Place { folder, name: path.name().to_owned(), path: place })
    }

    /// Where a path really leads, if that may be accessed.
    pub(super) fn locate(
        &self,
        access: Access,
        path: &WorkspacePath,
    ) -> Result<WorkspacePath, WorkspaceError> {
        permit(access, path, path)?;
        if path.is_root() {
            return Ok(WorkspacePath::root());
        }
        let place =
            self.follow(Path::new(path.as_str())).map_err(|error| WorkspaceError::from_io(path, error))?;
        let place = match place.to_str() {
            Some(".") => WorkspacePath::root(),
            Some(text) => WorkspacePath::parse(text).map_err(|_| unsayable(&place))?,
            None => return Err(unsayable(&place)),
        };
        permit(access, &place, path)?;
        Ok(place)
    }

    /// Resolves all links of a path, within the sandbox.
    ///
    /// Link by link at the end of the path, because the system's answer for a whole path is wrong in the moment in which
    /// the file it leads to is replaced by another: then it names a deleted file.
    fn follow(&self, path: &Path) -> io::Result<PathBuf> {
        let root = &self.inner.root;
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                // Ends in `..`: a folder.
                return root.canonicalize(path);
            };
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            let parent = root.canonicalize(parent)?;
            let place = if parent == Path::new(".") { PathBuf::from(name) } else { parent.join(name) };
            if !root.symlink_metadata(&place)?.is_symlink() {
                return Ok(place);
            }
            // An absolute target replaces the path, and is refused in the next round.
            path = parent.join(root.read_link_contents(&place)?);
        }
        Err(rustix::io::Errno::LOOP.into())
    }

    /// Opens a folder that [`Self::locate`] gave, refusing every link on the way: there was none a moment ago.
    fn walk(&self, asked: &WorkspacePath, place: &WorkspacePath) -> Result<Dir, WorkspaceError> {
        let mut components = place.components();
        let first = match components.next() {
            None => self.inner.root.try_clone(),
            Some(name) => self.inner.root.open_dir_nofollow(name),
        };
        components
            .try_fold(first.map_err(|error| WorkspaceError::from_io(asked, error))?, |folder, name| {
                folder.open_dir_nofollow(name)
            })
            .map_err(|error| WorkspaceError::from_io(asked, error))
    }

    /// Repeats a resolution that something else disturbed.
    fn resolved<T>(
        &self,
        mut resolve: impl FnMut() -> Result<T, WorkspaceError>,
    ) -> Result<T, WorkspaceError> {
        for _ in 1..MAX_RESOLUTIONS {
            match resolve() {
                Err(WorkspaceError::NotFolder(_)) => {}
                settled => return settled,
            }
        }
        resolve()
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Workspace").field(&self.inner.absolute).finish()
    }
}

/// The access rules, in one place. `asked` is what an error speaks of.
fn permit(access: Access, path: &WorkspacePath, asked: &WorkspacePath) -> Result<(), WorkspaceError> {
    let permitted = match access {
        Access::Read | Access::Write(Actor::Host) => is_shared(path),
        Access::Write(Actor::Guest) => is_writable_by_guests(path),
    };
    if permitted { Ok(()) } else { Err(WorkspaceError::Protected(asked.clone())) }
}

/// A link leads to something whose name can not be a [`WorkspacePath`], so the rules can not be asked about it.
fn unsayable(place: &Path) -> WorkspaceError {
    WorkspaceError::InvalidName(place.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
