//! Whole pages, one for each state of a session.

pub(crate) mod connection;
pub(crate) mod ended;
pub(crate) mod join;
pub(crate) mod lobby;
pub(crate) mod session;
