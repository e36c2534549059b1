//! Tells cargo of the folders that are embedded as a whole: without it a new text or image would be missed until some
//! source file changes.

fn main() {
    for folder in ["locales", "migrations", "src/platform/catalogue", "static"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
