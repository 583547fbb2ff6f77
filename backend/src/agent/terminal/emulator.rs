//! What is on a terminal's screen: the host's own emulator, from which keyframes are made, and which alone answers what
//! programs ask of a terminal.

use std::sync::Arc;
use std::time::Duration;

use alacritty_terminal::event::{Event, EventListener};
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::cell::Cell;
use alacritty_terminal::term::{Config, Osc52, TermMode};
use alacritty_terminal::vte::ansi::{CharsetIndex, Processor, Timeout};
use alacritty_terminal::{Grid, Term};
use parking_lot::Mutex;
use parlor_shared::limits::TERMINAL_HISTORY_LINES;
use parlor_shared::message::{History, Packed};
use parlor_shared::terminal::{TerminalSize, clean_title};

mod forward;
mod keyframe;

/// Answers to one piece of output; a program that asks more at once does not get them all.
const MAX_REPLY_BYTES: usize = 4096;

/// What the emulator says while it works.
#[derive(Debug, Default)]
struct Said {
    replies: Vec<u8>,
    title: Option<String>,
}

/// Where the emulator says it.
#[derive(Debug, Clone, Default)]
struct Listener(Arc<Mutex<Said>>);

impl EventListener for Listener {
    fn send_event(&self, event: Event) {
        let mut said = self.0.lock();
        match event {
            Event::PtyWrite(reply) if said.replies.len() + reply.len() <= MAX_REPLY_BYTES => {
                said.replies.extend(reply.as_bytes());
            }
            Event::Title(title) => said.title = Some(clean_title(&title)),
            Event::ResetTitle => said.title = Some(String::new()),
            // Clipboards are nobody's business but their owner's; colours are the viewer's; sizes in pixels are nobody's.
            Event::PtyWrite(_)
            | Event::ClipboardStore(..)
            | Event::ClipboardLoad(..)
            | Event::ColorRequest(..)
            | Event::TextAreaSizeRequest(_)
            | Event::CursorBlinkingChange
            | Event::MouseCursorDirty
            | Event::Wakeup
            | Event::Bell
            | Event::Exit
            | Event::ChildExit(_) => {}
        }
    }
}

/// Synchronised updates are shown as they come: what a keyframe holds must be all that was written until then.
#[derive(Debug, Default)]
struct Unsynchronised;

impl Timeout for Unsynchronised {
    fn set_timeout(&mut self, _duration: Duration) {}

    fn clear_timeout(&mut self) {}

    fn pending_timeout(&self) -> bool {
        false
    }
}

struct Size(TerminalSize);

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.0.rows)
    }

    fn columns(&self) -> usize {
        usize::from(self.0.columns)
    }
}

/// The emulator's screen, with what it knows and does not tell.
struct Screen {
    term: Term<Listener>,
    /// First and last line in which text scrolls, from 0, unless it is the whole screen.
    region: Option<(usize, usize)>,
    charset: CharsetIndex,
    /// Columns with a tab stop, if they are not the usual ones.
    tabs: Option<Vec<bool>>,
    /// Characters of no width that were put on the present cell one after the other.
    stacked: usize,
}

/// A terminal's emulator. Feeding it never fails, whatever the bytes are, and its memory is bounded by its size.
pub(super) struct Emulator {
    screen: Screen,
    parser: Processor<Unsynchronised>,
    said: Listener,
}

/// What came of a piece of output, besides what is on the screen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Consequences {
    /// Answers that the program waits for.
    pub(super) replies: Vec<u8>,
    /// The title, if the program changed it.
    pub(super) title: Option<String>,
}

impl Emulator {
    /// An empty screen.
    pub(super) fn new(size: TerminalSize) -> Self {
        let said = Listener::default();
        let config = Config {
            scrolling_history: TERMINAL_HISTORY_LINES,
            kitty_keyboard: false,
            osc52: Osc52::Disabled,
            ..Config::default()
        };
        let term = Term::new(config, &Size(size), said.clone());
        let screen = Screen { term, region: None, charset: CharsetIndex::G0, tabs: None, stacked: 0 };
        Self { screen, parser: Processor::new(), said }
    }

