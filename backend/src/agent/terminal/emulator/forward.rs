//! Passes every control on to the emulator, and remembers of some what it does not tell.

use alacritty_terminal::grid::Dimensions as _;
use alacritty_terminal::vte::ansi::cursor_icon::CursorIcon;
use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, ClearMode, CursorShape, CursorStyle, Handler, Hyperlink, LineClearMode, Mode,
    NamedPrivateMode, PrivateMode, Rgb, StandardCharset, TabulationClearMode,
};
use parlor_shared::terminal::is_followable;
use unicode_width::UnicodeWidthChar as _;

use super::Screen;

/// Characters of no width that one cell holds: more than any script needs, few enough that nobody fills the memory.
const MAX_STACKED: usize = 12;

/// Longer links are not kept: each cell would hold one.
const MAX_LINK_BYTES: usize = 2048;

macro_rules! forward {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $name(&mut self, $($argument: $type),*) {
            Handler::$name(&mut self.term, $($argument),*);
        })*
    };
}

impl Handler for Screen {
    forward! {
        set_title(title: Option<String>);
        set_cursor_style(style: Option<CursorStyle>);
        set_cursor_shape(shape: CursorShape);
        goto(line: i32, column: usize);
        goto_line(line: i32);
        goto_col(column: usize);
        insert_blank(count: usize);
        move_up(lines: usize);
        move_down(lines: usize);
        identify_terminal(intermediate: Option<char>);
        device_status(what: usize);
        move_forward(columns: usize);
        move_backward(columns: usize);
        move_down_and_cr(lines: usize);
        move_up_and_cr(lines: usize);
        put_tab(count: u16);
        backspace();
        carriage_return();
        linefeed();
        bell();
        substitute();
        newline();
        scroll_up(lines: usize);
        scroll_down(lines: usize);
        insert_blank_lines(count: usize);
        delete_lines(count: usize);
        erase_chars(count: usize);
        delete_chars(count: usize);
        move_backward_tabs(count: u16);
        move_forward_tabs(count: u16);
        save_cursor_position();
        restore_cursor_position();
        clear_line(mode: LineClearMode);
        clear_screen(mode: ClearMode);
        reverse_index();
        terminal_attribute(attribute: Attr);
        set_mode(mode: Mode);
        unset_mode(mode: Mode);
        report_mode(mode: Mode);
        report_private_mode(mode: PrivateMode);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        configure_charset(index: CharsetIndex, charset: StandardCharset);
        set_color(index: usize, color: Rgb);
        reset_color(index: usize);
        decaln();
        push_title();
        pop_title();
        text_area_size_chars();
        set_mouse_cursor_icon(icon: CursorIcon);
    }

    // Not passed on: colours and pixels that were asked for, clipboards, and keyboards of other kinds than the viewers'.

    fn input(&mut self, c: char) {
        if c.width() == Some(0) {
            self.stacked += 1;
            if self.stacked > MAX_STACKED {
                return;
            }
        } else {
            self.stacked = 0;
        }
        Handler::input(&mut self.term, c);
    }

    fn set_hyperlink(&mut self, link: Option<Hyperlink>) {
        let link = link.filter(|link| link.uri.len() <= MAX_LINK_BYTES && is_followable(&link.uri));
        Handler::set_hyperlink(&mut self.term, link);
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        if mode == PrivateMode::Named(NamedPrivateMode::ColumnMode) {
            self.region = None;
        }
        Handler::set_private_mode(&mut self.term, mode);
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        if mode == PrivateMode::Named(NamedPrivateMode::ColumnMode) {
            self.region = None;
        }
        Handler::unset_private_mode(&mut self.term, mode);
    }

    fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        let lines = self.grid().screen_lines();
        let end = bottom.unwrap_or(lines);
        // The same rule as the emulator's.
        if top < end {
            let (first, end) = (top.saturating_sub(1).min(lines), end.min(lines));
            self.region = (first > 0 || end < lines).then_some((first, end.saturating_sub(1)));
        }
        Handler::set_scrolling_region(&mut self.term, top, bottom);
    }

    fn set_active_charset(&mut self, index: CharsetIndex) {
        self.charset = index;
        Handler::set_active_charset(&mut self.term, index);
    }

    fn set_horizontal_tabstop(&mut self) {
        let column = self.grid().cursor.point.column.0;
        self.with_tabs(|tabs| tabs[column] = true);
        Handler::set_horizontal_tabstop(&mut self.term);
    }

    fn clear_tabs(&mut self, mode: TabulationClearMode) {
        let column = self.grid().cursor.point.column.0;
        self.with_tabs(|tabs| match mode {
            TabulationClearMode::Current => tabs[column] = false,
            TabulationClearMode::All => tabs.fill(false),
        });
        Handler::clear_tabs(&mut self.term, mode);
    }

    fn set_tabs(&mut self, interval: u16) {
        self.with_tabs(|tabs| {
            for (column, tab) in tabs.iter_mut().enumerate() {
                *tab = column.is_multiple_of(usize::from(interval.max(1)));
            }
        });
        Handler::set_tabs(&mut self.term, interval);
    }

    fn reset_state(&mut self) {
        self.region = None;
        self.charset = CharsetIndex::G0;
        self.tabs = None;
        Handler::reset_state(&mut self.term);
    }
}

impl Screen {
    fn with_tabs(&mut self, change: impl FnOnce(&mut [bool])) {
        let columns = self.grid().columns();
        let tabs =
            self.tabs.get_or_insert_with(|| (0..columns).map(|column| column.is_multiple_of(8)).collect());
        change(tabs);
    }
}
