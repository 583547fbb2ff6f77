//! What one open document knows of its file: reading it, noticing what others do to it, and saving without losing that.

use std::io::{self, Seek as _, SeekFrom};
use std::time::Duration;

use cap_fs_ext::MetadataExt as _;
use cap_std::fs::{File, Metadata};
use parlor_shared::document::outside::{Judgement as Origin, RecentTexts, judge};
use parlor_shared::fault::Fault;
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::{Encoding, Reading};
use parlor_shared::path::WorkspacePath;

use super::encoding::{self, Decoded, Format};
use crate::agent::disk_work::time_of_day;
use crate::agent::workspace::read::{check_text_size, read_document};
use crate::agent::workspace::{
    Access, Actor, FileStamp, FileText, Place, Workspace, WorkspaceError, platform,
};
pub use in_place::{Announce, NotAnnounced};
use in_place::{Appends, SaveError, Written};
pub(in crate::agent) use remains::insertions;
pub use remains::{Fingerprint, Intent, Judgement, Remains};

mod in_place;
mod remains;
mod script;

/// Between two looks at a file that something is writing at this moment.
pub const SETTLE_INTERVAL: Duration = Duration::from_millis(100);

/// Saves in a row that give way to another writer. Then what another program appends is no reason to give way any more, so
/// that a file that is appended to without pause is saved at all.
const MAX_CONFLICTS: u32 = 3;

/// Looks in a row at which a file may seem half written before it is taken as it is.
const MAX_SETTLING: u32 = 10;

/// A file that another program appended to so recently is not made shorter. No system cuts a file only if nobody appended to it
/// just now, so that is done in a pause.
const APPEND_PAUSE: Duration = Duration::from_millis(200);

/// Saves in a row that wait for such a pause. Then a writer without pause is not waited for: about 5 s.
const MAX_WAITS_FOR_PAUSE: u32 = 50;

/// How often one checkpoint starts again because the file was touched or replaced under its hands.
const MAX_ATTEMPTS: usize = 5;

/// A file that changed this recently may change again without its times telling: 2 s is the coarsest clock of a file
/// system in use (FAT), and leaves room for a server whose clock differs a little.
const COARSEST_FILE_CLOCK: Duration = Duration::from_secs(2);

/// The file of one open document. Every method that takes it mutably blocks on the disk.
///
/// Safety: a checkpoint never destroys what another program wrote. It compares the file with what was last read or written
/// right before it writes, keeps what is appended at the same moment, and reads back what it wrote: see `disk/in_place.rs`.
/// What is left between is a program that writes over the same bytes within the microseconds of one write.
/// Liveness: a writer that appends without pause holds a checkpoint up `MAX_CONFLICTS` times.
#[derive(Debug)]
pub struct DiskFile {
    workspace: Workspace,
    path: WorkspacePath,
    /// The text of the file as it was last read or written: what outside changes are measured against.
    base: String,
    format: Format,
    /// What the file held before that, and now.
    recent: RecentTexts,
    /// The state of the file that has this text; none while it is gone.
    known: Option<Known>,
    /// What a file created in its place should look like.
    attributes: Option<Metadata>,
    /// A save whose end is not known: the program ended in its midst, or it failed and could not be taken back.
    unfinished: Option<Unfinished>,
    conflicts: u32,
    settling: u32,
    /// When another program appended to it last, in nanoseconds since 1970.
    appended_at_ns: Option<i128>,
    waits_for_pause: u32,
}

/// A save whose end is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The bytes of before and after.
    pub remains: Remains,
    /// The text of after.
    pub text: String,
    /// How the file stores it then.
    pub format: Format,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    stamp: FileStamp,
    /// Whether the same stamp proves the same content, see [`COARSEST_FILE_CLOCK`].
    proves: Proves,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proves {
    Content,
    Nothing,
}

