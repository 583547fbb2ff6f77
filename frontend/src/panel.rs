//! What stands in the side bar.

pub(crate) mod explorer;
pub(crate) mod people;
