//! The names of everything that the command palette offers. Where Live Share has a name for it, it is that one.

/// Something that one can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    CopyInvite,
    CopyViewerInvite,
    ShowInvites,
    ListParticipants,
    GoToParticipant,
    MakeReadOnly,
    MakeEditor,
    LetOpenTerminals,
    StopOpeningTerminals,
    RemoveParticipant,
    ChangeName,
    EndSession,
    LeaveSession,
    NewFile,
    NewFolder,
    Rename,
    Delete,
    CollapseFolders,
    RevealActive,
    Save,
    ReopenWithEncoding,
    SaveWithEncoding,
    SaveAsUtf8,
    CloseTab,
    CloseOtherTabs,
    CloseAllTabs,
    NextTab,
    PreviousTab,
    CopyPath,
    Find,
    GoToLine,
    Undo,
    Redo,
    UndoAnyone,
    ToggleWrap,
    FontLarger,
    FontSmaller,
    FontUsual,
    ThemeSystem,
    ThemeLight,
    ThemeDark,
    FlagsNever,
    FlagsActivity,
    FlagsAlways,
    FocusFiles,
    FocusPeople,
    FocusEditor,
    NextPart,
    PreviousPart,
    ToggleSideBar,
    ShowPalette,
    TryNow,
    CheckSync,
    ShowUnsent,
    ShareTerminal,
    ShareTerminalReadOnly,
    NewTerminal,
    UnshareTerminal,
    AskToType,
    TerminalReadOnly,
    TerminalCollaborative,
    ToggleTerminal,
    MaximisePanel,
    FocusTerminal,
    NextTerminal,
    PreviousTerminal,
    SplitTerminal,
    MoveTerminalToEditor,
    MoveTerminalToPanel,
    FindInTerminal,
    ClearTerminal,
    CopyTerminal,
    SelectTerminal,
    RestartTerminal,
    TerminalLarger,
    TerminalSmaller,
    TerminalUsual,
    TerminalReadAloud,
    TerminalSizeHost,
    TerminalSizeWriter,
    TerminalSizeFixed,
}

impl Command {
    /// All, in the order in which the palette has them.
    pub(crate) const ALL: [Self; 81] = [
        Self::CopyInvite,
        Self::CopyViewerInvite,
        Self::ShowInvites,
        Self::ListParticipants,
        Self::GoToParticipant,
        Self::MakeReadOnly,
        Self::MakeEditor,
        Self::LetOpenTerminals,
        Self::StopOpeningTerminals,
        Self::RemoveParticipant,
        Self::ChangeName,
        Self::LeaveSession,
        Self::EndSession,
        Self::TryNow,
        Self::CheckSync,
        Self::ShowUnsent,
        Self::NewFile,
        Self::NewFolder,
        Self::Rename,
        Self::Delete,
        Self::CollapseFolders,
        Self::RevealActive,
        Self::Save,
        Self::ReopenWithEncoding,
        Self::SaveWithEncoding,
        Self::SaveAsUtf8,
        Self::CloseTab,
        Self::CloseOtherTabs,
        Self::CloseAllTabs,
        Self::NextTab,
        Self::PreviousTab,
        Self::CopyPath,
        Self::Find,
        Self::GoToLine,
        Self::Undo,
        Self::Redo,
        Self::UndoAnyone,
        Self::ToggleWrap,
        Self::FontLarger,
        Self::FontSmaller,
        Self::FontUsual,
        Self::ThemeSystem,
        Self::ThemeLight,
        Self::ThemeDark,
        Self::FlagsActivity,
        Self::FlagsAlways,
        Self::FlagsNever,
        Self::ShareTerminal,
        Self::ShareTerminalReadOnly,
        Self::NewTerminal,
        Self::UnshareTerminal,
        Self::AskToType,
        Self::TerminalReadOnly,
        Self::TerminalCollaborative,
        Self::ToggleTerminal,
        Self::MaximisePanel,
        Self::FocusTerminal,
        Self::NextTerminal,
        Self::PreviousTerminal,
        Self::SplitTerminal,
        Self::MoveTerminalToEditor,
        Self::MoveTerminalToPanel,
        Self::FindInTerminal,
        Self::ClearTerminal,
        Self::CopyTerminal,
        Self::SelectTerminal,
        Self::RestartTerminal,
        Self::TerminalLarger,
        Self::TerminalSmaller,
        Self::TerminalUsual,
        Self::TerminalReadAloud,
        Self::TerminalSizeHost,
        Self::TerminalSizeWriter,
        Self::TerminalSizeFixed,
        Self::FocusFiles,
        Self::FocusPeople,
        Self::FocusEditor,
        Self::NextPart,
        Self::PreviousPart,
        Self::ToggleSideBar,
        Self::ShowPalette,
    ];

