//! Tells cargo of the folders that are embedded as a whole: without it a new text or image would be missed until some
//! source file changes.
#![expect(clippy::print_stdout, reason = "cargo reads a build script's standard output")]

fn main() {
    for folder in ["locales", "migrations", "static"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
