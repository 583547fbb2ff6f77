//! Prints from a thread of its own: a reader that stops, a stopped terminal or one that is gone holds up nobody else.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait for the reader. Beyond it what is new is dropped and counted.
const MAX_WAITING_BYTES: usize = 256 * 1024;

/// Bytes that are written at once: a reader that is slow, but reads, is told from one that does not.
const PIECE_BYTES: usize = 4096;

/// At the end of the program: how long nothing may be taken until the reader is given up.
const LAST_PATIENCE: Duration = Duration::from_millis(1500);

/// Between two tries, where whoever shares the terminal with us made it refuse instead of wait.
const RETRY: Duration = Duration::from_millis(20);

/// What is said in place of the lines that were dropped, by their number.
pub type Notice = fn(u64) -> String;

/// A way to print. Cheap to clone; printing never waits and never fails.
///
/// State: texts in order, and how many were dropped behind the last of them. A text is dropped when
/// `MAX_WAITING_BYTES` wait already. The notice about dropped texts stands where they would have stood: it is queued
/// before the next text that finds room, or printed once nothing waits any more.
#[derive(Clone)]
pub struct PrintQueue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    notice: Notice,
}

#[derive(Default)]
struct State {
    texts: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    dropped: u64,
    /// The thread is at a text.
    is_printing: bool,
    /// Pieces that were written: it grows as long as somebody reads.
    pieces: u64,
    /// Nobody will ever read again.
    is_gone: bool,
}

impl PrintQueue {
    /// Begins to print to `target`.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(target: impl Write + Send + 'static, notice: Notice) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), notice });
        let thread = Arc::clone(&shared);
        std::thread::Builder::new().name("printer".to_owned()).spawn(move || thread.run(target))?;
        Ok(Self(shared))
    }

    /// Prints a text, unless too much waits already.
    pub fn print(&self, text: impl Into<Vec<u8>>) {
        self.0.push(text.into(), MAX_WAITING_BYTES);
    }

    /// Prints a text that is not dropped, however much waits. For the few that nobody should miss: what is not saved, why the
    /// program ends.
    pub fn print_surely(&self, text: impl Into<Vec<u8>>) {
        self.0.push(text.into(), usize::MAX);
    }

    /// Waits until all is printed, or the reader has taken nothing for some time.
    pub fn finish(&self) {
        let mut state = self.0.state.lock();
        let mut pieces = state.pieces;
        while state.has_work() && !state.is_gone {
            let waited = self.0.changed.wait_for(&mut state, LAST_PATIENCE);
            if waited.timed_out() && state.pieces == pieces {
                return;
            }
            pieces = state.pieces;
        }
    }
}

impl State {
    fn has_work(&self) -> bool {
        self.is_printing || !self.texts.is_empty() || self.dropped > 0
    }

    fn queue(&mut self, text: Vec<u8>) {
        self.waiting_bytes += text.len();
        self.texts.push_back(text);
    }
}

impl Shared {
    fn push(&self, text: Vec<u8>, limit: usize) {
        let mut state = self.state.lock();
        if state.is_gone {
            return;
        }
        if state.waiting_bytes.saturating_add(text.len()) > limit && !state.texts.is_empty() {
            state.dropped += 1;
            return;
        }
        if state.dropped > 0 {
            let notice = (self.notice)(std::mem::take(&mut state.dropped));
            state.queue(notice.into_bytes());
        }
        state.queue(text);
        self.changed.notify_all();
    }

    fn run(&self, mut target: impl Write) {
        loop {
            let text = self.next();
            // Errors mean that nobody will read any more: a closed pipe, a terminal that is gone. Whoever closed our output
            // does not want it; the program goes on.
            let printed = self.write(&mut target, &text);
            let mut state = self.state.lock();
            state.is_printing = false;
            if printed.is_err() {
                *state = State { is_gone: true, ..State::default() };
            }
            self.changed.notify_all();
            if state.is_gone {
                return;
            }
        }
    }