    /// Shows what a program wrote.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Consequences {
        self.parser.advance(&mut self.screen, bytes);
        let mut said = self.said.0.lock();
        Consequences { replies: std::mem::take(&mut said.replies), title: said.title.take() }
    }

    /// Gives the screen another size. Text is wrapped anew, as far as that is usual.
    pub(super) fn resize(&mut self, size: TerminalSize) {
        self.screen.term.resize(Size(size));
        self.screen.region = None;
        self.screen.tabs = None;
    }

    /// Bytes that paint the screen on any terminal of its size, whatever is on it, and bring it into the same state. They fit
    /// into a message, at the cost of what has scrolled away and, if need be, of colours.
    pub(super) fn keyframe(&mut self, history: History) -> Packed {
        keyframe::fitting(&mut self.screen, history)
    }

    /// How large the screen is.
    #[cfg(test)]
    pub(super) fn size(&self) -> TerminalSize {
        let grid = self.screen.term.grid();
        TerminalSize { columns: grid.columns() as u16, rows: grid.screen_lines() as u16 }
    }
}

impl Screen {
    fn grid(&self) -> &Grid<Cell> {
        self.term.grid()
    }

    fn has_tab(&self, column: usize) -> bool {
        self.tabs.as_ref().map_or(column.is_multiple_of(8), |tabs| tabs.get(column).is_some_and(|tab| *tab))
    }

    fn is(&self, mode: TermMode) -> bool {
        self.term.mode().contains(mode)
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is on a screen is content.
        formatter.debug_struct("Emulator").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alacritty_terminal::index::{Column, Line, Point};
    use alacritty_terminal::term::cell::Flags;

    use super::*;

    const SIZE: TerminalSize = TerminalSize { columns: 20, rows: 6 };

    /// The page has a table of its own, made from the same crate: `frontend/js/terminal/widths.js`. Its test compares it with
    /// the same file.
    #[test]
    fn the_page_knows_the_same_widths() {
        use sha2::Digest as _;
        use unicode_width::UnicodeWidthChar as _;
        // One sign of Khmer is three wide; the emulator gives everything that is wide two cells.
        let widths = ('\0'..=char::MAX).map(|letter| letter.width().unwrap_or_default().min(2) as u8);
        let digest = sha2::Sha256::digest(widths.collect::<Vec<u8>>());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, include_str!("../../../../frontend/js/test/widths.sha256").trim());
    }

    fn fed(bytes: &[u8]) -> Emulator {
        let mut emulator = Emulator::new(SIZE);
        emulator.feed(bytes);
        emulator
    }

    /// All that one can see, and all that decides what the next byte does.
    fn state(emulator: &Emulator, history: History) -> Vec<String> {
        let screen = &emulator.screen;
        let grid = screen.grid();
        let mut state = vec![
            format!("{:?} {:?} {:?}", grid.cursor.point, grid.cursor.input_needs_wrap, screen.charset),
            format!("{:?} {:?}", screen.region, screen.term.cursor_style()),
            format!("{:?}", (0..grid.columns()).filter(|column| screen.has_tab(*column)).collect::<Vec<_>>()),
            format!("{:?}", *screen.term.mode() & !TermMode::URGENCY_HINTS),
            shown(&grid.cursor.template),
        ];
        let first = if history == History::Kept { grid.topmost_line() } else { Line(0) };
        let mut line = first;
        while line <= grid.bottommost_line() {
            let row = &grid[line];
            let cell = |column| match keyframe::half(row, column) {
                keyframe::Half::Whole => shown(&row[Column(column)]),
                keyframe::Half::Second => String::new(),
                keyframe::Half::Torn => {
                    let mut blank = row[Column(column)].clone();
                    blank.c = ' ';
                    shown(&blank)
                }
            };
            let cells: Vec<String> = (0..grid.columns()).map(cell).collect();
            state.push(format!("{:3} {}", line.0, cells.join("|")));
            line += 1;
        }
        // Lines that nobody wrote to and that have scrolled away are as good as none.
        state
    }