/// What something else did to the file. The caller merges the difference of the two texts into the document, which
/// keeps what was typed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideChange {
    /// The text that the difference starts from. Not always the document's.
    pub before: String,
    /// The text that the other wrote.
    pub after: String,
    /// By which text it is to be measured.
    pub origin: Origin,
}

/// How the file stands to what was last read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Nothing changed.
    Same,
    /// The save whose end was not known is in the file now, by itself or because it was completed. Look again.
    Finished,
    /// Something else changed the text.
    Changed(OutsideChange),
    /// Something is writing it at this moment; ask again after [`SETTLE_INTERVAL`].
    Settling,
    /// Deleted, or replaced by something that is no file.
    Gone,
    /// It is there and is no text any more, or too large. Nothing is saved over it.
    NoLongerText(Fault),
}

/// How a checkpoint ended, if nothing failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// The text is on the disk.
    Saved {
        /// What another program appended at the very moment of saving, nearly always nothing.
        outside: Option<OutsideChange>,
    },
    /// The text was written, and another program wrote the file at the same moment: look what it holds.
    Overtaken,
    /// The save whose end was not known is in the file now. This text was not written: save again.
    Finished,
    /// Nothing was written, something else had changed the file: merge and save again.
    Conflict(OutsideChange),
    /// Nothing was written, because something is writing the file at this moment: save again after [`SETTLE_INTERVAL`].
    Settling,
    /// Nothing was written, the file is gone.
    Gone,
    /// Nothing was written, because the journal did not take the intent.
    NotAnnounced,
}

/// A text that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Save<'a> {
    /// The text.
    pub text: &'a str,
    /// A guest if a guest wrote any of what is new.
    pub author: Actor,
    /// What to do if the file is gone.
    pub missing: Missing,
    /// Who wants it.
    pub wish: Wish,
}

/// Who wants a text to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The clock: somebody typed a moment ago.
    Clock,
    /// A person who saves: that goes before what speaks for waiting.
    Person,
}

/// What a checkpoint does when the file is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Say so: somebody deleted it, and only a person who saves wants it back.
    Report,
    /// Create it again, if its folder is still there.
    Create,
}

/// The file as it is now, opened.
struct Current {
    place: Place,
    file: File,
    metadata: Metadata,
    stamp: FileStamp,
}

/// What is known of the save whose end was not known.
enum End {
    /// There is none, or it was not begun.
    Known,
    /// It is in the file.
    Finished,
    /// Another program writes the file at this moment.
    Settling,
}

/// What the file's content is to us.
enum Verdict {
    Same,
    Settling,
    NotText(WorkspaceError),
    Different(Decoded),
}

impl DiskFile {
    /// Reads a file that is being opened as a document.
    ///
    /// # Errors
    /// As [`Workspace::read_text`].
    pub fn load(workspace: &Workspace, path: &WorkspacePath) -> Result<(Self, FileText), WorkspaceError> {
        let place = workspace.target(Access::Read, path)?;
        let mut current = Current::open(place, path)?;
        let read_at = nanoseconds(time_of_day());
        let bytes = current.read(path)?;
        let Decoded { text, format } = encoding::decode(&bytes)
            .map_err(|_| WorkspaceError::Binary { path: path.clone(), bytes: bytes.len() as u64 })?;
        check_text_size(&text, path)?;
        let loaded = FileText { text: text.clone(), format: format.clone(), stamp: current.stamp };
        let mut recent = RecentTexts::default();
        recent.push(&text);
        let file = Self {
            workspace: workspace.clone(),
            path: path.clone(),
            base: text,
            recent,
            format,
            known: Some(Known::new(current.stamp, read_at)),
            attributes: Some(current.metadata),
            unfinished: None,
            conflicts: 0,
            settling: 0,
            appended_at_ns: None,
            waits_for_pause: 0,
        };
        Ok((file, loaded))
    }

