//! A plan: what happens in one simulated session, as data. One JSON object a line, so that it can be read, saved and cut.
//!
//! A plan comes from a seed or from a file. An operation that can not be done when its turn comes is passed over, so that
//! whatever is left of a plan after something was cut out of it is a plan as well.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::random::Random;

/// The files. The first two are there for the whole session, whatever trouble they get into; guests create, rename and
/// delete the others.
pub(crate) const FILES: [&str; 5] = ["a.txt", "sub/b.txt", "x0.txt", "x1.txt", "x2.txt"];

/// How many of [`FILES`] nobody deletes.
pub(crate) const KEPT_FILES: usize = 2;

/// What a plan begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setting {
    /// What the plan was made of, and what the network's delays are made of.
    pub(crate) seed: u64,
    /// How many guests there are: the host's own page is the first, a viewer the last, the others edit.
    pub(crate) guests: usize,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    ToHost,
    ToGuest,
}

/// Who hears that a connection broke. Whoever does not notices the silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Both,
    Guest,
    Host,
    Nobody,
}

/// What the network does to a message under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Damage {
    Duplicate,
    /// Flips a bit of this byte, counted from the end as often as it takes.
    Flip(u16),
    /// Cuts off so many bytes.
    Truncate(u16),
    Lose,
}

/// What another program does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Append,
    /// By a program that holds the file open all the time.
    AppendHeld,
    InsertLine,
    ReplaceLine,
    DeleteLines,
    /// Empties it, as a shell's `>` does.
    Truncate,
    /// Writes another file and renames it over this one, as many editors save.
    Replace,
}

/// Why a file can not be saved for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trouble {
    /// A folder stands in its place.
    Folder,
    /// Nobody may write it.
    ReadOnly,
    /// The folder that it is in is gone.
    NoParent,
}

/// What befalls a save in the midst of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SaveFate {
    /// The program ends, and the disk has a mix of old and new blocks that this number decides.
    Kill { mix: u64 },
    /// The disk refuses so many steps: it is full, or broken.
    Refuse { full: bool, times: u32 },
}

/// What happens next. `at` is a place in a text or a file, in 65,536ths of its length; times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    Connect {
        guest: usize,
        latency: u32,
        jitter: u32,
    },
    /// So many messages of each direction still arrive.
    Cut {
        guest: usize,
        told: Told,
        arrive: usize,
    },
    /// A guest that reads nothing.
    Stall {
        guest: usize,
    },
    Unstall {
        guest: usize,
    },
    /// Delivers messages before their time, and lets the agent take so many steps on them.
    Deliver {
        guest: usize,
        way: Way,
        messages: usize,
        polls: u32,
    },
    Damage {
        guest: usize,
        way: Way,
        message: usize,
        damage: Damage,
    },
    Type {
        guest: usize,
        file: usize,
        at: u16,
        piece: usize,
    },
    Paste {
        guest: usize,
        file: usize,
        at: u16,
        lines: usize,
    },
    Delete {
        guest: usize,
        file: usize,
        at: u16,
        characters: usize,
    },
    /// Deletes what this guest typed last in this file.
    TakeBack {
        guest: usize,
        file: usize,
    },
    Show {
        guest: usize,
    },
    Open {
        guest: usize,
        file: usize,
    },
    Close {
        guest: usize,
        file: usize,
    },
    Save {
        guest: usize,
        file: usize,
    },
    Create {
        guest: usize,
        file: usize,
    },
    Rename {
        guest: usize,
        from: usize,
        to: usize,
    },
    Remove {
        guest: usize,
        file: usize,
    },
    /// The host changes somebody's role to the other one.
    Role {
        guest: usize,
    },
    /// Another program changes a file; the agent hears of it after a while, or not at all.
    Outside {
        file: usize,
        change: Change,
        at: u16,
        told: Option<u32>,
    },
    Trouble {
        file: usize,
        trouble: Trouble,
    },
    Relieve {
        file: usize,
    },
    /// What must survive a crash can not be written: a file stands in the place of the folder.
    LoseState,
    GiveStateBack,
    /// Other programs write more than the lane of a guest that does not read can hold.
    Flood {
        guest: usize,
    },
    Pass {
        time: u32,
    },
    /// Ends the agent after so many steps; of a record that it was just appending to a journal, so many bytes are there.
    Kill {
        polls: u32,
        torn: usize,
    },
    /// Ends the agent when it has just written this file, if it does so soon, so many steps after it did.
    KillAtCheckpoint {
        file: usize,
        polls: u32,
    },
    /// Disturbs a save when so many of its steps, or of those before it, are over.
    DisturbSave {
        step: u32,
        fate: SaveFate,
    },
    Restart,
    /// A guest's tab is loaded anew: what it had and nobody else has is gone.
    Reload {
        guest: usize,
    },
    /// Everybody comes back, everything is delivered and checked.
    Rest,
}

