//! Every cap of the protocol, with its reason. A cap is checked before memory is taken for what it bounds.

use std::time::Duration;

/// Largest plaintext of one sealed frame. Small enough that a keystroke never waits long behind a bulk frame
/// (6.5 ms at 20 Mbit/s), large enough that sealing runs at full speed.
pub const MAX_FRAME_BYTES: usize = 16 * 1024;

/// Largest transport message: a sealed frame or a handshake message. Anything longer ends the connection.
pub const MAX_TRANSPORT_MESSAGE_BYTES: usize = MAX_FRAME_BYTES + 256;

/// All that a joiner may send before it is admitted.
pub const MAX_BEFORE_ADMISSION_BYTES: usize = 8 * 1024;

/// How long a connection may take from its opening to the end of the handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that may be in the handshake at once; the oldest gives way, so that silent ones never keep a guest out.
pub const MAX_PENDING_HANDSHAKES: usize = 256;

/// Participants of one session. The largest class we serve is 100; the rest is for second tabs.
pub const MAX_PARTICIPANTS: usize = 128;

/// Joiners waiting in the lobby at once.
pub const MAX_WAITING: usize = 64;

/// Largest text that is edited together, in bytes of UTF-8, and largest file of one. The text is counted when somebody types,
/// the file when it is read and when it is written, so that what is saved can be opened again. Larger files get a notice and
/// stay as they are.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// Largest message on the document lane: a whole document with its history's overhead.
pub const MAX_DOCUMENT_MESSAGE_BYTES: usize = 3 * MAX_DOCUMENT_BYTES;

/// Largest message on any other lane that carries lists (10,000 entries of a folder take about 300 KB).
pub const MAX_LISTING_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// Largest message on the control and presence lanes.
pub const MAX_CONTROL_MESSAGE_BYTES: usize = 64 * 1024;

/// Queued control messages for one participant; more means that it no longer reads.
pub const CONTROL_LANE_MESSAGES: usize = 256;

/// Queued edits for one participant; beyond it the backlog is dropped and the document synchronised anew.
pub const DOCUMENT_LANE_BYTES: usize = 1024 * 1024;

/// Whole-document answers queued for one participant: two of the largest documents.
pub const DOCUMENT_STATE_BYTES: usize = 2 * MAX_DOCUMENT_MESSAGE_BYTES;

/// Queued listings and tree changes for one participant.
pub const WORKSPACE_LANE_MESSAGES: usize = 256;

/// Queued bytes of listings and tree changes for one participant.
pub const WORKSPACE_LANE_BYTES: usize = MAX_LISTING_MESSAGE_BYTES;

/// Queued bytes of file content for one participant; the reader of the disk waits beyond it.
pub const FILE_LANE_BYTES: usize = 256 * 1024;

/// One piece of a file on the file lane.
pub const FILE_CHUNK_BYTES: usize = 32 * 1024;

/// Largest file that is sent whole for viewing (images).
pub const MAX_VIEWED_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// Documents that one participant may hold open at once.
pub const MAX_OPEN_DOCUMENTS: usize = 128;

/// Folders that one participant may watch at once (expanded in its tree).
pub const MAX_WATCHED_FOLDERS: usize = 1024;

/// Entries of one folder that are listed; the rest is counted and said.
pub const MAX_LISTED_ENTRIES: usize = 50_000;

/// Terminals of one session at once.
pub const MAX_TERMINALS: usize = 64;

/// Characters of a terminal's name.
pub const MAX_TERMINAL_NAME_CHARS: usize = 40;

/// Characters of the title that a program gives its terminal; more is cut off.
pub const MAX_TERMINAL_TITLE_CHARS: usize = 120;

/// Bytes of the command line of a terminal.
pub const MAX_TERMINAL_COMMAND_BYTES: usize = 4096;