    fn shown(cell: &Cell) -> String {
        let hidden =
            Flags::WRAPLINE | Flags::LEADING_WIDE_CHAR_SPACER | Flags::WIDE_CHAR | Flags::WIDE_CHAR_SPACER;
        let c = if cell.c.is_control() { ' ' } else { cell.c };
        let link = cell.hyperlink().map(|link| link.uri().to_owned());
        let colors = match (c, cell.fg) {
            // The colour of a blank is nothing that one sees.
            (' ', _) if !cell.flags.intersects(Flags::INVERSE | Flags::ALL_UNDERLINES | Flags::STRIKEOUT) => {
                format!("{:?}", cell.bg)
            }
            (_, fg) => format!("{fg:?} {:?} {:?}", cell.bg, cell.flags - hidden),
        };
        format!("{c}{:?}{colors}{link:?}", cell.zerowidth().unwrap_or_default())
    }

    /// The keyframe paints the same on an empty screen and on one that is in the worst of states, and what follows has
    /// the same effect on all three.
    fn check(bytes: &[u8], then: &[u8]) {
        let mut original = fed(bytes);
        if is_out_of_reach(&original.screen) {
            return;
        }
        for (history, mess) in
            [(History::Kept, &b""[..]), (History::Kept, MESS), (History::None, b""), (History::None, MESS)]
        {
            let keyframe = original.keyframe(history).unpack().unwrap();
            let mut copy = fed(mess);
            copy.feed(&keyframe);
            let what = || format!("{} then {}, {history:?}", bytes.escape_ascii(), keyframe.escape_ascii());
            assert_same(&state(&copy, history), &state(&original, history), what);
            let mut later = fed(bytes);
            later.feed(then);
            copy.feed(then);
            let seen = History::None;
            assert_same(&state(&copy, seen), &state(&later, seen), || {
                format!("{} and then {}", what(), then.escape_ascii())
            });
        }
    }

    /// A restored cursor may stand outside the lines to which origin mode confines it: no control moves it there. And the
    /// emulator may forget that a cursor that went back no longer waits to wrap.
    fn is_out_of_reach(screen: &Screen) -> bool {
        let cursor = &screen.grid().cursor;
        let line = cursor.point.line.0 as usize;
        let outside = screen.region.is_some_and(|(first, last)| !(first..=last).contains(&line));
        (screen.is(TermMode::ORIGIN) && outside)
            || (cursor.input_needs_wrap && cursor.point.column != screen.grid().last_column())
    }

    fn assert_same(one: &[String], other: &[String], what: impl Fn() -> String) {
        for (one, other) in one.iter().zip(other) {
            assert_eq!(one, other, "{}", what());
        }
        assert_eq!(one.len(), other.len(), "{}", what());
    }

    const MESS: &[u8] = b"\x1b[?1049h\x1b[2;4r\x1b[?6h\x1b[?7l\x1b[4h\x1b[31;42;1;4mmess\x1b(0\x0e\x1b[?25l\x1b[?2004h\x1b[?1003h\
        \x1b[?1006h\x1b[3g\x1b[5 q\x1b=\x1b[?1h\x1b]8;;https://mess.example\x1b\\x\x1b7\n\n\n\n\n";

    #[test]
    fn an_empty_screen_and_a_plain_one() {
        check(b"", b"x");
        check(b"one\r\ntwo\r\n$ ", b"ls\r\n");
        check(&b"line\r\n".repeat(50), b"\x1b[Hx");
    }