    /// The file of a document that a journal brought back. `base` is what the file held when it was last read or
    /// written, and `unfinished` the save that was under way; what the file holds now, the first look tells.
    pub fn restored(
        workspace: &Workspace,
        path: &WorkspacePath,
        base: String,
        format: Format,
        unfinished: Option<Unfinished>,
    ) -> Self {
        let mut recent = RecentTexts::default();
        recent.push(&base);
        Self {
            workspace: workspace.clone(),
            path: path.clone(),
            base,
            recent,
            format,
            known: None,
            attributes: None,
            unfinished,
            conflicts: 0,
            settling: 0,
            appended_at_ns: None,
            waits_for_pause: 0,
        }
    }

    /// Where the file is.
    pub const fn path(&self) -> &WorkspacePath {
        &self.path
    }

    /// The file, or a folder above it, was renamed.
    pub fn moved(&mut self, to: WorkspacePath) {
        self.path = to;
    }

    /// The text of the file as it was last read or written.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How the file stores its text. Follows what the host's own tools make of it.
    pub const fn format(&self) -> &Format {
        &self.format
    }

    /// Reads the file in the encoding that a person chose. Gives what became of the text that it was before.
    ///
    /// # Errors
    /// If the file can not be read, or the encoding does not give its bytes again. Nothing changed then.
    pub fn reopen(&mut self, encoding: Encoding) -> Result<OutsideChange, WorkspaceError> {
        let mut current =
            self.open(Access::Read)?.ok_or_else(|| WorkspaceError::NotFound(self.path.clone()))?;
        let bytes = current.read(&self.path)?;
        let decoded = encoding::decode_in(&bytes, encoding, &self.format).ok_or_else(|| {
            WorkspaceError::EncodingMismatch { path: self.path.clone(), encoding: encoding.name() }
        })?;
        check_text_size(&decoded.text, &self.path)?;
        Ok(OutsideChange { origin: Origin::Edit, ..self.adopt(decoded, &current) })
    }

    /// The next checkpoint writes the file in this encoding.
    ///
    /// # Errors
    /// If the encoding lacks a character of this text. Nothing changed then.
    pub fn want(&mut self, encoding: Encoding, text: &str) -> Result<(), WorkspaceError> {
        let format = Format { wanted: Some(encoding), ..self.format.clone() };
        self.encode(text, &format.carried(&self.base, text))?;
        self.format = format;
        Ok(())
    }

    /// Whether the actor may change this file; a link to something protected is as protected as that.
    ///
    /// # Errors
    /// [`WorkspaceError::Protected`], or why the path can not be resolved.
    pub fn check_writable(&self, actor: Actor) -> Result<(), WorkspaceError> {
        self.workspace.check_writable(actor, &self.path)
    }

    /// Whether there is a save whose end is not known.
    pub const fn is_unfinished(&self) -> bool {
        self.unfinished.is_some()
    }

    /// Looks whether something else changed the file. Costs a few system calls when nothing did for a while. Completes a save
    /// whose end is not known.
    ///
    /// # Errors
    /// If the file can not be read now: the document stays as it is.
    pub fn changed_outside(&mut self) -> Result<Outside, WorkspaceError> {
        let Some(mut current) = self.open(Access::Read)? else {
            self.known = None;
            return Ok(Outside::Gone);
        };
        match self.finish_unfinished(&mut current)? {
            End::Known => {}
            End::Finished => return Ok(Outside::Finished),
            End::Settling => return Ok(Outside::Settling),
        }
        match self.compare(&mut current)? {
            Verdict::Same => Ok(Outside::Same),
            Verdict::Settling => Ok(Outside::Settling),
            Verdict::NotText(error) => Ok(Outside::NoLongerText(error.into())),
            Verdict::Different(decoded) => Ok(Outside::Changed(self.adopt(decoded, &current))),
        }
    }