/// A setting and what happens in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) setting: Setting,
    pub(crate) operations: Vec<Operation>,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of_seed(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let setting = Setting { seed, guests: 3 + random.below(3) };
        let mut maker = Maker { random, guests: setting.guests, operations: Vec::new() };
        maker.opening();
        for _ in 0..30 + maker.random.below(50) {
            maker.scene();
        }
        Self { setting, operations: maker.operations }
    }

    /// Reads a plan that was saved.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let first = lines.next().context("the plan is empty")?;
        let setting = serde_json::from_str(first).context("the first line is no setting")?;
        let operations = lines
            .map(|line| serde_json::from_str(line).with_context(|| format!("not an operation: {line}")))
            .collect::<Result<_>>()?;
        Ok(Self { setting, operations })
    }

    /// The plan as it is saved.
    pub(crate) fn text(&self) -> String {
        let setting = serde_json::to_string(&self.setting);
        let operations = self.operations.iter().map(serde_json::to_string);
        let lines = std::iter::once(setting).chain(operations);
        lines.map(|line| line.expect("plans hold only what JSON can") + "\n").collect()
    }
}

/// Makes up a plan.
struct Maker {
    random: Random,
    guests: usize,
    operations: Vec<Operation>,
}

impl Maker {
    fn add(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    fn guest(&mut self) -> usize {
        self.random.below(self.guests)
    }

    /// Mostly one that is there to stay.
    fn file(&mut self) -> usize {
        if self.random.one_in(5) { self.random.below(FILES.len()) } else { self.random.below(KEPT_FILES) }
    }

    fn at(&mut self) -> u16 {
        u16::try_from(self.random.below(1 << 16)).expect("below 2^16")
    }

    fn up_to(&mut self, most: usize) -> u32 {
        u32::try_from(self.random.below(most + 1)).expect("a small number")
    }

    fn way(&mut self) -> Way {
        *self.random.pick(&[Way::ToHost, Way::ToGuest])
    }

    fn connect(&mut self, guest: usize) {
        let latency = *self.random.pick(&[0, 1, 5, 20, 80, 300]);
        let jitter = *self.random.pick(&[0, 3, 40, 200]);
        self.add(Operation::Connect { guest, latency, jitter });
    }

    fn pass(&mut self) {
        let time = match self.random.below(40) {
            0 => 20_000 + self.up_to(60_000),
            1..=4 => 300 + self.up_to(3_000),
            _ => self.up_to(120),
        };
        self.add(Operation::Pass { time });
    }

    fn opening(&mut self) {
        for guest in 0..self.guests {
            if !self.random.one_in(5) {
                self.connect(guest);
            }
            for file in 0..KEPT_FILES {
                if !self.random.one_in(4) {
                    self.add(Operation::Open { guest, file });
                }
            }
        }
        self.add(Operation::Pass { time: 700 });
    }

    fn scene(&mut self) {
        match self.random.below(100) {
            0..=29 => self.typing(),
            30..=39 => self.delivering(),
            40..=49 => self.breaking(),
            50..=54 => self.damaging(),
            55..=59 => self.stalling(),
            60..=67 => self.outside(),
            68..=73 => self.trouble(),
            74..=80 => self.crash(),
            81..=84 => self.managing(),
            85..=88 => {
                let guest = self.guest();
                self.add(Operation::Role { guest });
            }
            89..=91 => {
                let guest = self.guest();
                self.add(Operation::Reload { guest });
                if !self.random.one_in(3) {
                    self.connect(guest);
                    for file in 0..KEPT_FILES {
                        self.add(Operation::Open { guest, file });
                    }
                }
            }
            92..=95 => self.opening_and_closing(),
            96 if self.random.one_in(8) => {
                let guest = self.guest();
                self.add(Operation::Flood { guest });
                self.add(Operation::Unstall { guest });
            }
            97 if self.random.one_in(4) => self.add(Operation::Rest),
            98 if self.random.one_in(6) => {
                let time = 600_000 + self.up_to(3_000_000);
                self.add(Operation::Pass { time });
            }
            _ => {
                for guest in 0..self.guests {
                    self.connect(guest);
                }
            }
        }
        if !self.random.one_in(3) {
            self.pass();
        }
    }

    fn edit(&mut self, guest: usize, file: usize) {
        let at = self.at();
        match self.random.below(12) {
            0..=1 => {
                let characters = 1 + self.random.below(12);
                self.add(Operation::Delete { guest, file, at, characters });
            }
            2 => self.add(Operation::TakeBack { guest, file }),
            3 => {
                let lines = 1 + self.random.below(40);
                self.add(Operation::Paste { guest, file, at, lines });
            }
            _ => {
                let piece = self.random.below(16);
                self.add(Operation::Type { guest, file, at, piece });
            }
        }
    }

    fn typing(&mut self) {
        let (one, other, file) = (self.guest(), self.guest(), self.file());
        for _ in 0..1 + self.random.below(7) {
            let guest = *self.random.pick(&[one, one, other]);
            self.edit(guest, file);
            match self.random.below(8) {
                0 => self.add(Operation::Show { guest }),
                1 => self.add(Operation::Save { guest, file }),
                2..=4 => self.pass(),
                _ => {}
            }
        }
    }

    fn delivering(&mut self) {
        let (guest, way) = (self.guest(), self.way());
        let (messages, polls) = (1 + self.random.below(6), self.up_to(30));
        self.add(Operation::Deliver { guest, way, messages, polls });
    }

    fn breaking(&mut self) {
        let (guest, file) = (self.guest(), self.file());
        let told = *self.random.pick(&[Told::Both, Told::Both, Told::Guest, Told::Host, Told::Nobody]);
        let arrive = self.random.below(4);
        self.add(Operation::Cut { guest, told, arrive });
        for _ in 0..self.random.below(4) {
            self.edit(guest, file);
        }
        self.pass();
        if self.random.one_in(3) {
            self.scene();
        }
        self.connect(guest);
    }

    fn damaging(&mut self) {
        let (guest, file, way) = (self.guest(), self.file(), self.way());
        self.edit(guest, file);
        self.edit(guest, file);
        let damage = match self.random.below(4) {
            0 => Damage::Duplicate,
            1 => Damage::Flip(self.at()),
            2 => Damage::Truncate(1 + self.at() % 40),
            _ => Damage::Lose,
        };
        let message = self.random.below(3);
        self.add(Operation::Damage { guest, way, message, damage });
        self.add(Operation::Pass { time: 500 });
        if !self.random.one_in(4) {
            self.connect(guest);
        }
    }

    fn stalling(&mut self) {
        let guest = self.guest();
        self.add(Operation::Stall { guest });
        for _ in 0..self.random.below(4) {
            self.typing();
        }
        if !self.random.one_in(3) {
            self.add(Operation::Unstall { guest });
        }
    }

    fn outside(&mut self) {
        let (file, at) = (self.file(), self.at());
        let change = *self.random.pick(&[
            Change::Append,
            Change::AppendHeld,
            Change::AppendHeld,
            Change::InsertLine,
            Change::InsertLine,
            Change::ReplaceLine,
            Change::DeleteLines,
            Change::Truncate,
            Change::Replace,
        ]);
        let told = if self.random.one_in(4) { None } else { Some(self.up_to(200)) };
        if self.random.one_in(2) {
            // While something typed is on its way to the disk.
            let guest = self.guest();
            self.edit(guest, file);
            let time = self.up_to(600);
            self.add(Operation::Pass { time });
        }
        self.add(Operation::Outside { file, change, at, told });
    }

    fn trouble(&mut self) {
        let file = self.random.below(KEPT_FILES);
        match self.random.below(4) {
            0 => return self.state_trouble(file),
            1 => {
                let full = self.random.one_in(2);
                let (step, times) = (self.up_to(14), 1 + self.up_to(12));
                self.add(Operation::DisturbSave { step, fate: SaveFate::Refuse { full, times } });
                let guest = self.guest();
                self.edit(guest, file);
                let time = 300 + self.up_to(1_500);
                return self.add(Operation::Pass { time });
            }
            _ => {}
        }
        let trouble = *self.random.pick(&[Trouble::Folder, Trouble::ReadOnly, Trouble::NoParent]);
        self.add(Operation::Trouble { file, trouble });
        for _ in 0..self.random.below(4) {
            let guest = self.guest();
            self.edit(guest, file);
            let time = self.up_to(2_500);
            self.add(Operation::Pass { time });
            if self.random.one_in(3) {
                self.add(Operation::Save { guest, file });
            }
        }
        if self.random.one_in(4) {
            self.scene();
        }
        if !self.random.one_in(4) {
            self.add(Operation::Relieve { file });
        }
    }

    fn state_trouble(&mut self, file: usize) {
        self.add(Operation::LoseState);
        for _ in 0..1 + self.random.below(4) {
            let guest = self.guest();
            self.edit(guest, file);
            let time = self.up_to(2_500);
            self.add(Operation::Pass { time });
        }
        match self.random.below(6) {
            0 => self.crash(),
            1 => self.scene(),
            _ => {}
        }
        if !self.random.one_in(4) {
            self.add(Operation::GiveStateBack);
        }
    }

    fn crash(&mut self) {
        let file = self.file();
        for _ in 0..self.random.below(8) {
            let guest = self.guest();
            self.edit(guest, file);
            let time = self.up_to(60);
            self.add(Operation::Pass { time });
        }
        if self.random.one_in(3) {
            let time = self.up_to(500);
            self.add(Operation::Pass { time });
        }
        match self.random.below(4) {
            0 => {
                let polls = self.up_to(2);
                self.add(Operation::KillAtCheckpoint { file, polls });
            }
            1 => {
                let (step, mix) = (self.up_to(14), u64::from(self.at()));
                self.add(Operation::DisturbSave { step, fate: SaveFate::Kill { mix } });
                for _ in 0..3 {
                    let guest = self.guest();
                    self.edit(guest, file);
                    let time = 300 + self.up_to(600);
                    self.add(Operation::Pass { time });
                }
            }
            _ => {}
        }
        let (polls, torn) = (self.up_to(60), if self.random.one_in(3) { self.random.below(30) } else { 0 });
        self.add(Operation::Kill { polls, torn });
        for guest in 0..self.guests {
            match self.random.below(6) {
                0..=1 => self.add(Operation::Reload { guest }),
                2 => self.edit(guest, file),
                _ => {}
            }
        }
        if self.random.one_in(3) {
            self.outside();
        }
        if self.random.one_in(3) {
            self.pass();
        }
        self.add(Operation::Restart);
        for guest in 0..self.guests {
            if self.random.one_in(2) {
                self.connect(guest);
                self.add(Operation::Open { guest, file });
            }
        }
    }

    fn managing(&mut self) {
        let guest = self.guest();
        let extra = FILES.len() - KEPT_FILES;
        let (file, to) = (KEPT_FILES + self.random.below(extra), KEPT_FILES + self.random.below(extra));
        match self.random.below(4) {
            0 => self.add(Operation::Create { guest, file }),
            1 => self.add(Operation::Rename { guest, from: file, to }),
            2 => self.add(Operation::Remove { guest, file }),
            _ => {
                self.add(Operation::Open { guest, file });
                self.add(Operation::Pass { time: 300 });
                self.edit(guest, file);
            }
        }
    }

    fn opening_and_closing(&mut self) {
        let (guest, file) = (self.guest(), self.file());
        if self.random.one_in(2) {
            self.edit(guest, file);
        }
        if self.random.one_in(2) {
            self.add(Operation::Close { guest, file });
        }
        if self.random.one_in(2) {
            self.add(Operation::Open { guest, file });
        }
    }
}