/// Columns and rows of a terminal: below, programs misbehave; above, nobody has a screen, and each cell costs memory.
pub const TERMINAL_COLUMNS: std::ops::RangeInclusive<u16> = 2..=500;
/// See [`TERMINAL_COLUMNS`].
pub const TERMINAL_ROWS: std::ops::RangeInclusive<u16> = 1..=200;

/// Lines above the screen that the host keeps of a terminal: at 200 columns 5 MB.
pub const TERMINAL_HISTORY_LINES: usize = 1000;

/// What one read takes from a terminal, thus the longest piece of output.
pub const TERMINAL_CHUNK_BYTES: usize = 16 * 1024;

/// Pieces of output that wait between the reading of a terminal and its task; the reader waits beyond it, and with it
/// the program.
pub const TERMINAL_CHUNKS: usize = 4;

/// Output of one terminal that waits for one participant; beyond it the backlog is dropped and the screen sent whole.
pub const TERMINAL_LANE_BYTES: usize = 256 * 1024;

/// Output that waits for one participant for longer than this is dropped as well, unless it is little: whoever is slow
/// shall see what is, not what was.
pub const TERMINAL_LANE_DELAY: Duration = Duration::from_millis(250);

/// Less than this is never dropped for having waited.
pub const TERMINAL_LANE_LEAST_BYTES: usize = 8 * 1024;

/// Bytes of one message with input; longer input is sent in several.
pub const MAX_TERMINAL_INPUT_BYTES: usize = 4 * 1024;

/// Input that the host holds for a program that does not read, of all participants; beyond it input is refused.
pub const TERMINAL_INPUT_QUEUE_BYTES: usize = 64 * 1024;

/// Input that one guest may have under way: the rest waits on its side until the program reads.
pub const TERMINAL_INPUT_WINDOW_BYTES: usize = 16 * 1024;

/// Input that waits on a guest's side; a longer paste is refused there.
pub const MAX_TERMINAL_PASTE_BYTES: usize = 4 * 1024 * 1024;

/// Largest message about terminals: the largest screen and the one behind it take 3.3 MB, compressed, if every cell has two
/// colours of its own.
pub const MAX_TERMINAL_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// What a screen may take together with what has scrolled away; the oldest lines are left out until it does. Two seconds at
/// 1 MB/s, and the screen does not come before it is all there.
pub const MAX_TERMINAL_HISTORY_BYTES: usize = 2 * 1024 * 1024;

/// Shortest time between two notices of who types, watches, or what a terminal is called.
pub const TERMINAL_NOTICE_INTERVAL: Duration = Duration::from_millis(100);

/// Requests of one participant that may be under way at once.
pub const MAX_PENDING_REQUESTS: usize = 64;

/// Selections of one participant in a document.
pub const MAX_SELECTIONS: usize = 256;

/// Encoded bytes of one sticky position.
pub const MAX_STICKY_BYTES: usize = 64;

/// Characters of a participant's name.
pub const MAX_NAME_CHARS: usize = 40;

/// Bytes of a workspace path: PATH_MAX of the usual systems.
pub const MAX_PATH_BYTES: usize = 4096;

/// Bytes of one component of a path: NAME_MAX of the usual systems.
pub const MAX_COMPONENT_BYTES: usize = 255;

/// After the last edit, how long a document stays quiet before it is checkpointed.
pub const CHECKPOINT_QUIET: Duration = Duration::from_millis(400);

/// After the first edit that is not on disk, how long a checkpoint may wait for quiet.
pub const CHECKPOINT_DEADLINE: Duration = Duration::from_secs(2);

/// Shortest time between two presence messages of one participant: one rendered frame at 20 Hz.
pub const PRESENCE_INTERVAL: Duration = Duration::from_millis(50);

/// Others' edits and places reach a participant at once, unless some did less than this before: then they wait until it has
/// passed, and go together. One frame of a display at 60 Hz: pages draw them once a frame.
pub const NEWS_INTERVAL: Duration = Duration::from_millis(16);