    /// Writes the document's text, in place. `announce` keeps what is about to be done where a sudden end does not lose it.
    ///
    /// # Errors
    /// If the file is read-only, protected or no text any more, or the disk is full or fails. The file is as it was then,
    /// unless the error is [`WorkspaceError::HalfWritten`].
    pub fn checkpoint(
        &mut self,
        save: Save<'_>,
        announce: &mut Announce<'_>,
    ) -> Result<Checkpoint, WorkspaceError> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(done) = self.try_checkpoint(save, announce)? {
                return Ok(done);
            }
        }
        Ok(Checkpoint::Settling)
    }

    /// `None`: the file was touched, replaced or deleted under our hands; nothing was written.
    fn try_checkpoint(
        &mut self,
        save: Save<'_>,
        announce: &mut Announce<'_>,
    ) -> Result<Option<Checkpoint>, WorkspaceError> {
        let Some(mut current) = self.open(Access::Write(save.author))? else {
            self.known = None;
            return match save.missing {
                Missing::Report => Ok(Some(Checkpoint::Gone)),
                Missing::Create => self.try_create(save, announce),
            };
        };
        match self.finish_unfinished(&mut current)? {
            End::Known => {}
            End::Finished => return Ok(Some(Checkpoint::Finished)),
            End::Settling => return Ok(Some(Checkpoint::Settling)),
        }
        let Current { place, metadata, .. } = &current;
        match platform::check_writable(&place.folder, &place.name, metadata) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            checked => checked.map_err(|error| WorkspaceError::from_io(&self.path, error))?,
        }
        if save.author == Actor::Guest {
            self.workspace.check_other_names(&self.path, &current.metadata)?;
        }
        match self.compare(&mut current)? {
            Verdict::Same if save.text == self.base && self.format.wanted.is_none() => {
                self.conflicts = 0;
                return Ok(Some(Checkpoint::Saved { outside: None }));
            }
            Verdict::Same => {}
            Verdict::Settling => return Ok(Some(Checkpoint::Settling)),
            Verdict::NotText(error) => return Err(error),
            // It only appends, and does so all the time: what it appended stays behind what is written.
            Verdict::Different(decoded)
                if self.conflicts >= MAX_CONFLICTS && decoded.text.starts_with(&self.base) => {}
            Verdict::Different(decoded) => {
                self.conflicts += 1;
                return Ok(Some(Checkpoint::Conflict(self.adopt(decoded, &current))));
            }
        }
        let format = self.format.carried(&self.base, save.text);
        let (before, after) = (self.encode(&self.base, &self.format)?, self.encode(save.text, &format)?);
        if after.len() < before.len()
            && self.is_being_appended_to()
            && self.waits_for_pause < MAX_WAITS_FOR_PAUSE
        {
            self.waits_for_pause += 1;
            return Ok(Some(Checkpoint::Settling));
        }
        if save.wish == Wish::Clock && script::runs(&before, self.path.name(), &current.metadata) {
            return Err(WorkspaceError::ScriptRuns(self.path.clone()));
        }
        let appends = if self.conflicts < MAX_CONFLICTS { Appends::GiveWay } else { Appends::Keep };
        let mut announced = None;
        let written = in_place::write(&mut current, &before, &after, appends, &mut |intent| {
            announced = Some(intent.clone());
            announce(intent)
        });
        match written {
            Ok(Written::Whole { appended }) => {
                self.remember(save.text, format, Some(current.stamp));
                self.attributes = Some(current.metadata.clone());
                let outside = self.take_in_appended(&after, &appended, &current);
                Ok(Some(Checkpoint::Saved { outside }))
            }
            Ok(Written::Overtaken) => {
                // The file held it for a moment: what another program made of it is measured against that.
                self.remember(save.text, format, None);
                Ok(Some(Checkpoint::Overtaken))
            }
            Ok(Written::Different) => Ok(None),
            Err(error) => {
                self.save_failed(error, announced, (before, after), (save.text.to_owned(), format)).map(Some)
            }
        }
    }

    /// Creates the file again. `None`: something else just did.
    fn try_create(
        &mut self,
        save: Save<'_>,
        announce: &mut Announce<'_>,
    ) -> Result<Option<Checkpoint>, WorkspaceError> {
        let place = self.workspace.entry(Access::Write(save.author), &self.path)?;
        if let Ok(metadata) = place.folder.symlink_metadata(&place.name) {
            return match metadata {
                metadata if metadata.is_file() => Ok(None),
                metadata if metadata.is_dir() => Err(WorkspaceError::IsFolder(self.path.clone())),
                // What a link lacks can not be told from here: its target's folder may be gone, or lie outside.
                metadata if metadata.is_symlink() => Err(WorkspaceError::NotFound(self.path.clone())),
                _ => Err(WorkspaceError::SpecialFile(self.path.clone())),
            };
        }
        self.unfinished = None;
        let format = self.format.carried(&self.base, save.text);
        let after = self.encode(save.text, &format)?;
        let mut announced = None;
        let created = in_place::create(&place, &after, self.attributes.as_ref(), &mut |intent| {
            announced = Some(intent.clone());
            announce(intent)
        });
        match created {
            Ok(false) => Ok(None),
            Ok(true) => {
                // Whatever the state of the file is: the next look reads it.
                self.remember(save.text, format, None);
                Ok(Some(Checkpoint::Saved { outside: None }))
            }
            Err(error) => {
                let text = (save.text.to_owned(), format);
                self.save_failed(error, announced, (Vec::new(), after), text).map(Some)
            }
        }
    }

    fn save_failed(
        &mut self,
        error: SaveError,
        announced: Option<Intent>,
        (before, after): (Vec<u8>, Vec<u8>),
        (text, format): (String, Format),
    ) -> Result<Checkpoint, WorkspaceError> {
        match error {
            SaveError::NotAnnounced => Ok(Checkpoint::NotAnnounced),
            SaveError::Untouched(error) => Err(WorkspaceError::from_io(&self.path, error)),
            SaveError::HalfWritten(error) => {
                tracing::warn!(path = %self.path, %error, "half written");
                self.known = None;
                let remains = announced.and_then(|intent| Remains::of(&intent, before, after));
                self.unfinished = remains.map(|remains| Unfinished { remains, text, format });
                Err(WorkspaceError::HalfWritten(self.path.clone()))
            }
        }
    }

    /// What another program appended while we saved is in the file already: it is the base of all that comes.
    fn take_in_appended(
        &mut self,
        after: &[u8],
        appended: &[u8],
        current: &Current,
    ) -> Option<OutsideChange> {
        if appended.is_empty() {
            return None;
        }
        // Half a character is no text yet: the next look sees it whole.
        self.known = None;
        let decoded = encoding::decode_again(&[after, appended].concat(), &self.format).ok()?;
        check_text_size(&decoded.text, &self.path).ok()?;
        Some(self.adopt(decoded, current))
    }

    fn is_being_appended_to(&self) -> bool {
        let age = |at| nanoseconds(time_of_day()).saturating_sub(at);
        self.appended_at_ns.is_some_and(|at| (0..nanoseconds(APPEND_PAUSE)).contains(&age(at)))
    }

    /// Learns from the file how the save ended whose end is not known, and completes it if it is torn.
    fn finish_unfinished(&mut self, current: &mut Current) -> Result<End, WorkspaceError> {
        let Some(unfinished) = &self.unfinished else { return Ok(End::Known) };
        let failed = |error| WorkspaceError::from_io(&self.path, error);
        let found = in_place::read_whole(&mut current.file).map_err(failed)?;
        match unfinished.remains.judge(&found) {
            Judgement::NotWritten => {
                self.unfinished = None;
                return Ok(End::Known);
            }
            // Another program wrote the file since, after the save or instead of it. If the text is nearer to what the save was
            // to write, it was written: taken for a change outside, what was typed would be there twice.
            Judgement::Unrelated => {
                let found = encoding::decode_again(&found, &unfinished.format);
                let is_written = found.is_ok_and(|found| {
                    insertions(&unfinished.text, &found.text) < insertions(&self.base, &found.text)
                });
                if !is_written {
                    self.unfinished = None;
                    return Ok(End::Known);
                }
            }
            Judgement::Written => {
                if let Err(error) = platform::sync_data(&current.file) {
                    tracing::warn!(path = %self.path, %error, "what was written is not on the disk");
                    return Err(WorkspaceError::HalfWritten(self.path.clone()));
                }
            }
            Judgement::Torn { wanted } => match in_place::complete(current, &found, &wanted) {
                Ok(Written::Whole { .. }) => {
                    tracing::info!(path = %self.path, "a save that was interrupted is complete now");
                }
                Ok(Written::Overtaken | Written::Different) => return Ok(End::Settling),
                Err(SaveError::Untouched(error) | SaveError::HalfWritten(error)) => {
                    tracing::warn!(path = %self.path, %error, "a save that was interrupted can not be completed");
                    return Err(WorkspaceError::HalfWritten(self.path.clone()));
                }
                Err(SaveError::NotAnnounced) => return Ok(End::Settling),
            },
        }
        let Some(Unfinished { text, format, .. }) = self.unfinished.take() else { return Ok(End::Known) };
        self.remember(&text, format, None);
        Ok(End::Finished)
    }

    fn encode(&self, text: &str, format: &Format) -> Result<Vec<u8>, WorkspaceError> {
        if format.reading == Reading::WithMarks {
            return Err(WorkspaceError::Undecodable(self.path.clone()));
        }
        let bytes = encoding::encode(text, format).map_err(|error| WorkspaceError::Unencodable {
            path: self.path.clone(),
            character: error.character,
        })?;
        // A larger file could not be opened again. Text of UTF-16 and CRLF takes more bytes there than as UTF-8.
        if bytes.len() > MAX_DOCUMENT_BYTES {
            let (bytes, limit) = (bytes.len() as u64, MAX_DOCUMENT_BYTES as u64);
            return Err(WorkspaceError::TextTooLarge { path: self.path.clone(), bytes, limit });
        }
        Ok(bytes)
    }

    /// Opens what the path leads to now; `None` if that is no file.
    fn open(&self, access: Access) -> Result<Option<Current>, WorkspaceError> {
        let current =
            self.workspace.target(access, &self.path).and_then(|place| Current::open(place, &self.path));
        match current {
            Ok(current) => Ok(Some(current)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Tells what the content of the file is to us: by its stamp if that proves it, else by reading.
    fn compare(&mut self, current: &mut Current) -> Result<Verdict, WorkspaceError> {
        if self.known.is_some_and(|known| known.stamp == current.stamp && known.proves == Proves::Content) {
            return Ok(Verdict::Same);
        }
        let read_at = nanoseconds(time_of_day());
        let bytes = match current.read(&self.path) {
            Err(error @ WorkspaceError::FileTooLarge { .. }) => return Ok(Verdict::NotText(error)),
            bytes => bytes?,
        };
        // A text with marks gives no bytes.
        let decoded = if self.encode(&self.base, &self.format).is_ok_and(|same| same == bytes) {
            None
        } else {
            let decoded = encoding::decode_again(&bytes, &self.format);
            // A program that truncates a file and then writes it is not done: merging the half of it would tear the
            // text away under people's hands, and bring it back an instant later.
            let torn = decoded.as_ref().map_or(true, |Decoded { text, format }| {
                text.len() < self.base.len() || format.may_be_torn(&self.format)
            });
            let age = read_at.saturating_sub(current.stamp.mtime_ns);
            if torn && (0..nanoseconds(SETTLE_INTERVAL)).contains(&age) && self.settling < MAX_SETTLING {
                self.settling += 1;
                return Ok(Verdict::Settling);
            }
            match decoded {
                Ok(decoded) => Some(decoded),
                Err(_) => {
                    let error = WorkspaceError::Binary { path: self.path.clone(), bytes: bytes.len() as u64 };
                    return Ok(Verdict::NotText(error));
                }
            }
        };
        self.settling = 0;
        match decoded {
            Some(decoded) if decoded.text != self.base => {
                if let Err(error) = check_text_size(&decoded.text, &self.path) {
                    return Ok(Verdict::NotText(error));
                }
                Ok(Verdict::Different(decoded))
            }
            // The same text, perhaps with other line ends or in another encoding: kept from now on.
            same => {
                if let Some(Decoded { format, .. }) = same {
                    self.format = format;
                }
                self.known = Some(Known::new(current.stamp, read_at));
                self.attributes = Some(current.metadata.clone());
                Ok(Verdict::Same)
            }
        }
    }

    /// Takes what the file has now as the base of all that comes.
    fn adopt(&mut self, decoded: Decoded, current: &Current) -> OutsideChange {
        self.format = decoded.format;
        // The next look reads it again; by then it may have proved to be settled.
        self.known = Some(Known { stamp: current.stamp, proves: Proves::Nothing });
        self.attributes = Some(current.metadata.clone());
        let before = std::mem::replace(&mut self.base, decoded.text);
        if self.base.starts_with(&before) {
            self.appended_at_ns = Some(current.stamp.mtime_ns);
        }
        let origin = judge(&before, &self.base, &self.recent);
        self.recent.push(&self.base);
        OutsideChange { before, after: self.base.clone(), origin }
    }

    /// After writing. The file is so young that its stamp proves nothing yet.
    fn remember(&mut self, text: &str, format: Format, stamp: Option<FileStamp>) {
        text.clone_into(&mut self.base);
        self.recent.push(text);
        self.format = format;
        self.known = stamp.map(|stamp| Known { stamp, proves: Proves::Nothing });
        self.conflicts = 0;
        self.settling = 0;
        self.waits_for_pause = 0;
    }
}

impl Known {
    fn new(stamp: FileStamp, read_at_ns: i128) -> Self {
        let age = read_at_ns.saturating_sub(stamp.mtime_ns.max(stamp.ctime_ns));
        let proves = if age > nanoseconds(COARSEST_FILE_CLOCK) { Proves::Content } else { Proves::Nothing };
        Self { stamp, proves }
    }
}

impl Current {
    fn open(place: Place, path: &WorkspacePath) -> Result<Self, WorkspaceError> {
        let (file, metadata) = place.open_file().map_err(|error| error.about(path))?;
        let stamp = FileStamp::of(&metadata);
        Ok(Self { place, file, metadata, stamp })
    }

    /// Reads the content, and once more if it changed meanwhile. Then the stamp is that of before the last reading, so
    /// that a content torn all the same is noticed at the next look.
    fn read(&mut self, path: &WorkspacePath) -> Result<Vec<u8>, WorkspaceError> {
        let failed = |error| WorkspaceError::from_io(path, error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let bytes = read_document(&mut self.file, path, self.stamp.len)?;
        let stamp = FileStamp::of(&self.file.metadata().map_err(failed)?);
        if stamp == self.stamp {
            return Ok(bytes);
        }
        self.stamp = stamp;
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        read_document(&mut self.file, path, stamp.len)
    }

    /// Whether the name still leads to this very file.
    fn is_in_place(&self) -> bool {
        let entry = self.place.folder.symlink_metadata(&self.place.name);
        let same = |entry: Metadata| (entry.dev(), entry.ino()) == (self.metadata.dev(), self.metadata.ino());
        entry.is_ok_and(same)
    }
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}
