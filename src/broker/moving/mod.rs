//! Moving an app's stores to another installation. The file holds one sealed line a credential with the stores that share
//! it; ids and token hashes travel, so partners notice nothing. At the source each credential is frozen in the
//! transaction that writes its line: two installations that refresh with one token would burn it.

mod clients;
mod export;
mod file;
mod import;
mod record;

pub use export::{Exported, LeftOut, export};
pub use file::{Append, Broken, Reader, Writer};
pub use import::{Imported, import, lacking};