    /// As the palette shows it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::CopyInvite => "Live Share: Invite Others (Copy Link)",
            Self::CopyViewerInvite => "Live Share: Invite Others as Viewers (Copy Read-Only Link)",
            Self::ShowInvites => "Live Share: Show Invite Links",
            Self::ListParticipants => "Live Share: List Participants",
            Self::GoToParticipant => "Live Share: Go to Participant",
            Self::MakeReadOnly => "Live Share: Make Participant Read-Only",
            Self::MakeEditor => "Live Share: Make Participant Read/Write",
            Self::LetOpenTerminals => "Live Share: Let Participant Open Terminals",
            Self::StopOpeningTerminals => "Live Share: No Longer Let Participant Open Terminals",
            Self::RemoveParticipant => "Live Share: Remove Participant",
            Self::ChangeName => "Live Share: Change My Name",
            Self::EndSession => "Live Share: End Collaboration Session",
            Self::LeaveSession => "Live Share: Leave Collaboration Session",
            Self::NewFile => "File: New File",
            Self::NewFolder => "File: New Folder",
            Self::Rename => "File: Rename",
            Self::Delete => "File: Delete",
            Self::CollapseFolders => "Explorer: Collapse All Folders",
            Self::RevealActive => "Explorer: Reveal Active File",
            Self::Save => "File: Save",
            Self::ReopenWithEncoding => "File: Reopen with Encoding",
            Self::SaveWithEncoding => "File: Save with Encoding",
            Self::SaveAsUtf8 => "File: Save as UTF-8",
            Self::CloseTab => "View: Close Editor",
            Self::CloseOtherTabs => "View: Close Other Editors",
            Self::CloseAllTabs => "View: Close All Editors",
            Self::NextTab => "View: Open Next Editor",
            Self::PreviousTab => "View: Open Previous Editor",
            Self::CopyPath => "File: Copy Path of Active File",
            Self::Find => "Edit: Find",
            Self::GoToLine => "Go to Line/Column",
            Self::Undo => "Edit: Undo My Last Change",
            Self::Redo => "Edit: Redo My Last Change",
            Self::UndoAnyone => "Edit: Undo Last Change by Anyone",
            Self::ToggleWrap => "View: Toggle Word Wrap",
            Self::FontLarger => "View: Larger Code",
            Self::FontSmaller => "View: Smaller Code",
            Self::FontUsual => "View: Reset Size of Code",
            Self::ThemeSystem => "Preferences: Colours As the System",
            Self::ThemeLight => "Preferences: Light Colours",
            Self::ThemeDark => "Preferences: Dark Colours",
            Self::FlagsNever => "Preferences: Never Show Names at Carets",
            Self::FlagsActivity => "Preferences: Show Names at Carets While They Type",
            Self::FlagsAlways => "Preferences: Always Show Names at Carets",
            Self::FocusFiles => "View: Show Explorer",
            Self::FocusPeople => "View: Show People",
            Self::FocusEditor => "View: Focus Editor",
            Self::NextPart => "View: Focus Next Part",
            Self::PreviousPart => "View: Focus Previous Part",
            Self::ToggleSideBar => "View: Toggle Side Bar Visibility",
            Self::ShowPalette => "Show All Commands",
            Self::TryNow => "Connection: Try Now",
            Self::CheckSync => "Connection: Check Sync of Open Files",
            Self::ShowUnsent => "Show Text That Did Not Reach the Host",
            Self::ShareTerminal => "Live Share: Share Terminal (Read/Write)",
            Self::ShareTerminalReadOnly => "Live Share: Share Terminal (Read-Only)",
            Self::NewTerminal => "Terminal: New Terminal",
            Self::UnshareTerminal => "Live Share: Unshare Terminal",
            Self::AskToType => "Live Share: Ask to Type in Terminal",
            Self::TerminalReadOnly => "Live Share: Make Terminal Read-Only",
            Self::TerminalCollaborative => "Live Share: Make Terminal Read/Write",
            Self::ToggleTerminal => "View: Toggle Terminal",
            Self::MaximisePanel => "View: Toggle Maximized Panel",
            Self::FocusTerminal => "Terminal: Focus",
            Self::NextTerminal => "Terminal: Focus Next Terminal",
            Self::PreviousTerminal => "Terminal: Focus Previous Terminal",
            Self::SplitTerminal => "Terminal: Split",
            Self::MoveTerminalToEditor => "Terminal: Move to Editor Area",
            Self::MoveTerminalToPanel => "Terminal: Move to Panel",
            Self::FindInTerminal => "Terminal: Find",
            Self::ClearTerminal => "Terminal: Clear",
            Self::CopyTerminal => "Terminal: Copy Selection",
            Self::SelectTerminal => "Terminal: Select All",
            Self::RestartTerminal => "Terminal: Restart",
            Self::TerminalLarger => "Terminal: Larger Text",
            Self::TerminalSmaller => "Terminal: Smaller Text",
            Self::TerminalUsual => "Terminal: Reset Size of Text",
            Self::TerminalReadAloud => "Terminal: Toggle Screen Reader Mode",
            Self::TerminalSizeHost => "Terminal: Size As It Fits Here",
            Self::TerminalSizeWriter => "Terminal: Size As It Fits Whoever Types",
            Self::TerminalSizeFixed => "Terminal: Keep This Size",
        }
    }

    /// The keys that do the same, one string a key; `Mod` is Ctrl, or Cmd on a Mac.
    pub(crate) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Save => &["Mod", "S"],
            Self::CloseTab => &["Alt", "W"],
            Self::NextTab => &["Alt", "PageDown"],
            Self::PreviousTab => &["Alt", "PageUp"],
            Self::Find => &["Mod", "F"],
            Self::GoToLine => &["Ctrl", "G"],
            Self::Undo => &["Mod", "Z"],
            Self::Redo => &["Mod", "Shift", "Z"],
            Self::ToggleWrap => &["Alt", "Z"],
            Self::FocusFiles => &["Mod", "Shift", "E"],
            Self::NextPart => &["F6"],
            Self::ToggleSideBar => &["Mod", "B"],
            Self::Rename => &["F2"],
            Self::Delete => &["Del"],
            Self::PreviousPart => &["Shift", "F6"],
            Self::ShowPalette => &["F1"],
            Self::ToggleTerminal => &["Ctrl", "`"],
            Self::ShareTerminal | Self::NewTerminal => &["Ctrl", "Shift", "`"],
            Self::ReopenWithEncoding
            | Self::SaveWithEncoding
            | Self::SaveAsUtf8
            | Self::CopyInvite
            | Self::ShowInvites
            | Self::ListParticipants
            | Self::MakeReadOnly
            | Self::MakeEditor
            | Self::LetOpenTerminals
            | Self::StopOpeningTerminals
            | Self::RemoveParticipant
            | Self::EndSession
            | Self::LeaveSession
            | Self::NewFile
            | Self::NewFolder
            | Self::CollapseFolders
            | Self::CloseAllTabs
            | Self::CopyPath
            | Self::UndoAnyone
            | Self::FontLarger
            | Self::FontSmaller
            | Self::FontUsual
            | Self::ThemeSystem
            | Self::ThemeLight
            | Self::ThemeDark
            | Self::FlagsNever
            | Self::FlagsActivity
            | Self::FlagsAlways
            | Self::FocusPeople
            | Self::FocusEditor
            | Self::CopyViewerInvite
            | Self::GoToParticipant
            | Self::ChangeName
            | Self::CloseOtherTabs
            | Self::RevealActive
            | Self::ShowUnsent
            | Self::CheckSync
            | Self::TryNow
            | Self::ShareTerminalReadOnly
            | Self::UnshareTerminal
            | Self::AskToType
            | Self::TerminalReadOnly
            | Self::TerminalCollaborative
            | Self::MaximisePanel
            | Self::FocusTerminal
            | Self::NextTerminal
            | Self::PreviousTerminal
            | Self::SplitTerminal
            | Self::MoveTerminalToEditor
            | Self::MoveTerminalToPanel
            | Self::FindInTerminal
            | Self::ClearTerminal
            | Self::CopyTerminal
            | Self::SelectTerminal
            | Self::RestartTerminal
            | Self::TerminalLarger
            | Self::TerminalSmaller
            | Self::TerminalUsual
            | Self::TerminalReadAloud
            | Self::TerminalSizeHost
            | Self::TerminalSizeWriter
            | Self::TerminalSizeFixed => &[],
        }
    }
}