/// Edits that wait for [`NEWS_INTERVAL`], in bytes. More go at once, for there is not much room for them to wait in.
pub const MAX_NEWS_BYTES: usize = 64 * 1024;

/// How often a guest compares an open document's text with the host's, if either changed. Long ones six times less
/// often: reading them whole takes time that a person typing would notice.
pub const VERIFY_INTERVAL: Duration = Duration::from_secs(10);

/// From this length in UTF-16 units a document counts as long for [`VERIFY_INTERVAL`].
pub const LONG_DOCUMENT_UNITS: u32 = 1024 * 1024;

/// Unsent texts that one browser keeps. More are not kept, and it is said: what is there was promised to somebody.
pub const MAX_DRAFTS: usize = 64;

/// Bytes of all unsent texts that one browser keeps.
pub const MAX_DRAFTS_BYTES: usize = 64 * 1024 * 1024;

/// Largest encoded draft: the whole of a document, what was typed on top of it, and names.
pub const MAX_DRAFT_BYTES: usize = MAX_DOCUMENT_MESSAGE_BYTES;

/// What a typing pause is: unsent text is kept in the browser this long after a key at the latest, unless keeping it
/// takes long itself.
pub const DRAFT_INTERVAL: Duration = Duration::from_millis(300);

/// A frame with nothing to say is sent after this silence, so that a dead peer is noticed.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// What was sent and is not acknowledged for so long makes its sender ask whether the peer is still there.
pub const PROBE_AFTER: Duration = Duration::from_secs(5);

/// A peer that says nothing for so long after it was asked is gone. A transport that only slept comes back by itself
/// within a few round trips; a wrong guess costs a handshake and nothing else.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(6);

/// How long both ends keep their link after its transport broke: a change of network, a tunnel, a short sleep. Whoever
/// comes back later joins afresh and synchronises its documents.
pub const RESUME_WINDOW: Duration = Duration::from_secs(120);

/// A peer that was silent this long is gone: three heartbeats.
pub const DEAD_PEER_TIMEOUT: Duration = Duration::from_secs(45);

/// Received bytes after which an acknowledgement is sent without waiting for something else to say.
pub const ACKNOWLEDGE_AFTER_BYTES: usize = 6 * 1024;

/// A frame of at least so many bytes is one of bulk and is acknowledged by itself: the sender's window lives on it, and what is
/// acknowledged together is sent together and stands in a queue together. The smallest frame of bulk has some more.
pub const BULK_FRAME_BYTES: usize = 3 * 1024;

/// Bytes that may be under way unacknowledged at first: a third of a second on a path of 50 KB/s, and doubled with each
/// round trip on a quick one.
pub const FIRST_WINDOW_BYTES: usize = 16 * 1024;

/// The window never shrinks below this: two frames of bulk, and a sixth of a second at 50 KB/s.
pub const SMALLEST_WINDOW_BYTES: usize = 8 * 1024;
const _: () = assert!(SMALLEST_WINDOW_BYTES > ACKNOWLEDGE_AFTER_BYTES, "a full window is acknowledged");

/// The window never grows beyond this, and so bounds what is kept to be sent again: 1 Gbit/s over 33 ms.
pub const LARGEST_WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// What is urgent may go out beyond the window by so much, instead of waiting for the next acknowledgement.
pub const URGENT_BYTES: usize = 16 * 1024;

/// Messages in one direction after which both sides change to the next key.
pub const REKEY_AFTER_MESSAGES: u64 = 1 << 16;

/// Bytes in one direction after which both sides change to the next key.
pub const REKEY_AFTER_BYTES: u64 = 1 << 30;

/// The WebSocket close code of a guest that gives a socket up to open another: it comes back. Of the range for
/// applications, RFC 6455, 7.4.2.
pub const CLOSE_FOR_ANOTHER: u16 = 4001;
