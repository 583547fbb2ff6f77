//! Writes a screen as bytes that paint it.
//!
//! Invariant: whatever state a terminal of the same size is in, after a keyframe it shows the same cells, its cursor
//! stands in the same place, and whatever is written next has the same effect. A screen that can not be sent so, since no
//! message takes it, is painted more coarsely: see `extent.rs`.

use std::fmt::Write as _;

use alacritty_terminal::Grid;
use alacritty_terminal::grid::{Charsets, Dimensions as _, Row};
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::TermMode;
use alacritty_terminal::term::cell::{Cell, Flags, Hyperlink};
use alacritty_terminal::vte::ansi::{
    CharsetIndex, Color, CursorShape, CursorStyle, NamedColor, Rgb, StandardCharset,
};
use parlor_shared::message::History;

use super::Screen;

mod extent;

pub(super) use extent::fitting;
use extent::{Detail, Extent};

/// Leaves the alternate screen and every mode, and empties the screen.
const CLEAN: &str = "\x1b[?1049l\x1b[!p\x1b[?1;9;66;1000;1002;1003;1004;1005;1006;2004l\x1b[?7;1007;25h\x1b[4;20l\
                     \x1b[?6l\x1b>\x1b[r\x1b(B\x1b)B\x0f\x1b]8;;\x1b\\\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\\
                     \x1b[0m\x1b[0 q\x1b[H\x1b[2J";

/// Empties what has scrolled away.
const FORGET_HISTORY: &str = "\x1b[3J";

/// Paints so much of a screen, unless that is more than `most_bytes`.
fn paint(screen: &mut Screen, history: History, extent: Extent, most_bytes: usize) -> Option<Vec<u8>> {
    let mut out = Painter { bytes: String::from(CLEAN), most_bytes, ..Painter::default() };
    if history == History::Kept {
        out.bytes.push_str(FORGET_HISTORY);
    }
    if screen.is(TermMode::ALT_SCREEN) {
        // The emulator gives the other screen only when it shows it, and empties this one when it comes back to it.
        let shown = screen.grid().clone();
        screen.term.swap_alt();
        out.lines(screen.grid(), extent.history_lines, extent.hidden);
        out.cursor(screen.grid());
        screen.term.swap_alt();
        *screen.term.grid_mut() = shown;
        out.bytes.push_str("\x1b[?1049h");
        // It was emptied with the background of what was written last.
        out.attributes(&Cell::default());
        out.bytes.push_str("\x1b[H\x1b[2J");
        out.lines(screen.grid(), 0, extent.shown);
    } else {
        // What the other screen holds is void, but for the place that was saved there.
        let saved = screen.grid().saved_cursor.clone();
        screen.term.swap_alt();
        out.bytes.push_str("\x1b[?1049h");
        out.saved(screen.grid());
        screen.term.swap_alt();
        screen.term.grid_mut().saved_cursor = saved;
        out.bytes.push_str("\x1b[?1049l");
        out.attributes(&Cell::default());
        out.bytes.push_str("\x1b[H");
        out.lines(screen.grid(), extent.history_lines, extent.shown);
    }
    out.state(screen);
    (out.bytes.len() <= most_bytes).then(|| out.bytes.into_bytes())
}

#[derive(Default)]
struct Painter {
    bytes: String,
    /// The attributes that are in force.
    present: Cell,
    link: Option<Hyperlink>,
    /// The present line was begun by wrapping, which gives a line that scrolls in the background of the last character.
    wrapped: bool,
    /// How closely lines are painted.
    detail: Detail,
    /// Beyond this painting is given up.
    most_bytes: usize,
}

impl Painter {
    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        self.bytes.write_fmt(arguments).expect("a String takes everything");
    }

    /// All lines of the screen and so many of those above it, the cursor being at the upper left.
    fn lines(&mut self, grid: &Grid<Cell>, history_lines: usize, detail: Detail) {
        self.detail = detail;
        let last = grid.bottommost_line();
        let mut line = Line(-(history_lines.min(grid.history_size()) as i32));
        while line <= last && self.bytes.len() <= self.most_bytes {
            let wraps = self.line(grid, line);
            if !wraps && line < last {
                // A new line would have the background of the last attributes.
                self.attributes(&Cell::default());
                self.bytes.push_str("\r\n");
            }
            line += 1;
        }
        self.detail = Detail::All;
        self.attributes(&Cell::default());
    }

    /// One line. Says whether its text goes on in the next, which is how a terminal wraps by itself.
    fn line(&mut self, grid: &Grid<Cell>, line: Line) -> bool {
        let row = &grid[line];
        let columns = grid.columns();
        // A terminal wraps by itself only before a character: before an empty line it would not.
        let wraps = row[Column(columns - 1)].flags.contains(Flags::WRAPLINE)
            && line < grid.bottommost_line()
            && !is_blank(&grid[Line(line.0 + 1)][Column(0)]);
        let next_is_wide = wraps && grid[Line(line.0 + 1)][Column(0)].flags.contains(Flags::WIDE_CHAR);
        let last = (0..columns).rfind(|column| !is_blank(&row[Column(*column)]));
        let end = if wraps { columns } else { last.map_or(0, |last| last + 1) };
        for column in 0..end {
            let cell = &row[Column(column)];
            let is_leading = cell.flags.contains(Flags::LEADING_WIDE_CHAR_SPACER);
            match half(row, column) {
                // A terminal leaves this cell itself.
                _ if is_leading && next_is_wide => {}
                Half::Whole if !is_leading => self.cell(cell),
                Half::Second => {}
                Half::Whole | Half::Torn => {
                    self.attributes(cell);
                    self.bytes.push(' ');
                }
            }
        }
        if self.wrapped && end < columns {
            self.attributes(&Cell::default());
            self.bytes.push_str("\x1b[K");
        }
        self.wrapped = wraps;
        wraps
    }

    fn cell(&mut self, cell: &Cell) {
        self.attributes(cell);
        self.bytes.push(if cell.c.is_control() { ' ' } else { cell.c });
        self.bytes.extend(cell.zerowidth().unwrap_or_default().iter().take(self.detail.stacked()));
    }

    fn attributes(&mut self, cell: &Cell) {
        const SHOWN: Flags = Flags::INVERSE
            .union(Flags::BOLD)
            .union(Flags::ITALIC)
            .union(Flags::ALL_UNDERLINES)
            .union(Flags::DIM)
            .union(Flags::HIDDEN)
            .union(Flags::STRIKEOUT);
        let link = cell.hyperlink().filter(|_| self.detail == Detail::All);
        if self.link != link {
            match &link {
                Some(link) => self.put(format_args!("\x1b]8;id={};{}\x1b\\", link.id(), link.uri())),
                None => self.bytes.push_str("\x1b]8;;\x1b\\"),
            }
            self.link = link;
        }
        let (fg, bg) = (self.detail.color(cell.fg), self.detail.color(cell.bg));
        let underline = cell.underline_color().filter(|_| self.detail.has_underline_colors());
        let flags = if self.detail == Detail::Text { Flags::empty() } else { cell.flags & SHOWN };
        let old = &self.present;
        if (old.fg, old.bg, old.flags, old.underline_color()) == (fg, bg, flags, underline) {
            return;
        }
        self.bytes.push_str("\x1b[0");
        for (flag, code) in [
            (Flags::BOLD, "1"),
            (Flags::DIM, "2"),
            (Flags::ITALIC, "3"),
            (Flags::UNDERLINE, "4"),
            (Flags::DOUBLE_UNDERLINE, "4:2"),
            (Flags::UNDERCURL, "4:3"),
            (Flags::DOTTED_UNDERLINE, "4:4"),
            (Flags::DASHED_UNDERLINE, "4:5"),
            (Flags::INVERSE, "7"),
            (Flags::HIDDEN, "8"),
            (Flags::STRIKEOUT, "9"),
        ] {
            if flags.contains(flag) {
                self.put(format_args!(";{code}"));
            }
        }
        self.color(fg, 30);
        self.color(bg, 40);
        match underline {
            Some(Color::Spec(Rgb { r, g, b })) => self.put(format_args!(";58:2::{r}:{g}:{b}")),
            Some(Color::Indexed(index)) => self.put(format_args!(";58:5:{index}")),
            Some(Color::Named(_)) | None => {}
        }
        self.bytes.push('m');
        let mut present = Cell { fg, bg, flags, ..Cell::default() };
        present.set_underline_color(underline);
        self.present = present;
    }

    /// `base` is 30 for what is written, 40 for what it is written on.
    fn color(&mut self, color: Color, base: u16) {
        match color {
            Color::Named(named) => match named as u16 {
                index @ 0..=7 => self.put(format_args!(";{}", base + index)),
                index @ 8..=15 => self.put(format_args!(";{}", base + 60 + index - 8)),
                // Foreground, background, and what the emulator derives from other attributes.
                _ => {}
            },
            Color::Indexed(index) => self.put(format_args!(";{};5;{index}", base + 8)),
            Color::Spec(Rgb { r, g, b }) => self.put(format_args!(";{};2;{r};{g};{b}", base + 8)),
        }
    }

    /// Where the cursor stands and with what it writes; origin mode is off.
    fn cursor(&mut self, grid: &Grid<Cell>) {
        let Point { line, column } = grid.cursor.point;
        self.put(format_args!("\x1b[{};{}H", line.0 + 1, column.0 + 1));
        if wraps_next(grid) {
            self.rewrite_last(grid);
        }
        self.attributes(&grid.cursor.template);
    }

    /// The place that was saved, and with what to write there.
    fn saved(&mut self, grid: &Grid<Cell>) {
        let saved = &grid.saved_cursor;
        self.put(format_args!("\x1b[{};{}H", saved.point.line.0 + 1, saved.point.column.0 + 1));
        self.attributes(&saved.template);
        self.charsets(&saved.charsets);
        self.bytes.push_str("\x1b7");
        self.charsets(&Charsets::default());
    }

    fn charsets(&mut self, charsets: &Charsets) {
        for (index, designate) in [(CharsetIndex::G0, "\x1b("), (CharsetIndex::G1, "\x1b)")] {
            let draws_lines = charsets[index] == StandardCharset::SpecialCharacterAndLineDrawing;
            self.bytes.push_str(designate);
            self.bytes.push(if draws_lines { '0' } else { 'B' });
        }
    }

    /// Writes the last character of the cursor's line again, so that the next one wraps.
    fn rewrite_last(&mut self, grid: &Grid<Cell>) {
        let row = &grid[grid.cursor.point.line];
        let last = Column(grid.columns() - 1);
        if row[last].flags.contains(Flags::WIDE_CHAR_SPACER) && last.0 > 0 {
            self.bytes.push('\x08');
            self.cell(&row[last - 1usize]);
        } else {
            self.cell(&row[last]);
        }
    }

    /// Everything but cells.
    fn state(&mut self, screen: &Screen) {
        let grid = screen.grid();
        for index in 0..256 {
            if let Some(Rgb { r, g, b }) = screen.term.colors()[index] {
                self.put(format_args!("\x1b]4;{index};rgb:{r:02x}/{g:02x}/{b:02x}\x1b\\"));
            }
        }
        for (named, code) in
            [(NamedColor::Foreground, 10), (NamedColor::Background, 11), (NamedColor::Cursor, 12)]
        {
            if let Some(Rgb { r, g, b }) = screen.term.colors()[named] {
                self.put(format_args!("\x1b]{code};rgb:{r:02x}/{g:02x}/{b:02x}\x1b\\"));
            }
        }
        // Also the usual ones: not every terminal knows a control that sets them.
        self.bytes.push_str("\x1b[3g");
        for column in (0..grid.columns()).filter(|column| screen.has_tab(*column)) {
            self.put(format_args!("\x1b[{}G\x1bH", column + 1));
        }
        self.saved(grid);
        if let Some((first, last)) = screen.region {
            self.put(format_args!("\x1b[{};{}r", first + 1, last + 1));
        }
        self.cursor(grid);
        if screen.is(TermMode::ORIGIN) {
            // Turning it on moves the cursor; from then on lines count from the region's first.
            let first = screen.region.map_or(0, |(first, _)| first as i32);
            let Point { line, column } = grid.cursor.point;
            self.put(format_args!("\x1b[?6h\x1b[{};{}H", (line.0 - first).max(0) + 1, column.0 + 1));
            if wraps_next(grid) {
                self.rewrite_last(grid);
                self.attributes(&grid.cursor.template);
            }
        }
        for (mode, on) in [
            (TermMode::APP_CURSOR, "\x1b[?1h"),
            (TermMode::APP_KEYPAD, "\x1b="),
            (TermMode::MOUSE_REPORT_CLICK, "\x1b[?1000h"),
            (TermMode::MOUSE_DRAG, "\x1b[?1002h"),
            (TermMode::MOUSE_MOTION, "\x1b[?1003h"),
            (TermMode::FOCUS_IN_OUT, "\x1b[?1004h"),
            (TermMode::UTF8_MOUSE, "\x1b[?1005h"),
            (TermMode::SGR_MOUSE, "\x1b[?1006h"),
            (TermMode::BRACKETED_PASTE, "\x1b[?2004h"),
            (TermMode::INSERT, "\x1b[4h"),
            (TermMode::LINE_FEED_NEW_LINE, "\x1b[20h"),
        ] {
            if screen.is(mode) {
                self.bytes.push_str(on);
            }
        }
        for (mode, off) in [
            (TermMode::LINE_WRAP, "\x1b[?7l"),
            (TermMode::ALTERNATE_SCROLL, "\x1b[?1007l"),
            (TermMode::SHOW_CURSOR, "\x1b[?25l"),
        ] {
            if !screen.is(mode) {
                self.bytes.push_str(off);
            }
        }
        let CursorStyle { shape, blinking } = screen.term.cursor_style();
        let style = match shape {
            CursorShape::Underline => 3,
            CursorShape::Beam => 5,
            CursorShape::Block | CursorShape::HollowBlock | CursorShape::Hidden => 1,
        };
        if (shape, blinking) != (CursorShape::Block, false) {
            self.put(format_args!("\x1b[{} q", if blinking { style } else { style + 1 }));
        }
        self.charsets(&grid.cursor.charsets);
        if screen.charset == CharsetIndex::G1 {
            self.bytes.push('\x0e');
        }
    }
}

/// Whether the next character goes to the next line though the cursor stands on this one.
fn wraps_next(grid: &Grid<Cell>) -> bool {
    grid.cursor.input_needs_wrap && grid.cursor.point.column == grid.last_column()
}

/// What of a wide character a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    /// All of one that is not wide, or the first half of one that is.
    Whole,
    /// The second half.
    Second,
    /// A half whose other half was written over: it is shown as a blank.
    Torn,
}

pub(super) fn half(row: &Row<Cell>, column: usize) -> Half {
    let has =
        |column: usize, flag| (0..row.len()).contains(&column) && row[Column(column)].flags.contains(flag);
    let is_first = has(column, Flags::WIDE_CHAR);
    let is_second = has(column, Flags::WIDE_CHAR_SPACER);
    match (is_first, is_second) {
        (false, false) => Half::Whole,
        (true, _) if has(column + 1, Flags::WIDE_CHAR_SPACER) => Half::Whole,
        (false, true) if column > 0 && has(column - 1, Flags::WIDE_CHAR) => Half::Second,
        _ => Half::Torn,
    }
}

/// Whether a cell looks like one that nothing was written to.
fn is_blank(cell: &Cell) -> bool {
    (cell.c == ' ' || cell.c.is_control())
        && cell.bg == Color::Named(NamedColor::Background)
        && !cell.flags.intersects(
            Flags::INVERSE
                | Flags::ALL_UNDERLINES
                | Flags::STRIKEOUT
                | Flags::WIDE_CHAR_SPACER
                | Flags::LEADING_WIDE_CHAR_SPACER,
        )
        && cell.extra.is_none()
}
