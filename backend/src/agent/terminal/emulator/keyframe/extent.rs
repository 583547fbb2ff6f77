//! How much of a screen a keyframe holds, so that a message takes it.
//!
//! What has scrolled away is left out first, the oldest lines before the others. If the screen alone is still too much, what a
//! person misses least goes first: links, then the finest shades, and of a screen that is hidden behind the alternate one
//! before the one that is shown. The last step is the text alone, which always fits.

use alacritty_terminal::vte::ansi::{Color, NamedColor, Rgb};
use parlor_shared::limits::{MAX_TERMINAL_HISTORY_BYTES, MAX_TERMINAL_MESSAGE_BYTES, TERMINAL_HISTORY_LINES};
use parlor_shared::message::{History, Packed};

use super::{CLEAN, paint};
use crate::agent::terminal::emulator::Screen;

/// What a keyframe takes in a message beside the screen: numbers of at most ten bytes each.
const OVERHEAD_BYTES: usize = 128;

/// More is not even painted: packed it would be too much, too, and painting takes time from everybody.
const MOST_PAINTED_BYTES: usize = 4 * MAX_TERMINAL_MESSAGE_BYTES;

/// How closely lines are painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Detail {
    /// As they are.
    #[default]
    All,
    /// Without links, and with few marks on a character.
    NoLinks,
    /// With 256 colours.
    FewColors,
    /// Without colours and attributes.
    Text,
}

impl Detail {
    /// Marks on one character.
    pub(super) const fn stacked(self) -> usize {
        match self {
            Self::All => usize::MAX,
            Self::NoLinks | Self::FewColors => 2,
            Self::Text => 1,
        }
    }

    pub(super) const fn has_underline_colors(self) -> bool {
        matches!(self, Self::All | Self::NoLinks)
    }

    /// The colour that is painted for one.
    pub(super) fn color(self, color: Color) -> Color {
        match (self, color) {
            (Self::FewColors, Color::Spec(rgb)) => Color::Indexed(nearest(rgb)),
            // Which of the two it is makes no difference: neither is written.
            (Self::Text, _) => Color::Named(NamedColor::Foreground),
            (_, color) => color,
        }
    }
}

/// How much of a screen is painted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Lines above the screen.
    pub(super) history_lines: usize,
    /// The screen behind the alternate one.
    pub(super) hidden: Detail,
    /// The one that is shown.
    pub(super) shown: Detail,
}

/// Without what has scrolled away: what is tried, one after the other.
const STEPS: [(Detail, Detail); 6] = [
    (Detail::All, Detail::All),
    (Detail::NoLinks, Detail::NoLinks),
    (Detail::FewColors, Detail::NoLinks),
    (Detail::Text, Detail::NoLinks),
    (Detail::Text, Detail::FewColors),
    (Detail::Text, Detail::Text),
];

/// The screen, painted so that a message takes it.
pub(in super::super) fn fitting(screen: &mut Screen, history: History) -> Packed {
    let mut history_lines = match history {
        History::Kept => TERMINAL_HISTORY_LINES,
        History::None => 0,
    };
    while history_lines > 0 {
        let extent = Extent { history_lines, hidden: Detail::All, shown: Detail::All };
        history_lines = match paint(screen, history, extent, MOST_PAINTED_BYTES).map(Packed::new) {
            Some(packed) if packed.len() <= MAX_TERMINAL_HISTORY_BYTES => return packed,
            // A little less than what would fit if all lines were alike; fewer in any case.
            Some(packed) => {
                history_lines * (MAX_TERMINAL_HISTORY_BYTES / 8 * 7 / 1024) / (packed.len() / 1024)
            }
            None => history_lines / 4,
        };
    }
    let fits = |packed: &Packed| packed.len() <= MAX_TERMINAL_MESSAGE_BYTES - OVERHEAD_BYTES;
    let painted = STEPS.into_iter().find_map(|(hidden, shown)| {
        let extent = Extent { history_lines: 0, hidden, shown };
        paint(screen, history, extent, MOST_PAINTED_BYTES).map(Packed::new).filter(fits)
    });
    // The last step always fits: of each cell it holds two characters at most.
    painted.unwrap_or_else(|| Packed::new(CLEAN.as_bytes().to_vec()))
}

