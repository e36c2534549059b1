//! Pages for people: one file a page, with its struct, `show` and `submit`; its template lies at the same path.

pub mod admin;
