//! Pages, one file each: struct, `show`, `submit`. Templates stand at the same path under `templates/`.

pub mod connect;
pub mod demo;