/// The most similar of the 240 colours behind the first sixteen, which everybody chooses differently.
fn nearest(Rgb { r, g, b }: Rgb) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let level = |value: u8| {
        let distance = |index: &u8| LEVELS[usize::from(*index)].abs_diff(value);
        (0..6_u8).min_by_key(distance).unwrap_or_default()
    };
    let far = |other: [u8; 3]| -> u32 {
        [r, g, b].iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    let cube = [level(r), level(g), level(b)];
    let in_cube = 16 + 36 * cube[0] + 6 * cube[1] + cube[2];
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = 8 + 10 * step;
    if far([grey; 3]) < far(cube.map(|level| LEVELS[usize::from(level)])) { 232 + step } else { in_cube }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use alacritty_terminal::grid::Dimensions as _;
    use alacritty_terminal::index::{Column, Line};
    use parlor_shared::codec;
    use parlor_shared::id::TerminalId;
    use parlor_shared::message::{TerminalToGuest, ToGuest};
    use parlor_shared::terminal::TerminalSize;

    use super::*;
    use crate::agent::terminal::emulator::Emulator;

    const LARGEST: TerminalSize = TerminalSize { columns: 500, rows: 200 };

    struct Random(u64);

    impl Random {
        fn byte(&mut self) -> u8 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 56) as u8
        }
    }

    /// Lines of half blocks with two random colours each, as a picture is shown; `before` comes before each cell.
    fn picture(lines: usize, before: impl Fn(&mut String, usize, &mut Random)) -> String {
        let mut random = Random(7);
        let mut out = String::new();
        for cell in 0..lines * 500 {
            before(&mut out, cell, &mut random);
            let mut color = || format!("{};{};{}", random.byte(), random.byte(), random.byte());
            let (fg, bg) = (color(), color());
            write!(out, "\x1b[38;2;{fg};48;2;{bg}m\u{2580}").unwrap();
        }
        out
    }

    fn nothing(_: &mut String, _: usize, _: &mut Random) {}

    fn emulator(bytes: &str) -> Emulator {
        let mut emulator = Emulator::new(LARGEST);
        emulator.feed(bytes.as_bytes());
        emulator
    }

    /// What the link takes of the keyframe, painted on another screen.
    fn sent(emulator: &mut Emulator, history: History) -> (usize, Emulator) {
        let bytes = emulator.keyframe(history);
        let terminal = TerminalId(u32::MAX);
        let (offset, size) = (u64::MAX, LARGEST);
        let keyframe = TerminalToGuest::Keyframe { terminal, offset, size, history, bytes: bytes.clone() };
        let length = codec::encode_for_link(&ToGuest::Terminal(keyframe)).expect("the link takes it").len();
        let mut copy = Emulator::new(LARGEST);
        copy.feed(&bytes.unpack().unwrap());
        (length, copy)
    }

    fn cells(emulator: &Emulator) -> Vec<(char, Color, Color)> {
        let grid = emulator.screen.grid();
        let cell = |line, column| &grid[Line(line)][Column(column)];
        (0..200)
            .flat_map(|line| (0..500).map(move |column| (line, column)))
            .map(|(line, column)| cell(line, column))
            .map(|cell| (cell.c, cell.fg, cell.bg))
            .collect()
    }

    #[test]
    fn the_largest_screen_with_a_colour_for_everything_is_sent_as_it_is() {
        let mut original = emulator(&picture(200, nothing));
        let (alone, copy) = sent(&mut original, History::None);
        assert!(cells(&original) == cells(&copy));
        // The same with what has scrolled away, all of which would be ten times as much.
        let mut original = emulator(&picture(1200, nothing));
        assert_eq!(original.screen.grid().history_size(), TERMINAL_HISTORY_LINES);
        let (length, copy) = sent(&mut original, History::Kept);
        assert!(length > alone && length <= MAX_TERMINAL_HISTORY_BYTES + OVERHEAD_BYTES, "{alone} {length}");
        assert!((1..200).contains(&copy.screen.grid().history_size()));
        assert!(cells(&original) == cells(&copy));
    }

    #[test]
    fn as_much_of_what_has_scrolled_away_is_sent_as_fits() {
        // Pictures above, words on the screen.
        let mut bytes = picture(900, nothing);
        bytes.push_str("\x1b[0m");
        (0..300).for_each(|line| write!(bytes, "\r\nline {line} of a log").unwrap());
        let mut original = emulator(&bytes);
        let (length, copy) = sent(&mut original, History::Kept);
        assert!(cells(&original) == cells(&copy));
        let kept = copy.screen.grid().history_size();
        assert!(
            length <= MAX_TERMINAL_HISTORY_BYTES + OVERHEAD_BYTES && length > MAX_TERMINAL_HISTORY_BYTES / 2,
            "{length}"
        );
        assert!(kept > 120 && kept < 400, "{kept}");
        // The newest of them.
        let (one, other) = (original.screen.grid(), copy.screen.grid());
        for line in 1..=kept as i32 {
            assert_eq!(one[Line(-line)][Column(3)].fg, other[Line(-line)][Column(3)].fg, "{line}");
        }
    }

    #[test]
    fn words_keep_all_of_their_history() {
        let mut bytes = String::new();
        (0..1500).for_each(|line| {
            write!(bytes, "\x1b[3{}mline {line} of a log\x1b[0m {}\r\n", line % 8, "with words ".repeat(30))
                .unwrap();
        });
        let (_, copy) = sent(&mut emulator(&bytes), History::Kept);
        assert_eq!(copy.screen.grid().history_size(), TERMINAL_HISTORY_LINES);
    }

    #[test]
    fn two_screens_are_sent_and_the_one_that_is_shown_as_it_is() {
        let both = format!("{}\x1b[?1049h\x1b[H{}", picture(200, nothing), picture(200, nothing));
        let mut original = emulator(&both);
        let (_, mut copy) = sent(&mut original, History::Kept);
        assert!(cells(&original) == cells(&copy));
        copy.feed(b"\x1b[?1049l");
        original.feed(b"\x1b[?1049l");
        let text = |emulator: &Emulator| cells(emulator).into_iter().map(|cell| cell.0).collect::<String>();
        assert!(text(&original) == text(&copy));
    }

    #[test]
    fn the_worst_that_a_program_can_do_is_sent_more_coarsely() {
        let worst = picture(200, |out, cell, random| {
            write!(out, "\x1b]8;id={cell};https://example.com/{}\x1b\\", "long/".repeat(100)).unwrap();
            out.push_str("\x1b[0");
            for code in ["1", "2", "3", "4:3", "7", "9"] {
                if random.byte() < 128 {
                    write!(out, ";{code}").unwrap();
                }
            }
            write!(out, ";58:2::{}:{}:{}m", random.byte(), random.byte(), random.byte()).unwrap();
        });
        let mut original = emulator(&worst);
        for history in [History::Kept, History::None] {
            let (_, copy) = sent(&mut original, history);
            let text =
                |emulator: &Emulator| cells(emulator).into_iter().map(|cell| cell.0).collect::<String>();
            assert!(text(&original) == text(&copy));
            assert!(cells(&copy).iter().any(|(_, fg, _)| matches!(fg, Color::Spec(_) | Color::Indexed(_))));
        }
    }

    #[test]
    fn every_step_is_smaller_and_the_last_always_fits() {
        let mut random = Random(3);
        let mut bytes = String::new();
        for _ in 0..100_000 {
            let sign = char::from_u32(0x1f300 + u32::from(random.byte())).unwrap();
            let mark = char::from_u32(0x300 + u32::from(random.byte() % 64)).unwrap();
            let (fg, bg) = (random.byte(), random.byte());
            write!(bytes, "\x1b[38;5;{fg};48;2;{bg};{bg};{fg}m{sign}").unwrap();
            (0..20).for_each(|_| bytes.push(mark));
        }
        let both = format!("{bytes}\x1b[?1049h\x1b[H{bytes}");
        let mut original = emulator(&both);
        let mut before = usize::MAX;
        for (hidden, shown) in STEPS {
            let extent = Extent { history_lines: 0, hidden, shown };
            let painted = paint(&mut original.screen, History::None, extent, usize::MAX).unwrap();
            assert!(painted.len() <= before, "{hidden:?} {shown:?}");
            before = painted.len();
        }
        assert!(before <= MAX_TERMINAL_MESSAGE_BYTES - OVERHEAD_BYTES, "not even packed: {before}");
        sent(&mut original, History::None);
    }

    #[test]
    fn the_nearest_colour_is_near() {
        for (r, g, b, index) in [
            (0, 0, 0, 16),
            (255, 255, 255, 231),
            (255, 0, 0, 196),
            (8, 8, 8, 232),
            (238, 238, 238, 255),
            (128, 128, 128, 244),
            (94, 136, 174, 16 + 36 + 12 + 3),
        ] {
            assert_eq!(nearest(Rgb { r, g, b }), index, "{r} {g} {b}");
        }
    }
}
