//! Testees of group 28: an endpoint of HTTP/2, and lists of changes that make something wrong with
//! it.

mod checks;
mod endpoint;
mod frame;
mod list;
mod rules;

pub(crate) use list::testees;
