//! Parlor's native side, as a library: the binary, the tests and the benches are made of it.
//!
//! | Module | Is |
//! |---|---|
//! | [`agent`] | the host agent: session, documents, workspace; knows no sockets |
//! | [`http`] | the listener that serves the page and carries guests to the agent |
//! | [`guest`] | a guest without a browser |
//! | [`transport`] | what both sides put sealed frames on |
//! | [`options`], [`share`], [`attach`], [`rescue`], [`doctor`] | the command line, and what its commands do |
//! | [`print_queue`] | printing that holds up nobody |

pub mod agent;
#[cfg(unix)]
pub mod attach;
pub mod doctor;
pub mod guest;
pub mod http;
#[cfg(unix)]
mod local;
pub mod options;
pub mod print_queue;
pub mod rescue;
pub mod share;
mod shares;
pub mod transport;