    /// Waits for the next text.
    fn next(&self) -> Vec<u8> {
        let mut state = self.state.lock();
        loop {
            let next = match state.texts.pop_front() {
                Some(text) => {
                    state.waiting_bytes -= text.len();
                    Some(text)
                }
                None if state.dropped > 0 => {
                    Some((self.notice)(std::mem::take(&mut state.dropped)).into_bytes())
                }
                None => None,
            };
            match next {
                Some(text) => {
                    state.is_printing = true;
                    return text;
                }
                None => self.changed.wait(&mut state),
            }
        }
    }

    fn write(&self, target: &mut impl Write, text: &[u8]) -> io::Result<()> {
        for piece in text.chunks(PIECE_BYTES) {
            let mut rest = piece;
            while !rest.is_empty() {
                match target.write(rest) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => pause(),
                    Err(error) => return Err(error),
                }
            }
            self.state.lock().pieces += 1;
            self.changed.notify_all();
        }
        target.flush()
    }
}

#[expect(clippy::disallowed_methods, reason = "a file that does not block tells nobody when it takes more")]
fn pause() {
    std::thread::sleep(RETRY);
}

/// Standard output, as the thread of a [`PrintQueue`] writes it: without a buffer that a refused write would leave half full.
pub fn standard_output() -> Box<dyn Write + Send> {
    #[cfg(unix)]
    if let Some(file) = own(io::stdout()) {
        return file;
    }
    Box::new(io::stdout())
}

/// Standard error, in the same way.
pub fn standard_error() -> Box<dyn Write + Send> {
    #[cfg(unix)]
    if let Some(file) = own(io::stderr()) {
        return file;
    }
    Box::new(io::stderr())
}

#[cfg(unix)]
fn own(stream: impl std::os::fd::AsFd) -> Option<Box<dyn Write + Send>> {
    let file = std::fs::File::from(stream.as_fd().try_clone_to_owned().ok()?);
    Some(Box::new(file))
}

/// One event of the log: it is queued whole when it is dropped, as the formatter writes it in one piece.
#[derive(Debug)]
pub struct LogLine {
    queue: PrintQueue,
    text: Vec<u8>,
}

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.queue.print(std::mem::take(&mut self.text));
        }
    }
}

impl<'writer> MakeWriter<'writer> for PrintQueue {
    type Writer = LogLine;

    fn make_writer(&'writer self) -> Self::Writer {
        LogLine { queue: self.clone(), text: Vec::new() }
    }
}

impl std::fmt::Debug for PrintQueue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PrintQueue").field("waiting", &self.0.state.lock().texts.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

    use super::*;

    /// A reader that takes a piece whenever it is told to.
    struct Reader {
        go: Receiver<()>,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.go.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.taken.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn queue() -> (PrintQueue, SyncSender<()>, Receiver<Vec<u8>>) {
        let (go, may_go) = sync_channel(100_000);
        let (taken, texts) = channel();
        let reader = Reader { go: may_go, taken };
        (PrintQueue::start(reader, |count| format!("{count} dropped\n")).unwrap(), go, texts)
    }

    #[test]
    fn what_finds_no_room_is_counted_where_it_would_have_stood() {
        let (queue, go, texts) = queue();
        let line = |number: u32| format!("{number:01023}\n");
        for number in 0..1000 {
            queue.print(line(number));
        }
        let waiting = queue.0.state.lock().waiting_bytes;
        assert!(waiting <= MAX_WAITING_BYTES, "{waiting}");
        queue.print_surely("the end\n");
        (0..2000).for_each(|_| go.send(()).unwrap());
        queue.finish();
        let printed: Vec<u8> = texts.try_iter().flatten().collect();
        let printed = String::from_utf8(printed).unwrap();
        let lines: Vec<&str> = printed.lines().collect();
        let (whole, last) = lines.split_at(lines.len() - 2);
        assert!(whole.iter().enumerate().all(|(number, text)| *text == line(number as u32).trim_end()));
        assert_eq!(last, [format!("{} dropped", 1000 - whole.len()), "the end".to_owned()]);
    }

    #[test]
    fn the_end_waits_for_no_reader_that_takes_nothing_and_a_reader_that_is_gone_is_no_error() {
        let (queue, go, texts) = queue();
        queue.print("one\n");
        queue.finish();
        assert_eq!(texts.try_iter().count(), 0);
        drop(go);
        queue.finish();
        queue.print("two\n");
        assert!(!queue.0.state.lock().has_work());
    }
}
