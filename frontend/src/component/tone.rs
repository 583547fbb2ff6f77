//! What a coloured thing means: the one list of meanings that badges, banners, toasts and status items share.

/// A meaning. Always said in words or by a picture too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Neutral,
    Accent,
    Info,
    Warning,
    Danger,
}

impl Tone {
    /// The value of `data-tone` and `data-kind` in the styles.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Accent => "accent",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Danger => "danger",
        }
    }

    /// The picture that goes with it.
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Neutral | Self::Accent | Self::Info => "info",
            Self::Warning => "triangle-alert",
            Self::Danger => "circle-alert",
        }
    }
}
