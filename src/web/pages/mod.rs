//! Pages, one file each: struct, `show`, `submit`. Templates stand at the same path under `templates/`.

pub mod admin;
pub mod connect;
pub mod demo;
pub mod docs;
