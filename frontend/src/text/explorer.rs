//! What the file tree says.

pub(crate) const EXPLORER: &str = "Explorer";
pub(crate) const NEW_FILE: &str = "New file";
pub(crate) const NEW_FOLDER: &str = "New folder";
pub(crate) const NEW_FILE_NAME: &str = "Name of the new file";
pub(crate) const NEW_FOLDER_NAME: &str = "Name of the new folder";
pub(crate) const RENAME: &str = "Rename";
pub(crate) const NEW_NAME: &str = "New name";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const COPY_PATH: &str = "Copy path";
pub(crate) const COLLAPSE_ALL: &str = "Collapse all folders";
pub(crate) const OPEN: &str = "Open";
pub(crate) const LOADING_FILES: &str = "Listing files";
pub(crate) const EMPTY_FOLDER_TITLE: &str = "This folder is empty";
pub(crate) const EMPTY_FOLDER_TEXT: &str = "Files appear here as soon as somebody adds one.";
pub(crate) const EMPTY_FOLDER_TEXT_EDITOR: &str = "Create the first file, and everybody sees it at once.";
pub(crate) const PATH_COPIED: &str = "Path copied";

/// Entries that a folder has beyond those that are listed.
pub(crate) fn omitted(count: u32) -> String {
    match count {
        1 => "1 more entry is not listed".to_owned(),
        _ => format!("{count} more entries are not listed"),
    }
}

/// The question before something is deleted.
pub(crate) fn delete_title(name: &str) -> String {
    format!("Delete “{name}”?")
}

pub(crate) const DELETE_FILE_TEXT: &str =
    "The file is deleted on the host’s disk, for everybody. This can not be undone here.";
pub(crate) const DELETE_FOLDER_TEXT: &str = "The folder and everything in it are deleted on the host’s disk, for everybody. This can not be undone here.";

/// Said when a deletion is done.
pub(crate) fn deleted(name: &str) -> String {
    format!("{name} was deleted")
}

/// A name that no file can have.
pub(crate) fn invalid_name(name: &str) -> String {
    if name.trim().is_empty() {
        "Type a name.".to_owned()
    } else {
        format!("“{name}” can not be the name of a file. Leave out slashes and control characters.")
    }
}

/// A name that another entry has.
pub(crate) fn name_taken(name: &str) -> String {
    format!("“{name}” is there already. Choose another name.")
}

/// The question before a drop replaces the place of something.
pub(crate) fn moved(name: &str, folder: &str) -> String {
    if folder.is_empty() {
        format!("{name} was moved to the top")
    } else {
        format!("{name} was moved to {folder}")
    }
}

/// The question before something is moved by dragging.
pub(crate) fn move_title(name: &str, folder: &str) -> String {
    format!("Move “{name}” into “{folder}”?")
}

pub(crate) const MOVE: &str = "Move";
pub(crate) const MOVE_TEXT: &str =
    "It moves on the host’s disk, for everybody. Whoever has it open stays in it.";