    #[test]
    fn colours_attributes_and_links() {
        check(
            b"\x1b[1;31mred\x1b[0m \x1b[48;5;17mblue\x1b[38;2;1;2;3mrgb\x1b[K\x1b[0m\r\n\x1b[4:3;58:5:9mcurl\x1b[7m\x1b[9minverse\x1b[0m\r\n\
              \x1b]8;id=a;https://example.org\x1b\\link\x1b]8;;\x1b\\ \x1b[97;100mbright\x1b[2;3;8mrest",
            b"more\x1b[0m",
        );
    }

    #[test]
    fn wrapped_wide_and_combining_characters() {
        check(
            "0123456789abcdefghi\u{4f60}\u{597d}\u{1f389}e\u{301}x\u{200d}".as_bytes(),
            "\u{4f60}".as_bytes(),
        );
        check("a".repeat(20).as_bytes(), b"b");
        check("a".repeat(40).as_bytes(), b"\r\nb");
        check(format!("{}\u{4f60}", "a".repeat(18)).as_bytes(), b"b");
        check(format!("{}\r\n\r\nx", "a".repeat(20)).as_bytes(), b"b");
    }

    #[test]
    fn the_alternate_screen_lies_over_the_other() {
        check(
            b"$ vim\r\nsecond\x1b[31m\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[2J\x1b[1;1H\x1b[44mtext\x1b[3;5Hmore\x1b[?25l",
            b"\x1b[?1049l$ back",
        );
        check(&[&b"history\r\n".repeat(30)[..], b"\x1b[?1049hfull screen"].concat(), b"\x1b[?1049l\r\nx");
    }

    #[test]
    fn margins_modes_tabs_and_saved_places() {
        check(b"\x1b[2;4rabc\r\n\r\n", b"\n\n\nx\x1b[r");
        check(b"\x1b[2;4r\x1b[?6h\x1b[2;2Hx", b"\x1b[1;1Hy\n\n\n\nz");
        check(b"\x1b[4h\x1b[?7l\x1b[20hab\x1b[1;1H", b"cd\nef");
        check(b"ab\x1b[3g\x1b[5G\x1bH\x1b[1G", b"\tx\ty");
        check(b"\x1b[3;3H\x1b[32m\x1b7\x1b[0m\x1b[1;1H", b"\x1b8x");
        check(b"\x1b(0lqk\x1b[4 q\x1b[?1h\x1b=", b"xxx\x1b(Bxxx");
        check(b"\x1b)0\x0eqqq", b"qqq\x0fqqq");
    }

    /// Controls, and text, in random order: what one person would never think of.
    #[test]
    fn random_output_and_what_follows_it() {
        let mut random = Random(7);
        for _ in 0..500 {
            let mut some = |most: usize| -> Vec<u8> {
                let count = random.below(most);
                (0..count).flat_map(|_| PIECES[random.below(PIECES.len())].as_bytes()).copied().collect()
            };
            let (bytes, then) = (some(60), some(20));
            check(&bytes, &then);
        }
    }

