//! Opens the host's own page in a browser, without its link ever standing in the list of processes.
//!
//! Everybody on a machine may read the arguments of every process, and the link holds the host's secret. So the browser is
//! given a file that only this person may read, which leads to the link. It is removed once the page is there.
//!
//! Where it lies: in the session's state folder. A browser that is a snap may read no hidden folder of the home, where that
//! folder usually is; each snap has a folder of its own for its data, and the file lies there then. Flatpaks are handed
//! the file by the system, wherever it lies. Where a system opens HTML files with an editor instead of a browser, the editor shows
//! the link, to click.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A private file that leads a browser to a link. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Redirect {
    path: PathBuf,
}

impl Redirect {
    /// Leads to `link`. It lies in this folder, or where the usual browser may read it, but never in the shared folder, which
    /// guests read.
    pub(super) fn create(state: &Path, shared: &Path, link: &str) -> io::Result<Self> {
        let session = state.file_name().unwrap_or_default().display();
        let folder = snap_folder().filter(|folder| !folder.starts_with(shared));
        let path = match folder {
            Some(folder) => folder.join(format!("parlor-open-{session}.html")),
            None => state.join("open.html"),
        };
        // What a killed agent left.
        let _ = fs::remove_file(&path);
        let mut options = File::options();
        options.create_new(true).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&path)?;
        let redirect = Self { path };
        file.write_all(page(link).as_bytes())?;
        Ok(redirect)
    }

    /// Has the system's browser open it.
    pub(super) fn open(&self) -> io::Result<()> {
        let opener = opener();
        let started = Command::new(opener)
            .arg(&self.path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child =
            started.map_err(|error| io::Error::new(error.kind(), format!("{opener}: {error}")))?;
        // It may stay as long as the browser does.
        std::thread::Builder::new().name("opener".to_owned()).spawn(move || child.wait()).map(drop)
    }
}

impl Drop for Redirect {
    fn drop(&mut self) {
        // Ending in order may have removed its folder.
        let _ = fs::remove_file(&self.path);
    }
}

const fn opener() -> &'static str {
    if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    }
}

/// The data folder of the usual browser, if that is a snap: `firefox_firefox.desktop` is the app `firefox` of the snap `firefox`.
fn snap_folder() -> Option<PathBuf> {
    if !cfg!(target_os = "linux") || !Path::new("/snap").is_dir() {
        return None;
    }
    let asked = Command::new("xdg-settings").args(["get", "default-web-browser"]).output().ok()?;
    let home = directories::BaseDirs::new()?.home_dir().canonicalize().ok()?;
    let folder = home.join("snap").join(snap_of(str::from_utf8(&asked.stdout).ok()?.trim())?).join("common");
    folder.is_dir().then_some(folder)
}

fn snap_of(entry: &str) -> Option<&str> {
    let (snap, _) = entry.strip_suffix(".desktop")?.split_once('_')?;
    let is_name = !snap.is_empty() && snap.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then_some(snap)
}

fn page(link: &str) -> String {
    let link = link.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"refresh\" content=\"0; url={link}\">\n<title>Parlor</title>\n\
         <p><a href=\"{link}\">Open your own page</a></p>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snap_is_told_from_other_browsers() {
        assert_eq!(snap_of("firefox_firefox.desktop"), Some("firefox"));
        for other in
            ["org.mozilla.firefox.desktop", "google-chrome.desktop", "", "../x_y.desktop", "_.desktop"]
        {
            assert_eq!(snap_of(other), None, "{other}");
        }
    }
}
