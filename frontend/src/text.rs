//! Every sentence that the page says to people. Warm, short, concrete: what happened, what is safe, what to do.

mod commands;
mod crash;
mod door;
mod explorer;
mod faults;
mod frame;
mod people;
mod terminals;
mod work;

pub(crate) use commands::Command;
pub(crate) use crash::CRASH;
pub(crate) use door::*;
pub(crate) use explorer::*;
pub(crate) use faults::{Explained, explain, fault_line, link_error};
pub(crate) use frame::*;
pub(crate) use people::*;
pub(crate) use terminals::*;
pub(crate) use work::*;