    /// A linear congruential generator: the same sequence each time.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % end
        }
    }

    const PIECES: &[&str] = &[
        "a",
        "word ",
        "\u{4f60}",
        "\u{1f389}",
        "e\u{301}",
        "\r\n",
        "\n",
        "\r",
        "\t",
        "\x08",
        "0123456789",
        "\x1b[A",
        "\x1b[3B",
        "\x1b[5C",
        "\x1b[2D",
        "\x1b[H",
        "\x1b[3;7H",
        "\x1b[6;20H",
        "\x1b[J",
        "\x1b[1J",
        "\x1b[2J",
        "\x1b[K",
        "\x1b[1K",
        "\x1b[2K",
        "\x1b[L",
        "\x1b[2M",
        "\x1b[@",
        "\x1b[3P",
        "\x1b[2X",
        "\x1b[S",
        "\x1b[T",
        "\x1bM",
        "\x1bD",
        "\x1bE",
        "\x1b7",
        "\x1b8",
        "\x1b[31m",
        "\x1b[1m",
        "\x1b[44m",
        "\x1b[7m",
        "\x1b[4:3m",
        "\x1b[38;5;200m",
        "\x1b[48;2;9;8;7m",
        "\x1b[0m",
        "\x1b[2;5r",
        "\x1b[r",
        "\x1b[?6h",
        "\x1b[?6l",
        "\x1b[?7l",
        "\x1b[?7h",
        "\x1b[4h",
        "\x1b[4l",
        "\x1b[?25l",
        "\x1b[?1h",
        "\x1b[?2004h",
        "\x1b[?1002h",
        "\x1b[?1006h",
        "\x1b[3 q",
        "\x1b(0",
        "\x1b(B",
        "\x0e",
        "\x0f",
        "\x1b)0",
        "\x1bH",
        "\x1b[g",
        "\x1b[3g",
        "\x1b=",
        "\x1b>",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "x\x1b[2b",
        "\x1b[5G",
        "\x1b[4d",
        "\x1b[Z",
        "\x1b]8;;https://x.example\x1b\\",
        "\x1b]8;;\x1b\\",
        "\x1b]4;3;rgb:11/22/33\x1b\\",
        "\x1bc",
        "\x1b#8",
    ];

    #[test]
    fn programs_are_answered_and_nobody_else_is() {
        let mut emulator = Emulator::new(SIZE);
        assert_eq!(emulator.feed(b"ab\x1b[6n").replies, b"\x1b[1;3R");
        assert!(emulator.feed(b"\x1b[c").replies.starts_with(b"\x1b[?"));
        // Clipboards, titles, settings, colours, answerback.
        for query in [
            "\x1b]52;c;?\x07",
            "\x1b]52;c;aGk=\x07",
            "\x1b[21t",
            "\x1bP$qm\x1b\\",
            "\x1b]11;?\x07",
            "\x05",
            "\x1b[?u",
        ] {
            assert_eq!(emulator.feed(query.as_bytes()).replies, b"", "{query:?}");
        }
        // A flood of questions gets no flood of answers.
        assert!(emulator.feed(&b"\x1b[6n".repeat(10_000)).replies.len() <= MAX_REPLY_BYTES);
    }

    #[test]
    fn titles_are_cleaned() {
        let mut emulator = Emulator::new(SIZE);
        let title = emulator.feed("\x1b]0;a\u{202e}b  c\x07".as_bytes()).title;
        assert_eq!(title.as_deref(), Some("ab c"));
        assert_eq!(emulator.feed(b"x").title, None);
    }

    #[test]
    fn a_cell_holds_few_characters_and_links_lead_to_the_web() {
        let mut emulator = fed(format!("e{}", "\u{301}".repeat(100_000)).as_bytes());
        let grid = emulator.screen.grid();
        assert!(grid[Point::new(Line(0), Column(0))].zerowidth().unwrap().len() <= 12);
        emulator.feed(b"\r\x1b]8;;javascript:alert(1)\x1b\\x");
        assert!(emulator.screen.grid()[Point::new(Line(0), Column(0))].hyperlink().is_none());
    }

    #[test]
    fn any_size_and_any_bytes_are_fine() {
        let mut emulator = Emulator::new(TerminalSize { columns: 2, rows: 1 });
        for size in [(500, 200), (2, 1), (80, 24), (3, 2)] {
            let size = TerminalSize { columns: size.0, rows: size.1 };
            emulator.resize(size);
            assert_eq!(emulator.size(), size);
            emulator.feed("\u{4f60}\u{1f389}\x1b[999;999Hx\x1b[?1049h\u{4f60}".as_bytes());
            emulator.keyframe(History::Kept);
        }
        let mut random = Random(1);
        let noise: Vec<u8> = (0..300_000).map(|_| random.below(256) as u8).collect();
        emulator.feed(&noise);
        emulator.keyframe(History::Kept);
    }
}
