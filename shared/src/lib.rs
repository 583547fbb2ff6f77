//! Parlor's policy, written once: what the host agent, the browser and the native guest must agree on.
//!
//! Everything here is pure: no sockets, no files, no clock, no async runtime. Time is a parameter, and
//! randomness comes from the operating system in [`seal`] and [`invite`] alone.
//!
//! | Module | Answers |
//! |---|---|
//! | [`id`], [`version`], [`limits`], [`path`], [`fault`] | the words and numbers both sides use |
//! | [`role`], [`access_rules`], [`terminal`] | who may do what, to which paths and terminals |
//! | [`message`], [`codec`] | what is said, and how it looks in bytes |
//! | [`invite`], [`seal`], [`link`], [`lane`] | how a room is found, how bytes are protected, numbered and ordered |
//! | [`document`], [`presence`] | shared text and who stands where in it |
//! | [`client`], [`backoff`] | a guest, whole, without I/O; when it tries again |

pub mod access_rules;
pub mod backoff;
pub mod client;
pub mod codec;
pub mod document;
pub mod fault;
pub mod id;
pub mod invite;
pub mod lane;
pub mod limits;
pub mod link;
pub mod message;
pub mod path;
pub mod presence;
pub mod role;
pub mod seal;
pub mod terminal;
pub mod version;
